"""Every threshold of every claim: a case just inside and one just outside, and the sentence that is made of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from ibtui_engine.account.claims import CLAIMS
from ibtui_engine.account.finding import NOT, PARTLY, REPRODUCED, Number
from ibtui_engine.experiment import Experiment
from ibtui_engine.statistics import EpochSpread, Spread

CLAIM = {claim.key: claim for claim in CLAIMS}
SURE = Spread(3.0, math.nan, 0.01, math.nan, math.nan, 10, 10)


def value(mean: float, error: float = 0.0, count: int = 10) -> Spread:
    return Spread(mean, math.nan, error, math.nan, math.nan, count, 10)


def epoch(at: float, count: int = 10) -> EpochSpread:
    return EpochSpread(at if count else math.nan, 0.1, math.nan, math.nan, count, 10)


def row(**given: Any) -> SimpleNamespace:
    usual = {
        "compression": SURE,
        "delay": value(0.0),
        "level": value(0.1),
        "levels_at": epoch(1000),
        "returns": 0,
        "half_compressed": epoch(1000),
        "norm_first": value(1.0),
        "norm_last": value(2.0),
    }
    return SimpleNamespace(**usual | given)


def one(
    rows: Sequence[SimpleNamespace] = (row(), row(), row()),
    *,
    drift: float = 0.02,
    whole: EpochSpread | None = None,
    layers: Sequence[EpochSpread] = (),
    i_y: Any = None,
    i_x: Any = None,
    epochs: Sequence[int] = (0, 600),
    compressing: Any = None,
    fraction: float = 0.85,
    optimizer: str = "sgd",
    **more: Any,
) -> SimpleNamespace:
    """One ensemble of ten networks as the claims see it, from the numbers that they are judged by."""
    whole = whole or epoch(350)
    names = (*(f"T{k + 1}" for k in range(len(rows) - 1)), "output")
    phases = SimpleNamespace(
        drift_share=value(drift),
        layers=rows,
        levels_at=epoch(1000),
        transition=SimpleNamespace(network=whole, layers=layers or (whole,) * len(rows)),
        compressing=compressing,
    )
    of = SimpleNamespace(
        summary=SimpleNamespace(name="made", path=None, experiment=Experiment()),
        ensemble=SimpleNamespace(
            index=0, networks=10, fraction=fraction, optimizer=optimizer, sample_size=3482, snapshots=tuple(epochs)
        ),
        layer_names=names,
        hidden_layers=len(rows) - 1,
        widths=(3,) * len(rows),
        h_x=12.0,
        i_xy=1.0,
        phases=phases,
        layers=SimpleNamespace(epochs=np.array(epochs), i_y=i_y, i_x=i_x),
        learning=SimpleNamespace(train_accuracy=np.ones((2, 10))),
    )
    return SimpleNamespace(of=of, **more)


def judged(key: str, *given: SimpleNamespace) -> tuple[str, Sequence[Number], str]:
    return CLAIM[key].judge(cast("Any", given))


def losing(*losses: tuple[float, float]) -> list[SimpleNamespace]:
    """Hidden layers that lose so many bits with such an error, and an output that does not count."""
    return [*(row(compression=value(*loss)) for loss in losses), row(compression=value(0.0))]


@pytest.mark.parametrize(
    ("drift", "losses", "verdict"),
    [
        (0.0999, [(0.5, 0.0), (0.6, 0.1999)], REPRODUCED),
        (0.1, [(0.5, 0.0), (0.6, 0.1999)], NOT),
        (0.0999, [(0.5, 0.0), (0.6, 0.2001)], PARTLY),
        (0.0999, [(0.5, 0.0), (0.4999, 0.0)], PARTLY),
        (0.0999, [(0.4999, 0.0), (0.4999, 0.0)], NOT),
        (0.1, [(0.5, 0.0), (0.4, 0.0)], NOT),
    ],
)
def test_two_phases(drift: float, losses: list[tuple[float, float]], verdict: str) -> None:
    assert judged("two-phases", one(losing(*losses), drift=drift))[0] == verdict


@pytest.mark.parametrize(
    ("key", "both", "some", "none"),
    [
        ("relu", REPRODUCED, PARTLY, NOT),
        ("noise", NOT, NOT, REPRODUCED),
        ("committee", REPRODUCED, REPRODUCED, PARTLY),
    ],
)
def test_what_counts_as_compression(key: str, both: str, some: str, none: str) -> None:
    assert judged(key, one(losing((0.5, 0.0), (0.6, 0.1999))))[0] == both
    assert judged(key, one(losing((0.4999, 0.0), (0.6, 0.1999))))[0] == some
    assert judged(key, one(losing((0.5, 0.0), (0.6, 0.2001))))[0] == some
    assert judged(key, one(losing((0.4999, 0.0), (0.6, 0.2001))))[0] == none


def test_half_of_the_networks_have_a_transition() -> None:
    silent = losing((0.0, 0.0), (0.0, 0.0))
    assert judged("committee", one(whole=epoch(9, 5)))[0] == REPRODUCED
    assert judged("committee", one(whole=epoch(9, 4)))[0] == PARTLY
    assert judged("committee", one(silent, whole=epoch(9, 5)))[0] == PARTLY
    assert judged("committee", one(silent, whole=epoch(9, 4)))[0] == NOT
    enough, few = epoch(9, 5), epoch(9, 4)
    assert judged("large-problem", one(whole=enough))[0] == REPRODUCED
    assert judged("large-problem", one(whole=few, layers=[enough] * 3))[0] == PARTLY
    verdict, _, why = judged("large-problem", one(whole=enough, layers=[few] * 3))
    assert (verdict, "T1, T2, output" in why) == (PARTLY, True)
    assert judged("large-problem", one(whole=few, layers=[enough, few, few]))[0] == PARTLY
    assert judged("large-problem", one(whole=few))[0] == NOT


def test_the_papers_transition() -> None:
    far = [epoch(10_000)] * 3
    for inside, outside in ((1.49, 1.51), (1 / 1.49, 1 / 1.51)):
        assert judged("transition", one(whole=epoch(350 * inside), layers=far))[0] == REPRODUCED
        assert judged("transition", one(whole=epoch(350 * outside), layers=far))[0] == PARTLY
    for inside, outside in ((2.99, 3.01), (1 / 2.99, 1 / 3.01)):
        assert judged("transition", one(whole=epoch(350 * inside), layers=far))[0] == PARTLY
        assert judged("transition", one(whole=epoch(350 * outside), layers=far))[0] == NOT
    nowhere = epoch(math.nan, 0)
    for factor, verdict in ((1.49, PARTLY), (1.51, NOT)):
        layers = [nowhere, epoch(350 * factor), nowhere]
        assert judged("transition", one(whole=nowhere, layers=layers))[0] == verdict


def test_the_turn_is_the_transition() -> None:
    off = row(delay=value(5.0))
    for factor in (1.49, 1 / 1.49):
        assert judged("coincidence", one([row(delay=value(math.log(factor)))] * 3))[0] == REPRODUCED
        assert judged("coincidence", one([row(delay=value(math.log(factor))), off]))[0] == PARTLY
    shifted = row(delay=value(math.log(1.4), 0.1))
    [number] = judged("coincidence", one([shifted]))[1]
    assert (number.value, number.error) == (pytest.approx(1.4), pytest.approx(0.14))
    for factor in (1.51, 1 / 1.51):
        assert judged("coincidence", one([row(delay=value(math.log(factor))), off]))[0] == NOT
    assert judged("coincidence", one([row(), row(delay=value(5.0, count=1))]))[0] == REPRODUCED
    assert judged("coincidence", one([row(), row(delay=value(5.0, count=2))]))[0] == PARTLY
    assert judged("coincidence", one([row(delay=value(0.0, count=1))] * 2))[0] == NOT


def test_half_of_the_networks_level_off() -> None:
    half, few = row(levels_at=epoch(9, 5), returns=5), row(levels_at=epoch(9, 4), returns=4)
    assert judged("leveling", one([half] * 3))[0] == REPRODUCED
    verdict, numbers, why = judged("leveling", one([half, few, few]))
    assert [number.value for number in numbers] == [0.1, 0.1, 0.1, 1.0]
    assert (verdict, why) == (
        PARTLY,
        "it does not in most networks of T2, output; SNR is above one again at the end in T1",
    )
    assert judged("leveling", one([few] * 3))[::2] == (NOT, "it does not in most networks of T1, T2, output")


def moves(*exponents: float, correlation: float = 0.3) -> list[SimpleNamespace]:
    return [SimpleNamespace(exponent=value(e), correlation=value(correlation), independent=0.3) for e in exponents]


def test_wieners_exponent() -> None:
    assert judged("diffusion", one(moves=moves(0.75, 1.25, 1)))[0] == REPRODUCED
    assert judged("diffusion", one(moves=moves(0.7499, 1, 1)))[::2] == (PARTLY, "T1 come to rest")
    assert judged("diffusion", one(moves=moves(1.2501, 1, 1)))[::2] == (PARTLY, "T1 still go one way")
    assert judged("diffusion", one(moves=moves(1.2501, 0.7499, 9)))[0] == NOT
    nowhere = SimpleNamespace(exponent=value(math.nan, count=0))
    assert judged("diffusion", one(moves=[nowhere] * 3))[::2] == (NOT, "there is no transition to measure from")


def test_correlations_and_norms() -> None:
    kept, shrunk = row(norm_last=value(1.0)), row(norm_last=value(0.999))
    related = moves(1, 1, 1, correlation=0.3 * 1.2501)
    assert judged("correlations", one([kept] * 3, moves=moves(1, 1, 1, correlation=0.3 * 1.2499)))[0] == REPRODUCED
    assert judged("correlations", one([kept] * 3, moves=related))[0] == PARTLY
    assert judged("correlations", one([shrunk] * 3, moves=moves(1, 1, 1)))[0] == PARTLY
    verdict, numbers, why = judged("correlations", one([kept, kept, shrunk], moves=related))
    assert [number.value for number in numbers] == pytest.approx([0.37503, 0.3] * 3 + [1.0, 1.0, 0.999])
    assert (verdict, why) == (NOT, "in-weights are correlated in T1, T2, output; norms shrink in output")


def over_networks(mean: float, error: float) -> list[float]:
    """Two networks, whose standard error is this."""
    return [mean - error, mean + error]


def knowing(*courses: list[list[float]], fraction: float = 0.85) -> SimpleNamespace:
    """An ensemble of two networks: by layer, the courses of I(T;Y) by epoch and network."""
    return one([row()] * len(courses), i_y=np.array(courses).transpose(1, 2, 0), fraction=fraction)


@pytest.mark.parametrize(
    ("few", "most", "verdict"),
    [
        ((0.0201, 0.0), (0.0199, 0.0), REPRODUCED),
        ((0.0199, 0.0), (0.0, 0.0), NOT),
        ((0.06, 0.0199), (0.06, 0.0201), REPRODUCED),
        ((0.06, 0.0201), (0.0, 0.0), NOT),
        ((0.0201, 0.0), (0.0201, 0.0), PARTLY),
    ],
)
def test_label_information_lost(few: tuple[float, float], most: tuple[float, float], verdict: str) -> None:
    def given(loss: tuple[float, float], fraction: float) -> SimpleNamespace:
        falls = [[0.0, 0.0], [1.0, 1.0], [1.0 - x for x in over_networks(*loss)]]
        return knowing(falls, [[0.0, 0.0], [0.5, 0.5], [0.9, 0.9]], fraction=fraction)

    found, numbers, _ = judged("data", given(few, 0.05), given(most, 0.85))
    assert found == verdict
    assert [number.name for number in numbers] == ["T1 at 5 %", "output at 5 %", "T1 at 85 %", "output at 85 %"]


def learning(*course: float, until: int = 600, hidden: int = 1) -> SimpleNamespace:
    """An ensemble whose output knows so much at the epochs 0, ..., `until`."""
    i_y = np.repeat(np.array(course)[:, None, None], 2, axis=1)
    epochs = [0, *range(100, 100 * (len(course) - 1), 100), until]
    return one([row()] * (hidden + 1), i_y=i_y, epochs=epochs)


def test_what_deep_networks_have_learned_when() -> None:
    never, late, in_time = learning(0.0, 0.7999), learning(0.0, 0.8, until=601), learning(0.0, 0.8, until=600)
    assert judged("depth", never, in_time)[0] == REPRODUCED
    numbers = judged("depth", never, in_time)[1]
    assert [number.value for number in numbers] == pytest.approx([math.nan, 0.7999, 600, 0.8], nan_ok=True)
    assert judged("depth", learning(0.0, 0.9, 0.8, 0.85, hidden=2), in_time)[1][0].text == "2 hidden 100"
    assert judged("depth", never, late)[::2] == (PARTLY, "the deepest takes 601 epochs, not 400")
    assert judged("depth", learning(0.0, 0.8, until=9000), in_time)[0] == PARTLY
    assert judged("depth", in_time, in_time)[0] == NOT
    assert judged("depth", in_time, never)[0] == NOT
    assert judged("depth", never, never)[::2] == (NOT, "the deepest never does")


@pytest.mark.parametrize(
    ("layers", "agreement", "verdict"),
    [
        ((3, 2, 1), 0.5, REPRODUCED),
        ((3, 2, 1), 0.4999, PARTLY),
        ((2, 3, 1), 1.0, PARTLY),  # two of three pairs
        ((4, 1, 2, 3), 1.0, NOT),  # three of six
        ((1, 6, 5, 7, 2, 4, 3), 1.0, PARTLY),  # 11 of 21
        ((7, 5, 1, 2, 3, 4, 6), 1.0, NOT),  # 10 of 21
        ((1, 2, 3), 1.0, NOT),
        ((3,), 1.0, NOT),
        ((), math.nan, NOT),
    ],
)
def test_the_order_of_layers(layers: tuple[int, ...], agreement: float, verdict: str) -> None:
    found = SimpleNamespace(layers=layers, agreement=agreement)
    assert judged("order", one([row()] * 7, compressing=found))[0] == verdict


@pytest.mark.parametrize(
    ("below", "unknown", "verdict"), [(0.0999, 0.00999, REPRODUCED), (0.1001, 0.0, NOT), (0.0, 0.01001, NOT)]
)
def test_the_corner(below: float, unknown: float, verdict: str) -> None:
    i_x, i_y = np.full((2, 2, 3), 12.0 - below), np.full((2, 2, 3), 1.0 - unknown)
    i_x[:, :, 1:], i_y[:, :, 1:] = 0.0, 0.0
    i_x[0], i_y[0] = 5.0, 0.3  # the end counts
    assert judged("corner", one(i_x=i_x, i_y=i_y))[0] == verdict


@pytest.mark.parametrize(
    ("distances", "betas", "verdict"),
    [
        ((0.02, 0.0, 0.0, 0.0), (9.0, 5.0, 2.0, math.nan), REPRODUCED),
        ((0.0201, 0.0, 0.0, 0.0), (9.0, 5.0, 2.0, math.nan), PARTLY),
        ((0.02, 0.0, 0.0, 0.0), (9.0, 5.0, math.nan, math.nan), PARTLY),
        ((0.02, 0.0, 0.0, 0.0), (9.0, 5.0, 5.0, math.nan), PARTLY),
        ((0.0201, 0.0, 0.0, 0.0), (9.0, 5.0, math.nan, math.nan), NOT),
    ],
)
@pytest.mark.parametrize("key", ["bound", "bound-symmetric", "bound-symmetric-soft"])
def test_the_bound(key: str, distances: tuple[float, ...], betas: tuple[float, ...], verdict: str) -> None:
    of_layers = {"distance": [value(x) for x in distances], "beta": [value(x) for x in betas]}
    fits = SimpleNamespace(spreads=of_layers.__getitem__)
    assert judged(key, one([row()] * 4, fits=fits))[0] == verdict


def test_what_more_data_gains_and_loses_at_a_step() -> None:
    def at(mean: float, error: float = 0.0, *, fraction: float = 0.5) -> SimpleNamespace:
        return knowing(*[[over_networks(mean, error)]] * 3, fraction=fraction)

    few = at(0.2, 0.0, fraction=0.03)
    assert judged("more-data", few, at(0.5, 0.0999, fraction=0.85))[0] == REPRODUCED
    assert judged("more-data", few, at(0.5, 0.1001, fraction=0.85))[0] == NOT
    for step, verdict in ((0.1999, REPRODUCED), (0.2001, PARTLY)):  # an error of 0.1 at one of the ends of the step
        assert judged("more-data", few, at(0.9 + step, 0.1), at(0.9, 0.0, fraction=0.85))[0] == verdict
        assert judged("more-data", at(0.5 + step, 0.0), at(0.5, 0.1), at(2.0, fraction=0.85))[0] == verdict


@pytest.mark.parametrize(
    ("apart", "verdict"), [(0.0099, REPRODUCED), (0.0101, NOT), (-0.0099, REPRODUCED), (-0.0101, NOT)]
)
def test_noise_in_a_single_layer(apart: float, verdict: str) -> None:
    sigmas, closed = np.array([0.0, 0.31, 0.9]), np.tile([0.1, 0.2, 0.3], (4, 1))
    every = closed + np.array([0.0, apart, 0.001])
    single = SimpleNamespace(sigmas=sigmas, closed=closed, every=every, outside=closed + 0.01)
    deep = SimpleNamespace(sigmas=sigmas, closed=None, every=closed, outside=closed + 0.2)
    found, numbers, _ = judged("perceptron", one(noise=single), one(noise=deep))
    assert found == verdict
    assert [number.value for number in numbers] == pytest.approx([apart, 0.21, 0.4, 0.31, 0.5])
    assert [number.name for number in numbers[1::2]] == [f"single layer: error with noise {size}" for size in (0.3, 1)]


def relaxed(i_x: tuple[float, float], i_y: tuple[float, float] = (0.0, 0.0)) -> list[SimpleNamespace]:
    """Two networks under SGD, which change nothing, and under the moves, by such changes with such errors."""
    given = []
    for optimizer, dx, dy in (("sgd", (0.0, 0.0), (0.0, 0.0)), ("metropolis", i_x, i_y)):
        x, y = np.zeros((3, 2, 3)), np.zeros((3, 2, 3))
        x[2, :, 1], y[2, :, 1] = over_networks(*dx), over_networks(*dy)
        x[2, :, 2] = -9.0  # the output's does not count
        evidence = one(optimizer=optimizer)
        evidence.of.summary.experiment = SimpleNamespace(relaxation_epoch=400)
        evidence.of.layers = SimpleNamespace(
            epochs=np.array([0, 400, 1000]), i_x=x, i_y=y, acceptance=np.zeros((3, 2, 3))
        )
        course = np.ones((3, 2))
        evidence.of.learning = SimpleNamespace(
            epochs=np.array([0, 400, 1000]), train_loss=course, train_accuracy=course, test_accuracy=course
        )
        given.append(evidence)
    return given


@pytest.mark.parametrize(
    ("i_x", "verdict", "words"),
    [
        ((-0.5, 0.0), REPRODUCED, "in T2"),
        ((-0.4999, 0.0), NOT, "no hidden layer clearly loses 0.5 bits at the cost of 600 epochs of SGD"),
        ((-0.6, 0.1999), REPRODUCED, "in T2"),
        ((-0.6, 0.2001), NOT, "no hidden layer clearly loses 0.5 bits at the cost of 600 epochs of SGD"),
        (
            (0.6, 0.1999),
            NOT,
            "no hidden layer clearly loses 0.5 bits at the cost of 600 epochs of SGD; T2 clearly gain",
        ),
        ((0.6, 0.2001), NOT, "no hidden layer clearly loses 0.5 bits at the cost of 600 epochs of SGD"),
    ],
)
def test_whether_a_monte_carlo_relaxation_compresses(i_x: tuple[float, float], verdict: str, words: str) -> None:
    found, numbers, why = judged("monte-carlo", *relaxed(i_x))
    assert (found, why) == (verdict, words)
    assert [number.value for number in numbers] == pytest.approx([0, 0, i_x[0], 0, -9, -9])


@pytest.mark.parametrize(
    ("i_y", "lost"),
    [((-0.0201, 0.0), True), ((-0.0199, 0.0), False), ((-0.06, 0.0199), True), ((-0.06, 0.0201), False)],
)
def test_label_information_lost_in_a_relaxation(i_y: tuple[float, float], lost: bool) -> None:
    why = judged("monte-carlo", *relaxed((-2.0, 0.0), i_y))[2]
    assert why == ("in T2; information on the label is lost with it in T2" if lost else "in T2")


def test_numbers_without_a_verdict_are_of_the_end_and_of_the_hidden_layers() -> None:
    i_y = np.array([[[0.1, 0.2, 0.3]] * 2, [[0.5, 0.6, 0.7]] * 2])
    rows = [*losing((1.0, 0.0), (2.0, 0.0))[:2], row(compression=value(9.0))]
    trained = {"learning_rate": 0.02, "batch": 512, "optimizer": "sgd"}
    usual = one(rows, i_y=i_y, setting=trained.__getitem__)
    usual.of.learning = SimpleNamespace(train_accuracy=np.array([[0.4, 0.4], [0.5, 0.5], [0.9, 0.9]]))
    assert [number.value for number in judged("random-labels", usual)[1]] == pytest.approx([1.0, 2.0, 0.9])
    others = [
        one(rows, i_y=i_y, setting=(trained | change).__getitem__)
        for change in ({"batch": 64}, {"learning_rate": 0.5}, {"optimizer": "adam"}, {"optimizer": "adam", "batch": 64})
    ]
    numbers = judged("sensitivity", usual, *others)[1]
    assert [number.value for number in numbers] == pytest.approx([350, 3.0, 0.7] * 5)
    assert [number.name.partition(":")[0] for number in numbers[::3]] == [
        "0.02, 512, sgd",
        "batch 64",
        "learning rate 0.5",
        "adam 0.02",
        "adam 0.02, batch 64",
    ]


def changed(threshold: Any) -> list[Any]:
    """The same threshold with one of its numbers another; all such."""
    if is_dataclass(threshold) and not isinstance(threshold, type):
        return [
            replace(threshold, **{each.name: number})
            for each in fields(threshold)
            for number in changed(getattr(threshold, each.name))
        ]
    if isinstance(threshold, tuple):
        return []
    return [] if isinstance(threshold, str) else [threshold * 2 + 1]


@pytest.mark.parametrize("key", CLAIM)
def test_the_words_of_a_claim_follow_its_thresholds(key: str) -> None:
    claim: Any = CLAIM[key]
    said = claim.text + claim.measured + claim.rule
    for each in fields(claim):
        for other in changed(getattr(claim, each.name)):
            different = replace(claim, **{each.name: other})
            assert different.text + different.measured + different.rule != said, (each.name, other)


def test_every_claim_with_a_verdict_has_thresholds_and_a_rule() -> None:
    assert {claim.key for claim in CLAIMS if not fields(cast("Any", claim))} == {"random-labels", "sensitivity"}
    assert {claim.key for claim in CLAIMS if not claim.rule} == {"random-labels", "sensitivity"}

"""Every threshold of every claim: a case just inside and one just outside, and the sentence that is made of it.

Networks that all say the same leave nothing open; where they differ, so may the verdict.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from ibtui_engine.account.case import decide
from ibtui_engine.account.claims import CLAIMS
from ibtui_engine.account.finding import NOT, PARTLY, REPRODUCED, UNDECIDED, Number
from ibtui_engine.experiment import Experiment
from ibtui_engine.statistics import epoch_spread, geometric_spread, spread

CLAIM = {claim.key: claim for claim in CLAIMS}
NETWORKS = 20
NEVER = math.nan


def column(mean: float, away: float = 0.0, networks: int = NETWORKS) -> np.ndarray:
    """One number of each network: half of them lie above their mean, half below."""
    return mean + away * np.where(np.arange(networks) % 2, 1.0, -1.0)


def of_some(count: int, value: float, networks: int = NETWORKS) -> np.ndarray:
    """A number that so many of the networks have."""
    return np.where(np.arange(networks) < count, value, np.nan)


def layers(*columns: Any) -> np.ndarray:
    """By network and layer; a number is that of all networks."""
    return np.stack([column(one) if np.isscalar(one) else np.asarray(one) for one in columns], axis=1)


def one(
    depth: int = 3,
    *,
    losses: Any = None,
    drift: Any = 350.0,
    by_layer: Any = None,
    turns: Any = None,
    levels: Any = None,
    returns: Sequence[int] = (),
    half: Any = None,
    fitted: Any = None,
    norms: Any = None,
    i_y: Any = None,
    i_x: Any = None,
    epochs: Sequence[int] = (0, 10_000),
    fraction: float = 0.85,
    optimizer: str = "sgd",
    **more: Any,
) -> SimpleNamespace:
    """One ensemble as the claims see it, from the numbers that they are judged by: columns of its networks."""
    whole = column(drift) if np.isscalar(drift) else np.asarray(drift)
    shape = (len(whole), depth)

    def given(numbers: Any, usual: float) -> np.ndarray:
        return np.full(shape, usual) if numbers is None else np.asarray(numbers)

    compression, level = given(losses, 3.0), given(levels, 1000.0)
    by_layer = np.repeat(whole[:, None], depth, axis=1) if by_layer is None else np.asarray(by_layer)
    names = (*(f"T{k + 1}" for k in range(depth - 1)), "output")
    phases = SimpleNamespace(
        epochs=epochs[-1],
        transition=SimpleNamespace(network_epochs=whole, epochs=by_layer, resolution=np.zeros(shape)),
        turning=SimpleNamespace(
            epochs=by_layer if turns is None else np.asarray(turns),
            resolution=np.zeros(shape),
            compression=compression,
            half_compressed=given(half, 1000.0),
            half_fitted=given(fitted, 1000.0),
        ),
        leveling=SimpleNamespace(epochs=level),
        levels_at=epoch_spread(level[:, 0]),
        layers=[
            SimpleNamespace(
                compression=spread(compression[:, k]),
                level=geometric_spread(np.full(len(whole), 0.1)),
                returns=returns[k] if returns else 0,
            )
            for k in range(depth)
        ],
        compressing=SimpleNamespace(agreement=1.0),
    )
    of = SimpleNamespace(
        summary=SimpleNamespace(name="made", path=None, experiment=Experiment()),
        ensemble=SimpleNamespace(
            index=0,
            networks=len(whole),
            fraction=fraction,
            optimizer=optimizer,
            sample_size=3482,
            snapshots=tuple(epochs),
            settings=SimpleNamespace(stochastic=False),
        ),
        measured_by="binning",
        layer_names=names,
        hidden_layers=depth - 1,
        widths=(3,) * depth,
        h_x=12.0,
        i_xy=1.0,
        phases=phases,
        layers=SimpleNamespace(
            epochs=np.array(epochs),
            i_y=i_y,
            i_x=i_x,
            weight_norm=np.array([np.ones(shape), given(norms, 2.0)]),
        ),
        learning=SimpleNamespace(train_accuracy=np.ones((2, len(whole)))),
    )
    return SimpleNamespace(of=of, **more)


def judged(key: str, *given: SimpleNamespace) -> tuple[str, Sequence[Number], str]:
    case = CLAIM[key].case(cast("Any", given))
    decision = decide(case)
    return decision.verdict, case.numbers, decision.reason


@pytest.mark.parametrize(
    ("drift", "losses", "verdict"),
    [
        (1000, (0.5, 0.6), REPRODUCED),
        (1001, (0.5, 0.6), NOT),
        (1000, (0.5, 0.4999), PARTLY),
        (1000, (0.4999, 0.4999), NOT),
        (NEVER, (0.5, 0.6), NOT),
    ],
)
def test_two_phases(drift: float, losses: tuple[float, float], verdict: str) -> None:
    assert judged("two-phases", one(losses=layers(*losses, 0.0), drift=drift))[0] == verdict


def test_two_phases_may_be_open() -> None:
    wide = column(0.6, 0.3)  # t = 1.5 from the limit
    verdict, numbers, why = judged("two-phases", one(losses=layers(1.0, wide, 0.0)))
    assert (verdict, why) == (
        UNDECIDED,
        "reproduced or partly: the networks leave open whether T2 loses at least 0.5 bits",
    )
    assert [number.text for number in numbers] == [
        "share of epochs in drift 0.035 (0.035 to 0.035)", "T1 1.000 ± 0.000 bits", "T2 0.600 ± 0.069 bits"
    ]  # fmt: skip
    assert judged("two-phases", one(losses=layers(0.1, wide, 0.0)))[2].startswith("partly or not: ")
    mixed = np.where(np.arange(NETWORKS) < 11, 500.0, 5000.0)
    assert judged("two-phases", one(drift=mixed))[2] == (
        "reproduced or not: the networks leave open whether drift is at most 0.1 of the epochs"
    )


@pytest.mark.parametrize(
    ("rises", "verdict"),
    [
        ((0.001, 0.001), REPRODUCED),
        ((0.00101, 0.001), PARTLY),
        ((0.001, 0.00101), PARTLY),
        ((0.00101, 0.00101), NOT),
        ((np.where(np.arange(NETWORKS) < 11, 0.0, 1.0), 0.0), UNDECIDED),
    ],
)
def test_information_falls_from_layer_to_layer(rises: tuple[Any, Any], verdict: str) -> None:
    both = []
    for rise in rises:
        values = np.zeros((3, NETWORKS, 3)) + np.array([5.0, 3.0, 1.0])
        values[1, :, 2] = values[1, :, 1] + rise  # at one snapshot, in one pair of layers
        both.append(values)
    found = judged("dpi", one(i_x=both[0], i_y=both[1]))
    assert (found[0], [number.value for number in found[1]]) == (
        verdict,
        pytest.approx([np.median(rise) for rise in rises]),
    )


def test_where_information_rises_bins_are_blamed_and_else_nothing_rises() -> None:
    falling = np.zeros((2, NETWORKS, 3)) + np.array([5.0, 3.0, 1.0])
    rising = falling[:, :, ::-1]
    verdict, numbers, why = judged("dpi", one(i_x=falling, i_y=falling))
    assert (verdict, [number.value for number in numbers], why) == (REPRODUCED, [0.0, 0.0], "")
    for i_x, verdict in ((falling, PARTLY), (rising, NOT)):
        found = judged("dpi", one(i_x=i_x, i_y=rising))
        assert found[0] == verdict
        assert found[2].startswith("binned layers are no Markov chain")


@pytest.mark.parametrize(
    ("fitted", "verdict"),
    [
        ((100, 200, 300), REPRODUCED),
        ((200, 100, 300), PARTLY),  # two of three pairs
        ((200, 300, 400, 100), NOT),  # three of six
        ((NEVER, 200, 300), REPRODUCED),
        ((of_some(10, 100.0), 200, 300), UNDECIDED),
        ((of_some(9, 100.0), 200, 300), REPRODUCED),
        ((NEVER, NEVER, 300), NOT),
    ],
)
def test_which_layers_learn_first(fitted: Any, verdict: str) -> None:
    assert judged("fit-order", one(len(fitted), fitted=layers(*fitted)))[0] == verdict


@pytest.mark.parametrize(
    ("x", "y", "verdict"),
    [
        (0.5, 0.05, REPRODUCED),
        (0.51, 0.05, NOT),
        (0.5, 0.051, NOT),
    ],
)
def test_networks_that_end_together(x: float, y: float, verdict: str) -> None:
    def ends(away: float) -> np.ndarray:
        values = np.zeros((2, 50, 2))
        values[1, ::3] += away
        values[1, 1::3] -= away
        return values

    given = one(2, drift=np.full(50, 350.0), i_x=ends(x), i_y=ends(y))
    assert judged("endpoints", given)[0] == verdict
    given.of.layers.i_x[1, :, 1] = given.of.layers.i_y[1, :, 1] = 0.0
    assert judged("endpoints", given)[0] == (PARTLY if verdict == NOT else REPRODUCED)


@pytest.mark.parametrize(("apart", "verdict"), [(0, REPRODUCED), (10, UNDECIDED), (25, NOT)])
def test_four_fifths_of_the_networks_end_together(apart: int, verdict: str) -> None:
    values = np.zeros((2, 50, 1))
    values[1, :apart] = 3.0
    assert judged("endpoints", one(1, drift=np.full(50, 350.0), i_x=values, i_y=np.zeros((2, 50, 1))))[0] == verdict


@pytest.mark.parametrize(
    ("products", "verdict"),
    [
        ((1.49, 1 / 1.49, NEVER), REPRODUCED),
        ((1.51, 1.0, NEVER), PARTLY),
        ((1.0, 1 / 1.51, NEVER), PARTLY),
        ((1.51, 1.51, NEVER), NOT),
        ((np.where(np.arange(NETWORKS) < 11, 1.0, 9.0), 1.0, NEVER), UNDECIDED),
        ((NEVER, NEVER, NEVER), NOT),
    ],
)
def test_the_slope_of_the_curve_at_a_layer(products: Any, verdict: str) -> None:
    """beta* is 4, and the slope distance over worth."""
    slope = layers(*products) / 4
    fits = SimpleNamespace(beta=np.full(slope.shape, 4.0), distance=0.5 * slope, worth=np.full(slope.shape, 0.5))
    assert judged("slopes", one(3, fits=fits))[0] == verdict
    fits.worth[:, 0] = np.nan  # a flat part has no worth
    assert [number.name for number in judged("slopes", one(3, fits=fits))[1]] == (
        ["T2 slope times beta*"] if np.isfinite(np.asarray(slope)[:, 1]).any() else []
    )


@pytest.mark.parametrize(
    ("key", "both", "some", "none"),
    [
        ("relu", REPRODUCED, PARTLY, NOT),
        ("noise", NOT, NOT, REPRODUCED),
        ("committee", REPRODUCED, REPRODUCED, PARTLY),
    ],
)
def test_what_counts_as_compression(key: str, both: str, some: str, none: str) -> None:
    assert judged(key, one(losses=layers(0.5, 0.6, 9.0)))[0] == both
    assert judged(key, one(losses=layers(0.4999, 0.6, 9.0)))[0] == some
    assert judged(key, one(losses=layers(0.4999, 0.1, 9.0)))[0] == none
    open_in_one = judged(key, one(losses=layers(0.0, column(0.5, 0.2), 9.0)))
    assert (open_in_one[0], some in open_in_one[2], none in open_in_one[2]) == (UNDECIDED, True, True)


def test_as_many_updates_without_batches_need_no_note() -> None:
    few = judged("noise", one(losses=layers(0.0, 0.0, 9.0), epochs=(0, 69_999)))
    assert few[::2] == (REPRODUCED, "an epoch is one update here, of 7 with batches of 512: less is learned, too")
    assert judged("noise", one(losses=layers(0.0, 0.0, 9.0), epochs=(0, 70_000)))[::2] == (REPRODUCED, "")


def test_half_of_the_networks_have_a_transition() -> None:
    silent = layers(0.0, 0.0, 0.0)
    most, few, half = of_some(18, 9.0), of_some(2, 9.0), of_some(10, 9.0)
    assert judged("committee", one(drift=most))[0] == REPRODUCED
    assert judged("committee", one(drift=few))[0] == PARTLY
    assert judged("committee", one(drift=most, losses=silent))[0] == PARTLY
    assert judged("committee", one(drift=few, losses=silent))[0] == NOT
    assert judged("committee", one(drift=half))[::2] == (
        UNDECIDED,
        "reproduced or partly: the networks leave open whether at least 50 % of the networks have a transition",
    )
    for key in ("large-problem", "large-problem-mnist"):
        assert judged(key, one(drift=most))[0] == REPRODUCED
    assert judged("large-problem", one(drift=few, by_layer=layers(most, most, most)))[0] == PARTLY
    verdict, _, why = judged("large-problem", one(drift=most, by_layer=layers(few, few, few)))
    assert (verdict, "T1, T2, output" in why) == (PARTLY, True)
    assert judged("large-problem", one(drift=few, by_layer=layers(most, few, few)))[0] == PARTLY
    assert judged("large-problem", one(drift=few))[0] == NOT
    assert judged("large-problem", one(drift=half, by_layer=layers(most, most, most)))[0] == UNDECIDED


def test_the_papers_transition() -> None:
    far = layers(10_000, 10_000, 10_000)
    for inside, outside in ((1.49, 1.51), (1 / 1.49, 1 / 1.51)):
        assert judged("transition", one(drift=350 * inside, by_layer=far))[0] == REPRODUCED
        assert judged("transition", one(drift=350 * outside, by_layer=far))[0] == PARTLY
    for inside, outside in ((2.99, 3.01), (1 / 2.99, 1 / 3.01)):
        assert judged("transition", one(drift=350 * inside, by_layer=far))[0] == PARTLY
        assert judged("transition", one(drift=350 * outside, by_layer=far))[0] == NOT
    for factor, verdict in ((1.49, PARTLY), (1.51, NOT)):
        columns = layers(NEVER, 350 * factor, NEVER)
        assert judged("transition", one(drift=NEVER, by_layer=columns))[0] == verdict


def test_epochs_that_have_not_come_count_as_late() -> None:
    """Of 20 networks 12 have it near 350, and the others never: their median is near, but 8 speak against it."""
    some = of_some(12, 350.0)
    verdict, numbers, _ = judged("transition", one(drift=some, by_layer=layers(NEVER, NEVER, NEVER)))
    assert verdict == UNDECIDED
    assert numbers[0].text == "all weights 350 (350 to never)"
    assert numbers[1].text == "T1 never (never to never)"


def test_the_turn_is_the_transition() -> None:
    at = layers(350, 350, 350)
    for factor in (1.49, 1 / 1.49):
        assert judged("coincidence", one(turns=at * factor))[0] == REPRODUCED
        assert judged("coincidence", one(turns=at * np.array([factor, 9.0, 1.0])))[0] == PARTLY
    for factor in (1.51, 1 / 1.51):
        assert judged("coincidence", one(turns=at * np.array([factor, 9.0, factor])))[0] == NOT
    two, single = of_some(2, 350.0), of_some(1, 350.0)
    far = at * np.array([1.0, 9.0, 1.0])
    assert judged("coincidence", one(turns=np.where(np.isnan(layers(350, single, 350)), np.nan, far)))[0] == REPRODUCED
    assert judged("coincidence", one(turns=np.where(np.isnan(layers(350, two, 350)), np.nan, far)))[0] == PARTLY
    alone = judged("coincidence", one(turns=np.where(np.isnan(layers(*[single] * 3)), np.nan, at)))
    assert alone[::2] == (NOT, "no layer has both")


def test_an_equivalence_has_to_be_shown() -> None:
    """Of 20 networks whose factors are 1.4 in the middle, their error decides."""
    sure, unsure = (350 * np.exp(column(math.log(1.4), away)) for away in (0.05, 0.15))
    assert judged("coincidence", one(turns=layers(sure, 350, 350)))[0] == REPRODUCED
    verdict, numbers, _ = judged("coincidence", one(turns=layers(unsure, 350, 350)))
    assert verdict == UNDECIDED
    error = 0.15 / math.sqrt(NETWORKS - 1)
    assert (numbers[0].value, numbers[0].error) == (pytest.approx(1.4), pytest.approx(1.4 * error))


def test_half_of_the_networks_level_off() -> None:
    most, few, half = of_some(18, 9.0), of_some(2, 9.0), of_some(10, 9.0)
    assert judged("leveling", one(levels=layers(most, most, most)))[0] == REPRODUCED
    verdict, numbers, why = judged("leveling", one(levels=layers(most, few, few), returns=(10, 9, 0)))
    assert [number.value for number in numbers] == pytest.approx([0.1, 0.1, 0.1, 0.9])
    assert (verdict, why) == (
        PARTLY,
        "it does not in most networks of T2, output; SNR is above one again at the end in T1",
    )
    assert judged("leveling", one(levels=layers(few, few, few)))[::2] == (
        NOT,
        "it does not in most networks of T1, T2, output",
    )
    assert judged("leveling", one(levels=layers(most, half, most)))[0] == UNDECIDED


def moving(exponents: Any, driven: Any = None, correlations: Any = 0.3) -> dict[str, Any]:
    """How weights move, as evidence has it."""
    e = layers(*exponents)
    r = layers(*[correlations] * e.shape[1])
    rows = [SimpleNamespace(independent=0.3)] * e.shape[1]
    by_noise = np.ones_like(e) if driven is None else layers(*driven)
    return {"moves": (rows, SimpleNamespace(exponents=e, correlations=r)), "by_noise": by_noise}


def test_wieners_exponent_and_how_far_noise_takes_weights() -> None:
    assert judged("diffusion", one(**moving((0.75, 1.25, 1))))[0] == REPRODUCED
    assert judged("diffusion", one(**moving((0.7499, 1, 1))))[::2] == (PARTLY, "T1 have another exponent")
    assert judged("diffusion", one(**moving((1.2501, 1, 1))))[::2] == (PARTLY, "T1 have another exponent")
    assert judged("diffusion", one(**moving((1.2501, 0.7499, 9))))[0] == NOT
    for inside, outside in ((1.99, 2.01), (1 / 1.99, 1 / 2.01)):
        assert judged("diffusion", one(**moving((1, 1, 1), (inside, 1, 1))))[0] == REPRODUCED
        assert judged("diffusion", one(**moving((1, 1, 1), (outside, 1, 1))))[0] == PARTLY
    assert judged("diffusion", one(**moving((1, 1, 1), (2.01, 1, 1))))[2] == (
        "T1 move farther than noise takes them: they still drift"
    )
    nowhere = judged("diffusion", one(**moving((NEVER, NEVER, NEVER))))
    assert nowhere[::2] == (NOT, "there is no transition to measure from")


def test_correlations_and_norms() -> None:
    kept, shrunk = layers(1, 1, 1), layers(1, 1, 0.999)
    loose, related = moving((1, 1, 1), None, 0.3 * 1.2499), moving((1, 1, 1), None, 0.3 * 1.2501)
    assert judged("correlations", one(norms=kept, **loose))[0] == REPRODUCED
    assert judged("correlations", one(norms=kept, **related))[0] == PARTLY
    assert judged("correlations", one(norms=shrunk, **loose))[0] == PARTLY
    verdict, numbers, why = judged("correlations", one(norms=shrunk, **related))
    assert [number.value for number in numbers] == pytest.approx([0.37503, 0.3] * 3 + [1.0, 1.0, 0.999])
    assert (verdict, why) == (NOT, "in-weights are correlated in T1, T2, output; norms shrink in output")


def knowing(*courses: Any, fraction: float = 0.85, i_x: Any = None) -> SimpleNamespace:
    """An ensemble: by layer, the course of I(T;Y) over epochs, each a number or a column of the networks."""
    i_y = np.stack([layers(*course).T for course in courses], axis=2)
    return one(len(courses), i_y=i_y, i_x=i_x, epochs=(0, *range(1, i_y.shape[0] - 1), 10_000), fraction=fraction)


@pytest.mark.parametrize(
    ("few", "most", "verdict"),
    [
        (0.0201, 0.0199, REPRODUCED),
        (0.0199, 0.0, NOT),
        (0.0201, 0.0201, PARTLY),
        (column(0.03, 0.02), 0.0, UNDECIDED),
        (column(0.06, 0.02), 0.0, REPRODUCED),
        (0.1, column(0.03, 0.02), UNDECIDED),
    ],
)
def test_label_information_lost(few: Any, most: Any, verdict: str) -> None:
    def given(loss: Any, fraction: float) -> SimpleNamespace:
        falls = [0.0, 1.0, 1.0 - loss]
        return knowing(falls, [0.0, 0.5, 0.9], fraction=fraction)

    found, numbers, _ = judged("data", given(few, 0.05), given(most, 0.85))
    assert found == verdict
    assert [number.name for number in numbers] == ["T1 at 5 %", "output at 5 %", "T1 at 85 %", "output at 85 %"]


def test_layers_that_lose_label_information_are_named() -> None:
    def forgetful(*losses: float, fraction: float) -> SimpleNamespace:
        return knowing(*[[0.0, 1.0, 1.0 - loss] for loss in losses], fraction=fraction)

    few, most = forgetful(0.1, 0.1, 0.0, fraction=0.05), forgetful(0.0, 0.1, 0.1, fraction=0.85)
    assert judged("data", few, most)[2] == "T2, output lose some with 85 %, too"
    none = judged("data", forgetful(0.0, 0.0, 0.0, fraction=0.05), most)[2]
    assert none == "no layer loses at least 0.02 bits of label information with 5 %"


def learning(*course: Any, until: int = 600, hidden: int = 1) -> SimpleNamespace:
    """An ensemble whose output knows so much at the epochs 0, 100, ..., `until`."""
    i_y = np.repeat(layers(*course).T[:, :, None], hidden + 1, axis=2)
    return one(hidden + 1, i_y=i_y, epochs=[0, *range(100, 100 * (len(course) - 1), 100), until])


def test_claims_with_an_epoch_of_the_paper_need_sessions_as_long() -> None:
    assert [condition.needs for condition in CLAIM["depth"].needs] == ["at least 600 epochs"]
    assert [condition.needs for condition in CLAIM["transition"].needs][1:] == ["at least 1050 epochs"]


def test_what_deep_networks_have_learned_when() -> None:
    never, late = learning(0.0, 0.7999), learning(0.0, 0.8, until=601, hidden=3)
    in_time = learning(0.0, 0.8, until=600, hidden=3)
    verdict, numbers, why = judged("depth", never, in_time)
    assert (verdict, why) == (REPRODUCED, "")
    assert [number.value for number in numbers] == [math.inf, pytest.approx(0.7999), 600, pytest.approx(0.8)]
    assert judged("depth", learning(0.0, 0.9, 0.8, 0.85, hidden=2), in_time)[1][0].text == "2 hidden 100 (100 to 100)"
    assert judged("depth", never, late)[::2] == (PARTLY, "the deepest takes 601 epochs, not 400")
    assert judged("depth", learning(0.0, 0.8, until=9000), in_time)[::2] == (
        PARTLY,
        "the shallowest gets there by epoch 9000",
    )
    assert judged("depth", learning(0.0, 0.8), in_time)[0] == NOT
    assert judged("depth", in_time, never)[0] == NOT
    assert judged("depth", never, learning(0.0, 0.7, hidden=3))[::2] == (NOT, "the deepest never does")


def test_how_many_networks_fail() -> None:
    def shallow(failing: int) -> SimpleNamespace:
        return learning(0.0, np.where(np.arange(NETWORKS) < failing, 0.1, 0.9), until=5000)

    deep = learning(0.0, 0.9, until=400, hidden=3)
    assert [judged("depth", shallow(count), deep)[0] for count in (19, 10, 1)] == [REPRODUCED, UNDECIDED, PARTLY]


@pytest.mark.parametrize(
    ("half", "verdict"),
    [
        ((3000, 2000, 1000), REPRODUCED),
        ((2000, 3000, 1000), PARTLY),  # two of three pairs
        ((1000, 4000, 3000, 2000), NOT),  # three of six
        ((1000, 1000, 1000), NOT),
        ((NEVER, 2000, 1000), REPRODUCED),
        ((NEVER, NEVER, 1000), NOT),
        ((NEVER, NEVER, NEVER), NOT),
    ],
)
def test_the_order_of_layers(half: tuple[float, ...], verdict: str) -> None:
    found = judged("order", one(len(half), half=layers(*half)))
    assert (found[0], bool(found[2])) == (verdict, verdict != REPRODUCED)


def test_layers_that_cannot_be_told_apart_leave_the_order_open() -> None:
    tied = layers(column(2000, 500), column(2000, -500), 1000)
    verdict, numbers, why = judged("order", one(half=tied))
    assert verdict == UNDECIDED
    assert why.endswith("the networks leave open whether T2 is before T1")
    assert numbers[0].text == "T1 2000 (1500 to 2500)"
    half = judged("order", one(half=layers(of_some(10, 900.0), 2000, 1000)))
    assert (half[0], half[2].partition(":")[0]) == (UNDECIDED, "reproduced, not or partly")
    assert judged("order", one(half=layers(of_some(9, 900.0), 2000, 1000)))[0] == REPRODUCED


@pytest.mark.parametrize(
    ("below", "unknown", "verdict"),
    [
        (0.0999, 0.00999, REPRODUCED),
        (0.1001, 0.0, NOT),
        (0.0, 0.01001, NOT),
        (column(0.09, 0.05), 0.0, UNDECIDED),
        (0.0, column(0.009, 0.005), UNDECIDED),
    ],
)
def test_the_corner(below: Any, unknown: Any, verdict: str) -> None:
    i_x, i_y = np.zeros((2, NETWORKS, 3)), np.zeros((2, NETWORKS, 3))
    i_x[1, :, 0], i_y[1, :, 0] = 12.0 - below, 1.0 - unknown
    i_x[0], i_y[0] = 5.0, 0.3  # the end counts
    assert judged("corner", one(i_x=i_x, i_y=i_y))[0] == verdict


@pytest.mark.parametrize(
    ("distances", "betas", "verdict"),
    [
        ((0.02, 0.0, 0.0, 0.0), (9.0, 5.0, 2.0, NEVER), REPRODUCED),
        ((0.0201, 0.0, 0.0, 0.0), (9.0, 5.0, 2.0, NEVER), PARTLY),
        ((0.02, 0.0, 0.0, 0.0), (9.0, 5.0, NEVER, NEVER), PARTLY),
        ((0.02, 0.0, 0.0, 0.0), (9.0, 5.0, 5.0, NEVER), PARTLY),
        ((0.0201, 0.0, 0.0, 0.0), (9.0, 5.0, NEVER, NEVER), NOT),
        ((0.02, 0.0, 0.0, 0.0), (9.0, 5.0, of_some(10, 2.0), NEVER), REPRODUCED),
        ((0.02, 0.0, 0.0, 0.0), (9.0, 5.0, of_some(9, 2.0), NEVER), PARTLY),
        ((0.0, 0.0, 0.0, 0.0), (9.0, 5.0, np.where(np.arange(20) < 13, 2.0, 1e6), NEVER), UNDECIDED),
        ((0.0, column(0.015, 0.03), 0.0, 0.0), (9.0, 5.0, 2.0, NEVER), UNDECIDED),
    ],
)
@pytest.mark.parametrize("key", ["bound", "bound-symmetric", "bound-symmetric-soft"])
def test_the_bound(key: str, distances: Any, betas: Any, verdict: str) -> None:
    fits = SimpleNamespace(distance=layers(*distances), beta=layers(*betas))
    assert judged(key, one(4, fits=fits))[0] == verdict


@pytest.mark.parametrize(
    ("distances", "betas", "reason"),
    [
        ((0.0, 0.0, 0.0), (9.0, 5.0, 2.0), ""),
        ((0.03, 0.0, 0.03), (9.0, 5.0, 2.0), "more than 0.02 bits below the curve: T1, output"),
        ((0.0, 0.0, 0.0), (9.0, 5.0, 6.0), "beta* does not fall from layer to layer"),
        (
            (0.03, 0.0, 0.0),
            (9.0, NEVER, NEVER),
            "more than 0.02 bits below the curve: T1; beta* does not fall from layer to layer (2 layers have none: the "
            "curve is all but a corner there)",
        ),
    ],
)
def test_the_bound_says_which_layers_are_away_and_which_have_no_beta(
    distances: tuple[float, ...], betas: tuple[float, ...], reason: str
) -> None:
    fits = SimpleNamespace(distance=layers(*distances), beta=layers(*betas))
    _, numbers, why = judged("bound", one(3, fits=fits))
    assert why == reason
    names = []
    for name, beta in zip(("T1", "T2", "output"), betas, strict=True):
        names += [f"{name} below", f"{name} beta*"] if math.isfinite(beta) else [f"{name} below"]
    assert [number.name for number in numbers] == names


@pytest.mark.parametrize(
    ("residuals", "decoders", "verdict"),
    [
        ((0.05, 0.05, 9.0), (0.005, 0.005, 9.0), REPRODUCED),
        ((0.0501, 0.05, 9.0), (0.005, 0.005, 9.0), PARTLY),
        ((0.05, 0.05, 9.0), (0.0051, 0.005, 9.0), PARTLY),
        ((0.0501, 0.05, 9.0), (0.005, 0.0051, 9.0), NOT),
        ((column(0.05, 0.02), 0.05, 9.0), (0.005, 0.005, 9.0), UNDECIDED),
    ],
)
def test_the_equations_of_the_bottleneck(residuals: Any, decoders: Any, verdict: str) -> None:
    fits = SimpleNamespace(residual=layers(*residuals), inconsistency=layers(*decoders), beta=layers(9.0, 5.0, NEVER))
    assert judged("eq-9", one(3, fits=fits))[0] == verdict
    fits.beta = layers(NEVER, NEVER, NEVER)
    assert judged("eq-9", one(3, fits=fits))[::2] == (NOT, "no layer has a beta*")


def test_what_more_data_gains_and_loses_at_a_step() -> None:
    def at(value: Any, fraction: float = 0.5) -> SimpleNamespace:
        return knowing(*[[9.0, value]] * 4, fraction=fraction)  # the end counts

    few = at(0.2, 0.03)
    assert judged("more-data", few, at(0.2101, 0.85))[0] == REPRODUCED
    assert judged("more-data", few, at(0.2099, 0.85))[0] == NOT
    assert judged("more-data", few, at(column(0.22, 0.05), 0.85))[0] == UNDECIDED
    for step, verdict in ((0.0099, REPRODUCED), (0.0101, PARTLY), (column(0.02, 0.05), UNDECIDED)):
        assert judged("more-data", few, at(0.9 + step), at(0.9, 0.85))[0] == verdict
        assert judged("more-data", few, at(0.5), at(0.5 - step), at(0.9, 0.85))[0] == verdict


def test_more_data_is_compared_network_by_network() -> None:
    """Networks differ by far more than they gain."""
    own = column(0.5, 0.3)
    few, most = (knowing(*[[0.0, own + gain]] * 4, fraction=share) for gain, share in ((0.0, 0.03), (0.02, 0.85)))
    verdict, numbers, _ = judged("more-data", few, most)
    assert verdict == REPRODUCED
    gains = [(number.name, number.value, number.error) for number in numbers[2::3]]
    assert gains == [(f"{name} gains", pytest.approx(0.02), pytest.approx(0, abs=1e-9)) for name in ("T3", "output")]


@pytest.mark.parametrize(
    ("gains", "verdict"),
    [
        ((0.0999, 0.1, 0.0), REPRODUCED),
        ((-0.0999, 0.1, 0.0), REPRODUCED),
        ((0.1001, 0.1, 0.0), PARTLY),
        ((-0.1001, 0.1, 0.0), PARTLY),
        ((0.0, 0.0999, 9.0), PARTLY),
        ((0.1001, 0.0999, 9.0), NOT),
        ((0.0, column(0.15, 0.2), 9.0), UNDECIDED),
    ],
)
def test_what_more_data_does_to_the_middle(gains: Any, verdict: str) -> None:
    few, most = (np.zeros((2, NETWORKS, 4)) for _ in range(2))
    most[1, :, :3] = layers(*gains)
    given = [knowing(*[[0.0, 0.0]] * 4, i_x=i_x) for i_x in (few, most)]
    assert judged("more-data-middle", *given)[0] == verdict


def noisy(apart: Any = 0.0, falls: tuple[Any, Any] = (0.0, 0.0)) -> list[SimpleNamespace]:
    """A single layer and deep networks: how far the error is from its closed form, and how much noise lowers both."""
    sigmas, closed = np.array([0.0, 0.31, 0.9]), np.tile([0.1, 0.2, 0.3], (NETWORKS, 1))
    every = closed.copy()
    every[:, 1] += apart
    found = []
    for fall, base in zip(falls, (0.01, 0.2), strict=True):
        outside = closed + base
        outside[:, 1] = outside[:, 0] - fall
        noise = SimpleNamespace(sigmas=sigmas, closed=closed, every=every, outside=outside)
        found.append(one(noise=noise))
    return found


@pytest.mark.parametrize(
    ("apart", "verdict"),
    [
        (0.0099, REPRODUCED),
        (0.0101, NOT),
        (-0.0099, REPRODUCED),
        (-0.0101, NOT),
        (column(0.0, 0.005), REPRODUCED),
        (column(0.015, 0.02), UNDECIDED),
    ],
)
def test_noise_in_a_single_layer(apart: Any, verdict: str) -> None:
    found, numbers, _ = judged("perceptron", *noisy(apart))
    assert found == verdict
    assert [number.value for number in numbers] == pytest.approx([np.mean(apart), 0.11, 0.3, 0.31, 0.5])
    assert [number.name for number in numbers[1::2]] == [f"single layer: error with noise {size}" for size in (0.3, 1)]


@pytest.mark.parametrize(
    ("single", "deep", "verdict"),
    [
        (0.00099, 0.00101, REPRODUCED),
        (0.00101, 0.00101, NOT),
        (0.00099, 0.00099, NOT),
        (0.00101, 0.00099, NOT),
        (0.0, column(0.002, 0.004), UNDECIDED),
    ],
)
def test_which_networks_noise_helps(single: Any, deep: Any, verdict: str) -> None:
    assert judged("noise-depth", *noisy(0.0, (single, deep)))[0] == verdict


def relaxed(moved: Any, label: Any = 0.0, sgd: Any = 0.0) -> list[SimpleNamespace]:
    """Networks under SGD and under the moves, and how T2 changes."""
    given = []
    for optimizer, dx, dy in (("sgd", sgd, 0.0), ("metropolis", moved, label)):
        x, y = np.zeros((4, NETWORKS, 3)), np.zeros((4, NETWORKS, 3))
        x[3, :, 1], y[3, :, 1] = dx, dy
        x[3, :, 2] = -9.0  # the output's does not count
        evidence = one(optimizer=optimizer)
        evidence.of.summary.experiment = SimpleNamespace(relaxation_epoch=400)
        evidence.of.layers = SimpleNamespace(
            epochs=np.array([0, 400, 700, 1000]), i_x=x, i_y=y, acceptance=np.zeros((4, NETWORKS, 3))
        )
        course = np.ones((4, NETWORKS))
        evidence.of.learning = SimpleNamespace(
            epochs=np.array([0, 400, 700, 1000]),
            **dict.fromkeys(("train_loss", "test_loss", "train_accuracy", "test_accuracy"), course),
        )
        given.append(evidence)
    return given


@pytest.mark.parametrize(
    ("moved", "label", "sgd", "verdict", "words"),
    [
        (-0.5, -0.02, 0.0, REPRODUCED, "in T2"),
        (-0.4999, 0.0, 0.0, NOT, "no hidden layer loses at least 0.5 bits at the cost of 600 epochs of SGD"),
        (-0.5, -0.0201, 0.0, PARTLY, "T2 compress, what T2 lose more than by SGD they pay for with the label"),
        (-0.5, 0.0, -0.5, PARTLY, "T2 compress, and SGD compresses as much at the cost of 600 epochs of SGD"),
        (-1.0, 0.0, -0.5, REPRODUCED, "in T2"),
        (-1.0, 0.0, -0.5001, PARTLY, "T2 compress, and SGD compresses as much at the cost of 600 epochs of SGD"),
        (column(-1.0, 1.5), 0.0, 0.0, UNDECIDED, "reproduced, not or partly: the networks leave open whether"),
    ],
)
def test_whether_a_monte_carlo_relaxation_is_more_efficient(
    moved: Any, label: Any, sgd: Any, verdict: str, words: str
) -> None:
    found, numbers, why = judged("monte-carlo", *relaxed(moved, label, sgd))
    assert (found, why[: len(words)]) == (verdict, words)
    assert [number.value for number in numbers] == pytest.approx(
        [0, 0, 0, np.mean(moved), np.mean(sgd), np.mean(label), -9, -9, 0]
    )


def test_numbers_without_a_verdict_are_of_the_end_and_of_the_hidden_layers() -> None:
    i_y = np.array([[[each, 0.6, each + 0.2]] * NETWORKS for each in (0.1, 0.3, 0.5)])
    losses = layers(1.0, 2.0, 9.0)
    trained = {"learning_rate": 0.02, "batch": 512, "optimizer": "sgd"}
    usual = one(losses=losses, i_y=i_y, setting=trained.__getitem__)
    usual.of.learning = SimpleNamespace(train_accuracy=np.array([[0.4, 0.4], [0.5, 0.5], [0.9, 0.9]]))
    assert [number.value for number in judged("random-labels", usual)[1]] == pytest.approx([1.0, 2.0, 0.9])
    others = [
        one(losses=losses, i_y=i_y, setting=(trained | change).__getitem__)
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

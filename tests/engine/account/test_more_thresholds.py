"""Thresholds of the claims about orbits, depth and width, diffusion, critical points, samples and the bottleneck as an
objective: a case just inside and one just outside of each.
"""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from ibtui_engine.account.claims import CLAIMS
from ibtui_engine.account.finding import NOT, PARTLY, REPRODUCED, UNDECIDED
from ibtui_engine.account.section_3_1 import orbit_losses
from ibtui_engine.account.section_3_6 import at_turn, compressing_for
from ibtui_engine.account.section_3_7 import log_constants
from ibtui_engine.account.section_3_8 import from_nearest, gap_places
from tests.engine.account.test_thresholds import (
    NETWORKS,
    NEVER,
    column,
    judged,
    knowing,
    layers,
    learning,
    moving,
    noisy,
    of_some,
    one,
)

CLAIM = {claim.key: claim for claim in CLAIMS}


def forgetting(*parts: tuple[Any, Any]) -> SimpleNamespace:
    """Layers that lose so many bits of the orbit and within orbits, after a peak in the middle."""
    orbit = np.stack(
        [np.zeros((NETWORKS, len(parts))), layers(*[5.0] * len(parts)), 5.0 - layers(*[p[0] for p in parts])]
    )
    within = np.stack(
        [np.zeros((NETWORKS, len(parts))), layers(*[6.0] * len(parts)), 6.0 - layers(*[p[1] for p in parts])]
    )
    given = one(len(parts), i_x=orbit + within)
    given.of.layers.i_orbit, given.of.layers.i_within = orbit, within
    return given


@pytest.mark.parametrize(
    ("parts", "verdict"),
    [
        (((0.05, 0.4501), (0.0999, 0.9), (9.0, 0.0)), REPRODUCED),
        (((0.05, 0.4501), (0.1001, 0.9), (9.0, 0.0)), PARTLY),
        (((0.05, 0.4499), (0.1001, 0.9), (0.0, 9.0)), NOT),  # the first loses too little to count
        (((0.05, 0.4499), (0.0999, 0.9), (9.0, 0.0)), REPRODUCED),
        (((0.0, 0.4999), (0.0, 0.4999), (0.0, 9.0)), NOT),
        (((column(0.1, 0.2), 0.9), (0.0, 0.0), (0.0, 0.0)), UNDECIDED),
    ],
)
def test_what_is_lost_within_orbits(parts: Any, verdict: str) -> None:
    assert judged("orbits", forgetting(*parts))[0] == verdict


def test_both_parts_of_a_loss_are_told_and_layers_that_lose_of_the_orbit_are_named() -> None:
    verdict, numbers, why = judged("orbits", forgetting((1.0, 2.0), (0.1, 2.0), (0, 0)))
    assert (verdict, why) == (PARTLY, "of what T1 lose, more than 10 % tells orbits apart")
    assert [number.value for number in numbers] == pytest.approx([1.0, 2.0, 0.1, 2.0])
    assert [number.name for number in numbers[:2]] == ["T1 loses of the orbit", "T1 within orbits"]
    assert judged("orbits", forgetting((0.1, 0.1), (9, 9)))[2] == "no hidden layer loses at least 0.5 bits"


def test_parts_of_a_loss_are_from_each_network_s_own_peak() -> None:
    i_x = np.array([[[1.0], [9.0]], [[np.nan], [2.0]], [[5.0], [1.0]], [[4.0], [0.5]]])
    i_orbit = np.array([[[0.5], [4.0]], [[9.0], [9.0]], [[3.0], [9.0]], [[2.5], [0.25]]])
    of = SimpleNamespace(layers=SimpleNamespace(i_x=i_x, i_orbit=i_orbit, i_within=i_x - i_orbit))
    orbit, within = orbit_losses(cast("Any", of))
    assert (orbit.ravel().tolist(), within.ravel().tolist()) == ([0.5, 3.75], [0.5, 4.75])


def compressing(hidden: int, took: Any, start: Any, peak: float = 100.0) -> SimpleNamespace:
    """An ensemble whose output compresses for so long, from a layer below with so many bits at its peak."""
    took, shape = column(took) if np.isscalar(took) else np.asarray(took), (NETWORKS, hidden + 1)
    i_x = np.full((3, *shape), 9.0)
    i_x[1, :, -2] = start
    turns = np.full(shape, peak)
    turns[:, -1][np.isnan(took)] = np.nan
    half = np.full(shape, peak + 7 * hidden)  # of the hidden layers
    half[:, -1] = peak + took
    return one(hidden + 1, turns=turns, half=half, i_x=i_x, epochs=(0, 90, 10_000))


@pytest.mark.parametrize(
    ("second", "third", "verdict"),
    [
        ((399, 9.0), (398, 8.0), REPRODUCED),
        ((399, 9.0), (399, 8.0), PARTLY),
        ((401, 9.0), (401, 8.0), NOT),
        ((500, 9.5), (499, 8.0), PARTLY),
        ((500, 9.5001), (499, 8.0), REPRODUCED),  # not from a more compressed layer: it does not count
        ((500, 9.5001), (501, 9.5001), NOT),
        ((column(400, 300), 9.0), (399, 8.0), UNDECIDED),
        ((of_some(10, 300.0), 9.0), (299, 8.0), REPRODUCED),
        ((of_some(9, 300.0), 9.0), (200, 8.0), NOT),  # too few compress to be compared
    ],
)
def test_whether_compression_is_shorter_from_a_compressed_layer(second: Any, third: Any, verdict: str) -> None:
    given = [compressing(1, 400, 10.0), compressing(2, *second), compressing(3, *third)]
    assert judged("shorter", *given)[0] == verdict


def test_the_depths_at_which_it_is_not_shorter_are_named() -> None:
    given = [compressing(1, 400, 10.0), compressing(2, 300, 9.0), compressing(2, 900, 1.0), compressing(3, 901, 0.5)]
    verdict, numbers, why = judged("shorter", *given)  # two of one depth are not compared
    assert (verdict, why) == (PARTLY, "it is not shorter with 3 hidden layers, not 2")
    assert [number.value for number in numbers[:4]] == pytest.approx([400, 10.0, 300, 9.0])
    alone = judged("shorter", *given[:1])[2]
    assert alone == "no output compresses from a layer that is more compressed than at the depth before"


def test_a_layer_at_the_peak_of_the_one_above_is_that_of_the_last_snapshot_before() -> None:
    i_x = np.arange(18.0).reshape(3, 3, 2)
    turning = SimpleNamespace(
        epochs=np.array([[1, 10.0], [1, 9.9], [1, np.nan]]), half_compressed=np.full((3, 2), 30.0)
    )
    of = SimpleNamespace(
        layers=SimpleNamespace(epochs=np.array([0, 10, 20]), i_x=i_x), phases=SimpleNamespace(turning=turning)
    )
    np.testing.assert_array_equal(at_turn(cast("Any", of), 0), [i_x[1, 0, 0], i_x[0, 1, 0], np.nan])
    np.testing.assert_allclose(compressing_for(cast("Any", of))[:, 1], [20.0, 20.1, np.nan])


def wide(epoch: Any, end: Any = 0.9) -> SimpleNamespace:
    """Networks that have learned at an epoch, and know so much at the end."""
    learned = np.broadcast_to(epoch, NETWORKS)
    epochs = sorted({0, 80, 81, 79, 100, 200, 10_000})
    i_y = np.array([np.where(np.asarray(at) >= learned, 0.8, 0.7999) for at in epochs])
    i_y[-1] = np.where(learned <= 10_000, end, 0.1)
    i_y = np.stack([np.full_like(i_y, 0.95), i_y], axis=2)  # the hidden layer knows it all
    given = one(2, i_y=i_y, epochs=epochs)
    given.of.ensemble.hidden = "3"
    return given


@pytest.mark.parametrize(
    ("most", "verdict"),
    [
        ((81, 0.9099), REPRODUCED),
        ((79, 0.9099), PARTLY),
        ((81, 0.9101), PARTLY),
        ((79, 0.9101), NOT),
        ((200, 0.5), REPRODUCED),
        ((20_000, 0.5), REPRODUCED),  # never
        ((81, column(0.91, 0.1)), UNDECIDED),
        ((np.where(np.arange(NETWORKS) % 2, 79, 200), 0.9), UNDECIDED),
    ],
)
def test_whether_extra_width_helps(most: Any, verdict: str) -> None:
    assert judged("width", wide(100), wide(1, 1.5), wide(*most))[0] == verdict  # those between say nothing


def test_what_width_helps_with_is_told() -> None:
    _, numbers, why = judged("width", wide(100), wide(79, 0.95))
    assert why == "the widest learn in fewer epochs; the widest know more of the label at the end"
    assert [number.value for number in numbers] == pytest.approx([100, 0.9, 79, 0.95])


def test_widths_are_compared_at_one_depth() -> None:
    def given(*widths: int) -> SimpleNamespace:
        return SimpleNamespace(
            of=SimpleNamespace(widths=widths, hidden_layers=len(widths) - 1), setting=lambda _: widths
        )

    claim = CLAIM["width"]
    assert claim.lacking(cast("Any", [given(3, 1), given(6, 1)])) == ""
    for those in ([given(3, 1)], [given(3, 1), given(3, 3, 1)], [given(3, 4, 1), given(4, 3, 1)]):
        assert (
            claim.lacking(cast("Any", those))
            == "needs ensembles that differ only in the widths of as many hidden layers"
        )
    assert claim.place(cast("Any", given(6, 2, 1))) == 9


def diffusing(*times: Any) -> SimpleNamespace:
    """Hidden layers that all lose two bits, half of it after so many epochs; the output at once."""
    took = layers(*times, 1.0)
    turns = np.where(np.isnan(took), np.nan, 100.0)
    return one(took.shape[1], turns=turns, half=100.0 + took, losses=np.full(took.shape, 2.0))


@pytest.mark.parametrize(
    ("times", "verdict"),
    [
        ((1000, 1400, 1990), REPRODUCED),
        ((1000, 1400, 2010), PARTLY),
        ((2010, 1400, 1000), PARTLY),
        ((1000, 2010, 4050), NOT),
        ((1000, 4000, of_some(9, 9000.0)), NOT),  # of the two that compress
        ((1000, 1400, of_some(9, 9000.0)), REPRODUCED),
        ((1000, 1400, of_some(10, 9000.0)), PARTLY),
        ((1000, NEVER, NEVER), NOT),
        ((1000, 1000 * np.exp(column(math.log(1.9), 0.5))), UNDECIDED),
    ],
)
def test_whether_there_is_one_diffusion_constant(times: Any, verdict: str) -> None:
    assert judged("one-constant", diffusing(*times))[0] == verdict


def test_a_constant_is_of_half_of_the_loss() -> None:
    given = diffusing(1000, 4000)
    given.of.phases.turning.compression = layers(2.0, 6.0, 1.0)
    _, numbers, why = judged("one-constant", given)
    assert [number.value for number in numbers] == pytest.approx([2**1 / 1000, 2**3 / 4000])
    assert log_constants(given.of).shape == (NETWORKS, 2)
    assert why == ""
    assert judged("one-constant", diffusing(1000, 4000))[2] == "D of T1 and T2 are not within a factor 2 of each other"
    assert (
        judged("one-constant", diffusing(1000))[2]
        == "fewer than two hidden layers compress in at least 50 % of the networks"
    )


def bending(*critical: float, coarse: bool = False) -> Any:
    return SimpleNamespace(growing=np.array(critical), coarse=coarse)


def test_places_between_critical_betas_are_on_the_log_axis() -> None:
    curve = bending(1.0, 10.0, 1000.0)
    beta = np.array([[1.0, math.sqrt(10), 10.0, 100.0, 1000.0, 0.99, 1001.0, np.nan]])
    np.testing.assert_allclose(gap_places(beta, curve)[0], [0, 0.5, 1, 1.5, 2, np.nan, np.nan, np.nan], atol=1e-12)
    for none in (bending(1.0), bending(1.0, 10.0, coarse=True)):
        assert np.isnan(gap_places(beta, none)).all()
    np.testing.assert_allclose(
        from_nearest(np.array([0, 0.25, 0.5, 0.9, 1.0, 3.6])), [0, 0.5, 1, 0.2, 0, 0.8], atol=1e-12
    )


def at_critical(*away: Any) -> SimpleNamespace:
    """Layers so far from one of the betas 1, e², e⁴, ...: 1 is in the middle."""
    columns = layers(*away)
    curve = bending(*np.exp(2.0 * np.arange(len(away) + 1)))
    beta = np.exp(2.0 * np.arange(len(away)) + columns)
    return one(len(away), fits=SimpleNamespace(beta=beta), curve=curve)


@pytest.mark.parametrize(
    ("away", "verdict"),
    [
        ((0.2499,) * 8, REPRODUCED),
        ((0.2501,) * 8, NOT),
        ((0.1,) * 8, REPRODUCED),
        ((0.9,) * 8, NOT),
        ((0.1,) * 7 + (1.2,), REPRODUCED),
        ((0.24,), UNDECIDED),  # one layer lies so by chance once in four times
        ((column(0.24, 0.1),) * 8, UNDECIDED),
        ((*[0.1] * 7, of_some(9, 0.9)), REPRODUCED),
        ((*[0.1] * 3, *[of_some(9, 0.9)] * 5), REPRODUCED),
        ((*[0.1] * 3, *[of_some(10, 0.9)] * 5), UNDECIDED),
        ((of_some(9, 0.1),) * 8, NOT),
    ],
)
def test_whether_layers_are_at_critical_points(away: Any, verdict: str) -> None:
    assert judged("critical-points", at_critical(*away))[0] == verdict


def test_networks_that_agree_make_a_layer_no_more_certain() -> None:
    verdict, numbers, why = judged("critical-points", at_critical(0.1))
    assert (verdict, why) == (
        UNDECIDED, "reproduced or not: the networks leave open whether they are nearer than by chance"
    )  # fmt: skip
    assert [number.value for number in numbers] == pytest.approx([0.1, 0.1, 0.1], abs=0.02)
    assert numbers[-1].name == "share of random places that are as near"
    far = judged("critical-points", at_critical(0.9))
    assert far[2] == "they lie on the way between critical points"
    nowhere = judged("critical-points", at_critical(NEVER))
    assert nowhere[::2] == (NOT, "no layer has a beta* between two critical points")


def sampled(*apart: Any, fraction: float = 0.85) -> SimpleNamespace:
    """Layers so far above the curve of their sample."""
    given = knowing(*[[9.0, 0.5]] * len(apart), fraction=fraction)
    given.attained = 0.5 - layers(*apart)
    return given


@pytest.mark.parametrize(
    ("few", "most", "verdict"),
    [
        ((0.0199, -0.0199), (0.0, 0.0), REPRODUCED),
        ((0.0201, 0.0), (0.0, 0.0), PARTLY),
        ((-0.0201, 0.0), (0.0, 0.0), PARTLY),
        ((-0.0201, 0.0), (0.0, 0.0201), NOT),  # two of four
        ((0.5, -0.5), (0.5, -0.5), NOT),
        ((column(0.015, 0.03), 0.0), (0.0, 0.0), UNDECIDED),
    ],
)
def test_layers_on_the_curve_of_their_sample(few: Any, most: Any, verdict: str) -> None:
    assert judged("sampled-curves", sampled(*few, fraction=0.05), sampled(*most))[0] == verdict


def test_layers_away_from_the_curve_of_their_sample_are_named_by_fraction() -> None:
    given = [sampled(0.1, -0.1, fraction=0.05), sampled(0.3, 0.0, fraction=0.5), sampled(0.0, 0.0)]
    verdict, numbers, why = judged("sampled-curves", *given)
    assert (verdict, why) == (NOT, "away from it: at 5 % T1, output; at 50 % T1")
    assert [number.name for number in numbers] == ["T1 at 5 %", "output at 5 %", "T1 at 85 %", "output at 85 %"]
    assert [number.value for number in numbers] == pytest.approx([0.1, -0.1, 0.0, 0.0], abs=1e-12)


def guided(closer: tuple[Any, Any] = (0.0, 0.0), lost: Any = 0.0, beta: Any = "none") -> SimpleNamespace:
    """Networks whose hidden layers are so much closer to a curve 1 bit above 0 than 0.5, and whose output has lost so
    much of the label.
    """
    i_y = np.zeros((2, NETWORKS, 3))
    i_y[1] = np.array([0.5, 0.4, 0.3]) + layers(*closer, 0.0 - np.asarray(lost) * np.ones(NETWORKS))
    given = one(3, i_y=i_y, i_x=np.zeros_like(i_y), setting=lambda _: beta)
    given.curve = SimpleNamespace(below=lambda x, y: (1.0 - y + 0 * x, None))
    return given


@pytest.mark.parametrize(
    ("closer", "lost", "verdict"),
    [
        ((0.0101, 0.0101), 0.0199, REPRODUCED),
        ((0.0101, 0.0099), 0.0199, PARTLY),
        ((0.0101, 0.0101), 0.0201, NOT),
        ((0.0099, 0.0099), 0.0, NOT),
        ((column(0.02, 0.03), 0.05), 0.0, UNDECIDED),
    ],
)
def test_whether_the_bottleneck_as_objective_brings_layers_closer(closer: Any, lost: Any, verdict: str) -> None:
    assert judged("ib-guided", guided(), guided(closer, lost, 50.0))[0] == verdict
    assert judged("ib-guided", guided(), guided((-1.0, -1.0), 0.5, 200.0), guided(closer, lost, 50.0))[0] == verdict


def test_what_the_bottleneck_as_objective_brings_and_costs_is_told() -> None:
    _, numbers, why = judged("ib-guided", guided(), guided((0.1, 0.0), 0.01, 200.0), guided((0.2, 0.1), 0.1, 50.0))
    assert why == "only T1 come closer at no cost"
    assert [number.name for number in numbers[:2]] == ["T1 below, alone", "T2 below, alone"]
    said = ["T1 closer by", "T2 closer by", "output loses"]
    assert [number.name for number in numbers[2:]] == [f"beta {beta}: {one}" for beta in (200, 50) for one in said]
    assert [number.value for number in numbers] == pytest.approx([0.5, 0.6, 0.1, 0.0, 0.01, 0.2, 0.1, 0.1])
    both = judged("ib-guided", guided(), guided((0.1, 0.0), 0.0, 200.0), guided((0.0, 0.1), 0.0, 50.0))
    assert both[::2] == (PARTLY, "only T1 come closer at no cost"), "by the gentlest beta"
    paid = judged("ib-guided", guided(), guided((0.2, 0.1), 0.1, 50.0))
    assert paid[2] == "what is closer pays for it with the label"
    assert judged("ib-guided", guided(), guided((0.0, 0.0), 0.1, 50.0))[2] == "no hidden layer comes closer"
    done = judged("ib-guided", guided(), guided((0.2, 0.1), 0.0, 50.0))
    assert done[::2] == (REPRODUCED, "at equal epochs, of which each costs many times as much")


def test_networks_with_the_bottleneck_are_held_beside_some_without() -> None:
    claim = CLAIM["ib-guided"]
    every = [guided(beta=beta) for beta in (50.0, "none", 200.0)]
    ordered = sorted(every, key=lambda one: claim.place(cast("Any", one)))
    assert [one.setting("ib_beta") for one in ordered] == ["none", 200.0, 50.0]
    assert claim.lacking(cast("Any", ordered)) == ""
    assert claim.lacking(cast("Any", ordered[1:])) == "needs networks without IB beta beside those with one"
    assert claim.lacking(cast("Any", ordered[:1])) == "needs ensembles that differ only in ib beta"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("depth", "at least 50 % of the networks of the shallowest kind never get there, and the deepest kind does by"),
        ("order", "compress in at least 50 % of the networks; partly: in more than 50 % of the pairs"),
        (
            "orbits",
            "at least 90 % of what is lost is within orbits, in every hidden layer that loses at least 0.5 bits",
        ),
        ("shorter", "from a layer with at least 0.5 bits less, and at least 50 % of the networks compress at both"),
        ("width", "at least 1/1.25 of the epochs of the narrowest, and know at most 0.01 bits more at the end"),
        ("one-constant", "within a factor 2 of each other (equivalence tests) in every pair of the hidden layers"),
        ("critical-points", "at most 0.25 in the mean of the layers in which at least 50 % of the networks have such"),
        (
            "sampled-curves",
            "between -0.02 and 0.02 bits (equivalence tests), in all layers at all fractions; partly: in more",
        ),
        ("sampled-curves", "more than 50 % of these"),
        ("ib-guided", "every hidden layer is at least 0.01 bits closer, and the output loses at most 0.02 bits"),
    ],
)
def test_the_rules_say_their_thresholds(key: str, words: str) -> None:
    assert words in CLAIM[key].rule


@pytest.mark.parametrize(
    ("key", "given", "words"),
    [
        ("orbits", [forgetting((column(0.1, 0.2), 0.9), (0, 0))], "90 % of what T1 loses is within orbits"),
        ("shorter", [compressing(1, 400, 10.0), compressing(2, column(400, 300), 9.0)],
         "it is shorter with 2 hidden layers, not 1"),
        ("shorter", [compressing(1, 400, 10.0), compressing(2, 300, column(9.5, 2))],
         "the output starts from at least 0.5 bits less with 2 hidden layers, not 1"),
        ("width", [wide(100), wide(90, column(0.91, 0.1))], "the widest know at most 0.01 bits more at the end"),
        ("width", [wide(100), wide(np.where(np.arange(NETWORKS) % 2, 79, 200))],
         "the widest need at least 1/1.25 of the epochs"),
        ("one-constant", [diffusing(1000, 1000 * np.exp(column(math.log(1.9), 0.5)))],
         "D of T1 and T2 are within a factor 2 of each other"),
        ("critical-points", [at_critical(*[column(0.24, 0.1)] * 8)], "they are at most 0.25 away from critical points"),
        ("sampled-curves", [sampled(column(0.015, 0.03), fraction=0.05), sampled(0.0)],
         "output at 5 % is between -0.02 and 0.02 bits above its curve"),
        ("ib-guided", [guided(), guided((column(0.02, 0.03), 0.05), 0.0, 50.0)],
         "T1 is at least 0.01 bits closer with beta 50"),
        ("ib-guided", [guided(), guided((0.1, 0.1), column(0.02, 0.1), 50.0)],
         "the output loses at most 0.02 bits with beta 50"),
    ],
)  # fmt: skip
def test_what_is_open_is_said(key: str, given: list[SimpleNamespace], words: str) -> None:
    verdict, _, why = judged(key, *given)
    assert verdict == UNDECIDED
    assert words in why


def test_what_more_data_does_is_told_of_the_least_and_the_most_at_the_end() -> None:
    def given(end: float, fraction: float) -> SimpleNamespace:
        i_x = np.full((2, NETWORKS, 4), 20 * end)
        i_x[1] = end + layers(0.0, 1.0, 2.0, 3.0)
        return knowing(*[[7 * end, end]] * 4, fraction=fraction, i_x=i_x)

    every = [given(0.2, 0.03), given(0.5, 0.4), given(0.9, 0.85)]
    verdict, numbers, _ = judged("more-data", *every)
    told = [(f"{layer} {what}", value) for layer in ("T3", "output") for what, value in DEEP.items()]
    assert (verdict, [number.name for number in numbers]) == (REPRODUCED, [name for name, _ in told])
    assert [number.value for number in numbers] == pytest.approx([value for _, value in told])
    verdict, numbers, why = judged("more-data-middle", *every)
    assert (verdict, why) == (PARTLY, "T1 moves, too")
    assert [number.value for number in numbers] == pytest.approx([0.7] * 3)
    every[-1].of.layers.i_x[1, :, 0] = every[0].of.layers.i_x[1, :, 0] + column(0.08, 0.1)
    assert judged("more-data-middle", *every)[2].endswith("whether T1 changes by between -0.1 and 0.1 bits")


DEEP = {"at 3 %": 0.2, "at 85 %": 0.9, "gains": 0.7}


def test_depth_is_about_the_shallowest_and_the_deepest() -> None:
    never, between = learning(0.0, 0.1), learning(0.0, 0.1, hidden=2)
    assert judged("depth", never, between, learning(0.0, 0.8, hidden=3))[0] == REPRODUCED
    assert judged("depth", never, learning(0.0, 0.8, hidden=2), learning(0.0, 0.1, hidden=3))[0] == NOT


def test_layers_that_move_as_far_as_noise_takes_them_do_not_drift() -> None:
    given = moving((2.0, 1.0, 1.0), (1.5, 1.5, 1.5))
    assert judged("diffusion", one(**given))[2] == "T1 have another exponent"


@pytest.mark.parametrize(
    ("falls", "why"),
    [((0.0, 0.0), "it lowers neither"), ((0.1, 0.1), "it lowers both"), ((0.1, 0.0), "it lowers the other")],
)
def test_it_is_said_which_networks_noise_helps_if_not_the_deep_ones(falls: tuple[float, float], why: str) -> None:
    assert judged("noise-depth", *noisy(0.0, falls))[2] == why


def test_any_size_of_the_noise_can_be_the_best() -> None:
    for best in (1, 2):
        given = noisy()
        for one_kind in given:
            one_kind.noise.outside[:, best] = one_kind.noise.outside[:, 0] - 0.05
        numbers = judged("noise-depth", *given)[1]
        size = given[0].noise.sigmas[best]
        assert [number.name for number in numbers] == [f"{kind}: falls with noise {size:g}" for kind in KINDS]


KINDS = ("single layer", "deep")


def by_sampling(kind: str, *lost: Any) -> SimpleNamespace:
    """Two hidden layers that lose so many bits, with gradients that are sampled so."""
    given = one(losses=layers(*lost, 0.0))
    given.setting = lambda name: {"sampling": kind}[name]
    return given


@pytest.mark.parametrize(
    ("replaced", "gaussian", "verdict"),
    [
        ((1.499, 2.0), (0.501, 2.4), REPRODUCED),
        ((1.501, 2.0), (0.501, 2.4), PARTLY),
        ((1.499, 2.0), (0.499, 2.4), PARTLY),
        ((1.501, 2.501), (0.499, 1.499), NOT),
        ((column(1.0, 2.0), 2.0), (1.0, 2.0), UNDECIDED),
    ],
)
def test_whether_the_shape_of_the_noise_counts(replaced: Any, gaussian: Any, verdict: str) -> None:
    given = by_sampling("shuffled", 1.0, 2.0), by_sampling("replacement", *replaced), by_sampling("gaussian", *gaussian)
    assert judged("noise-shape", *given)[0] == verdict


def test_layers_that_do_not_lose_as_much_are_told_by_their_sampling() -> None:
    _, numbers, why = judged("noise-shape", by_sampling("shuffled", 1.0, 2.0), by_sampling("gaussian", 1.2, 4.0))
    assert why == "gaussian: T2 does not lose as much"
    assert [(number.name, round(number.value, 6)) for number in numbers] == [
        ("shuffled: T1 loses", 1.0),
        ("shuffled: T2 loses", 2.0),
        ("gaussian: T1 loses more", 0.2),
        ("gaussian: T2 loses more", 2.0),
    ]
    claim = CLAIM["noise-shape"]
    kinds = "gaussian", "", "shuffled", "replacement"  # "": of a recording
    assert sorted(kinds, key=lambda kind: claim.place(cast("Any", by_sampling(kind, 0, 0)))) == [
        "shuffled",
        "replacement",
        "gaussian",
        "",
    ]

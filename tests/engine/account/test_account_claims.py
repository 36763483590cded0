"""Verdicts follow their rules on histories that are made to fulfil a claim, and to miss it in one way after another;
numbers of recorded sessions are those that SQL finds.
"""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from ibtui_engine.account.claims import CLAIMS
from ibtui_engine.account.finding import NO_VERDICT, NOT, PARTLY, REPRODUCED, UNDECIDED, UNKNOWN, Finding, Number
from ibtui_engine.account.standard import STANDARD, VARIANTS, account, experiments
from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import Experiment, log_spaced_epochs
from ibtui_engine.layer_names import layer_names
from ibtui_engine.presets import find_preset
from ibtui_engine.session.columns import LAYER_COLUMNS, LayerHistory
from ibtui_engine.session.ensemble import RecordedEnsemble
from ibtui_engine.session.summary import RuleSummary

EPOCHS = np.array(log_spaced_epochs(10_000, 120))
U = np.log(np.maximum(EPOCHS, 0.5))[:, None]
CLAIM = {claim.key: claim for claim in CLAIMS}
SHIPPED = Path(__file__).parents[3] / "sessions"


def made(
    *,
    networks: int = 12,
    drift: tuple[float, ...] = (350, 350, 350),
    turn: tuple[float, ...] = (350, 350, 350),
    lost: tuple[float, ...] = (0, 2.0, 3.0),
    knows: float = 0.95,
    forgets: float = 0.0,
    i_x: float = 12.0,
    fraction: float = 0.85,
    levels: bool = True,
    grows: float = 2.0,
    seed: int = 0,
) -> RecordedEnsemble:
    """An ensemble whose layers' SNR falls through one at `drift`, whose I(X;T) turns at `turn` and loses so many bits;
    the last layer is the output, of which both are taken, too. The label is known by epoch 400.
    """
    rng = np.random.default_rng(seed)
    depth = len(drift)
    snr, x, y = (np.zeros((len(EPOCHS), networks, depth)) for _ in range(3))
    own = rng.normal(0, 0.05, networks)
    for k in range(depth):
        fall = np.log(drift[k]) + own
        ramp = np.clip(-1.5 * (U - fall), np.log(0.1) if levels else -20, np.log(3))
        snr[:, :, k] = np.exp(ramp + rng.normal(0, 0.1, ramp.shape))
        up = np.log(turn[k]) + own
        slope = lost[k] / (np.log(10_000) - np.log(turn[k]))
        rise = min(1.0, 10 * lost[k])  # what does not fall does not rise either
        x[:, :, k] = i_x - 2 * k + np.where(up > U, rise * 0.4 * (U - up), -slope * (U - up))
        shape = 1 / (1 + np.exp(-4 * (U - np.log(100))))
        y[:, :, k] = knows * shape - forgets * np.clip((U - np.log(1000)) / np.log(10), 0, 1)
    y += rng.normal(0, 0.001, y.shape)
    snr[0] = np.nan
    ones, absent = np.ones_like(snr), np.full_like(snr, np.nan)
    norm = ones * np.linspace(1, grows, len(EPOCHS))[:, None, None]
    history = LayerHistory(
        EPOCHS,
        x,
        y,
        ones,
        -ones,
        ones,
        snr,
        np.where(np.isnan(snr), np.nan, 1.0),
        norm,
        *[absent] * (len(LAYER_COLUMNS) - 8),
    )
    widths = (3,) * (depth - 1) + (1,)
    summary = SimpleNamespace(
        name="made",
        path=Path("made.ibs"),
        experiment=Experiment(),
        batches=lambda _: 7,
    )
    rule = RuleSummary(1, Experiment().rules[0], {}, 4096, 12, 2, 12.0, 0.99, sample=False)
    names = layer_names(len(widths))
    one = SimpleNamespace(
        rule=rule,
        recorded=False,
        layer_names=names,
        widths=widths,
        index=0,
        networks=networks,
        fraction=fraction,
        optimizer="sgd",
        sample_size=3482,
        settings=SimpleNamespace(stochastic=False),
    )
    learning = SimpleNamespace(train_accuracy=np.ones((len(EPOCHS), networks)))
    return RecordedEnsemble(cast("Any", summary), cast("Any", one), history, cast("Any", learning), cast("Any", None))


def judged(key: str, *ensembles: RecordedEnsemble, **more: Any) -> Finding:
    """What is worked out of weights is given, not read."""
    values = {"learning_rate": 0.02, "batch": 512, "optimizer": "sgd"}
    given = [SimpleNamespace(of=one, setting=values.__getitem__, **more) for one in ensembles]
    return CLAIM[key].found(cast("Any", given))


@pytest.mark.parametrize(
    ("key", "made_so", "verdict", "word"),
    [
        ("transition", {}, REPRODUCED, ""),
        ("transition", {"drift": (40, 300, 100)}, PARTLY, "near 350 it is in T2"),
        ("transition", {"drift": (20, 20, 20)}, NOT, "elsewhere"),
        ("coincidence", {}, REPRODUCED, ""),
        ("coincidence", {"turn": (350, 1500, 350)}, PARTLY, "T2"),
        ("coincidence", {"turn": (1500, 1500, 1500)}, NOT, "T2, output"),
        ("two-phases", {"lost": (1.0, 2.0, 3.0)}, REPRODUCED, ""),
        ("two-phases", {}, PARTLY, "T1"),
        ("two-phases", {"lost": (0, 0.2, 3.0)}, NOT, "T1, T2"),
        ("two-phases", {"drift": (3000, 3000, 3000)}, NOT, "not at most 0.1"),
        ("leveling", {}, REPRODUCED, ""),
        ("leveling", {"levels": False}, NOT, "T1, T2, output"),
        ("corner", {}, REPRODUCED, "30 bins"),
        ("corner", {"lost": (0.5, 2, 3)}, NOT, "corner"),
        ("committee", {}, REPRODUCED, ""),
        ("committee", {"lost": (0, 0.2, 3)}, PARTLY, "no hidden layer"),
        ("noise", {"lost": (0, 0.1, 3)}, REPRODUCED, "7 with batches of 512"),
        ("noise", {}, NOT, "T2 compress"),
        ("relu", {"lost": (1.0, 2.0, 3.0)}, REPRODUCED, ""),
        ("relu", {}, PARTLY, "in T1"),
        ("relu", {"lost": (0, 0, 0)}, NOT, "T1, T2"),
    ],
)
def test_a_verdict_follows_its_rule(key: str, made_so: dict[str, Any], verdict: str, word: str) -> None:
    settings = {"knows": 0.99} if key == "corner" else {}
    found = judged(key, made(**settings, **made_so))
    assert (found.verdict, word in found.reason) == (verdict, True), found
    assert found.numbers


@pytest.mark.parametrize(
    ("few", "most", "verdict"),
    [(0.1, 0.0, REPRODUCED), (0.1, 0.1, PARTLY), (0.0, 0.0, NOT), (0.01, 0.0, NOT), (0.02, 0.0, UNDECIDED)],
)
def test_what_is_lost_with_little_data(few: float, most: float, verdict: str) -> None:
    found = judged("data", made(forgets=few), made(forgets=most, seed=1))
    assert found.verdict == verdict
    assert [number.value for number in found.numbers] == pytest.approx([few] * 3 + [most] * 3, abs=0.004)


@pytest.mark.parametrize(
    ("shallow", "deep", "verdict"),
    [({"knows": 0.5}, {}, REPRODUCED), ({}, {}, NOT), ({"knows": 0.5}, {"knows": 0.6}, NOT)],
)
def test_what_depth_does(shallow: dict[str, Any], deep: dict[str, Any], verdict: str) -> None:
    found = judged("depth", made(**shallow), made(**deep))
    assert found.verdict == verdict
    reached = [number.value for number in found.numbers if number.unit == "epoch"]
    at = EPOCHS[np.argmax(0.95 / (1 + np.exp(-4 * (U[:, 0] - np.log(100)))) >= 0.8)]
    for value, of in zip(reached, (shallow, deep), strict=True):
        assert math.isinf(value) if of else abs(math.log(value / at)) < 0.1


@pytest.mark.parametrize(
    ("turn", "verdict"),
    [((2000, 1000, 300), REPRODUCED), ((1000, 2000, 300), PARTLY), ((300, 1000, 2000), NOT)],
)
def test_which_layer_compresses_first(turn: tuple[float, ...], verdict: str) -> None:
    assert judged("order", made(turn=turn, lost=(2, 2, 2))).verdict == verdict


@pytest.mark.parametrize(
    ("levels", "verdict"), [((0.5, 0.7, 0.95), REPRODUCED), ((0.5, 0.96, 0.9), PARTLY), ((0.9, 0.9, 0.9), NOT)]
)
def test_what_more_data_does(levels: tuple[float, ...], verdict: str) -> None:
    shares = (0.03, 0.4, 0.85)
    given = [
        made(knows=known, fraction=share, seed=k) for k, (known, share) in enumerate(zip(levels, shares, strict=True))
    ]
    assert judged("more-data", *given).verdict == verdict


@pytest.mark.parametrize(
    ("distance", "beta", "verdict"),
    [
        ((0, 0.001, 0.01), (9.0, 5.0, 2.0), REPRODUCED),
        ((0, 0.001, 0.1), (9.0, 5.0, 2.0), PARTLY),
        ((0, 0.001, 0.01), (5.0, 9.0, 2.0), PARTLY),
        ((0, 0.001, 0.01), (math.nan, math.nan, 2.0), PARTLY),
        ((0, 0.1, 0.1), (2.0, 5.0, 9.0), NOT),
    ],
)
def test_layers_at_the_bound(distance: tuple[float, ...], beta: tuple[float, ...], verdict: str) -> None:
    fits = SimpleNamespace(distance=np.array([distance] * 12), beta=np.array([beta] * 12))
    assert judged("bound-symmetric", made(), fits=fits).verdict == verdict


def moves(exponents: tuple[float, ...], correlation: float = 0.3) -> dict[str, Any]:
    every = SimpleNamespace(exponents=np.array([exponents] * 12), correlations=np.full((12, 3), correlation))
    return {"moves": ([SimpleNamespace(independent=0.3)] * 3, every), "by_noise": np.ones((12, 3))}


def test_how_weights_move_and_are_related() -> None:
    assert judged("diffusion", made(), **moves((1.0, 1.1, 0.9))).verdict == REPRODUCED
    some = judged("diffusion", made(), **moves((1.8, 1.1, 0.2)))
    assert (some.verdict, some.reason) == (PARTLY, "T1, output have another exponent")
    assert judged("diffusion", made(), **moves((1.8, 1.7, 1.9))).verdict == NOT
    assert judged("correlations", made(), **moves((1, 1, 1))).verdict == REPRODUCED
    assert judged("correlations", made(), **moves((1, 1, 1), 0.5)).verdict == PARTLY
    assert judged("correlations", made(grows=0.5), **moves((1, 1, 1))).verdict == PARTLY
    assert judged("correlations", made(grows=0.5), **moves((1, 1, 1), 0.5)).verdict == NOT


@pytest.mark.parametrize(("apart", "verdict"), [(0.002, REPRODUCED), (-0.002, REPRODUCED), (-0.05, NOT)])
def test_a_single_layer_with_noise_is_held_to_its_closed_form(apart: float, verdict: str) -> None:
    sigmas = np.array([0.0, 0.3, 1.0])
    closed = np.tile([0.1, 0.2, 0.3], (4, 1))
    single = SimpleNamespace(
        sigmas=sigmas, closed=closed, every=closed + np.array([0.0, apart, 0.0]), outside=closed + 0.01
    )
    deep = SimpleNamespace(sigmas=sigmas, closed=None, every=closed, outside=closed + 0.2)
    found = CLAIM["perceptron"].found(
        cast("Any", [SimpleNamespace(of=made(), noise=single), SimpleNamespace(of=made(), noise=deep)])
    )
    assert found.verdict == verdict
    assert [number.value for number in found.numbers] == pytest.approx([apart, 0.21, 0.4, 0.31, 0.5])


@pytest.mark.parametrize(
    ("drift", "verdict"), [((350, 350, 350), REPRODUCED), ((350, 10**9, 350), PARTLY), ((10**9,) * 3, NOT)]
)
def test_drift_and_diffusion_in_a_standard_problem(drift: tuple[float, ...], verdict: str) -> None:
    assert judged("large-problem", made(drift=drift)).verdict == verdict


def test_what_is_no_claim_has_no_verdict() -> None:
    for key in ("random-labels", "sensitivity"):
        found = judged(key, *[made()] * (1 + (key == "sensitivity")))
        assert (found.verdict, found.rule) == (NO_VERDICT, "")
        assert found.numbers
    assert len(judged("sensitivity", made(), made()).numbers) == 3 * 2


def test_without_a_session_nothing_is_said() -> None:
    for claim, found in zip(STANDARD, account({}), strict=True):
        assert (found.verdict, found.numbers) == (UNKNOWN, ())
        assert all(name in found.reason for name in claim.rests_on)


def test_a_session_without_networks_has_measured_nothing(tmp_path: Path) -> None:
    path = tmp_path / "empty.ibs"
    path.write_bytes((SHIPPED / "example-figure-3.ibs").read_bytes())
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for table in ("ensemble", "cohort", "network", "snapshot", "layer", "learning", "weights", "checkpoint"):
            connection.execute(f"DELETE FROM {table}")
    with pytest.raises(InvalidValue, match="'example-figure-3' has measured nothing"):
        account({"figure-3": path})


def test_every_claim_rests_on_an_experiment_that_there_is() -> None:
    known = experiments()
    assert {name for claim in STANDARD for name in claim.rests_on} == set(known)
    assert known["figure-3"] == find_preset("figure-3").experiment
    assert experiments(quick=True)["figure-3"] == find_preset("figure-3").quick
    assert {one.learning_rate for one in VARIANTS.values()} == {(0.005,), (0.02,), (0.08,)}
    assert all(one != Experiment(networks=20) for one in VARIANTS.values())
    assert len({claim.key for claim in CLAIMS}) == len(CLAIMS)
    assert {one.networks for one in experiments(networks=3).values()} == {3}


def one_number(path: Path, query: str) -> float:
    with closing(sqlite3.connect(path)) as connection:
        (value,) = connection.execute(query).fetchone()
    return float(value)


def test_numbers_of_a_recorded_session_are_those_that_sql_finds() -> None:
    path = SHIPPED / "example-figure-3.ibs"
    found = {one.key: one for one in account({"figure-3": path})}
    last = (
        "FROM layer l JOIN snapshot s ON s.id = l.snapshot JOIN cohort c ON c.id = s.cohort "
        "WHERE c.ensemble = 2 AND s.epoch = 10000"
    )
    corner = found["corner"]
    assert corner.numbers[0].value == pytest.approx(12 - one_number(path, f"SELECT avg(l.i_x) {last} AND l.layer = 1"))
    spread = "sqrt((avg(l.i_x * l.i_x) - avg(l.i_x) * avg(l.i_x)) / (count(*) - 1))"
    assert corner.numbers[0].error == pytest.approx(
        one_number(path, f"SELECT {spread} {last} AND l.layer = 1"), abs=1e-6
    )
    highest = one_number(
        path,
        "SELECT max(m) FROM (SELECT avg(l.i_y) AS m FROM layer l JOIN snapshot s ON s.id = l.snapshot JOIN cohort c "
        "ON c.id = s.cohort WHERE c.ensemble = 2 AND l.layer = 6 GROUP BY s.epoch)",
    )
    end = one_number(path, f"SELECT avg(l.i_y) {last} AND l.layer = 6")
    data = {number.name: number.value for number in found["data"].numbers}
    assert data["output at 85 %"] == pytest.approx(highest - end)
    assert {one.verdict for one in found.values()} > {UNKNOWN}


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Number("T1", 0.12345, 0.012, "bits"), "T1 0.123 ± 0.012 bits"),
        (Number("T1", 5.0, 0.0, "bits"), "T1 5.000 ± 0.000 bits"),
        (Number("T1", 350.2, 0.1, "epoch"), "T1 350 ×/÷ 1.11"),
        (Number("T1", math.nan, math.nan, "epoch"), "T1 none"),
        (Number("T1", 123.4, math.nan, ""), "T1 123"),
        (Number("T1", 0.12345, 0.012, "bits", 7, 10), "T1 0.123 ± 0.012 bits (n 7)"),
        (Number("T1", 350.2, 0.1, "epoch", 7, 10), "T1 350 ×/÷ 1.11 (n 7)"),
        (Number("T1", 123.4, math.nan, "", 10, 10), "T1 123"),
        (Number("T1", 123.4, math.nan, "", 1, 10), "T1 123 (n 1)"),
        (Number("T1", 23498.0, 20482.0, ""), "T1 23498 ± 20482"),
    ],
)
def test_numbers_are_written_with_the_digits_they_have(number: Number, text: str) -> None:
    assert number.text == text
    plain = number.to_dict()
    assert plain["name"] == "T1"
    assert (plain["value"] is None) == math.isnan(number.value)

"""Findings, their numbers and their evidence: what they say to the letter, and what they are made with."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from ibtui_engine.account.claims import CLAIMS
from ibtui_engine.account.evidence import SAMPLED_BETAS, Evidence
from ibtui_engine.account.finding import INAPPLICABLE, NOT, PARTLY, UNDECIDED, Finding, Number, Place
from ibtui_engine.account.standard import VARIANTS, account, experiments
from ibtui_engine.bottleneck.kept import find_curve
from ibtui_engine.bottleneck.sampling import attained, evaluate_sample
from ibtui_engine.networks import draw_samples
from ibtui_engine.presets import QUICK_MOST
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.session.history import SessionReader
from ibtui_engine.threads import usable_cores
from tests.engine.account.test_thresholds import one

SHIPPED = Path(__file__).parents[3] / "sessions"
CLAIM = {claim.key: claim for claim in CLAIMS}


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Number("T1", 5.0, 0.5, "bits"), "T1 5.00 ± 0.50 bits"),
        (Number("T1", 5.0, 1.5, "bits"), "T1 5.0 ± 1.5 bits"),
        (Number("T1", 0.123456789, 1e-12, ""), "T1 0.123457 ± 0.000000"),
        (Number("T1", -0.0001, 0.5, ""), "T1 0.00 ± 0.50"),
        (Number("T1", 1.0, 0.5, "", 0, 10), "T1 1.00 ± 0.50"),
        (Number("T1", 1.0, 0.5, "", 10, 10), "T1 1.00 ± 0.50"),
        (Number("T1", 1.0, 0.5, "", 9, 10), "T1 1.00 ± 0.50 (n 9)"),
        (Number("T1", 350.4, math.nan, "epoch", 9, 10, 99.6, math.inf), "T1 350 (99.6 to never) (n 9)"),
        (Number("T1", 99.4, math.nan, "bits", 10, 10, -math.inf, 99.44), "T1 99.4 (before to 99.4) bits"),
        (Number("T1", math.inf, math.nan, "epoch", 5, 5), "T1 never"),
    ],
)
def test_a_number_has_as_many_digits_as_its_error(number: Number, text: str) -> None:
    assert number.text == text


def test_a_number_counts_the_networks_that_it_is_a_mean_over_where_it_is_one() -> None:
    assert Number("T1", 1.0, 0.5, "") == Number("T1", 1.0, 0.5, "", 0, 0)
    assert Number("T1", 1.0, 0.5, "").to_dict()["networks"] is None
    assert Number("T1", 1.0, 0.5, "", 7, 10).to_dict()["networks"] == 7


def test_a_finding_as_plain_values_has_all_of_it() -> None:
    number = Number("T1", 1.0, 0.5, "bits", 7, 10)
    found = Finding("key", "3.4", "claim", "measured", "rule", "partly", (number,), "why", (Place("a", 2, Path("a")),))
    assert found.to_dict() == {
        "key": "key", "section": "3.4", "claim": "claim", "measured": "measured", "rule": "rule", "verdict": "partly",
        "numbers": [number.to_dict()], "reason": "why", "ensembles": [{"session": "a", "ensemble": 2, "path": "a"}],
        "networks": None, "agreement": None, "resampled": {}, "firmness": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "networks", "shares", "agreement", "said"),
    [
        (PARTLY, (50, 50), {PARTLY: 1.0}, 1.0, "n 50; 100 % of resamples"),
        (PARTLY, (6, 36), {PARTLY: 0.999, NOT: 0.001}, 0.999, "n 6 to 36; 99.9 % of resamples"),
        (PARTLY, (6, 6), {PARTLY: 0.9995, NOT: 0.0005}, 0.9995, "n 6; 99.9 % of resamples"),
        (NOT, (6, 6), {PARTLY: 1.0}, 0.0, "n 6; 0 % of resamples"),
        (UNDECIDED, (9, 9), {PARTLY: 0.6, NOT: 0.4}, 0.6, "n 9; partly 60 %, not 40 %"),
    ],
)
def test_a_verdict_says_how_firmly_it_stands(
    verdict: str, networks: tuple[int, int], shares: dict[str, float], agreement: float, said: str
) -> None:
    found = Finding("key", "3.4", "claim", "measured", "rule", verdict, (), networks=networks, resampled=shares)
    assert (found.agreement, found.firmness) == (agreement, said)
    plain = found.to_dict()
    assert (plain["agreement"], plain["networks"], plain["resampled"]) == (agreement, list(networks), shares)


def test_what_is_not_judged_has_no_firmness() -> None:
    found = Finding("key", "3.4", "claim", "measured", "rule", "–", ())
    assert (math.isnan(found.agreement), found.firmness) == (True, "")


def test_a_finding_says_where_it_was_measured_if_that_is_told() -> None:
    claim, given = CLAIM["leveling"], cast("Any", [one(2)])
    assert claim.found(given, "figure-3, 85 %").measured == f"{claim.measured} (figure-3, 85 %)"
    assert claim.found(given).measured == claim.measured
    assert CLAIM["leveling"].standard_place == "figure-3, 85 % of the patterns"
    assert CLAIM["more-data"].standard_place == "figure-7"


def test_the_standard_account_judges_the_last_ensemble_of_a_preset() -> None:
    found = {finding.key: finding for finding in account({"figure-3": SHIPPED / "example-figure-3.ibs"})}
    assert [place.ensemble for place in found["corner"].ensembles] == [2]
    assert {experiment.networks for experiment in VARIANTS.values()} == {20}
    for name, variant in VARIANTS.items():
        assert experiments()[name] == variant
        assert experiments(quick=True)[name] == variant.override(QUICK_MOST)


def test_evidence_is_of_converged_layers_with_a_beta_and_by_the_threads_that_are_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fits: Callable[..., dict[str, Any]] = lambda **given: given  # noqa: E731
    assert Evidence(cast("Any", SimpleNamespace(fits=fits)), 3).fits == {"threads": 3, "require_beta": True}
    monkeypatch.setattr("ibtui_engine.account.evidence.noise_of", lambda reader, ensemble, threads: threads.count)
    with SessionReader(SHIPPED / "example-figure-3.ibs") as reader:
        of = reader.recorded_ensembles()[0]
    assert Evidence(of, usable_cores() + 1).noise == usable_cores() + 1
    assert Evidence(of).noise == usable_cores()


def test_evidence_has_the_curve_and_those_of_the_networks_samples() -> None:
    with SessionReader(SHIPPED / "example-figure-3.ibs") as reader:
        of = reader.recorded_ensembles()[1]
    rule, found = load_rule("symmetric"), Evidence(of, 2)
    assert found.curve.growing.tolist() == find_curve(rule).growing.tolist()
    assert found.attained.shape == of.layers.i_y[-1].shape
    for network in (0, 9):
        sample = draw_samples(rule, of.ensemble.fraction, (of.summary.experiment.seed + network,))
        points = evaluate_sample(rule, sample, SAMPLED_BETAS)[:2]
        assert found.attained[network] == pytest.approx(attained(of.layers.i_x[-1, network], points), abs=1e-9)
    assert np.unique(found.attained[:, 0]).size > 5  # each network has its own sample


def test_the_standard_account_says_what_a_session_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ibtui_engine.account.standard.STANDARD", (CLAIM["correlations"],))
    [found] = account({"figure-3": SHIPPED / "example-figure-5.ibs"})
    assert (found.verdict, found.numbers) == (INAPPLICABLE, ())
    assert found.reason == "needs kept weights (here: none kept)"
    assert [place.session for place in found.ensembles] == ["example-figure-5"]

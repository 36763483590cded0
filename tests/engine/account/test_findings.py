"""Findings, their numbers and their evidence: what they say to the letter, and what they are made with."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ibtui_engine.account.claims import CLAIMS
from ibtui_engine.account.evidence import Evidence
from ibtui_engine.account.finding import Finding, Number, Place
from ibtui_engine.account.standard import VARIANTS, account, experiments
from ibtui_engine.presets import QUICK_MOST
from ibtui_engine.session.history import SessionReader
from ibtui_engine.threads import usable_cores
from tests.engine.account.test_thresholds import judged, knowing, one, over_networks, row, value

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
    ],
)
def test_a_number_has_as_many_digits_as_its_error(number: Number, text: str) -> None:
    assert number.text == text


def test_a_number_counts_the_networks_that_it_is_a_mean_over_where_it_is_one() -> None:
    assert Number("T1", 1.0, 0.5, "") == Number("T1", 1.0, 0.5, "", 0, 0)
    assert Number("T1", 1.0, 0.5, "").to_dict()["networks"] is None
    assert Number("T1", 1.0, 0.5, "", 7, 10).to_dict()["networks"] == 7


def test_a_finding_as_plain_values_has_all_but_paths() -> None:
    number = Number("T1", 1.0, 0.5, "bits", 7, 10)
    found = Finding("key", "3.4", "claim", "measured", "rule", "partly", (number,), "why", (Place("a", 2, Path("a")),))
    assert found.to_dict() == {
        "key": "key", "section": "3.4", "claim": "claim", "measured": "measured", "rule": "rule", "verdict": "partly",
        "numbers": [number.to_dict()], "reason": "why", "ensembles": [{"session": "a", "ensemble": 2}],
    }  # fmt: skip


def test_a_finding_says_where_it_was_measured_if_that_is_told() -> None:
    claim, given = CLAIM["leveling"], cast("Any", [one([row()] * 2)])
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


@pytest.mark.parametrize(
    ("distances", "betas", "reason"),
    [
        ((0.0, 0.0, 0.0), (9.0, 5.0, 2.0), ""),
        ((0.03, 0.0, 0.03), (9.0, 5.0, 2.0), "more than 0.02 bits below the curve: T1, output"),
        ((0.0, 0.0, 0.0), (9.0, 5.0, 6.0), "beta* does not fall from layer to layer"),
        (
            (0.03, 0.0, 0.0),
            (9.0, math.nan, math.nan),
            "more than 0.02 bits below the curve: T1; beta* does not fall from layer to layer (2 layers have none: the "
            "curve is all but a corner there)",
        ),
    ],
)
def test_the_bound_says_which_layers_are_away_and_which_have_no_beta(
    distances: tuple[float, ...], betas: tuple[float, ...], reason: str
) -> None:
    of_layers = {"distance": [value(x) for x in distances], "beta": [value(x) for x in betas]}
    _, numbers, why = judged("bound", one([row()] * 3, fits=SimpleNamespace(spreads=of_layers.__getitem__)))
    assert why == reason
    names = []
    for name, beta in zip(("T1", "T2", "output"), betas, strict=True):
        names += [f"{name} below", f"{name} beta*"] if math.isfinite(beta) else [f"{name} below"]
    assert [number.name for number in numbers] == names


def test_more_data_is_asked_of_the_last_hidden_layer_and_the_output_and_may_change_nothing_at_a_step() -> None:
    def at(mean: float, fraction: float) -> SimpleNamespace:
        return knowing(*[[[9.0, 9.0], over_networks(mean, 0.0)]] * 4, fraction=fraction)  # the end counts

    verdict, numbers, _ = judged("more-data", at(0.25, 0.03), at(0.5, 0.4), at(0.5, 0.85))
    assert verdict == "reproduced"
    assert [(number.name, number.value) for number in numbers] == [
        ("T3 at 3 %", 0.25), ("T3 at 85 %", 0.5), ("output at 3 %", 0.25), ("output at 85 %", 0.5)
    ]  # fmt: skip


def test_layers_that_lose_label_information_are_named() -> None:
    def forgetful(*losses: float, fraction: float) -> SimpleNamespace:
        return knowing(*[[[0.0, 0.0], [1.0, 1.0], [1.0 - loss] * 2] for loss in losses], fraction=fraction)

    few, most = forgetful(0.1, 0.1, 0.0, fraction=0.05), forgetful(0.0, 0.1, 0.1, fraction=0.85)
    assert judged("data", few, most)[2] == "T2, output lose some with 85 %, too"
    assert judged("data", forgetful(0.0, 0.0, 0.0, fraction=0.05), most)[2].endswith("label information with 5 %")

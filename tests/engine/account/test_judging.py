"""Any recorded ensemble is judged by the claims whose data it has; for the others it is said what it lacks."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from ibtui_engine.account.claims import CLAIMS
from ibtui_engine.account.conditions import (
    A_HIDDEN_LAYER,
    BATCHES,
    BUILT_IN,
    FROM_DATA,
    MEASURED,
    ONE_BATCH,
    ORBITS,
    PAIRS_OF_NEURONS,
    SEVERAL_NETWORKS,
    STOCHASTIC,
    TWO_LABELS,
    WEIGHTS,
    Condition,
    measured_until,
    of_rule,
    other_rule_than,
    setting,
)
from ibtui_engine.account.evidence import Evidence
from ibtui_engine.account.finding import INAPPLICABLE, Finding
from ibtui_engine.account.judging import compared, judge
from ibtui_engine.account.standard import account
from ibtui_engine.experiment import RuleSettings
from ibtui_engine.session.ensemble import RecordedEnsemble
from ibtui_engine.session.history import SessionReader

SHIPPED = Path(__file__).parents[3] / "sessions"
CHEAP = ("two-phases", "data", "transition", "depth", "order", "corner", "committee", "sensitivity")


def recorded(*names: str) -> list[RecordedEnsemble]:
    those: list[RecordedEnsemble] = []
    for name in names:
        with SessionReader(SHIPPED / f"example-{name}.ibs") as reader:
            those += reader.recorded_ensembles()
    return those


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The findings of the claims that need no fits, by their keys."""
    monkeypatch.setattr("ibtui_engine.account.judging.CLAIMS", [claim for claim in CLAIMS if claim.key in CHEAP])

    def of(*those: RecordedEnsemble) -> dict[str, list[Finding]]:
        found: dict[str, list[Finding]] = {key: [] for key in CHEAP}
        for one in judge(those):
            found[one.key].append(one)
        return found

    return of


def places(one: Finding) -> list[int]:
    return [place.ensemble for place in one.ensembles]


def test_an_ensemble_of_a_preset_is_judged_as_in_the_standard_account(judged: Any) -> None:
    found = judged(*recorded("figure-3"))
    standard = {one.key: one for one in account({"figure-3": SHIPPED / "example-figure-3.ibs"})}
    for key in ("two-phases", "data", "transition", "corner"):
        [of] = [one for one in found[key] if one.ensembles == standard[key].ensembles]
        assert (of.verdict, of.numbers, of.rule) == (standard[key].verdict, standard[key].numbers, standard[key].rule)


def test_each_ensemble_gets_a_finding_or_a_reason(judged: Any) -> None:
    found = judged(*recorded("figure-3"))
    assert [places(one) for one in found["transition"]] == [[1], [2], [0]]
    last = found["transition"][-1]
    assert (last.verdict, last.reason) == (INAPPLICABLE, "needs several batches in an epoch (here: one)")
    assert [places(one) for one in found["corner"]] == [[0], [1], [2]]
    assert [places(one) for one in found["committee"]] == [[0], [1, 2]]
    for key in CHEAP:
        assert {place for one in found[key] for place in places(one)} == {0, 1, 2}


def test_ensembles_that_differ_in_one_setting_are_compared_in_its_order(judged: Any) -> None:
    found = judged(*reversed(recorded("figure-3")))
    [data] = found["data"]
    assert places(data) == [0, 1, 2]
    [depth] = judged(*reversed(recorded("figure-5")))["depth"]
    assert places(depth) == [0, 1, 2, 3, 4, 5]


def test_ensembles_that_differ_in_more_are_not_compared(judged: Any) -> None:
    found = judged(recorded("figure-5")[0], recorded("figure-3")[2])
    assert [one.verdict for one in found["depth"]] == [INAPPLICABLE]
    assert found["depth"][0].reason == "needs ensembles that differ only in the number of hidden layers"
    assert found["data"][0].reason == "needs ensembles that differ only in sample fractions"
    assert "learning rate, batch or optimiser" in found["sensitivity"][0].reason


def test_ensembles_of_several_sessions_are_compared(judged: Any) -> None:
    few, most = recorded("figure-3")[::2]
    twin = recorded("figure-4")[
        0
    ]  # the settings of `most`, in another session, where networks and snapshots are others
    found = judged(few, twin, most)
    compared, again = found["data"]
    assert compared.ensembles[-1].session == "example-figure-4"
    assert compared.verdict != INAPPLICABLE
    assert [place.session for place in again.ensembles] == ["example-figure-3"]
    assert again.reason == "another ensemble here has the same settings"


def test_the_claim_about_a_rule_is_judged_on_that_rule_alone(judged: Any) -> None:
    found = judged(*recorded("figure-8"), recorded("figure-3")[2])["committee"]
    assert [one.ensembles[0].session for one in found] == ["example-figure-8", "example-figure-3"]
    assert found[1].reason == "needs the rule committee (here: symmetric)"


def ensemble(**given: Any) -> Any:
    values = {
        "networks": 2,
        "widths": (3, 1),
        "inputs": 12,
        "batches": 7,
        "labels": 2,
        "weights": True,
        "rule": "symmetric",
        "snapshots": (0, 100),
        "stochastic": True,
        "i_orbit": (math.nan, 1.0),
    } | given
    return SimpleNamespace(
        ensemble=SimpleNamespace(
            networks=values["networks"],
            snapshots=values["snapshots"],
            settings=SimpleNamespace(activation="tanh", stochastic=values["stochastic"]),
            rule=SimpleNamespace(
                settings=RuleSettings(values["rule"], None, None, None),
                inputs=values["inputs"],
                labels=values["labels"],
            ),
        ),
        widths=values["widths"],
        hidden_layers=len(values["widths"]) - 1,
        batches=values["batches"],
        layers=SimpleNamespace(i_orbit=np.array(values["i_orbit"])),
        summary=SimpleNamespace(
            experiment=SimpleNamespace(weights=values["weights"]),
        ),
    )


@pytest.mark.parametrize(
    ("condition", "met", "unmet", "why"),
    [
        (SEVERAL_NETWORKS, {"networks": 2}, {"networks": 1}, "at least 2 networks (here: one)"),
        (A_HIDDEN_LAYER, {"widths": (3, 1)}, {"widths": (1,)}, "at least one hidden layer (here: none)"),
        (MEASURED, {"snapshots": (0,)}, {"snapshots": ()}, "a measured epoch (here: none yet)"),
        (
            measured_until(100),
            {"snapshots": (0, 100)},
            {"snapshots": (0, 99)},
            "100 epochs (here: measured up to epoch 99)",
        ),
        (measured_until(100), {"snapshots": (100,)}, {"snapshots": ()}, "at least 100 epochs"),
        (BATCHES, {"batches": 2}, {"batches": 1}, "several batches in an epoch (here: one)"),
        (ONE_BATCH, {"batches": 1}, {"batches": 2}, "one batch in an epoch (here: 2)"),
        (WEIGHTS, {"weights": True}, {"weights": False}, "kept weights (here: none kept)"),
        (TWO_LABELS, {"labels": 2}, {"labels": 3}, "two labels (here: 3)"),
        (FROM_DATA, {"rule": "digits"}, {"rule": "committee"}, "a rule from data (here: committee)"),
        (FROM_DATA, {"rule": "table:a.csv"}, {"rule": "perceptron"}, "a rule from data"),
        (BUILT_IN, {"rule": "committee"}, {"rule": "table:a.csv"}, "a built-in rule (here: a)"),
        (ORBITS, {}, {"i_orbit": (math.nan, math.nan)}, "I(T;orbit) (here: not recorded)"),
        (STOCHASTIC, {}, {"stochastic": False}, "stochastic units (here: deterministic ones)"),
        (of_rule("mnist"), {"rule": "mnist:data"}, {"rule": "digits"}, "the rule mnist (here: digits)"),
        (other_rule_than("mnist"), {"rule": "digits"}, {"rule": "mnist:data"}, "other than mnist (here: mnist)"),
        (of_rule("committee"), {"rule": "committee"}, {"rule": "/x/y.csv"}, "the rule committee (here: y)"),
        (
            other_rule_than("symmetric", "committee"),
            {"rule": "perceptron"},
            {"rule": "committee"},
            "a rule other than symmetric and committee (here: committee)",
        ),
        (PAIRS_OF_NEURONS, {"widths": (2, 1), "inputs": 3}, {"widths": (2, 1), "inputs": 2}, "(here: 2-2-1)"),
        (PAIRS_OF_NEURONS, {"widths": (3, 2), "inputs": 1}, {"widths": (1, 1), "inputs": 9}, "(here: 9-1-1)"),
    ],
)
def test_a_condition_says_what_is_lacking(
    condition: Condition, met: dict[str, Any], unmet: dict[str, Any], why: str
) -> None:
    assert condition.lacking(ensemble(**met)) == ""
    said = condition.lacking(ensemble(**unmet))
    assert said.startswith("needs ")
    assert why in said


def test_a_setting_that_is_needed() -> None:
    assert setting("activation", "tanh").lacking(ensemble()) == ""
    assert setting("activation", "relu").lacking(ensemble()) == "needs activation relu (here: tanh)"
    real = recorded("figure-3")[0]
    assert setting("activation", "tanh").lacking(real) == setting("labels", "rule").lacking(real) == ""
    assert setting("labels", "random").lacking(real) == "needs labels random (here: rule)"


def test_ensembles_are_compared_network_by_network_only_where_they_have_as_many() -> None:
    [claim] = [one for one in CLAIMS if one.key == "more-data"]
    few, _, most = map(Evidence, recorded("figure-3"))
    assert compared(claim, [most, few]) == [(few, most)]
    summary = replace(most.of.ensemble, networks=9)  # the tenth has not been trained yet
    fewer = Evidence(replace(most.of, ensemble=summary))
    assert compared(claim, [fewer, few]) == [(fewer,), (few,)]


def test_a_relaxation_needs_epochs_after_it_has_begun() -> None:
    [claim] = [one for one in CLAIMS if one.key == "monte-carlo"]

    def given(optimizer: str, *snapshots: int) -> SimpleNamespace:
        of = ensemble(snapshots=snapshots)
        of.ensemble.optimizer, of.summary.experiment.relaxation_epoch = optimizer, 400
        return SimpleNamespace(of=of, setting=lambda _: optimizer)

    def lacking(*those: SimpleNamespace) -> str:
        return claim.lacking(cast("Any", those))

    assert lacking(given("sgd", 0, 400, 401), given("metropolis", 400, 500)) == ""
    assert "after 400" in lacking(given("sgd", 0, 400, 401), given("metropolis", 0, 400))
    assert "after 400" in lacking(given("sgd", 0, 400, 401), given("metropolis", 399, 500))
    assert "sgd and metropolis" in lacking(given("sgd", 0, 400), given("adam", 0, 400))


def test_noise_needs_a_network_without_hidden_layers() -> None:
    [claim] = [one for one in CLAIMS if one.key == "perceptron"]

    def given(*widths: int) -> SimpleNamespace:
        return SimpleNamespace(of=ensemble(widths=widths), setting=lambda _: widths)

    assert claim.lacking(cast("Any", [given(1), given(3, 1)])) == ""
    assert "without hidden layers" in claim.lacking(cast("Any", [given(2, 1), given(3, 1)]))
    assert claim.lacking(cast("Any", [given(1)])) == "needs ensembles that differ only in hidden layers"


def test_claims_about_differences_compare_networks_of_the_same_seeds() -> None:
    assert {claim.key for claim in CLAIMS if claim.paired} == {
        "more-data", "more-data-middle", "monte-carlo", "ib-guided", "noise-shape"
    }  # fmt: skip
    one = Evidence(recorded("figure-3")[2])
    summary = replace(one.of.summary, experiment=one.of.summary.experiment.override({"seed": 5}))
    other = Evidence(replace(one.of, summary=summary))
    assert one.alike((), paired=False) == other.alike((), paired=False)
    assert one.alike((), paired=True) != other.alike((), paired=True)


def test_depth_needs_two_numbers_of_hidden_layers() -> None:
    [claim] = [one for one in CLAIMS if one.key == "depth"]

    def given(*widths: int) -> SimpleNamespace:
        return SimpleNamespace(of=ensemble(widths=widths), setting=lambda _: widths)

    assert claim.lacking(cast("Any", [given(3, 1), given(3, 2, 1)])) == ""
    assert claim.lacking(cast("Any", [given(3, 1), given(4, 1)])).endswith("differ only in the number of hidden layers")

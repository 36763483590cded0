"""The experiments with a name: that they can be run, and show what their figure of the paper shows."""

from __future__ import annotations

import json

import pytest

from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import Experiment
from ibtui_engine.presets import DEFAULT, PRESETS, find_preset, until

EVERY = pytest.mark.parametrize("name", PRESETS)


@EVERY
def test_a_preset_is_found_by_its_name_and_says_what_it_shows(name: str) -> None:
    preset = find_preset(name)
    assert preset.name == name
    assert preset.sentence.strip().endswith((".", "?"))
    assert "\n" not in preset.sentence


@EVERY
def test_a_preset_comes_back_from_its_settings(name: str) -> None:
    experiment = PRESETS[name].experiment
    assert Experiment.from_dict(json.loads(json.dumps(experiment.to_dict()))) == experiment


@EVERY
def test_a_preset_runs_anywhere(name: str) -> None:
    experiment = PRESETS[name].experiment
    assert (experiment.trainer, experiment.device) == ("auto", "auto")
    assert not any(rule.of_table for rule in experiment.rule_names)
    assert experiment.snapshot_epochs[-1] == experiment.epochs


@EVERY
def test_a_quick_version_is_smaller_in_its_counts_alone(name: str) -> None:
    whole, quick = PRESETS[name].experiment, PRESETS[name].quick
    assert quick.networks <= 4
    assert quick.epochs <= 1_000
    assert len(quick.snapshot_epochs) <= 45
    counts = {"networks", "epochs", "snapshots", "snapshot_at"}
    less, usual = quick.to_dict(), whole.to_dict()
    assert {key for key in less.keys() | usual.keys() if less.get(key) != usual.get(key)} <= counts
    assert set(quick.snapshot_at) <= set(whole.snapshot_at)


def test_fewer_epochs_leave_out_those_that_are_named_and_no_longer_reached() -> None:
    whole = PRESETS["figure-2"].experiment
    assert until(whole, {"epochs": 500}).snapshot_at == (400,)
    assert until(whole, {"epochs": 9_500}).snapshot_at == (400, 9_000)
    assert until(Experiment(snapshot_at=(400,)), {"epochs": 30}).snapshot_epochs == (0, 30)
    with pytest.raises(InvalidValue, match=r"snapshot-at must be .*, got 400"):
        until(whole, {"epochs": 30, "snapshot_at": (400,)})
    relaxing = PRESETS["monte-carlo"].experiment
    assert until(relaxing, {"epochs": 500}).relax_from == 400
    assert until(relaxing, {"epochs": 400}).relax_from == 200
    assert until(relaxing, {"epochs": 90, "optimizer": "sgd"}).relax_from is None
    with pytest.raises(InvalidValue, match=r"relax-from must be .*, got 400"):
        until(relaxing, {"epochs": 90, "relax_from": 400})
    with pytest.raises(InvalidValue, match=r"epochs must be .*, got '9'"):
        until(whole, {"epochs": "9"})


def test_presets_differ_in_name_and_sentence() -> None:
    assert len({preset.sentence for preset in PRESETS.values()}) == len(PRESETS)
    assert DEFAULT in PRESETS


def test_figures_have_the_settings_of_the_paper() -> None:
    figures = {name: preset.experiment for name, preset in PRESETS.items()}
    assert figures["figure-2"].networks == 50
    assert {0, 400, 9_000} <= set(figures["figure-2"].snapshot_epochs)
    assert figures["figure-3"].fraction == (0.05, 0.45, 0.85)
    assert [len(hidden) for hidden in figures["figure-5"].hidden] == [1, 2, 3, 4, 5, 6]
    assert figures["figure-5"].fraction == (0.8,)
    assert figures["figure-6"].networks == figures["figure-6-soft"].networks == 50
    assert figures["figure-6-soft"].rule == ("symmetric-soft",)
    assert figures["figure-6"].weights, "beta* is fitted to them"
    assert len(figures["figure-7"].fraction) >= 8
    assert (min(figures["figure-7"].fraction), max(figures["figure-7"].fraction)) == (0.03, 0.85)
    assert figures["figure-8"].rule == ("committee",)
    assert figures["figure-4"].hidden == ((12, 10, 7, 5, 4, 3, 2),), "section 3.1"
    for name in ("figure-2", "figure-3", "figure-6"):
        assert figures[name].hidden == ((10, 8, 6, 4, 2),)
        assert figures[name].rule == ("symmetric",)


def test_controls_change_one_thing_of_the_usual_experiment() -> None:
    usual = Experiment().to_dict()
    changes = {
        name: {key for key, value in PRESETS[name].experiment.to_dict().items() if usual[key] != value}
        for name in ("relu", "full-batch", "random-labels", "adam")
    }
    assert changes == {
        "relu": {"activation"},
        "full-batch": {"batch", "epochs", "networks"},
        "random-labels": {"labels"},
        "adam": {"optimizer", "learning_rate"},
    }
    assert PRESETS["adam"].experiment.learning_rate == (4e-4,)


def test_an_unknown_preset_is_refused_with_those_that_there_are_and_the_nearest() -> None:
    with pytest.raises(
        InvalidValue, match=r"^unknown preset 'figure3': choose one of .*did you mean figure-3\?$"
    ) as no:
        find_preset("figure3")
    for name in PRESETS:
        assert name in str(no.value)
    with pytest.raises(InvalidValue) as far:
        find_preset("zzzz")
    assert "did you mean" not in str(far.value)


def test_presets_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        PRESETS["quick"] = PRESETS["relu"]  # type: ignore[index]

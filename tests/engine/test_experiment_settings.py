"""Every setting of an experiment is declared, its values are read back as they are written, and its range holds."""

from __future__ import annotations

import math
from dataclasses import fields

import pytest

from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import OF_TABLES, Experiment
from ibtui_engine.presets import PRESETS
from ibtui_engine.setting import PANELS, Setting
from ibtui_engine.settings import MAX_EPOCHS, SETTINGS

EXPERIMENTS = {
    **{name: preset.experiment for name, preset in PRESETS.items()},
    "a third": Experiment(fraction=(1 / 3, 1e-7), learning_rate=0.1 + 0.2),
    "none of it": Experiment(hidden=((), (3, 2)), batch="full", theta="auto", snapshot_at=(0, 7), weights=False),
    "a grid of rules": Experiment(rule=("symmetric", "committee"), theta=("auto", 2.5), i_xy=(0.5, 0.25)),
    "files": Experiment(rule=("table:my files/a,b.csv", "c d.npz", "mnist:here")),
    "all of it": Experiment(gamma=2.5, noise=1e-9, estimator="kde", measured=7, snapshots=0),
}


def test_the_settings_are_those_of_an_experiment_and_no_others() -> None:
    assert set(SETTINGS) == {field.name for field in fields(Experiment)}
    assert {setting.panel for setting in SETTINGS.values()} == set(PANELS)
    assert all(setting.about.endswith(".") and setting.label for setting in SETTINGS.values())


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_values_are_read_back_as_they_are_written(experiment: Experiment) -> None:
    written = {name: setting.text(getattr(experiment, name)) for name, setting in SETTINGS.items()}
    assert Experiment().override({name: SETTINGS[name].read(text) for name, text in written.items()}) == experiment


@pytest.mark.parametrize("name", SETTINGS)
def test_every_known_value_is_allowed(name: str) -> None:
    setting = SETTINGS[name]
    beside = dict(setting.beside) | ({"optimizer": setting.of} if setting.of else {})
    beside |= {"rule": "table:x.csv"} if name in OF_TABLES else {}
    for value in setting.known:
        Experiment().override({**beside, name: setting.read(value)})


@pytest.mark.parametrize("preset", PRESETS)
def test_every_value_of_a_preset_is_allowed_by_itself(preset: str) -> None:
    """As the form checks a field, whatever the others have."""
    for name, setting in SETTINGS.items():
        beside = dict(setting.beside) | ({"optimizer": setting.of, "epochs": MAX_EPOCHS} if setting.of else {})
        beside |= {"epochs": MAX_EPOCHS} if name == "snapshot_at" else {}
        value = getattr(PRESETS[preset].experiment, name)
        assert getattr(Experiment().override({**beside, name: value}), name) == value


@pytest.mark.parametrize("value", [("label", "y"), ("ignore", "a,b"), ("label_kind", "class"), ("label_bins", 2),
                                   ("scale", "none")])  # fmt: skip
def test_settings_of_tables_are_of_tables_only_and_go_with_them(value: tuple[str, object]) -> None:
    name, given = value
    table = Experiment().override({"rule": "table:x.csv", name: given})
    assert getattr(table, name) == given
    assert getattr(table.reading, name) == given
    assert table.override({"rule": "table:y.csv"}).reading == table.reading
    assert table.override({"rule": "symmetric"}) == Experiment()
    assert Experiment.from_dict(table.to_dict()) == table
    assert name not in Experiment().to_dict()
    with pytest.raises(InvalidValue, match=f"{name.replace('_', '-')} applies only to tables, such as table:x.csv"):
        Experiment().override({name: given})


def test_names_of_columns_may_be_a_list_or_a_number() -> None:
    table = {"rule": "table:x.csv"}
    assert Experiment.from_dict({**table, "ignore": ["a", "b c"]}).ignore == "a,b c"
    assert Experiment.from_dict({**table, "label": 3}).label == "3"
    assert Experiment.from_dict({**table, "ignore": []}).ignore is None
    for wrong in (True, 1.5, [1], ""):
        with pytest.raises(InvalidValue, match="label must be "):
            Experiment.from_dict({**table, "label": wrong})


@pytest.mark.parametrize("name", [name for name, one in SETTINGS.items() if one.kind in ("whole", "number")])
def test_what_is_beside_a_range_is_refused_and_its_ends_are_not(name: str) -> None:
    setting = SETTINGS[name]
    whole = setting.kind == "whole"
    for end, inside in ((setting.least, True), (setting.most, True), (setting.low, False), (setting.below, False)):
        if math.isinf(end):
            continue
        at = int(end) if whole else end
        if inside:
            setting.require(name, at)
        beyond = at if not inside else at + (1 if end == setting.most else -1) * (1 if whole else max(abs(at), 1e-12))
        with pytest.raises(InvalidValue, match=f"^{name.replace('_', '-')} must be .*, got "):
            setting.require(name, beyond)
    for wrong in (True, "x", math.nan, [], None if not setting.unset else True):
        with pytest.raises(InvalidValue, match=f"^{name.replace('_', '-')} must be .*, got "):
            setting.require(name, wrong)


@pytest.mark.parametrize(
    ("setting", "text"),
    [(SETTINGS["networks"], "1.5"), (SETTINGS["networks"], ""), (SETTINGS["learning_rate"], "fast"),
     (SETTINGS["weights"], "perhaps"), (SETTINGS["weights"], ""), (SETTINGS["relax_from"], "soon")],
)  # fmt: skip
def test_what_is_no_value_of_its_kind_cannot_be_read(setting: Setting, text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        setting.read(text)

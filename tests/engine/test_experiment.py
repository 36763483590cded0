"""What an experiment accepts, refuses, and writes down."""

from __future__ import annotations

import itertools
import json
import math
import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from hypothesis import example, given
from hypothesis import strategies as st

from ibtui_engine.errors import InvalidValue, either, shown
from ibtui_engine.experiment import (
    ACTIVATIONS,
    BINNED,
    DEFAULT_SNAPSHOTS,
    DEVICES,
    ESTIMATORS,
    GRID,
    LABELS,
    MAX_ENSEMBLES,
    MAX_EPOCHS,
    MAX_HIDDEN_LAYERS,
    MAX_NETWORKS,
    MAX_SNAPSHOTS,
    MAX_WIDTH,
    OPTIMIZERS,
    TRAINERS,
    WITH_MOMENTUM,
    Ensemble,
    Experiment,
    differing,
    hidden_text,
    log_spaced_epochs,
    parse_hidden,
    read_settings,
)
from ibtui_engine.settings import LEAST_FLOAT32, MAX_BINS, MOST_FLOAT32, MOST_MOMENTUM, PRIORS, SETTINGS, SLOW

NAN, INF = math.nan, math.inf


@st.composite
def experiments(draw: st.DrawFn) -> Experiment:
    """Any experiment that is allowed, extremes included."""
    rule = draw(st.sampled_from(["symmetric", "symmetric-soft", "committee", "table:some file.csv", "x/y.npz"]))
    sharpness: dict[str, Any] = {}
    if rule in ("symmetric", "symmetric-soft", "committee"):
        theta = st.none() | st.just("auto") | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9)
        positive = st.floats(0, exclude_min=True, allow_infinity=False)
        sharpness = draw(
            st.fixed_dictionaries(
                {"theta": theta},
                optional=draw(
                    st.sampled_from(
                        [{}, {"gamma": positive}, {"i_xy": st.floats(0, 1, exclude_min=True, exclude_max=True)}]
                    )
                ),
            )
        )
    width = st.integers(1, 20) | st.just(MAX_WIDTH)
    hidden = st.lists(width, max_size=MAX_HIDDEN_LAYERS).map(tuple)
    share = st.sampled_from([1.0, 0.85, 1e-300]) | st.floats(0, 1, exclude_min=True)
    epochs = draw(st.integers(1, 50) | st.integers(1, MAX_EPOCHS))
    optimizer = draw(st.lists(st.sampled_from(OPTIMIZERS), min_size=1, unique=True).map(tuple))
    relax_from = relax_prior = None
    if "metropolis" in optimizer:
        relax_prior = draw(st.none() | st.sampled_from(PRIORS))
        relax_from = draw(st.integers(0, epochs - 1) | (st.none() if epochs > 350 else st.just(0)))
    trainer, device = draw(
        st.tuples(st.sampled_from(TRAINERS), st.sampled_from(DEVICES)).filter(
            lambda pair: (
                (pair[0] != "fused" and "metropolis" not in optimizer)
                or (pair[0] != "torch" and pair[1] in ("auto", "cpu"))
            )
        )
    )

    def several(one: st.SearchStrategy[Any], most: int = 2) -> Any:
        return tuple(draw(st.lists(one, min_size=1, max_size=most, unique=True)))

    with_momentum = all(one in WITH_MOMENTUM for one in optimizer)
    return Experiment(
        rule=rule,
        **sharpness,
        hidden=several(hidden, 4),
        fraction=several(share, 4),
        networks=draw(st.integers(1, MAX_NETWORKS)),
        seed=draw(st.integers(0, 2**62)),
        epochs=epochs,
        batch=several(st.just("full") | st.integers(1, 2**31)),
        learning_rate=several(st.floats(LEAST_FLOAT32, MOST_FLOAT32)),
        optimizer=optimizer,
        relax_from=relax_from,
        relax_prior=relax_prior,
        momentum=several(st.floats(0, MOST_MOMENTUM), 2 if with_momentum else 1),
        activation=several(st.sampled_from(ACTIVATIONS)),
        init_scale=several(st.floats(LEAST_FLOAT32, MOST_FLOAT32)),
        labels=several(st.sampled_from(LABELS)),
        estimator=draw(st.sampled_from(ESTIMATORS)),
        bins=draw(st.integers(2, MAX_BINS)),
        noise=draw(st.none() | st.floats(1e-30, 1e30)),
        snapshots=draw(st.none() | st.integers(0, MAX_SNAPSHOTS)),
        snapshot_at=tuple(draw(st.lists(st.integers(0, epochs), max_size=4))),
        weights=draw(st.booleans()),
        trainer=trainer,
        device=device,
    )


@given(experiments())
def test_an_experiment_comes_back_from_json(experiment: Experiment) -> None:
    assert Experiment.from_dict(json.loads(json.dumps(experiment.to_dict()))) == experiment


@given(experiments())
def test_an_experiment_comes_back_from_toml(experiment: Experiment) -> None:
    assert Experiment.from_dict(tomllib.loads(tomli_w.dumps(experiment.to_dict()))) == experiment


@given(experiments())
def test_overriding_an_experiment_with_all_its_own_settings_changes_nothing(experiment: Experiment) -> None:
    assert experiment.override(experiment.to_dict()) == experiment
    assert experiment.override({}) == experiment


@given(experiments(), st.integers(1, MAX_NETWORKS))
def test_overriding_one_setting_leaves_the_others(experiment: Experiment, networks: int) -> None:
    changed = experiment.override({"networks": networks})
    before, after = experiment.to_dict(), changed.to_dict()
    assert after.pop("networks") == networks
    before.pop("networks")
    assert after == before


def test_settings_may_be_spelled_with_hyphens() -> None:
    named = {"learning-rate": 0.5, "init-scale": 2.0, "snapshot-at": [3], "i-xy": 0.5}
    experiment = Experiment.from_dict(named)
    assert (experiment.learning_rate, experiment.init_scale, experiment.snapshot_at, experiment.i_xy) == (
        (0.5,),
        (2.0,),
        (3,),
        (0.5,),
    )


def test_plain_values_may_be_given_alone_where_a_list_is_allowed() -> None:
    experiment = Experiment.from_dict({"hidden": "4-3", "fraction": 1, "snapshot_at": 7, "batch": "64", "theta": "1.5"})
    assert experiment == Experiment(hidden=((4, 3),), fraction=(1.0,), snapshot_at=(7,), batch=64, theta=1.5)
    assert Experiment.from_dict({"hidden": ["none", [5, 4]]}).hidden == ((), (5, 4))


COUNTS = {
    "networks": (1, MAX_NETWORKS),
    "seed": (0, 2**62),
    "epochs": (1, MAX_EPOCHS),
    "batch": (1, 2**31),
    "bins": (2, MAX_BINS),
    "snapshots": (0, MAX_SNAPSHOTS),
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts_outside_their_range_are_refused_with_value_and_range(name: str) -> None:
    least, most = COUNTS[name]
    for good in (least, most):
        Experiment.from_dict({name: good})
    for bad in (
        least - 1,
        most + 1,
        -1,
        True,
        False,
        float(least),
        2.5,
        NAN,
        INF,
        {},
        *([] if name in GRID else [[1]]),
    ):
        with pytest.raises(InvalidValue) as caught:
            Experiment.from_dict({name: bad})
        assert str(caught.value).startswith(f"{name} must be a whole number from {least} to {most}")


@pytest.mark.parametrize("name", [name for name in COUNTS if name not in ("batch", "snapshots")])
def test_counts_are_not_read_from_text_and_not_left_unset(name: str) -> None:
    for bad in ("5", "x", "", None):
        with pytest.raises(InvalidValue, match=f"^{name} must be a whole number from "):
            Experiment.from_dict({name: bad})


@pytest.mark.parametrize("bad", ["x", "FULL", "0", "-5", "1.5", "", "9" * 5000, None])
def test_a_batch_is_a_whole_number_or_full(bad: str | None) -> None:
    with pytest.raises(InvalidValue, match=r"^batch must be a whole number from 1 to 2147483648 or full, got .*$"):
        Experiment.from_dict({"batch": bad})
    assert Experiment.from_dict({"batch": "full"}).batch == ("full",)


HUGE = 10**400
"""Larger than any float: TOML and JSON have it all the same."""

FLOAT32 = "a number from 1.18e-38 to 3.4e+38, the range of float32"
NUMBERS: dict[str, tuple[str, list[object], list[float]]] = {
    "fraction": ("above 0 and at most 1", [0.0, -0.5, 1.5, 2, math.nextafter(1, 2)], [1, 1e-12]),
    "learning_rate": (FLOAT32, [0, 0.0, -0.1, 1e-38, 1e-300, 1e39], [1.2e-38, 5, 3.4e38]),
    "init_scale": (FLOAT32, [0, -1.0, 1e-39, 1e300], [1.2e-38, 0.5, 3]),
    "gamma": ("a number above 0", [0, -128], [1e-9, 128]),
    "momentum": ("at least 0 and, as a float32, below 1", [-0.1, 1, 1 - 1e-9, 1 - 2.0**-25, 1.5], [0, 1 - 2.0**-24]),
    "i_xy": ("a number of bits above 0 and below 1", [0, 1, 1.0, -0.1], [0.5]),
    "noise": ("a variance from 1e-30 to 1e+30", [0, -1.0, 1e-31, 1e31], [1e-30, 0.1, 1, 1e30]),
    "theta": ("a finite number, or auto", ["AUTO", "x", ""], [0, -3.5]),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_outside_their_range_are_refused_with_value_and_range(name: str) -> None:
    allowed, outside, good = NUMBERS[name]
    called = name.replace("_", "-")
    for value in good:
        Experiment.from_dict({name: value})
    for bad in (*outside, NAN, INF, -INF, HUGE, -HUGE, True, False):
        with pytest.raises(InvalidValue) as caught:
            Experiment.from_dict({name: bad})
        assert str(caught.value) == f"{called} must be {allowed}, got {shown(bad)}"


@pytest.mark.parametrize("name", [name for name in NUMBERS if name not in ("theta", "fraction")])
def test_numbers_are_not_read_from_text_or_lists(name: str) -> None:
    for bad in ("0.5", {"a": 0.5}, *([["0.5"], [[0.5]]] if name in GRID else [[0.5]])):
        with pytest.raises(InvalidValue, match=f"^{name.replace('_', '-')} must be .*, got "):
            Experiment.from_dict({name: bad})


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("optimizer", OPTIMIZERS),
        ("activation", ACTIVATIONS),
        ("trainer", TRAINERS),
        ("device", DEVICES),
        ("estimator", ESTIMATORS),
        ("labels", LABELS),
    ],
)
def test_unknown_choices_are_refused_with_those_that_there_are(name: str, allowed: tuple[str, ...]) -> None:
    for good in allowed:
        assert getattr(Experiment.from_dict({name: good}), name) == ((good,) if name in GRID else good)
    for bad in ("", "Tanh", "x", 1, None, *([] if name in GRID else [["sgd"]]), True):
        with pytest.raises(InvalidValue) as caught:
            Experiment.from_dict({name: bad})
        assert str(caught.value) == f"{name} must be {either(allowed)}, got {bad!r}"


@pytest.mark.parametrize("bad", ["-", "10-", "-10", "10--8", "x", "10,8", "1.5", "10-8x", "", "+3", "²", "none-3"])
def test_text_that_is_no_list_of_widths_is_refused(bad: str) -> None:
    with pytest.raises(InvalidValue, match=r"is not a list of widths: write 10-8-6-4-2, or none") as caught:
        parse_hidden(bad)
    assert repr(bad) in str(caught.value)
    with pytest.raises(InvalidValue):
        Experiment.from_dict({"hidden": ["3", bad]})


@pytest.mark.parametrize("bad", [0, MAX_WIDTH + 1, -3, True, 2.0, "4", NAN])
def test_a_width_out_of_range_is_refused_with_value_and_range(bad: object) -> None:
    with pytest.raises(InvalidValue) as caught:
        Experiment(hidden=((3, bad),))  # type: ignore[arg-type]
    assert str(caught.value) == (f"each width of hidden must be a whole number from 1 to {MAX_WIDTH}, got {bad!r}")
    with pytest.raises(InvalidValue, match="each width of hidden must be"):
        Experiment.from_dict({"hidden": [[3, bad]]})


def test_width_texts_out_of_range_are_refused() -> None:
    for bad in ("0", f"3-{MAX_WIDTH + 1}", "9" * 5000):
        with pytest.raises(InvalidValue):
            parse_hidden(bad)


def test_a_list_of_bare_widths_is_refused_because_it_could_be_one_architecture_or_several() -> None:
    with pytest.raises(InvalidValue, match=r"^hidden is \[10, 8, 6\]: write one architecture as a text"):
        Experiment.from_dict({"hidden": [10, 8, 6]})


def test_seventeen_hidden_layers_are_refused_and_sixteen_are_not() -> None:
    sixteen = "-".join(["2"] * 16)
    assert len(parse_hidden(sixteen)) == 16
    with pytest.raises(InvalidValue, match=r"^hidden must have at most 16 layers, got 17$"):
        parse_hidden(sixteen + "-2")
    with pytest.raises(InvalidValue, match=r"^hidden must have at most 16 layers, got 17"):
        Experiment(hidden=((2,) * 17,))


@given(st.lists(st.integers(1, MAX_WIDTH), max_size=MAX_HIDDEN_LAYERS).map(tuple))
def test_widths_come_back_from_their_text(hidden: tuple[int, ...]) -> None:
    assert parse_hidden(hidden_text(hidden)) == hidden
    assert parse_hidden(f" {hidden_text(hidden).upper()} ") == hidden


def test_no_hidden_layer_is_written_none() -> None:
    assert hidden_text(()) == "none"
    assert parse_hidden("None") == ()


@pytest.mark.parametrize("bad", [5, 1.5, True, None, {"a": 1}])
def test_hidden_of_a_wrong_type_is_refused(bad: object) -> None:
    with pytest.raises(InvalidValue, match=r"^hidden must be a text such as '10-8-6-4-2' or 'none', got .*$"):
        Experiment.from_dict({"hidden": bad})


def test_an_empty_grid_is_refused() -> None:
    for name in GRID:
        usual = SETTINGS[name].text(getattr(Experiment(), name))
        like = f", such as {usual}" if usual else ""
        told = f"{name.replace('_', '-')} is empty: give at least one value{like}"
        with pytest.raises(InvalidValue, match=f"^{re.escape(told)}$"):
            Experiment.from_dict({name: []})


def test_a_grid_that_names_a_value_twice_is_refused() -> None:
    with pytest.raises(InvalidValue, match=r"^fraction names the same value twice: 0\.5, 0\.1, 0\.5$"):
        Experiment(fraction=(0.5, 0.1, 0.5))
    with pytest.raises(InvalidValue, match=r"^hidden names the same value twice: 3-2, none, 3-2$"):
        Experiment.from_dict({"hidden": ["3-2", "none", "3-2"]})
    with pytest.raises(InvalidValue, match="twice"):
        Experiment.from_dict({"fraction": [1, 1.0]})


def test_the_rules_of_a_grid_are_its_slowest_settings() -> None:
    experiment = Experiment(rule=("symmetric", "committee"), gamma=(3.0, 5.0), fraction=(0.2, 0.8))
    assert [tuple(one) for one in experiment.rules] == [
        (rule, None, gamma, None) for rule in ("symmetric", "committee") for gamma in (3.0, 5.0)
    ]
    assert [experiment.rules.index(one.rule_settings) for one in experiment.ensembles] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert experiment.title.startswith("2-rules-")
    assert "-2-gammas-" in experiment.title
    assert Experiment.from_dict(experiment.to_dict()) == experiment


def test_a_grid_of_thresholds_names_each() -> None:
    assert Experiment(theta=("auto", 2.0)).count == 2
    with pytest.raises(InvalidValue, match=r"^theta must be a finite number, or auto, got None among several$"):
        Experiment(theta=(None, 2.0))
    with pytest.raises(InvalidValue, match=r"^gamma must be a number above 0, got None among several$"):
        Experiment(gamma=(2.0, None))


def test_one_rule_of_a_grid_without_a_threshold_is_refused_beside_one() -> None:
    with pytest.raises(InvalidValue, match=r"^theta, gamma and i-xy do not apply to 'perceptron': it has its own"):
        Experiment(rule=("symmetric", "perceptron"), gamma=2.0)
    assert Experiment(rule=("symmetric", "perceptron")).count == 2
    assert Experiment(rule=("symmetric", "table:a.csv"), label="y").reading.label == "y"
    assert Experiment(rule=("symmetric", "table:a.csv"), label="y").override({"rule": "symmetric"}).label is None


def test_gamma_and_information_together_are_refused() -> None:
    with pytest.raises(InvalidValue, match="gamma and i-xy both fix the rule's sharpness: give one of them"):
        Experiment(gamma=3.0, i_xy=0.5)


@pytest.mark.parametrize("setting", [{"theta": 1.0}, {"theta": "auto"}, {"gamma": 2.0}, {"i_xy": 0.5}])
def test_a_table_takes_no_threshold_and_no_sharpness(setting: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue, match=r"do not apply to 'table:a\.csv': it has its own labels"):
        Experiment.from_dict({"rule": "table:a.csv", **setting})
    Experiment.from_dict({"rule": "symmetric", **setting})


def test_a_setting_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(InvalidValue, match=r"^unknown setting 'epoch': known are ") as caught:
        Experiment.from_dict({"epoch": 5})
    for field in fields(Experiment):
        assert field.name in str(caught.value)


def test_an_unknown_rule_is_refused_with_the_nearest() -> None:
    with pytest.raises(InvalidValue, match=r"unknown rule 'symetric': choose one of .*; did you mean symmetric\?"):
        Experiment(rule="symetric")
    with pytest.raises(InvalidValue, match="names no file"):
        Experiment(rule="table:")


@pytest.mark.parametrize("bad", [5, None, True, [["symmetric"]], ["symmetric", 5], {"a": "b"}, 1.5])
def test_a_rule_that_is_no_text_is_refused(bad: object) -> None:
    with pytest.raises(InvalidValue, match=r"^rule must be a text"):
        Experiment.from_dict({"rule": bad})


@pytest.mark.parametrize("bad", [1, 0, "yes", None, "true", 1.0])
def test_weights_is_true_or_false(bad: object) -> None:
    with pytest.raises(InvalidValue) as caught:
        Experiment.from_dict({"weights": bad})
    assert str(caught.value) == f"weights must be true or false, got {bad!r}"


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_the_fused_trainer_is_refused_off_the_cpu(device: str) -> None:
    with pytest.raises(InvalidValue, match=f"the fused trainer runs on the cpu, not on {device}: use --trainer torch"):
        Experiment(trainer="fused", device=device)
    Experiment(trainer="torch", device=device)


json_like: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(HUGE) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=5,
)


@given(st.sampled_from([field.name for field in fields(Experiment)]), json_like)
@example("rule", "~nobody/x.csv")
def test_whatever_a_file_says_is_an_experiment_or_refused(name: str, value: Any) -> None:
    try:
        experiment = Experiment.from_dict({name: value})
    except InvalidValue:
        return
    assert Experiment.from_dict(experiment.to_dict()) == experiment


def nested(depth: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


@pytest.mark.parametrize("name", [field.name for field in fields(Experiment)])
@pytest.mark.parametrize(
    "value",
    [16**9999, -(16**9999), nested(900), {"a": nested(900)}, "x" * 100_000, ["x" * 100_000]],
    ids=["large", "very negative", "nested", "nested table", "long", "long in a list"],
)
def test_settings_that_are_huge_or_deep_are_refused_in_a_short_line(name: str, value: Any) -> None:
    with pytest.raises(InvalidValue) as refused:
        Experiment.from_dict({name: value})
    said = str(refused.value)
    assert said.isprintable()
    assert len(said) < 600


@pytest.mark.parametrize(
    ("name", "value"),
    [("learning_rate", 1.2e-38), ("learning_rate", 3.4e38), ("init_scale", 1.2e-38), ("momentum", 1 - 2.0**-24)],
)
def test_numbers_at_the_ends_of_float32_are_allowed(name: str, value: float) -> None:
    allowed = getattr(Experiment.from_dict({name: value}), name)
    assert 0 < np.float32(allowed) < np.inf
    assert name != "momentum" or np.float32(allowed) < 1


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"fraction": [k / 20_000 for k in range(1, 10_002)]}, "a grid must have at most 10000 ensembles, got 10001"),
        ({"snapshot_at": [0] * 100_001}, "snapshot-at must name at most 100000 epochs, got 100001"),
        ({"rule": "table:" + "x" * 5000}, "rule must be a name of up to 5000 characters"),
    ],
)
def test_more_than_can_be_run_is_refused(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidValue, match=reason):
        Experiment.from_dict(settings)


def test_a_settings_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('hidden = ["3-2", "none"]\nfraction = [0.5, 1]\nlearning-rate = 1\nbatch = "full"\n')
    assert Experiment.from_dict(read_settings(path)) == Experiment(
        hidden=((3, 2), ()), fraction=(0.5, 1.0), learning_rate=1, batch="full"
    )


@pytest.mark.parametrize(
    "content",
    [b"epochs = ", b"epochs = 5\nepochs = 6\n", b"\xff\xfe\x00", b"epochs = " + b"9" * 6000, b"a = " + b"[" * 5000],
    ids=["no value", "twice", "not utf-8", "endless digits", "nested without end"],
)
def test_a_settings_file_that_is_not_toml_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(content)
    with pytest.raises(InvalidValue, match=r"settings\.toml' is not TOML: ") as caught:
        read_settings(path)
    assert "\n" not in str(caught.value)


def test_a_settings_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match=r"cannot read the settings file .*none\.toml': No such file"):
        read_settings(tmp_path / "none.toml")
    with pytest.raises(InvalidValue, match="Is a directory"):
        read_settings(tmp_path)


@given(st.integers(1, 3000), st.integers(0, 400))
@example(1, 0)
@example(1, 5)
@example(2, 1)
@example(10_000, 120)
@example(2000, 1998)
@example(MAX_EPOCHS, 120)
def test_there_are_exactly_as_many_epochs_between_as_asked_or_all_there_are(epochs: int, between: int) -> None:
    found = log_spaced_epochs(epochs, between)
    assert found == tuple(sorted(set(found)))
    assert (found[0], found[-1]) == (0, epochs)
    assert len(found) == min(between, epochs - 1) + 2


@given(st.integers(4, 20_000).flatmap(lambda epochs: st.tuples(st.just(epochs), st.integers(1, min(epochs // 3, 300)))))
@example((10_000, 120))
@example((20_000, 300))
def test_epochs_are_evenly_spaced_in_log_epoch_but_for_rounding(case: tuple[int, int]) -> None:
    epochs, between = case
    found = log_spaced_epochs(epochs, between)[1:]  # 0 has no logarithm
    grids = (np.rint(np.geomspace(1, epochs, points)) for points in range(between + 1, 40 * between + 2))
    first = next(points for points in itertools.dropwhile(lambda grid: len(set(grid)) < len(found), grids))
    assert found == tuple(sorted(set(first.astype(int).tolist())))


def test_no_epochs_between_are_the_first_and_the_last() -> None:
    assert log_spaced_epochs(500, 0) == (0, 500)
    assert log_spaced_epochs(4, 3) == (0, 1, 2, 3, 4)
    assert log_spaced_epochs(1, 0) == log_spaced_epochs(1, 9) == (0, 1)


def test_powers_of_ten_are_what_four_epochs_between_one_and_ten_thousand_are() -> None:
    assert log_spaced_epochs(10_000, 4) == (0, 1, 10, 100, 1000, 10_000)
    assert log_spaced_epochs(1024, 10) == (0, *(2**k for k in range(11)))


def test_naming_epochs_replaces_the_usual_ones() -> None:
    assert Experiment(epochs=9000, snapshot_at=(400, 7, 400)).snapshot_epochs == (0, 7, 400, 9000)
    assert Experiment(epochs=9000, snapshot_at=(0, 9000)).snapshot_epochs == (0, 9000)


def test_named_epochs_add_to_a_number_that_is_asked_for() -> None:
    with_both = Experiment(epochs=9000, snapshots=40, snapshot_at=(401, 7)).snapshot_epochs
    assert set(with_both) == {*log_spaced_epochs(9000, 40), 7, 401}
    assert with_both == tuple(sorted(with_both))


def test_a_hundred_and_twenty_epochs_are_usual() -> None:
    assert Experiment().snapshot_epochs == log_spaced_epochs(10_000, DEFAULT_SNAPSHOTS)
    assert Experiment(snapshots=0).snapshot_epochs == (0, 10_000)


@pytest.mark.parametrize("bad", [-1, 101, 5.0, True, "5"])
def test_an_epoch_to_measure_lies_within_the_run(bad: object) -> None:
    with pytest.raises(InvalidValue) as caught:
        Experiment.from_dict({"epochs": 100, "snapshot_at": [3, bad]})
    assert str(caught.value) == f"snapshot-at must be a whole number from 0 to 100 (the last epoch), got {bad!r}"


def test_shortening_a_run_below_an_epoch_to_measure_is_refused() -> None:
    with pytest.raises(InvalidValue, match="snapshot-at must be a whole number from 0 to 50"):
        Experiment(epochs=100, snapshot_at=(90,)).override({"epochs": 50})


def test_a_title_says_what_runs() -> None:
    assert Experiment(networks=10, epochs=2000).title == "symmetric-10-8-6-4-2-0.85-10x2000"
    assert Experiment(hidden=((),), fraction=(1.0,), networks=1, epochs=5).title == "symmetric-none-1-1x5"
    assert (
        Experiment(
            rule="table:some/where/digits.npz",
            hidden=((3,), (4,)),
            fraction=(0.1, 0.2, 0.3),
            activation="relu",
            optimizer=("adam",),
            networks=2,
            epochs=7,
        ).title
        == "digits-2-widths-3-fractions-relu-adam-2x7"
    )
    assert Experiment(hidden=((3,), (3, 4), (4, 4)), epochs=7).title == "symmetric-3-depths-0.85-50x7"
    grid = Experiment(optimizer=("sgd", "metropolis"), networks=2, epochs=700)
    assert grid.title == "symmetric-10-8-6-4-2-0.85-sgd-metropolis-2x700"
    controls = Experiment(labels="random", estimator="kde", networks=2, epochs=7)
    assert controls.title == "symmetric-10-8-6-4-2-0.85-random-labels-kde-2x7"


def test_the_noise_is_a_thousandth_unless_another_is_asked_for() -> None:
    assert Experiment(estimator="kde").estimation.relative_noise == (1e-3, "absolute")
    assert Experiment(estimator="kde", noise=2).estimation.relative_noise == (2.0, "absolute")
    assert Experiment(estimator="gauss").estimation.relative_noise == (0.03, "layer")
    assert Experiment(estimator="gauss", noise=2, noise_scale="unit").estimation.relative_noise == (2.0, "unit")
    assert Experiment(noise=2, noise_scale="unit").override({"noise": None}) == Experiment()
    with pytest.raises(InvalidValue, match=r"^noise-scale is what noise is a multiple of: give --noise, too$"):
        Experiment(noise_scale="unit")
    assert set(BINNED) | set(SLOW) == set(ESTIMATORS) - {"exact"}


def test_a_single_optimizer_is_written_down_as_a_text_and_several_as_a_list() -> None:
    assert Experiment().to_dict()["optimizer"] == "sgd"
    assert Experiment(optimizer=("sgd", "adam")).to_dict()["optimizer"] == ["sgd", "adam"]
    assert Experiment.from_dict({"optimizer": ["adam"]}) == Experiment.from_dict({"optimizer": "adam"})


def test_an_ensemble_has_the_settings_of_the_grid_and_no_others() -> None:
    assert tuple(field.name for field in fields(Ensemble)) == ("index", *GRID)
    assert set(GRID) < {field.name for field in fields(Experiment)}


@given(experiments())
def test_the_grid_is_every_combination_once_in_the_order_of_its_settings(experiment: Experiment) -> None:
    found = [tuple(getattr(one, name) for name in GRID) for one in experiment.ensembles]
    assert found == list(itertools.product(*(getattr(experiment, name) for name in GRID)))
    assert [one.index for one in experiment.ensembles] == list(range(experiment.count))
    assert experiment.varied == tuple(
        name for name in GRID if len({getattr(e, name) for e in experiment.ensembles}) > 1
    )
    first, last = experiment.ensembles[0], experiment.ensembles[-1]
    assert differing(first, last) == experiment.varied


@pytest.mark.parametrize("name", GRID)
def test_one_value_of_the_grid_is_written_alone_and_given_alone(name: str) -> None:
    value = getattr(Experiment(), name)[0]
    assert Experiment(**{name: value if name != "hidden" else (value,)}) == Experiment()
    written = Experiment().to_dict().get(name)  # None is left out
    assert isinstance(written, list) == (name in ("hidden", "fraction"))  # as before the others could be several


def test_a_grid_has_no_more_ensembles_than_a_session_may_have() -> None:
    shares = tuple(k / 101 for k in range(1, 101))
    rates = tuple(k / 101 for k in range(1, 101))
    assert Experiment(fraction=shares, learning_rate=rates).count == MAX_ENSEMBLES
    told = r"^a grid must have at most 10000 ensembles, got 10100 from 100 values of fraction, 101 values of learning-"
    with pytest.raises(InvalidValue, match=told):
        Experiment(fraction=shares, learning_rate=(*rates, 1.0))


def test_several_momenta_are_refused_where_an_optimizer_would_repeat_itself() -> None:
    assert Experiment(optimizer=("momentum", "adam"), momentum=(0.5, 0.9)).count == 4
    with pytest.raises(InvalidValue, match=r"^momentum has several values, and the optimizer sgd uses none of them"):
        Experiment(optimizer=("momentum", "sgd"), momentum=(0.5, 0.9))


@pytest.mark.parametrize("name", GRID)
def test_a_value_of_the_grid_given_twice_is_refused(name: str) -> None:
    value = getattr(Experiment(), name)[0]
    told = f"^{name.replace('_', '-')} names the same value twice: "
    with pytest.raises(InvalidValue, match=told):
        Experiment(**{name: (value, value)})


def test_a_relaxation_is_measured_where_it_begins() -> None:
    both = Experiment(optimizer=("sgd", "metropolis"), snapshots=3)
    assert both.relaxation_epoch == 350
    assert 350 in both.snapshot_epochs
    assert 123 in both.override({"relax_from": 123}).snapshot_epochs
    assert not Experiment(snapshots=3).relaxes
    assert 350 not in Experiment(snapshots=3).snapshot_epochs


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"relax_from": 5}, "--relax-from applies only to --optimizer metropolis"),
        ({"optimizer": "adam", "relax_from": 5}, "--relax-from applies only to --optimizer metropolis"),
        ({"optimizer": "metropolis", "relax_from": -1}, "relax-from must be a whole number from 0 to 9999 "),
        ({"optimizer": "metropolis", "epochs": 350}, "relax-from must be a whole number from 0 to 349 "),
        ({"optimizer": "metropolis", "relax_from": 2.0}, "relax-from must be a whole number "),
        ({"relax_prior": "gauss"}, "--relax-prior applies only to --optimizer metropolis"),
        ({"optimizer": "metropolis", "relax_prior": "cube"}, "relax-prior must be flat, gauss or sphere, got 'cube'"),
        ({"optimizer": "metropolis", "relax_prior": ["gauss"]}, "relax-prior must be flat, gauss or sphere, got "),
        ({"optimizer": ["sgd", "metropolis"], "trainer": "torch"}, "the torch trainer has no metropolis"),
        ({"optimizer": "metropolis", "device": "cuda"}, "metropolis runs on the cpu, not on cuda"),
    ],
)
def test_a_relaxation_that_cannot_be_is_refused(settings: dict[str, object], told: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        Experiment.from_dict(settings)
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"hidden": "12-13"},
            "each width of hidden must be at most 12 where units are stochastic, got 13: a layer of n",
        ),
        ({"optimizer": ["sgd", "metropolis"]}, "metropolis relaxes deterministic units: choose sgd, momentum or adam "),
        ({"activation": "relu"}, "activation applies only to deterministic units, got relu: leave it out"),
        ({"activation": ["tanh", "relu"]}, "activation applies only to deterministic units, got tanh, relu: "),
        ({"trainer": "fused"}, "the fused trainer has no stochastic units, which have one of their own: "),
        ({"trainer": "torch"}, "the torch trainer has no stochastic units, which have one of their own: "),
        ({"dropout": 0.5}, "dropout applies only to deterministic units, got 0.5: leave it out"),
        ({"sampling": "gaussian"}, "gaussian sampling applies only to deterministic units: choose shuffled or "),
        ({"device": "mps"}, "stochastic units are trained on the cpu, not on mps: leave out --device"),
        ({"estimator": "kde"}, "estimator applies only to deterministic units, got kde: information of stochastic "),
    ],
)
@pytest.mark.parametrize("units", ["stochastic", ["deterministic", "stochastic"]], ids=["all", "some"])
def test_stochastic_units_refuse_what_they_have_not(units: object, settings: dict[str, object], told: str) -> None:
    given = {"units": units, **settings}
    if "estimator" in settings and units != "stochastic":
        assert Experiment.from_dict(given).estimator == "kde"  # of the deterministic ones
        return
    with pytest.raises(InvalidValue) as caught:
        Experiment.from_dict(given)
    assert str(caught.value).startswith(told)
    assert Experiment.from_dict(settings | {"relax_from": None})


@pytest.mark.parametrize("units", ["deterministic", ["deterministic", "stochastic"]], ids=["none", "some"])
def test_a_bottleneck_in_the_objective_is_of_stochastic_units_alone(units: object) -> None:
    with pytest.raises(InvalidValue, match=r"^ib-beta applies only to --units stochastic, got 5: leave it out$"):
        Experiment.from_dict({"units": units, "ib_beta": 5})
    guided = Experiment.from_dict({"units": "stochastic", "ib_beta": ["none", "20"]})
    assert [one.bottleneck for one in guided.ensembles] == [None, 20.0]
    assert Experiment.from_dict(guided.to_dict()) == guided
    assert guided.ensembles[1].told_apart(guided.varied) == "10-8-6-4-2 at 0.85, IB beta 20"


@pytest.mark.parametrize("beta", ["none", ["none", 5]])
def test_a_method_for_the_bottleneck_needs_one(beta: object) -> None:
    told = r"^ib-method applies only where each ib-beta is a number, got self-consistent: leave it out$"
    with pytest.raises(InvalidValue, match=told):
        Experiment.from_dict({"units": "stochastic", "ib_beta": beta, "ib_method": "self-consistent"})
    with pytest.raises(InvalidValue, match=r"^ib-method must be gradient or self-consistent, got 'newton'$"):
        Experiment.from_dict({"units": "stochastic", "ib_beta": 5, "ib_method": "newton"})
    both = Experiment.from_dict({"units": "stochastic", "ib_beta": 5, "ib_method": ["gradient", "self-consistent"]})
    assert [one.told_apart(both.varied) for one in both.ensembles] == [
        "10-8-6-4-2 at 0.85, gradient IB",
        "10-8-6-4-2 at 0.85, self-consistent IB",
    ]


@pytest.mark.parametrize(
    ("name", "most", "allowed"),
    [("weight_decay", 1.0, "a number from 0 to 1"), ("dropout", 10.0, "a variance from 0 to 10")],
)
def test_penalties_and_noise_have_a_range(name: str, most: float, allowed: str) -> None:
    for value in (0.0, most):
        (one,) = Experiment.from_dict({name: value}).ensembles
        assert getattr(one, name) == value
    for value in (-1e-9, most + 1e-9, float("nan"), "some", None):
        with pytest.raises(InvalidValue, match=f"^{name.replace('_', '-')} must be {allowed}, got "):
            Experiment.from_dict({name: value})


def test_controls_of_training_are_a_grid() -> None:
    given = {"weight_decay": [0, 0.01], "dropout": [0, 0.5], "sampling": ["replacement", "gaussian"]}
    grid = Experiment.from_dict(given)
    assert grid.count == 8
    assert grid.title == "symmetric-10-8-6-4-2-0.85-2-weight-decays-2-dropouts-replacement-gaussian-50x10000"
    told = grid.ensembles[7].told_apart(grid.varied)
    assert told == "10-8-6-4-2 at 0.85, weight decay 0.01, dropout 0.5, gaussian sampling"
    assert Experiment.from_dict(grid.to_dict()) == grid
    stochastic = Experiment.from_dict({"units": "stochastic", "weight_decay": 0.1, "sampling": "replacement"})
    assert stochastic.ensembles[0].sampling == "replacement"
    with pytest.raises(InvalidValue, match=r"^sampling must be shuffled, replacement or gaussian, got 'cyclic'$"):
        Experiment.from_dict({"sampling": "cyclic"})


@pytest.mark.parametrize("beta", [0, 1e-4, -1, 1e10, "some", float("nan"), None])
def test_beta_of_the_objective_has_a_range(beta: object) -> None:
    with pytest.raises(InvalidValue, match=r"^ib-beta must be a number from 0.001 to 1e\+09, or none, got "):
        Experiment.from_dict({"units": "stochastic", "ib_beta": beta})
    for allowed in (0.001, 1e9):
        assert Experiment.from_dict({"units": "stochastic", "ib_beta": allowed}).ib_beta == (allowed,)


def test_layers_of_twelve_stochastic_units_are_the_widest() -> None:
    assert Experiment(units=("stochastic",), hidden=((12, 1),)).title == "symmetric-12-1-0.85-stochastic-50x10000"
    assert Experiment(units=("stochastic",), optimizer=("sgd", "adam")).measured_by == "own-noise"
    both = Experiment(units=("deterministic", "stochastic"))
    assert (both.measured_by, both.stochastic, both.all_stochastic) == ("binning", True, False)
    assert [one.stochastic for one in both.ensembles] == [False, True]
    assert not Experiment().stochastic


def test_optimizers_without_metropolis_take_what_is_of_relaxations_away() -> None:
    assert Experiment(optimizer=("metropolis",)).relaxation_prior == "flat"
    relaxed = Experiment(optimizer=("sgd", "metropolis"), relax_from=400, relax_prior="sphere")
    assert relaxed.relaxation_prior == relaxed.override({"seed": 4}).relaxation_prior == "sphere"
    assert Experiment.from_dict(relaxed.to_dict()) == relaxed
    assert relaxed.override({"optimizer": "adam"}) == Experiment(optimizer=("adam",))
    assert relaxed.override({"networks": 3}).relax_from == 400


def test_unset_settings_are_not_written_down() -> None:
    plain = Experiment().to_dict()
    assert {"theta", "gamma", "i_xy", "snapshots", "noise", "relax_from"}.isdisjoint(plain)
    assert None not in plain.values()

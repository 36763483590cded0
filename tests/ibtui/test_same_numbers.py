"""A number that stands in several places is one number: of the five examples, all ensembles and layers.

What each must be follows from the exports alone, by the standard library: these have every network by itself.
"""

from __future__ import annotations

import csv
import json
import math
import re
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ibtui.bound_text import COLUMNS as BOUND
from ibtui.bound_text import fit_rows
from ibtui.charts.display import Display
from ibtui.cli.compare import compare
from ibtui.cli.export import export
from ibtui.cli.phases_report import phases_report
from ibtui.cli.report import report
from ibtui.compared_text import wide
from ibtui.ensemble_charts import EnsembleCharts
from ibtui.figures.registry import find_figure
from ibtui.figures.table import table
from ibtui.formatting import labelled
from ibtui.layers_text import columns
from ibtui.overlays import overlaid
from ibtui.phases_text import phase_rows
from ibtui_engine.account.standard import account
from ibtui_engine.fit import fit_session
from ibtui_engine.layer_names import layer_name, layer_number
from ibtui_engine.session.follow import Follower
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.results import result_spreads, results
from tests.tiers import first

SESSIONS = Path(__file__).parents[2] / "sessions"
EXAMPLES = ("figure-2", "figure-3", "figure-4", "figure-5", "figure-8")
WITH_WEIGHTS = ("figure-3", "figure-4", "figure-8")

Place = tuple[int, int, int]
"""Ensemble, epoch and layer (0 for what is of the network as a whole)."""


def path_of(name: str) -> Path:
    return SESSIONS / f"example-{name}.ibs"


class Truth:
    """Every network's numbers, as exported, and what they are in the mean."""

    def __init__(self, path: Path, folder: Path) -> None:
        self._values: dict[str, dict[Place, list[float]]] = defaultdict(lambda: defaultdict(list))
        for what in ("information", "gradients", "learning"):
            file = folder / f"{path.stem}-{what}.csv"
            export(session=str(path), what=what, format=None, ensemble=None, epoch=None, out=file, quiet=True)
            with file.open(newline="") as text:
                for row in csv.DictReader(text):
                    place = (int(row["ensemble"]), int(row["epoch"]), int(row.get("layer", 0)))
                    for name, value in row.items():
                        if value and re.fullmatch(r"-?[0-9.]+(e-?[0-9]+)?|inf|nan", value):
                            self._values[name][place].append(float(value))
        with SessionReader(path) as reader:
            self.summary = reader.summary
        self.mean = cache(self._mean)

    def of(self, name: str, place: Place) -> list[float]:
        """The networks that have a value."""
        return self._values[name].get(place, [])

    def _mean(self, name: str, place: Place) -> float:
        known = self.of(name, place)
        how = statistics.geometric_mean if name == "snr" else statistics.fmean
        return how(known) if known else math.nan

    def std(self, name: str, place: Place) -> float:
        known = self.of(name, place)
        return statistics.stdev(known) if len(known) > 1 else math.nan

    def error(self, name: str, place: Place) -> float:
        return self.std(name, place) / math.sqrt(max(len(self.of(name, place)), 1))

    def spread(self, name: str, place: Place, form: str) -> str:
        """As tables print it: mean ± standard deviation."""
        mean, std = self.mean(name, place), self.std(name, place)
        return f"{mean:{form}}" if math.isnan(std) else f"{mean:{form}} ± {std:{form}}"

    def ensembles(self) -> Iterator[tuple[int, tuple[int, ...], int]]:
        """Number, measured epochs and layers of each."""
        for one in self.summary.ensembles:
            yield one.index, one.snapshots, len(one.widths)


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Truth]:
    folder = tmp_path_factory.mktemp("exported")
    return cache(lambda name: Truth(path_of(name), folder))


@pytest.fixture(scope="module")
def charts() -> Callable[[str], list[EnsembleCharts]]:
    @cache
    def read(name: str) -> list[EnsembleCharts]:
        with Follower(path_of(name)) as follower:
            return [EnsembleCharts(follower.recorded_ensemble(one.index)) for one in follower.summary.ensembles]

    return read


def same(found: Any, expected: float) -> None:
    value = math.nan if found is None or found == "" else float(found)
    assert value == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True)


def some_epochs(snapshots: tuple[int, ...]) -> list[int]:
    """The first, one in the middle, and the last."""
    return [snapshots[0], snapshots[len(snapshots) // 2], snapshots[-1]]


# the layers at an epoch


@pytest.mark.parametrize("name", first(1, EXAMPLES))
def test_layers_in_the_json_of_show_are_those_of_the_exports(
    name: str, truth: Callable[[str], Truth], capsys: pytest.CaptureFixture[str]
) -> None:
    of = truth(name)
    for epoch in some_epochs(of.summary.ensembles[0].snapshots):
        report(path_of(name), epoch=epoch, json=True)
        document = json.loads(capsys.readouterr().out)
        for (index, _, depth), shown in zip(of.ensembles(), document["ensembles"], strict=True):
            assert len(shown["layers"]) == depth
            for layer in shown["layers"]:
                place = (index, epoch, layer["layer"])
                for told, column in (("i_x", "i_x"), ("i_y", "i_y"), ("distinct", "distinct"), ("snr", "snr"),
                                     ("saturated", "saturated"), ("nonlinear", "nonlinear")):  # fmt: skip
                    same(layer[f"{told}_mean"], of.mean(column, place))
                same(layer["i_x_std"], of.std("i_x", place))
                same(layer["i_y_std"], of.std("i_y", place))
                same(layer["bins_low"], min(of.of("low", place)))
                same(layer["bins_high"], max(of.of("high", place)))
                assert layer["networks"] == len(of.of("i_x", place))
                assert layer["snr_networks"] == len(of.of("snr", place))
            for column in ("train_loss", "test_loss", "train_accuracy", "test_accuracy"):
                same(shown["learning"][f"{column}_mean"], of.mean(column, (index, epoch, 0)))


@pytest.mark.parametrize("name", first(1, EXAMPLES))
def test_the_tables_of_show_and_of_the_app_print_the_layers_of_the_exports(
    name: str,
    truth: Callable[[str], Truth],
    charts: Callable[[str], list[EnsembleCharts]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    of = truth(name)
    for epoch in some_epochs(of.summary.ensembles[0].snapshots):
        report(path_of(name), epoch=epoch, chart=False)
        printed = capsys.readouterr().out
        tables = printed.split("\n\n")[1:]
        for (index, _, depth), text, shown in zip(of.ensembles(), tables, charts(name), strict=False):
            _, head, *lines = text.strip("\n").splitlines()
            assert re.split(r"  +", head.strip()) == [
                *("layer", "width", "I(X;T) bits ± sd", "I(T;Y) bits ± sd", "distinct t", "SNR", "saturated")
            ]
            app = columns(shown.figures(epoch))
            assert labelled(tuple(app), list(zip(*app.values(), strict=True)), "sd") == (
                *("I(X;T) ± sd", "I(T;Y) ± sd", "distinct t", "SNR", "saturated"),
            )
            for layer in range(1, depth + 1):
                place = (index, epoch, layer)
                snr, saturated = of.mean("snr", place), of.mean("saturated", place)
                expected = [
                    of.spread("i_x", place, ".3f"),
                    of.spread("i_y", place, ".3f"),
                    f"{of.mean('distinct', place):.0f}",
                    "–" if math.isnan(snr) else f"{snr:.3g}",
                    f"{saturated:.1%}",
                ]
                missing = len(of.of("snr", place))
                if 0 < missing < len(of.of("i_x", place)):
                    expected[3] += f" (n {missing})"
                assert re.split(r"  +", lines[layer - 1].strip())[2:] == expected
                assert [cells[layer - 1] for cells in app.values()] == expected
            inside, outside = (of.mean(f"{part}_loss", (index, epoch, 0)) for part in ("train", "test"))
            assert f"inside the sample: loss {inside:.4g} nats" in text
            assert f"outside: loss {outside:.4g} nats" in text


@pytest.mark.parametrize("name", first(2, EXAMPLES))
def test_the_box_of_a_cross_hair_has_the_layers_of_the_exports(
    name: str, truth: Callable[[str], Truth], charts: Callable[[str], list[EnsembleCharts]]
) -> None:
    of = truth(name)
    for index, snapshots, depth in of.ensembles():
        shown = charts(name)[index]
        for epoch in some_epochs(snapshots):
            every = tuple(range(depth))
            for panel, read in (
                ("plane", (("I(X;T) bits", "i_x", ".3f"), ("I(T;Y) bits", "i_y", ".3f"))),
                ("gradients", (("batch mean", "grad_mean", ".3g"), ("batch sd", "grad_std", ".3g"))),
            ):
                readings = shown.chart(panel, epoch=epoch, shown=every, points=False).readings
                assert readings is not None
                at = readings.at_epoch(epoch, 0)
                if at is None:  # there is no gradient at epoch 0
                    assert (panel, epoch) == ("gradients", 0)
                    continue
                head, *rows = readings.table(at)
                assert [cell.split(" ±")[0] for cell in head[:-1]] == [told for told, _, _ in read]
                assert [row[-1] for row in rows] == [layer_name(k + 1, depth) for k in every]
                for layer, row in enumerate(rows, start=1):
                    place = (index, epoch, layer)
                    for cell, (_, column, form) in zip(row, read, strict=False):
                        missing = not of.of(column, place)
                        assert cell == ("–" if missing else of.spread(column, place, form))


@pytest.mark.parametrize("name", first(2, EXAMPLES))
def test_compared_ensembles_have_the_numbers_of_the_exports(
    name: str,
    truth: Callable[[str], Truth],
    charts: Callable[[str], list[EnsembleCharts]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    of = truth(name)
    _, epoch, end = some_epochs(of.summary.ensembles[0].snapshots)
    for at in (epoch, end):
        compare([str(path_of(name))], epoch=at, pinned=1, json=True)
        told = json.loads(capsys.readouterr().out)["ensembles"]
        rows = wide(["it"] * len(told), [result_spreads(one.shown, at) for one in charts(name)], 0)[1]
        for (index, _, depth), document, row in zip(of.ensembles(), told, rows, strict=True):
            output, whole = (index, at, depth), (index, at, 0)
            same(document["i_y"]["mean"], of.mean("i_y", output))
            same(document["i_y"]["error"], of.error("i_y", output))
            same(document["accuracy"]["mean"], of.mean("test_accuracy", whole))
            same(document["accuracy"]["error"], of.error("test_accuracy", whole))
            assert row[8].startswith(f"{of.mean('i_y', output):.4f}")
            assert row[6].startswith(f"{100 * of.mean('test_accuracy', whole):.2f}")
        for document, one in zip(told, charts(name), strict=True):
            if at == end:
                found = results(one.shown)
                assert found.most_lost is not None
                same(document["bits_lost"]["mean"], found.most_lost[1])
            same(document["drift_ends"]["epoch"], one.transition.network.epoch)


# charts


@pytest.mark.parametrize("name", first(2, EXAMPLES))
def test_charts_draw_the_means_of_the_exports_at_every_epoch(
    name: str, truth: Callable[[str], Truth], charts: Callable[[str], list[EnsembleCharts]]
) -> None:
    of = truth(name)
    compared = 0
    for (index, snapshots, depth), shown in zip(of.ensembles(), charts(name), strict=True):
        every, last = tuple(range(depth)), snapshots[-1]
        plane, gradients, snr, learning = (
            shown.chart(panel, epoch=last, shown=every, points=False)
            for panel in ("plane", "gradients", "snr", "learning")
        )
        common = {"points": False, "pinned": 0, "display": Display(), "last_epoch": last}
        paths, focused = (
            [overlaid(panel, [(0, "it", shown)], epoch=last, focus=k, **common) for k in every]
            for panel in ("plane", "snr")
        )
        lines = {one.label: one for one in gradients.series if one.label}
        dots = [one for one in gradients.series if one.kind == "dotted" and not one.label]
        for k in every:
            drawn: dict[str, Any] = {
                "i_x": (plane.series[k].x, paths[k].series[k].x),
                "i_y": (plane.series[k].y, paths[k].series[k].y),
                "grad_mean": (lines[layer_name(k + 1, depth)].y,),
                "grad_std": (dots[k].y,),
                "snr": (snr.series[k].y, focused[k].series[0].y),
            }
            for column, places in drawn.items():
                expected = [of.mean(column, (index, epoch, k + 1)) for epoch in snapshots]
                for values in places:
                    np.testing.assert_allclose(values, expected, rtol=1e-9, atol=1e-12)
                    compared += len(expected)
        for k, column in enumerate(("train_loss", "test_loss", "train_accuracy", "test_accuracy")):
            line, band = learning.series[k], learning.bands[k]
            for row in (0, len(snapshots) // 2, -1):
                place = (index, snapshots[row], 0)
                same(line.y[row], of.mean(column, place))
                same(band.low[row], of.mean(column, place) - of.std(column, place))
                same(band.high[row], of.mean(column, place) + of.std(column, place))
        for epoch in some_epochs(snapshots):
            points = shown.chart("plane", epoch=epoch, shown=every, points=True)
            for k in every:
                assert points.series[k].x.tolist() == of.of("i_x", (index, epoch, k + 1))
                assert points.series[k].y.tolist() == of.of("i_y", (index, epoch, k + 1))
    assert compared > 500


# figures


def figure(number: str, name: str) -> list[dict[str, str]]:
    content = find_figure(number).read([path_of(name)], threads=1)
    return list(csv.DictReader(table(content).decode().splitlines()))


def whose(of: Truth, row: dict[str, str], default: int = 0) -> int:
    """The ensemble that a row of a figure is of."""
    for one in of.summary.ensembles:
        if (one.hidden, f"{one.fraction:g}") == (row.get("hidden"), f"{float(row.get('fraction') or 0):g}"):
            return one.index
    return default


@pytest.mark.parametrize("drawn", first(3, [*(f"{k} of {k}" for k in "34258"), *(f"4 of {k}" for k in "2358")]))
def test_the_data_of_figures_are_the_means_of_the_exports(drawn: str, truth: Callable[[str], Truth]) -> None:
    """`drawn`: which figure, of the example of which."""
    number, example = drawn.split(" of ")
    name = f"figure-{example}"
    of = truth(name)
    one = max(of.summary.ensembles, key=lambda each: (each.fraction, len(each.widths)))
    compared = 0
    for row in figure(number, name):
        if row["what"] not in ("path", "layer"):
            continue
        place = (whose(of, row, one.index), int(row["epoch"]), int(row["layer"]))
        if number == "2":
            network = int(row["seed"]) - of.summary.experiment.seed
            assert float(row["i_x_bits"]) == of.of("i_x", place)[network]
            assert float(row["i_y_bits"]) == of.of("i_y", place)[network]
            compared += 2
            continue
        for written, column in (("i_x_bits", "i_x"), ("i_y_bits", "i_y"), ("grad_mean", "grad_mean"),
                                ("grad_std", "grad_std"), ("snr", "snr")):  # fmt: skip
            if row.get(written):
                same(row[written], of.mean(column, place))
                assert int(row["networks"]) == len(of.of(column, place))
                compared += 1
    assert compared > 500


def test_the_layers_of_figure_7_are_the_means_of_the_exports_with_standard_errors(
    truth: Callable[[str], Truth], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ibtui.figures import figure_7

    monkeypatch.setattr(figure_7, "SAMPLES", 1)  # the bounds are not looked at here
    of = truth("figure-3")
    rows = [row for row in figure("7", "figure-3") if row["what"] == "layer"]
    assert len(rows) == 3 * 6
    for row in rows:
        place = (whose(of, row), int(row["epoch"]), int(row["layer"]))
        for column in ("i_x", "i_y"):
            same(row[f"{column}_bits"], of.mean(column, place))
            same(row[f"{column}_error_bits"], of.error(column, place))


# phases


@pytest.mark.parametrize("name", first(1, EXAMPLES))
def test_phases_are_the_same_as_json_in_tables_in_charts_and_in_figures(
    name: str, charts: Callable[[str], list[EnsembleCharts]], capsys: pytest.CaptureFixture[str]
) -> None:
    phases_report(path_of(name), json=True)
    document = json.loads(capsys.readouterr().out)["ensembles"]
    ends = [row for row in figure("4", name) if row["what"] == "drift ends"]
    largest = max(range(len(document)), key=lambda k: (document[k]["fraction"], len(document[k]["layers"])))
    for index, (told, shown) in enumerate(zip(document, charts(name), strict=True)):
        whole = told["network"]["transition"]["epoch"]
        if shown.drift_end is not None:
            same(whole, shown.drift_end)
        spec = shown.chart("snr", epoch=10_000, shown=tuple(range(len(told["layers"]))), points=False)
        marks = {mark.text: mark.x for mark in spec.marks}
        for layer, row in zip(told["layers"], phase_rows(shown.phases), strict=True):
            transition, turning = layer["transition"], layer["turning"]
            _, ended, ended_in, turned, turned_in, _, lost, _, _ = row
            for spread, text, count in ((transition, ended, ended_in), (turning, turned, turned_in)):
                assert text.split()[0] == ("none" if spread["epoch"] is None else f"{spread['epoch']:.0f}")
                assert int(count) == spread["networks"]
            same(
                marks.get(layer_number(layer["layer"], len(told["layers"]))),
                math.nan if transition["epoch"] is None else transition["epoch"],
            )
            assert lost == f"{layer['compression']['mean']:.2f} ± {layer['compression']['error']:.2f}"
        if index == largest:
            drawn = {row["layer"]: float(row["epoch"]) for row in ends}
            expected = {str(layer["layer"]): layer["transition"]["epoch"] for layer in told["layers"]} | {"": whole}
            assert drawn == pytest.approx({k: epoch for k, epoch in expected.items() if epoch is not None})


def test_the_account_tells_the_numbers_of_phases_and_of_the_exports(
    truth: Callable[[str], Truth], capsys: pytest.CaptureFixture[str]
) -> None:
    of = truth("figure-3")
    found = {one.key: one for one in account({"figure-3": path_of("figure-3")})}
    phases_report(path_of("figure-3"), ensemble=2, json=True)
    [told] = json.loads(capsys.readouterr().out)["ensembles"]
    names = [*(f"T{k}" for k in range(1, 6)), "output"]

    numbers = {one.name: one for one in found["transition"].numbers}
    with SessionReader(path_of("figure-3")) as reader:
        epochs = reader.recorded_ensemble(2).transition.epochs
    for name, layer, column in zip(names, told["layers"], epochs.T, strict=True):
        assert layer["transition"]["networks"] == np.isfinite(column).sum()
        same(float(np.median(np.where(np.isnan(column), np.inf, column))), numbers[name].value)

    numbers = {one.name: one for one in found["leveling"].numbers}
    for name, layer in zip(names, told["layers"], strict=True):
        same(layer["level"]["mean"], numbers[f"{name}: SNR"].value)
        same(layer["level"]["error"], numbers[f"{name}: SNR"].error)

    numbers = {one.name: one for one in found["two-phases"].numbers}
    for name, layer in zip(names[:-1], told["layers"], strict=False):
        same(layer["compression"]["mean"], numbers[name].value)
        same(layer["compression"]["error"], numbers[name].error)

    numbers = {one.name: one for one in found["corner"].numbers}
    place = (2, 10_000, 1)
    same(numbers["H(X) − I(X;T1)"].value, of.summary.rules[0].h_x - of.mean("i_x", place))
    same(numbers["H(X) − I(X;T1)"].error, of.error("i_x", place))


# the bound


@pytest.mark.parametrize("name", first(1, WITH_WEIGHTS))
def test_fits_are_the_same_as_json_in_tables_in_charts_and_in_figures(
    name: str, charts: Callable[[str], list[EnsembleCharts]]
) -> None:
    _, curves, fits = fit_session(path_of(name), error=1e-5, threads=1)
    curve = curves[1]
    drawn = {int(row["layer"]): row for row in figure("6", name) if row["what"] == "layer"}
    largest = max(range(len(fits)), key=lambda k: (fits[k][0].fraction, fits[k][1].beta.shape[1]))
    for index, ((_, one), shown) in enumerate(zip(fits, charts(name), strict=True)):
        told = one.to_dict()["layers"]
        marks = {mark.text: (mark.x, mark.y) for mark in shown.bound(curve, one.epoch, one).marks}
        for k, (layer, row) in enumerate(zip(told, fit_rows(one), strict=True)):
            for column in ("beta", "distance", "i_x", "i_y", "worth"):
                known = [value for value in getattr(one, column)[:, k].tolist() if math.isfinite(value)]
                same(layer[f"{column}_mean"], statistics.fmean(known) if known else math.nan)
                error = statistics.stdev(known) / math.sqrt(len(known)) if len(known) > 1 else math.nan
                same(layer[f"{column}_error"], error)
                assert layer[f"{column}_networks"] == len(known)
            assert marks[layer_number(k + 1, len(told))] == (layer["i_x_mean"], layer["i_y_mean"])
            beta, n = row[BOUND.index("beta*")], row[BOUND.index("n")]
            assert (beta == "none") == (layer["beta_mean"] is None)
            assert int(n) == layer["beta_networks"]
            betas = [value for value in one.beta[:, k].tolist() if math.isfinite(value)]
            same(layer["beta_median"], statistics.median(betas) if betas else math.nan)
            if betas:
                shown_beta = float(beta.split(" ")[0])
                assert shown_beta == pytest.approx(layer["beta_median"], rel=6e-3)
            if index == largest:
                for written, column in (("i_x_bits", "i_x_mean"), ("i_y_bits", "i_y_mean"), ("beta", "beta_median"),
                                        ("i_x_error_bits", "i_x_error"), ("beta_low", "beta_low")):  # fmt: skip
                    same(drawn[k + 1].get(written), math.nan if layer[column] is None else layer[column])
                assert int(drawn[k + 1]["beta_networks"]) == layer["beta_networks"]

"""The page of a session without a browser: its numbers, its texts and what it is allowed to do."""

from __future__ import annotations

import base64
import csv
import hashlib
import itertools
import json
import math
import re
import shutil
import statistics
import subprocess
from collections import defaultdict
from html.parser import HTMLParser
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ibtui.charts.palette import DARK, LIGHT
from ibtui.cli.application import make_application
from ibtui.cli.export import export
from ibtui.ensemble_charts import EnsembleCharts
from ibtui.locations import find_session, sessions_directory
from ibtui.web import page as page_module
from ibtui.web.contents import MOST_POINTS, NO_PLACE, contents, rounded
from ibtui.web.page import HERE, SCRIPT, colours, document, in_script, page
from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import Experiment
from ibtui_engine.recording.recorder import Recorder
from ibtui_engine.runner import Run, begin
from ibtui_engine.session.history import SessionReader
from tests.recordings import LABELS, make_recording

HOSTILE = "</script><img src=x onerror=alert(1)>&amp;<!--\n\u202e\x1b[31m"


class Parts(HTMLParser):
    """The elements of a page, and what stands in its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[str] = []
        self.inside = False
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        (self.raw if self.inside else self.texts).append(data)


def example(name: str) -> Path:
    return find_session(name, sessions_directory(None))


@pytest.fixture(scope="module")
def third() -> dict[str, Any]:
    return contents(example("example-figure-3"))


@pytest.fixture(scope="module")
def whole(third: dict[str, Any]) -> str:
    return document(third)


def rows(path: Path, what: str, out: Path) -> list[dict[str, str]]:
    export(str(path), what=what, out=out, quiet=True)
    with out.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def near(one: float | None, other: float, digits: int = 6) -> bool:
    if one is None:
        return math.isnan(other)
    return math.isclose(one, other, rel_tol=0.51 * 10 ** (1 - digits), abs_tol=1e-12)


def of_networks(table: list[dict[str, str]], column: str) -> dict[tuple[int, int, int], list[float]]:
    """Every network's value by ensemble, epoch and layer."""
    found = defaultdict(list)
    for row in table:
        if row[column]:
            found[int(row["ensemble"]), int(row["epoch"]), int(row["layer"]) - 1].append(float(row[column]))
    return found


def test_numbers_are_those_of_the_exports(third: dict[str, Any], tmp_path: Path) -> None:
    path = example("example-figure-3")
    information, gradients = (rows(path, what, tmp_path / f"{what}.csv") for what in ("information", "gradients"))
    kept = {column: of_networks(information, column) for column in ("i_x", "i_y", "distinct", "saturated")}
    kept |= {column: of_networks(gradients, column) for column in ("grad_mean", "grad_std", "snr")}
    compared = 0
    for number, one in enumerate(third["ensembles"]):
        table = {column["name"]: column for column in one["table"]["columns"]}
        read = {"i_x": table["I(X;T) bits"], "i_y": table["I(T;Y) bits"], "distinct": table["distinct t"]}
        read |= {"saturated": table["saturated"]}
        read |= dict(zip(("grad_mean", "grad_std"), one["charts"]["gradients"]["readings"]["columns"], strict=True))
        for name, column in read.items():
            for (k, epoch), layer in itertools.product(enumerate(one["epochs"]), range(6)):
                values = kept[name].get((number, epoch, layer), [])
                mean = statistics.fmean(values) if values else math.nan
                assert near(column["mean"][k][layer], mean), (name, epoch, layer)
                if len(values) > 1 and column["sd"][k][layer] is not None:
                    assert near(column["sd"][k][layer], statistics.stdev(values), 3)
                compared += 1
        if "snr" in one["charts"]:
            for (k, epoch), layer in itertools.product(enumerate(one["epochs"]), range(6)):
                logs = [math.log(value) for value in kept["snr"].get((number, epoch, layer), []) if value > 0]
                mean = math.exp(statistics.fmean(logs)) if logs else math.nan
                assert near(one["charts"]["snr"]["readings"]["columns"][0]["mean"][k][layer], mean)
        for k, layer in itertools.product(range(len(one["epochs"])), range(6)):
            singles = [network[layer] for network in one["plane"]["points"][0][k]]
            assert all(map(near, singles, kept["i_x"][number, one["epochs"][k], layer], [4] * 10))
    assert compared == 3 * 62 * 6 * 6


def test_lines_paths_and_texts_are_those_of_the_app_s_charts(third: dict[str, Any]) -> None:
    with SessionReader(example("example-figure-3")) as reader:
        for number, one in enumerate(third["ensembles"]):
            charts = EnsembleCharts(reader.recorded_ensemble(number))
            assert one["epochs"] == list(charts.epochs)
            assert one["commentary"] == [charts.commentary(epoch) for epoch in charts.epochs]
            told = [[one["caveats"][k] for k in of_epoch] for of_epoch in one["caveatsAt"]]
            assert told == [charts.caveats(epoch) for epoch in charts.epochs]
            assert any("at the ceiling" in line for line in told[-1])
            drawn = {"epoch": charts.epochs[-1], "shown": tuple(range(6)), "points": False}
            for panel, chart in one["charts"].items():
                spec = charts.chart(panel, **drawn)
                assert chart["caption"] == spec.caption
                assert [found["label"] for found in chart["series"]] == [series.label for series in spec.series]
                for found, series in zip(chart["series"], spec.series, strict=True):
                    assert all(map(near, found["y"], series.y.tolist()))
                    assert all(map(near, found["x"] or one["epochs"], series.x.tolist()))
                assert [guide[2] for guide in chart["guides"]] == [guide.label for guide in spec.guides]
                assert [mark["text"] for mark in chart["marks"]] == [mark.text for mark in spec.marks]
            spec = charts.chart("plane", **drawn)
            for path, series in zip(one["plane"]["paths"], spec.series, strict=True):
                assert all(map(near, path["x"], series.x.tolist()))
                assert all(map(near, path["y"], series.y.tolist()))
            assert "Binning, 30 bins" in one["plane"]["caption"]
            assert len(one["plane"]["ends"]) == sum(end.agreed is not None for end in charts.transition.layers)
    assert "snr" not in third["ensembles"][0]["charts"]
    assert "one batch" in third["ensembles"][0]["absent"]["snr"]


def test_the_page_begins_with_the_ensemble_that_tells_most(third: dict[str, Any]) -> None:
    assert third["first"] == 2
    assert third["ensembles"][2]["title"].endswith("0.85")


def test_the_page_loads_nothing_and_is_small(whole: str) -> None:
    assert len(whole.encode()) < 3_000_000
    parts = Parts(whole)
    for _, attributes in parts.tags:
        assert not {"src", "srcset", "style", "background", "action"} & attributes.keys()
        assert not any(name.startswith("on") for name in attributes)
        assert (attributes.get("href") or "#").startswith("#")
    assert {tag for tag, _ in parts.tags}.isdisjoint({"link", "iframe", "object", "embed", "base", "img"})
    addresses = set(re.findall(r"\w+://[^\"'`\s]+", whole))
    assert addresses == {"http://www.w3.org/2000/svg"}, "the name of SVG, which nothing is loaded from"
    assert not re.search(r"url\((?!#)|@import|\bfetch\(|XMLHttp|WebSocket|innerHTML|eval\(", whole)


def test_the_policy_allows_the_page_s_own_script_and_style_alone(whole: str) -> None:
    parts = Parts(whole)
    (policy,) = [a["content"] for tag, a in parts.tags if a.get("http-equiv") == "Content-Security-Policy"]
    allowed = dict(part.strip().split(" ", 1) for part in str(policy).split(";"))
    assert allowed["default-src"] == "'none'"
    style, _, script = parts.raw
    for name, text in (("style-src", style), ("script-src", script)):
        assert allowed[name] == f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
    assert "unsafe" not in str(policy)


def test_every_control_has_a_label(whole: str) -> None:
    parts = Parts(whole)
    ids = [attributes["id"] for _, attributes in parts.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    body = re.sub(r"<(script|style).*?</\1>", "", whole, flags=re.DOTALL)
    for found in re.finditer(r"<(button|select|input)\b([^>]*)>", body):
        named = "aria-label" in found[2] or (found[1] == "button" and body[found.end()].isalpha())
        before = body[: found.start()]
        assert named or before.rfind("<label") > before.rfind("</label>"), found[0]
    assert '<html lang="en">' in whole
    assert "width=device-width" in whole


def luminance(colour: str) -> float:
    channels = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_computed_as_it_is_defined() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_stand_out(theme: str) -> None:
    blocks = re.findall(r"color-scheme:(light|dark);([^}]*)", colours())
    assert [name for name, _ in blocks] == ["light", "dark", "dark", "light"], "the last is for paper"
    for _, block in (one for one in blocks if one[0] == theme):
        named = dict(re.findall(r"--([\w-]+):(#[0-9a-f]{6});", block))
        for text, ground in [("ink", "paper"), ("muted", "paper"), ("ink", "raised"), ("muted", "raised"),
                             ("accent", "paper"), ("paper", "accent")]:  # fmt: skip
            assert contrast(named[text], named[ground]) >= 4.5, (text, ground)
        lines = [name for name in named if name.startswith(("layer-", "quantity-", "shade-"))]
        assert len(lines) == 8 + 2 + 24
        assert len(LIGHT.categories) == len(DARK.categories) == 8
        for name in [*lines, "edge"]:  # what is no text: WCAG 2.2, 1.4.11; the palette's least is 2.9
            assert contrast(named[name], named["paper"]) >= 2.8, name


def test_styles_name_colours_that_there_are() -> None:
    named = set(re.findall(r"--([\w-]+):", colours()))
    for file in ("page.css", *SCRIPT):
        text = (HERE / file).read_text(encoding="utf-8")
        assert set(re.findall(r"var\(--([a-z]+)\)", text)) - {"c"} <= named
        assert file != "page.css" or not re.search(r"#[0-9a-f]{3,6}\b(?!\s*[.{,>:])", text), "colours have one home"


def test_scripts_are_well_formed_and_pass_the_linter(tmp_path: Path) -> None:
    one = tmp_path / "page.js"
    one.write_text("".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPT), encoding="utf-8")
    if node := shutil.which("node"):
        subprocess.run([node, "--check", one], check=True, timeout=60)
    config = {"env": {"browser": True, "es2024": True}, "categories": {"correctness": "error", "suspicious": "error"}}
    config |= {"rules": dict.fromkeys(("no-undef", "eqeqeq", "no-var", "prefer-const"), "error")}
    (tmp_path / "config.json").write_text(json.dumps(config))
    try:
        (linter,) = (file.locate() for file in distribution("oxlint").files or () if file.name == "oxlint")
    except PackageNotFoundError:
        pytest.skip("oxlint is needed")
    lint = [linter, "-c", tmp_path / "config.json", one]
    done = subprocess.run(lint, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    one.write_text("const a = b;\n")
    assert subprocess.run(lint, capture_output=True, timeout=60, check=False).returncode != 0, "it can fail"


def test_text_within_a_script_element_cannot_end_it() -> None:
    value = {"name": HOSTILE, HOSTILE: ["\u2028", "]]>", "<script"]}
    text = in_script(value)
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == value


def hostile(path: Path) -> Path:
    """A recording whose names would be markup, if they were not text."""
    with Recorder(path, LABELS, data=HOSTILE, epochs=4, estimator="gauss") as recorder:
        for epoch in (0, 1, 4):
            layers = {HOSTILE: np.eye(60)[:, :5] + epoch, "${title}": np.eye(60)[:, 5:9]}
            recorder.snapshot(epoch, layers, measure=True, ensemble=HOSTILE)
    return path


def test_names_from_a_session_stay_text(tmp_path: Path) -> None:
    path = hostile(tmp_path / "<b>&.ibs")
    text = page(path).decode()
    parts = Parts(text)
    assert [tag for tag, _ in parts.tags].count("script") == 2
    assert {tag for tag, _ in parts.tags}.isdisjoint({"img", "b"})
    assert "<b>&" in parts.texts
    shown = json.loads(parts.raw[1])
    (one,) = shown["ensembles"]
    assert one["title"].startswith("</script><img src=x onerror=alert(1)>&amp;<!--\\n")
    assert not re.search("[\u202e\x1b]", json.dumps(shown, ensure_ascii=False))
    assert one["layers"][1] == "${title}"


def test_recordings_have_their_names_and_estimators(tmp_path: Path) -> None:
    found = contents(make_recording(tmp_path / "own.ibs"))
    assert found["state"].startswith("recording")
    first, second = found["ensembles"]
    assert first["layers"] == ["[bold]conv\\n1", "fc"]
    assert first["plane"]["intervals"] is not None, "gauss says how far it may be off"
    assert first["charts"]["gradients"]["readings"]["names"] == first["layers"]
    assert second["layers"] == ["only"]
    assert second["absent"]["gradients"] == "No gradients are recorded."
    assert second["plane"]["points"] is None, "one network is its own mean"


def test_a_recording_shows_each_of_its_estimators(tmp_path: Path) -> None:
    path = make_recording(tmp_path / "own.ibs", labels=LABELS % 2, also=["probe"])
    found = contents(path)["ensembles"]
    titles = [one["title"] for one in found]
    assert [title.partition(", by ")[0] for title in titles] == ["blobs", "other", "blobs", "other"]
    assert ["probe" in title for title in titles] == [False, False, True, True]
    assert [one["bound"].keys() == {"none"} for one in found] == [False, False, True, True]
    alone = contents(path, 0, "probe")["ensembles"]
    assert [one["title"] for one in alone] == ["blobs"]
    assert alone[0]["table"] == found[2]["table"] != found[0]["table"]


def test_without_i_x_t_there_is_no_bound_and_the_page_says_why(tmp_path: Path) -> None:
    found = contents(make_recording(tmp_path / "own.ibs", labels=LABELS % 2, estimator="probe"))
    (first, _) = found["ensembles"]
    assert first["plane"]["none"] == NO_PLACE
    assert first["bound"] == {"none": "The IB curve is over I(X;T), which the estimator probe does not have."}
    assert {value for row in first["table"]["columns"][0]["mean"] for value in row} == {None}
    assert any(value is not None for row in first["table"]["columns"][1]["mean"] for value in row)
    assert document(found)


def with_rows_held_out(path: Path) -> Path:
    """A run on a table of 90 rows, of which 27 are held out."""
    x = np.random.default_rng(1).normal(size=(90, 3)).round(3)
    rows = "".join(f"{a},{b},{c},{int(a * b > 0)}\n" for a, b, c in x)
    path.with_suffix(".csv").write_text(f"a,b,c,label\n{rows}")
    settings = {"rule": f"table:{path.with_suffix('.csv')}", "hidden": "4-3", "networks": 2, "epochs": 12}
    settings |= {"snapshots": 3, "batch": 16, "test_fraction": 0.3}
    Run(begin(path, path.stem, Experiment.from_dict(settings)), threads=1).execute()
    return path


def test_rows_that_are_held_out_have_a_plane_of_their_own(tmp_path: Path) -> None:
    path = with_rows_held_out(tmp_path / "own.ibs")
    (one,) = contents(path)["ensembles"]
    with SessionReader(path) as reader:
        of = reader.recorded_ensemble(0)
    for k in range(3):
        assert all(map(near, one["heldOut"]["paths"][k]["x"], of.mean("held_out_i_x")[:, k].tolist()))
    assert one["heldOut"]["guides"][0][1] == rounded(of.on_held_out().h_x) != one["plane"]["guides"][0][1]
    assert "rows held out" in one["heldOut"]["title"]
    named = {column["name"]: column for column in one["table"]["columns"]}
    assert all(map(near, named["held-out I(T;Y)"]["mean"][-1], of.mean("held_out_i_y")[-1].tolist()))
    assert contents(example("example-figure-2"))["ensembles"][0]["heldOut"] is None


def test_one_ensemble_can_be_chosen() -> None:
    found = contents(example("example-figure-5"), 1)
    assert [one["title"] for one in found["ensembles"]] == ["12-10 at 0.8"]
    with pytest.raises(InvalidValue, match="ensemble is 9"):
        contents(example("example-figure-5"), 9)


def test_where_nothing_is_measured_one_line_says_so(tmp_path: Path) -> None:
    with Recorder(tmp_path / "empty.ibs", LABELS, data="blobs", epochs=4):
        pass
    out = tmp_path / "page.html"
    with pytest.raises(InvalidValue, match="'empty' has measured no epoch yet, so there is nothing to show"):
        make_application(["export"])(["export", str(tmp_path / "empty.ibs"), "-o", str(out)], standalone_mode=False)
    assert not out.exists()


def test_single_networks_are_left_out_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    path = example("example-figure-2")
    size = 2 * 34 * 50 * 6
    assert size <= MOST_POINTS
    monkeypatch.setattr("ibtui.web.contents.MOST_POINTS", size)
    assert contents(path)["ensembles"][0]["plane"]["points"] is not None
    monkeypatch.setattr("ibtui.web.contents.MOST_POINTS", size - 1)
    assert contents(path)["ensembles"][0]["plane"]["points"] is None


def test_a_page_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = make_recording(tmp_path / "own.ibs")
    size = len(page(path))
    monkeypatch.setattr(page_module, "LARGEST", size)
    assert page(path)
    monkeypatch.setattr(page_module, "LARGEST", size - 1)
    with pytest.raises(InvalidValue, match="choose one ensemble with --ensemble"):
        page(path)


def test_numbers_are_rounded_to_significant_digits() -> None:
    assert [rounded(value) for value in (1.23456789, 4096.0, 1e-9 / 3, math.nan, math.inf, None)] == [
        1.23457, 4096, 3.33333e-10, None, None, None,
    ]  # fmt: skip
    assert isinstance(rounded(4096.0), int)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--what", "learning", "-o", "x.html"), "leave out --what"),
        (("--epoch", "3", "-o", "x.html"), "leave out --epoch"),
        (("--format", "html", "-o", "x.csv"), "ends in .html"),
        (("--what", "learning", "--format", "csv", "-o", "x.html"), "ends in .csv, .json"),
        (("-o", "x.csv"), "no --what is given: choose from information, gradients, learning, weights"),
    ],
)
def test_what_a_page_is_not_is_said(words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidValue, match=said):
        make_application(["export"])(["export", "example-figure-2", *words], standalone_mode=False)
    assert not list(tmp_path.iterdir())


def test_the_command_writes_it_by_the_ending_or_the_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.chdir(tmp_path)
    command = make_application(["export"])
    command(["export", "example-figure-2", "-o", "page.HTML", "--ensemble", "0"], standalone_mode=False)
    text = Path("page.HTML").read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "<title>example-figure-2</title>" in text
    out, err = capsysbinary.readouterr()
    assert out == b""
    assert err.decode().splitlines() == [
        "finding the IB curve and the way of each layer to it",
        "wrote a page to page.HTML",
    ]
    command(["export", "example-figure-2", "--format", "html", "--quiet"], standalone_mode=False)
    assert capsysbinary.readouterr() == (text.encode(), b"")

"""What a notebook shows of a session: its table and its plane, with nothing of the file taken for markup."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import ibtui
from ibtui_engine.recording.recorder import Recorder
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.overview import HEIGHT, MARGIN, WIDTH
from tests.recordings import make_recording

SVG = "{http://www.w3.org/2000/svg}"


def tree(html: str) -> ElementTree.Element:
    """The HTML, which is well-formed XML, too."""
    return ElementTree.fromstring(html)


def test_the_table_says_what_the_session_is(tmp_path: Path) -> None:
    with SessionReader(make_recording(tmp_path / "own.ibs")) as reader:
        found = tree(reader._repr_html_())
    rows = {row[0].text: row[1].text for row in found.iter("tr")}
    assert rows["session"] == "own"
    assert rows["kind"] == "recording"
    assert rows["status"] == "finished"
    assert rows["ensembles"] == "2"
    assert rows["networks"] == "3"
    assert rows["layers (units)"] == "[bold]conv\\n1 (300), fc (4)"
    assert rows["measured"] == "5 epochs, 0 to 20"
    assert rows["I(X;Y)"] == "2 bits"


def test_the_plane_has_the_mean_path_of_each_layer_to_scale() -> None:
    with ibtui.open_session("example-figure-3") as reader:
        telling = reader.summary.telling
        assert telling is not None
        one, found = reader.recorded_ensemble(telling.index), tree(reader._repr_html_())
    lines = [line.attrib["points"] for line in found.iter(f"{SVG}polyline")]
    assert len(lines) == len(one.layer_names)
    assert [title.text for title in found.iter(f"{SVG}title")] == list(one.layer_names)
    for layer, points in enumerate(lines):
        places = np.array([point.split(",") for point in points.split()], float)
        across = (places[:, 0] - MARGIN) / (WIDTH - 2 * MARGIN) * one.h_x
        up = (HEIGHT - MARGIN - places[:, 1]) / (HEIGHT - 2 * MARGIN) * max(one.i_xy, one.mean("i_y").max())
        np.testing.assert_allclose(across, one.mean("i_x")[:, layer], atol=0.02)
        np.testing.assert_allclose(up, one.mean("i_y")[:, layer], atol=0.002)


def test_names_from_the_file_are_escaped(tmp_path: Path) -> None:
    evil = '</td><script>alert("x")</script>&\x07'
    with Recorder(tmp_path / "own.ibs", [0, 1, 0, 1], name=evil, data=evil) as recorder:
        recorder.snapshot(0, {evil: np.arange(4.0)}, ensemble=evil)
    with SessionReader(tmp_path / "own.ibs") as reader:
        html = reader._repr_html_()
    assert "<script" not in html
    assert "\x07" not in html
    assert html.count("&lt;script&gt;") == 5
    rows = {row[0].text: row[1].text for row in tree(html).iter("tr")}
    assert rows["session"] == evil.replace("\x07", "\\x07")


def test_colours_of_lines_and_letters_are_those_of_the_page(tmp_path: Path) -> None:
    with SessionReader(make_recording(tmp_path / "own.ibs")) as reader:
        html = reader._repr_html_()
    assert set(re.findall(r'(?:fill|stroke)="([^"]+)"', html)) - {"currentColor", "none"} == {
        "hsl(265 75% 52%)", "hsl(30 75% 52%)"
    }  # fmt: skip


def test_sessions_without_snapshots_and_unreadable_ones_say_so(tmp_path: Path) -> None:
    ibtui.begin(tmp_path / "empty.ibs", "empty", ibtui.Experiment(networks=1, epochs=1)).close()
    with SessionReader(tmp_path / "empty.ibs") as reader:
        found = reader._repr_html_()
        assert "nothing yet" in found
        assert "<svg" not in found
        (tmp_path / "empty.ibs").unlink()
        make_recording(tmp_path / "empty.ibs")
        told = reader._repr_html_()
    assert re.fullmatch("<p>session .* was replaced by another file: open it again</p>", told)


@pytest.mark.filterwarnings("ignore::ibtui_engine.recording.recorder.RecordingWarning")
@pytest.mark.parametrize("outputs", [np.zeros(4), np.full(4, np.nan)])
def test_layers_without_information_or_numbers_are_no_trouble(tmp_path: Path, outputs: np.ndarray) -> None:
    with Recorder(tmp_path / "own.ibs", [0, 0, 0, 0]) as recorder:
        recorder.snapshot(0, {"dead": outputs})
    with SessionReader(tmp_path / "own.ibs") as reader:
        found = tree(reader._repr_html_())
    assert len(list(found.iter(f"{SVG}circle"))) == (0 if np.isnan(outputs).any() else 1)

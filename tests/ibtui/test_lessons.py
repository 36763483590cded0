"""Lessons: what a file must be, and that each number in the tour is what the examples say."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w

from ibtui.lessons import LINES, TOUR, Lesson, Stop, load_lesson, told
from ibtui.locations import example_file
from ibtui.screens.lesson import session_keys
from ibtui_engine.errors import InvalidValue
from ibtui_engine.session.ensemble import RecordedEnsemble
from ibtui_engine.session.follow import Follower
from ibtui_engine.session.history import SessionReader
from ibtui_engine.sweep import sweep, thinned
from ibtui_engine.threads import Threads

ONE: dict[str, Any] = {
    "name": "One",
    "session": "example-figure-3",
    "text": "See.",
    "key": "session.bound",
    "does": "for the curve.",
    "question": "Why?",
    "answer": "So.",
}


def load(tmp_path: Path, content: dict[str, Any] | str) -> Lesson:
    path = tmp_path / "mine.toml"
    path.write_text(content if isinstance(content, str) else tomli_w.dumps(content), encoding="utf-8")
    return load_lesson(path, tmp_path, session_keys())


def test_a_stop_needs_no_more_than_its_texts_and_a_session(tmp_path: Path) -> None:
    lesson = load(tmp_path, {"stops": [ONE]})
    assert (lesson.title, lesson.path) == ("mine", tmp_path / "mine.toml")
    assert lesson.stops[0] == Stop(
        *("One", example_file("figure-3"), "See.", "session.bound", "for the curve.", "Why?", "So."),
        ensemble=0, epoch=None, panel="plane",
    )  # fmt: skip


def test_what_can_be_said_is_taken(tmp_path: Path) -> None:
    more = {"ensemble": 2, "epoch": 10000, "panel": "layers", "key": "chart.zoom_in"}
    lesson = load(tmp_path, {"title": "Week 3", "stops": [ONE, {**ONE, **more}]})
    second = lesson.stops[1]
    assert (lesson.title, second.ensemble, second.epoch, second.panel) == ("Week 3", 2, 10000, "layers")


def test_line_breaks_are_spaces_and_wide_characters_two_columns(tmp_path: Path) -> None:
    words = {"title": "Week\n3", "stops": [{**ONE, "text": "\n  See\n  this.\n", "answer": "語" * 117}]}
    lesson = load(tmp_path, words)
    assert (lesson.title, lesson.stops[0].text) == ("Week 3", "See this.")


def test_a_session_beside_the_lesson_comes_first(tmp_path: Path) -> None:
    (tmp_path / "example-figure-3.ibs").write_bytes(example_file("figure-5").read_bytes())
    for name in ("example-figure-3", "example-figure-3.ibs"):
        lesson = load(tmp_path, {"stops": [{**ONE, "session": name, "ensemble": 5}]})
        assert lesson.stops[0].path == tmp_path / "example-figure-3.ibs"


def test_an_example_is_no_session_of_ones_own_that_is_called_like_it(tmp_path: Path) -> None:
    (tmp_path / "example-figure-3-again.ibs").write_bytes(example_file("figure-5").read_bytes())
    assert load(tmp_path, {"stops": [ONE]}).stops[0].path == example_file("figure-3")


LONG = "word " * 45
"""Three lines of 78, but not with a key."""


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "name of stop 2 in {file} must be 1 line of 30 columns, got ''"),
        ({"name": " \n"}, "name of stop 2 in {file} must be 1 line of 30 columns, got ''"),
        ({"answer": "語" * 118}, "answer of stop 2 in {file} must be 1 to 3 lines of 78 columns, got"),
        ({"name": "n" * 31}, "name of stop 2 in {file} must be 1 line of 30 columns, got"),
        ({"session": "nothing"}, "session of stop 2 in {file} must be one there is, got 'nothing': no session"),
        ({"session": "damaged"}, "session of stop 2 in {file} must be one that can be read, got 'damaged': "),
        ({"session": "x\0"}, "session of stop 2 in {file} must be one there is, got 'x\\x00': "),
        ({"ensemble": 3}, "ensemble of stop 2 in {file} must be 0 to 2, got 3"),
        ({"ensemble": -1}, "ensemble of stop 2 in {file} must be 0 to 2, got -1"),
        ({"ensemble": "2"}, "ensemble of stop 2 in {file} must be a whole number, got '2'"),
        ({"ensemble": True}, "ensemble of stop 2 in {file} must be a whole number, got True"),
        ({"epoch": 10001}, "epoch of stop 2 in {file} must be 0 to 10000, got 10001"),
        ({"epoch": -1}, "epoch of stop 2 in {file} must be 0 to 10000, got -1"),
        ({"epoch": 1.5}, "epoch of stop 2 in {file} must be a whole number, got 1.5"),
        ({"panel": "Plane"}, "panel of stop 2 in {file} must be plane, gradients, snr, learning, kept, bound"),
        ({"text": LONG}, "text of stop 2 in {file} must be 1 to 3 lines of 78 columns, with the key"),
        ({"text": "a\nb" * 200}, "text of stop 2 in {file} must be 1 to 3 lines of 78 columns, got"),
        ({"text": 5}, "text of stop 2 in {file} must be a text, got 5"),
        ({"key": "b"}, "key of stop 2 in {file} must be the name of a key of a session such as session.bound"),
        ({"key": "library.delete"}, "key of stop 2 in {file} must be the name of a key of a session"),
        ({"does": " "}, "does of stop 2 in {file} must be 1 line of 78 columns, got ''"),
        ({"question": "q" * 79}, "question of stop 2 in {file} must be 1 line of 78 columns, got"),
        ({"answer": "word " * 50}, "answer of stop 2 in {file} must be 1 to 3 lines of 78 columns, got"),
        ({"colour": "red"}, "stop 2 in {file} names 'colour': known are name, session, ensemble, epoch, panel, text, "),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_stop_is_said_in_a_line(tmp_path: Path, wrong: dict[str, Any], said: str) -> None:
    (tmp_path / "damaged.ibs").write_bytes(b"no database")
    with pytest.raises(InvalidValue) as refused:
        load(tmp_path, {"stops": [ONE, {**ONE, **wrong}]})
    line = str(refused.value)
    assert line.startswith(said.replace("{file}", repr(str(tmp_path / "mine.toml")))), line
    assert "\n" not in line


@pytest.mark.parametrize("name", list(ONE))
def test_what_a_stop_lacks_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidValue, match=rf"^stop 1 in '.*mine\.toml' must have {name}, got "):
        load(tmp_path, {"stops": [{key: value for key, value in ONE.items() if key != name}]})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "stops in {file} must be 1 to 100 tables [[stops]], got None"),
        ("stops = []", "stops in {file} must be 1 to 100 tables [[stops]], got []"),
        ("stops = [1]", "stops in {file} must be 1 to 100 tables [[stops]], got [1]"),
        ("[[stops]]\n" * 101, "stops in {file} must be 1 to 100 tables [[stops]], got "),
        ("[[stops]]\n", "stop 1 in {file} must have name, got nothing"),
        ("titel = 'x'", "the lesson {file} names 'titel': known are title, stops"),
        ("title = 3", "title in {file} must be a text of at most 30 columns, got 3"),
        ("title = '" + "t" * 31 + "'", "title in {file} must be a text of at most 30 columns, got"),
        ("stops", "the lesson {file} is not TOML: "),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_a_line(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        load(tmp_path, content)
    assert str(refused.value).startswith(said.replace("{file}", repr(str(tmp_path / "mine.toml"))))


def test_texts_of_all_the_room_there_is_are_taken(tmp_path: Path) -> None:
    room = {name: " ".join(["x" * columns] * lines) for name, (lines, columns) in LINES.items() if name != "text"}
    does = "d" * 30
    text = " ".join(["x" * 78] * 2 + ["y" * (78 - len(" Press space ") - len(does))])
    stop = load(tmp_path, {"title": "t" * 30, "stops": [{**ONE, **room, "text": text, "does": does}]}).stops[0]
    assert [len(line) for line in textwrap.wrap(told(stop, "space"), 78)] == [78, 78, 78]
    with pytest.raises(InvalidValue, match=r"^text of stop 1"):
        load(tmp_path, {"stops": [{**ONE, "text": text + "y", "does": does}]})


def test_the_lesson_of_the_page_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "ibtui" / "README.md").read_text(encoding="utf-8")
    content = page.partition("<!-- lesson -->\n```toml\n")[2].partition("```\n<!-- end of lesson -->")[0]
    lesson = load(tmp_path, content)
    stop = lesson.stops[0]
    assert (lesson.title, stop.panel, stop.epoch) == ("Week 3", "snr", 148)
    assert told(stop, "l").endswith("Press l for one layer.")
    ends = [layer.transition for layer in recorded("figure-4").phases.layers]
    assert round(ends[0].epoch) == min(round(one.epoch) for one in ends) == 102
    assert ends[1].low < ends[0].high


# the tour


@pytest.fixture(scope="module")
def stops() -> dict[str, Stop]:
    lesson = load_lesson(TOUR, Path(), session_keys())
    assert lesson.title == "Tour"
    return {stop.name: stop for stop in lesson.stops}


def numbers(stop: Stop) -> set[str]:
    """All numbers in the texts of a stop."""
    words = " ".join((stop.text, stop.does, stop.question, stop.answer))
    return set(re.findall(r"\d+(?:\.\d+)?", words))


def recorded(experiment: str, ensemble: int = 0) -> RecordedEnsemble:
    with Follower(example_file(experiment)) as follower:
        return follower.recorded_ensemble(ensemble)


def i_x(of: RecordedEnsemble, epoch: int, layer: int) -> float:
    assert of.at(epoch) == epoch
    return of.layer_figures(epoch)[layer - 1].i_x.mean


def i_y(of: RecordedEnsemble, epoch: int, layer: int) -> float:
    assert of.at(epoch) == epoch
    return of.layer_figures(epoch)[layer - 1].i_y.mean


def test_the_tour_has_the_eight_stops(stops: dict[str, Stop]) -> None:
    assert [*stops] == [
        *("What a point is", "Fitting", "Drift and diffusion", "Compression", "5 % of the data"),
        *("Is it the 30 bins?", "The bound", "What is exact"),
    ]
    assert {stop.path.stem for stop in stops.values()} == {"example-figure-3", "example-figure-4"}


def test_what_a_point_is(stops: dict[str, Stop]) -> None:
    stop = stops["What a point is"]
    of = recorded("figure-3", 2)
    assert (stop.ensemble, stop.epoch, of.ensemble.networks) == (2, 0, 10)
    assert of.ensemble.rule.patterns == 4096
    assert (of.h_x, f"{of.i_xy:.2f}") == (12.0, "0.99")
    first = of.layer_figures(0)[0]
    assert (first.i_x.mean, first.distinct.mean, first.distinct.deviation) == (12.0, 4096.0, 0.0)
    assert first.i_y.mean == pytest.approx(of.i_xy, abs=1e-9)
    assert numbers(stop) == {"10", "12", "0.99", "1", "4096"}


def test_fitting(stops: dict[str, Stop]) -> None:
    stop = stops["Fitting"]
    of = recorded("figure-3", 2)
    assert (stop.ensemble, stop.epoch) == (2, 131)
    found = [f"{i_y(of, 0, 6):.2f}", f"{i_y(of, 131, 6):.2f}", f"{i_x(of, 0, 5):.1f}", f"{i_x(of, 131, 5):.1f}"]
    assert found == ["0.01", "0.41", "5.1", "6.0"]
    assert 131 < of.transition.network.epoch < 150
    distinct = [of.layer_figures(epoch)[0].distinct for epoch in of.epochs if epoch <= 131]
    assert {(one.mean, one.deviation) for one in distinct} == {(4096.0, 0.0)}
    assert numbers(stop) == {"131", "0", "5", "1", "4096", "12", *found}


def test_drift_and_diffusion(stops: dict[str, Stop]) -> None:
    stop = stops["Drift and diffusion"]
    of = recorded("figure-4")
    phases = of.phases
    first, fifth, output = (phases.layers[k].transition for k in (0, 4, 5))
    assert (stop.panel, stop.epoch, of.at(148)) == ("snr", 148, 148)
    found = [round(value) for one in (first, fifth) for value in (one.epoch, one.low, one.high)]
    assert found == [102, 64, 162, 256, 199, 331]
    assert round(phases.transition.network.epoch) == 145
    assert (output.count, of.ensemble.networks) == (3, 10)
    assert numbers(stop) == {*map(str, found), "145", "95", "1", "5", "3", "10"}


def test_compression(stops: dict[str, Stop]) -> None:
    stop = stops["Compression"]
    of = recorded("figure-4")
    fourth, fifth = of.phases.layers[3:5]
    assert [f"{one.compression.mean:.1f}" for one in (fourth, fifth)] == ["3.9", "4.7"]
    turns = [round(value) for one in (fourth, fifth) for value in (one.turning.epoch, one.transition.epoch)]
    assert turns == [189, 186, 129, 256]
    assert (fourth.coincide, fifth.coincide) == (True, False)
    assert numbers(stop) == {"10000", "4", "3.9", "5", "4.7", "30", *map(str, turns)}


def test_5_percent_of_the_data(stops: dict[str, Stop]) -> None:
    stop = stops["5 % of the data"]
    of, most = recorded("figure-3", 0), recorded("figure-3", 2)
    assert (stop.ensemble, stop.epoch) == (0, 10000)
    assert round(0.05 * 4096) == 205
    found = [f"{i_y(of, epoch, 6):.2f}" for epoch in (1719, 10000)]
    assert found == ["0.51", "0.46"]
    learned = of.learning_figures(10000)
    before = of.learning_figures(1719)
    assert before["train_accuracy"].mean < learned["train_accuracy"].mean
    assert before["train_loss"].mean > learned["train_loss"].mean
    right = [f"{100 * learned[name].mean:.1f}" for name in ("train_accuracy", "test_accuracy")]
    assert right == ["99.7", "85.9"]
    assert f"{i_y(most, 10000, 6):.2f}" == "0.94"
    assert [recorded("figure-3", k).ensemble.settings.fraction for k in range(3)] == [0.05, 0.45, 0.85]
    assert numbers(stop) == {"205", "4096", "1719", "45", "85", "0.94", *found, *right}


def test_is_it_the_30_bins(stops: dict[str, Stop]) -> None:
    stop = stops["Is it the 30 bins?"]
    of = recorded("figure-4")
    assert [f"{i_x(of, 10000, layer):.1f}" for layer in (4, 5)] == ["6.8", "2.0"]
    threads = Threads(2)
    with SessionReader(example_file("figure-4")) as reader:
        ensemble, experiment = reader.ensemble(0), reader.summary.experiment
        found = sweep(reader, ensemble, experiment, (5, 1000), thinned(ensemble.snapshots, 30), threads)
    threads.close()
    lost = [f"{found.compression[row, layer]:.2f}" for layer in (4, 3) for row in (0, 1)]
    assert lost == ["1.25", "7.35", "1.56", "0.47"]
    assert [*found.ceiling[1]] == [True, True, True, False, False, False]
    assert experiment.bins == 30
    assert numbers(stop) == {"30", "4", "6.8", "5", "2.0", "45", "1000", "1", "3", *lost}


def test_the_bound(stops: dict[str, Stop]) -> None:
    stop = stops["The bound"]
    of = recorded("figure-4")
    fits = of.fits(10000)
    below = fits.distance.mean(axis=0)
    assert np.all(below[:4] < 0.002)
    assert below[1] < 1e-8
    assert [f"{value:.3f}" for value in below[4:]] == ["0.026", "0.044"]
    assert np.all(np.isnan(fits.beta[:, 1]))
    assert 11.99 < i_x(of, 10000, 2) < 12
    assert f"{below[3]:.4f}" == "0.0014"
    assert f"{fits.residual[:, 3].mean():.1f}" == "5.5"
    assert numbers(stop) == {"1", "4", "0.002", "5", "0.026", "0.044", "2", "0.0014", "8", "5.5"}


def test_what_is_exact(stops: dict[str, Stop]) -> None:
    stop = stops["What is exact"]
    of = recorded("figure-4")
    assert (stop.panel, of.ensemble.networks, of.h_x, f"{of.i_xy:.2f}") == ("layers", 10, 12.0, "0.99")
    assert numbers(stop) == {"4096", "12", "0.99", "10"}

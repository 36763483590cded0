"""The library: what there is, found, marked, renamed, deleted, exported; and what cannot be read does no harm."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from textual.widgets import DataTable, Input

from ibtui import runs
from ibtui.commands import lines_of
from ibtui.formatting import printable
from ibtui.session_index import SessionIndex
from ibtui.widgets.sessions_table import SessionsTable
from ibtui_engine.errors import StorageError
from ibtui_engine.presets import DEFAULT, PRESETS
from ibtui_engine.session.results import read_results
from ibtui_engine.session.summary import read_summary
from tests.tiers import first


def _table(view: Any) -> DataTable[str]:
    return view.one("#sessions", DataTable)


def _names(view: Any) -> list[str]:
    return [Path(str(key.value)).stem for key in _table(view).rows]


def _cells(view: Any, name: str) -> dict[str, str]:
    table = _table(view)
    row = [str(cell) for cell in table.get_row_at(_names(view).index(name))]
    return dict(zip((str(key.value) for key in table.columns), row, strict=True))


async def _choose(view: Any, name: str) -> None:
    _table(view).move_cursor(row=_names(view).index(name))
    await view.pilot.pause()


async def test_an_empty_library_says_how_to_begin(open_app: Any, have: Any) -> None:
    async with open_app() as view:
        assert "no sessions of yours yet" in view.text()
        assert "0 sessions" in view.text()
        for _ in range(3):
            view.screen._look()
            await view.pilot.pause()
            assert view.screen.focused is None  # there is nothing to open
        await view.press("enter", "space", "c", "d", "w", "m", "r", "delete", "escape", "up", "down")
        assert type(view.screen).__name__ == "LibraryScreen"
        have("plain")
        await view.until(lambda: _names(view) == ["plain"])
        await view.until(lambda: "no sessions of yours yet" not in view.text())
        await view.until(lambda: view.screen.focused is _table(view))
        await view.press("enter")
        await view.until_screen("SessionScreen")


async def test_a_look_that_comes_when_the_app_is_being_left_is_none(
    open_app: Any, have: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    have("plain")
    async with open_app() as view:
        library, looks = view.screen, []
        monkeypatch.setattr(library._index, "look", looks.append)
        library._look()
        assert looks == [None]
        view.app.exit()
        library._look_first()
        assert looks == [None]


@pytest.mark.long
async def test_what_fits_on_the_screen_is_read_first(open_app: Any, have: Any, directory: Path) -> None:
    """Of many sessions, those written last; then all, the newest first."""
    have("plain")
    for number in range(50):
        shutil.copy(directory / "plain.ibs", directory / f"copy-{number:02}.ibs")
        os.utime(directory / f"copy-{number:02}.ibs", (1e9 + number, 1e9 + number))
    index = SessionIndex(directory)
    index.look(20)
    assert [summary.path.stem for summary in index.own] == [f"copy-{number}" for number in range(31, 50)] + ["plain"]
    assert index.unread == 31
    index.look()
    assert (len(index.own), index.unread) == (51, 0)
    async with open_app() as view:
        assert "51 sessions" in view.text()
        await view.until(lambda: len(_names(view)) == 51)
        assert _names(view) == [*(f"copy-{number:02}" for number in range(50)), "plain"]


async def test_a_library_without_a_directory_is_empty(open_app: Any, directory: Path) -> None:
    directory.rmdir()
    async with open_app() as view:
        assert "no sessions of yours yet" in view.text()


async def test_what_is_known_of_each_session(open_app: Any, have: Any) -> None:
    have("plain")
    have("grid")
    async with open_app(size=(200, 60)) as view:
        cells = _cells(view, "grid")
        assert cells["status"] == "finished"
        assert cells["epochs"] == "40"
        assert cells["networks"] == "3"
        assert cells["rule"] == "symmetric"
        assert "4-3" in cells["hidden"]
        assert "(3)" in cells["hidden"]
        await _choose(view, "plain")
        await view.until(lambda: "hidden   4-3, tanh" in view.text() and "plane: 4-3 at 0.85" in view.text())
        assert len(view.chart("small-plane").spec.marks) == 3


async def test_results_come_in_and_are_said(open_app: Any, have: Any) -> None:
    have("plain")
    have("grid")
    async with open_app(size=(200, 60)) as view:
        await view.until(lambda: all(_cells(view, name)["accuracy"] for name in ("plain", "grid")))
        for name in ("plain", "grid"):
            found = read_results(view.app.directory / f"{name}.ibs")
            assert found.accuracy is not None
            assert found.most_lost is not None
            assert _cells(view, name)["accuracy"] == f"{found.accuracy:.1%}"
            assert _cells(view, name)["bits lost"] == f"{found.most_lost[1]:.2f}"
            assert _cells(view, name)["drift ends"] == ("" if found.drift_end is None else f"{found.drift_end:.0f}")
        await _choose(view, "grid")
        await view.until(lambda: "3-2-2 at 0.85, of 3 ensembles" in view.said("#sentence"))  # the deepest of them
        await _choose(view, "plain")
        await view.until(lambda: "unseen labels are guessed right." in view.said("#sentence"))


@pytest.mark.long
async def test_results_are_worked_out_again_only_of_what_has_changed(
    open_app: Any, have: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    async def noted(*arguments: str, given: bytes = b"") -> AsyncIterator[bytes]:
        asked.append(sorted(Path(path).stem for path in json.loads(given)))
        async for line in lines_of(*arguments, given=given):
            yield line

    monkeypatch.setattr("ibtui.commands.lines_of", noted)
    have("plain")
    path = have("lone")
    async with open_app() as view:
        await view.until(lambda: _cells(view, "plain")["accuracy"] and _cells(view, "lone")["accuracy"])
    assert asked == [["lone", "plain"]]
    async with open_app() as view:
        assert _cells(view, "plain")["accuracy"]  # from the first look on
        view.screen._look()
        await view.pilot.pause()
        assert asked == [["lone", "plain"]]
        os.utime(path, (1, 1))
        view.screen._look()
        await view.until(lambda: asked == [["lone", "plain"], ["lone"]])


async def test_results_are_worked_out_only_while_the_library_is_in_front(
    open_app: Any, have: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session that is watched needs the cores."""
    at_work = 0

    async def endless(*_: str, given: bytes = b"") -> AsyncIterator[bytes]:
        nonlocal at_work
        at_work += 1
        try:
            await asyncio.sleep(300)
            yield given
        finally:
            at_work -= 1

    monkeypatch.setattr("ibtui.commands.lines_of", endless)
    have("plain")
    async with open_app() as view:
        await view.until(lambda: at_work == 1)
        await view.press("enter")
        await view.until(lambda: type(view.screen).__name__ == "SessionScreen" and at_work == 0)
        view.app.screen_stack[1]._look()
        await view.pilot.pause()
        assert at_work == 0
        await view.press("escape")
        await view.until(lambda: at_work == 1)


@pytest.mark.long
async def test_results_that_cannot_be_read_are_told_once(
    open_app: Any, have: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Damage in the arrays, which no summary reads."""
    have("plain", "", "UPDATE layer SET i_x = x'00'")
    async with open_app(size=(120, 40)) as view:
        await view.until(lambda: "damaged" in view.said("#sentence"))
        assert _cells(view, "plain")["accuracy"] == ""
        await view.until(lambda: not view.screen._working_out)
        assert view.screen._outdated() == []


@pytest.mark.long
async def test_columns_sort_by_keys_and_clicks_with_the_absent_last(open_app: Any, have: Any) -> None:
    have("plain")
    have("lone")
    have("grid")
    async with open_app(size=(200, 60)) as view:
        await view.until(lambda: all(_cells(view, name)["accuracy"] for name in ("plain", "grid", "lone")))
        newest = _names(view)
        table = view.one("#sessions", SessionsTable)
        await view.press("o")
        assert _names(view) == ["grid", "lone", "plain"]
        assert str(table.columns["name"].label) == "name ▲"
        await view.press("O")
        assert _names(view) == ["plain", "lone", "grid"]
        table.sort_by("networks")
        await view.until(lambda: _names(view)[-1] == "lone")
        table.sort_by("drift ends")
        await view.pilot.pause()
        known = [name for name in _names(view) if _cells(view, name)["drift ends"]]
        assert _names(view)[: len(known)] == known
        await view.press("O")
        assert _names(view)[: len(known)] == known[::-1]
        at = str(table.columns["accuracy"].label)
        x = sum(c.get_render_width(table) for name, c in table.columns.items() if _before(table, str(name.value), at))
        await view.pilot.click("#sessions", offset=(x + 2, 0))
        await view.until(lambda: table.sorted_by == "accuracy")
        assert _names(view) == sorted(newest, key=lambda name: -float(_cells(view, name)["accuracy"].removesuffix("%")))
    async with open_app(size=(200, 60)) as view:  # the choice is kept
        assert view.one("#sessions", SessionsTable).sorted_by == "accuracy"


def _before(table: DataTable[Any], name: str, label: str) -> bool:
    names = [str(key.value) for key in table.columns]
    return names.index(name) < names.index(label)


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
async def test_results_have_room_at_every_size(open_app: Any, have: Any, size: tuple[int, int]) -> None:
    have("plain", "a name that is quite a bit longer than most names are, for sure")
    async with open_app(size=size) as view:
        table = _table(view)
        shown = [str(key.value) for key in table.columns]
        assert {"name", "drift ends", "bits lost", "accuracy"} <= set(shown)
        assert sum(column.get_render_width(table) for column in table.columns.values()) <= size[0]


async def test_open_and_back(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app() as view:
        await view.press("enter")
        await view.until_screen("SessionScreen")
        assert view.screen.path.stem == "plain"
        await view.press("q")
        await view.until_screen("LibraryScreen")


async def test_filter(open_app: Any, have: Any, killed: tuple[str, ...]) -> None:
    have("plain")
    have("grid")
    have("lone", "dead", *killed)
    async with open_app() as view:
        assert len(_names(view)) == 3
        await view.press("slash", *"gri")
        assert _names(view) == ["grid"]
        await view.press("enter")
        assert _table(view).has_focus
        await view.press("slash")
        view.one("#filter", Input).value = "symm interrupted"
        await view.until(lambda: _names(view) == ["dead"])
        view.one("#filter", Input).value = "no such thing"
        await view.until(lambda: _names(view) == [])
        await view.press("enter", "enter", "space", "delete")
        assert type(view.screen).__name__ == "LibraryScreen"
        await view.press("escape")
        assert len(_names(view)) == 3
        assert not view.one("#filter", Input).display


@pytest.mark.long
async def test_mark_and_compare(open_app: Any, have: Any) -> None:
    have("plain")
    have("lone")
    async with open_app() as view:
        await view.press("c")
        assert any("mark two sessions" in note for note in view.notes())
        await view.press("space", "down", "space")
        assert all(_cells(view, name)["name"].startswith("* ") for name in ("plain", "lone"))
        await view.press("space")
        assert sum(_cells(view, name)["name"].startswith("* ") for name in ("plain", "lone")) == 1
        await view.press("space", "c")
        await view.until_screen("CompareScreen")
        assert "comparing 2 ensembles" in view.said("#status")


@pytest.mark.long
async def test_notes_and_tags_are_written_shown_found_and_kept(open_app: Any, have: Any, tmp_path: Path) -> None:
    path = have("plain")
    have("lone")
    before = path.read_bytes()
    async with open_app() as view:
        assert "tags" not in _cells(view, "plain")
        await _choose(view, "plain")
        await view.press("t")
        await view.until_screen("Annotating")
        await view.write("#note", "odd [b]")
        await view.write("#tags", "keep, paper")
        await view.press("escape")
        await view.until_screen("LibraryScreen")
        await view.press("t")
        await view.until_screen("Annotating")
        assert view.one("#note", Input).value == ""  # escape left it as it was
        await view.write("#note", "odd [b]")
        view.one("#tags", Input).value = "x" * 50
        await view.until(lambda: "tag must be" in view.said("#trouble"))
        await view.press("enter")
        assert type(view.screen).__name__ == "Annotating"
        view.one("#tags", Input).value = "keep, paper"
        await view.press("enter")
        await view.until_screen("LibraryScreen")
        await view.until(lambda: _cells(view, "plain").get("tags") == "keep, paper")
        assert "odd [b]" in view.said("#sentence")
        for words in ("paper", "odd"):
            await view.press("slash")
            view.one("#filter", Input).value = words
            await view.until(lambda: _names(view) == ["plain"])
            await view.press("escape")
            await view.until(lambda: len(_names(view)) == 2)
        await _choose(view, "plain")
        await view.press("m")
        await view.until_screen("Line")
        view.one("#line", Input).value = "renamed"
        await view.press("enter")
        await view.until(lambda: type(view.screen).__name__ == "LibraryScreen" and "renamed" in _names(view))
        assert _cells(view, "renamed")["tags"] == "keep, paper"
        shutil.copy2(path.with_name("renamed.ibs"), path)  # a copy has none
        await view.until(lambda: "plain" in _names(view))
        assert _cells(view, "plain")["tags"] == ""
        await _choose(view, "renamed")
        await view.press("delete")
        await view.until_screen("Choice")
        await view.press("right", "enter")
        await view.until(lambda: "renamed" not in _names(view))
    assert path.read_bytes() == before
    assert list((tmp_path / "data" / "ibtui" / "notes").iterdir()) == []


@pytest.mark.long
async def test_rename(open_app: Any, have: Any, directory: Path) -> None:
    have("plain")
    have("lone", "taken")
    before = (directory / "taken.ibs").read_bytes()
    async with open_app() as view:
        await _choose(view, "plain")
        await view.press("m")
        await view.until_screen("Line")
        line = view.one("#line", Input)
        assert line.value == "plain"
        for refused, reason in (
            ("", "got ''"),
            ("a/b", "without / and"),
            ("..", "not beginning with a dot"),
            ("-x", "dash"),
            ("x" * 121, "120"),
            ("a\x1b[2Jb", "printable"),
            ("taken", "that name is taken"),
        ):
            line.value = refused
            await view.until(lambda reason=reason: reason in view.said("#trouble"))
            assert "\x1b" not in view.said("#trouble")
            await view.press("enter")
            assert type(view.screen).__name__ == "Line"
        line.value = "übung 2 [b]"
        await view.press("enter")
        await view.until_screen("LibraryScreen")
        await view.until(lambda: "übung 2 [b]" in _names(view))
        await view.until(lambda: "übung 2 [b]" in view.text())
        assert _names(view) != ["plain"]
        await view.press("m")
        await view.until_screen("Line")
        await view.press("escape")
        await view.until_screen("LibraryScreen")
    assert {path.name for path in directory.iterdir()} == {"übung 2 [b].ibs", "taken.ibs"}
    assert (directory / "taken.ibs").read_bytes() == before


@pytest.mark.long
async def test_renaming_what_a_killed_run_left_keeps_all_its_snapshots(
    open_app: Any, live: Any, directory: Path, killed: tuple[str, ...]
) -> None:
    run = live()
    run.advance(5)
    elsewhere = directory.parent / "elsewhere.ibs"
    with closing(sqlite3.connect(run.path)) as reader:
        reader.execute("SELECT * FROM session").fetchone()
        for suffix in ("", "-wal"):
            shutil.copy(f"{run.path}{suffix}", f"{elsewhere}{suffix}")
    with closing(sqlite3.connect(elsewhere)) as connection:
        with connection:
            for statement in killed:
                connection.execute(statement)
        for suffix in ("", "-wal"):
            shutil.copy(f"{elsewhere}{suffix}", directory / f"dead.ibs{suffix}")
    assert (directory / "dead.ibs-wal").stat().st_size > 0
    async with open_app() as view:
        assert _cells(view, "dead")["status"] == "interrupted"
        await _choose(view, "dead")
        await view.press("m")
        await view.until_screen("Line")
        view.one("#line", Input).value = "risen"
        await view.press("enter")
        await view.until(lambda: type(view.screen).__name__ == "LibraryScreen" and "risen" in _names(view))
        assert "dead" not in _names(view)
    assert read_summary(directory / "risen.ibs").ensembles[0].snapshots == (0, 1, 2, 3, 4, 5)
    assert not (directory / "dead.ibs-wal").exists()


async def test_delete_asks(open_app: Any, have: Any, directory: Path) -> None:
    path = have("plain")
    have("lone", "other")
    async with open_app() as view:
        await _choose(view, "plain")
        await view.press("delete")
        await view.until_screen("Choice")
        assert "Delete plain" in view.text()
        await view.press("enter")  # the first answer keeps
        await view.until_screen("LibraryScreen")
        await view.press("delete")
        await view.until_screen("Choice")
        await view.press("escape")
        await view.until_screen("LibraryScreen")
        assert path.exists()
        await view.press("delete")
        await view.until_screen("Choice")
        await view.press("right", "enter")
        await view.until(lambda: not path.exists())
        await view.until(lambda: _names(view) == ["other"])
    assert [file.name for file in directory.iterdir()] == ["other.ibs"]


async def test_a_running_session_is_shown_so_and_is_neither_deleted_renamed_nor_resumed(
    open_app: Any, live: Any
) -> None:
    run = live()
    async with open_app() as view:
        assert _cells(view, "live")["status"] == "running"
        for key, note in (("delete", "stop it first"), ("m", "cannot be renamed"), ("r", "is running")):
            await view.press(key)
            await view.until(lambda note=note: any(note in said for said in view.notes()))
            assert type(view.screen).__name__ == "LibraryScreen"
        run.advance(7)
        await view.until(lambda: _cells(view, "live")["epochs"] == "7/100")
        assert run.path.exists()


@pytest.mark.long
async def test_resume_goes_on_in_a_process_of_its_own(open_app: Any, have: Any, monkeypatch: Any) -> None:
    begun: list[Path] = []
    monkeypatch.setattr("ibtui.runs.resume_run", lambda path, **_: begun.append(path) or _Ended())
    path = have("plain", "", "UPDATE session SET status = 'stopped'")
    async with open_app() as view:
        await view.press("r")
        await view.until_screen("SessionScreen")
        assert begun == [path]
        await view.until(lambda: any("it is \\x1bodd [b]" in note for note in view.notes()))


@pytest.mark.long
async def test_a_finished_run_is_extended_by_more_epochs_or_networks(
    open_app: Any, have: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[tuple[Path, dict[str, int]]] = []
    monkeypatch.setattr("ibtui.runs.resume_run", lambda path, **further: begun.append((path, further)) or _Ended())
    path = have("plain")
    async with open_app() as view:
        await view.press("r")
        await view.until_screen("Extending")
        assert view.one("#epochs", Input).value == "80"
        assert view.one("#networks", Input).value == "3"
        for epochs, networks, said in (
            ("40", "3", "give more epochs or more networks"),
            ("39", "3", "has 40 already"),
            ("40", "2", "has 3 already"),
            ("many", "3", "epochs must be a whole number"),
            ("1000000000", "3", "must be a whole number"),
        ):
            view.one("#epochs", Input).value, view.one("#networks", Input).value = epochs, networks
            await view.until(lambda said=said: said in view.said("#trouble"))
            await view.press("enter")
            assert type(view.screen).__name__ == "Extending"
        view.one("#epochs", Input).value, view.one("#networks", Input).value = "50", "4"
        await view.until(lambda: view.said("#trouble") == "")
        await view.press("enter")
        await view.until_screen("SessionScreen")
        assert begun == [(path, {"epochs": 50, "networks": 4})]
        await view.press("R")  # from the session's screen, too
        await view.until_screen("Extending")
        await view.press("escape")
        await view.until_screen("SessionScreen")
        assert len(begun) == 1


@pytest.mark.long
async def test_an_extended_run_trains_to_its_new_end(open_app: Any, have: Any) -> None:
    path = have("kept")
    async with open_app() as view:
        await view.press("r")
        await view.until_screen("Extending")
        view.one("#epochs", Input).value, view.one("#networks", Input).value = "44", "4"
        await view.press("enter")
        await view.until_screen("SessionScreen")
        await view.until(lambda: read_summary(path).experiment.epochs == 44 and read_summary(path).status == "finished")
    (ensemble,) = read_summary(path).ensembles
    assert (ensemble.networks, ensemble.epochs_done) == (4, 44)


class _Ended:
    ended = True
    complaint = "it is \x1bodd [b]"


@pytest.mark.long
async def test_export_writes_what_was_chosen_where_it_was_asked_for(open_app: Any, have: Any, tmp_path: Path) -> None:
    have("plain")
    async with open_app() as view:
        await view.press("w")
        await view.until_screen("Exporting")
        await view.press("down", "up", "enter")  # on to where
        await view.until(lambda: view.one("#out", Input).has_focus)
        await view.press("enter")
        await view.until(lambda: any("wrote plain-information.csv" in note for note in view.notes()))
    with (tmp_path / "plain-information.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 8 * 3 * 3
    assert sorted(path.suffix for path in tmp_path.iterdir() if path.is_file()) == [".csv"]


@pytest.mark.long
async def test_the_same_settings_again_fill_the_form(open_app: Any, have: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("ibtui.screens.new.NewScreen._calibrate", lambda self: None)
    have("grid")
    async with open_app() as view:
        await view.press("d")
        await view.until_screen("NewScreen")
        values = {name: view.one(f"#{name}", Input).value for name in ("hidden", "networks", "epochs", "name")}
        assert values == {"hidden": "4-3, 5, 3-2-2", "networks": "3", "epochs": "40", "name": ""}


@pytest.mark.parametrize("contents", first(1, [None, b"", b"no session at all" * 100]))
async def test_a_damaged_file_is_counted_and_the_others_are_there(
    open_app: Any, have: Any, directory: Path, contents: bytes | None
) -> None:
    path = have("plain")
    if contents is None:
        contents = path.read_bytes()[:5000]
    (directory / "broken.ibs").write_bytes(contents)
    (directory / "folder.ibs").mkdir()
    (directory / "notes.txt").write_text("not looked at")
    async with open_app() as view:
        assert "(1 unreadable)" in view.text()
        assert _names(view) == ["plain"]
        (directory / "broken.ibs").unlink()
        await view.until(lambda: "unreadable" not in view.text())


@pytest.mark.long
async def test_a_session_that_goes_away_or_comes_is_noticed(open_app: Any, have: Any) -> None:
    path = have("plain")
    have("lone")
    async with open_app() as view:
        path.unlink()
        await view.until(lambda: _names(view) == ["lone"])
        have("grid")
        await view.until(lambda: set(_names(view)) == {"lone", "grid"})


@pytest.mark.long
async def test_opening_what_has_just_gone_or_broken_is_told(
    open_app: Any, have: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = have("plain")
    async with open_app() as view:
        monkeypatch.setattr(view.screen._index, "look", lambda most=None: None)  # it has not been noticed yet
        path.write_bytes(b"rubbish" * 1000)
        await view.press("enter")
        await view.until(lambda: any("plain.ibs" in note for note in view.notes()))
        path.unlink()
        await view.press("enter")
        await view.until(lambda: len([note for note in view.notes() if "plain" in note]) == 2)
        assert type(view.screen).__name__ == "LibraryScreen"


@pytest.mark.long
async def test_strange_rules_and_names_are_only_text(
    open_app: Any, have: Any, strange: dict[str, str], directory: Path
) -> None:
    for number, text in enumerate(strange.values()):
        settings = json.dumps({"hidden": ["4-3"], "rule": f"table:{text}", "networks": 3, "epochs": 40})
        path = have("plain", f"{number}", ("UPDATE session SET name = ?, experiment = ?", (text, settings)))
        path.rename(directory / f"{text.replace('/', '')}.ibs")
    async with open_app(size=(250, 40)) as view:
        for text in strange.values():
            name = text.replace("/", "")
            assert _cells(view, name)["rule"] == printable(f"table:{text}")
            await _choose(view, name)
            shown = view.text()
            assert printable(name).replace(" ", "") in shown.replace(" ", "")
            assert all(character.isprintable() or character == "\n" for character in shown)
            await view.press("delete")
            await view.until_screen("Choice")
            assert all(character.isprintable() or character == "\n" for character in view.text())
            await view.press("escape")
            await view.until_screen("LibraryScreen")


async def test_q_quits(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app() as view:
        await view.press("q")
        await view.until(lambda: view.app._exit)


@pytest.mark.long
async def test_the_library_at_all_sizes(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app() as view:
        for size in ((60, 20), (80, 24), (120, 40), (200, 60)):
            await view.pilot.resize_terminal(*size)
            await view.until(lambda size=size: (view.one("#small-plane").region.area > 0) == (size[1] >= 34))
            assert _table(view).region.area > 0
            if size[0] >= 80:
                await view.until(lambda: "Open" in view.text() and "? Help" in view.text())


@pytest.mark.long
async def test_examples_are_listed_apart_and_only_read(open_app: Any, have: Any, tmp_path: Path) -> None:
    have("plain")
    example = tmp_path / "examples" / "example-grid.ibs"
    example.parent.mkdir()
    have("grid").rename(example)
    (example.parent / "other.ibs").write_bytes(b"not one of them")
    before = example.read_bytes()
    async with open_app() as view:
        assert _names(view) == ["plain", "examples", "example-grid"]
        assert "1 session in" in view.text()
        await view.press("down")  # over the heading
        assert view.screen.chosen().path == example
        await view.press("up")
        assert view.screen.chosen().path.stem == "plain"
        await view.press("down")
        for key in ("delete", "m", "r"):
            await view.press(key)
            await view.until(lambda: any("an example cannot be" in note for note in view.notes()))
            assert type(view.screen).__name__ == "LibraryScreen"
            view.app.clear_notifications()
        await view.press("space")
        assert _cells(view, "example-grid")["name"] == "* example-grid"
        await view.press("c")
        await view.until_screen("CompareScreen")
        await view.press("q")
        await view.until_screen("LibraryScreen")
        await view.press("enter")
        await view.until_screen("SessionScreen")
        assert view.screen.path == example
        await view.press("R", "q")
        await view.until_screen("LibraryScreen")
    assert example.read_bytes() == before


async def test_without_sessions_the_examples_are_there_to_open(open_app: Any, have: Any, tmp_path: Path) -> None:
    (tmp_path / "examples").mkdir()
    have("plain").rename(tmp_path / "examples" / "example-plain.ibs")
    async with open_app() as view:
        assert "no sessions of yours yet" in view.text()
        assert "opens an example" in view.text()
        await view.press("enter")
        await view.until_screen("SessionScreen")
        assert view.screen.path.stem == "example-plain"


async def test_s_starts_a_run_at_once(open_app: Any, monkeypatch: Any) -> None:
    begun: list[tuple[Any, Path]] = []
    run = _Ended()
    run.ended = False  # else the screen that waits for it may be gone while the key is still waited for
    monkeypatch.setattr("ibtui.runs.start_run", lambda experiment, path, **_: begun.append((experiment, path)) or run)
    async with open_app() as view:
        await view.press("s")
        await view.until_screen("Starting")
        assert begun[0][0] == PRESETS[DEFAULT].experiment
        run.ended = True
        await view.until(lambda: any("it is \\x1bodd [b]" in note for note in view.notes()))
        assert type(view.screen).__name__ == "LibraryScreen"


@pytest.mark.long
async def test_strange_names_and_rules_are_harmless_where_they_can_be_changed(
    open_app: Any, have: Any, strange: dict[str, str], directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ibtui.screens.new.NewScreen._calibrate", lambda self: None)
    text = strange["escapes"]
    statement = "UPDATE session SET experiment = json_set(experiment, '$.rule', ?)"
    have("plain", "x", (statement, (f"table:{text}",))).rename(directory / f"{text}.ibs")
    async with open_app() as view:
        await view.press("m")
        await view.until_screen("Line")
        assert view.one("#line", Input).value == r"a\x1b[2J\x1b]0;t\x07b\r\nc"
        await view.press("escape")
        await view.until_screen("LibraryScreen")
        await view.press("d")
        await view.until_screen("NewScreen")
        await view.until(lambda: view.one("#rule", Input).value)
        assert all(field.value.isprintable() for field in view.screen.query(Input))


async def test_a_run_is_given_the_process_that_is_ready_once(open_app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []
    ready = SimpleNamespace(close=lambda: None)

    def start_run(*_: object, standby: object = None, **__: object) -> None:
        given.append(standby)
        raise StorageError("not now")

    monkeypatch.setattr("ibtui.app.PREPARING_SECONDS", 0.01)
    monkeypatch.setattr(runs, "prepare", lambda: ready)
    monkeypatch.setattr(runs, "start_run", start_run)
    async with open_app() as view:
        await view.until(lambda: view.app._standby is ready)
        await view.press("s")
        await view.until(lambda: "not now" in view.notes())
        await view.press("s")
        await view.until(lambda: len(given) == 2)
    assert given == [ready, None]


@pytest.mark.long
async def test_a_run_is_started_in_the_process_that_is_ready_and_another_is_made_ready_after_it(
    open_app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ibtui.app.PREPARING_SECONDS", 0.01)
    async with open_app() as view:
        await view.until(lambda: view.app._standby)
        ready = view.app._standby
        await view.press("s")
        await view.until_screen("SessionScreen")
        (run,) = view.app._runs.values()
        assert run._process is ready._process
        assert view.app._standby is None
        await view.until(lambda: view.screen.current)
        await view.press("S")
        await view.until(lambda: view.app._standby, patience=90)
        after = view.app._standby
    assert after._process.returncode is not None  # it has ended with the app

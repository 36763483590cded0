"""Paths are completed as a shell completes them, without what cannot be meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from ibtui.completing import completed, completions


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("one.csv", "one.txt", "once.NPZ", ".hidden.csv", "two\x1b.csv", "onward/x"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_directories_and_files_that_end_so_are_named(place: Path) -> None:
    assert completions("on", (".csv", ".npz")) == ["once.NPZ", "one.csv", "onward/"]
    assert completions(f"{place}/on", ("/",)) == [f"{place}/onward/"]
    assert completions("onward/") == ["onward/x"]


def test_what_is_hidden_or_cannot_be_printed_is_left_out(place: Path) -> None:
    assert "two" not in "".join(completions(""))
    assert ".hidden.csv" not in completions("")
    assert completions(".h") == [".hidden.csv"]


@pytest.mark.parametrize("text", ["nosuch/x", "one.csv/", "a\0b", "x" * 5000])
def test_where_there_is_nothing_nothing_is_named(place: Path, text: str) -> None:
    assert completions(text) == []


def test_a_text_is_completed_as_far_as_there_is_one_way() -> None:
    assert completed("on", ["one", "once", "two"]) == "on"
    assert completed("o", ["one", "once", "two"]) == "on"
    assert completed("t", ["one", "once", "two"]) == "two"
    assert completed("x", ["one"]) == "x"
    assert completed("one", ["one", "one/more"]) == "one"

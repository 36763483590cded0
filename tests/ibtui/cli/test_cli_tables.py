"""Tables: no name and no number is folded over lines, however wide the terminal is."""

from __future__ import annotations

import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.table import Table

from ibtui.cli.console import output
from ibtui.cli.listing import LEAST_NEEDED, shown_columns
from ibtui.cli.tables import LEAST_NAME, TableConsole, fitted
from ibtui.surroundings import settle

NAME = "symmetric-10-8-6-4-2-0.85-adam-10x2000"
WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=40)
NUMBERS = st.integers(0, 10**9).map(str)


def table_of(rows: list[tuple[str, ...]], *, sentence: bool = False) -> Table:
    """A name, some numbers, and a sentence if there is one."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), title=NAME)
    numbers = len(rows[0]) - 1 - sentence
    table.add_column("the name")
    for k in range(numbers):
        table.add_column(f"number {k} of these", justify="right")
    if sentence:
        table.add_column("says", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def printed(table: Table, width: int, *, terminal: bool) -> list[str]:
    file = io.StringIO()
    TableConsole(file=file, width=width, force_terminal=terminal, color_system=None, markup=False).print(table)
    return file.getvalue().splitlines()


@given(st.lists(st.tuples(WORDS, NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=4), st.integers(20, 120))
def test_every_cell_is_on_one_line_and_lines_fit(rows: list[tuple[str, ...]], width: int) -> None:
    for line in printed(table_of(rows), width, terminal=True):
        assert cell_len(line.rstrip()) <= max(width, LEAST_NAME + 2 + 10)
    parts = fitted(table_of(rows), width)
    assert sum(len(part.columns) for part in parts) == 4 + len(parts) - 1, "each part has the first column"
    for part in parts:
        names = [str(cell) for cell in part.columns[0].cells]
        assert [name[:1] for name in names] == [row[0][:1] for row in rows]
        for column in part.columns:
            cells = [str(cell) for cell in column.cells]
            assert column.no_wrap
            assert max(map(cell_len, cells)) <= (column.width or 0)
    numbers = [list(column.cells) for part in parts for column in part.columns[1:]]
    assert numbers == [[row[k] for row in rows] for k in (1, 2, 3)]


@given(st.lists(st.tuples(WORDS, NUMBERS, WORDS), min_size=1, max_size=4), st.integers(1, 200))
def test_elsewhere_than_on_a_terminal_every_row_is_one_whole_line(rows: list[tuple[str, ...]], width: int) -> None:
    title, heading, *lines = printed(table_of(rows, sentence=True), width, terminal=False)
    assert title == NAME
    assert heading.split() == ["the", "name", "number", "0", "of", "these", "says"]
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        assert all(cell in line for cell in row)


def test_sentences_are_folded_before_names_are_shortened() -> None:
    row = (NAME, "7", "What a long sentence says in many words. " * 3)
    lines = printed(table_of([row], sentence=True), 80, terminal=True)
    assert any(NAME in line for line in lines[1:])
    assert len(lines) > 5
    (narrow,) = fitted(table_of([row], sentence=True), 60)
    assert str(next(iter(narrow.columns[0].cells))).count("…") == 1


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120])
def test_a_narrow_list_leaves_columns_out_and_keeps_names(width: int) -> None:
    row = dict.fromkeys(("name", "status", "rule", "hidden", "fraction", "networks", "epochs", "age", "size"), "")
    row |= {"name": NAME, "status": "interrupted", "rule": "symmetric", "hidden": "10-8-6-4-2, 12-10-8-6-4-2"}
    row |= {"fraction": "0.05, 0.45, 0.85", "networks": "50", "epochs": "2231 of 12000", "age": "3 min", "size": "3 MB"}
    shown = shown_columns([row], width)
    assert shown[:2] == ["name", "status"]
    assert shown == [name for name in row if name not in LEAST_NEEDED or name in shown], "in their order"
    assert "size" not in shown
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in shown:
        table.add_column(name, justify="right" if name in ("networks", "epochs", "age", "size") else "left")
    table.add_row(*(row[name] for name in shown))
    lines = printed(table, width, terminal=True)
    assert (NAME in "\n".join(lines)) == (width >= 80)


@pytest.mark.parametrize("told", ["0", "4", "-1", "abc", "", "9" * 5000, "1001", "8e1", "٨٠"])
def test_a_size_that_no_terminal_has_is_not_taken(
    told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", os.environ["PATH"])
    monkeypatch.setenv("COLUMNS", told)
    monkeypatch.setenv("LINES", told)
    settle()
    assert {"COLUMNS", "LINES"}.isdisjoint(os.environ)
    output().print(table_of([(NAME, "12")]))
    assert NAME in capsys.readouterr().out
    monkeypatch.setenv("COLUMNS", "80")
    settle()
    assert os.environ["COLUMNS"] == "80"


def test_where_the_mark_cannot_be_shown_it_is_of_dots() -> None:
    (table,) = fitted(table_of([(NAME, "12")]), 40, encoding="ascii")
    assert ".." in str(next(iter(table.columns[0].cells)))

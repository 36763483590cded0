"""The page about the engine does what it says, and names all that is public."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

import ibtui
import ibtui_engine

PAGE = Path(__file__).parents[2] / "engine" / "README.md"


def test_the_example_runs_as_it_is_printed() -> None:
    parsed = doctest.DocTestParser().get_doctest(PAGE.read_text(encoding="utf-8"), {}, PAGE.name, str(PAGE), 0)
    lines = [line for one in parsed.examples for line in one.source.splitlines()]
    assert 10 <= len(lines) <= 60
    told: list[str] = []
    found = doctest.DocTestRunner().run(parsed, out=told.append)
    assert (found.failed, found.attempted) == (0, len(parsed.examples)), "".join(told)


def test_the_page_names_what_is_public_and_nothing_else() -> None:
    table = PAGE.read_text(encoding="utf-8").split("## Public names")[1].split("## Rooms")[0]
    rows = [row for row in table.splitlines() if row.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"[A-Za-z_]+", row)} & set(ibtui.__all__)
    assert named == set(ibtui.__all__)
    assert all(callable(getattr(ibtui, name)) for name in ibtui.__all__)


def test_what_is_not_there_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        _ = ibtui_engine.nothing
    assert set(ibtui_engine.__all__) <= set(dir(ibtui_engine))

"""The list of what is mutated is complete, and names tests that there are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants.modules import MODULES

TESTS = Path(__file__).parents[1] / "engine"
SOURCES = Path(__file__).parents[2] / "engine" / "ibtui_engine"


def test_every_module_that_judges_or_dates_is_mutated() -> None:
    there = {f"{room}.{path.stem}" for room in ("account", "phases") for path in (SOURCES / room).glob("*.py")}
    assert there - set(MODULES) == {"account.__init__", "phases.__init__", "account.claims"}  # no code of their own


@pytest.mark.parametrize("name", MODULES)
def test_a_mutated_module_and_its_tests_are_there(name: str) -> None:
    assert SOURCES.joinpath(*name.split(".")).with_suffix(".py").is_file()
    assert MODULES[name]
    assert all((TESTS / test).is_file() for test in MODULES[name])


@pytest.mark.long
def test_what_is_tried_is_the_mutant_also_where_shapes_are_checked() -> None:
    pytest.importorskip("cosmic_ray")
    command = [sys.executable, "-m", "tests.mutants", "phases.depth", "--every", "9"]
    tried = subprocess.run(command, cwd=TESTS.parents[1], capture_output=True, text=True, check=True).stdout
    assert tried.endswith("mutants die: 100.0 %\n")

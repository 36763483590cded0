"""What importing a part of the engine pulls in, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import ibtui_engine

FRONT_ENDS = {"ibtui", "textual", "rich", "typer", "click", "plotext", "matplotlib"}
HEAVY = {"numpy", "torch", "numba", "llvmlite", "scipy", "jaxtyping", "pandas", "h5py", "pyarrow"}

HERE = Path(ibtui_engine.__file__).parent
MODULES = sorted(
    ".".join(("ibtui_engine", *source.relative_to(HERE).with_suffix("").parts)).removesuffix(".__init__")
    for source in HERE.rglob("*.py")
)


def pulled_in(*modules: str, beside: str = "sys") -> set[str]:
    """The top-level packages that these modules load in a new process, beside those of one that is loaded already."""
    loaded = "{name.split('.')[0] for name in sys.modules}"
    code = f"import sys, {beside}\nbefore = {loaded}\nimport {', '.join(modules)}\nprint(*{loaded} - before, 'sys')"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert found.returncode == 0, found.stderr
    return set(found.stdout.split())


def test_every_module_of_the_engine_is_looked_at() -> None:
    assert len(MODULES) > 30
    assert {
        "ibtui_engine",
        "ibtui_engine.runner",
        "ibtui_engine.session.summary",
        "ibtui_engine.training.batched",
    } <= set(MODULES)


@pytest.mark.parametrize(
    "module",
    [
        "ibtui_engine.session.summary",
        "ibtui_engine.session.control",
        "ibtui_engine.experiment",
        "ibtui_engine.presets",
        "ibtui_engine.rules.names",
        "ibtui_engine.activations",
    ],
)
def test_lists_and_forms_wait_for_no_numerics(module: str) -> None:
    assert pulled_in(module).isdisjoint(HEAVY | FRONT_ENDS)


def test_reading_a_session_waits_for_numpy_alone() -> None:
    found = pulled_in("ibtui_engine.session.history", "ibtui_engine.session.follow", "ibtui_engine.measures.checks")
    assert "numpy" in found
    assert found.isdisjoint(HEAVY - {"numpy"})


@pytest.mark.parametrize("module", ["runner", "rules.table", "rules.catalogue"])
def test_nothing_imports_what_reads_tables_before_a_table_is_read(module: str) -> None:
    assert pulled_in(f"ibtui_engine.{module}").isdisjoint({"pandas", "h5py", "pyarrow"})


def test_a_run_does_not_import_torch_before_it_is_needed() -> None:
    found = pulled_in("ibtui_engine.runner", "ibtui_engine.training.choice", "ibtui_engine.training.fused")
    assert "numba" in found  # the test sees what is imported
    assert "torch" not in found


def test_no_module_of_the_engine_pulls_in_a_front_end() -> None:
    found = pulled_in(*MODULES, beside="torch")  # which has front ends of its own: they are not the engine's doing
    assert "numba" in found
    assert found.isdisjoint(FRONT_ENDS)


def test_front_ends_would_be_seen() -> None:
    assert {"rich", "typer"} <= pulled_in("typer", "rich")

"""The example notebooks are kept without outputs, and their cells run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "docs" / "notebooks").glob("*.ipynb"))


def code(notebook: Path) -> list[str]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_kept_without_outputs_and_are_python(notebook: Path) -> None:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    assert len(NOTEBOOKS) == 3
    assert cells[0]["cell_type"] == "markdown"
    for cell in cells:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None
    for source in code(notebook):
        compile(source, notebook.name, "exec")


@pytest.mark.long
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_cells_of_a_notebook_run_one_after_the_other(notebook: Path, tmp_path: Path) -> None:
    (tmp_path / "cells.py").write_text("\n".join(code(notebook)), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "cells.py"],
        cwd=tmp_path,
        env=os.environ | {"MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr

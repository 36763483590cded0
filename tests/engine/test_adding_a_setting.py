"""CONTRIBUTING.md's worked example: a setting is declared once, and all that people see of it follows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BEFORE = {"in Ensemble": '\n    def to_dict(self) -> dict[str, Any]:\n        """Its settings as plain',
          "in Experiment": "    estimator: str = ", "in SETTINGS": '        "estimator": Setting('}  # fmt: skip
"""What stands behind the lines that each part of the example adds."""
SEEN = """
import sys
from pathlib import Path

import pytest
from ibtui.screens.form_fields import FIELDS, hint
from ibtui.formatting import title_of
from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import Experiment
from ibtui_engine.runner import begin
from ibtui_engine.session.summary import read_summary

experiment = Experiment.from_dict({"label_smoothing": [0, 0.1], "hidden": "2", "networks": 1, "epochs": 1})
begin(Path(sys.argv[1]), "smoothed", experiment).close()
summary = read_summary(Path(sys.argv[1]))
print(*(title_of(summary, one) for one in summary.ensembles), sep="\\n")
print(summary.ensembles[1].settings.label_smoothing, summary.experiment == experiment)
print(FIELDS["label_smoothing"].label, "|", hint("label_smoothing", FIELDS["label_smoothing"]).plain)
try:
    Experiment(label_smoothing=(1.0,))
except InvalidValue as error:
    print(error)
"""


def _added() -> list[tuple[str, str, str]]:
    """File, place and added lines of each part of the example."""
    block = re.search(r"```diff\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    parts = re.split(r"^--- (\S+), (.*)\n", block[1], flags=re.MULTILINE)[1:]
    return [
        (file, place, "".join(f"{line[1:]}\n" for line in lines.splitlines()))
        for file, place, lines in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    ]


@pytest.mark.long
def test_a_setting_is_added_by_its_declaration(tmp_path: Path) -> None:
    for package in ("engine/ibtui_engine", "ibtui"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    added = _added()
    assert [place for _, place, _ in added] == list(BEFORE)
    assert sum(lines.count("\n") for *_, lines in added) <= 15
    for file, place, lines in added:
        source = (tmp_path / file).read_text(encoding="utf-8")
        assert source.count(BEFORE[place]) == 1, place
        (tmp_path / file).write_text(source.replace(BEFORE[place], lines + BEFORE[place]), encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": f"{tmp_path / 'engine'}{os.pathsep}{tmp_path}", "COLUMNS": "100"}

    def run(*arguments: str) -> str:
        done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=environment,
                              cwd=tmp_path, check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    shown = " ".join(re.sub("[│╭╮╰╯─]", " ", run("-m", "ibtui", "run", "--help")).split())
    told = "Share of each label that is spread over all of them, at least 0 and below 1. Repeat it for a grid."
    assert "--label-smoothing" in shown
    assert [word for word in told.split() if word not in shown] == []
    assert run("-c", SEEN, str(tmp_path / "it.ibs")).splitlines() == [
        "2 at 0.85, label smoothing 0",
        "2 at 0.85, label smoothing 0.1",
        "0.1 True",
        "Label smoothing | several: a grid",
        "label-smoothing must be at least 0 and below 1, got 1.0",
    ]

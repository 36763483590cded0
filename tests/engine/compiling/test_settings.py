"""Numba's settings come from the environment alone, and one that it cannot take is told in one line."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ibtui_engine.compiling.store import PACKAGE

YAML = "def safe_load(_): return {'disable_jit': 1, 'opt': 0}"
PROGRAM = """
import os, sys
sys.path.append(sys.argv[1])
import ibtui_engine.compiling.settings, numba
os.environ["NUMBA_SHOW_HELP"] = "0"  # has the settings read again
numba.njit(lambda a: a)(1)
import yaml
print(numba.config.DISABLE_JIT, int(numba.config.OPT), bool(yaml.safe_load))
"""
COLORAMA = (
    "def init(): print('streams taken')\n__version__, reinit, deinit, Fore, Style = '0.4.6', init, init, None, None"
)
WORDING = """
import sys
sys.path.append(sys.argv[1])
import ibtui_engine.compiling.settings, numba, colorama
print(numba.core.errors.termcolor().errmsg("as it is"), bool(colorama.init))
"""


def run(code: str, *arguments: str, cwd: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-c", code, *arguments],
        cwd=cwd,
        env={name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")} | settings,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_settings_in_the_current_directory_are_not_obeyed(tmp_path: Path) -> None:
    (tmp_path / "yaml.py").write_text(YAML)
    (tmp_path / ".numba_config.yaml").write_text("anything")
    done = run(PROGRAM, str(tmp_path), cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("0 3 True\n", "")


def test_no_error_that_numba_words_takes_hold_of_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "colorama.py").write_text(COLORAMA)
    done = run(WORDING, str(tmp_path), cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("as it is True\n", "")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("NUMBA_NUM_THREADS", "abc", "invalid NUMBA_NUM_THREADS 'abc'"),
        ("NUMBA_NUM_THREADS", "0", "NUMBA_NUM_THREADS='0': Number of threads"),
        pytest.param("NUMBA_OPT", "9", "invalid NUMBA_OPT '9'", marks=pytest.mark.long),
        ("NUMBA_DISABLE_JIT", "x\ny", r"invalid NUMBA_DISABLE_JIT 'x\ny'"),
        pytest.param("NUMBA_CPU_FEATURES", "avx2", "invalid NUMBA_CPU_FEATURES 'avx2'", marks=pytest.mark.long),
    ],
)
def test_a_setting_that_numba_cannot_take_is_named(tmp_path: Path, name: str, value: str, said: str) -> None:
    done = run("import ibtui_engine.forward", cwd=tmp_path, **{name: value})
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ibtui_engine.errors.InvalidValue: ")
    assert said in last
    assert "Warning" not in done.stderr


def test_whatever_uses_numba_imports_it_with_these_settings() -> None:
    late = []
    using = 0
    for source in sorted(PACKAGE.rglob("*.py")):
        imported = [
            name
            for node in ast.parse(source.read_text()).body
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names])
        ]
        numba = [number for number, name in enumerate(imported) if name.split(".")[0] == "numba"]
        settings = [n for n, name in enumerate(imported) if name.startswith("ibtui_engine.compil")]
        using += bool(numba)
        late += [source.name] if numba and not min(settings, default=len(imported)) < numba[0] else []
    assert using >= 4
    assert late == []

"""Messages of errors follow one pattern, wherever they are written."""

from __future__ import annotations

import re
from pathlib import Path

PACKAGES = (Path(__file__).parents[1] / "ibtui", Path(__file__).parents[1] / "engine" / "ibtui_engine")
ANOTHER = re.compile(r""" is \{[^"]*\}[^"]*: allowed (is|are) """)
"""`NAME is VALUE: allowed is ...`, where `NAME must be ..., got VALUE` is the pattern."""


def test_settings_are_refused_in_one_pattern() -> None:
    files = [path for package in PACKAGES for path in package.rglob("*.py")]
    lines = [(path.name, line.strip()) for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(lines) > 10_000
    assert not [(name, line) for name, line in lines if ANOTHER.search(line)]
    assert ANOTHER.search('raise InvalidValue(f"{name} is {shown(value)}: allowed is {allowed}{more}")')

"""What the suite finds, as rows of a table: in a terminal, in JSON, and in tests/README.md."""

from __future__ import annotations

import datetime
import platform
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ibtui_engine.threads import usable_cores

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"
SHOWN = 10
"""Failures that are told in full."""


@dataclass
class Row:
    """What one kind of fault did."""

    fault: str
    held: str
    """What must hold each time."""
    tried: int = 0
    failures: list[str] = field(default_factory=list)
    figures: str = ""
    """What was measured besides."""
    name: str = ""
    """By which the command line knows it."""
    seconds: float = 0.0

    def require(self, holds: object, what: str) -> bool:
        """Note a failure where something does not hold."""
        if not holds:
            self.failures.append(what)
        return bool(holds)


def machine() -> str:
    """Where it was measured."""
    day = datetime.date.today().isoformat()
    return (
        f"{day}, {platform.system()} {platform.machine()}, {usable_cores()} cores, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}"
    )


def as_text(row: Row) -> str:
    """A row as a person reads it in a terminal, with its failures."""
    verdict = "held" if not row.failures else f"FAILED {len(row.failures)}"
    lines = [f"{row.name:12} {row.fault}: {row.tried} tried, {verdict}. {row.figures} ({row.seconds:.0f} s)"]
    lines += [f"    {failure}" for failure in row.failures[:SHOWN]]
    return "\n".join(lines)


def write_readme(rows: Sequence[Row]) -> None:
    """Put rows into the table between the marks, in place of those of the same names; the others stay."""
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    old, after = rest.split(END)
    lines = {line.split("`")[1]: line for line in old.splitlines() if line.startswith("| `")}
    for row in rows:
        verdict = "held" if not row.failures else f"**failed {len(row.failures)}**"
        cells = (f"`{row.name}`", row.fault, row.held, str(row.tried), verdict, row.figures)
        lines[row.name] = f"| {' | '.join(cells)} |"
    table = "\n".join(
        [
            "| | what happens | what must hold | tried | | measured |",
            "| --- | --- | --- | --- | --- | --- |",
            *lines.values(),
        ]
    )
    README.write_text(f"{before}{BEGIN}\n\nLast run: {machine()}.\n\n{table}\n\n{END}{after}", encoding="utf-8")

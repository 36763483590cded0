"""`python -m tests.pages`: writes the tables of pages that are made from declarations. Tests compare the two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ibtui.keys import known_keys
from ibtui_engine.experiment import Experiment
from ibtui_engine.session.tables import TABLES
from ibtui_engine.settings import SETTINGS

ROOT = Path(__file__).parents[1]
END = "<!-- end -->"
SCREENS = {
    "app": "everywhere",
    "library": "library",
    "new": "new experiment",
    "session": "session",
    "measure": "session: measure again",
    "run": "session: the run",
    "lesson": "a lesson",
    "compare": "compare",
    "account": "account",
    "map": "map",
    "chart": "a chart",
}
SIGNS = {
    "question_mark": "?",
    "slash": "/",
    "comma": ",",
    "full_stop": ".",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "left_parenthesis": "(",
    "right_parenthesis": ")",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
}


def keys() -> str:
    """The table: where, key, what it does, and the name that settings give it another key with."""
    lines = ["| where | key | does | name |", "| --- | --- | --- | --- |"]
    for name, binding in known_keys().items():
        pressed = " ".join(f"`{SIGNS.get(key, key)}`" for key in binding.key.split(","))
        where = SCREENS[name.partition(".")[0]]
        lines.append(f"| {where} | {pressed} | {binding.tooltip or binding.description} | `{name}` |")
    return "\n".join(lines) + "\n"


def columns() -> str:
    """The table of all columns of a session."""
    lines = [
        "| table | column | SQL | unit | since | what | measured as |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for table in TABLES:
        for column in table.columns:
            source = f"`{column.source}`" if column.source else ""
            cells = (
                *(f"`{table.name}`", f"`{column.name}`", column.sql, column.kind.unit, str(column.since)),
                *(column.about.replace("|", "\\|"), source),
            )
            lines.append(f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |"))
    return "\n".join(lines) + "\n"


def tables() -> str:
    """The table of a session's tables."""
    lines = ["| table | rows | what |", "| --- | --- | --- |"]
    lines += [f"| `{table.name}` | {table.rows} | {table.about} |" for table in TABLES]
    return "\n".join(lines) + "\n"


def settings() -> str:
    """The table of an experiment's settings."""
    lines = ["| setting | what | allowed | default | grid |", "| --- | --- | --- | --- | --- |"]
    usual = Experiment()
    for name, setting in SETTINGS.items():
        allowed = setting.allowed or ", ".join((*setting.choices, *setting.words))
        if setting.kind == "whole":
            words = "".join(f", or {word}" for word in setting.words)
            allowed = f"a whole number from {setting.least:.0f} to {setting.most:.0f}{words}"
        default = setting.text(getattr(usual, name)) or setting.unset or "none"
        about = setting.about.replace("|", "\\|")
        lines.append(f"| `{name}` | {about} | {allowed} | {default} | {'yes' if setting.grid else ''} |")
    return "\n".join(line.replace("|  |", "| |") for line in lines) + "\n"


@dataclass(frozen=True)
class Part:
    """A part of a page, between two comments."""

    name: str
    path: Path
    made: Callable[[], str]

    def renewed(self, page: str) -> str:
        """The page with this part as it is now."""
        begin = f"<!-- {self.name}: python -m tests.pages -->\n"
        before, found, rest = page.partition(begin)
        assert found, f"{self.path} has no {begin}"
        return before + begin + self.made() + END + rest.partition(END)[2]


PARTS = (
    Part("keys", ROOT / "ibtui" / "README.md", keys),
    Part("settings", ROOT / "engine" / "README.md", settings),
    Part("columns", ROOT / "engine" / "README.md", columns),
    Part("tables", ROOT / "sessions" / "README.md", tables),
)


if __name__ == "__main__":
    for part in PARTS:
        part.path.write_text(part.renewed(part.path.read_text(encoding="utf-8")), encoding="utf-8")

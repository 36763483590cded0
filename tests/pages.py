"""`python -m tests.pages`: writes the table of keys into ibtui/README.md. A test compares the two."""

from __future__ import annotations

from pathlib import Path

from ibtui.keys import known_keys

PAGE = Path(__file__).parents[1] / "ibtui" / "README.md"
BEGIN, END = "<!-- keys: python -m tests.pages -->\n", "<!-- end -->"
SCREENS = {
    "app": "everywhere",
    "library": "library",
    "new": "new experiment",
    "session": "session",
    "measure": "session: measure again",
    "run": "session: the run",
    "compare": "compare",
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


def with_keys(page: str) -> str:
    """The page with the table as it is now."""
    before, _, rest = page.partition(BEGIN)
    return before + BEGIN + keys() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(with_keys(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

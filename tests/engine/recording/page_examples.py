"""The examples of the engine's page that need a library which the tests do not bring."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[3] / "engine" / "README.md"


def page_example(line: str) -> str:
    """The one block of the page that has this line."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (block,) = (one for one in blocks if line in one.splitlines())
    return str(block)


def run_example(source: str, **names: Any) -> dict[str, Any]:
    """The names that an example has defined, besides those that it is given; run in the working directory."""
    found = dict(names)
    exec(compile(source, PAGE.name, "exec"), found)
    return found

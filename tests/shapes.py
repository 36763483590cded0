"""Shapes and types of the engine's functions are checked at every call, as long as tests run."""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from beartype import BeartypeConf, beartype
from jaxtyping import install_import_hook

ENGINE = Path(__file__).parents[1] / "engine" / "ibtui_engine"

CHECKED = ("measures.checks", "networks", "phases.", "rules.", "statistics")
"""Modules whose functions are checked, and packages (with a dot).

The others are not, for one of two reasons. Numba cannot compile what checks a function (`training`, `measures` and
`bottleneck` hold its kernels). And some are called with other shapes on purpose, by the tests of what they refuse.
"""
LEFT_OUT = ("rules.catalogue", "rules.log_odds", "rules.rule")
"""Modules of those packages that take single numbers where they declare arrays, or refuse other types and shapes
themselves, in one line, which tests hold.
"""

# modules that were compiled with another of these texts stay so: change the name of `checked` with what it stands for
checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
"""Decorates what is checked: an int is a float here, as it is for mypy."""


class ForCheckers(MetaPathFinder):
    """Finds the modules that jaxtyping's hook finds; what they import for type checkers alone is imported, too."""

    def __init__(self, hook: Any) -> None:
        self._hook = hook

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec: ModuleSpec | None = self._hook.find_spec(name, path, target)
        if spec is not None:
            loader: Any = spec.loader
            to_code = loader.source_to_code
            loader.source_to_code = lambda data, *rest, **options: to_code(with_all_imports(data), *rest, **options)
        return spec


def with_all_imports(source: bytes) -> bytes:
    """The source of a module with its imports under TYPE_CHECKING in force, on the same lines; those of the engine
    itself when a name is asked for, since modules may import each other there.
    """
    text = source.decode()
    lines, late = text.split("\n"), {}
    for block in ast.parse(text).body:
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING":
            lines[block.lineno - 1] = "if True:"
            for line in block.body:
                if isinstance(line, ast.ImportFrom) and (line.module or "").startswith("ibtui_engine"):
                    late |= {one.asname or one.name: line.module for one in line.names}
                    lines[line.lineno - 1 : line.end_lineno] = ["    pass", *[""] * (line.end_lineno - line.lineno)]
    return "\n".join((*lines, *([_LATE.format(late)] if late else []))).encode()


_LATE = """
def __getattr__(name):
    late = {}
    if name not in late:
        raise AttributeError(name)
    import importlib
    return getattr(importlib.import_module(late[name]), name)
"""


def checked_modules() -> list[str]:
    """The names of the modules that declare shapes and are to be checked."""
    found = []
    for source in sorted(ENGINE.rglob("*.py")):
        name = ".".join(source.relative_to(ENGINE).with_suffix("").parts)
        declares = "from jaxtyping import" in source.read_text(encoding="utf-8")
        if declares and name.startswith(CHECKED) and name not in LEFT_OUT:
            found.append(f"{ENGINE.name}.{name}")
    return found


def check_shapes() -> None:
    """Check what modules of the engine declare of their functions, if they are imported from now on."""
    hook = install_import_hook(checked_modules(), "tests.shapes.checked").hook
    sys.meta_path[sys.meta_path.index(hook)] = ForCheckers(hook)

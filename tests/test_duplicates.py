"""No logic stands twice in the packages, whatever its variables are called."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
FEWEST = 6
"""Lines that make a run of equal statements a duplicate."""
ALLOWED = {
    frozenset({"measures/density.py:add_pairs", "measures/density.py:confusion"}): (
        "the loop over blocks of pairs: what is done with a block is compiled into it"
    ),
    frozenset({"training/kernel.py:add_gradients"}): "unrolled by hand: its sums stay in registers",
    frozenset({"training/kernel.py:backward_layer"}): "unrolled by hand",
    frozenset({"forward.py:forward_layer"}): "unrolled by hand",
}
"""Functions of `ibtui_engine` that share a run, or have one twice, and why."""


class Line(NamedTuple):
    """A statement without its body: how it is written, where, and how many lines it takes."""

    text: str
    place: str
    first: int
    lines: int


class Nameless(ast.NodeTransformer):
    """Gives all variables one name: a copy with other names is a copy."""

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = "x"
        return node


def statements(path: Path, source: str) -> Iterator[list[Line]]:
    """Of each function, the statements that do something, in order: no docstrings, imports or declarations of types."""
    tree = Nameless().visit(ast.parse(source))
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            child.parent = node  # type: ignore[attr-defined]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield list(_flat(node.body, f"{path}:{_name(node)}"))


def _name(node: ast.AST) -> str:
    parts = []
    while not isinstance(node, ast.Module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            parts.append(node.name)
        node = node.parent  # type: ignore[attr-defined]
    return ".".join(reversed(parts))


def _flat(body: list[ast.stmt], place: str) -> Iterator[Line]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        inner = [part for name in ("body", "orelse", "finalbody") for part in getattr(node, name, [])]
        inner += [part for handler in getattr(node, "handlers", []) for part in handler.body]
        last = min((part.lineno - 1 for part in inner), default=node.end_lineno or node.lineno)
        yield Line(
            ast.unparse(node).split("\n")[0] if inner else ast.unparse(node), place, node.lineno, last - node.lineno + 1
        )
        yield from _flat(inner, place)


def duplicates(functions: list[list[Line]]) -> dict[frozenset[str], str]:
    """Where two functions, or two places of one, have equal statements that are `FEWEST` lines or more."""
    seen: dict[tuple[str, ...], list[tuple[int, int]]] = defaultdict(list)
    for f, lines in enumerate(functions):
        for k in range(len(lines)):
            length, run = 0, []
            for line in lines[k:]:
                run.append(line.text)
                length += line.lines
                if length >= FEWEST:
                    seen[tuple(run)].append((f, k))
                    break
    found: dict[frozenset[str], str] = {}
    for run, places in seen.items():
        for (f, k), (g, m) in combinations(places, 2):
            one, other = functions[f][k], functions[g][m]
            if f != g or k + len(run) <= m:
                told = f"{one.place} line {one.first}, {other.place} line {other.first}"
                found.setdefault(frozenset({one.place, other.place}), told)
    return found


def everywhere() -> list[list[Line]]:
    paths = [path for folder in ("engine/ibtui_engine", "ibtui") for path in sorted((ROOT / folder).rglob("*.py"))]
    return [lines for path in paths for lines in statements(path.relative_to(ROOT), path.read_text(encoding="utf-8"))]


def test_no_run_of_six_lines_stands_in_two_functions_but_for_those_with_a_reason() -> None:
    found = {frozenset(place.removeprefix("engine/ibtui_engine/") for place in pair): told
             for pair, told in duplicates(everywhere()).items()}  # fmt: skip
    told = sorted(told for pair, told in found.items() if pair not in ALLOWED)
    assert not told, "\n".join(told)
    assert set(ALLOWED) <= set(found), "these share nothing any more: take them out"


@pytest.mark.parametrize(("lines", "expected"), [(5, 0), (6, 1)])
def test_a_run_is_found_from_six_lines_on_however_it_is_broken(lines: int, expected: int) -> None:
    body = "".join(
        f"    x{k} = f(\n        {k},\n    )\n" if k == 0 else f"    x{k} = f({k})\n" for k in range(lines - 2)
    )
    source = f"def one():\n    a = 1\n{body}\ndef other():\n    b = 2\n{body}"
    assert len(duplicates(list(statements(Path("a.py"), source)))) == expected

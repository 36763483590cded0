"""How many small changes of the modules that judge the tests notice: `python -m tests.mutants [MODULE ...]`.

Each mutant is a module with one number, comparison, operator or condition changed, by operators of cosmic-ray and by
`Nudge`. It is tried in a process forked from this one, which has loaded NumPy and pytest but nothing of the project, by
the tests that `modules.MODULES` names, until one fails. Nothing is written into the checkout. A mutant that takes ten
times as long as the tests otherwise do counts as noticed. Those that nothing notices are listed, with what was changed.
Those that `modules.EQUIVALENT` lists, with reasons, are not tried.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmic_ray.ast import is_number
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.number_replacer import NumberReplacer
from cosmic_ray.plugins import get_operator
from parso.python.tree import Number

from tests.mutants.modules import EQUIVALENT, MODULES

TESTS = Path(__file__).parents[1] / "engine"
SOURCES = Path(__file__).parents[2] / "engine" / "ibtui_engine"
PACKAGE = "ibtui_engine"
NEIGHBOURS = (("Lt", "LtE"), ("LtE", "Lt"), ("Gt", "GtE"), ("GtE", "Gt"), ("Eq", "NotEq"), ("NotEq", "Eq"))
SIGNS = (("Add", "Sub"), ("Sub", "Add"), ("Mul", "Div"), ("Div", "Mul"), ("BitAnd", "BitOr"), ("BitOr", "BitAnd"))
OPERATORS = (
    "core/NumberReplacer",
    "core/AddNot",
    "core/ReplaceAndWithOr",
    "core/ReplaceOrWithAnd",
    "core/ReplaceTrueWithFalse",
    "core/ReplaceFalseWithTrue",
    "core/ReplaceUnaryOperator_Delete_USub",
    "core/ReplaceUnaryOperator_Delete_Not",
    "core/ReplaceUnaryOperator_Delete_Invert",
    "core/ReplaceContinueWithBreak",
    "core/ReplaceBreakWithContinue",
    *(f"core/ReplaceComparisonOperator_{one}_{other}" for one, other in NEIGHBOURS),
    *(f"core/ReplaceBinaryOperator_{one}_{other}" for one, other in SIGNS),
)
PATIENCE = 10
"""Times what the tests take otherwise."""


class Nudge(NumberReplacer):  # type: ignore[misc]
    """Makes numbers with a decimal point or an exponent a tenth larger and smaller: thresholds that slip."""

    FACTORS = (1.1, 0.9)

    def mutation_positions(self, node: Any) -> Iterator[Any]:
        """Two for each such number but nought."""
        if is_number(node) and isinstance(ast.literal_eval(node.value), float) and float(node.value):
            for _ in self.FACTORS:
                yield (node.start_pos, node.end_pos)

    def mutate(self, node: Any, index: int) -> Number:
        """The number, nudged."""
        return Number(f" {float(node.value) * self.FACTORS[index]!r}", node.start_pos)


@dataclass(frozen=True)
class Mutant:
    """A module with one change."""

    operator: str
    source: str
    change: str


def mutants(source: str) -> list[Mutant]:
    """All mutants of a module that differ from it, and from one another, in what is executed."""
    seen = {_executed(source)}
    found = []
    for name in ("Nudge", *OPERATORS):
        operator = Nudge() if name == "Nudge" else get_operator(name)()
        for occurrence in range(sys.maxsize):
            changed = mutate_code(source, operator, occurrence)
            if changed is None:
                break
            try:
                executed = _executed(changed)
            except SyntaxError:
                continue
            if executed in seen:
                continue
            seen.add(executed)
            found.append(Mutant(name.rpartition("/")[2], changed, _change(source, changed)))
    return found


def _executed(source: str) -> str:
    """What of a module is executed: neither annotations, nor docstrings, nor imports for types."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef):
            node.returns = None
            given = node.args  # whether they must be named is not executed either
            given.args, given.posonlyargs, given.kwonlyargs = given.posonlyargs + given.args + given.kwonlyargs, [], []
            given.defaults, given.kw_defaults = given.defaults + [one for one in given.kw_defaults if one], []
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            node.test, node.body = ast.Constant(False), [ast.Pass()]
        elif isinstance(node, ast.Assert):
            node.test = ast.Constant(True)
        elif isinstance(node, ast.Call):  # zip's `strict` asserts, too
            node.keywords = [one for one in node.keywords if one.arg != "strict"]
    return ast.dump(tree)


def _change(source: str, changed: str) -> str:
    lines = difflib.unified_diff(source.splitlines(), changed.splitlines(), lineterm="", n=0)
    where, *rest = [line for line in lines if not line.startswith(("---", "+++"))]
    row = where.split()[1].lstrip("-").partition(",")[0]
    return f"line {row}: " + " -> ".join(line[1:].strip() for line in rest)


class Replaced(importlib.abc.MetaPathFinder, importlib.machinery.SourceFileLoader):
    """Finds and loads one module of the project with another source."""

    def __init__(self, module: str, source: str) -> None:
        super().__init__(module, str(_path(module)))
        self._source = source

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        """Of that module alone."""
        return importlib.util.spec_from_loader(fullname, self) if fullname == self.name else None

    def get_code(self, fullname: str | None = None) -> Any:
        """Compiled anew: what is kept beside the file is not of this source."""
        return compile(self._source, self.path, "exec", dont_inherit=True)


def _path(module: str) -> Path:
    return SOURCES.joinpath(*module.removeprefix(f"{PACKAGE}.").split(".")).with_suffix(".py")


def passes(module: str, source: str, tests: Sequence[str], limit: float) -> bool:
    """Whether all tests pass with this source of the module, within so many seconds."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setsid()
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
            sys.meta_path.insert(0, Replaced(module, source))
            importlib.import_module(module)  # before the tests put other finders in front (`tests.shapes`)
            status = _first_failure(tests)
        finally:
            os._exit(status)
    end = time.monotonic() + limit
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _first_failure(tests: Sequence[str]) -> int:
    """The status of the first file of tests that fails; 0 where none does. Most mutants die in the first."""
    import pytest

    plain = ("-o", "addopts=", "-m", "not long", "--import-mode=importlib", "-x", "-q", "--hypothesis-seed=0")
    # what is preloaded cannot be rewritten; looking for garbage twice at the end takes longer than most tests
    needless = ("no:cacheprovider", "no:xdist", "no:unraisableexception", "no:threadexception")
    loaded = ("-W", "ignore::pytest.PytestAssertRewriteWarning", *(word for one in needless for word in ("-p", one)))
    for test in tests:
        if status := int(pytest.main([*plain, *loaded, str(TESTS / test)])):
            return status
    return 0


def tried(name: str, every: int) -> tuple[int, int]:
    """How many mutants of a module were tried, and how many of them no test notices, each of which is told at once.

    Raises:
        SystemExit: its tests fail without any change.
    """
    module, tests = f"{PACKAGE}.{name}", MODULES[name]
    source = _path(module).read_text(encoding="utf-8")
    begun = time.monotonic()
    if not passes(module, source, tests, 3600):
        raise SystemExit(f"the tests of {name} fail without any mutant: {', '.join(tests)}")
    limit = PATIENCE * (time.monotonic() - begun) + 10
    same = [text for text, _ in EQUIVALENT.get(name, ())]
    chosen = [one for one in mutants(source) if not any(text in one.change.partition(" -> ")[2] for text in same)][
        ::every
    ]
    alive = 0
    for one in chosen:
        if passes(module, one.source, tests, limit):
            alive += 1
            print(f"    {name}, {one.operator}: {one.change}", flush=True)
    return len(chosen), alive


def main() -> None:
    """Try the modules, and say how many mutants each has and which survive."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants", description="Mutants that the tests do not notice."
    )
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="such as account.criteria; all by default")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="try one of N mutants of each module")
    given = parser.parse_args()
    chosen = given.modules or list(MODULES)
    if unknown := [name for name in chosen if name not in MODULES]:
        parser.error(f"unknown module {', '.join(unknown)}: choose from {', '.join(MODULES)}")
    if given.every < 1:
        parser.error(f"--every must be at least 1, got {given.every}")
    for slow in ("hypothesis", "numba", "psutil", "pytest", "scipy.special", "scipy.stats"):
        importlib.import_module(slow)  # once, not in each process
    gc.freeze()
    count = dead = 0
    for name in chosen:
        number, alive = tried(name, given.every)
        count += number
        dead += number - alive
        print(f"{name}: {number - alive} of {number} mutants die", flush=True)
    if count:
        print(f"{dead} of {count} mutants die: {100 * dead / count:.1f} %")


if __name__ == "__main__":
    main()

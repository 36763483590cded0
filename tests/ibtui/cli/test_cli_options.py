"""Options of all commands: each is taken once, or says in its help that it can repeat."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
import typer.main

from ibtui.cli.application import make_application
from ibtui.cli.run import parse_epochs
from ibtui_engine.errors import InvalidValue
from ibtui_engine.settings import GRID

REPEATABLE = {*(f"run --{name.replace('_', '-')}" for name in GRID), "run --snapshot-at", "curve --fraction",
              "figure --session", "map --at", "note --tag", "note --untag", "estimators --estimator",
              "import --layers", "import --also", "import --activation"}  # fmt: skip


def commands(command: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, f"{path} {name}".strip())


OPTIONS = {
    f"{path} {max(option.opts, key=len)}": (command, option)
    for path, command in commands(typer.main.get_command(make_application()))
    for option in command.params
    if option.param_type_name == "option" and not option.is_eager
}


def given(option: Any, name: str) -> list[str]:
    return [name] if option.is_flag else [name, "1"]


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_an_option_given_twice_adds_up_or_is_refused(name: str) -> None:
    command, option = OPTIONS[name]
    names = [*option.opts, *option.secondary_opts]
    for first, second in product(names, names):
        words = given(option, first) + given(option, second)
        if option.multiple:
            context = command.make_context("ibtui", words, resilient_parsing=True)
            assert len(context.params[option.name]) == 2
        else:
            with pytest.raises(InvalidValue, match=f"^{'/'.join(n for n in names if len(n) > 2)} is given twice: "):
                command.make_context("ibtui", words)


def test_options_that_can_repeat_say_so_in_their_help() -> None:
    assert len(OPTIONS) > 100
    assert {name for name, (_, option) in OPTIONS.items() if option.multiple} == REPEATABLE
    assert [name for name in REPEATABLE if "repeat" not in OPTIONS[name][1].help.lower()] == []


def test_help_is_given_whatever_else_is() -> None:
    command, _ = OPTIONS["run --threads"]
    with pytest.raises(typer.Exit):
        command.make_context("ibtui", ["--threads", "1", "--threads", "1", "--help"])


def test_epochs_to_measure_add_up() -> None:
    assert parse_epochs(["400", "9,7", " 400 , 0"]) == (0, 7, 9, 400)
    with pytest.raises(InvalidValue, match="snapshot-at must be epochs such as 0,400,9000, got '1,x'"):
        parse_epochs(["3", "1,x"])

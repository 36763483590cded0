"""Options that are given twice: refused, unless they add up. Otherwise the last one would win in silence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from ibtui_engine.errors import InvalidValue

Function = TypeVar("Function", bound=Callable[..., Any])


class _Once:
    """A command or group that takes each of its options once, but for those that say in their help to repeat them."""

    def parse_args(self, context: Any, words: list[str]) -> Any:
        """Read a command line.

        Raises:
            InvalidValue: an option that cannot repeat is given more than once.
        """
        if not context.resilient_parsing:  # completing what somebody is typing
            _, _, order = self.make_parser(context).parse_args(list(words))  # type: ignore[attr-defined]
            options = [each for each in order if each.param_type_name == "option"]
            if not any(option.is_eager for option in options):  # --help and --version answer whatever else is there
                for option in options:
                    _require_once(option, options.count(option))
        return super().parse_args(context, words)  # type: ignore[misc]


def _require_once(option: Any, count: int) -> None:
    if count > 1 and not option.multiple:
        name = "/".join(max(names, key=len) for names in (option.opts, option.secondary_opts) if names)
        times = "twice" if count == 2 else f"{count} times"
        raise InvalidValue(f"{name} is given {times}: give it once")


class _Command(_Once, TyperCommand):
    pass


class _Group(_Once, TyperGroup):
    pass


class Application(typer.Typer):
    """A typer application, all of whose commands refuse options that are given twice."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(cls=_Group, **settings)

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Function], Function]:
        """Register a command, as `typer.Typer.command` does."""
        return super().command(name, cls=_Command, **settings)

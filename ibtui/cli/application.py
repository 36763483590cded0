"""The typer application: which commands there are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from importlib import import_module
from typing import Annotated

import typer

from ibtui.cli.once import Application

RUNNING = "Run"
READING = "Read"
MEASURING = "Measure again"
PAPER = "Pictures"
KNOWING = "Know"

COMMANDS = {
    "open": ("Watch", "opening", "open_app"),
    "run": (RUNNING, "run", "run"),
    "resume": (RUNNING, "resume", "resume"),
    "pause": (RUNNING, "control", "pause"),
    "stop": (RUNNING, "control", "stop"),
    "list": (READING, "listing", "list_sessions"),
    "note": (READING, "note", "note"),
    "show": (READING, "show", "show"),
    "compare": (READING, "compare", "compare"),
    "phases": (READING, "phases", "phases"),
    "relaxation": (READING, "relaxation", "relaxation"),
    "export": (READING, "export", "export"),
    "remeasure": (MEASURING, "remeasure", "remeasure"),
    "sweep-bins": (MEASURING, "sweep", "sweep_bins"),
    "noise": (MEASURING, "noise", "noise"),
    "fit": (READING, "fit", "fit"),
    "figure": (PAPER, "figure", "figure"),
    "animate": (PAPER, "animate", "animate"),
    "account": (PAPER, "account", "account"),
    "presets": (KNOWING, "presets", "presets"),
    "rule": (KNOWING, "rule", "rule"),
    "curve": (KNOWING, "curve", "curve"),
    "config": (KNOWING, "config", "application"),
}
"""Each command's panel in the help, its module in this package, and its function there, or its own commands."""


def make_application(commands: Collection[str] = COMMANDS) -> typer.Typer:
    """The application with these commands: their modules are imported, and no others."""
    application = Application(
        name="ibtui",
        help="Watch the layers of a neural network move in the information plane while it learns.\n\n"
        "Without a command, `ibtui` opens the app. `ibtui run` trains 40 networks, measures every layer as they "
        "learn, and saves a session.",
        invoke_without_command=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    application.callback()(_ibtui)
    for name in commands:
        panel, module, attribute = COMMANDS[name]
        found = getattr(import_module(f"ibtui.cli.{module}"), attribute)
        if isinstance(found, typer.Typer):
            application.add_typer(found, name=name, rich_help_panel=panel)
        else:
            application.command(name, rich_help_panel=panel)(found)
    return application


def wanted(words: Sequence[str]) -> Collection[str]:
    """The commands that a command line may need: the one that it names; all where it names none, to be told of them."""
    named = next((word for word in words if not word.startswith("-")), None)
    if named is None and "--version" in words:
        return ()
    return (named,) if named in COMMANDS else COMMANDS


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"ibtui {version('ibtui')}")
        raise typer.Exit


def _ibtui(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:  # without options and at a terminal, the app is open already
        print(context.get_help())

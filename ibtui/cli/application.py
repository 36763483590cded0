"""The typer application: which commands there are."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from ibtui.cli.alone import at_a_terminal, open_alone
from ibtui.cli.once import Application
from ibtui.surroundings import LOG_FILE, LOG_LEVEL
from ibtui_engine.errors import InvalidValue

WATCHING = "Watch networks learn, be shown around"
RUNNING = "Train and measure networks"
READING = "Look at what was measured"
MEASURING = "Measure a session in other ways"
PAPER = "Check the paper, make its figures and films"
KNOWING = "Look up presets, rules and settings"

COMMANDS = {
    "open": (WATCHING, "opening", "open_app"),
    "tour": (WATCHING, "lesson", "tour"),
    "lesson": (WATCHING, "lesson", "lesson"),
    "run": (RUNNING, "run", "run"),
    "import": (RUNNING, "importing", "import_arrays"),
    "resume": (RUNNING, "resume", "resume"),
    "pause": (RUNNING, "control", "pause"),
    "stop": (RUNNING, "control", "stop"),
    "refine": (RUNNING, "refine", "refine"),
    "list": (READING, "listing", "list_sessions"),
    "show": (READING, "show", "show"),
    "compare": (READING, "compare", "compare"),
    "phases": (READING, "phases", "phases"),
    "map": (READING, "map", "map_session"),
    "fit": (READING, "fit", "fit"),
    "relaxation": (READING, "relaxation", "relaxation"),
    "export": (READING, "export", "export"),
    "note": (READING, "note", "note"),
    "remeasure": (MEASURING, "remeasure", "remeasure"),
    "sweep-bins": (MEASURING, "sweep", "sweep_bins"),
    "estimators": (MEASURING, "estimators", "estimators"),
    "noise": (MEASURING, "noise", "noise"),
    "account": (PAPER, "account", "account"),
    "figure": (PAPER, "figure", "figure"),
    "animate": (PAPER, "animate", "animate"),
    "presets": (KNOWING, "presets", "presets"),
    "rule": (KNOWING, "rule", "rule"),
    "curve": (KNOWING, "curve", "curve"),
    "config": (KNOWING, "config", "application"),
}
"""Each command's panel in the help, its module in this package, and its function there, or its own commands. Panels and
the commands in them are in the order of the help.
"""


VALUED = ("--log-file", "--log-level")
"""Options before the command that are followed by a value."""


def make_application(commands: Collection[str] = COMMANDS) -> typer.Typer:
    """The application with these commands: their modules are imported, and no others."""
    application = Application(
        name="ibtui",
        help="Watch the layers of a neural network move in the information plane while it learns.\n\n"
        "Without a command, `ibtui` opens the app. New here: `ibtui tour` explains what is seen, and `ibtui run` "
        "trains 40 networks, measures every layer as they learn, and saves a session.",
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
    """The commands that a command line needs: the one that it names, or all, for the help, where it names none."""
    rest = list(words)
    while rest and rest[0].startswith("-"):
        if rest.pop(0) in VALUED and rest:
            del rest[0]
    named = rest[0] if rest else None
    if named is None and ("--version" in words or (set(words) & set(VALUED) and at_a_terminal())):
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
    log_file: Annotated[
        Path | None,
        typer.Option(
            "--log-file",
            envvar=LOG_FILE,
            metavar="PATH",
            help="Append what happens to this file, also in processes that ibtui starts.",
            show_default=False,
        ),
    ] = None,
    log_level: Annotated[
        str | None,
        typer.Option(
            "--log-level",
            envvar=LOG_LEVEL,
            metavar="LEVEL",
            help="What to log: debug (everything), info, warning or error (least). [default: info]",
            show_default=False,
        ),
    ] = None,
) -> None:
    if log_file is not None:
        from ibtui.log import begin_log

        begin_log(log_file, log_level)
    elif log_level is not None and LOG_LEVEL not in os.environ:
        raise InvalidValue("--log-level applies only with --log-file")
    if context.invoked_subcommand is None:
        if at_a_terminal() and log_file is not None:
            raise typer.Exit(open_alone())
        print(context.get_help())

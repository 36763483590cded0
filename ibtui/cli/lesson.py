"""`ibtui tour` and `ibtui lesson`: the app at stops on sessions that explain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ibtui.cli import completion
from ibtui.cli.console import output
from ibtui.cli.options import Ascii, SessionsDir
from ibtui.lessons import TOUR, Lesson, load_lesson
from ibtui.locations import sessions_directory
from ibtui.terminal import require_terminal
from ibtui_engine.errors import InvalidValue

Stop = Annotated[
    int | None,
    typer.Option(
        "--stop", metavar="N", help="The stop to begin at, from 1. [default: where you left]", show_default=False
    ),
]


def tour(stop: Stop = None, ascii: Ascii = False, sessions_dir: SessionsDir = None) -> None:
    """Be shown around in the app: eight stops on the examples, each with a question and its answer."""
    _follow(_read(TOUR, sessions_dir), stop, ascii, sessions_dir)


def lesson(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A TOML file of stops; the README of ibtui/ tells its format.",
            autocompletion=completion.files(".toml"),
        ),
    ],
    stop: Stop = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only check the file, and that its sessions are there.")
    ] = False,
    ascii: Ascii = False,
    sessions_dir: SessionsDir = None,
) -> None:
    """Show the stops of a lesson of your own in the app, on any sessions."""
    read = _read(file, sessions_dir)
    if check:
        count = len(read.stops)
        output().print(f"{str(file)!r} has {count} stop{'s' if count != 1 else ''}, and all can be shown", markup=False)
    else:
        _follow(read, stop, ascii, sessions_dir)


def _read(file: Path, sessions_dir: Path | None) -> Lesson:
    from ibtui.screens.lesson import session_keys  # Textual

    return load_lesson(file, sessions_directory(sessions_dir), session_keys())


def _follow(read: Lesson, stop: int | None, ascii: bool, sessions_dir: Path | None) -> None:
    if stop is not None and not 1 <= stop <= len(read.stops):
        raise InvalidValue(f"--stop must be 1 to {len(read.stops)}, got {stop}")
    require_terminal()
    from ibtui.messages import ShowStop
    from ibtui.start import run_app

    first = ShowStop(read, None if stop is None else stop - 1)
    status = run_app(sessions_directory(sessions_dir), ascii=ascii, first=first)
    if status:
        raise typer.Exit(status)

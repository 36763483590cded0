"""`ibtui open`, and `ibtui` alone: the app."""

from __future__ import annotations

from typing import Annotated

import typer

from ibtui.cli import completion
from ibtui.cli.options import Ascii, SessionsDir
from ibtui.locations import find_session, sessions_directory
from ibtui.terminal import require_terminal


def open_app(
    session: Annotated[
        str | None,
        typer.Argument(
            metavar="SESSION",
            help="A session file, or a session's name or the unique beginning of one; without it, the library.",
            show_default=False,
            autocompletion=completion.sessions,
        ),
    ] = None,
    ascii: Ascii = False,
    sessions_dir: SessionsDir = None,
) -> None:
    """Open the app: the library of sessions, or one session, live while it runs and replayed afterwards."""
    require_terminal()
    from ibtui.start import run_app

    directory = sessions_directory(sessions_dir)
    status = run_app(directory, find_session(session, directory) if session is not None else None, ascii=ascii)
    if status:
        raise typer.Exit(status)

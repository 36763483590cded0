"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

PLACES = "Where sessions are"
OUTPUT = "Output"

Session = Annotated[
    str,
    typer.Argument(
        metavar="SESSION",
        help="A session file, or a session's name or the unique beginning of one in the sessions directory.",
        show_default=False,
    ),
]
SessionsDir = Annotated[
    Path | None,
    typer.Option(
        "--sessions-dir",
        help="Directory of sessions. Else $IBTUI_SESSIONS, else ./sessions if there is one, else your data directory.",
        rich_help_panel=PLACES,
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document for programs.", rich_help_panel=OUTPUT)]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress and no messages on stderr.", rich_help_panel=OUTPUT)
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        max=1024,
        help="Threads to compute with; the fused trainer gives the same bits with any. [default: all cores]",
        rich_help_panel="Machine",
        show_default=False,
    ),
]

"""`ibtui animate`: the moving information plane of a session as a film."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ibtui.cli import completion
from ibtui.cli.console import tell, write_output
from ibtui.cli.counting import counting
from ibtui.cli.figure import require_pictures
from ibtui.cli.options import By, Quiet, Session, SessionsDir, output_file
from ibtui.files import require_output
from ibtui.locations import find_session, sessions_directory
from ibtui_engine.errors import InvalidValue

SECONDS = 12.0
SLOWEST, FASTEST = 0.1, 50.0
"""Frames a second: a GIF counts in hundredths of a second, and many viewers slow down what is below two of them."""


def animate(
    session: Session,
    out: Annotated[
        Path,
        output_file("FILE", "The film: .gif, or .mp4 (needs ffmpeg, or the extra `films`)."),
    ],
    ensemble: Annotated[
        int | None,
        typer.Option(
            "--ensemble", help="Only this ensemble, counted from 0. [default: all, side by side]", show_default=False
        ),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", help="How long the film is. [default: 12]", show_default=False)
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option("--fps", help="Frames a second, instead of --seconds; one frame a snapshot.", show_default=False),
    ] = None,
    theme: Annotated[
        str,
        typer.Option(
            "--theme",
            metavar="NAME",
            help="light or dark.",
            autocompletion=completion.known("light", "dark"),
        ),
    ] = "light",
    by: By = None,
    sessions_dir: SessionsDir = None,
    quiet: Quiet = False,
) -> None:
    """Make a film of the moving information plane: every network's layers, one frame for each snapshot."""
    ending = require_output(out, (".gif", ".mp4"))
    if theme not in ("light", "dark"):
        raise InvalidValue(f"invalid --theme {theme!r}: choose from light, dark")
    if seconds is not None and fps is not None:
        raise InvalidValue("--seconds and --fps both set the speed: give one of them")
    for name, value, most in (("seconds", seconds, 3600.0), ("fps", fps, FASTEST)):
        if value is not None and not SLOWEST <= value <= most:
            raise InvalidValue(f"--{name} must be a number from {SLOWEST:g} to {most:g}, got {value!r}")
    path = find_session(session, sessions_directory(sessions_dir))
    require_pictures(*(("PIL",) if ending == "gif" else ()))
    from ibtui.figures.film import film, scenes

    shown = scenes(path, ensemble, by)
    frames = max(len(one.epochs) for one in shown)
    speed = fps or min(max(frames / (seconds or SECONDS), SLOWEST), FASTEST)
    kind: Literal["light", "dark"] = "dark" if theme == "dark" else "light"
    with counting("frames", quiet) as count:
        data = film(shown, ending, fps=speed, theme=kind, watch=count)
    write_output(out, data)
    tell(f"wrote {frames} frames, {frames / speed:.3g} s, to {out}", quiet=quiet)

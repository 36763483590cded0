"""`ibtui figure`: a figure of the paper, from sessions that there are or that it runs, drawn here or as a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ibtui.cli import completion
from ibtui.cli.console import output, tell, write_output
from ibtui.cli.options import OUTPUT, By, Quiet, SessionsDir, Threads, output_file
from ibtui.cli.run import begin_unnamed, chosen_experiment, complete
from ibtui.ending import orderly
from ibtui.figures.registry import FIGURES, find_figure
from ibtui.files import require_output
from ibtui.locations import find_session, sessions_directory
from ibtui_engine.errors import InvalidValue
from ibtui_engine.packages import require_packages
from ibtui_engine.setting import HOW, WHAT

if TYPE_CHECKING:
    from ibtui.figures.content import Content
    from ibtui_engine.experiment import Experiment
    from ibtui_engine.session.summary import Summary

ENDINGS = (".png", ".svg", ".pdf")


def figure(
    name: Annotated[
        str,
        typer.Argument(
            metavar="FIGURE",
            help=f"One of {', '.join(FIGURES)}, as the paper counts.",
            show_default=False,
            autocompletion=completion.figures,
        ),
    ],
    session: Annotated[
        list[str] | None,
        typer.Option(
            "--session",
            metavar="SESSION",
            help="Make it of this session (repeat it for figure 6). [default: a finished session of the figure's "
            "experiment, else it is run]",
            show_default=False,
            autocompletion=completion.sessions,
        ),
    ] = None,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="Use a version that takes seconds: fewer networks and epochs, unless you set them."
        ),
    ] = False,
    networks: Annotated[
        int | None,
        typer.Option("--networks", help="Networks per ensemble.", rich_help_panel=WHAT, show_default=False),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option("--epochs", help="Passes through the sample.", rich_help_panel=HOW, show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        output_file("FILE", "Make a picture: .png, .svg or .pdf. [default: charts in the terminal]"),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="FILE.csv",
            help="Write all numbers that are drawn.",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
    threads: Threads = None,
    by: By = None,
    sessions_dir: SessionsDir = None,
    quiet: Quiet = False,
) -> None:
    """Make a figure of the paper: run what it needs, or take sessions that have it, and draw it."""
    wanted = find_figure(name)
    kind = ""
    if out is not None:
        kind = require_output(out, ENDINGS)
        require_pictures()
    if data is not None:
        require_output(data, (".csv",))
    directory = sessions_directory(sessions_dir)
    if session:
        given = {"quick": quick, "networks": networks is not None, "epochs": epochs is not None}
        if any(given.values()):
            named = ", ".join(f"--{option}" for option, there in given.items() if there)
            raise InvalidValue(f"{named} set up a new run, but --session names an old one: leave out one of them")
        paths = [find_session(one, directory) for one in session]
    else:
        settings = {key: value for key, value in (("networks", networks), ("epochs", epochs)) if value is not None}
        plans = [chosen_experiment(preset, settings, quick=quick) for preset in wanted.presets]
        paths = [have_session(experiment, said, directory, threads, quiet) for experiment, said in plans]
    content = wanted.read(paths, threads=threads, by=by)
    for note in content.notes:
        tell(f"note: {note}", quiet=quiet)
    if data is not None:
        from ibtui.figures.table import table

        write_output(data, table(content))
        tell(f"wrote the numbers to {data}", quiet=quiet)
    if out is not None:
        from ibtui.figures.drawing import picture

        write_output(out, picture(content, kind))
        tell(f"wrote figure {wanted.name} to {out}", quiet=quiet)
    else:
        _print(content)


def finished_sessions(wanted: Mapping[str, Experiment], directory: Path) -> dict[str, Path]:
    """The newest finished session of each experiment of which there is one, by the experiments' names; of images
    wherever their files lay.
    """
    there = [replace(one, experiment=_placeless(one.experiment)) for one in _sessions_in(directory)]
    found = {name: _finished(_placeless(experiment), there) for name, experiment in wanted.items()}
    return {name: path for name, path in found.items() if path is not None}


def have_session(experiment: Experiment, said: str, directory: Path, threads: int | None, quiet: bool) -> Path:
    """A finished session of this experiment: the newest there is, or else one that is run now."""
    there = _sessions_in(directory)
    path = _finished(experiment, there)
    if path is not None:
        tell(f"using session {path.stem}", quiet=quiet)
        return path
    tell(said, quiet=quiet or not said)
    for one in there:
        if one.experiment == experiment and not one.live:
            from ibtui_engine.runner import reopen

            tell(f"continuing session {one.path.stem}, which is at epoch {one.epochs_done}", quiet=quiet)
            with orderly():
                writer = reopen(one.path)
            return complete(writer, threads=threads, json=False, quiet=quiet)
    with orderly():
        writer = begin_unnamed(directory, experiment)
    path = complete(writer, threads=threads, json=False, quiet=quiet)
    tell(f"saved as {path}", quiet=quiet)
    return path


def _sessions_in(directory: Path) -> list[Summary]:
    """The newest first."""
    from ibtui.session_index import SessionIndex

    index = SessionIndex(directory)
    index.look()
    return index.own


def _placeless(experiment: Experiment) -> Experiment:
    """The same experiment without the directory of its images' files."""
    names = tuple(name.short if name.of_images else name.text for name in experiment.rule_names)
    return experiment if names == experiment.rule else replace(experiment, rule=names)


def _finished(experiment: Experiment, there: Iterable[Summary]) -> Path | None:
    return next((one.path for one in there if one.experiment == experiment and one.status == "finished"), None)


def require_pictures(*more: str) -> None:
    """Refuse early what needs a library that is not installed: matplotlib, and others by the names of their packages.

    Raises:
        InvalidValue: one of them is not.
    """
    require_packages("pictures need", "matplotlib", *more)


def _print(content: Content) -> None:
    from ibtui.cli.drawing import draw
    from ibtui.figures.terminal import chart

    width = output().width
    for panel in content.panels:
        draw(chart(panel), width)
        print()

"""`ibtui map`: what the ensembles of a grid came to, as a heat map over two of the settings that they differ in."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ibtui.cli import completion
from ibtui.cli.console import print_json, tell, write_output
from ibtui.cli.counting import counting
from ibtui.cli.options import Json, Quiet, Session, SessionsDir, Threads, output_file
from ibtui.files import require_output
from ibtui.locations import find_session, sessions_directory
from ibtui_engine.errors import InvalidValue

if TYPE_CHECKING:
    from ibtui.charts.heat_map import HeatMap

ENDINGS = (".png", ".svg", ".pdf", ".csv")


def map_session(
    session: Session,
    x: Annotated[
        str | None,
        typer.Option(
            "--x",
            metavar="SETTING",
            help="Along the map. [default: the first]",
            show_default=False,
            autocompletion=completion.axes,
        ),
    ] = None,
    y: Annotated[
        str | None,
        typer.Option(
            "--y",
            metavar="SETTING",
            help="Up the map. [default: the next]",
            show_default=False,
            autocompletion=completion.axes,
        ),
    ] = None,
    at: Annotated[
        list[str] | None,
        typer.Option(
            "--at",
            metavar="SETTING=VALUE",
            help="Where ensembles differ in more: only the map at this value; repeat it. [default: a map for each]",
            show_default=False,
            autocompletion=completion.values,
        ),
    ] = None,
    show: Annotated[
        str | None,
        typer.Option(
            "--show",
            metavar="WHAT",
            help="drift-end, turning, lost, output, accuracy, accuracy-inside, below, exponent, snr; of one layer "
            "lost:T3; or verdict:CLAIM, such as verdict:two-phases. [default: lost]",
            show_default=False,
            autocompletion=completion.shown,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        output_file("FILE", "Make a picture (.png, .svg or .pdf), or a table of all numbers and verdicts (.csv)."),
    ] = None,
    renew: Annotated[
        bool,
        typer.Option("--renew", help="First work out again what every ensemble came to, and keep it in the session."),
    ] = False,
    threads: Threads = None,
    sessions_dir: SessionsDir = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Draw what a grid of settings came to: where drift ends, what is compressed, which claims hold."""
    kind = require_output(out, ENDINGS) if out is not None else ""
    if kind not in ("", "csv"):
        from ibtui.cli.figure import require_pictures

        require_pictures()
    path = find_session(session, sessions_directory(sessions_dir))
    from ibtui.map_charts import DEFAULT, Shown, flat, heat_map, rows
    from ibtui_engine.maps import reading
    from ibtui_engine.maps.axes import slices
    from ibtui_engine.session.history import SessionReader

    shown = Shown(show or DEFAULT)
    if renew:
        with counting("judging", quiet) as watch:
            count = reading.renew(path, threads, watch)
        tell(f"worked out the results of {count} ensembles again", quiet=quiet)
    with SessionReader(path) as reader:
        found = reading.read_map(reader)
        if found.summary.recorded:
            raise InvalidValue(f"session {found.summary.name!r} is a recording: a map is of a grid of settings")
        laid = slices(found.summary.experiment, x, y, _fixed(at or []))
        if kind not in ("", "csv") and len(laid) > 1:
            values = ", ".join(f"--at {axis.option}={axis.text(axis.values[0])}" for axis, _ in laid[0].fixed)
            raise InvalidValue(f"there are {len(laid)} maps, and a picture has one: choose it, such as {values}")
        if found.open:
            with counting("judging", quiet) as watch:
                found = reading.complete(found, reader, threads, watch)
    if json:
        print_json({"name": found.summary.name, "show": shown.name, "ensembles": rows(found)})
    maps = [heat_map(found, one, shown) for one in laid]
    if out is not None:
        write_output(out, _table(*flat(rows(found))) if kind == "csv" else _picture(maps[0], kind))
        tell(f"wrote {'the table' if kind == '.csv' else 'the map'} to {out}", quiet=quiet)
    elif not json:
        from ibtui.cli.heat_maps import draw_maps

        draw_maps(maps)


def _fixed(texts: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, between, value = text.partition("=")
        if not between:
            raise InvalidValue(f"at must be SETTING=VALUE, such as activation=relu, got {text!r}")
        if name in found:
            raise InvalidValue(f"at {name} is given twice: {found[name]!r} and {value!r}")
        found[name] = value
    return found


def _table(headings: list[str], lines: list[list[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(headings)
    writer.writerows(["" if value is None else value for value in line] for line in lines)
    return text.getvalue().encode()


def _picture(spec: HeatMap, kind: str) -> bytes:
    from ibtui.figures.heat_map import map_picture

    return map_picture(spec, kind)

"""`ibtui note`: the user's note and tags on a session."""

from __future__ import annotations

from typing import Annotated

import typer

from ibtui.annotations import NONE, Annotations, require_annotation
from ibtui.cli.console import output, print_json, tell
from ibtui.cli.options import Json, Quiet, Session, SessionsDir
from ibtui.formatting import printable
from ibtui.locations import find_session, sessions_directory
from ibtui_engine.session.summary import read_summary


def note(
    session: Session,
    text: Annotated[
        str | None,
        typer.Argument(metavar="TEXT", help="The note, one line; without it, the note stays.", show_default=False),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="TAG", help="Add a tag; repeat it to add more.", show_default=False),
    ] = None,
    untag: Annotated[
        list[str] | None,
        typer.Option("--untag", metavar="TAG", help="Take a tag away; repeat it for more.", show_default=False),
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Take away the note and all tags first.")] = False,
    sessions_dir: SessionsDir = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Print or change your note and tags on a session.

    They are kept in your data directory, not in the session.
    """
    summary = read_summary(find_session(session, sessions_directory(sessions_dir)))
    annotations = Annotations()
    old = annotations.of(summary)
    begin = NONE if clear else old
    tags = [one for one in (*begin.tags, *(tag or ())) if one not in (untag or ())]
    new = require_annotation(begin.note if text is None else text, tags)
    for damaged in annotations.damaged.values():
        tell(damaged, quiet=quiet)
    if new != old:
        annotations.keep(summary, new)
    if json:
        print_json({"name": summary.path.stem, "note": new.note, "tags": list(new.tags)})
    elif new == NONE:
        tell(f"{summary.path.stem} has no note and no tags", quiet=quiet)
    else:
        lines = [f"tags: {', '.join(new.tags)}"] if new.tags else []
        output().print("\n".join(map(printable, [*([new.note] if new.note else []), *lines])), markup=False)

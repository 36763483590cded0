"""The typer application: which commands there are."""

from __future__ import annotations

from typing import Annotated

import typer

from ibtui.cli import control, export, listing, presets, resume, rule, run, show

application = typer.Typer(
    name="ibtui",
    help="Watch the layers of a neural network move in the information plane while it learns.\n\n"
    "`ibtui run` trains ten networks, measures every layer as they learn, and saves a session.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

RUNNING = "Run"
READING = "Read"

application.command("run", rich_help_panel=RUNNING)(run.run)
application.command("resume", rich_help_panel=RUNNING)(resume.resume)
application.command("pause", rich_help_panel=RUNNING)(control.pause)
application.command("stop", rich_help_panel=RUNNING)(control.stop)
application.command("list", rich_help_panel=READING)(listing.list_sessions)
application.command("show", rich_help_panel=READING)(show.show)
application.command("export", rich_help_panel=READING)(export.export)
application.command("presets", rich_help_panel="Know")(presets.presets)
application.command("rule", rich_help_panel="Know")(rule.rule)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"ibtui {version('ibtui')}")
        raise typer.Exit


@application.callback()
def _ibtui(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass

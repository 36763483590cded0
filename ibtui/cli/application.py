"""The typer application: which commands there are."""

from __future__ import annotations

from typing import Annotated

import typer

from ibtui.cli import (
    account,
    animate,
    config,
    control,
    curve,
    export,
    figure,
    fit,
    listing,
    noise,
    opening,
    phases,
    presets,
    relaxation,
    remeasure,
    resume,
    rule,
    run,
    show,
    sweep,
)

application = typer.Typer(
    name="ibtui",
    help="Watch the layers of a neural network move in the information plane while it learns.\n\n"
    "Without a command, `ibtui` opens the app. `ibtui run` trains ten networks, measures every layer as they learn, "
    "and saves a session.",
    invoke_without_command=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

RUNNING = "Run"
READING = "Read"
MEASURING = "Measure again"
PAPER = "Pictures"

application.command("open", rich_help_panel="Watch")(opening.open_app)
application.command("run", rich_help_panel=RUNNING)(run.run)
application.command("resume", rich_help_panel=RUNNING)(resume.resume)
application.command("pause", rich_help_panel=RUNNING)(control.pause)
application.command("stop", rich_help_panel=RUNNING)(control.stop)
application.command("list", rich_help_panel=READING)(listing.list_sessions)
application.command("show", rich_help_panel=READING)(show.show)
application.command("phases", rich_help_panel=READING)(phases.phases)
application.command("relaxation", rich_help_panel=READING)(relaxation.relaxation)
application.command("export", rich_help_panel=READING)(export.export)
application.command("remeasure", rich_help_panel=MEASURING)(remeasure.remeasure)
application.command("sweep-bins", rich_help_panel=MEASURING)(sweep.sweep_bins)
application.command("noise", rich_help_panel=MEASURING)(noise.noise)
application.command("fit", rich_help_panel=READING)(fit.fit)
application.command("figure", rich_help_panel=PAPER)(figure.figure)
application.command("animate", rich_help_panel=PAPER)(animate.animate)
application.command("account", rich_help_panel=PAPER)(account.account)
application.command("presets", rich_help_panel="Know")(presets.presets)
application.command("rule", rich_help_panel="Know")(rule.rule)
application.command("curve", rich_help_panel="Know")(curve.curve)
application.add_typer(config.application, name="config", rich_help_panel="Know")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"ibtui {version('ibtui')}")
        raise typer.Exit


@application.callback()
def _ibtui(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:  # without options and at a terminal, the app is open already
        print(context.get_help())

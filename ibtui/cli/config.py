"""`ibtui config`: where a user's settings are, and what they are."""

from __future__ import annotations

from dataclasses import asdict

import typer

from ibtui.settings import load_settings, settings_path

application = typer.Typer(help="Your settings: theme, ASCII mode, keys.", no_args_is_help=True)


@application.command("path")
def path() -> None:
    """Print where the settings file is, or would be."""
    print(settings_path())


@application.command("show")
def show() -> None:
    """Print the settings in force, as TOML."""
    import tomli_w

    print(tomli_w.dumps(asdict(load_settings())), end="")

"""`ibtui config`: where a user's settings are, what they are, and which keys can be set."""

from __future__ import annotations

from dataclasses import asdict

from ibtui.cli.console import output
from ibtui.cli.once import Application
from ibtui.cli.options import Json
from ibtui.settings import load_settings, settings_path

application = Application(help="Your settings: theme, ASCII mode, keys.", no_args_is_help=True)


@application.command("path")
def path() -> None:
    """Print where the settings file is, or would be."""
    print(settings_path())


@application.command("show")
def show() -> None:
    """Print the settings in force, as TOML."""
    import tomli_w

    settings = load_settings()
    if settings.keys:
        from ibtui.keys import require_usable_keys  # Textual

        require_usable_keys(settings.keys)
    print(tomli_w.dumps(asdict(settings)), end="")


@application.command("keys")
def keys(json: Json = False) -> None:
    """List everything that has a key in the app, by the name that the settings give it other keys with."""
    from ibtui.keys import known_keys  # Textual

    chosen = load_settings().keys
    rows = [(name, chosen.get(name, b.key), b.tooltip or b.description) for name, b in known_keys().items()]
    if json:
        from ibtui.cli.console import print_json

        print_json([{"name": name, "keys": keys, "does": does} for name, keys, does in rows])
        return
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("name", "keys", "does"):
        table.add_column(heading, overflow="fold" if heading == "does" else "ellipsis")
    for row in rows:
        table.add_row(*row)
    output().print(table)

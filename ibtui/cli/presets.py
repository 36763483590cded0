"""`ibtui presets`: what can be run by name."""

from __future__ import annotations

from ibtui.cli.console import output, print_json
from ibtui.cli.options import Json
from ibtui_engine.presets import DEFAULT, PRESETS


def presets(json: Json = False) -> None:
    """List the experiments that `ibtui run NAME` knows, with what each shows."""
    if json:
        print_json(
            [
                {
                    "name": p.name,
                    "sentence": p.sentence,
                    "experiment": p.experiment.to_dict(),
                    "quick": p.quick.to_dict(),
                }
                for p in PRESETS.values()
            ]
        )
        return
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("name", no_wrap=True)
    table.add_column("networks", justify="right")
    table.add_column("epochs", justify="right")
    table.add_column("shows", overflow="fold")
    for preset in PRESETS.values():
        name = f"{preset.name} (default)" if preset.name == DEFAULT else preset.name
        grid = len(preset.experiment.ensembles)
        networks = f"{grid} x {preset.experiment.networks}" if grid > 1 else str(preset.experiment.networks)
        table.add_row(name, networks, str(preset.experiment.epochs), preset.sentence)
    console = output()
    console.print(table)
    console.print("`ibtui run NAME --quick` runs a version that takes seconds.")

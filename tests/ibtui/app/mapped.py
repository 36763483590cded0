"""Sessions that are maps, whose cells come from closed formulas and are kept as a run keeps them."""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from ibtui_engine.experiment import Ensemble, Experiment
from ibtui_engine.maps.cells import Cell, CellNumber, CellVerdict, definitions
from tests.ibtui.app.formulas import write_session

GRID: dict[str, Any] = {
    "learning_rate": (0.01, 0.02, 0.04, 0.08),
    "batch": (64, 128, 256),
    "activation": ("tanh", "relu"),
    "hidden": ((4, 3),),
    "networks": 4,
    "epochs": 300,
    "snapshots": 4,
}
"""24 ensembles: by rate, batch and activation."""


def write_map(path: Path, *, known: int = 24, running: int = 0, **settings: Any) -> Path:
    """A session of `GRID`, of whose ensembles the first ones are `known`, the next ones run, and the rest waits; with
    none of either, what is not known is finished and has no results.
    """
    experiment = Experiment(**{**GRID, "weights": False, **settings})
    write_session(path, status="running" if running else "finished", **{**GRID, **settings})
    with closing(sqlite3.connect(path)) as connection, connection:
        for one in experiment.ensembles[:known]:
            keep_cell(connection, cell_of(one, experiment.epochs))
        for one in experiment.ensembles[known:] if running else ():
            epoch = 120 if one.index < known + running else 0
            connection.execute("UPDATE cohort SET epoch = ? WHERE ensemble = ?", (epoch, one.index))
            gone = "SELECT s.id FROM snapshot s JOIN cohort c ON s.cohort = c.id WHERE c.ensemble = ? AND s.epoch >= ?"
            for table, column in (("layer", "snapshot"), ("learning", "snapshot"), ("snapshot", "id")):
                connection.execute(f"DELETE FROM {table} WHERE {column} IN ({gone})", (one.index, epoch))
    return path


def keep_cell(connection: sqlite3.Connection, cell: Cell) -> None:
    """Put what an ensemble came to into its session."""
    row = (cell.ensemble, definitions(), cell.epoch, cell.networks, cell.to_text())
    connection.execute("INSERT INTO result (ensemble, definitions, epoch, networks, data) VALUES (?, ?, ?, ?, ?)", row)


def cell_of(one: Ensemble, epoch: int) -> Cell:
    """What it comes to."""
    rate, batch = math.log2(one.learning_rate / 0.01), math.log2(one.batch / 64)
    lost = round(max(0.3 + 0.41 * rate - 0.13 * batch + (0.2 if one.activation == "relu" else 0.0), 0.01), 4)
    end = round(210.0 * 1.9**batch / 2.3**rate, 2)
    numbers = {
        "drift-end": CellNumber(end, 0.11, "epoch", 4, 4),
        "drift-end:T1": CellNumber(1.3 * end, 0.12, "epoch", 4, 4, "T1"),
        "lost": CellNumber(lost, 0.031, "bits", 4, 4, "T2"),
        "lost:T1": CellNumber(round(lost / 3, 4), 0.017, "bits", 4, 4, "T1"),
        "lost:T2": CellNumber(lost, 0.031, "bits", 4, 4, "T2"),
        "output": CellNumber(0.91, 0.004, "bits", 4, 4),
    }
    verdict = "reproduced" if lost > 0.9 else "not" if lost < 0.3 else "partly" if lost > 0.6 else "undecided"
    shares = {"reproduced": 0.52, "not": 0.48} if verdict == "undecided" else {verdict: 0.97, "undecided": 0.03}
    absent = {"exponent": "the session keeps no weights: run it with --weights"}
    return Cell(one.index, epoch, 4, numbers, absent, {"two-phases": CellVerdict(verdict, shares)})

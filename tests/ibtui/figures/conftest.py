"""Sessions that figures are made of: the examples, and small ones made once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ibtui.figures.content import Content
from ibtui.figures.registry import FIGURES
from ibtui.locations import example_files
from ibtui_engine.experiment import Experiment
from ibtui_engine.runner import Run, begin

Query = Callable[..., Any]


@pytest.fixture(scope="session")
def example() -> Callable[[str], Path]:
    """A session that ships with the project."""
    return lambda name: next(file for file in example_files() if file.stem == f"example-{name}")


@pytest.fixture(scope="session")
def query() -> Query:
    """What SQLite itself reads in a session, as an array."""

    def ask(path: Path, text: str, *parameters: Any) -> Any:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return np.array(connection.execute(text, parameters).fetchall(), float)

    return ask


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two fractions of a small network, with weights."""
    path = tmp_path_factory.mktemp("small") / "small.ibs"
    experiment = Experiment(
        hidden=((4, 2),), fraction=(0.2, 0.8), networks=3, epochs=40, snapshots=12, seed=5, batch=300
    )
    Run(begin(path, "small", experiment)).execute()
    return path


@pytest.fixture(scope="session")
def guided(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Stochastic networks on cross-entropy and on the bottleneck's gradient; and on that and the equations."""
    directory = tmp_path_factory.mktemp("guided")
    shared: dict[str, Any] = {"units": "stochastic", "hidden": ((3, 2),), "fraction": 0.2, "networks": 3, "batch": 300}
    shared |= {"optimizer": "adam", "learning_rate": 0.01, "epochs": 12, "snapshots": 12}
    asked = ({"ib_beta": ("none", 20.0)}, {"ib_beta": 20.0, "ib_method": ("gradient", "self-consistent"), "epochs": 9})
    paths = directory / "gradient.ibs", directory / "equations.ibs"
    for path, more in zip(paths, asked, strict=True):
        Run(begin(path, path.stem, Experiment(**{**shared, **more}))).execute()
    return paths


@pytest.fixture(scope="session")
def contents(example: Callable[[str], Path], small: Path, guided: tuple[Path, Path]) -> dict[str, Content]:
    """Every figure, of an example or of the small session."""
    sessions = {name: [example(f"figure-{name}")] for name in ("2", "3", "4", "5", "8")}
    sessions |= {"6": [small, small], "7": [small], "orbits": [small], "ib-guided": [*guided]}
    with pytest.MonkeyPatch.context() as patches:
        for figure in ("figure_6", "figure_7", "ib_guided"):
            patches.setattr(f"ibtui.figures.{figure}.CURVE_ERROR", 1e-3)  # a finer curve takes longer
        return {name: FIGURES[name].read(sessions[name], threads=1) for name in FIGURES if name in sessions}

"""A small map: four ensembles that differ in two settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from ibtui_engine.experiment import Experiment
from ibtui_engine.runner import Run, begin

SMALL = Experiment(
    hidden=((4, 3),), learning_rate=(0.02, 0.1), batch=(256, "full"), networks=3, epochs=200, snapshots=20
)


@pytest.fixture(scope="package")
def map_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished session of `SMALL`; not to be written."""
    path = tmp_path_factory.mktemp("maps") / "small.ibs"
    assert Run(begin(path, "small", SMALL), threads=2).execute() == "finished"
    return path

"""Choosing among many layers: found by typing, marked together, kept, and followed by charts, legend and table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ibtui_engine.recording.recorder import Recorder
from tests.tiers import first

LAYERS = [f"stage{1 + k // 15}.block{k % 15}" for k in range(60)]


@pytest.fixture
def deep(directory: Path) -> Path:
    """A recording of 60 layers."""
    random = np.random.default_rng(0)
    path = directory / "deep.ibs"
    with Recorder(path, np.arange(30) % 2, data="deep", estimator="binning") as recorder:
        for epoch in (0, 1, 2):
            recorder.snapshot(epoch, {name: random.normal(size=(30, 2)) for name in LAYERS}, measure=True)
    return path


def shown(view: Any) -> list[str]:
    """The layers in the plane's readings."""
    readings = view.chart().spec.readings
    return [name for name, ends in zip(readings.names, readings.x.T, strict=True) if np.isfinite(ends).any()]


@pytest.mark.parametrize("size", first(1, [(80, 24), (120, 40), (200, 60)]))
async def test_layers_are_found_by_typing_and_marked_together(open_app: Any, deep: Path, size: tuple[int, int]) -> None:
    async with open_app("deep", size) as view:
        await view.until(lambda: view.chart().spec)
        assert len(shown(view)) == 60
        await view.press("h")
        await view.until_screen("LayerChoice")
        assert "60 of 60 are marked" in view.text()
        await view.press(*"stage2.block1", "ctrl+o")
        await view.until(lambda: "6 of 60 are marked" in view.text())  # block1 and block10 to block14
        await view.press("enter")
        await view.until_screen("SessionScreen")
        expected = [name for name in LAYERS if "stage2.block1" in name]
        await view.until(lambda: shown(view) == expected)
    async with open_app("deep", size) as view:  # it is remembered
        await view.until(lambda: view.chart().spec)
        assert shown(view) == expected
        assert len(view.screen.hidden_layers) == 54


@pytest.mark.long
async def test_every_nth_all_and_none(open_app: Any, deep: Path) -> None:
    async with open_app("deep", (200, 60)) as view:
        await view.until(lambda: view.chart().spec)
        await view.press("h")
        await view.until_screen("LayerChoice")
        await view.press("ctrl+n", "enter")
        await view.until(lambda: "mark at least one layer" in view.text())
        await view.press("slash", "2", "0", "ctrl+a")
        await view.until(lambda: "3 of 60 are marked" in view.text())
        await view.press("down", "space")
        await view.until(lambda: "2 of 60 are marked" in view.text())
        await view.press("enter")
        await view.until_screen("SessionScreen")
        await view.until(lambda: shown(view) == [LAYERS[20], LAYERS[40]])
        await view.until(lambda: "58 of 60 layers are hidden." in view.text())
        assert "21 stage2.block5" in view.text()
        assert "22 stage2.block6" not in view.text()
        await view.press("h")
        await view.until_screen("LayerChoice")
        await view.press("ctrl+a", "escape")
        await view.until_screen("SessionScreen")
        assert len(shown(view)) == 2
        await view.press("h")
        await view.until_screen("LayerChoice")
        await view.press("ctrl+a", "enter")
        await view.until(lambda: len(shown(view)) == 60)


@pytest.mark.long
@pytest.mark.parametrize("panel", first(1, ["bound", "phases", "layers"]))
async def test_tables_leave_hidden_layers_out(open_app: Any, deep: Path, panel: str) -> None:
    async with open_app("deep", (120, 40)) as view:
        await view.until(lambda: view.chart().spec)
        view.screen.hidden_layers = frozenset(range(1, 61)) - {21, 41}
        view.screen.panel = panel
        await view.until(lambda: "58 of 60 layers are hidden." in view.text())
        table = view.screen.query_one(f"#{panel}").query("FiguresTable").first()
        rows = [line.split()[:2] for line in str(table.content).splitlines() if ".block" in line or "stage" in line]
        assert [row[0] for row in rows] == ["21", "41"]
        view.screen.hidden_layers = frozenset()
        await view.until(lambda: "layers are hidden" not in view.text())


async def test_tables_of_few_layers_say_which_are_hidden(open_app: Any, directory: Path) -> None:
    with Recorder(directory / "few.ibs", np.arange(30) % 2, estimator="binning") as recorder:
        for epoch in (0, 1):
            random = np.random.default_rng(epoch)
            recorder.snapshot(epoch, {name: random.normal(size=(30, 2)) for name in ("a", "b", "c")}, measure=True)
    async with open_app("few", (120, 40)) as view:
        await view.until(lambda: view.chart().spec)
        await view.press("2")
        for panel in ("bound", "phases", "layers"):
            view.screen.panel = panel
            await view.until(lambda: "2 b hidden" in view.text())
            assert "1 a hidden" not in view.text()
        await view.press("2")
        await view.until(lambda: "2 b hidden" not in view.text())

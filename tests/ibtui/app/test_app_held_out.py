"""Rows that are held out on the session screen: their plane, their figures and their losses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import Experiment
from ibtui_engine.runner import Run, begin
from ibtui_engine.session.history import SessionReader


@pytest.fixture
def session(directory: Path, tmp_path: Path) -> Path:
    """A session of a table with a quarter of its rows held out."""
    x = np.random.default_rng(0).normal(size=(80, 2)).round(3)
    (tmp_path / "t.csv").write_text("a,b,label\n" + "".join(f"{a},{b},{int(a > b)}\n" for a, b in x))
    experiment = Experiment.from_dict(
        {"rule": f"table:{tmp_path / 't.csv'}", "test_fraction": 0.25, "hidden": "3-2", "networks": 3, "epochs": 20,
         "snapshots": 4, "batch": 16}
    )  # fmt: skip
    path = directory / "split.ibs"
    assert Run(begin(path, "split", experiment), threads=1).execute() == "finished"
    return path


async def test_the_plane_of_held_out_rows_is_a_key_away(open_app: Any, session: Path) -> None:
    with SessionReader(session) as reader:
        one = reader.recorded_ensemble(0)
    async with open_app("split", size=(160, 50)) as view:
        await view.until(lambda: view.chart().spec)

        def drawn(name: str) -> bool:
            spec = view.chart().spec
            there = np.concatenate([np.asarray(series.x) for series in spec.series])
            return all(np.isclose(there, x, atol=1e-9).any() for x in one.mean(name)[-1])

        await view.until(lambda: drawn("i_x"))
        assert "held out" not in view.chart().spec.title
        assert not drawn("held_out_i_x")
        await view.press("H")
        await view.until(lambda: "20 rows held out" in view.chart().spec.title and drawn("held_out_i_x"))
        assert "I(X;Y)" in view.text()
        await view.press("b")
        assert all(series.label != "IB bound" for series in view.chart().spec.series)  # that is of the others
        await view.press("p")
        await view.until(lambda: view.screen.points and "rows held out" in view.chart().spec.title)
        await view.press("H")
        await view.until(lambda: "held out" not in view.chart().spec.title)
        view.screen.panel = "layers"
        await view.until(lambda: f"{one.mean('held_out_i_y')[-1, 0]:.3f}" in view.text())
        view.screen.panel = "learning"
        await view.until(lambda: view.chart("learning").spec)
        assert "Points: held out." in view.chart("learning").spec.caption


async def test_a_session_without_them_says_so(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain", size=(120, 40)) as view:
        await view.until(lambda: view.chart().spec)
        await view.press("H")
        await view.until(lambda: any("no rows are held out" in told for told in view.notes()))
        assert not view.screen.held_out


def test_what_is_not_of_the_held_out_rows_is_absent(session: Path) -> None:
    with SessionReader(session) as reader:
        one = reader.recorded_ensemble(0)
    beside = one.on_held_out()
    assert np.array_equal(beside.values("i_y"), one.values("held_out_i_y"))
    assert np.isnan(beside.values("saturated")).all()
    assert beside.ensemble.rule.patterns == 20
    held = one.ensemble.rule.held_out
    assert held is not None
    assert (beside.h_x, beside.i_xy) == (held.h_x, held.i_xy)
    with pytest.raises(InvalidValue, match="no rows are held out"):
        beside.on_held_out()

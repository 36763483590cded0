"""The bound on the session screen: there at once, its beta* with their epoch, and nothing that jumps."""

from __future__ import annotations

from typing import Any

import numpy as np
import psutil
import pytest

from ibtui_engine.bottleneck.kept import kept_curve
from ibtui_engine.bottleneck.partitions import hard_frontier
from ibtui_engine.rules.catalogue import load_rule


def fitters() -> list[int]:
    """Processes that find beta* for this one."""
    return [child.pid for child in psutil.Process().children() if "--stream" in child.cmdline()]


def places(view: Any) -> dict[str, tuple[int, int, int, int]]:
    """Where everything on the screen is."""
    shown = [widget for widget in view.screen.query("*") if widget.display and widget.region.area and widget.id]
    return {str(widget.id): tuple(widget.region) for widget in shown}


async def test_the_curve_needs_no_process_and_is_the_one_that_ships(open_app: Any, have: Any) -> None:
    have("plain")
    shipped = kept_curve(load_rule("symmetric"))
    assert shipped is not None
    async with open_app("plain", size=(120, 40)) as view:
        view.screen.panel = "bound"
        await view.until(lambda: view.chart("bound-chart").spec)
        assert not fitters()
        hard, curve = view.chart("bound-chart").spec.series[:2]
        np.testing.assert_allclose(hard.x[:-1], hard_frontier(load_rule("symmetric")).entropy)
        np.testing.assert_allclose(curve.x[:-1], shipped.corners[:, 0])
        await view.until(lambda: "distances at epoch 40" in view.text())
        assert not fitters()


@pytest.mark.long
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_beta_stays_with_its_epoch_until_the_next_is_there_and_nothing_jumps(
    open_app: Any, have: Any, size: tuple[int, int]
) -> None:
    have("kept")
    async with open_app("kept", size=size) as view:
        view.screen.panel = "bound"
        chart = "side-bound-chart" if size == (200, 60) else "bound-chart"
        await view.until(lambda: view.chart(chart).spec)
        before = places(view)
        await view.until(lambda: "beta* at epoch 40" in view.text(), patience=90)
        (pid,) = fitters()
        assert places(view) == before
        seen = set()
        view.screen.playback = view.screen.playback.to_epoch(0)

        def there() -> bool:
            text = view.text()
            line = next(line for line in text.splitlines() if "beta* at epoch" in line)
            seen.add("of the old one" if "beta* at epoch 40" in line else "of the new one")
            assert places(view) == before
            return "beta* at epoch 0 " in line

        await view.until(there, patience=90)
        assert "of the new one" in seen
        spec = view.chart(chart).spec
        assert "Epoch 0." in spec.caption
        assert fitters() == [pid], "one process finds all of them"
        view.screen.playback = view.screen.playback.to_epoch(40)
        await view.until(lambda: "beta* at epoch 40" in view.text())
    assert not fitters()


@pytest.mark.long
async def test_a_run_that_grows_keeps_its_last_beta_and_one_process(open_app: Any, live: Any) -> None:
    run = live(weights=True)
    async with open_app("live", size=(120, 40)) as view:
        view.screen.panel = "bound"
        await view.until(lambda: "beta* at epoch 0" in view.text(), patience=90)
        (pid,) = fitters()
        run.advance(12)
        await view.until(lambda: view.screen.playback.epochs[-1] > 5)
        await view.until(lambda: f"beta* at epoch {view.screen.playback.epochs[-1]} " in view.text(), patience=90)
        assert fitters() == [pid]
        run.free()
    assert not fitters()


@pytest.mark.long
async def test_a_key_lays_the_curve_over_the_plane_and_takes_it_away(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain", size=(80, 24)) as view:
        await view.until(lambda: view.chart().spec)
        bare = view.chart().spec
        await view.press("b")
        await view.until(lambda: "IB bound" in view.text())
        spec = view.chart().spec
        assert [len(one.x) for one in spec.series[1:]] == [len(one.x) for one in bare.series]
        assert spec.series[0].label == "IB bound"
        await view.press("p")
        await view.until(lambda: view.chart().spec.series[0].label == "IB bound")
        await view.press("b")
        await view.until(lambda: "IB bound" not in view.text())
        await view.press("b")
        await view.until(lambda: "IB bound" in view.text())
    async with open_app("plain", size=(80, 24)) as view:  # it is remembered
        await view.until(lambda: "IB bound" in view.text())


@pytest.mark.long
async def test_all_planes_side_by_side_have_the_curve(open_app: Any, have: Any) -> None:
    have("grid")
    async with open_app("grid", size=(120, 40)) as view:
        await view.until(lambda: view.chart().spec)
        await view.press("b", "a")
        await view.until(lambda: all(view.chart(f"each-{k}").spec for k in range(3)))
        await view.until(lambda: all(view.chart(f"each-{k}").spec.series[0].label == "IB bound" for k in range(3)))


@pytest.mark.long
async def test_the_bound_is_the_fifth_chart_where_there_is_room(open_app: Any, have: Any) -> None:
    have("plain")
    four = ["plane", "gradients", "snr", "learning"]
    async with open_app("plain", size=(200, 60)) as view:
        await view.until(lambda: view.chart("side-bound-chart").spec)
        assert view.visible(*four, "bound", "side-bound") == [*four, "side-bound"]
        view.screen.panel = "bound"
        await view.pilot.pause()
        assert view.visible(*four, "bound", "side-bound") == [*four, "side-bound"]
        assert view.screen.focused is view.chart("side-bound-chart")
        await view.press("f")
        assert view.screen.maximized is view.chart("side-bound-chart")
        await view.press("f")
        view.screen.panel = "phases"
        await view.pilot.pause()
        assert view.visible(*four, "phases", "side-bound") == [*four[:3], "phases", "side-bound"]
        await view.pilot.resize_terminal(180, 50)
        await view.until(lambda: view.visible(*four, "bound", "side-bound") == [*four[:3]])
        view.screen.panel = "bound"
        await view.until(lambda: view.visible(*four, "bound", "side-bound") == [*four[:3], "bound"])


@pytest.mark.long
async def test_a_rule_that_cannot_be_read_is_told_of_once(open_app: Any, have: Any) -> None:
    have("plain", "odd", "UPDATE rule SET log_odds = x'00'")
    async with open_app("odd", size=(120, 40)) as view:
        view.screen.panel = "bound"
        await view.until(view.notes)
        (note,) = view.notes()
        assert note.startswith("the session is damaged: ")
        await view.until(lambda: "There is no IB curve." in view.text())
        assert not fitters()


@pytest.mark.long
async def test_a_curve_that_comes_right_after_a_drawing_is_drawn(
    open_app: Any, have: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes from a thread, and sets a timer: one that rings."""
    have("plain")
    monkeypatch.setattr("ibtui.screens.playback.DRAWINGS_PER_SECOND", 1)
    async with open_app("plain", size=(80, 24)) as view:
        await view.until(lambda: view.chart().spec)
        await view.press("b")
        await view.until(lambda: "IB bound" in view.text())

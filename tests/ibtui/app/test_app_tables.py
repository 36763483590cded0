"""Tables of numbers: the fullest form that fits, no number split, and keys that scroll what does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult

from ibtui.widgets.figures_table import Figures, FiguresTable, ScrolledView
from ibtui_engine.experiment import Experiment
from ibtui_engine.runner import Run, begin

FULL = Figures.of(
    ("layer", "I(X;T) ± sd", "n", "saturated"),
    [("1", "11.999 ± 0.002", "50", "32.2%"), ("output", "1.043 ± 0.042", "49", "99.5%")],
)
NARROW = FULL.without(("n", "saturated"))
FOLDED = Figures.of(("layer", "I(X;T)\n± sd"), [("1", "11.999\n± 0.002"), ("output", "1.043\n± 0.042")])
FORMS = (FULL, NARROW, FOLDED)
WHOLE = 6 + 14 + 2 + 9 + 3 * 2
"""Columns that the full form takes; with less between its columns, three fewer."""


class Bare(App[None]):
    def compose(self) -> ComposeResult:
        with ScrolledView():
            yield FiguresTable()

    @property
    def lines(self) -> list[str]:
        return str(self.query_one(FiguresTable).content).split("\n")


@pytest.mark.parametrize(
    ("width", "form"),
    [
        (200, FULL),
        (WHOLE, FULL),
        (WHOLE - 3, FULL),
        (WHOLE - 4, NARROW),
        (6 + 1 + 14, NARROW),
        (6 + 14, FOLDED),
        (6 + 1 + 7, FOLDED),
        (5, FOLDED),
    ],
)
async def test_the_fullest_form_that_fits_is_shown_and_no_number_is_split(width: int, form: Figures) -> None:
    app = Bare()
    async with app.run_test(size=(width, 24)) as pilot:
        app.query_one(FiguresTable).show(*FORMS)
        await pilot.pause()
        for columns in zip(*(cell.split("\n") for cell in form.columns), strict=False):
            assert all(part in app.lines[0] for part in columns)
        told = "\n".join(app.lines)
        assert all(part in told for row in form.rows for cell in row for part in cell.split("\n"))
        assert ("saturated" in told) == (form is FULL)
        assert ("11.999 ± 0.002" in told) == (form is not FOLDED)


async def test_another_width_has_another_form_and_columns_keep_their_width_within_one() -> None:
    app = Bare()
    async with app.run_test(size=(60, 24)) as pilot:
        table = app.query_one(FiguresTable)
        table.show(*FORMS)
        await pilot.pause()
        before = app.lines[0].index("saturated")
        table.show(FULL.without(()), *FORMS[1:])
        shorter = Figures.of(FULL.columns, [("1", "1", "5", "3%")])
        table.show(shorter, *FORMS[1:])
        assert app.lines[0].index("saturated") == before
        await pilot.resize_terminal(22, 24)
        await pilot.pause()
        assert "saturated" not in app.lines[0]
        await pilot.resize_terminal(60, 24)
        await pilot.pause()
        assert app.lines[0].index("saturated") == before


@pytest.mark.long
async def test_what_does_not_fit_is_scrolled_by_keys() -> None:
    app = Bare()
    rows = [(str(k), "0.123 ± 0.456") for k in range(40)]
    async with app.run_test(size=(12, 10)) as pilot:
        app.query_one(FiguresTable).show(Figures.of(("layer", "I(X;T) ± sd"), rows))
        await pilot.pause()
        view = app.query_one(ScrolledView)
        view.focus()
        for key, moved in (("down", "scroll_y"), ("pagedown", "scroll_y"), ("right", "scroll_x")):
            before = getattr(view, moved)
            await pilot.press(key)
            await pilot.pause(0.5)
            assert getattr(view, moved) > before, key
        for key in ("home", "end"):  # the playhead's
            place = view.scroll_offset
            await pilot.press(key)
            await pilot.pause()
            assert view.scroll_offset == place


@pytest.mark.long
async def test_every_table_of_a_session_scrolls_by_keys_in_a_small_terminal(open_app: Any, directory: Path) -> None:
    experiment = Experiment(hidden=((3,) * 15,), networks=2, epochs=4, snapshots=2)
    Run(begin(directory / "deep.ibs", "deep", experiment), threads=1).execute()
    async with open_app("deep", size=(60, 20)) as view:
        for panel in ("layers", "phases"):
            view.screen.panel = panel
            await view.until(lambda panel=panel: view.one(f"#{panel}").has_focus)
            await view.until(lambda panel=panel: view.one(f"#{panel}").max_scroll_y > 0)
            await view.press("down", "down")
            await view.until(lambda panel=panel: view.one(f"#{panel}").scroll_y > 0)
        view.screen.panel = "bound"
        await view.until(lambda: "beta*" in view.text() or "below" in view.text())
        assert view.one("#bound-chart").has_focus
        table = view.one("#bound ScrolledView")
        await view.until(lambda: table.max_scroll_y > 0)
        await view.press("pagedown")
        await view.until(lambda: table.scroll_y > 0)

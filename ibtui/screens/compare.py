"""Comparing: two to six ensembles, of one session or of several, in step by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from ibtui.arrangement import COMPARED
from ibtui.charts.compared import numbered
from ibtui.ensemble_charts import EnsembleCharts
from ibtui.epoch_display import LOGARITHMIC
from ibtui.formatting import estimate, printable, titles_of
from ibtui.overlays import overlaid
from ibtui.screens.dialogs import Several
from ibtui.screens.playback import PlaybackScreen
from ibtui.status import elsewhere
from ibtui.widgets.chart_view import ChartView
from ibtui.widgets.compared_table import ComparedTable
from ibtui.widgets.keys_footer import KeysFooter
from ibtui.widgets.linked import link
from ibtui.widgets.multiples import Multiples
from ibtui.widgets.text import write
from ibtui.widgets.timeline import Timeline
from ibtui.widgets.too_small import TooSmall
from ibtui_engine.errors import EngineError
from ibtui_engine.session.follow import Follower
from ibtui_engine.session.results import result_spreads

if TYPE_CHECKING:
    from ibtui.charts.spec import ChartSpec

MOST = 6
LOOK_SECONDS = 0.5
TABLE = "table"
KINDS = (*COMPARED, TABLE)
"""What can be looked at: each of the charts, and the table of what came of the ensembles."""


class CompareScreen(PlaybackScreen):
    """The charts of several ensembles, each in its own panel or all in one, and a table of their differences.

    One of them is pinned: it is on top in a common chart, and the one that the others are compared with.
    """

    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (20, "-low")]  # noqa: RUF012

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Library", id="compare.leave"),
        Binding("o", "overlay", "Overlay", tooltip="All in one chart, or each in its own", id="compare.overlay"),
        Binding("tab", "panel(1)", "Chart", tooltip="Next chart, and the table", id="compare.panel", priority=True),
        Binding("shift+tab", "panel(-1)", "Chart before", show=False, id="compare.panel_back", priority=True),
        Binding("k", "pin", "Pin", tooltip="Pin this ensemble: on top, and compared with", id="compare.pin"),
        Binding("p", "points", "Points", tooltip="Every network's points, or the mean's path", id="compare.points"),
        Binding("v", "choose", "Select", tooltip="Select the ensembles", id="compare.choose"),
        Binding("f", "full", "Full screen", show=False, id="compare.full"),
        Binding("right_square_bracket", "go(1)", "Next ensemble", show=False, id="compare.next"),
        Binding("left_square_bracket", "go(-1)", "Ensemble before", show=False, id="compare.before"),
    ]

    overlay: reactive[bool] = reactive(False, init=False, repaint=False)
    """All in one chart, coloured by ensemble, or each in its own."""
    points: reactive[bool] = reactive(False, init=False, repaint=False)
    panel: reactive[str] = reactive("plane", init=False, repaint=False)
    """One of `KINDS`."""
    pinned: reactive[int] = reactive(0, init=False, repaint=False)
    """The number of the pinned one among those that are shown, from 0."""

    def __init__(self, followers: Sequence[Follower], chosen: Sequence[tuple[int, int]] = ()) -> None:
        """`followers`: of the sessions, closed with the screen; `chosen`: follower and ensemble of those to begin with,
        the first ones where there are none.
        """
        super().__init__()
        self._first = list(chosen)
        self._followers = followers
        self._every: list[tuple[int, int]] = []
        """Follower and ensemble of all that there are."""
        self._titles: dict[tuple[int, int], str] = {}
        self._shown: list[tuple[int, int]] = []
        """Those that are compared."""
        self._charts: list[EnsembleCharts | None] = []
        self._curves: dict[tuple[object, ...], ChartSpec] = {}
        """Charts of all over epochs, which the playhead does not change, by what was chosen for them."""
        self._trouble = ""

    def compose(self) -> ComposeResult:
        """The panels, the chart of all, the table, the timeline, keys."""
        yield Static(id="status", markup=False)
        yield Multiples(id="compared")
        yield ChartView(id="overlaid")
        yield ComparedTable(id="differences")
        yield Timeline(id="timeline")
        yield KeysFooter()
        yield TooSmall()

    async def on_mount(self) -> None:
        """Open the sessions."""
        those = [(number, one) for number, follower in enumerate(self._followers) for one in follower.summary.ensembles]
        self._every = [(number, one.index) for number, one in those]
        titles = titles_of([(self._followers[number].summary, one) for number, one in those])
        self._titles = dict(zip(self._every, titles, strict=True))
        self._arrange()
        await self._compare([pair for pair in self._first if pair in self._titles] or self._every[:MOST])
        self.set_interval(LOOK_SECONDS, self._look)

    async def _compare(self, chosen: list[tuple[int, int]]) -> None:
        """Compare these."""
        before = self._shown[self.pinned] if self.pinned < len(self._shown) else None
        self._shown = chosen
        self.set_reactive(CompareScreen.pinned, chosen.index(before) if before in chosen else 0)
        await self.query_one("#compared", Multiples).lay_out(len(chosen))
        if not self.left:
            self._take_in()
            self._focus()

    def on_unmount(self) -> None:
        """Let go of the files."""
        for follower in self._followers:
            follower.close()

    @property
    def growing(self) -> bool:
        """Whether a run is at work on any of the sessions."""
        return any(follower.summary.live for follower in self._followers)

    @property
    def transition(self) -> float | None:
        """Where drift ends in the chart that has the focus, or in the first that has such an end."""
        ends = [charts.drift_end for charts in self._charts if charts is not None]
        number = self._focused_number()
        charts = self._charts[number] if number is not None else None
        own = charts.drift_end if charts is not None else None
        return own if own is not None else next((end for end in ends if end is not None), None)

    @property
    def chosen_charts(self) -> tuple[str, ...]:
        """The chosen chart if it is over epochs, or else all."""
        return (self.panel,) if self.panel in LOGARITHMIC else tuple(LOGARITHMIC)

    @property
    def layers_shown(self) -> tuple[int, ...]:
        """Those of the deepest network."""
        return tuple(range(max((len(charts.widths) for charts in self._charts if charts is not None), default=0)))

    def _look(self) -> None:
        if self.left:
            return
        changed = False
        self._trouble = ""
        for follower in self._followers:
            try:
                changed = (follower.summary.live and follower.update()) or changed
            except EngineError as error:
                self._trouble = str(error)
            self._trouble = elsewhere(follower.summary.path, follower.place) or self._trouble
        if changed and self.is_current:
            self._take_in()
        else:
            self._show_status()

    def _read(self) -> list[EnsembleCharts | None]:
        found: list[EnsembleCharts | None] = []
        for number, index in self._shown:
            try:
                found.append(EnsembleCharts(self._followers[number].recorded_ensemble(index)))
            except KeyError:  # nothing of it is measured yet
                found.append(None)
        return found

    @property
    def _last_epoch(self) -> int:
        """Where the longest of the runs ends: common axes and colours end there."""
        return max((follower.summary.experiment.epochs for follower in self._followers), default=1)

    def _take_in(self) -> None:
        self._charts, self._curves = self._read(), {}
        epochs = sorted({epoch for charts in self._charts if charts is not None for epoch in charts.epochs})
        timeline = self.query_one("#timeline", Timeline)
        timeline.total = self._last_epoch
        timeline.live = self.growing
        timeline.drift_end = self.transition
        playback = self.playback.grown(epochs)
        self.set_reactive(PlaybackScreen.playback, playback if self.playback.epochs else playback.live())
        timeline.playback = self.playback
        if not self.moving:
            self.pace()
        self._show_status()
        self.draw()

    def _show_status(self) -> None:
        count, every = len(self._shown), len(self._every)
        text = f"comparing {count} ensembles" + (f" of {every}" if every > count else "")
        told = "  ·  ".join([text, *self._estimators()])
        write(self.query_one("#status", Static), printable(self._trouble or told))

    def _estimators(self) -> list[str]:
        """What the numbers rest on, of all the sessions."""
        return sorted({estimate(follower.summary.experiment) for follower in self._followers})

    def draw(self) -> None:
        """Give the charts, or the table, what they show at the playhead."""
        if self.left:
            return
        there = [
            (number, self._titles[self._shown[number]], charts)
            for number, charts in enumerate(self._charts)
            if charts is not None
        ]
        if self.panel == TABLE:
            self._draw_table()
        elif self.overlay:
            self._draw_overlaid(there)
        else:
            self._draw_each(there)

    def _draw_each(self, there: Sequence[tuple[int, str, EnsembleCharts]]) -> None:
        epoch = self.playback.epoch
        specs = {}
        for number, title, charts in there:
            shown = tuple(range(len(charts.widths)))
            spec = charts.chart(
                self.panel,
                epoch=epoch,
                shown=shown,
                points=self.points,
                display=self.over_epochs.of(self.panel, shown, len(shown)),
                last_epoch=self._last_epoch,
            )
            specs[number] = numbered(number, title) + (", pinned" if number == self.pinned else ""), spec
        self.query_one("#compared", Multiples).show(specs, self._moment)

    def _draw_overlaid(self, there: Sequence[tuple[int, str, EnsembleCharts]]) -> None:
        chosen = self.panel, self.pinned, self.over_epochs
        spec = self._curves.get(chosen) or overlaid(
            self.panel,
            there,
            epoch=self.playback.epoch,
            points=self.points,
            pinned=self.pinned,
            focus=self.over_epochs.focus,
            display=self.over_epochs.of(self.panel, (), 0),
            last_epoch=self._last_epoch,
        )
        if self.panel != "plane":
            self._curves[chosen] = spec
        self.query_one("#overlaid", ChartView).show(spec, self._moment)

    def _draw_table(self) -> None:
        order = sorted(range(len(self._shown)), key=lambda number: (number != self.pinned, number))
        names = [numbered(number, self._titles[self._shown[number]]) for number in order]
        measured = [self._charts[number] for number in order]
        epoch = self.playback.epoch
        found = [None if charts is None else result_spreads(charts.shown, epoch) for charts in measured]
        notes = [f"Epoch {epoch}. Pinned: {names[0]}."] if names else []
        self.query_one("#differences", ComparedTable).show(names, found, notes)

    @property
    def _moment(self) -> float | None:
        """Where the playhead is on the chart's x axis, if that has epochs."""
        return None if self.panel == "plane" else self.playback.epoch

    def _arrange(self) -> None:
        """Have the panels, the chart of all, or the table on the screen."""
        table = self.panel == TABLE
        self.query_one("#compared").display = not table and not self.overlay
        self.query_one("#overlaid").display = not table and self.overlay
        self.query_one("#differences").display = table

    def _rearrange(self) -> None:
        self._arrange()
        self._focus()
        self.draw_soon()

    def _focus(self) -> None:
        """Give the keys to what is on the screen."""
        if self.panel == TABLE:
            self.query_one("#differences").focus()
        elif self.overlay:
            self.query_one("#overlaid").focus()
        elif self._focused_number() is None:
            self.action_go(0)

    def watch_overlay(self) -> None:
        """In one chart, or in several."""
        self._rearrange()

    def watch_points(self) -> None:
        """Networks or means."""
        self.draw_soon()

    def watch_panel(self) -> None:
        """Other charts, or the table."""
        self._rearrange()

    def watch_pinned(self) -> None:
        """Another one is on top."""
        self.draw_soon()

    def on_chart_view_moved(self, event: ChartView.Moved) -> None:
        """All panels share the cross-hair."""
        link(event.view, event.values, self.query(ChartView))

    def action_overlay(self) -> None:
        """All in one chart, or each in its own."""
        self.overlay = not self.overlay

    def action_panel(self, steps: int) -> None:
        """The next kind of chart, or the table."""
        self.panel = KINDS[(KINDS.index(self.panel) + steps) % len(KINDS)]

    def action_points(self) -> None:
        """Every network's layers, or their mean's path."""
        self.points = not self.points

    def action_pin(self) -> None:
        """Pin the ensemble whose panel has the focus; the next one where all are in one chart, or in the table."""
        number = self._focused_number()
        if number is None or number == self.pinned:
            number = (self.pinned + 1) % max(len(self._shown), 1)
        self.pinned = number
        if self._shown:
            self.notify(printable(f"pinned: {self._titles[self._shown[number]]}"), markup=False)

    def _focused_number(self) -> int | None:
        charts = [self.query_one("#compared", Multiples).chart(number) for number in range(len(self._shown))]
        return next((number for number, chart in enumerate(charts) if chart is not None and chart.has_focus), None)

    def action_go(self, steps: int) -> None:
        """Give the next panel the keys for zooming and the cross-hair."""
        if self._shown:
            number = ((self._focused_number() or 0) + steps) % len(self._shown)
            chart = self.query_one("#compared", Multiples).chart(number)
            if chart is not None:
                chart.focus()

    @work
    async def action_choose(self) -> None:
        """Choose which ensembles are compared."""
        answers = {f"{number}-{index}": self._titles[number, index] for number, index in self._every}
        chosen = [f"{number}-{index}" for number, index in self._shown]
        picked = await self.app.push_screen_wait(Several("Compare which ensembles?", answers, chosen, 2, MOST))
        if picked is not None:
            await self._compare([pair for pair in self._every if f"{pair[0]}-{pair[1]}" in picked])

    def chosen_view(self) -> Widget | None:
        """What has the keys."""
        return self.focused

    def action_full(self) -> None:
        """One panel over the whole screen, or all as before."""
        if self.maximized is not None:
            self.minimize()
        elif isinstance(self.focused, ChartView):
            self.maximize(self.focused)

    def action_leave(self) -> None:
        """Back to the library."""
        if self.maximized is not None:
            self.minimize()
        else:
            self.dismiss()

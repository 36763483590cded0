"""Comparing: two to six ensembles, of one session or of several, in step by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.widgets import Static

from ibtui.charts.information_plane import compared_planes
from ibtui.epoch_display import LOGARITHMIC
from ibtui.panels import PANELS, Panels
from ibtui.screens.dialogs import Several
from ibtui.screens.playback import PlaybackScreen
from ibtui.status import elsewhere
from ibtui.widgets.chart_view import ChartView
from ibtui.widgets.keys_footer import KeysFooter
from ibtui.widgets.linked import link
from ibtui.widgets.multiples import Multiples
from ibtui.widgets.text import write
from ibtui.widgets.timeline import Timeline
from ibtui.widgets.too_small import TooSmall
from ibtui.wording import estimate, printable, title_of
from ibtui_engine.errors import EngineError
from ibtui_engine.session.follow import Follower

MOST = 6
LOOK_SECONDS = 0.5


class CompareScreen(PlaybackScreen):
    """The charts of several ensembles, each in its own panel, or the planes of all in one."""

    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (20, "-low")]  # noqa: RUF012

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Library", id="compare.leave"),
        Binding("o", "overlay", "Overlay", tooltip="All planes in one chart", id="compare.overlay"),
        Binding("tab", "panel(1)", "Chart", tooltip="Next chart", id="compare.panel", priority=True),
        Binding("shift+tab", "panel(-1)", "Chart before", show=False, id="compare.panel_back", priority=True),
        Binding("p", "points", "Points", tooltip="Every network's points, or the mean's path", id="compare.points"),
        Binding("s", "choose", "Select", tooltip="Select the ensembles", id="compare.choose"),
        Binding("f", "full", "Full screen", show=False, id="compare.full"),
        Binding("right_square_bracket", "go(1)", "Next ensemble", show=False, id="compare.next"),
        Binding("left_square_bracket", "go(-1)", "Ensemble before", show=False, id="compare.before"),
    ]

    overlay: reactive[bool] = reactive(False, init=False, repaint=False)
    """All in one chart, coloured by ensemble, or each in its own."""
    points: reactive[bool] = reactive(False, init=False, repaint=False)
    panel: reactive[str] = reactive("plane", init=False, repaint=False)
    """One of `PANELS`."""

    def __init__(self, followers: Sequence[Follower]) -> None:
        """`followers`: of the sessions, closed with the screen."""
        super().__init__()
        self._followers = followers
        self._every: list[tuple[int, int]] = []
        """Follower and ensemble of all that there are."""
        self._shown: list[tuple[int, int]] = []
        """Those that are compared."""
        self._charts: list[Panels | None] = []
        self._trouble = ""

    def compose(self) -> ComposeResult:
        """The panels, the timeline, keys."""
        yield Static(id="status", markup=False)
        yield Multiples(id="compared")
        yield ChartView(id="overlaid")
        yield Timeline(id="timeline")
        yield KeysFooter()
        yield TooSmall()

    async def on_mount(self) -> None:
        """Open the sessions."""
        self._every = [
            (number, ensemble.index)
            for number, follower in enumerate(self._followers)
            for ensemble in follower.summary.ensembles
        ]
        self.query_one("#overlaid", ChartView).display = False
        await self._compare(self._every[:MOST])
        self.set_interval(LOOK_SECONDS, self._look)

    async def _compare(self, chosen: list[tuple[int, int]]) -> None:
        """Compare these."""
        self._shown = chosen
        await self.query_one("#compared", Multiples).lay_out(len(chosen))
        if not self.left:
            self._take_in()
            self.action_go(0)

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
        ends = [panels.turn for panels in self._charts if panels is not None]
        number = self._focused_number()
        panels = self._charts[number] if number is not None else None
        own = panels.turn if panels is not None else None
        return own if own is not None else next((end for end in ends if end is not None), None)

    @property
    def chosen_charts(self) -> tuple[str, ...]:
        """The chosen chart if it is over epochs, or else all."""
        return (self.panel,) if self.panel in LOGARITHMIC else tuple(LOGARITHMIC)

    @property
    def layers_shown(self) -> tuple[int, ...]:
        """Those of the deepest network."""
        return tuple(range(max((len(panels.widths) for panels in self._charts if panels is not None), default=0)))

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

    def _panels(self) -> list[Panels | None]:
        found: list[Panels | None] = []
        for number, index in self._shown:
            try:
                found.append(Panels(self._followers[number], index))
            except KeyError:  # nothing of it is measured yet
                found.append(None)
        return found

    def _take_in(self) -> None:
        self._charts = self._panels()
        epochs = sorted({epoch for panels in self._charts if panels is not None for epoch in panels.epochs})
        timeline = self.query_one("#timeline", Timeline)
        timeline.total = max((f.summary.experiment.epochs for f in self._followers), default=1)
        timeline.live = self.growing
        timeline.turn = self.transition
        playback = self.playback.grown(epochs)
        self.set_reactive(PlaybackScreen.playback, playback if self.playback.epochs else playback.live())
        timeline.playback = self.playback
        if not self.moving:
            self.pace()
        self._show_status()
        self.draw()

    def _show_status(self) -> None:
        count, every = len(self._shown), len(self._every)
        text = f"comparing {count} ensembles" + (f" of {every}: e chooses which" if every > count else "")
        told = "  ·  ".join([text, *self._estimators()])
        write(self.query_one("#status", Static), printable(self._trouble or told))

    def _estimators(self) -> list[str]:
        """What the numbers rest on, of all the sessions."""
        return sorted({estimate(follower.summary.experiment) for follower in self._followers})

    def _title(self, number: int, index: int) -> str:
        summary = self._followers[number].summary
        title = title_of(summary, summary.ensembles[index])
        return f"{summary.path.stem}: {title}" if len(self._followers) > 1 else title

    def draw(self) -> None:
        """Give the charts what they show at the playhead."""
        if self.left:
            return
        epoch = self.playback.epoch
        there = [
            (number, self._title(*self._shown[number]), panels)
            for number, panels in enumerate(self._charts)
            if panels is not None
        ]
        if self.overlay:
            paths = {f"{number + 1} {title}": panels.path(epoch) for number, title, panels in there}
            h_x = max((panels.summary.h_x for _, _, panels in there), default=12.0)
            i_xy = max((panels.summary.i_xy for _, _, panels in there), default=1.0)
            spec = compared_planes(paths, h_x, i_xy, epoch=epoch, basis="; ".join(self._estimators()))
            self.query_one("#overlaid", ChartView).show(spec)
            return
        charts = {}
        for number, title, panels in there:
            shown = tuple(range(len(panels.widths)))
            display = self.over_epochs.of(self.panel, shown, len(shown))
            spec = panels.chart(self.panel, epoch=epoch, shown=shown, points=self.points, display=display)
            charts[number] = title, spec
        self.query_one("#compared", Multiples).show(charts, None if self.panel == "plane" else epoch)

    def watch_overlay(self, overlay: bool) -> None:
        """In one chart, or in several."""
        self.query_one("#compared", Multiples).display = not overlay
        self.query_one("#overlaid", ChartView).display = overlay
        if overlay:
            self.query_one("#overlaid", ChartView).focus()
        else:
            self.action_go(0)
        self.draw_soon()

    def watch_points(self) -> None:
        """Networks or means."""
        self.draw_soon()

    def watch_panel(self) -> None:
        """Other charts."""
        self.draw_soon()

    def on_chart_view_moved(self, event: ChartView.Moved) -> None:
        """All panels share the cross-hair."""
        link(event.view, event.values, self.query(ChartView))

    def action_overlay(self) -> None:
        """All in one chart, or each in its own."""
        self.overlay = not self.overlay

    def action_panel(self, steps: int) -> None:
        """The next kind of chart."""
        self.overlay = False
        self.panel = PANELS[(PANELS.index(self.panel) + steps) % len(PANELS)]

    def action_points(self) -> None:
        """Every network's layers, or their mean's path."""
        self.points = not self.points

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
        answers = {f"{number}-{index}": self._title(number, index) for number, index in self._every}
        chosen = [f"{number}-{index}" for number, index in self._shown]
        picked = await self.app.push_screen_wait(Several("Compare which ensembles?", answers, chosen, 2, MOST))
        if picked is not None:
            await self._compare([pair for pair in self._every if f"{pair[0]}-{pair[1]}" in picked])

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

"""Comparing: two to six ensembles, of one session or of several, in step by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid
from textual.reactive import reactive
from textual.widgets import Footer, Static

from engine.errors import EngineError
from engine.session.follow import Follower
from ibtui.charts.information_plane import compared_planes
from ibtui.panels import Panels
from ibtui.screens.playback import PlaybackScreen
from ibtui.widgets.chart_view import ChartView
from ibtui.widgets.timeline import Timeline
from ibtui.widgets.too_small import TooSmall
from ibtui.wording import printable

MOST = 6
LOOK_SECONDS = 0.5


class CompareScreen(PlaybackScreen):
    """The planes of several ensembles, each in its own panel or all in one."""

    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (20, "-low")]  # noqa: RUF012

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "app.pop_screen", "Library", id="compare.leave"),
        Binding("o", "overlay", "Overlay", id="compare.overlay"),
        Binding("p", "points", "Points", tooltip="Every network's points, or the mean's path", id="compare.points"),
        Binding("f", "full", "Full screen", show=False, id="compare.full"),
    ]

    overlay: reactive[bool] = reactive(False, init=False)
    """All in one chart, coloured by ensemble, or each in its own."""
    points: reactive[bool] = reactive(False, init=False)

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__()
        self._paths = paths
        self._followers: list[Follower] = []
        self._shown: list[tuple[int, int]] = []
        """Follower and ensemble of each panel."""
        self._charts: list[Panels | None] = []

    def compose(self) -> ComposeResult:
        """The panels, the timeline, keys."""
        yield Static(id="status", markup=False)
        yield Grid(id="compared")
        yield ChartView(id="overlaid")
        yield Timeline(id="timeline")
        yield Footer(compact=True)
        yield TooSmall()

    async def on_mount(self) -> None:
        """Open the sessions."""
        for path in self._paths:
            try:
                self._followers.append(Follower(path))
            except EngineError as error:
                self.notify(printable(str(error)), severity="error", markup=False)
        every = [
            (number, ensemble.index)
            for number, follower in enumerate(self._followers)
            for ensemble in follower.summary.ensembles
        ]
        self._shown = every[:MOST]
        count = len(self._shown)
        grid = self.query_one("#compared", Grid)
        grid.styles.grid_size_columns = 1 if count < 2 else 2 if count in (2, 4) else 3
        await grid.mount(*[ChartView(id=f"panel-{number}") for number in range(count)])
        text = f"comparing {count} ensembles" + (f" of {len(every)}: the first six" if len(every) > count else "")
        self.query_one("#status", Static).update(text)
        self.query_one("#overlaid", ChartView).display = False
        self._take_in()
        self.set_interval(LOOK_SECONDS, self._look)

    def on_unmount(self) -> None:
        """Let go of the files."""
        for follower in self._followers:
            follower.close()

    @property
    def growing(self) -> bool:
        """Whether a run is at work on any of the sessions."""
        return any(follower.summary.live for follower in self._followers)

    def _look(self) -> None:
        changed = False
        for follower in self._followers:
            try:
                changed = (follower.summary.live and follower.update()) or changed
            except EngineError as error:
                self.query_one("#status", Static).update(printable(str(error)))
        if changed and self.is_current:
            self._take_in()

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
        self.playback = self.playback.grown(epochs)
        self.draw()

    def _title(self, panels: Panels) -> str:
        several = len(self._followers) > 1
        return f"{panels.summary.path.stem}: {panels.title}" if several else panels.title

    def draw(self) -> None:
        """Give the charts what they show at the playhead."""
        epoch = self.playback.epoch
        self.query_one("#timeline", Timeline).playback = self.playback
        there = [(number, panels) for number, panels in enumerate(self._charts) if panels is not None]
        if self.overlay:
            paths = {f"{number + 1} {self._title(panels)}": panels.path(epoch) for number, panels in there}
            h_x = max((panels.summary.h_x for _, panels in there), default=12.0)
            i_xy = max((panels.summary.i_xy for _, panels in there), default=1.0)
            self.query_one("#overlaid", ChartView).show(compared_planes(paths, h_x, i_xy, epoch=epoch))
            return
        for number, panels in there:
            shown = tuple(range(len(panels.widths)))
            spec = panels.chart("plane", epoch=epoch, shown=shown, points=self.points)
            view = self.query_one(f"#panel-{number}", ChartView)
            view.show(spec)
            view.name_it(self._title(panels))

    def watch_overlay(self, overlay: bool) -> None:
        """In one chart, or in several."""
        self.query_one("#compared", Grid).display = not overlay
        self.query_one("#overlaid", ChartView).display = overlay
        self.draw()

    def watch_points(self) -> None:
        """Networks or means."""
        self.draw()

    def action_overlay(self) -> None:
        """All in one chart, or each in its own."""
        self.overlay = not self.overlay

    def action_points(self) -> None:
        """Every network's layers, or their mean's path."""
        self.points = not self.points

    def action_full(self) -> None:
        """One panel over the whole screen, or all as before."""
        if self.maximized is not None:
            self.minimize()
        elif isinstance(self.focused, ChartView):
            self.maximize(self.focused)

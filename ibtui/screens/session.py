"""The session screen: a session's charts, live while it runs and replayed afterwards; both are the same.

The view (playhead, layers, zoom) is here alone. The run is another process: pausing, resuming and stopping it are
keys of their own, with capital letters, and go through the session file.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Horizontal, Vertical
from textual.reactive import reactive
from textual.widgets import DataTable, Footer, Static, Tab, Tabs

from engine.errors import EngineError
from engine.session.control import send, settle
from engine.session.follow import Follower
from ibtui.panels import PANELS, LayerFigures, Panels, estimator
from ibtui.screens.playback import PlaybackScreen
from ibtui.widgets.chart_view import ChartView
from ibtui.widgets.timeline import Timeline
from ibtui.widgets.too_small import TooSmall
from ibtui.wording import duration, printable

if TYPE_CHECKING:
    from ibtui.app import IbtuiApp

LOOK_SECONDS = 0.25
"""How often a session that runs is looked at."""
IDLE_LOOK_SECONDS = 1.0
"""How often one that does not."""

TITLES = {"plane": "Plane", "gradients": "Gradients", "snr": "SNR", "learning": "Learning"}


class SessionScreen(PlaybackScreen):
    """Shows one session."""

    app: IbtuiApp

    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (110, "-wide"), (170, "-huge")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (20, "-low"), (34, "-tall")]  # noqa: RUF012

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Library", id="session.leave"),
        Binding("p", "points", "Points", tooltip="Every network's points, or the mean's path", id="session.points"),
        Binding("question_mark", "app.help", "Help", id="app.help"),
        Binding("f", "full", "Full", tooltip="Full screen, and back", id="session.full"),
        Binding("left_square_bracket", "ensemble(-1)", "Ensemble before", show=False, id="session.ensemble_back"),
        Binding("right_square_bracket", "ensemble(1)", "Next ensemble", id="session.ensemble"),
        Binding("a", "all", "All ensembles", show=False, id="session.all"),
        Binding("tab", "panel(1)", "Next chart", show=False, id="session.panel", priority=True),
        Binding("shift+tab", "panel(-1)", "Chart before", show=False, id="session.panel_back", priority=True),
        Binding("c", "copy", "Copy chart", show=False, id="session.copy"),
        Binding("P", "run('pause')", "Pause run", show=False, id="run.pause"),
        Binding("R", "run('resume')", "Resume run", show=False, id="run.resume"),
        Binding("S", "run('stop')", "Stop run", show=False, id="run.stop"),
        *[
            Binding(str(layer), f"layer({layer})", f"Layer {layer}", show=False, id=f"session.layer_{layer}")
            for layer in range(1, 10)
        ],
    ]

    points: reactive[bool] = reactive(False, init=False)
    """Every network's layers as points, or the mean over networks as a path."""
    ensemble: reactive[int] = reactive(0, init=False)
    everything: reactive[bool] = reactive(False, init=False)
    """All ensembles' planes side by side."""
    panel: reactive[str] = reactive("plane", init=False)
    """The chart that is shown where there is room for one or two."""
    hidden_layers: reactive[frozenset[int]] = reactive(frozenset(), init=False)

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.follower: Follower | None = None
        self._panels: dict[int, Panels] = {}
        self._looked = 0.0
        self._trouble = ""
        self._beside = "gradients"
        """The chart beside the plane, where there is room for two."""

    def compose(self) -> ComposeResult:
        """Status, charts with the table, timeline, keys."""
        yield Static(id="status", markup=False)
        yield Tabs(*[Tab(TITLES[name], id=f"tab-{name}") for name in PANELS], id="tabs")
        with Horizontal(id="body"):
            with Grid(id="charts"):
                for name in PANELS:
                    yield ChartView(id=name)
            with Vertical(id="side"):
                yield DataTable(id="layers", cursor_type="none", show_cursor=False)
        yield Grid(id="planes")
        yield Timeline(id="timeline")
        yield Footer(compact=True)
        yield TooSmall()

    def on_mount(self) -> None:
        """Open the session and begin to look at it."""
        table = self.query_one("#layers", DataTable)
        for key, label in (
            ("layer", "T"),
            ("width", "width"),
            ("i_x", "I(X;T)"),
            ("i_y", "I(T;Y)"),
            ("distinct", "t"),
            ("snr", "SNR"),
        ):
            table.add_column(label, key=key)
        self._open()
        self.watch_panel(self.panel)
        self.set_interval(LOOK_SECONDS, self._look)

    def _open(self) -> None:
        try:
            self.follower = Follower(self.path)
        except EngineError as error:
            self._trouble = str(error)
            self._show_status()
            return
        self._read()
        self._recall()

    def on_unmount(self) -> None:
        """Keep the view and let go of the file."""
        if self.follower is None:
            return
        view = {
            "panel": self.panel,
            "points": self.points,
            "ensemble": self.ensemble,
            "hidden": sorted(self.hidden_layers),
            "epoch": None if self.playback.following else self.playback.epoch,
        }
        self.app.views.keep(self.path, view)
        self.follower.close()
        if not self.follower.summary.live and Path(f"{self.path}-wal").exists():
            with suppress(EngineError):  # somebody else is still reading
                settle(self.path)

    def _recall(self) -> None:
        """Look at the session as it was last looked at."""
        view = self.app.views.recall(self.path)
        if self.follower is None:
            return
        if view.get("panel") in PANELS:
            self.panel = view["panel"]
        self.points = view.get("points") is True
        ensemble, hidden, epoch = view.get("ensemble"), view.get("hidden"), view.get("epoch")
        if isinstance(ensemble, int) and 0 <= ensemble < len(self.follower.summary.ensembles):
            self.ensemble = ensemble
        if isinstance(hidden, list) and all(isinstance(layer, int) for layer in hidden):
            self.hidden_layers = frozenset(hidden)
        if isinstance(epoch, int):
            self.playback = self.playback.to_epoch(epoch)

    # reading

    def _look(self) -> None:
        if not self.is_current or self.follower is None:
            return
        now = time.monotonic()
        if not self.follower.summary.live and now - self._looked < IDLE_LOOK_SECONDS:
            return
        self._looked = now
        try:
            changed = self.follower.update()
            self._trouble = ""
        except EngineError as error:
            self._trouble = str(error)
            changed = False
        if changed:
            self._read()
        else:
            self._show_status()

    def _read(self) -> None:
        """Take in what the follower has."""
        assert self.follower is not None
        self._panels = {}
        if self.current is None:
            self._show_status()
            return
        self.playback = self.playback.grown(self.current.epochs)
        timeline = self.query_one("#timeline", Timeline)
        timeline.total = self.follower.summary.experiment.epochs
        timeline.live = self.follower.summary.live
        self.draw()
        self._show_status()

    def panels_of(self, index: int) -> Panels | None:
        """What the charts of an ensemble are made of; None where nothing is measured."""
        if self.follower is None or not 0 <= index < len(self.follower.summary.ensembles):
            return None
        if index not in self._panels:
            try:
                self._panels[index] = Panels(self.follower, index)
            except KeyError:  # nothing of it is recorded yet
                return None
        return self._panels[index]

    @property
    def current(self) -> Panels | None:
        """The chosen ensemble's."""
        return self.panels_of(self.ensemble)

    # drawing

    def _shown(self, panels: Panels) -> tuple[int, ...]:
        every = tuple(range(len(panels.widths)))
        shown = tuple(k for k in every if k + 1 not in self.hidden_layers)
        return shown or every  # another ensemble may have no layer but those hidden

    @property
    def growing(self) -> bool:
        """Whether a run is at work on the session."""
        return self.follower is not None and self.follower.summary.live

    def draw(self) -> None:
        """Give the charts on screen what they show now."""
        panels = self.current
        if panels is None:
            return
        self.query_one("#timeline", Timeline).playback = self.playback
        epoch = self.playback.epoch
        if self.everything:
            self._draw_all(epoch)
        else:
            for name in PANELS:
                view = self.query_one(f"#{name}", ChartView)
                if view.display or name == self.panel:
                    view.show(panels.chart(name, epoch=epoch, shown=self._shown(panels), points=self.points))
        self._fill_table(panels.figures(epoch))

    def _draw_all(self, epoch: int) -> None:
        assert self.follower is not None
        for index in range(len(self.follower.summary.ensembles)):
            panels = self.panels_of(index)
            found = self.query(f"#plane-{index}")
            if panels is not None and found:
                spec = panels.chart("plane", epoch=epoch, shown=self._shown(panels), points=self.points)
                view = found.first(ChartView)
                view.show(spec)
                view.name_it(panels.title)

    def _fill_table(self, figures: list[LayerFigures]) -> None:
        table = self.query_one("#layers", DataTable)
        if table.row_count != len(figures):
            table.clear()
            for one in figures:
                table.add_row(*[""] * 6, key=str(one.layer))
            table.call_after_refresh(table.notify_style_update)  # else rows drawn too early keep narrow columns
        for one in figures:
            key = str(one.layer)
            name = "out" if one.layer == len(figures) else key
            hidden = " hidden" if one.layer in self.hidden_layers else ""
            cells = {
                "layer": name + hidden,
                "width": str(one.width),
                "i_x": _spread(one.i_x, one.i_x_std),
                "i_y": _spread(one.i_y, one.i_y_std),
                "distinct": f"{one.distinct:.0f}",
                "snr": "–" if one.snr != one.snr else f"{one.snr:.3g}",
            }
            for column, text in cells.items():
                table.update_cell(key, column, text, update_width=True)

    def _show_status(self) -> None:
        status = self.query_one("#status", Static)
        if self._trouble or self.follower is None:
            status.update(printable(self._trouble))
            return
        summary = self.follower.summary
        epochs = summary.experiment.epochs
        parts = [summary.name, f"run: {summary.status}"]
        if summary.live and summary.writer is not None:
            parts.append(f"at epoch {summary.epochs_done} of {epochs}")
            if summary.status == "running" and summary.writer.rate:
                parts.append(f"{summary.writer.rate:.0f} epochs/s")
                parts.append(f"{duration(summary.writer.remaining)} left")
        if len(summary.ensembles) > 1 and self.current is not None and not self.everything:
            parts.append(f"ensemble {self.ensemble + 1}/{len(summary.ensembles)}")
        parts.append(estimator(summary))
        status.update(printable("  ·  ".join(parts)))

    # what changes the view

    def watch_points(self) -> None:
        """Networks or means."""
        self.draw()

    def watch_ensemble(self) -> None:
        """Another ensemble is chosen."""
        if self.current is not None:
            self.playback = self.playback.grown(self.current.epochs)
        self.draw()
        self._show_status()

    def watch_hidden_layers(self) -> None:
        """Layers have come or gone."""
        self.draw()

    def watch_panel(self, panel: str) -> None:
        """Another chart is chosen."""
        if panel != "plane":
            self._beside = panel
        for name in PANELS:
            view = self.query_one(f"#{name}", ChartView)
            view.set_class(name == panel, "chosen")
            view.set_class(name == self._beside, "beside")
        tabs = self.query_one("#tabs", Tabs)
        with tabs.prevent(Tabs.TabActivated):
            tabs.active = f"tab-{panel}"
        self.query_one(f"#{panel}", ChartView).focus()
        self.call_after_refresh(self.draw)

    async def watch_everything(self, everything: bool) -> None:
        """One ensemble, or all of them side by side."""
        self.set_class(everything, "everything")
        grid = self.query_one("#planes", Grid)
        await grid.remove_children()
        if everything and self.follower is not None:
            count = len(self.follower.summary.ensembles)
            columns = 1 if count == 1 else 2 if count in (2, 4) else 3
            grid.styles.grid_size_columns = columns
            await grid.mount(*[ChartView(id=f"plane-{index}") for index in range(count)])
            self.call_after_refresh(self.draw)
        else:
            self.draw()
        self._show_status()

    def on_resize(self) -> None:
        """Other charts may have come on screen."""
        self.call_after_refresh(self.draw)

    def on_screen_resume(self) -> None:
        """What has been measured meanwhile."""
        self._looked = 0.0
        self._look()
        self.pace()

    def on_tabs_tab_activated(self, event: Tabs.TabActivated) -> None:
        """A tab was chosen."""
        if event.tab.id and event.tab.id == event.tabs.active:  # an earlier choice may arrive after a later one
            self.panel = event.tab.id.removeprefix("tab-")

    def on_chart_view_moved(self, event: ChartView.Moved) -> None:
        """Charts over epochs share the cross-hair's epoch."""
        view, values = event.view, event.values
        if view.id not in PANELS[1:]:
            return
        for name in PANELS[1:]:
            other = self.query_one(f"#{name}", ChartView)
            if other is view or not other.display:
                continue
            image = other.image
            if values is None or image is None or image.area is None:
                other.cursor = None
                continue
            unit = float(image.area.x.to_unit([values[0]])[0])
            if 0 <= unit <= 1:
                row = other.cursor[1] if other.cursor else image.area.top + image.area.height // 2
                with other.prevent(ChartView.Moved):
                    other.cursor = (image.area.left + image.area.column(unit), row)

    # keys

    def action_ensemble(self, steps: int) -> None:
        """Choose another ensemble of the grid."""
        if self.follower is not None:
            self.ensemble = (self.ensemble + steps) % max(len(self.follower.summary.ensembles), 1)

    def action_all(self) -> None:
        """All ensembles side by side, or one."""
        self.everything = not self.everything

    def action_points(self) -> None:
        """Every network's layers, or their mean's path."""
        self.points = not self.points

    def action_full(self) -> None:
        """One chart over the whole screen, or all as before."""
        if self.maximized is not None:
            self.minimize()
        else:
            focused = self.focused
            self.maximize(focused if isinstance(focused, ChartView) else self.query_one(f"#{self.panel}"))
        self.call_after_refresh(self.draw)

    def action_panel(self, steps: int) -> None:
        """Choose the next chart."""
        self.panel = PANELS[(PANELS.index(self.panel) + steps) % len(PANELS)]

    def action_layer(self, layer: int) -> None:
        """Show or hide a layer."""
        panels = self.current
        if panels is not None and layer <= len(panels.widths):
            kept = self.hidden_layers ^ {layer}
            if not kept.issuperset(range(1, len(panels.widths) + 1)):
                self.hidden_layers = kept

    def action_copy(self) -> None:
        """Copy the chosen chart as text."""
        focused = self.focused
        view = focused if isinstance(focused, ChartView) else self.query_one(f"#{self.panel}", ChartView)
        self.app.copy_to_clipboard(view.text())
        self.notify("chart copied as text")

    def action_run(self, command: str) -> None:
        """Ask the run itself to pause, go on or stop."""
        try:
            send(self.path, command)
            self.notify(f"asked the run to {command}")
        except EngineError as error:
            self.notify(printable(str(error)), severity="warning", markup=False)

    def action_leave(self) -> None:
        """Back to the library; the run, if there is one, goes on."""
        if self.maximized is not None:
            self.minimize()
        else:
            self.dismiss()


def _spread(mean: float, std: float) -> str:
    return f"{mean:.3f} ± {std:.3f}"

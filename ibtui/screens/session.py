"""The session screen: a session's charts, live while it runs and replayed afterwards; both are the same.

The view (playhead, layers, zoom) is here alone. The run is another process: pausing, resuming and stopping it are
keys of their own, with capital letters, and go through the session file.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Horizontal, Vertical
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static, Tab, Tabs

from ibtui.arrangement import CHARTS, HUGE, TITLES, WIDE, Arrangement
from ibtui.bound_fits import BoundFits
from ibtui.charts.lettering import clean
from ibtui.charts.spec import ChartSpec
from ibtui.commands import ask
from ibtui.diffusions import Diffusions
from ibtui.draw_budget import OPENING_CREDIT, DrawBudget
from ibtui.ensemble_charts import EnsembleCharts
from ibtui.epoch_display import LOGARITHMIC
from ibtui.formatting import printable
from ibtui.locations import is_example
from ibtui.measuring import MeasuringAgain
from ibtui.messages import ResumeRun, ShowMap
from ibtui.playback import MOST_BEHIND
from ibtui.screens.playback import PlaybackScreen
from ibtui.screens.starting import SLOW, SLOW_SECONDS
from ibtui.session_view import SessionView
from ibtui.settings import Views
from ibtui.status import about, elsewhere, status_line
from ibtui.widgets.bound_view import BoundView
from ibtui.widgets.chart_view import ChartView
from ibtui.widgets.keys_footer import KeysFooter
from ibtui.widgets.layers_table import LayersTable
from ibtui.widgets.linked import link
from ibtui.widgets.multiples import Multiples
from ibtui.widgets.phases_view import PhasesView
from ibtui.widgets.text import write
from ibtui.widgets.timeline import Timeline
from ibtui.widgets.too_small import TooSmall
from ibtui_engine.bottleneck.fits import why_no_beta, why_no_curve
from ibtui_engine.errors import EngineError
from ibtui_engine.layer_names import layer_heading
from ibtui_engine.session.control import send
from ibtui_engine.session.follow import Follower
from ibtui_engine.setting import written
from ibtui_engine.settings import USED_BY

if TYPE_CHECKING:
    from ibtui_engine.bottleneck.curve import Curve
    from ibtui_engine.session.summary import Ability

FIRST_LOOK_SECONDS = 0.1
"""How often a session that has measured nothing yet is looked at."""
LOOK_SECONDS = 0.4
"""How often one that runs."""
SPARING_LOOK_SECONDS = 0.8
"""How often one that runs, once the computing that was given for its beginning is used up and no beta* waits for it."""
CURVE_SECONDS = 2.0
"""After which the IB curve is read, so that it is there when somebody wants to see it."""
CARRY_SECONDS = 1.0
"""Seconds after which a run is followed by a step, whatever that costs."""
IDLE_LOOK_SECONDS = 1.0
"""How often one that does not."""
CATCHING_UP_SECONDS = 0.03
"""Of computing that the budget is given for each snapshot behind the end when a session is opened."""
CLOSE_BEHIND = 4
"""Snapshots that a followed run may be ahead of its charts where the drawing budget is used up, before some are left
out."""

TURN_SECONDS = 0.05
"""From a look to its charts, and from one chart with new data to the next: a key waits for one of them at most."""

BESIDE_CHARTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"layers": ("#layers", "#side-layers"), "bound": ("#bound", "#side-bound"), "phases": ("#phases",)}
)
"""What is shown of an epoch beside the charts, and where."""
ENSEMBLE, MEASURE = Binding.Group("Ensemble", compact=True), Binding.Group("Measure", compact=True)
"""Keys that the footer shows together."""
AT_EPOCH = ("plane", "kept")
"""Charts of an epoch; the others are over epochs."""
OF_INFORMATION = ("plane", "kept", "bound", "phases", "layers")
"""What is made of I(X;T) and I(T;Y), and changes with the bins and the estimator."""
OVER_EPOCHS = ("chart.left", "session.scale", "session.focus", "session.singles", "session.smooth", "session.full")
HINTS = {
    "plane": ("chart.left", "session.points", "session.bound", "session.layers", "session.full"),
    "gradients": OVER_EPOCHS,
    "snr": OVER_EPOCHS,
    "learning": tuple(key for key in OVER_EPOCHS if key != "session.focus"),
    "kept": ("chart.left", "session.layers", "session.full"),
    "bound": ("chart.left", "chart.zoom_in", "session.full"),
}
"""Keys that a chart with the focus names in its border."""
HINTED = {
    "chart.left": "read",
    "chart.zoom_in": "zoom",
    "session.bound": "bound",
    "session.scale": "log",
    "session.focus": "layer",
    "session.singles": "networks",
}
"""What they are called there, where that is shorter."""


class SessionScreen(PlaybackScreen):
    """Shows one session."""

    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (WIDE, "-wide"), (HUGE, "-huge")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (20, "-low"), (34, "-tall")]  # noqa: RUF012

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Library", id="session.leave"),
        Binding("p", "points", "Points", tooltip="Every network's points, or the mean's path", id="session.points"),
        Binding("b", "bound", "IB bound", tooltip="The IB curve in the plane", show=False, id="session.bound"),
        Binding("H", "held_out", "Held out", tooltip="The plane of the rows of a table that are held out, or of those "
                "that train", show=False, id="session.held_out"),
        Binding("question_mark", "app.help", "Help", id="app.help"),
        Binding("tab", "panel(1)", "Chart", tooltip="Next chart", id="session.panel", priority=True),
        Binding("shift+tab", "panel(-1)", "Chart before", show=False, id="session.panel_back", priority=True),
        Binding("f", "full", "Full", tooltip="Full screen, and back", id="session.full"),
        Binding("left_square_bracket", "ensemble(-1)", "Ensemble before", id="session.ensemble_back", group=ENSEMBLE),
        Binding("right_square_bracket", "ensemble(1)", "Next ensemble", id="session.ensemble", group=ENSEMBLE),
        Binding("a", "all", "All", tooltip="All ensembles side by side", id="session.all"),
        Binding("M", "map", "Map", tooltip="What all ensembles of a grid came to", show=False, id="session.map"),
        Binding("w", "export", "Export", tooltip="Export as table, picture, film or page", show=False,
                id="session.export"),
        Binding("left_parenthesis", "bins(-1)", "Fewer bins", id="measure.fewer_bins", group=MEASURE),
        Binding("right_parenthesis", "bins(1)", "More bins", id="measure.more_bins", group=MEASURE),
        Binding("e", "estimator", "Next estimator", id="measure.estimator", group=MEASURE),
        Binding("E", "recorded", "As recorded", tooltip="The numbers as recorded", show=False, id="measure.recorded"),
        Binding("W", "save", "Save measured", tooltip="Save what is measured again", show=False, id="measure.save"),
        Binding("h", "layers", "Layers", tooltip="Choose the layers to draw", show=False, id="session.layers"),
        Binding("v", "layout", "Layout", tooltip="Choose the charts to show beside one another", show=False,
                id="session.layout"),
        Binding("P", "run('pause')", "Pause", tooltip="Pause the run", id="run.pause"),
        Binding("R", "run('resume')", "Resume", tooltip="Resume the run, further if it is finished", id="run.resume"),
        Binding("S", "run('stop')", "Stop", tooltip="Stop the run", id="run.stop"),
        *[
            Binding(str(k), f"layer({k})", f"Show or hide layer {k}", show=False, id=f"session.layer_{k}")
            for k in range(1, 10)
        ],
    ]  # fmt: skip

    points: reactive[bool] = reactive(False, init=False, repaint=False)
    """Every network's layers as points, or the mean over networks as a path."""
    ensemble: reactive[int] = reactive(0, init=False, repaint=False)
    everything: reactive[bool] = reactive(False, init=False, repaint=False)
    """All ensembles side by side, in the chosen chart."""
    panel: reactive[str] = reactive("plane", init=False, repaint=False)
    """What is chosen: one of `TITLES`."""
    hidden_layers: reactive[frozenset[int]] = reactive(frozenset(), init=False, repaint=False)
    bound_line: reactive[bool] = reactive(False, init=False, repaint=False)
    """The IB curve in the plane."""
    held_out: reactive[bool] = reactive(False, init=False, repaint=False)
    """The plane of the rows that are held out."""

    def __init__(self, follower: Follower, views: Views, directory: Path, first: int | None = None) -> None:
        """`follower`: of the session, closed with the screen; `views`: where it is kept how sessions were looked at;
        `directory`: where sessions are saved; `first`: the index of the ensemble to begin with, in place of the last.
        """
        super().__init__()
        self._first = first
        self._example = is_example(follower.path)
        self._status = ""
        """Of the run, when it was last told."""
        self.follower = follower
        self.path = follower.path
        self.views = views
        self._directory = directory
        self._budget = DrawBudget()
        self._again = MeasuringAgain(self.path, follower.summary.experiment, self.renew, self._complain)
        self._bound = BoundFits(self.path, self._renew_bound, self._complain, self._rule_of)
        self._drawn_curves: tuple[Curve | None, ...] = ()
        """What is known of the curve was this when it was last drawn."""
        self._diffusions = Diffusions(self._worker("diffusion"), self.renew, self._complain)
        self._charts: dict[int, EnsembleCharts] = {}
        self._looked = 0.0
        self._opened = time.monotonic()
        self._stale = False
        """Whether something new has been read, but is not yet shown."""
        self._turns: list[str] = []
        """Charts, and the table, whose new data are still to be drawn, one after another: a key is never behind more
        than one."""
        self._turning = False
        """Whether they are being drawn."""
        self._replay_offered = not follower.summary.live
        self._choice: tuple[object, ...] = ()
        """What was chosen to be shown when it was last drawn."""
        self._trouble = ""
        self._arrangement = Arrangement()

    def _worker(self, group: str) -> Callable[[Coroutine[Any, Any, None]], object]:
        """What runs a coroutine beside the screen, after ending the one before of the same group."""
        return partial(self.run_worker, group=group, exclusive=True)

    def _complain(self, text: str) -> None:
        self.notify(printable(text), severity="warning", markup=False)

    def compose(self) -> ComposeResult:
        """Status, charts with the table, timeline, keys."""
        yield Static(id="status", markup=False)
        yield Tabs(*[Tab(title, id=f"tab-{name}") for name, title in TITLES.items()], id="tabs")
        with Horizontal(id="body"):
            with Grid(id="charts"):
                for name in CHARTS:
                    yield ChartView(id=name)
                yield BoundView(id="bound")
                yield PhasesView(id="phases")
                yield LayersTable(id="layers")
            with Vertical(id="side"):
                yield LayersTable(id="side-layers")
                yield Static(id="about", markup=False)
                yield BoundView(id="side-bound")
        yield Multiples(id="each")
        yield Static(id="commentary", markup=False)
        yield Timeline(id="timeline")
        yield KeysFooter()
        yield TooSmall()

    def on_mount(self) -> None:
        """Show the session as it was last looked at, and look for news from time to time."""
        self._arrangement = Arrangement(self.views.recall_layout(TITLES))
        self._arrange()  # what is not on screen is not worked out
        self._take_in()
        self.recall()
        self._open_budget()
        self.watch_panel(self.panel)
        self.pace()
        self.set_interval(FIRST_LOOK_SECONDS, self._look)
        self.set_timer(CURVE_SECONDS, self._prepare_bound)

    def _rule_of(self, ensemble: int) -> int:
        """The number of the rule that an ensemble learns."""
        return next(one.rule.number for one in self.follower.summary.ensembles if one.index == ensemble)

    def _prepare_bound(self) -> None:
        if (charts := self.current) is not None:
            self._bound.prepare(charts.ensemble.index)

    def _open_budget(self) -> None:
        """Allow for what is to be seen at once: the beginning of a run, or what was measured in one's absence."""
        self._budget.drawn("plane")
        new = self.growing and self.playback.index == 0  # it is seen from its first snapshot on
        self._budget.open(OPENING_CREDIT if new else min(self.playback.behind * CATCHING_UP_SECONDS, OPENING_CREDIT))

    async def on_unmount(self) -> None:
        """Keep the view and let go of the file."""
        self.keep_view()
        self._bound.close()
        self._again.close()
        self.follower.close()

    def keep_view(self) -> None:
        """Keep how the session is looked at, for when it is opened again."""
        view = SessionView(
            panel=self.panel,
            beside=self._arrangement.beside,
            points=self.points,
            bound=self.bound_line,
            held_out=self.held_out,
            ensemble=self.ensemble,
            everything=self.everything,
            hidden=tuple(sorted(self.hidden_layers)),
            epoch=self.playback.epoch,
            following=self.playback.following,
            over_epochs=self.over_epochs,
        )
        self.views.keep(self.path, view.to_dict())

    def recalled(self) -> Mapping[str, Any]:
        """What is known of how the session is to be looked at: how it last was."""
        return self.views.recall(self.path)

    def recall(self) -> None:
        """Look at the session as it was last looked at."""
        summary = self.follower.summary
        count, telling = len(summary.ensembles), summary.telling
        first = 0 if telling is None else summary.ensembles.index(telling)
        view = SessionView.from_dict(self.recalled(), panels=TITLES, ensembles=count, first=first)
        self._arrangement = self._arrangement.choosing(view.beside)
        self.panel = view.panel
        self.points = view.points
        self.bound_line = view.bound
        self.held_out = view.held_out
        indices = [one.index for one in summary.ensembles]
        self.ensemble = indices.index(self._first) if self._first in indices else view.ensemble
        self.hidden_layers = frozenset(view.hidden)
        self.over_epochs = view.over_epochs
        self._recall_epoch(view)
        self.everything = view.everything and self._first is None

    def _recall_epoch(self, view: SessionView) -> None:
        """To where the playhead was. A run is followed from there, or from its first epoch where it was never seen."""
        if view.epoch is not None and not view.following:
            self.playback = self.playback.to_epoch(view.epoch)
        elif not self.growing:
            self.playback = self.playback.live()
        else:
            seen = self.playback.from_epoch(view.epoch or 0)
            self.playback = seen if seen.behind <= MOST_BEHIND else seen.live()

    # keys in the footer

    def fits(self, binding: Binding) -> bool:
        """Whether the footer is to show a key."""
        summary = self.follower.summary
        match binding.id or "":
            case "session.ensemble" | "session.ensemble_back" | "session.all":
                return len(summary.ensembles) > 1
            case "measure.more_bins" | "measure.fewer_bins" | "measure.estimator" as name:
                beside = self.app.size.width >= WIDE and not self.everything  # the plane is there whatever is chosen
                able = summary.can("estimators" if name == "measure.estimator" else "remeasure")
                return (self.panel in OF_INFORMATION or beside) and able
            case "run.pause":
                return summary.status == "running"
            case "run.stop":
                return summary.live
            case "run.resume":
                able = summary.live or summary.can("resume")
                return able and summary.status != "running" and not self._example
            case _:
                return super().fits(binding)

    # reading

    def _look(self) -> None:
        """See whether there is something new."""
        if not self.is_current:
            return
        now = time.monotonic()
        often = SPARING_LOOK_SECONDS if self._sparing and not self._bound_shown else LOOK_SECONDS
        if not self.playback.epochs:
            often = FIRST_LOOK_SECONDS
        if now - self._looked < (often if self.growing else IDLE_LOOK_SECONDS) and not self._stale:
            return
        self._looked = now
        try:
            self._stale = self.follower.update() or self._stale
            self._trouble = elsewhere(self.path, self.follower.place)
        except EngineError as error:
            self._trouble = elsewhere(self.path, self.follower.place) or str(error)
        if self._stale and not self.busy:
            self.set_timer(TURN_SECONDS, self._take_in)  # a key may come first
        else:
            self._show_status()
            self._begin_turns()
            if self.current is None:
                self.draw()

    def _take_in(self) -> None:
        """Take in what the follower has. The playhead is carried along by `carry`, which draws the plane; the other
        charts wait for their turns.
        """
        if self.left:
            return
        self._stale = False
        self._charts = {}
        self._show_status()
        if self.current is None:
            self._show_timeline()
            self.draw()
            return
        first = not self.playback.epochs
        self.set_reactive(PlaybackScreen.playback, self.playback.grown(self.current.epochs))
        self._show_timeline(drift_end=first or not self.growing)
        if first:
            self._open_budget()
        if first or not self.growing:
            self._turns = []
            self.draw()
        else:
            following = self.playback.following
            self._turns = [name for name in (*CHARTS, *BESIDE_CHARTS) if name != "plane" or not following]
            self._begin_turns()
        if self.playback.pace is not None and not self.moving:
            self.pace()
        self._offer_replay()

    def _offer_replay(self) -> None:
        """Say once that a run which was watched to its end can be seen again."""
        taken_in = not self._stale  # the run may have measured more before it ended than the playhead knows of
        if taken_in and not self._replay_offered and not self.growing and self.playback.at_end:
            self._replay_offered = True
            self.notify(
                f"The run is {self.follower.summary.status}. Press space to replay it from epoch 0.", timeout=10
            )

    def watch_playback(self) -> None:
        """The playhead has moved: the plane is another one, and cannot wait for its turn."""
        self._turns = [name for name in self._turns if name != "plane"]
        super().watch_playback()
        self._offer_replay()

    def carry(self) -> None:
        """Follow a run by a step, as soon as the drawing budget allows; then by more, if it falls behind."""
        if self._at_work and not self._budget.due("plane", CARRY_SECONDS):
            self.pace()
        else:
            self._budget.drawn("plane")
            self.playback = self.playback.carried(CLOSE_BEHIND if self._sparing else MOST_BEHIND)

    @property
    def _at_work(self) -> bool:
        """Whether a run is at work that drawing takes computing from."""
        return self.follower.summary.status == "running"

    @property
    def _sparing(self) -> bool:
        """Whether the computing that was given for the beginning is used up."""
        return self._at_work and not self._budget.ample

    def _begin_turns(self) -> None:
        """Draw what has new data, piece by piece, as soon as the drawing budget allows."""
        if self._turns and not self._turning and (not self._at_work or self._budget.due("charts")):
            self._budget.drawn("charts")
            self._turning = True
            self._take_turns()

    def _take_turns(self) -> None:
        """Draw the chart whose turn it is; the next one in a while."""
        charts = self.current
        if not self._turns or self.left or charts is None:
            self._turning = False
            self._show_timeline()
            return
        if time.monotonic() - self._drawn >= TURN_SECONDS or self.playback.behind:  # else a key has just been pressed
            name = self._turns.pop(0)
            if name in CHARTS:
                self._show_chart(charts, name)
            else:
                self._show_beside(charts, name)
        self.set_timer(TURN_SECONDS, self._take_turns)

    def charts_of(self, index: int) -> EnsembleCharts | None:
        """What the charts of an ensemble are made of; None where nothing is measured."""
        if not 0 <= index < len(self.follower.summary.ensembles):
            return None
        if index not in self._charts:
            try:
                recorded = self.follower.recorded_ensemble(index, self._again.place)
                self._charts[index] = EnsembleCharts(recorded, self._again)
            except KeyError:  # nothing of it is recorded yet
                return None
        return self._charts[index]

    @property
    def current(self) -> EnsembleCharts | None:
        """The chosen ensemble's."""
        return self.charts_of(self.ensemble)

    @property
    def growing(self) -> bool:
        """Whether a run is at work on the session."""
        return self.follower.summary.live

    @property
    def transition(self) -> float | None:
        """Where the drift of the chosen ensemble's networks ends."""
        return None if self.current is None else self.current.drift_end

    @property
    def chosen_charts(self) -> tuple[str, ...]:
        """The chosen chart if it is over epochs, or else all."""
        return (self.panel,) if self.panel in LOGARITHMIC else tuple(LOGARITHMIC)

    @property
    def layers_shown(self) -> tuple[int, ...]:
        """Those of the chosen ensemble that are not hidden."""
        return () if self.current is None else self._shown(self.current)

    # drawing

    def _shown(self, charts: EnsembleCharts) -> tuple[int, ...]:
        every = tuple(range(len(charts.widths)))
        shown = tuple(k for k in every if k + 1 not in self.hidden_layers)
        return shown or every  # another ensemble may have no layer but those hidden

    def _hidden(self, charts: EnsembleCharts) -> frozenset[int]:
        """The numbers, from 1, of the layers that are not drawn."""
        return frozenset(range(1, len(charts.widths) + 1)) - {k + 1 for k in self._shown(charts)}

    def draw(self) -> None:
        """Give the charts on screen what they show now."""
        if self.left:
            return
        charts = self.current
        if charts is None:
            for view in self.query(ChartView):
                view.clear(self._why_empty())
            return
        shown = self._shown(charts)
        seen = self.points, self.bound_line, self.held_out, self.everything
        choice = (self.ensemble, seen, shown, self.basis, self.over_epochs)
        if choice != self._choice:
            self._choice, self._turns = choice, []
        if self.everything:
            self._draw_each()
        else:
            for name in CHARTS:
                self._show_chart(charts, name)
        self._show_commentary(charts)
        for name in BESIDE_CHARTS:
            if name not in self._turns:
                self._show_beside(charts, name)
        self._ask_again()

    def _why_empty(self) -> str:
        """Why there is nothing to draw yet."""
        if not self.growing:
            return "nothing has been measured"
        waited = time.monotonic() - self._opened
        return f"measuring epoch 0 …{f' ({SLOW})' if waited > SLOW_SECONDS else ''}"

    def _show_beside(self, charts: EnsembleCharts, name: str) -> None:
        """Show what else there is of an epoch, where it can be seen."""
        epoch = self.playback.epoch
        for view in map(self.query_one, BESIDE_CHARTS[name]):
            if isinstance(view, LayersTable):
                if all(widget.display for widget in (view, *view.ancestors)):
                    view.show(charts.figures(epoch), self._hidden(charts), charts.caveats(epoch))
            elif view.display and not self.everything:
                if isinstance(view, BoundView):
                    self._show_bound(view, charts)
                elif isinstance(view, PhasesView):
                    self._show_phases(view, charts)

    def _show_commentary(self, charts: EnsembleCharts) -> None:
        """Say what happens at the playhead."""
        told = "" if self.everything else charts.commentary(self.playback.epoch)
        write(self.query_one("#commentary", Static), printable(told))

    def renew(self) -> None:
        """Other numbers are to be shown."""
        self._charts = {}
        self._show_status()
        self.draw_soon()

    def _show_chart(self, charts: EnsembleCharts, name: str) -> None:
        """Give a chart what it shows now; as long as its turn has not come, with the data that it has."""
        view = self.query_one(f"#{name}", ChartView)
        if view.display and not self.everything:
            old = view.spec if name in self._turns else None
            view.show(old or self._spec(charts, name), self._moment(name))

    def _spec(self, charts: EnsembleCharts, name: str) -> ChartSpec:
        shown = self._shown(charts)
        display = self.over_epochs.of(name, shown, len(charts.widths))
        spec = charts.chart(
            name,
            epoch=self.playback.epoch,
            shown=shown,
            points=self.points,
            display=display,
            held_out=self.held_out,
        )
        held_out = self.held_out and charts.ensemble.rule.held_out is not None
        no_curve = held_out or why_no_curve(charts.summary.experiment)
        if name != "plane" or not self.bound_line or no_curve:  # the curve is of the rows that train
            return spec
        self._bound.want_curve(charts.ensemble.index)
        curve = self._bound.curve_of(charts.ensemble.index)
        return spec if curve is None else charts.with_bound(spec, curve)

    def _draw_each(self) -> None:
        name = self.panel if self.panel in CHARTS else "plane"
        there = ((index, self.charts_of(index)) for index in range(len(self.follower.summary.ensembles)))
        specs = {index: (one.title, self._spec(one, name)) for index, one in there if one is not None}
        self.query_one("#each", Multiples).show(specs, self._moment(name))

    def _moment(self, name: str) -> float | None:
        """Where the playhead is on a chart's x axis, if that has epochs."""
        return None if name in AT_EPOCH else self.playback.epoch

    def _show_bound(self, view: BoundView, charts: EnsembleCharts) -> None:
        """The curve with an ensemble's layers; beta* at the shown epoch is found where it is not known."""
        index, measured, hidden = charts.ensemble.index, charts.ensemble.snapshots, self._hidden(charts)
        curve = self._bound.curve_of(index)
        behind = self.growing and self.playback.following and measured  # the newest counts, not what is caught up with
        epoch = measured[-1] if behind else charts.at(self.playback.epoch)
        fits = None if curve is None else charts.distances(curve, epoch)
        if why_no_beta(charts.summary, charts.ensemble) or epoch not in measured:
            self._bound.want_curve(index)
        else:
            self._bound.want(index, epoch, sparing=self.growing, newest=bool(behind))
            fits = self._bound.shown(index, epoch)
        no_curve = why_no_curve(charts.summary.experiment) if why_no_beta(charts.summary, charts.ensemble) else ""
        if curve is None or no_curve:
            waiting = "There is no IB curve." if self._bound.ended else "finding the IB curve …"
            view.wait_for(charts.shown.layer_names, f"Not shown: {no_curve}." if no_curve else waiting, hidden)
        else:
            spec = charts.bound(curve, epoch, fits, self._bound.hard_of(index), self._shown(charts))
            view.show(spec, charts.shown.layer_names, fits, self._bound.said(index, fits), hidden)

    def _renew_bound(self) -> None:
        """More is known of the bound."""
        charts = self.current
        if self.left or charts is None:
            return
        known = tuple(map(self._bound.curve_of, (one.index for one in self.follower.summary.ensembles)))
        drawn, self._drawn_curves = self._drawn_curves, known
        if self.bound_line and drawn != known:
            self.draw_soon()
        else:
            self._show_beside(charts, "bound")

    def _show_phases(self, view: PhasesView, charts: EnsembleCharts) -> None:
        """The phases of an ensemble; its weights are read where that has not been done."""
        found = None
        if why := self.follower.summary.why_not("weights"):
            waiting = f"No displacements and correlations: {why}."
        elif self.growing:
            waiting = "Displacements and correlations are worked out when the run has ended."
        else:
            waiting = "reading the weights …"
            self._diffusions.want(charts)
            found = self._diffusions.of(charts)
        view.show(charts.title, charts.phases, charts.names, found, waiting, self._hidden(charts))

    def _show_timeline(self, *, drift_end: bool = True) -> None:
        """`drift_end`: find where drift ends, too, which takes time; else it stays where it was."""
        if self.left:
            return
        timeline = self.query_one("#timeline", Timeline)
        timeline.total = self.follower.summary.experiment.epochs
        timeline.live = self.follower.summary.live
        if drift_end:
            timeline.drift_end = self.transition
        timeline.playback = self.playback

    def _show_status(self) -> None:
        if self.left:
            return
        status = self.query_one("#status", Static)
        if self._trouble:
            write(status, printable(self._trouble))
            return
        summary = self.follower.summary
        if summary.status != self._status:  # other keys have something to do
            self._status = summary.status
            self.refresh_bindings()
        current = self.current
        ensemble = None if current is None or self.everything else self.ensemble
        width = self.app.size.width - 2
        line = printable(status_line(summary, self.basis, ensemble=ensemble, width=width))
        write(status, clean(line))
        told = about(summary, None if current is None else current.ensemble)
        write(self.query_one("#about", Static), "\n".join(printable(line) for line in told))

    # measuring again

    @property
    def basis(self) -> str:
        """What the shown numbers rest on, in a few words."""
        current = self.current
        return self._again.basis(0 if current is None else self.ensemble, () if current is None else current.epochs)

    def _ask_again(self) -> None:
        """Have measured what is shown and still missing."""
        current = self.current
        if current is not None and self._again.active:
            self._again.ask(current.ensemble.index, self.playback.epoch, current.epochs)

    def _change(self, change: Callable[[MeasuringAgain], None], ability: Ability = "remeasure") -> None:
        if why := self.follower.summary.why_not(ability):
            self._complain(f"not measured again: {why}")
            return
        try:
            change(self._again)
        except EngineError as error:
            self._complain(str(error))

    def action_bins(self, steps: int) -> None:
        """Measure again with more or fewer bins."""
        self._change(lambda again: again.step_bins(steps))

    def action_estimator(self) -> None:
        """Measure again with another estimator; of a recording, show what the next one said."""
        self._change(MeasuringAgain.next_estimator, "estimators")

    def action_recorded(self) -> None:
        """Back to the numbers as recorded."""
        self._again.as_recorded()

    @work(exclusive=True, group="save")
    async def action_save(self) -> None:
        """Save the session as measured again under a name of its own."""
        if why := self.follower.summary.why_not("remeasure"):
            self._complain(f"not measured again: {why}")
            return
        if not self._again.active:
            self.notify("nothing is measured again: ( and ) change the bins, e the estimator")
            return
        chosen = self._again.experiment
        command = ["remeasure", str(self.path.absolute()), "--estimator", chosen.estimator]
        for name, estimators in USED_BY.items():
            if chosen.estimator in estimators and getattr(chosen, name) is not None:
                command += [f"--{written(name)}", str(getattr(chosen, name))]
        command += ["--sessions-dir", str(self._directory.absolute())]
        answer = await ask(*command)
        self.notify(printable(answer.said), severity="error" if answer.status else "information", markup=False)

    # what changes the view

    def watch_points(self) -> None:
        """Networks or means."""
        self.draw_soon()

    def watch_bound_line(self) -> None:
        """The IB curve in the plane, or not."""
        self.draw_soon()

    def watch_held_out(self) -> None:
        """Rows that are held out, or those that train."""
        self.draw_soon()

    def watch_ensemble(self) -> None:
        """Another ensemble is chosen."""
        if self.current is not None:
            self.set_reactive(PlaybackScreen.playback, self.playback.grown(self.current.epochs))
            self._show_timeline()
        self.draw_soon()
        self.pace()
        self._show_status()

    def watch_hidden_layers(self) -> None:
        """Layers have come or gone."""
        self.draw_soon()

    def watch_panel(self, panel: str) -> None:
        """Something else is chosen."""
        self._arrangement = self._arrangement.choosing(panel)
        self._arrange()
        self.refresh_bindings()
        tabs = self.query_one("#tabs", Tabs)
        with tabs.prevent(Tabs.TabActivated):
            tabs.active = f"tab-{panel}"
        if not self.everything:
            bound = "#side-bound-chart" if self._five else "#bound-chart"
            there = self.query_one(bound if panel == "bound" else f"#{panel}")
            (there if there.display else self.query_one("#side-layers")).focus()
        self.call_after_refresh(self.draw)

    @property
    def _bound_shown(self) -> bool:
        """Whether the bound is on the screen."""
        bound = "#side-bound" if self._five else "#bound"
        return not self.everything and self.query_one(bound).display

    @property
    def _five(self) -> bool:
        """Whether the bound has a place of its own beside the charts."""
        return self._arrangement.apart(*self.app.size)

    def _arrange(self) -> None:
        """As many charts as there is room for, the chosen one among them."""
        shown = self._arrangement.shown(self.panel, *self.app.size)
        for name in TITLES:
            self.query_one(f"#{name}").display = name in shown
        self.query_one("#side-bound").display = self._five
        self.query_one("#charts", Grid).styles.grid_size_columns = min(len(shown), 2)

    async def watch_everything(self, everything: bool) -> None:
        """One ensemble, or all of them side by side."""
        self.set_class(everything, "everything")
        multiples = self.query_one("#each", Multiples)
        count = len(self.follower.summary.ensembles) if everything else 0
        await multiples.lay_out(count)
        if self.left:
            return
        first = multiples.chart(0)
        if first is not None:
            first.focus()
            self.call_after_refresh(self.draw)
        else:
            self.watch_panel(self.panel)
        self._show_status()

    def on_resize(self) -> None:
        """There may be room for more charts, or for fewer."""
        self._arrange()
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

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A chart was clicked: it is the chosen one."""
        name = str(event.widget.id).removesuffix("-chart").removeprefix("side-")
        if isinstance(event.widget, ChartView) and not event.widget.hint:
            event.widget.hint = self._keys_of(HINTS.get(name, ()))
        if name in TITLES and not self.everything:  # hidden charts pass the focus on among themselves
            self.panel = name

    def _keys_of(self, names: Collection[str]) -> str:
        """Some of the keys that work now, and what each does, in a few words."""
        there = {active.binding.id: active.binding for active in super().active_bindings.values()}
        keys = ((name, there[name]) for name in names if name in there)
        told = ((self.app.get_key_display(key), HINTED.get(name, key.description.lower())) for name, key in keys)
        return "  ".join(f"{key} {does}" for key, does in told)

    def on_chart_view_moved(self, event: ChartView.Moved) -> None:
        """Charts with the same axis share the cross-hair."""
        link(event.view, event.values, self.query(ChartView))

    # keys

    def action_ensemble(self, steps: int) -> None:
        """Choose another ensemble of the grid."""
        self.ensemble = (self.ensemble + steps) % max(len(self.follower.summary.ensembles), 1)

    def action_live(self) -> None:
        """To the end, which is where the run is now, and along with it."""
        if self._stale:
            self._take_in()
        super().action_live()

    def action_all(self) -> None:
        """All ensembles side by side, or one."""
        self.everything = not self.everything

    def action_points(self) -> None:
        """Every network's layers, or their mean's path."""
        self.points = not self.points

    def action_bound(self) -> None:
        """The IB curve in the plane, or not."""
        charts = self.current
        if not self.bound_line and charts is not None and (why := why_no_curve(charts.summary.experiment)):
            self._complain(f"no IB curve here: {why}")
            return
        self.bound_line = not self.bound_line

    def action_held_out(self) -> None:
        """The plane of the rows that are held out, or of those that train."""
        if not self.held_out and all(rule.held_out is None for rule in self.follower.summary.rules):
            told = "no rows are held out in this session: --test-fraction or --test of a table does that"
            self.notify(told, severity="warning", markup=False)
            return
        self.held_out = not self.held_out

    def action_full(self) -> None:
        """The chosen chart over the whole screen, or all as before."""
        if self.maximized is not None:
            self.minimize()
        else:
            self.maximize(self.chosen_view())
        self.call_after_refresh(self.draw)

    def chosen_view(self) -> Widget:
        """The chart with the focus, or else the chosen one."""
        side = "side-" if self.panel == "bound" and self._five else ""
        return self.focused if isinstance(self.focused, ChartView) else self.query_one(f"#{side}{self.panel}")

    def action_panel(self, steps: int) -> None:
        """Choose the next chart."""
        names = tuple(TITLES)
        self.panel = names[(names.index(self.panel) + steps) % len(names)]

    def action_layer(self, layer: int) -> None:
        """Show or hide a layer."""
        charts = self.current
        if charts is not None and layer <= len(charts.widths):
            kept = self.hidden_layers ^ {layer}
            if not kept.issuperset(range(1, len(charts.widths) + 1)):
                self.hidden_layers = kept

    @work(exclusive=True, group="ask")
    async def action_layers(self) -> None:
        """Choose the layers to draw, of however many."""
        from ibtui.screens.choosing_layers import LayerChoice

        charts = self.current
        if charts is None:
            return
        names = charts.shown.layer_names
        headed = [layer_heading(name, k, len(names)) for k, name in enumerate(names, start=1)]
        picked = await self.app.push_screen_wait(LayerChoice(headed, [k + 1 for k in self.layers_shown]))
        if picked is not None:
            others = {k for k in self.hidden_layers if k > len(names)}  # of deeper ensembles
            self.hidden_layers = frozenset(others | (set(range(1, len(names) + 1)) - picked))

    @work(exclusive=True, group="ask")
    async def action_layout(self) -> None:
        """Choose the charts to show beside one another; none: as many as there is room for."""
        from ibtui.screens.dialogs import Several

        question = f"Charts to show side by side, from {WIDE} columns on (none: as many as fit):"
        picked = await self.app.push_screen_wait(Several(question, TITLES, self._arrangement.layout, 0, 6))
        if picked is not None:
            layout = tuple(name for name in TITLES if name in picked)
            self._arrangement = replace(self._arrangement, layout=layout)
            self.views.keep_layout(layout)
            if layout and self.panel not in layout:
                self.panel = layout[0]
            self.watch_panel(self.panel)

    def action_run(self, command: str) -> None:
        """Ask the run itself to pause, go on or stop; take up one that has ended, further where it is finished."""
        summary = self.follower.summary
        if command == "resume" and not summary.live:
            if why := summary.why_not("resume"):
                self._complain(f"not resumed: {why}")
                return
            self.post_message(ResumeRun(summary, show=False))
            return
        try:
            send(self.path, command)
            self.notify(f"asked the run to {command}")
        except EngineError as error:
            self.notify(printable(str(error)), severity="warning", markup=False)

    def action_map(self) -> None:
        """Show what all ensembles came to."""
        self.post_message(ShowMap(self.path))

    @work(exclusive=True, group="export")
    async def action_export(self) -> None:
        """Export the session: ask what and where."""
        from ibtui.screens.exporting import export

        await export(self, self.path, self._again.by)

    def action_leave(self) -> None:
        """Back to the library; the run, if there is one, goes on."""
        if self.maximized is not None:
            self.minimize()
        else:
            self.dismiss()

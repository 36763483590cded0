"""The library: all sessions there are, with a small plane of the chosen one.

It is what the app begins with, so it imports what shows sessions; what is done to them is imported when it is.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import DataTable, Input, Static

from ibtui.annotations import NONE, Annotations
from ibtui.formatting import printable, size
from ibtui.locations import free_path, is_example, require_name
from ibtui.messages import Compare, NewExperiment, OpenSession, OpenTour, ResumeRun, ShowAccount, ShowMap, StartRun
from ibtui.results import KnownResults, from_plain, sentence, stamp
from ibtui.screens.closed import is_closed
from ibtui.session_index import SessionIndex, matches
from ibtui.settings import Views
from ibtui.status import about
from ibtui.widgets.chart_view import ChartView
from ibtui.widgets.keys_footer import KeysFooter
from ibtui.widgets.sessions_table import HEADING, Line, SessionsTable
from ibtui.widgets.text import write
from ibtui.widgets.too_small import TooSmall
from ibtui_engine.errors import EngineError
from ibtui_engine.session.summary import Summary

if TYPE_CHECKING:
    from ibtui_engine.session.results import Results

SERVE = "import json, sys; from ibtui.results import serve; serve(json.load(sys.stdin))"
"""What the process that works out results runs."""
LOOK_SECONDS = 1.0
WELCOME = (
    "There are no sessions of yours yet.\n\nPress  s  to start one right away: 40 networks learn a rule on twelve "
    "binary inputs, and you watch each of their layers move in the information plane.  n  sets up another experiment,  "
    "?  explains."
)
SEE_EXAMPLES = "  enter  opens an example below, and  T  is a tour of them that explains."
RESULTS_SECONDS = 10.0
"""How long the results of a session that runs are left as they are, at least."""
RESULTS_SHOWN_SECONDS = 0.25
"""How often results are put into the table while they come in, at most."""


class LibraryScreen(Screen[None]):
    """Sessions to open, with what is known of each."""

    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (110, "-wide"), (170, "-huge")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (20, "-low"), (34, "-tall")]  # noqa: RUF012

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "new", "New", tooltip="New experiment", id="library.new"),
        Binding("s", "quick", "Start", tooltip="Start the preset quick right away", show=False, id="library.quick"),
        Binding("slash", "filter", "Filter", id="library.filter"),
        Binding("space", "mark", "Mark", tooltip="Mark for comparing", id="library.mark"),
        Binding("c", "compare", "Compare", tooltip="Compare the marked", id="library.compare"),
        Binding("a", "account", "Judge", tooltip="Which claims of the paper hold", id="library.account"),
        Binding("M", "map", "Map", tooltip="What the ensembles of a grid came to", show=False, id="library.map"),
        Binding("r", "resume", "Resume", tooltip="Go on with the run, further if it is finished", id="library.resume"),
        Binding("T", "tour", "Tour", tooltip="Eight stops on the examples that explain", show=False, id="library.tour"),
        Binding("d", "duplicate", "Same settings again", show=False, id="library.duplicate"),
        Binding(
            "w", "export", "Export", tooltip="Export as table, picture, film or page", show=False, id="library.export"
        ),
        Binding("t", "note", "Note", tooltip="Write a note and tags", show=False, id="library.note"),
        Binding("m", "rename", "Rename", show=False, id="library.rename"),
        Binding("delete,backspace", "delete", "Delete", show=False, id="library.delete"),
        Binding("escape", "clear", "Clear filter", show=False, id="library.clear"),
        Binding("q", "app.quit", "Quit", id="library.quit"),
    ]

    def __init__(self, directory: Path, views: Views) -> None:
        """`directory`: of the sessions; `views`: where it is kept how they were sorted."""
        super().__init__()
        self.directory = directory
        self._views = views
        self._index = SessionIndex(directory)
        self._marked: set[Path] = set()
        self._cursor_row = 0
        self._previewed: tuple[Path, int] | None = None
        self._known = KnownResults()
        self._notes = Annotations()
        self._asked: dict[Path, float] = {}
        """When the results of a session were last worked out, by the clock."""
        self._working_out = False

    def compose(self) -> ComposeResult:
        """A filter, the table, the chosen session, keys."""
        yield Static("ibtui", id="heading", markup=False)
        yield Input(placeholder="filter by name, rule, status, architecture, tag, note …", id="filter")
        yield Static(id="welcome", markup=False)
        with Container(id="library"):
            yield SessionsTable()
            with Horizontal(id="preview"):
                yield ChartView(id="small-plane")
                with Vertical(id="facts"):
                    yield Static(id="sentence", markup=False)
                    yield Static(id="about", markup=False)
        yield KeysFooter()
        yield TooSmall()

    def on_mount(self) -> None:
        """Look for sessions from time to time; the first look is when the screen is shown."""
        self.query_one("#filter", Input).display = False
        self.query_one("#small-plane", ChartView).can_focus = False
        table = self.query_one(SessionsTable)
        kept = self._views.recall(self.directory)
        if isinstance(kept.get("sorted_by"), str):
            with table.prevent(SessionsTable.OrderChanged):
                table.sort_by(kept["sorted_by"], falling=kept.get("falling") is True)
        table.focus()
        self.set_interval(LOOK_SECONDS, self._look)

    def on_screen_resume(self) -> None:
        """Things may have changed. The app draws nothing before it has begun to take messages: what is read before that
        would be laid out twice.
        """
        self.app.call_later(self._look_first)

    def on_screen_suspend(self) -> None:
        """Another screen is in front, perhaps of a run that needs the cores: what is not worked out yet can wait."""
        self.workers.cancel_group(self, "results")

    def _look_first(self) -> None:
        """Read what fits on the screen, then the rest."""
        self._look(most=self.app.size.height)
        if self._index.unread:
            self.call_after_refresh(self._look)

    def _look(self, most: int | None = None) -> None:
        """Read what has changed, and of what is new as much as is asked for."""
        if self._left:
            return
        if self.app.screen is not self and self._index.own:  # `is_current` holds for the screen below the top one, too
            return
        try:
            self._index.look(most)
        except EngineError as error:
            write(self.query_one("#heading", Static), printable(str(error)))
            return
        self._marked = {path for path in self._marked if path in self._index}
        self._fill()
        self.call_after_refresh(self._work_out_results)

    # the table

    @property
    def _left(self) -> bool:
        """Whether it has been left for good: of its widgets, the first ones go before the last ones."""
        return is_closed(self, "#heading") or is_closed(self, "#sessions")

    def _fill(self) -> None:
        words = self.query_one("#filter", Input).value.lower().split()
        own = [summary for summary in self._index.own if self._matches(summary, words)]
        examples = [summary for summary in self._index.examples if self._matches(summary, words)]
        self.query_one(SessionsTable).fill(self._lines(own), self._lines(examples), self.app.size.width)
        empty = not self._index.own
        self.set_class(empty, "welcome")
        nothing = empty and not self._index.examples
        self.set_class(nothing, "empty")
        table = self.query_one("#sessions", DataTable)
        if nothing and self.focused is table:  # it is hidden, and its keys with it
            self.set_focus(None)
        elif not nothing and self.focused is None:
            table.focus()
        write(self.query_one("#welcome", Static), WELCOME + (SEE_EXAMPLES if self._index.examples else ""))
        damaged = f" ({len(self._index.damaged)} unreadable)" if self._index.damaged else ""
        count = len(self._index.own) + self._index.unread
        heading = f"ibtui   {count} session{'s' if count != 1 else ''}{damaged} in {self.directory}"
        write(self.query_one("#heading", Static), printable(heading))
        self._preview()

    def _matches(self, summary: Summary, words: Sequence[str]) -> bool:
        return matches(summary, words, self._notes.of(summary).text)

    def _lines(self, summaries: Sequence[Summary]) -> list[Line]:
        return [
            Line(one, one.path in self._marked, self._results_of(one), self._notes.of(one).tags) for one in summaries
        ]

    def chosen(self) -> Summary | None:
        """The session under the cursor."""
        key = self.query_one(SessionsTable).chosen_key
        return self._index[Path(key)] if key is not None and Path(key) in self._index else None

    def _own(self, what: str) -> Summary | None:
        """The chosen session, unless it is only to be read: then it says so."""
        summary = self.chosen()
        if summary is not None and is_example(summary.path):
            self.notify(f"an example cannot be {what}; d makes an experiment with its settings", severity="warning")
            return None
        return summary

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Another session is under the cursor; the heading of the examples is passed over."""
        table, row = event.data_table, event.cursor_row
        if event.row_key is not None and event.row_key.value == HEADING:
            onward = row + 1 if row >= self._cursor_row or row == 0 else row - 1
            self._cursor_row = onward
            table.move_cursor(row=onward)
            return
        self._cursor_row = row
        self._preview()

    def on_sessions_table_order_changed(self) -> None:
        """Sort the table otherwise, and keep to it."""
        table = self.query_one(SessionsTable)
        self._views.keep(self.directory, {"sorted_by": table.sorted_by, "falling": table.falling})
        self._fill()

    def on_resize(self) -> None:
        """There may be room for more columns, or for fewer."""
        if self._index.own or self._index.examples:
            self._fill()

    def on_sessions_table_room_changed(self) -> None:
        """Choose the columns for the width that the table has now."""
        if not self._left:
            self._fill()

    # results

    def _results_of(self, summary: Summary) -> Results | None:
        outcome = self._known.of(summary)
        return None if outcome is None else outcome.results

    def _outdated(self) -> list[Path]:
        """Sessions whose results are not known, or those of an earlier state; the chosen one first."""
        found, now = [], time.monotonic()
        chosen = self.chosen()
        for one in sorted([*self._index.own, *self._index.examples], key=lambda summary: summary is not chosen):
            if one.live and now - self._asked.get(one.path, -RESULTS_SECONDS) < RESULTS_SECONDS:
                continue
            known = self._known.of(one)
            if known is None or known.stamp != stamp(one):
                found.append(one.path)
        return found

    def _work_out_results(self) -> None:
        """Have the results that are missing worked out, unless that is going on."""
        if self._working_out or self._left or self.app.screen is not self or not (paths := self._outdated()):
            return
        self._working_out = True
        self._read_results(paths)

    @work(exclusive=True, group="results")
    async def _read_results(self, paths: list[Path]) -> None:
        """Take in results as a process of their own works them out, and show them."""
        from ibtui.commands import lines_of

        shown = time.monotonic()
        self._asked |= dict.fromkeys(paths, shown)
        given = json.dumps([str(path) for path in paths]).encode()
        try:
            async with aclosing(lines_of("-c", SERVE, given=given)) as lines:
                async for line in lines:
                    answer = json.loads(line)
                    self._known.keep(Path(answer["path"]), from_plain(answer))
                    if time.monotonic() - shown >= RESULTS_SHOWN_SECONDS and not self._left:
                        shown = time.monotonic()
                        self._fill()
        except (OSError, ValueError, KeyError, EngineError) as error:
            self.notify(printable(f"the sessions' results cannot be worked out: {error}"), severity="warning")
        finally:  # also where the app is left meanwhile
            self._known.save()
            self._working_out = False
        if not self._left:
            self._fill()

    # the chosen session

    def _preview(self) -> None:
        summary = self.chosen()
        self.set_class(summary is None, "none")
        if summary is None:
            return
        state = f"{summary.status}, epoch {summary.epochs_done} of {summary.experiment.epochs}, {size(summary.size)}"
        self.query_one("#facts").border_title = Content(printable(summary.path.stem))
        write(self.query_one("#about", Static), "\n".join(map(printable, (state, *about(summary)))))
        outcome = self._known.of(summary)
        said = "Working out what came of it …" if outcome is None else outcome.trouble
        if outcome is not None and outcome.results is not None:
            said = sentence(summary, outcome.results)
        noted = self._notes.of(summary)
        tags = f"tags: {', '.join(noted.tags)}" if noted.tags else ""
        told = [printable(line) for line in (said, noted.note, tags) if line]
        write(self.query_one("#sentence", Static), "\n".join(told))
        measured = (summary.path, sum(len(e.snapshots) for e in summary.ensembles))
        if measured != self._previewed:
            self._previewed = measured
            self.call_after_refresh(self._read_preview, summary)

    @work(exclusive=True)
    async def _read_preview(self, summary: Summary) -> None:
        """The chosen session's plane. Loads numpy and the charts, so the table is to be on the screen before."""
        from ibtui.ensemble_charts import EnsembleCharts
        from ibtui_engine.session.follow import Follower

        view = self.query_one("#small-plane", ChartView)
        try:
            with Follower(summary.path) as follower:
                charts = EnsembleCharts(follower.recorded_ensemble(0))
                last = charts.epochs[-1] if charts.epochs else 0
                shown = tuple(range(len(charts.widths)))
                view.show(charts.chart("plane", epoch=last, shown=shown, points=False))
        except (EngineError, KeyError) as error:
            view.clear(printable(str(error)) if isinstance(error, EngineError) else "nothing has been measured")

    def on_data_table_row_selected(self) -> None:
        """Enter, or a click."""
        self.action_open()

    def on_input_changed(self) -> None:
        """The filter is being typed."""
        self._fill()

    def on_input_submitted(self) -> None:
        """Back to the table."""
        self.query_one("#sessions", DataTable).focus()

    # keys

    def action_open(self) -> None:
        """Open the chosen session."""
        summary = self.chosen()
        if summary is not None:
            self.post_message(OpenSession(summary.path))

    def action_new(self) -> None:
        """Set up an experiment."""
        self.post_message(NewExperiment())

    def action_quick(self) -> None:
        """Start the usual preset at once."""
        from ibtui_engine.presets import DEFAULT, PRESETS

        experiment = PRESETS[DEFAULT].experiment
        self.post_message(StartRun(experiment, free_path(self.directory, experiment.title)))

    def action_filter(self) -> None:
        """Show only sessions that match what is typed."""
        field = self.query_one("#filter", Input)
        field.display = True
        field.focus()

    def action_clear(self) -> None:
        """Show all again."""
        field = self.query_one("#filter", Input)
        field.value = ""
        field.display = False
        self.query_one("#sessions", DataTable).focus()

    def action_resume(self) -> None:
        """Go on with the chosen session's run, in a process of its own."""
        summary = self._own("resumed")
        if summary is not None and (why := summary.why_not("resume")):
            self.notify(f"not resumed: {why}", severity="warning", markup=False)
        elif summary is not None:
            self.post_message(ResumeRun(summary))

    def action_mark(self) -> None:
        """Mark the chosen session for comparing, or no longer."""
        summary = self.chosen()
        if summary is not None:
            self._marked ^= {summary.path}
            self._fill()

    def action_compare(self) -> None:
        """Compare the marked sessions' ensembles; without marks, those of the chosen one."""
        chosen = self.chosen()
        marked = self._all_marked() or ([chosen] if chosen else [])
        ensembles = sum(len(summary.ensembles) for summary in marked)
        if ensembles < 2:
            self.notify("mark two sessions or more with space, or choose one of several ensembles")
        else:
            self.post_message(Compare([summary.path for summary in marked]))

    def action_account(self) -> None:
        """Judge the claims of the paper on the marked sessions; without marks, on those that they rest on."""
        self.post_message(ShowAccount([summary.path for summary in self._all_marked()]))

    def action_map(self) -> None:
        """Show the map of the chosen session."""
        summary = self.chosen()
        if summary is not None:
            self.post_message(ShowMap(summary.path))

    def action_tour(self) -> None:
        """Follow the tour, from where it was left."""
        self.post_message(OpenTour())

    def _all_marked(self) -> list[Summary]:
        return [one for one in self._index.own + self._index.examples if one.path in self._marked]

    def action_duplicate(self) -> None:
        """Set up an experiment with the chosen session's settings."""
        summary = self.chosen()
        if summary is not None and summary.recorded:
            self.notify("a recording has no settings to begin from", severity="warning", markup=False)
        elif summary is not None:
            self.post_message(NewExperiment(summary.experiment))

    @work
    async def action_note(self) -> None:
        """Write a note and tags on the chosen session, an example too: they are not in its file."""
        from ibtui.screens.annotating import Annotating

        summary = self.chosen()
        if summary is None:
            return
        noted = await self.app.push_screen_wait(Annotating(summary.path.stem, self._notes.of(summary)))
        if noted is not None:
            try:
                self._notes.keep(summary, noted)
            except EngineError as error:
                self.notify(printable(str(error)), severity="error", markup=False)
            self._look()

    @work
    async def action_rename(self) -> None:
        """Give the chosen session's file another name."""
        from ibtui.screens.dialogs import Line
        from ibtui_engine.session.drafting import rename
        from ibtui_engine.session.ending import settle

        summary = self._own("renamed")
        if summary is None:
            return
        if summary.live:
            self.notify("a running session cannot be renamed", severity="warning")
            return
        old = summary.path

        def refuse(name: str) -> str:
            try:
                require_name(name.strip())
            except EngineError as error:
                return printable(str(error))
            return "that name is taken" if name.strip() != old.stem and _beside(old, name).exists() else ""

        name = await self.app.push_screen_wait(Line(f"Name of {printable(old.stem)}:", printable(old.stem), refuse))
        if name is not None and name.strip() != old.stem:
            noted = self._notes.of(summary)
            try:
                settle(old)
                rename(old, _beside(old, name))
                if noted != NONE:  # else a copy of the old name could come to have it
                    self._notes.keep(replace(summary, path=_beside(old, name)), noted)
            except (OSError, EngineError) as error:
                self.notify(printable(f"not renamed: {error}"), severity="error", markup=False)
            self._look()

    @work
    async def action_delete(self) -> None:
        """Delete the chosen session, after asking."""
        from ibtui.screens.dialogs import Choice
        from ibtui_engine.session.drafting import discard

        summary = self._own("deleted")
        if summary is None:
            return
        if summary.live:
            self.notify("it is running: stop it first, in its session, with S", severity="warning")
            return
        question = f"Delete {printable(summary.path.stem)}, with all that was measured ({size(summary.size)})?"
        if await self.app.push_screen_wait(Choice(question, {"keep": "Keep", "delete": "Delete"})) == "delete":
            try:
                discard(summary.path)
                self._notes.keep(summary, NONE)
            except (OSError, EngineError) as error:
                self.notify(printable(f"not deleted: {error}"), severity="error", markup=False)
            self._look()

    @work(exclusive=True, group="export")
    async def action_export(self) -> None:
        """Export the chosen session: ask what and where."""
        from ibtui.screens.exporting import export

        summary = self.chosen()
        if summary is not None:
            await export(self, summary.path)


def _beside(path: Path, name: str) -> Path:
    return path.with_name(f"{name.strip()}{path.suffix}")

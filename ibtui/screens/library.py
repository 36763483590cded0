"""The library: all sessions there are, with a small plane of the chosen one."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Input, Static

from engine.errors import EngineError, SessionError
from engine.experiment import hidden_text
from engine.session.control import settle
from engine.session.summary import Summary, read_summary
from ibtui.locations import require_name, session_files
from ibtui.screens.dialogs import Choice, Line
from ibtui.widgets.chart_view import ChartView
from ibtui.widgets.too_small import TooSmall
from ibtui.wording import age, printable, size

if TYPE_CHECKING:
    from ibtui.app import IbtuiApp

LOOK_SECONDS = 1.0
WELCOME = """There are no sessions yet.

Press  n  to start one, or run  ibtui run  in a shell: ten networks learn a rule on twelve
binary inputs, and you watch each of their layers move in the information plane."""


class SessionsTable(DataTable[Text]):
    """The table, whose key the footer shows."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select_cursor", "Open", id="library.open")]


class LibraryScreen(Screen[None]):
    """Sessions to open, with what is known of each."""

    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (110, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (20, "-low"), (34, "-tall")]  # noqa: RUF012
    app: IbtuiApp

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "new", "New", tooltip="New experiment", id="library.new"),
        Binding("slash", "filter", "Filter", id="library.filter"),
        Binding("space", "mark", "Mark", tooltip="Mark for comparing", id="library.mark"),
        Binding("c", "compare", "Compare", tooltip="Compare the marked", id="library.compare"),
        Binding("r", "resume", "Resume", tooltip="Go on with the run", id="library.resume"),
        Binding("d", "duplicate", "Same settings again", show=False, id="library.duplicate"),
        Binding("e", "export", "Export", show=False, id="library.export"),
        Binding("m", "rename", "Rename", show=False, id="library.rename"),
        Binding("delete,backspace", "delete", "Delete", show=False, id="library.delete"),
        Binding("escape", "clear", "Clear filter", show=False, id="library.clear"),
        Binding("q", "app.quit", "Quit", id="library.quit"),
    ]

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.directory = directory
        self._found: dict[str, Summary] = {}
        self._stamps: dict[Path, tuple[float, int]] = {}
        self._damaged: dict[str, str] = {}
        self._marked: set[str] = set()
        self._previewed: tuple[str, int] | None = None

    def compose(self) -> ComposeResult:
        """A filter, the table, the chosen session, keys."""
        yield Static("ibtui", id="heading", markup=False)
        yield Input(placeholder="filter by name, rule, status …", id="filter")
        with Horizontal(id="library"):
            yield SessionsTable(id="sessions", cursor_type="row", zebra_stripes=False)
            with Vertical(id="preview"):
                yield ChartView(id="small-plane")
                yield Static(id="about", markup=False)
        yield Static(WELCOME, id="welcome", markup=False)
        yield Footer(compact=True)
        yield TooSmall()

    def on_mount(self) -> None:
        """Look for sessions now, and again from time to time."""
        table = self.query_one("#sessions", DataTable)
        for key in ("name", "status", "epochs", "networks", "rule", "hidden", "fraction", "age", "size"):
            table.add_column(key, key=key)
        self.query_one("#filter", Input).display = False
        self.query_one("#small-plane", ChartView).can_focus = False
        self._look()
        table.focus()
        self.set_interval(LOOK_SECONDS, self._look)

    def on_screen_resume(self) -> None:
        """Things may have changed."""
        self._look()

    def _look(self) -> None:
        """Read what has changed; a session that runs is read each time."""
        if not self.is_current and self._found:
            return
        try:
            files = session_files(self.directory)
        except EngineError as error:
            self.query_one("#heading", Static).update(printable(str(error)))
            return
        for path in files:
            known = self._found.get(path.stem)
            try:
                stat = path.stat()
                stamp = (stat.st_mtime, stat.st_size)
                if self._stamps.get(path) == stamp and (known is None or not known.live):
                    continue
                self._stamps[path] = stamp
                self._found[path.stem] = read_summary(path)
                self._damaged.pop(path.stem, None)
            except SessionError as error:
                self._found.pop(path.stem, None)
                self._damaged[path.stem] = str(error)
            except OSError:
                continue  # gone between two looks
        there = {path.stem for path in files}
        for name in set(self._found) - there:
            del self._found[name]
        for name in set(self._damaged) - there:
            del self._damaged[name]
        self._marked &= there
        self._fill()

    def _matching(self) -> list[Summary]:
        words = self.query_one("#filter", Input).value.lower().split()

        def fits(summary: Summary) -> bool:
            experiment = summary.experiment
            text = f"{summary.path.stem} {summary.status} {experiment.rule} {experiment.activation}".lower()
            return all(word in text for word in words)

        return sorted(filter(fits, self._found.values()), key=lambda summary: -summary.created)

    def _fill(self) -> None:
        table = self.query_one("#sessions", DataTable)
        shown = self._matching()
        names = [summary.path.stem for summary in shown]
        if [str(key.value) for key in table.rows] != names:
            chosen = self._chosen_name()
            table.clear()
            for name in names:
                table.add_row(*[Text()] * 9, key=name)
            if chosen in names:
                table.move_cursor(row=names.index(chosen))
        widened = False
        for summary in shown:
            experiment = summary.experiment
            cells = {
                "name": ("* " if summary.path.stem in self._marked else "") + printable(summary.path.stem),
                "status": summary.status,
                "epochs": f"{summary.epochs_done}/{experiment.epochs}",
                "networks": str(experiment.networks),
                "rule": printable(experiment.rule),
                "hidden": _several([hidden_text(h) for h in experiment.hidden]),
                "fraction": _several([f"{f:g}" for f in experiment.fraction]),
                "age": age(time.time() - summary.created),
                "size": size(summary.size),
            }
            for column, written in cells.items():
                text = Text(written)  # a plain str would be read as markup
                if table.get_cell(summary.path.stem, column) != text:
                    table.update_cell(summary.path.stem, column, text, update_width=True)
                    widened = True
        if widened:  # rows may have been drawn, and kept, before their columns had their new widths
            table.call_after_refresh(table.notify_style_update)
        self.set_class(not self._found, "empty")
        damaged = f" ({len(self._damaged)} unreadable)" if self._damaged else ""
        count = f"{len(self._found)} session{'s' if len(self._found) != 1 else ''}"
        heading = f"ibtui   {count}{damaged} in {self.directory}"
        self.query_one("#heading", Static).update(printable(heading))
        self._preview()

    def _chosen_name(self) -> str | None:
        table = self.query_one("#sessions", DataTable)
        if not table.row_count or not table.is_valid_row_index(table.cursor_row):
            return None
        return str(table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value)

    def chosen(self) -> Summary | None:
        """The session under the cursor."""
        name = self._chosen_name()
        return self._found.get(name) if name is not None else None

    def _preview(self) -> None:
        summary = self.chosen()
        if summary is None:
            return
        measured = (summary.path.stem, sum(len(e.snapshots) for e in summary.ensembles))
        if measured != self._previewed:
            self._previewed = measured
            self._read_preview(summary)

    @work(exclusive=True)
    async def _read_preview(self, summary: Summary) -> None:
        """The chosen session's plane; read here, in turns with everything else, after numpy is loaded."""
        from engine.session.follow import Follower
        from ibtui.panels import Panels, estimator

        about = self.query_one("#about", Static)
        try:
            with Follower(summary.path) as follower:
                panels = Panels(follower, 0)
                last = panels.epochs[-1] if panels.epochs else 0
                shown = tuple(range(len(panels.widths)))
                spec = panels.chart("plane", epoch=last, shown=shown, points=False)
                self.query_one("#small-plane", ChartView).show(spec)
                about.update(printable(f"{panels.title}: {estimator(summary)}"))
        except (EngineError, KeyError) as error:
            about.update(
                printable(f"{summary.path.stem}: {error}" if isinstance(error, EngineError) else "nothing yet")
            )

    def on_data_table_row_highlighted(self) -> None:
        """Another session is under the cursor."""
        self._preview()

    def on_data_table_row_selected(self) -> None:
        """Enter, or a click."""
        self.action_open()

    def on_input_changed(self) -> None:
        """The filter is being typed."""
        self._fill()

    def on_input_submitted(self) -> None:
        """Back to the table."""
        self.query_one("#sessions", DataTable).focus()

    def action_open(self) -> None:
        """Open the chosen session."""
        summary = self.chosen()
        if summary is not None:
            self.app.open_session(summary.path)

    def action_new(self) -> None:
        """Set up an experiment."""
        self.app.new_experiment()

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
        summary = self.chosen()
        if summary is not None:
            self.app.resume_run(summary)

    def action_mark(self) -> None:
        """Mark the chosen session for comparing, or no longer."""
        summary = self.chosen()
        if summary is not None:
            self._marked ^= {summary.path.stem}
            self._fill()

    def action_compare(self) -> None:
        """Compare the marked sessions' ensembles; without marks, those of the chosen one."""
        chosen = self.chosen()
        marked = [s for s in self._matching() if s.path.stem in self._marked] or ([chosen] if chosen else [])
        ensembles = sum(len(summary.ensembles) for summary in marked)
        if ensembles < 2:
            self.notify("mark two sessions or more with space, or choose one of several ensembles")
        else:
            self.app.compare([summary.path for summary in marked])

    def action_duplicate(self) -> None:
        """Set up an experiment with the chosen session's settings."""
        summary = self.chosen()
        if summary is not None:
            self.app.new_experiment(summary.experiment)

    @work
    async def action_rename(self) -> None:
        """Give the chosen session's file another name."""
        summary = self.chosen()
        if summary is None:
            return
        if summary.live:
            self.notify("a session that runs keeps its name", severity="warning")
            return
        old = summary.path

        def refuse(name: str) -> str:
            try:
                require_name(name.strip())
            except EngineError as error:
                return printable(str(error))
            return "there is one of that name" if name.strip() != old.stem and _beside(old, name).exists() else ""

        name = await self.app.push_screen_wait(Line(f"Name of {printable(old.stem)}:", old.stem, refuse))
        if name is not None and name.strip() != old.stem:
            try:
                settle(old)
                os.link(old, _beside(old, name))  # never over another file
                old.unlink()
            except (OSError, EngineError) as error:
                self.notify(printable(f"not renamed: {error}"), severity="error", markup=False)
            self._look()

    @work
    async def action_delete(self) -> None:
        """Delete the chosen session, after asking."""
        summary = self.chosen()
        if summary is None:
            return
        if summary.live:
            self.notify("it is running: stop it first, in its session, with S", severity="warning")
            return
        question = f"Delete {printable(summary.path.stem)}, with all that was measured ({size(summary.size)})?"
        if await self.app.push_screen_wait(Choice(question, {"keep": "Keep", "delete": "Delete"})) == "delete":
            for suffix in ("", "-wal", "-shm"):
                Path(f"{summary.path}{suffix}").unlink(missing_ok=True)
            self._look()

    @work(exclusive=True, group="export")
    async def action_export(self) -> None:
        """Write the chosen session's information, gradients and learning as CSV files where the app was started."""
        summary = self.chosen()
        if summary is None:
            return
        written = []
        for what in ("information", "gradients", "learning"):
            out = Path(f"{summary.path.stem}-{what}.csv")
            if out.exists():
                self.notify(f"{printable(str(out))} exists already", severity="warning", markup=False)
                continue
            command = [sys.executable, "-m", "ibtui", "export", str(summary.path.absolute()), "--what", what]
            process = await asyncio.create_subprocess_exec(
                *command, "-o", str(out), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
            )
            _, complaint = await process.communicate()
            if process.returncode == 0:
                written.append(str(out))
            else:
                self.notify(printable(complaint.decode(errors="replace").strip()), severity="error", markup=False)
        if written:
            self.notify(printable(f"wrote {', '.join(written)}"), markup=False)


def _beside(path: Path, name: str) -> Path:
    return path.with_name(f"{name.strip()}{path.suffix}")


def _several(texts: list[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{texts[0]} … {texts[-1]} ({len(texts)})"

"""The app: a library of sessions, a screen for each, and a form for new experiments.

It reads session files and starts runs as processes of their own. It imports neither torch nor Numba.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.theme import Theme

from ibtui.files import write_whole
from ibtui.formatting import printable
from ibtui.locations import is_example
from ibtui.messages import (
    Compare,
    NewExperiment,
    OpenSession,
    OpenTour,
    ResumeRun,
    ShowAccount,
    ShowMap,
    ShowStop,
    StartRun,
)
from ibtui.screens.library import LibraryScreen
from ibtui.screens.starting import Starting
from ibtui.settings import Settings, Views, save_theme
from ibtui.textual_private import terminal_driver
from ibtui_engine.errors import EngineError
from ibtui_engine.session.summary import read_summary

if TYPE_CHECKING:
    from ibtui.runs import Standby, Started
    from ibtui_engine.session.follow import Follower
    from ibtui_engine.session.summary import Summary

AWAITING_SECONDS = 0.05
"""How often it is looked whether a run that was just started has made its session."""
FIRST_SNAPSHOT_SECONDS = 0.5
"""For which the first snapshot of a run that was just started is waited for, before its session is shown."""
PREPARING_SECONDS: float | None = 1.5
"""After which, with nothing else to do, a process is made ready for the next run; None: never."""
SETTLED_SECONDS = 1.0
"""After which the app is on the screen."""
_LEVELS = {"warning": logging.WARNING, "error": logging.ERROR}
"""Of the log, by how serious a message is."""
_log = logging.getLogger(__name__)
logging.getLogger("ibtui").addHandler(logging.NullHandler())  # what is logged is not printed over the screen


class IbtuiApp(App[None]):
    """The whole app."""

    TITLE = "ibtui"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", show=False, id="app.quit", priority=True),
        Binding("question_mark", "help", "Help", id="app.help"),
        Binding("f1", "help", "Help", show=False, id="app.help_anywhere", priority=True),
        Binding("ctrl+t", "theme", "Dark/light", show=False, id="app.theme"),
        Binding("ctrl+z", "suspend_process", "Suspend", show=False, id="app.suspend", priority=True),
        Binding("f12", "picture", "Screenshot", tooltip="Save the screen as SVG", show=False, id="app.screenshot"),
    ]

    def __init__(
        self,
        directory: Path,
        session: Path | None = None,
        settings: Settings | None = None,
        first: ShowStop | None = None,
    ) -> None:
        """`directory`: of the sessions; `session`, or a stop of a lesson in `first`: what to show over the library."""
        super().__init__(driver_class=terminal_driver())
        self.directory = directory
        self.settings = settings or Settings()
        self.ascii = self.settings.ascii
        """Whether to draw with ASCII alone."""
        self.views = Views()
        self.alone = False
        """Whether the process, with its garbage collector, is the app's own."""
        self._charts_loaded = False
        self._first_session = session
        self._first_stop = first
        self._runs: dict[Path, Started] = {}
        self._waiting: Path | None = None
        """The session that is shown as soon as its run has made it."""
        self._waiting_until = 0.0
        """Until when it may wait for its first snapshot: with that, its screen is drawn once and not twice."""
        self._standby: Standby | None = None
        """A process that is ready for the next run."""

    def on_mount(self) -> None:
        """Begin in the library, or in a session."""
        if self.settings.theme in self.available_themes:
            self.theme = self.settings.theme
        self.set_keymap(dict(self.settings.keys))
        self.set_class(self.ascii, "ascii")
        self.theme_changed_signal.subscribe(self, self._keep_theme)
        self.app_resume_signal.subscribe(self, self._repaint)
        self.push_screen(LibraryScreen(self.directory, self.views))
        if self._first_session is not None:
            self._open(self._first_session)
        elif self._first_stop is not None:
            self.on_show_stop(self._first_stop)
        self.set_interval(0.2, self._watch_runs)
        self.set_timer(SETTLED_SECONDS, self._settle)
        if PREPARING_SECONDS is not None and self._first_session is None and self._first_stop is None:
            self.set_timer(PREPARING_SECONDS, self._prepare)

    def _prepare(self) -> None:
        """Have a process ready for the next run, and the charts loaded: a run is seen as soon as it is started."""
        if self._standby is None and PREPARING_SECONDS is not None:
            from ibtui import runs

            self._standby = runs.prepare()
            threading.Thread(target=_load_charts, daemon=True).start()  # keys are heard meanwhile

    def on_unmount(self) -> None:
        """Nobody starts a run any more."""
        if self._standby is not None:
            self._standby.close()
            self._standby = None

    def on_open_session(self, message: OpenSession) -> None:
        """Show a session."""
        self._open(message.path, message.ensemble)

    def _open(self, path: Path, ensemble: int | None = None) -> None:
        from ibtui.screens.session import SessionScreen  # with numpy: only when one is opened

        follower = self._follow(path)
        if follower is not None:
            self.push_screen(SessionScreen(follower, self.views, self.directory, ensemble))

    def _follow(self, path: Path) -> Follower | None:
        """What reads a session that is to be shown; None where it cannot be read, which is said."""
        from ibtui_engine.session.follow import Follower

        self._leave_charts()
        try:
            follower = Follower(path)
        except EngineError as error:
            self.notify(printable(str(error)), severity="error", markup=False, timeout=10)
            return None
        _log.info("session %s is opened", path)
        return follower

    def on_open_tour(self, _: OpenTour) -> None:
        """Follow the tour, from where it was left."""
        from ibtui.lessons import TOUR, load_lesson
        from ibtui.screens.lesson import session_keys

        try:
            tour = load_lesson(TOUR, self.directory, session_keys())
        except EngineError as error:
            self.notify(printable(str(error)), severity="error", markup=False, timeout=10)
            return
        self.on_show_stop(ShowStop(tour))

    def on_show_stop(self, message: ShowStop) -> None:
        """Show a stop of a lesson, in the place of the one before."""
        from ibtui.screens.lesson import LessonScreen, kept_stop

        lesson = message.lesson
        index = kept_stop(self.views, lesson) if message.index is None else message.index
        follower = self._follow(lesson.stops[index].path)
        if follower is not None:
            screen = LessonScreen(follower, self.views, self.directory, lesson, index)
            if isinstance(self.screen, LessonScreen):
                self.switch_screen(screen)
            else:
                self.push_screen(screen)

    def on_compare(self, message: Compare) -> None:
        """Show the ensembles of some sessions side by side."""
        from ibtui.screens.compare import CompareScreen
        from ibtui_engine.session.follow import Follower

        self._leave_charts()
        followers = []
        for path in message.paths:
            try:
                followers.append(Follower(path))
            except EngineError as error:
                self.notify(printable(str(error)), severity="error", markup=False)
        if followers:
            _log.info("sessions are compared: %s", ", ".join(map(str, message.paths)))
            self.push_screen(CompareScreen(followers, message.chosen))

    def on_show_account(self, message: ShowAccount) -> None:
        """Show which claims of the paper hold."""
        from ibtui.screens.account import AccountScreen

        self._leave_charts()
        self.push_screen(AccountScreen(message.paths, self.directory))

    def on_show_map(self, message: ShowMap) -> None:
        """Show what the ensembles of a grid came to."""
        from ibtui_engine.maps.axes import axes_of

        try:
            summary = read_summary(message.path)
        except EngineError as error:
            self.notify(printable(str(error)), severity="error", markup=False)
            return
        if summary.recorded or not axes_of(summary.experiment):
            self.notify("a map is of a session whose ensembles differ in a setting", markup=False)
            return
        from ibtui.screens.map import MapScreen

        self._leave_charts()
        self.push_screen(MapScreen(message.path))

    def _settle(self) -> None:
        """Collect garbage from now on; `ibtui` begins without."""
        if self.alone:
            gc.enable()
        if not self._charts_loaded:
            self._leave_loaded()

    def _leave_charts(self) -> None:
        """Leave out what the first screen with charts has loaded, before it is made."""
        if not self._charts_loaded:
            self._charts_loaded = True
            self._leave_loaded()

    def _leave_loaded(self) -> None:
        """Have the collector leave out what has been loaded: a look through it takes 60 ms in which no key is answered.

        Only before there is a screen that can be left: what is left out is never taken away.
        """
        if self.alone:
            gc.freeze()

    def on_new_experiment(self, message: NewExperiment) -> None:
        """Show the form for a new experiment."""
        from ibtui.screens.new import NewScreen

        self.push_screen(NewScreen(self.directory, message.like))
        self._prepare()

    def on_start_run(self, message: StartRun) -> None:
        """Begin a run and go to its session as soon as there is one."""
        from ibtui import runs

        path, standby = message.path, self._standby
        self._standby = None
        try:
            self._runs[path] = runs.start_run(message.experiment, path, threads=message.threads, standby=standby)
        except EngineError as error:
            self.notify(printable(str(error)), severity="error", markup=False)
            return
        self._waiting, self._waiting_until = path, time.monotonic() + FIRST_SNAPSHOT_SECONDS
        self.push_screen(Starting(printable(path.stem)))
        self._await_session()
        self.call_after_refresh(_load_charts)

    def on_resume_run(self, message: ResumeRun) -> None:
        """Resume a session's run, and show it unless it is shown already; ask how far a finished one is to go."""
        summary = message.summary
        if summary.live:
            self.notify(f"{printable(summary.path.stem)} is {summary.status}", markup=False)
        elif is_example(summary.path):
            self.notify("an example is only read; d in the library makes an experiment with its settings")
        elif summary.status == "finished":
            self._extend(summary, message.show)
        else:
            self._resume(summary.path, message.show)

    @work
    async def _extend(self, summary: Summary, show: bool) -> None:
        from ibtui.screens.extending import Extending

        further = await self.push_screen_wait(Extending(summary))
        if further is not None:
            self._resume(summary.path, show, epochs=further.epochs, networks=further.networks)

    def _resume(self, path: Path, show: bool, **further: int) -> None:
        from ibtui import runs

        try:
            self._runs[path] = runs.resume_run(path, **further)
        except EngineError as error:
            self.notify(printable(str(error)), severity="error", markup=False)
            return
        if show:
            self._open(path)

    def _await_session(self) -> None:
        """Show the session of a run that was just started as soon as it is there."""
        path = self._waiting
        if path is None:
            return
        if not path.exists() or (time.monotonic() < self._waiting_until and not _measured(path)):
            self.set_timer(AWAITING_SECONDS, self._await_session)
            return
        self._waiting = None
        if isinstance(self.screen, Starting):  # else whoever waited for it is doing something else
            while not isinstance(self.screen, LibraryScreen):
                self.pop_screen()
            self._open(path)

    def _watch_runs(self) -> None:
        """Tell when a run could not be started, or has failed."""
        for path, run in list(self._runs.items()):
            if run.ended:
                del self._runs[path]
                if path == self._waiting:
                    self._waiting = None
                    if isinstance(self.screen, Starting):
                        self.pop_screen()
                if run.complaint:
                    self.notify(printable(run.complaint), severity="error", markup=False, timeout=10)
                self._prepare()

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a message for a while, and log it: the app cannot print."""
        _log.log(_LEVELS.get(severity, logging.INFO), "shown: %s", message)
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Everything that a key does on this screen, for the command palette."""
        for active in screen.active_bindings.values():
            binding = active.binding
            if binding.description and active.enabled and not binding.system:
                key = self.get_key_display(binding)
                action = partial(self.run_action, binding.action, active.node)
                yield SystemCommand(binding.description, binding.tooltip or f"key {key}", action)
        yield from super().get_system_commands(screen)

    def action_help(self) -> None:
        """Explain the screen, or close what explains it."""
        from ibtui.screens.help import HelpScreen

        if isinstance(self.screen, HelpScreen):
            self.screen.dismiss()
        else:
            self.push_screen(HelpScreen(self.screen))

    async def action_quit(self) -> None:
        """Leave; where a run started here goes on, ask what is to become of it."""
        self._leave()

    @work(exclusive=True, group="leave")
    async def _leave(self) -> None:
        from ibtui.screens.dialogs import Choice

        going = [path for path, run in self._runs.items() if not run.ended and _at_work(path)]
        if going:
            from ibtui_engine.session.control import send

            names = ", ".join(printable(path.stem) for path in going)
            answers = {"leave": "Leave it running", "stop": "Stop it", "stay": "Stay"}
            answer = await self.push_screen_wait(Choice(f"{names} is running.", answers))
            if answer == "stop":
                for path in going:
                    try:
                        send(path, "stop")
                    except EngineError:
                        continue  # it has ended by itself
            elif answer != "leave":
                return
        self.exit()

    def action_suspend_process(self) -> None:
        """Stop, as Ctrl+Z stops other programs: the whole job, with a script or `uv run` around the app."""
        if not self.is_headless and not self.is_web and hasattr(signal, "SIGTSTP"):
            os.kill(0, signal.SIGTSTP)

    def _repaint(self, _: object) -> None:
        self.refresh(layout=True)

    def _keep_theme(self, theme: Theme) -> None:
        """A theme was chosen: keep it."""
        if theme.name != self.settings.theme:
            self.settings = replace(self.settings, theme=theme.name)
            try:
                save_theme(theme.name)
            except EngineError as error:
                self.notify(printable(str(error)), severity="warning", markup=False)

    def action_picture(self) -> None:
        """Save the screen as an SVG file where the app was started."""
        name = type(self.screen).__name__.removesuffix("Screen").lower()
        path = next(p for k in count(1) if not (p := Path(f"ibtui-{name}{f'-{k}' if k > 1 else ''}.svg")).exists())
        try:
            write_whole(path, self.export_screenshot().encode())
        except EngineError as error:
            self.notify(printable(str(error)), severity="error", markup=False)
        else:
            self.notify(f"wrote {path}", markup=False)

    def action_theme(self) -> None:
        """Dark or light."""
        self.theme = "textual-light" if self.current_theme.dark else "textual-dark"


def _load_charts() -> None:
    """Load what draws a session while its run is still starting: it takes a third of a second."""
    import plotext  # noqa: F401

    import ibtui.charts.chart
    import ibtui.screens.session  # noqa: F401


def _measured(path: Path) -> bool:
    """Whether something has been measured in a session that is being made."""
    try:
        return any(ensemble.snapshots for ensemble in read_summary(path).ensembles)
    except EngineError:
        return False


def _at_work(path: Path) -> bool:
    """Whether a run started here has something left to do: its process may be ending, or not have begun to write."""
    try:
        return read_summary(path).live
    except EngineError:
        return not path.exists()

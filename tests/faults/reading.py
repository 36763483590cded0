"""Every command that reads a session, and the app's screens, as functions of one file: did it answer or refuse?

Each is True where it answered and False where it refused in one line; whatever else it raises is a failure.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

REFUSED = (1, 2)


@contextlib.contextmanager
def made_once() -> Iterator[None]:
    """Inside, the commands are made once: typer would make all of them anew, in 50 ms, for each call of one."""
    import typer

    from ibtui.cli import application as module

    before, command = module.make_application, typer.main.get_command(module.make_application())
    module.make_application = lambda _commands: command  # type: ignore[assignment]
    try:
        yield
    finally:
        module.make_application = before


def command(*arguments: str) -> tuple[int, str, str]:
    """A command in this process: exit status and what it said. Whatever it does not catch comes out."""
    from ibtui.cli import main

    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    before = sys.argv
    sys.argv = ["ibtui", *arguments]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), contextlib.suppress(SystemExit):
            status: Any = 0
            try:
                main()
            except SystemExit as leaving:
                status = leaving.code or 0
    finally:
        sys.argv = before
    return status, *(stream.buffer.getvalue().decode(errors="surrogateescape") for stream in (out, err))  # type: ignore[attr-defined]


def _answered(status: int, out: str, err: str, *, memory: bool = False) -> bool:
    """Whether there was an answer; False for a refusal in one line."""
    if status == 0:
        return True
    assert status in REFUSED, f"status {status}"
    assert out == "", f"half an answer: {out[-200:]!r}"
    lines = err.splitlines()
    assert len(lines) == 1, f"{len(lines)} lines: {err[-300:]!r}"
    assert lines[0].startswith("ibtui: "), lines[0]
    assert lines[0].isprintable(), lines[0]
    if "too little memory" in err and not memory:
        raise MemoryError
    return False


def _show(path: Path, chance: random.Random) -> bool:
    plain = ("show", str(path)) if chance.random() < 0.3 else ("show", str(path), "--json")
    status, out, err = command(*plain)
    assert "\x1b" not in out, "an escape sequence"
    if "--json" in plain and status == 0:
        json.loads(out)
    return _answered(status, out, err)


def _export(path: Path, chance: random.Random) -> bool:
    what = chance.choice(("information", "gradients", "learning", "weights"))
    more = ("--ensemble", "0") if what == "weights" else ("--format", chance.choice(("csv", "json")))
    status, out, err = command("export", str(path), "--what", what, *more)
    assert what == "weights" or "\x1b" not in out, "an escape sequence"
    return _answered(status, out, err)


def _library(path: Path, chance: random.Random) -> bool:
    """The app's list, with what it says of the chosen session."""
    from ibtui.results import sentence, work_out
    from ibtui.session_index import SessionIndex, matches
    from ibtui.status import about, status_line
    from ibtui.widgets.sessions_table import Line, _cells

    index = SessionIndex(path.parent)
    index.look()
    if path in index.damaged:
        assert "\n" not in index.damaged[path]
        return False
    summary = index[path]
    matches(summary, ["tanh"])
    outcome = work_out(summary)
    texts = [text.plain for text in _cells(Line(summary, marked=True, results=outcome.results)).values()]
    if outcome.results is not None:
        assert sentence(summary, outcome.results)
    assert all(text.isprintable() for text in texts), texts
    status_line(summary, "binning", ensemble=0)
    about(summary)
    return True


def _charts(path: Path, chance: random.Random) -> bool:
    """What the session's screen is made of: followed, and every chart drawn."""
    from ibtui.arrangement import CHARTS
    from ibtui.charts.chart import render
    from ibtui.ensemble_charts import EnsembleCharts
    from ibtui_engine.errors import EngineError
    from ibtui_engine.session.follow import Follower

    try:
        with Follower(path) as follower:
            follower.update()
            for index in range(min(len(follower.summary.ensembles), 2)):
                try:
                    charts = EnsembleCharts(follower.recorded_ensemble(index))
                except KeyError:  # nothing is recorded of it: the screen says so
                    continue
                if not charts.epochs:
                    continue
                epoch = chance.choice(charts.epochs)
                shown = tuple(range(len(charts.widths)))
                for name in chance.sample(CHARTS, 1):
                    spec = charts.chart(name, epoch=epoch, shown=shown, points=chance.random() < 0.5)
                    render(spec, 80, 24, theme="dark")
                charts.figures(epoch)
                charts.caveats(epoch)
                charts.drift_end  # noqa: B018
    except EngineError as error:
        return _in_one_line(error)
    return True


def _in_one_line(error: Exception) -> bool:
    assert "\n" not in str(error)
    return False


def _resume(path: Path, chance: random.Random) -> bool:
    """Go on with it for a moment; this may change the file, and does where it is not refused."""
    from ibtui_engine.progress import Interrupt
    from ibtui_engine.runner import Run

    execute = Run.execute

    def briefly(self: Run, watch: Any = None, interrupt: Interrupt | None = None, cluster: Any = None) -> str:
        stop = interrupt or Interrupt()
        return execute(self, lambda progress: stop.request() if progress.ensemble is not None else None, stop)

    Run.execute = briefly  # type: ignore[method-assign]
    try:
        more = ("--networks", "3") if chance.random() < 0.3 else ()
        status, out, err = command("resume", str(path), "--quiet", "--json", "--threads", "1", *more)
    finally:
        Run.execute = execute  # type: ignore[method-assign]
    return _answered(status, "" if status else out, err, memory=True) if status in REFUSED else status == 0


def _list(path: Path, chance: random.Random) -> bool:
    as_json = ("--json",) if chance.random() < 0.5 else ()
    status, out, err = command("list", "--sessions-dir", str(path.parent), *as_json)
    assert status == 0, err
    assert "\x1b" not in out, "an escape sequence"
    said = [line for line in err.splitlines() if line.startswith("ibtui: ")]
    assert len(said) <= 1, err
    if as_json:
        return len(json.loads(out)) == 1
    return path.stem in out


def _plain(*arguments: str) -> Callable[[Path, random.Random], bool]:
    """A command that reads a session and prints: as JSON or for people."""

    def reader(path: Path, chance: random.Random) -> bool:
        as_json = ("--json",) if chance.random() < 0.5 else ()
        status, out, err = command(arguments[0], str(path), *arguments[1:], *as_json)
        if status == 0:
            assert "\x1b" not in out, "an escape sequence"
            if as_json:
                json.loads(out, parse_constant=_no_number)
        return _answered(status, out, "\n".join(err.splitlines()[-1:]))

    return reader


def _no_number(name: str) -> float:
    raise AssertionError(f"{name} in JSON")


def _figure(path: Path, chance: random.Random) -> bool:
    """One of the figures, in the terminal or as numbers."""
    from ibtui.figures.registry import FIGURES

    figure = FIGURES[chance.choice(list(FIGURES))]
    sessions = [word for _ in figure.presets for word in ("--session", str(path))]
    numbers = path.with_name("figure.csv")
    more = ("--data", str(numbers)) if chance.random() < 0.5 else ()
    status, out, err = command("figure", figure.name, *sessions, *more, "--threads", "1", "--quiet")
    numbers.unlink(missing_ok=True)
    return _answered(status, out, err)


def _picture(path: Path, chance: random.Random) -> bool:
    """A figure as a file, or a film."""
    from ibtui.figures.registry import FIGURES

    out = path.with_name(f"picture.{chance.choice(('png', 'gif'))}")
    if out.suffix == ".gif":
        status, text, err = command("animate", str(path), "-o", str(out), "--quiet")
    else:
        figure = FIGURES[chance.choice(list(FIGURES))]
        sessions = [word for _ in figure.presets for word in ("--session", str(path))]
        status, text, err = command("figure", figure.name, *sessions, "-o", str(out), "--threads", "1", "--quiet")
    assert status or out.stat().st_size > 1000
    assert status == 0 or not out.exists(), "half a picture"
    out.unlink(missing_ok=True)
    return _answered(status, text, err)


def _remeasure(path: Path, chance: random.Random) -> bool:
    """Measured again into a new session, or printed."""
    out = path.with_name("again.out.ibs")
    where = ("--json",) if chance.random() < 0.3 else ("-o", str(out))
    how = ("--estimator", chance.choice(("adaptive", "exact")))
    try:
        status, text, err = command("remeasure", str(path), *how, *where, "--threads", "1", "--quiet")
        assert status == 0 or not out.exists(), "half a session"
        left = [file.name for file in path.parent.glob(".again*")]
        assert left == [], left
    finally:
        out.unlink(missing_ok=True)
    if status in REFUSED and where == ("-o", str(out)):
        text = ""
    return _answered(status, text, "\n".join(err.splitlines()[-1:]))


def _account(path: Path, chance: random.Random) -> bool:
    """The account of a directory with this session alone, which is one of those it rests on or is not."""
    arguments = ("--quick", "--networks", "1", "--sessions-dir", str(path.parent), "--quiet", "--json")
    status, out, err = command("account", *arguments)
    if status == 0:
        json.loads(out, parse_constant=_no_number)
    return _answered(status, out, err)


READERS: dict[str, Callable[[Path, random.Random], bool]] = {
    "show": _show,
    "list": _list,
    "export": _export,
    "compare": _plain("compare"),
    "phases": _plain("phases"),
    "relaxation": _plain("relaxation"),
    "noise": _plain("noise", "--draws", "1", "--sigma", "0,1", "--threads", "1"),
    "fit": _plain("fit", "--threads", "1"),
    "sweep-bins": _plain("sweep-bins", "--bins", "3,30", "--threads", "1"),
    "figure": _figure,
    "picture": _picture,
    "account": _account,
    "remeasure": _remeasure,
    "library": _library,
    "charts": _charts,
    "resume": _resume,
}
"""Each is True where it answered and False where it refused; whatever else it raises is a failure."""
COSTLY = {"fit": 1.0, "figure": 1.0, "picture": 0.1, "account": 1.0}
"""Those that compute or draw for long, and for what share of the files they are tried."""
SMALL = ("show", "list", "phases", "relaxation", "account", "library")
"""Those that are tried with large sessions, too."""

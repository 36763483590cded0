"""Any combination of options and settings is either run or refused in one line (hypothesis draws them)."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from tests.faults.reading import command, made_once
from tests.faults.table import Row

JUNK = st.sampled_from(
    ["", " ", "0", "-1", "1", "2", "1e3", "nan", "inf", "1e999", "x", "é", "\x1b[2J", "[red]", "-", "--", "/", "..",
     "\n", "9" * 400, "none", "full", "auto", "1-1", "a b", "0.5", "true", "=",
     "\udcff", "table:", "table:/dev/null", "table:."]
)  # fmt: skip
"""What no option means, or only some do."""
GOOD: dict[str, list[str]] = {
    "--rule": ["symmetric", "symmetric-soft", "committee"],
    "--theta": ["auto", "0.1", "1"],
    "--gamma": ["0.5", "30"],
    "--i-xy": ["0.5", "0.99"],
    "--hidden": ["2", "3-2", "none", "1"],
    "--fraction": ["0.01", "1", "0.002"],
    "--networks": ["1", "2"],
    "--seed": ["0", "7", str(2**62 - 9)],
    "--epochs": ["1", "2", "3"],
    "--batch": ["full", "512", "100"],
    "--learning-rate": ["0.1", "1e-9"],
    "--optimizer": ["sgd", "momentum", "adam"],
    "--momentum": ["0", "0.9"],
    "--activation": ["tanh", "relu", "sigmoid", "softsign", "linear"],
    "--init-scale": ["1", "1e-30"],
    "--labels": ["rule", "random"],
    "--estimator": ["binning", "adaptive", "quantile", "exact"],
    "--bins": ["2", "30"],
    "--noise": ["0.1"],
    "--snapshots": ["0", "5"],
    "--snapshot-at": ["0", "1"],
    "--weights": [],
    "--no-weights": [],
    "--trainer": ["auto", "fused"],
    "--device": ["auto", "cpu", "mps"],
    "--threads": ["1", "2"],
    "--name": ["it", "a name", "é"],
    "--json": [],
    "--quiet": [],
}
"""Options of `run`, with values that keep it small."""
SMALL = ("--networks", "1", "--epochs", "1", "--hidden", "2", "--fraction", "0.01")
OTHERS: dict[str, list[str]] = {
    "show": ["--epoch", "--chart", "--no-chart", "--json"],
    "export": ["--what", "--format", "--ensemble", "--epoch", "--quiet"],
    "list": ["--examples", "--json", "--quiet"],
    "rule": ["--theta", "--gamma", "--i-xy", "--json"],
    "presets": ["--json"],
    "phases": ["--json", "--ensemble"],
    "resume": ["--epochs", "--networks", "--threads", "--json"],
    "pause": [],
    "stop": [],
    "config": ["path", "keys"],
}
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.integers(), st.floats(), st.text(max_size=5), st.dates(),
    st.lists(st.one_of(st.integers(-2, 4), st.floats(0, 1), st.sampled_from(["2", "none", "x"])), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
).filter(lambda value: value is not None)  # fmt: skip
KEYS = [name[2:] for name in GOOD if name != "--no-weights"]


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """`run` with some options, mostly good; or another command with whatever."""
    if draw(st.integers(0, 3)):
        chosen = draw(st.lists(st.sampled_from(sorted(GOOD)), max_size=5))
        line = ["run", *SMALL]
        for name in chosen:
            line.append(name)
            if GOOD[name]:
                line.append(draw(st.sampled_from(GOOD[name])) if draw(st.integers(0, 4)) else draw(JUNK))
        return [*line, *draw(st.lists(JUNK, max_size=1))] if draw(st.integers(0, 9)) == 0 else line
    name = draw(st.sampled_from(sorted(OTHERS)))
    words = st.one_of(st.sampled_from(["kept", *OTHERS[name], "information", "learning", "csv", "symmetric"]), JUNK)
    return [name, *draw(st.lists(words, max_size=4))]


@st.composite
def settings_files(draw: st.DrawFn) -> dict[str, Any]:
    """Settings of a run by their names: good ones as text or number, or whatever TOML can say."""
    found: dict[str, Any] = {"networks": 1, "epochs": 1, "hidden": "2", "fraction": 0.01}
    for key in draw(st.lists(st.sampled_from([*KEYS, "preset", "nosuch", "snapshot_at"]), max_size=4)):
        good = GOOD.get(f"--{key}")
        found[key] = draw(st.sampled_from(good)) if good and draw(st.booleans()) else draw(VALUES)
    return {key: value for key, value in found.items() if not (key in LARGE and isinstance(value, int) and value > 5)}


LARGE = ("networks", "epochs", "snapshots", "threads", "bins", "hidden")
"""Numbers that would be run, and for long."""


@contextlib.contextmanager
def a_place() -> Iterator[Path]:
    """A directory of sessions for commands in this process, with one session in it, `kept`."""
    from ibtui_engine.experiment import Experiment
    from ibtui_engine.runner import Run, begin

    before, cwd = dict(os.environ), Path.cwd()
    with tempfile.TemporaryDirectory() as room:
        try:
            os.environ |= {f"XDG_{kind}_HOME": f"{room}/{kind}" for kind in ("CONFIG", "STATE", "DATA")}
            os.environ["IBTUI_SESSIONS"] = f"{room}/sessions"
            os.chdir(room)
            tiny = Experiment(hidden=((2,),), networks=1, epochs=3, fraction=(0.01,))
            Run(begin(Path(room) / "kept.ibs", "kept", tiny), threads=1).execute()
            yield Path(room)
        finally:
            os.chdir(cwd)
            os.environ.clear()
            os.environ.update(before)


def try_line(room: Path, line: list[str]) -> int:
    """Run a command line in a fresh directory; its exit status. Raises AssertionError where it is neither run nor
    refused in one line.
    """
    sessions = room / "sessions"
    shutil.rmtree(sessions, ignore_errors=True)
    sessions.mkdir()
    shutil.copy(room / "kept.ibs", sessions / "kept.ibs")
    status, out, err = command(*line)
    if status == 0 or line == ["config"]:  # which shows what there is to be done
        return 0
    lines = err.splitlines()
    assert status in (1, 2), f"{line}: status {status}"
    if status == 1:  # begun, and could not be done: it has diverged
        assert line[0] in ("run", "resume"), f"{line}: status 1: {err}"
    else:
        assert out == "", f"{line}: {out[-200:]}"
        assert [file.name for file in sessions.iterdir()] == ["kept.ibs"], f"{line}: something is left behind"
    said = [text for text in lines if text.startswith("ibtui: ")]
    assert len(said) == 1, f"{line}: {err}"
    assert status == 1 or len(lines) == 1, f"{line}: {err}"
    assert said[0].isprintable(), f"{line}: {said}"
    return int(status)


def options(count: int = 3000, seed: int = 1) -> Row:
    """Draw command lines, settings files and the app's configuration."""
    row = Row(
        "any combination of options, of settings in a TOML file, of the app's configuration",
        "run, or refused in one line with exit status 2 and nothing left behind",
    )
    statuses: list[int] = []
    how = settings(
        max_examples=count // 3,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        derandomize=False,
    )
    with a_place() as room, made_once(), warnings.catch_warnings():
        warnings.simplefilter("ignore")

        @seeded(seed)
        @how
        @given(command_lines())
        def lines(line: list[str]) -> None:
            statuses.append(try_line(room, line))

        @seeded(seed)
        @how
        @given(st.one_of(settings_files().map(tomli_w.dumps), st.text(max_size=60)))
        def files(text: str) -> None:
            (room / "settings.toml").write_text(text, encoding="utf-8", errors="surrogateescape")
            statuses.append(try_line(room, ["run", *SMALL, "--config", "settings.toml"]))

        @seeded(seed)
        @how
        @given(st.one_of(configurations().map(tomli_w.dumps), st.text(max_size=60)))
        def configuration(text: str) -> None:
            statuses.append(try_configuration(room, text))

        for drawn in (lines, files, configuration):
            try:
                drawn()
            except Exception as error:
                where = " / ".join(line.strip() for line in traceback.format_exc().splitlines()[-4:])
                drawn_last = " ".join(" ".join(getattr(error, "__notes__", ())).split())
                row.failures.append(f"{where[-400:]} ({drawn_last[-400:]})")
    row.tried = len(statuses)
    row.figures = f"{statuses.count(0)} run, {row.tried - statuses.count(0)} refused or ended in one line"
    return row


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Any]:
    """The app's settings, with keys by names that there are and that there are not."""
    from ibtui.keys import known_keys

    names = st.one_of(st.sampled_from(sorted(known_keys())), st.text(max_size=6))
    keys = st.one_of(st.sampled_from(["x", "space,x", "ctrl+a", "", ",", "f12", "no such key"]), st.text(max_size=4))
    found: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(["theme", "ascii", "keys", "nosuch"]), max_size=3, unique=True)):
        match draw(st.integers(0, 2)), name:
            case 0, _:
                found[name] = draw(VALUES)
            case _, "theme":
                found[name] = draw(st.sampled_from(["nord", "textual-light", "nosuch"]))
            case _, "ascii":
                found[name] = draw(st.booleans())
            case _, "keys":
                found[name] = draw(st.dictionaries(names, keys, max_size=3))
            case _:
                found[name] = 1
    return found


def try_configuration(room: Path, text: str) -> int:
    """What the app reads before it opens: settings and keys, or one line that says what is wrong."""
    from ibtui.keys import require_usable_keys
    from ibtui.settings import load_settings
    from ibtui_engine.errors import InvalidValue

    path = room / "config.toml"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    try:
        found = load_settings(path)
        require_usable_keys(found.keys)
    except InvalidValue as error:
        refusal = str(error)
    else:
        return 0
    assert len(refusal.splitlines()) == 1, refusal
    return 2

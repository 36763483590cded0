"""The log: nothing without being asked, whole lines from several processes, and what failed processes have said."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ibtui import runs
from ibtui.app import IbtuiApp
from ibtui.cli.application import COMMANDS, wanted
from ibtui.commands import run_python
from ibtui.last_words import last_line
from ibtui.log import PACKAGES, LogFile, begin_log, log_message, log_path
from ibtui.surroundings import LOG_FILE, LOG_LEVEL
from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import Experiment

if TYPE_CHECKING:
    from tests.conftest import Ibtui

RECORD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (DEBUG|INFO|WARNING|ERROR|CRITICAL) +\d+ ibtui[\w.]*: .+")


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A log that this process writes, until the test ends."""
    monkeypatch.setenv(LOG_FILE, str(tmp_path / "it.log"))
    monkeypatch.setenv(LOG_LEVEL, "debug")
    root = logging.getLogger()
    before = list(root.handlers)
    begin_log()
    yield tmp_path / "it.log"
    for handler in set(root.handlers) - set(before):
        root.removeHandler(handler)
        if isinstance(handler, LogFile):
            handler.close()
    for package in PACKAGES:
        logging.getLogger(package).setLevel(logging.NOTSET)


def records(path: Path) -> list[str]:
    """The records of a log, each with its further lines."""
    found: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("    ") and found:
            found[-1] += "\n" + line
        else:
            assert RECORD.fullmatch(line), line
            found.append(line)
    return found


def test_nothing_is_set_up_unless_it_is_asked_for() -> None:
    code = "import sys; sys.argv = ['ibtui', 'presets']; sys.exit = lambda status: None\n"
    code += "from ibtui.cli import main; main()\n"
    code += "assert 'ibtui.log' not in sys.modules and 'logging' not in sys.modules"
    own = {key: value for key, value in os.environ.items() if not key.startswith("IBTUI_")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=own)
    assert (done.returncode, done.stderr) == (0, "")
    assert log_path() is None
    log_message(logging.ERROR, "to nobody")


def test_records_of_several_threads_are_whole_lines(log: Path) -> None:
    texts = {f"{letter}{number}" + letter * 20_000 for letter in "abcd" for number in range(20)}

    def write(letter: str) -> None:
        for text in sorted(texts):
            if text.startswith(letter):
                logging.getLogger("ibtui.test").info(text)

    threads = [threading.Thread(target=write, args=(letter,)) for letter in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {record.rpartition(": ")[2] for record in records(log)} >= texts


def test_records_are_made_of_printable_lines(log: Path) -> None:
    logging.getLogger("ibtui.test").warning("a\x1b[31m\nb\rc")
    last = records(log)[-1]
    assert last.endswith("ibtui.test: a\\x1b[31m\n    b\n    c")


def test_other_packages_are_heard_from_warnings_on(log: Path) -> None:
    logging.getLogger("numba.test").info("too much")
    logging.getLogger("ibtui_engine.test").debug("all of it")
    assert "too much" not in log.read_text()
    assert "all of it" in log.read_text()


def test_what_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    file = LogFile(Path("/dev/full"))
    file.emit(logging.LogRecord("ibtui", logging.INFO, "", 0, "no room", (), None))
    file.close()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing/it.log", "there is no directory"),
        (".", "it is a directory"),
        ("run", "give a name that ends in .log or .txt"),
        ("it.ibs", "names that end in .ibs are for sessions"),
        ("it.ibs-wal", "such names are for files that SQLite keeps beside sessions"),
        ("link.log", "names that end in .ibs are for sessions"),
        ("pipe", "No such device or address"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path, name: str, said: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link.log").symlink_to(tmp_path / "it.ibs")
    with pytest.raises(InvalidValue, match=said):
        begin_log(tmp_path / name, "info")
    assert log_path() is None


def test_a_child_that_fails_is_logged_with_all_that_it_said(log: Path) -> None:
    code = "import sys; print('first\\nibtui: last', file=sys.stderr); sys.exit(3)"
    status, _, said = asyncio.run(run_python("-c", code))
    assert last_line(said, status) == f"last (log: {log})"
    text = "\n".join(records(log))
    assert re.search(r"INFO .*process \d+ begins: python -c", text)
    assert re.search(r"WARNING .*process \d+ ended: exit status 3", text)
    assert re.search(r"WARNING .*process \d+ has said:\n    first\n    ibtui: last", text)


@pytest.mark.long
def test_a_run_that_fails_is_logged_with_all_that_it_said(log: Path, tmp_path: Path) -> None:
    run = runs.start_run(Experiment(rule="table:missing.csv"), tmp_path / "no.ibs")
    end = time.monotonic() + 120
    while not run.ended:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert "missing.csv" in run.complaint
    text = "\n".join(records(log))
    assert re.search(r"INFO .*process \d+ begins: ibtui run --config", text)
    assert re.search(r"WARNING .*ibtui.runs: process \d+ has said:\n    .*missing.csv", text)
    assert re.search(r"ERROR .*ibtui.cli: .*missing.csv", text), "the run itself logs there, too"


def test_the_app_logs_what_it_shows(log: Path, tmp_path: Path) -> None:
    async def go() -> None:
        app = IbtuiApp(tmp_path)
        async with app.run_test():
            app.notify("nothing can be measured again", severity="error")

    asyncio.run(go())
    assert re.search(r"ERROR .*ibtui.app: shown: nothing can be measured again", log.read_text())


@pytest.mark.parametrize(
    ("said", "status", "shown"),
    [
        ("ibtui: no\n", 2, "no"),
        ("", 3, "exit status 3"),
        ("", -9, "ended by SIGKILL"),
        ("", -250, "ended by signal 250"),
        ("a\n\nibtui: b\n", 1, "b (all 2 lines: start ibtui with --log-file)"),
        ("a\nwrote b\n", 0, "wrote b"),
    ],
)
def test_the_last_line_is_shown_and_where_more_is(said: str, status: int, shown: str) -> None:
    assert last_line(said, status) == shown


def test_a_command_logs_what_it_runs_claims_and_says(ibtui: Ibtui, tmp_path: Path) -> None:
    short = ("--networks", "1", "--epochs", "2", "--hidden", "3")
    done = ibtui("--log-file", "it.log", "--log-level", "debug", "run", *short, "--name", "one", "--quiet", "--json")
    assert done.returncode == 0, done.stderr
    refused = ibtui("--log-file", "it.log", "show", "missing")
    assert refused.returncode == 2
    text = "\n".join(records(tmp_path / "it.log"))
    for said in (
        r"ibtui \S+ begins in .*: .*run --networks 1",
        r"session \S*one.ibs is claimed",
        r"session \S*one.ibs runs: ensembles 1, cohorts 1, epochs 2, threads \d+",
        r"DEBUG .*session \S*one.ibs is opened for reading",
        r"DEBUG .*ensemble 0 is measured at epoch 2",
        r"session \S*one.ibs is finished",
        r"session \S*one.ibs is let go of",
        r"ends with exit status 0",
        r"ERROR .*no session 'missing'",
        r"ends with exit status 2",
    ):
        assert re.search(said, text), said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--log-file", "no/it.log", "list"), "--log-file: cannot write '{here}/no/it.log': there is no directory"),
        (("--log-file", "it.log", "--log-level", "loud", "list"), "--log-level must be debug, info, warning or error"),
        (("--log-level", "debug", "list"), "--log-level applies only with --log-file"),
        (("--log-file", "a.log", "--log-file", "b.log", "list"), "--log-file is given twice"),
    ],
)
def test_a_log_that_cannot_be_is_one_line(ibtui: Ibtui, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    done = ibtui(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"ibtui: {said.format(here=tmp_path)}")
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.glob("*.log"))


def test_the_value_of_an_option_is_taken_for_no_command() -> None:
    assert wanted(["--log-file", "it.log", "--log-level", "debug", "list", "show"]) == ("list",)
    assert set(wanted(["--log-file"])) == set(COMMANDS)


def test_the_variable_is_enough_and_children_inherit_it(command_environment: Mapping[str, str], tmp_path: Path) -> None:
    code = "import asyncio; from ibtui.commands import ask; from ibtui.log import begin_log; begin_log()\n"
    code += "print(asyncio.run(ask('show', 'missing')).said)"
    own = {**command_environment, LOG_FILE: "it.log"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=own, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.startswith("no session 'missing'"), done.stderr
    numbers = {record.split()[3] for record in records(tmp_path / "it.log")}
    assert len(numbers) == 2, "this process, and the command that it has asked"


@pytest.mark.parametrize("logged", [False, True])
def test_what_is_logged_is_not_printed_as_well(logged: bool, tmp_path: Path) -> None:
    code = "import logging, sys; import ibtui.app, ibtui_engine.session.claim; "
    code += "from ibtui.log import begin_log; from pathlib import Path; "
    code += "begin_log(Path(sys.argv[1])) if sys.argv[1] else None; "
    names = ("ibtui_engine.x", "ibtui.x", "another", "ibtui_engine.notes")
    code += f"[logging.getLogger(name).warning('of ' + name) for name in {names}]"
    file = tmp_path / "it.log"
    done = subprocess.run(
        [sys.executable, "-c", code, str(file) if logged else ""],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == "of another\nof ibtui_engine.notes\n"
    if logged:
        kept = file.read_text(encoding="utf-8")
        assert all(f"of {name}" in kept for name in names)

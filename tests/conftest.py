"""What all tests share: settings of hypothesis, and the real command in a process of its own."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.faults.warm import Warm, plain_environment
from tests.shapes import check_shapes

check_shapes()  # before anything imports the engine

for profile, examples in {"some": 15, "many": 100, "explore": 2000}.items():
    settings.register_profile(
        profile,
        max_examples=examples,
        deadline=None,  # these machines are shared: time says nothing
        derandomize=profile != "explore",  # a run of the tests means the same everywhere
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("some")  # `--hypothesis-profile` names another

# What is loaded and collected stays: looking for garbage among it finds none. It is not frozen, though: older versions
# of hypothesis ask the collector who refers to their source of randomness, and would be told that nobody does.
gc.set_threshold(50_000, 20, 50)

KERNELS = (
    (
        ("run", "--networks", "1", "--epochs", "2", "--hidden", "3", "--quiet", "--json", "--out", "one.ibs"),
        ("remeasure", "one.ibs", "--estimator", "kde", "--quiet", "--out", "kde.ibs"),
        ("remeasure", "one.ibs", "--estimator", "quantile", "--quiet", "--out", "quantile.ibs"),
        ("remeasure", "one.ibs", "--estimator", "exact", "--quiet", "--out", "exact.ibs"),
    ),
    (
        ("curve", "symmetric", "--gamma", "100", "--json", "--quiet"),  # the curve of its own gamma ships with ibtui
        ("fit", "one.ibs", "--json"),
        ("run", "monte-carlo", "--quick", "--networks", "1", "--epochs", "4", "--quiet", "--json", "--out", "two.ibs"),
    ),
)
"""Commands, in two rows that run side by side, which between them compile nearly all kernels."""


def heed_signals() -> None:
    """Let commands that this process starts heed their signals, also where it was told to ignore them itself (`nohup`,
    a job in the background of a script): what is ignored stays ignored in them, a handler does not.
    """
    for number in (signal.SIGTERM, signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGTERM)):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda number, frame: None)


def pytest_configure(config: pytest.Config) -> None:
    """Heed signals; and where no kernels are kept yet, compile them once, not in every process of the tests."""
    heed_signals()
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None) or config.option.collectonly:
        return
    from ibtui_engine.compiling.cache import store

    if (kept := store().directory) and kept.exists():
        return
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(len(KERNELS)) as side_by_side:

        def compile_them(commands: tuple[tuple[str, ...], ...]) -> None:
            for command in commands:
                line = [sys.executable, "-m", "ibtui", *command]
                subprocess.run(line, cwd=folder, capture_output=True, check=False)

        list(side_by_side.map(compile_them, KERNELS))


Ibtui = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    """Starts commands in processes of their own that have loaded already what they need."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("IBTUI_", "COLUMNS", "LINES"))}
    with Warm(tmp_path_factory.mktemp("warm"), plain_environment(own)) as starting:
        yield starting


@pytest.fixture
def command_environment(tmp_path: Path) -> Mapping[str, str]:
    """An environment whose sessions, data and configuration lie in the test's own directory.

    Compiled kernels are shared with the other tests: compiling takes seconds.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("IBTUI_", "COLUMNS", "LINES"))}
    return kept | {
        "IBTUI_SESSIONS": str(tmp_path / "sessions"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }


@pytest.fixture
def ibtui(command_environment: Mapping[str, str], tmp_path: Path, warm: Warm) -> Ibtui:
    """Run the command with arguments, in the test's directory; text comes back."""

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return warm.completed(*arguments, cwd=tmp_path, environment=command_environment)

    return run

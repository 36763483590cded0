"""What people install: what the distributions hold, and the wheel at work among namesakes of its modules."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Set
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pexpect
import pyte
import pytest

from ibtui_engine.session.summary import read_summary
from tests.packaging.__main__ import build
from tests.packaging.checks import faults_of_sdist, faults_of_wheel, tracked

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
PATIENCE = 600
MODULES = {
    "engine", "h5py", "ibtui", "ibtui_engine", "jaxtyping", "llvmlite", "matplotlib", "numba", "numpy", "pandas", "PIL",
    "platformdirs", "plotext", "psutil", "pyarrow", "rich", "scipy", "textual", "threadpoolctl", "tomli_w", "torch",
    "typer",
}  # fmt: skip
"""Someone else's, in the directory of work, beside one for each module of the standard library."""


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The source distribution, and the wheel that is built from it."""
    if find_spec("pip") is None or find_spec("build") is None:
        pytest.skip("pip and build are needed")
    return build(tmp_path_factory.mktemp("dist"))


def test_both_hold_what_they_should_and_say_what_they_are(distributions: tuple[Path, Path]) -> None:
    source, wheel = distributions
    assert faults_of_sdist(source, tracked()) == []
    assert faults_of_wheel(wheel, tracked()) == []


class Installed:
    """The wheel in a virtual environment of its own, called from a directory full of other people's modules."""

    def __init__(self, room: Path, wheel: Path) -> None:
        self.python = room / "venv" / "bin" / "python"
        subprocess.run(
            [sys.executable, "-m", "venv", "--without-pip", str(room / "venv")], check=True, timeout=PATIENCE
        )
        install = [sys.executable, "-m", "pip", "--python", str(self.python), "install", "--no-deps", "--no-index"]
        subprocess.run([*install, str(wheel)], check=True, capture_output=True, timeout=PATIENCE)
        (self.packages,) = (room / "venv" / "lib").glob("python*/site-packages")
        # what it depends on comes from where these tests run: behind its own, and without editable installations
        others = [place for place in sys.path if Path(place).name in ("site-packages", "dist-packages")]
        (self.packages / "dependencies.pth").write_text("\n".join(others))
        self.ibtui = self.python.with_name("ibtui")
        self.directory = room / "work"
        self.marker = room / "imported.txt"
        self.sessions = room / "sessions"
        self.environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("PYTHON", "IBTUI_", "VIRTUAL_ENV", "NO_COLOR", "FORCE_COLOR", "MPL"))
        }
        self.environment |= {"IBTUI_SESSIONS": str(self.sessions), "TERM": "xterm-256color"}
        self.environment |= {f"XDG_{kind}_HOME": str(room / kind) for kind in ("DATA", "CONFIG", "STATE")}
        self.crowd()

    def crowd(self, without: Set[str] = frozenset()) -> None:
        """Fill the directory of work anew; every module there tells of its import in the file `marker`."""
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir()
        for name in (MODULES | sys.stdlib_module_names) - without - {"__main__"}:
            # the builtin open, since any module could be someone else's here
            tells = f"open({str(self.marker)!r}, 'a').write({name + chr(10)!r})\n"
            (self.directory / f"{name}.py").write_text(tells)
        (self.directory / "engine").mkdir()
        (self.directory / "engine" / "__init__.py").write_text(f"open({str(self.marker)!r}, 'a').write('engine/')\n")
        (self.directory / "matplotlibrc").write_text("figure.dpi: 1\nsavefig.bbox: tight\ntext.usetex: True\n")
        (self.directory / ".numba_config.yaml").write_text("disable_jit: 1\n")

    def before_any_program(self) -> set[str]:
        """The modules that `python -m` itself imports, from the current directory too: nothing can be done about it."""
        shutil.rmtree(self.directory)
        self.directory.mkdir()
        (self.directory / "probe.py").touch()
        told = subprocess.run(
            [str(self.python), "-X", "importtime", "-m", "probe"],
            cwd=self.directory, env=self.environment, capture_output=True, text=True, timeout=PATIENCE, check=True,
        )  # fmt: skip
        return {line.rpartition("|")[2].strip().partition(".")[0] for line in told.stderr.splitlines()}

    def imported(self) -> str:
        return self.marker.read_text() if self.marker.exists() else ""

    def attempt(self, program: str | Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            list(map(str, (program, *arguments))), cwd=self.directory, env=self.environment, capture_output=True,
            text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip

    def __call__(self, *command: str | Path) -> str:
        done = self.attempt(*command)
        assert done.returncode == 0, done.stderr
        assert self.imported() == "", command
        return done.stdout


@pytest.fixture(scope="module", params=["with torch", "without torch"])
def installed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, distributions: tuple[Path, Path]
) -> Iterator[Installed]:
    """The installed wheel, once as it is and once where importing torch fails as if it were not there."""
    room = tmp_path_factory.mktemp("room")
    installed = Installed(room, distributions[1])
    if request.param == "without torch":
        (installed.packages / "torch.py").write_text(
            "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')"
        )
    yield installed
    shutil.rmtree(room / "venv")


def test_the_commands_work_among_namesakes(installed: Installed) -> None:
    ibtui, out = installed.ibtui, installed.directory.parent
    places = "import ibtui, ibtui_engine; print(ibtui.__file__, ibtui_engine.__file__)"
    told = installed(installed.python, "-P", "-c", places)
    assert all(place.startswith(str(installed.packages)) for place in told.split()), "it is the wheel that is tried"
    assert installed(ibtui, "--version").startswith("ibtui ")
    assert "example-figure-3" in installed(ibtui, "list", "--examples")
    assert "Information plane" in installed(ibtui, "run", "quick", "--epochs", "60", "--name", "mine", "--quiet")
    assert [one["name"] for one in json.loads(installed(ibtui, "list", "--json"))] == ["mine"]
    installed(ibtui, "remeasure", "mine", "--bins", "20", "--out", out / "twenty.ibs", "--quiet")
    assert read_summary(out / "twenty.ibs").experiment.bins == 20
    assert json.loads(installed(ibtui, "fit", "mine", "--json"))
    installed(ibtui, "figure", "3", "--session", "example-figure-3", "-o", out / "3.png", "--data", out / "3.csv")
    assert (out / "3.png").stat().st_size > 20_000, "a matplotlibrc of a dot an inch changes nothing"
    assert (out / "3.csv").stat().st_size > 0
    installed(ibtui, "animate", "mine", "-o", out / "mine.gif", "--quiet")


def test_the_command_can_be_called_as_a_module(installed: Installed) -> None:
    assert installed(installed.python, "-P", "-m", "ibtui", "--version").startswith("ibtui ")
    installed.crowd(without=installed.before_any_program() | {"ibtui"})  # of which Python takes the one that is here
    try:
        for line in (("--version",), ("list", "--examples"), ("show", "example-figure-3")):
            assert installed(installed.python, "-m", "ibtui", *line).strip()
    finally:
        installed.crowd()


class App:
    """The app on a terminal of 120 x 40, and what is on that."""

    def __init__(self, installed: Installed, *arguments: str) -> None:
        self.program = pexpect.spawn(
            str(installed.ibtui),
            list(arguments),
            dimensions=(40, 120),
            env=installed.environment,
            cwd=str(installed.directory),
            encoding="utf-8",
        )
        self.screen = pyte.Screen(120, 40)
        self.stream = pyte.Stream(self.screen)

    def until(self, *shown: str, gone: str = "\0") -> None:
        """Wait until the screen has these texts, and no longer `gone`."""
        end = time.monotonic() + PATIENCE
        while not all(text in self.text for text in shown) or gone in self.text:
            assert time.monotonic() < end, f"{shown} not on the screen:\n{self.text}"
            try:
                self.stream.feed(self.program.read_nonblocking(65536, timeout=0.2))
            except pexpect.TIMEOUT:
                continue

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)


def test_the_app_and_what_it_starts_work_among_namesakes(installed: Installed) -> None:
    app = App(installed, "open", "example-figure-3")
    app.until("10000 of 10000")
    app.program.send(")")  # measures again, in a process of its own, as the next two
    app.until("measured again: binning, 45 bins", gone="to come")
    app.program.send("q")
    app.until("Examples")
    app.program.send("n")
    app.until("on this machine")
    app.program.send("\x1b")
    app.until("Examples")
    before = set(installed.sessions.glob("*.ibs"))
    app.program.send("s")
    end = time.monotonic() + PATIENCE
    while not any(read_summary(path).status == "finished" for path in set(installed.sessions.glob("*.ibs")) - before):
        assert time.monotonic() < end, app.text
        with suppress(pexpect.TIMEOUT):
            app.stream.feed(app.program.read_nonblocking(65536, timeout=0.2))
    app.program.send("\x11")
    app.program.expect(pexpect.EOF, timeout=PATIENCE)
    app.program.close()
    assert (app.program.exitstatus, app.program.signalstatus) == (0, None)
    assert installed.imported() == ""


def test_what_needs_torch_is_the_only_thing_that_misses_it(installed: Installed) -> None:
    blocked = (installed.packages / "torch.py").exists()
    out = installed.directory.parent / "by-torch.ibs"
    done = installed.attempt(
        installed.ibtui, "run", "--trainer", "torch", "--networks", "1", "--epochs", "2", "-o", out
    )
    assert installed.imported() == ""
    assert out.exists() != blocked
    if blocked:
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert done.stderr.startswith("ibtui: the torch trainer needs torch, which is not installed; install with: ")
        assert "pip install 'torch" in done.stderr
    else:
        assert done.returncode == 0, done.stderr

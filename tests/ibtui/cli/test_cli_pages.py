"""Every command that the pages show, run for real: on sessions of their own, in quick versions where they take long."""

from __future__ import annotations

import shlex
import sys

import pexpect
import pytest

from ibtui_engine.presets import PRESETS
from tests.ibtui.cli.conftest import PATIENCE, Program
from tests.ibtui.figures.test_figures_presets import some_images
from tests.ibtui.test_ibtui_readme import commands

pytestmark = pytest.mark.long

SMALL = ("--hidden", "4-3", "--fraction", "0.1", "--networks", "2")
RELAXED = (*SMALL, "--epochs", "400", "--snapshots", "20", "--snapshot-at", "400", "--optimizer", "metropolis",
           "--relax-from", "100")  # fmt: skip
"""What the session `NAME` of the pages is here."""
MENTIONED = {
    "ibtui figure ib-guided",
    "ibtui map",
    "ibtui map NAME",
    "ibtui map NAME --renew",
    "ibtui map map-learning -o map.png",
    "ibtui map rates",
    "ibtui map rates --show drift-end",
    "ibtui map rates --show verdict:two-phases",
    "ibtui map rates -o rates.pdf",
    "ibtui refine",
    "ibtui refine NAME CLAIM",
    "ibtui refine rates two-phases --budget 200",
    "ibtui resume map-learning",
    "ibtui animate",
    "ibtui remeasure",
    "ibtui note",
    "ibtui resume",
    "ibtui --install-completion",
    "ibtui open my-net.ibs",
    "ibtui export",
    "ibtui import activations.npz",
    "ibtui lesson FILE.toml",
    "ibtui lesson FILE.toml --check",
    "ibtui import activations.npz -o my-net.ibs",
}
"""Commands that are named without what they need (`test_cli_map` runs those of maps), one that takes minutes (its
figure has tests of its own), and one that changes the files of a shell.
"""
IN_THE_APP = {"ibtui", "ibtui open example-figure-3", "ibtui tour", "ibtui --log-file FILE.log"}
SILENT = ("pause", "stop", "animate", "export", "figure")
"""They write files, or only say what they did; so does `list` where there is nothing."""
LEFT = "\x1b[?1049l"
"""What a terminal is told when the app is left."""


def shortened(words: list[str]) -> list[str]:
    """A command with what makes it end soon."""
    if "--networks" in words:
        words[words.index("--networks") + 1] = "1"
        return [*words, "--epochs", "3"]
    if words[0] == "run":
        return (
            [*words, "--quick"] if words[1:2] and words[1] in PRESETS else [*words, "--networks", "1", "--epochs", "3"]
        )
    if words == ["account", "--run"]:
        return [*words, "--quick", "--networks", "1"]
    if words == ["figure", "N"]:
        return ["figure", "3", "--session", "example-figure-3"]
    return words


@pytest.mark.parametrize("line", sorted(set(commands()) - MENTIONED - IN_THE_APP))
def test_every_command_of_the_pages_runs(program: Program, line: str) -> None:
    words = [word.replace("DIR", str(program.directory)) for word in shlex.split(line)[1:] if word != "…"]
    if "DIR" in line:
        some_images(program.directory)
    if "FILE.csv" in line:
        (program.directory / "FILE.csv").write_text("a,b,p_y\n0,0,0.1\n0,1,0.9\n1,0,0.8\n1,1,0.3\n")
    if words[0] in ("pause", "stop") or words == ["resume", "NAME"]:
        epochs = "20000" if words[0] == "resume" else "10000000"
        run = program.start("run", "--name", "NAME", *SMALL, "--epochs", epochs)
        assert program.until(lambda: program.epoch("NAME") >= 0, run)
        if words[0] == "resume":
            program.good("stop", "NAME")
            run.communicate(timeout=PATIENCE)
    elif words in (["account", "SESSION..."], ["compare", "NAME", "NAME"]):
        for name in ("NAME", "OTHER"):
            program.good("run", "--name", name, *RELAXED)
        words[1:] = ["NAME", "OTHER"]
    elif "NAME" in words and words[0] != "run":
        program.good("run", "--name", "NAME", *RELAXED)
    said = program.good(*shortened(words))
    assert said.strip() or words[0] in SILENT or words[0] == "list", (
        "data goes to stdout, what there is to say to stderr"
    )
    for option in ("-o", "--data"):
        if option in words and words[0] != "run":
            assert (program.directory / words[words.index(option) + 1]).stat().st_size > 0


@pytest.mark.parametrize("line", sorted(IN_THE_APP))
def test_the_app_opens_as_the_pages_say(program: Program, line: str) -> None:
    app = pexpect.spawn(
        sys.executable,
        ["-m", *shlex.split(line)],
        dimensions=(40, 120),
        env=program.environment,
        cwd=str(program.directory),
        encoding="utf-8",
        timeout=PATIENCE,
    )
    begun = {"open": "10000 of 10000", "tour": "stop 1 of 8"}
    app.expect(begun.get((*line.split(), "")[1], "Examples"))
    app.send("\x11")
    app.expect_exact(LEFT)
    app.expect(pexpect.EOF)
    app.close()
    assert (app.exitstatus, app.signalstatus) == (0, None)

"""What a command loads, its help, version and completion: nothing that people would have to wait for."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points, version
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

from ibtui.cli.application import COMMANDS, make_application

if TYPE_CHECKING:
    from tests.ibtui.cli.conftest import Program

HEAVY = {"torch", "numba", "numpy", "scipy", "textual", "plotext", "matplotlib", "psutil", "sympy"}
OF_ESTIMATORS = "--bins --noise --noise-scale --noise-samples --kernel-width"
OF_RULE = "--theta --gamma --i-xy --label --ignore --label-kind --label-bins --scale --test-fraction --test --weight"
OPTIONS = {
    "run": "--quick --full "
    f"--rule --data {OF_RULE} --hidden --fraction --networks --seed --epochs --batch "
    "--learning-rate --optimizer --relax-from --relax-prior --momentum --weight-decay --dropout --sampling "
    "--activation --activation-bits --units --ib-beta --ib-method --init-scale --labels --estimator "
    f"{OF_ESTIMATORS} --measured --snapshots --snapshot-at --weights --no-weights "
    "--trainer --device --threads --cluster --trust-network --name --out --config --save-config --or-resume "
    "--sessions-dir --json --quiet",
    "resume": "--epochs --networks --threads --cluster --trust-network --sessions-dir --json --quiet",
    "pause": "--sessions-dir --quiet",
    "stop": "--sessions-dir --quiet",
    "note": "--tag --untag --clear --sessions-dir --json --quiet",
    "show": "--epoch --chart --no-chart --kept --by --sessions-dir --json",
    "compare": "--epoch --pinned --equal-work --chart --by --sessions-dir --json",
    "map": "--x --y --at --show --out --renew --threads --sessions-dir --json --quiet",
    "refine": "--budget --minutes --threads --sessions-dir --json --quiet",
    "phases": "--ensemble --chart --no-chart --by --sessions-dir --json",
    "relaxation": "--chart --no-chart --sessions-dir --json",
    "noise": "--epoch --sigma --draws --chart --no-chart --threads --sessions-dir --json --quiet",
    "export": "--what --format --ensemble --epoch --out --by --sessions-dir --quiet",
    "remeasure": f"--estimator {OF_ESTIMATORS} --epoch --out --threads --sessions-dir --json --quiet",
    "estimators": f"{OF_ESTIMATORS} --epoch --ensemble --estimator --threads --sessions-dir --json --quiet",
    "sweep-bins": "--bins --ensemble --estimator --chart --no-chart --threads --sessions-dir --json --quiet",
    "presets": "--json",
    "figure": "--session --quick --networks --epochs --out --data --threads --by --sessions-dir --quiet",
    "animate": "--out --ensemble --seconds --fps --theme --by --sessions-dir --quiet",
    "account": "--run --quick --examples --networks --data --out --threads --sessions-dir --json --quiet",
    "list": "--sessions-dir --examples --results --json --quiet",
    "rule": f"{OF_RULE} --seed --out --json --quiet",
    "curve": f"{OF_RULE} --seed --error --fraction --samples --partitions --threads --out --json --quiet",
    "fit": "--epoch --every --error --threads --by --sessions-dir --json",
}


LOADED = """
import contextlib, io, json, sys
from ibtui.cli import main
found = {}
for line in json.loads(sys.argv[1]):
    sys.argv = ["ibtui", *line.split()]
    sys.stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with contextlib.suppress(SystemExit):
        main()
    found[line] = sorted({name.partition(".")[0] for name in sys.modules})
sys.stdout = sys.__stdout__
print(json.dumps(found))
"""


def loaded(program: Program, *lines: str) -> dict[str, set[str]]:
    """The packages that are loaded after each of these commands, one after another in one process."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, json.dumps(lines)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        cwd=program.directory,
        env=program.environment,
        timeout=120,
        check=True,
    )
    return {line: set(packages) for line, packages in json.loads(done.stdout).items()}


NO_NUMBERS = (
    "--help",
    "--version",
    "run --help",
    "curve --help",
    "fit nosuch",
    "curve nosuch",
    "export --help",
    "remeasure --help",
    "sweep-bins --help",
    "list",
    "list --json",
    "presets",
    "rule",
    "figure --help",
    "figure nosuch",
    "figure 3 -o f.jpg",
    "animate --help",
    "animate nosuch -o f.gif",
    "run nosuch",
    "run --epochs 0",
    "show nosuch",
    "--show-completion",
)


def test_what_needs_no_numbers_loads_nothing_heavy(made: Program) -> None:
    found = loaded(made, *NO_NUMBERS)
    assert {line: packages & HEAVY for line, packages in found.items()} == {line: set() for line in NO_NUMBERS}
    assert all("typer" in packages for packages in found.values()), "the test sees what is loaded"


def test_reading_a_session_waits_for_no_compiler(made: Program) -> None:
    lines = (
        "show grid --json",
        "phases grid --json",
        "export grid --what learning",
        "export grid --what weights --ensemble 0",
    )
    found = loaded(made, *lines)
    assert {line: packages & HEAVY for line, packages in found.items()} == {line: {"numpy"} for line in lines}


def test_the_app_is_on_the_screen_before_numpy_and_the_charts() -> None:
    code = "import sys, ibtui.cli, ibtui.app; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    found = set(done.stdout.split())
    assert "textual" in found
    assert found & (HEAVY - {"textual"} | {"typer"}) == set()


def test_a_run_on_the_cpu_loads_no_torch(program: Program) -> None:
    (found,) = loaded(program, "run --networks 1 --epochs 1 --name it").values()
    assert "numba" in found
    assert found & {"torch", "textual"} == set()


def leaves(command: Any, *names: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that can be run, with its words."""
    commands = getattr(command, "commands", None)
    if commands is None:
        yield names, command
    for name, below in (commands or {}).items():
        yield from leaves(below, *names, name)


@pytest.fixture(scope="module")
def commands() -> dict[tuple[str, ...], Any]:
    """Every command that can be run."""
    return dict(leaves(get_command(make_application())))


def test_every_command_and_option_has_a_help_text(commands: dict[tuple[str, ...], Any]) -> None:
    assert set(commands) >= {(name,) for name in OPTIONS}
    for names, command in commands.items():
        assert command.help, names
        for parameter in command.params:
            assert getattr(parameter, "help", None), (names, parameter.name)


def test_help_names_every_command(program: Program) -> None:
    told = program.good("--help")
    for command in OPTIONS:
        assert f" {command} " in told


def test_help_groups_commands_by_task_and_says_each_in_two_lines(program: Program) -> None:
    told = program.good("--help", environment={"COLUMNS": "80"})
    panels = list(dict.fromkeys(panel for panel, _, _ in COMMANDS.values()))
    assert re.findall(r"^╭─ (.+?) ─+╮$", told, re.MULTILINE) == ["Options", *panels]
    grouped = [list(commands) for _, commands in groupby(COMMANDS, key=lambda name: COMMANDS[name][0])]
    assert len(grouped) == len(panels), "the commands of a panel stand together"
    assert all(2 < len(commands) < 10 for commands in grouped)
    shown = [re.findall(r"^│ (.{10})  (\S)", panel, re.MULTILINE) for panel in told.split("╭─ ")[2:]]
    names = [[name.strip() for name, _ in lines] for lines in shown]
    assert [[name for name in lines if name] for lines in names] == grouped
    for lines in names:
        assert all(any(pair) for pair in pairwise(lines)), "a third line is too much"


@pytest.mark.parametrize("name", OPTIONS)
def test_help_names_every_option_with_a_text(program: Program, commands: dict[tuple[str, ...], Any], name: str) -> None:
    told = program.good(name, "--help", environment={"COLUMNS": "250"})
    words = told.replace("/", " ").split()
    assert "Usage: ibtui " + name in told
    assert "\x1b" not in told
    parameters = [p for p in commands[(name,)].params if not getattr(p, "hidden", False)]
    known = {option for p in parameters for option in (*p.opts, *p.secondary_opts) if option.startswith("--")}
    assert known - {"--help"} == set(OPTIONS[name].split())
    assert known <= set(words)
    for parameter in parameters:
        assert parameter.help.replace("`", "").split("(")[0].split(" [")[0] in told, "it is printed"


def test_a_command_loads_no_other(made: Program) -> None:
    code = "import sys; from ibtui.cli import main; sys.argv = ['ibtui', 'list']; sys.exit = print; main(); "
    code += "print(*[name for name in sys.modules if name.startswith('ibtui.cli.')])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=made.environment, check=True, timeout=60
    )
    found = set(done.stdout.splitlines()[-1].split())
    assert "ibtui.cli.listing" in found
    assert found & {"ibtui.cli.figure", "ibtui.cli.account", "ibtui.cli.sweep", "ibtui.cli.curve"} == set()


@pytest.mark.parametrize(("line", "said"), [("lsit", "'list'"), ("lsit show", "'list'"), ("shw list", "'show'")])
def test_a_command_that_there_is_not_is_likened_to_those_there_are(program: Program, line: str, said: str) -> None:
    done = program(*line.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"ibtui: No such command '{line.split()[0]}'. Did you mean {said}?\n"


def test_version(program: Program) -> None:
    done = program("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"ibtui {version('ibtui')}\n", "")


def test_without_a_command_there_is_help_where_no_terminal_is(program: Program) -> None:
    done = program()
    assert "Usage: ibtui" in done.stdout
    assert done.stderr == ""


def in_bash(program: Program, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    return subprocess.run(
        [bash, "-c", script],
        capture_output=True,
        text=True,
        env=program.environment | {"PYTHON": sys.executable} | variables,
        cwd=program.directory,
        timeout=60,
    )


def test_completion_prints_a_script_that_bash_takes(program: Program) -> None:
    done = in_bash(program, '"$PYTHON" -m ibtui --show-completion bash; exit $?')
    assert (done.returncode, done.stderr) == (0, "")
    assert "complete" in done.stdout
    taken = in_bash(program, f"{done.stdout}\ncomplete -p ibtui")
    assert taken.returncode == 0
    assert "ibtui" in taken.stdout


def test_completion_completes_commands_and_options(program: Program) -> None:
    def words(line: str, number: int) -> list[str]:
        variables = {
            "_IBTUI_COMPLETE": "complete_bash",
            "COMP_WORDS": line.replace(" ", "\n"),
            "COMP_CWORD": str(number),
        }
        return in_bash(program, '"$PYTHON" -m ibtui', **variables).stdout.split()

    assert words("ibtui ru", 1) == ["run", "rule"]
    assert words("ibtui run --sna", 2) == ["--snapshots", "--snapshot-at"]


def test_the_installed_command_is_the_module(program: Program) -> None:
    (script,) = entry_points(group="console_scripts", name="ibtui")
    assert script.value == "ibtui.cli:main"

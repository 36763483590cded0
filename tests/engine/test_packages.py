"""What may be missing is refused in one line whose command installs it, from a checkout and from a wheel."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import ibtui
import ibtui_engine
from ibtui_engine import packages
from ibtui_engine.errors import InvalidValue
from ibtui_engine.packages import DISTRIBUTIONS, import_package, install_command, require_packages, requirement

SOURCES = [file for package in (ibtui, ibtui_engine) for file in Path(package.__file__).parent.rglob("*.py")]
ASKING = {"require_packages": 1, "require_pictures": 0, "import_package": 1, "install_command": 0}
"""Functions that take names of packages, and the place of the first one."""


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch):
    """Make it look as if of the packages that may be missing, and pip, only these were installed."""

    def installed(*names: str) -> None:
        monkeypatch.setattr(packages, "find_spec", lambda name: object() if name in names else None)

    return installed


def declared() -> list[Requirement]:
    return [Requirement(line) for line in requires("ibtui") or ()]


NOT_TESTED = ("keras", "lightning")
"""Too large for the tests to bring: those of the callbacks run where they are installed."""


def require_runnable(command: str) -> list[Requirement]:
    """The requirements in a command; it is one for a shell, and names only what this project declares."""
    words = shlex.split(command)
    assert words[1:4] == ["-m", "pip", "install"]
    asked = [Requirement(word) for word in words[4:] if not word.startswith("--")]
    known = {(one.name, str(one.specifier)) for one in declared()}
    for one in asked:
        assert (one.name, str(one.specifier)) in known
        if one.name not in NOT_TESTED:
            assert one.specifier.contains(version(one.name)), (
                "what the tests run with is what people are told to install"
            )
        assert one.name != "ibtui"
    return asked


@pytest.mark.parametrize("package", DISTRIBUTIONS)
def test_the_command_installs_what_is_missing_in_the_declared_versions(package: str, only) -> None:
    only("pip")
    with pytest.raises(InvalidValue) as refused:
        require_packages("this needs", package)
    said, _, command = str(refused.value).partition("; install with: ")
    assert said == f"this needs {DISTRIBUTIONS[package]}, which is not installed"
    assert [one.name for one in require_runnable(command)] == [DISTRIBUTIONS[package]]


def test_only_what_is_missing_is_named(only) -> None:
    only("pip", "matplotlib")
    require_packages("pictures need", "matplotlib")
    with pytest.raises(InvalidValue, match=r"^pictures need pillow, which is not installed; install with: "):
        require_packages("pictures need", "matplotlib", "PIL")
    only("pip")
    with pytest.raises(InvalidValue, match=r"^pictures need matplotlib and pillow, which are not installed; "):
        require_packages("pictures need", "matplotlib", "PIL")


def test_the_command_takes_the_python_that_is_running(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, only) -> None:
    only("pip")
    monkeypatch.setenv("PATH", os.path.dirname(sys.executable))
    assert install_command("PIL").startswith("python -m pip install 'pillow")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert install_command("PIL").startswith(f"{shlex.quote(sys.executable)} -m pip install 'pillow")


def test_without_pip_the_command_is_one_of_uv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, only) -> None:
    only()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("UV", raising=False)
    assert " -m pip install " in install_command("PIL")
    (tmp_path / "uv").touch(mode=0o755)
    words = shlex.split(install_command("PIL"))
    assert words == ["uv", "pip", "install", "--python", sys.executable, requirement("pillow")]


def test_what_uv_runs_is_told_where_uv_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, only) -> None:
    only()
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))  # `uvx` puts it first: `python` is this one
    monkeypatch.setenv("UV", "/opt/uv/uv")
    words = shlex.split(install_command("PIL", again=True))
    start = ["/opt/uv/uv", "pip", "install", "--python", sys.executable]
    assert words == [*start, "--reinstall", requirement("pillow")]


def test_without_a_record_of_requirements_the_plain_name_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.requires", unknown)
    assert requirement("pillow") == "pillow"


def test_a_package_that_is_not_there_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    assert import_package("this needs", "PIL").__name__ == "PIL"
    monkeypatch.setitem(sys.modules, "torch", None)
    for ask in (import_package, require_packages):
        with pytest.raises(
            InvalidValue, match=r"^training needs torch, which is not installed; install with: "
        ) as refused:
            ask("training needs", "torch")
        require_runnable(str(refused.value).partition("; install with: ")[2])


def test_a_package_that_does_not_fit_the_memory_is_not_said_to_be_broken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('libtorch_cpu.so: failed to map segment from shared object')")
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MemoryError):
        import_package("training needs", "torch")


@pytest.mark.parametrize(
    ("raised", "cause"),
    [
        ("ImportError('libtorch.so: cannot open\\nsecond line')", "libtorch.so: cannot open"),
        ("OSError('libcudart.so: no such file')", "libcudart.so: no such file"),
        ("ModuleNotFoundError('No module named sympy', name='sympy')", "No module named sympy"),
        ("ImportError()", "ImportError"),
    ],
)
def test_a_package_that_cannot_be_loaded_is_said_to_be_broken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, raised: str, cause: str
) -> None:
    (tmp_path / "torch.py").write_text(f"raise {raised}")
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InvalidValue) as refused:
        import_package("training needs", "torch")
    said, _, command = str(refused.value).partition("; reinstall it with: ")
    assert said == f"training needs torch, which cannot be loaded ({cause})"
    assert "--force-reinstall" in command
    require_runnable(command)


def test_nothing_else_tells_people_to_install() -> None:
    for file in SOURCES:
        if file.name == "packages.py":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not re.search(r"\b(pip|pipx|uv|conda)\b.{0,20}\b(install|add)\b|ibtui\[", node.value), file


def texts(node: ast.AST) -> set[str]:
    """The texts that an expression may give: not those that it compares with something."""
    if isinstance(node, ast.Compare):
        return set()
    if isinstance(node, ast.Constant):
        return {node.value} if isinstance(node.value, str) else set()
    return {text for child in ast.iter_child_nodes(node) for text in texts(child)}


def test_every_package_that_is_asked_for_is_known() -> None:
    asked = set()
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ASKING:
                given = node.args[ASKING[node.func.id] :]
                asked |= {name for arg in given for name in texts(arg)}
    assert asked == set(DISTRIBUTIONS)
    assert {one.name for one in declared()} >= set(DISTRIBUTIONS.values())


def test_a_command_that_needs_what_is_missing_ends_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')")
    places = os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", ""))).rstrip(os.pathsep)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "ibtui", "run", "--trainer", "torch", "--out", str(tmp_path / "a.ibs")],
        env=os.environ | {"PYTHONPATH": places},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("ibtui: the torch trainer needs torch, which is not installed; install with: ")
    assert not (tmp_path / "a.ibs").exists()

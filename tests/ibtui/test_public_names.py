"""`import ibtui` gives what a program needs, and loads nothing until it is used."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import ibtui
import ibtui_engine
from ibtui_engine.errors import SessionError
from ibtui_engine.session.history import SessionReader

HEAVY = {
    "numpy",
    "scipy",
    "torch",
    "numba",
    "jaxtyping",
    "textual",
    "rich",
    "typer",
    "plotext",
    "matplotlib",
    "sqlite3",
}
EXAMPLE = "example-figure-3"


def loaded(code: str) -> set[str]:
    """The top-level packages that some code has loaded, in a process of its own."""
    code += "; import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


def test_the_import_loads_nothing_but_the_package_itself() -> None:
    here = loaded("pass")
    assert loaded("import ibtui") - here == {"ibtui"}
    assert loaded("import ibtui; dir(ibtui); ibtui.__all__") & HEAVY == set()
    assert "numpy" in loaded("import ibtui; ibtui.SessionReader"), "the test sees what is loaded"


def test_a_name_loads_what_it_needs_and_no_front_end() -> None:
    found = loaded("import ibtui; ibtui.Experiment; ibtui.find_preset; ibtui.EngineError; ibtui.read_summary")
    assert found & (HEAVY - {"sqlite3"}) == set()
    found = loaded("import ibtui; ibtui.open_session; ibtui.SessionReader; ibtui.phases_of")
    assert found & {"torch", "numba", "textual", "rich", "typer", "plotext", "matplotlib"} == set()


def test_the_names_are_the_engines_and_open_session() -> None:
    assert sorted(ibtui.__all__) == list(ibtui.__all__)
    assert set(ibtui.__all__) == {*ibtui_engine.__all__, "open_session"}
    for name in ibtui_engine.__all__:
        assert getattr(ibtui, name) is getattr(ibtui_engine, name)
    assert set(ibtui.__all__) <= set(dir(ibtui))
    assert ibtui.__version__ == version("ibtui")


@pytest.mark.parametrize("package", [ibtui, ibtui_engine])
def test_type_checkers_see_the_same_names(package: object) -> None:
    tree = ast.parse(Path(package.__file__).read_text(encoding="utf-8"))
    blocks = [
        node for node in tree.body if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
    ]
    imports = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]
    assert {alias.asname or alias.name for node in imports for alias in node.names} == set(package.__all__)
    assert Path(package.__file__).with_name("py.typed").exists()


@pytest.mark.parametrize("package", [ibtui, ibtui_engine])
def test_what_is_not_public_is_no_attribute(package: object) -> None:
    with pytest.raises(AttributeError, match=f"^module '{package.__name__}' has no attribute 'nothing'$"):
        _ = package.nothing


def test_a_session_opens_by_name_and_by_path(tmp_path: Path) -> None:
    for given in (EXAMPLE, ibtui_example()):
        with ibtui.open_session(given) as reader:
            assert isinstance(reader, SessionReader)
            assert reader.summary.name == EXAMPLE
    copy = tmp_path / "mine.ibs"
    copy.write_bytes(ibtui_example().read_bytes())
    for given in (copy, str(copy)):
        with ibtui.open_session(given) as reader:
            assert reader.summary.ensembles
    with ibtui.open_session("min", sessions_dir=tmp_path) as reader:
        assert reader.summary.path == copy


def test_a_session_that_is_not_there_is_an_error_of_the_engine(tmp_path: Path) -> None:
    for given in ("nosuch", tmp_path / "nosuch.ibs", str(tmp_path / "nosuch.ibs")):
        with pytest.raises(SessionError, match="nosuch"):
            ibtui.open_session(given, sessions_dir=tmp_path)


def ibtui_example() -> Path:
    from ibtui.locations import examples_directory

    return examples_directory() / f"{EXAMPLE}.ibs"

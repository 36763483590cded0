"""Names that Textual keeps to itself: they are there in the version that was looked at, and can be missed."""

from __future__ import annotations

import ast
import inspect
import sys
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from textual.app import App
from textual.widgets import Footer

import ibtui
from ibtui import textual_private
from ibtui.textual_private import (
    APP_NAMES,
    DRIVER_NAMES,
    FOOTER_NAMES,
    SEEN_IN,
    crash_of,
    footer_is_made,
    terminal_driver,
)

posix = pytest.mark.skipif(sys.platform == "win32", reason="the driver for Linux and macOS")


def test_the_names_were_seen_in_the_version_that_is_installed() -> None:
    assert version("textual") == SEEN_IN, "look at the names in ibtui/textual_private.py again, then write this version"


@posix
def test_the_driver_and_the_footer_have_these_names() -> None:
    from textual.drivers.linux_driver import LinuxDriver

    assert all(hasattr(LinuxDriver, name) for name in DRIVER_NAMES)
    made = inspect.getsource(LinuxDriver) + inspect.getsource(LinuxDriver.__mro__[1])
    for name in ("_file", "_app", "_debug", "fileno", "exit_event", "_key_thread", "_must_signal_resume"):
        assert f"self.{name}" in made
    assert all(hasattr(Footer, name) for name in FOOTER_NAMES)
    assert all(hasattr(App[None](), name) for name in APP_NAMES)


@posix
@pytest.mark.parametrize("name", DRIVER_NAMES)
def test_without_one_of_them_the_driver_is_textuals_own(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    from textual.drivers.linux_driver import LinuxDriver

    monkeypatch.delenv("TEXTUAL_DRIVER", raising=False)
    assert terminal_driver() is not None
    for owner in LinuxDriver.__mro__:
        monkeypatch.delattr(owner, name, raising=False)
    assert terminal_driver() is None


def test_a_driver_that_somebody_has_chosen_is_left_to_textual(monkeypatch: pytest.MonkeyPatch) -> None:
    """As textual-serve does, which shows the app in a browser."""
    monkeypatch.setenv("TEXTUAL_DRIVER", "textual.drivers.web_driver:WebDriver")
    assert terminal_driver() is None


def test_what_made_an_app_crash_is_known_where_textual_says_it() -> None:
    crash = ValueError("no")
    assert crash_of(cast(Any, SimpleNamespace(_exception=crash))) is crash
    assert crash_of(cast(Any, SimpleNamespace())) is None
    assert crash_of(App[None]()) is None


def test_a_footer_that_does_not_say_whether_it_is_made_is_made_once_more() -> None:
    assert not footer_is_made(cast(Any, SimpleNamespace()))
    assert footer_is_made(cast(Any, SimpleNamespace(_bindings_ready=True)))


def test_no_other_module_uses_private_names_of_textual() -> None:
    """Attributes that begin with one underscore are this package's own, and no private module is imported."""
    here = Path(ibtui.__file__).parent
    sources = {path: ast.parse(path.read_text(encoding="utf-8")) for path in here.rglob("*.py")}
    own = {"_exit", "_replace", "_asdict"}  # documented names of the standard library
    for node in (node for tree in sources.values() for node in ast.walk(tree)):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                own.add(name)
            case ast.Attribute(attr=name, ctx=ast.Store()) | ast.Name(id=name, ctx=ast.Store()):
                own.add(name)
    fenced = {Path(textual_private.__file__), here / "charts" / "plotext_private.py"}
    for path, tree in sources.items():
        if path in fenced:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
                assert node.attr in own, f"{path}:{node.lineno}: {node.attr}"
            if isinstance(node, ast.ImportFrom) and node.module:
                assert "._" not in node.module, f"{path}:{node.lineno}: {node.module}"

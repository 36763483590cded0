"""Commands that cannot go on end with one line and an exit status that is not 0."""

from __future__ import annotations

import pwd
import sys

import pytest

import ibtui.cli
from ibtui.cli import main
from ibtui.settings import settings_path
from ibtui_engine.errors import InvalidValue


def ending(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str]:
    monkeypatch.setattr(sys, "argv", ["ibtui", *arguments])
    monkeypatch.setattr(ibtui.cli, "_open_streams", lambda: None)
    monkeypatch.setattr("ibtui.ending.end_at_once", lambda: None)
    with pytest.raises(SystemExit) as left:
        main()
    return left.value.code, capsys.readouterr().err


def test_an_end_of_input_inside_a_command_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def at_its_end(*_: object) -> None:
        raise EOFError

    monkeypatch.setattr("ibtui.cli.listing.session_files", at_its_end)
    status, said = ending(monkeypatch, capsys, "list")
    assert status == 1
    assert said.strip().splitlines()[-1].startswith("ibtui: something ended before it was read to its end")


def test_a_user_without_a_home_is_told_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: object
) -> None:
    def nobody(_: object) -> None:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "IBTUI_SESSIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(str(tmp_path))
    status, said = ending(monkeypatch, capsys, "list")
    assert (status, len(said.splitlines())) == (2, 1)
    assert "this user has no home directory: set HOME" in said
    with pytest.raises(InvalidValue, match="no home directory"):
        settings_path()

"""Settings are read strictly and written beside what else is there; views are kept as far as they can be."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import pytest

from ibtui.settings import VIEWS_KEPT, Settings, Views, load_settings, save_theme, settings_path
from ibtui_engine.errors import EngineError, InvalidValue


def test_without_a_file_the_usual_ones(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "none.toml") == Settings("textual-dark", False, {})


def test_all_settings(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('theme = "nord"\nascii = true\n[keys]\n"session.play" = "x,space"\n')
    assert load_settings(file) == Settings("nord", True, {"session.play": "x,space"})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("theme = 3", "must be a text, got 3"),
        ('ascii = "yes"', "must be true or false, got 'yes'"),
        ("ascii = 1", "must be true or false, got 1"),
        ("keys = []", "must be a table of keys, got []"),
        ("[keys]\nplay = 3", "must be a text such as 'space,x', got 3"),
        ('colour = "red"', "'colour': known are theme, ascii, keys"),
        ("theme = ", "not TOML"),
        ("\udcff", "not TOML"),
        ("theme = " + "[" * 5000, "not TOML: it is nested too deeply"),
        ("theme = " + "9" * 5000, "not TOML"),
        ("ascii = 0x" + "f" * 9000, "must be true or false, got a whole number of about 10837 digits"),
        ("theme = " + "[" * 300 + "]" * 300, "must be a text, got [[[[...]]]]"),
        (f'"{"x" * 9000}" = 1', "known are theme, ascii, keys"),
    ],
)
def test_what_is_wrong_is_said_with_the_files_name(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(InvalidValue, match=r"config\.toml") as refused:
        load_settings(file)
    assert reason in str(refused.value)
    assert len(str(refused.value)) < 700
    assert "\n" not in str(refused.value)


def test_an_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="cannot read the settings"):
        load_settings(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidValue, match="cannot read the settings"):
        load_settings(tmp_path / "file" / "config.toml")


def test_a_pipe_in_place_of_the_settings_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.toml")
    with pytest.raises(InvalidValue, match="it is not a plain file"):
        load_settings(tmp_path / "config.toml")
    os.mkfifo(tmp_path / "views.json")
    assert Views(tmp_path / "views.json").recall(tmp_path / "a.ibs") == {}


def test_a_theme_is_kept_beside_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "config.toml"
    save_theme("nord", file)
    assert load_settings(file) == Settings("nord")
    file.write_text('ascii = true\nlater = [1, 2]\ntheme = "nord"\n[keys]\na = "b"\n')
    save_theme("textual-light", file)
    expected = {"ascii": True, "later": [1, 2], "theme": "textual-light", "keys": {"a": "b"}}
    assert tomllib.loads(file.read_text()) == expected


def test_a_damaged_file_is_not_written_over(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("theme = ")
    save_theme("nord", file)
    assert file.read_text() == "theme = "


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineError):
        save_theme("nord", tmp_path / "file" / "config.toml")


def test_the_place_follows_the_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert settings_path().is_relative_to(tmp_path)
    assert load_settings() == Settings()


def test_views_are_kept_by_session(tmp_path: Path) -> None:
    file = tmp_path / "state" / "views.json"
    views = Views(file)
    assert views.recall(tmp_path / "a.ibs") == {}
    views.keep(tmp_path / "a.ibs", {"panel": "snr"})
    views.keep(tmp_path / "b.ibs", {"panel": "plane"})
    assert Views(file).recall(tmp_path / "a.ibs") == {"panel": "snr"}
    assert Views(file).recall(tmp_path / "c" / ".." / "b.ibs") == {"panel": "plane"}


def test_a_relative_path_is_the_same_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    views = Views(tmp_path / "views.json")
    views.keep(Path("a.ibs"), {"points": True})
    assert views.recall(tmp_path / "a.ibs") == {"points": True}


def test_only_the_latest_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "views.json"
    known = {os.path.realpath(tmp_path / f"{k}.ibs"): {"epoch": k} for k in range(VIEWS_KEPT)}
    file.write_text(json.dumps(known))
    views = Views(file)
    views.keep(tmp_path / "0.ibs", {"epoch": -1})  # the oldest becomes the newest
    views.keep(tmp_path / "new.ibs", {"epoch": 7})
    assert views.recall(tmp_path / "0.ibs") == {"epoch": -1}
    assert views.recall(tmp_path / "new.ibs") == {"epoch": 7}
    assert views.recall(tmp_path / "1.ibs") == {}
    assert len(json.loads(file.read_text())) == VIEWS_KEPT


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"x": 3}', "\xff", "null", "[" * 100_000])
def test_a_damaged_memory_is_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "views.json"
    file.write_text(text, encoding="latin-1")
    views = Views(file)
    assert views.recall(tmp_path / "x") == {}
    views.keep(tmp_path / "x", {"epoch": 1})
    assert views.recall(tmp_path / "x") == {"epoch": 1}


def test_where_nothing_can_be_kept_nothing_happens(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    views = Views(tmp_path / "file" / "views.json")
    views.keep(tmp_path / "a.ibs", {"epoch": 1})
    assert views.recall(tmp_path / "a.ibs") == {}

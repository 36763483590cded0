"""Where outputs may go: one rule for every option that names a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ibtui.cli.application import make_application, wanted
from ibtui.files import require_new, require_output, write_whole
from ibtui.locations import examples_directory
from ibtui_engine.errors import InvalidValue
from tests.faults.outputs import LINES, TRAPS, complete, contents
from tests.ibtui.cli.test_cli_options import OPTIONS

ELSEWHERE = {"import --out"}
"""Needs arrays to import: tests/ibtui/cli/test_cli_import.py."""
OTHERWISE_NAMED = {"figure --data", "run --save-config", "--log-file"}


def test_every_output_option_is_tried() -> None:
    named = {name for name in OPTIONS if name.endswith(" --out")}
    assert set(LINES) == named - ELSEWHERE | OTHERWISE_NAMED


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """A session in a directory of its own."""
    path = tmp_path / "sessions" / "kept.ibs"
    path.parent.mkdir()
    path.write_bytes((examples_directory() / "example-figure-4.ibs").read_bytes())
    return path


@pytest.mark.parametrize("trap", TRAPS)
@pytest.mark.parametrize("name", LINES)
def test_no_output_goes_where_it_must_not(name: str, trap: str, session: Path, tmp_path: Path) -> None:
    line, ending = LINES[name]
    (tmp_path / "room").mkdir()
    target = TRAPS[trap](tmp_path / "room", ending, session)
    before = contents(tmp_path)
    words = [*complete(line, session, target), "--sessions-dir", str(session.parent)]
    if line[0] in ("rule", "curve"):
        words = words[:-2]
    with pytest.raises(InvalidValue) as refused:
        make_application(wanted(words))(words, standalone_mode=False)
    assert "\n" not in str(refused.value)
    assert contents(tmp_path) == before


def test_a_session_put_there_meanwhile_is_not_replaced(session: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    assert require_output(target, (".csv",)) == "csv"
    target.write_bytes(session.read_bytes())
    with pytest.raises(InvalidValue, match="it is a session, which is never overwritten"):
        write_whole(target, b"1,2\n")
    assert target.read_bytes() == session.read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out.csv", "sessions"]


def test_an_output_does_not_replace_the_file_that_it_is_made_from(tmp_path: Path) -> None:
    source, link = tmp_path / "table.csv", tmp_path / "link.csv"
    source.write_text("0,0,0.1\n0,1,0.9\n1,0,0.8\n1,1,0.3\n")
    link.symlink_to(source)
    for command, file in (("curve", source), ("curve", link)):
        with pytest.raises(InvalidValue, match="made from this very file"):
            make_application([command])([command, f"table:{source}", "-o", str(file)], standalone_mode=False)
    assert source.read_text().startswith("0,0,0.1")


def test_endings_are_taken_in_any_letters(tmp_path: Path) -> None:
    assert require_output(tmp_path / "A.PNG", (".png", ".svg")) == "png"
    require_new(tmp_path / "A.TOML", ".toml")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--what", "learning", "--format", "json", "-o", "x.csv"), "give a name that ends in .json"),
        (("--what", "weights", "-o", "x.csv"), "give a name that ends in .npz"),
        (("--what", "learning", "-o", "x.txt"), "ends in .csv, .json, .npz, .jsonl, .parquet or .nc"),
    ],
)
def test_an_export_s_name_and_format_must_agree(words: tuple[str, ...], said: str, session: Path) -> None:
    with pytest.raises(InvalidValue, match=said):
        make_application(["export"])(["export", str(session), *words], standalone_mode=False)
    assert not os.path.exists(words[-1])

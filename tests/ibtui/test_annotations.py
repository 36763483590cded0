"""Notes and tags outlive renames, damage and other programs that write, and are nowhere near the session's file."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ibtui.annotations import LONGEST_NOTE, MOST_TAGS, NONE, Annotation, Annotations, require_annotation
from ibtui_engine.errors import InvalidValue
from ibtui_engine.session.summary import Summary, read_summary

EXAMPLE = Path(__file__).parents[2] / "sessions" / "example-figure-4.ibs"
NOTED = Annotation("the one for the paper", ("keep", "figure 4".replace(" ", "-")))


@pytest.fixture
def summary(tmp_path: Path) -> Summary:
    shutil.copy(EXAMPLE, tmp_path / "one.ibs")
    return read_summary(tmp_path / "one.ibs")


@pytest.fixture
def notes(tmp_path: Path) -> Annotations:
    return Annotations(tmp_path / "data" / "notes")


def test_what_is_kept_is_there_for_everybody_and_not_in_the_session(
    summary: Summary, notes: Annotations, tmp_path: Path
) -> None:
    others = Annotations(tmp_path / "data" / "notes")
    before = summary.path.read_bytes()
    assert others.of(summary) == NONE
    notes.keep(summary, NOTED)
    assert notes.of(summary) == others.of(summary) == NOTED
    notes.keep(summary, Annotation("other"))
    assert others.of(summary) == Annotation("other")
    others.keep(summary, NONE)
    assert notes.of(summary) == NONE
    assert list((tmp_path / "data" / "notes").iterdir()) == []
    assert summary.path.read_bytes() == before


def test_a_renamed_session_keeps_its_notes_and_a_copy_begins_without(
    summary: Summary, notes: Annotations, tmp_path: Path
) -> None:
    notes.keep(summary, NOTED)
    shutil.copy2(summary.path, tmp_path / "copy.ibs")
    copy = read_summary(tmp_path / "copy.ibs")
    assert notes.of(copy) == NONE
    notes.keep(copy, Annotation("a copy"))
    assert notes.of(summary) == NOTED
    summary.path.rename(tmp_path / "moved.ibs")  # by another program
    moved = read_summary(tmp_path / "moved.ibs")
    assert notes.of(moved) == NOTED
    notes.keep(moved, Annotation("moved"))
    assert (notes.of(moved), notes.of(copy)) == (Annotation("moved"), Annotation("a copy"))
    assert len(list((tmp_path / "data" / "notes").iterdir())) == 2


def test_another_session_of_the_same_name_has_no_part_in_them(summary: Summary, notes: Annotations) -> None:
    notes.keep(summary, NOTED)
    assert notes.of(replace(summary, created=summary.created + 1)) == NONE


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"note = 3", b'session = "x"\ncreated = "y"\nnote = ""\ntags = []', b"note = [" * 1000,
     b'session = "x"\ncreated = 1.0\nnote = ""\ntags = [3]'],
)  # fmt: skip
def test_a_damaged_file_is_told_kept_aside_and_no_harm_to_others(
    summary: Summary, notes: Annotations, tmp_path: Path, content: bytes
) -> None:
    directory = tmp_path / "data" / "notes"
    other = replace(summary, created=1.5)
    notes.keep(summary, NOTED)
    (file,) = directory.iterdir()
    notes.keep(other, Annotation("other"))
    file.unlink()
    file.write_bytes(content)
    assert notes.of(summary) == NONE
    assert list(notes.damaged) == [file]
    assert notes.of(other) == Annotation("other")
    notes.keep(summary, NOTED)
    assert notes.of(summary) == NOTED
    assert file.with_suffix(".damaged").read_bytes() == content


def test_a_place_that_cannot_be_written_is_told(summary: Summary, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    notes = Annotations(tmp_path / "file" / "notes")
    assert notes.of(summary) == NONE
    with pytest.raises(Exception, match="cannot keep the note"):
        notes.keep(summary, NOTED)


@pytest.mark.parametrize(
    ("note", "tags"),
    [
        ("x" * (LONGEST_NOTE + 1), []),
        ("two\nlines", []),
        ("a\x1b[2J", []),
        ("", ["a b"]),
        ("", ["a,b"]),
        ("", [""]),
        ("", ["x" * 41]),
        ("", ["\x1b"]),
        ("", [f"{k}" for k in range(MOST_TAGS + 1)]),
    ],
)
def test_what_cannot_be_kept_is_refused(note: str, tags: list[str]) -> None:
    with pytest.raises(InvalidValue, match=r"must be|at most"):
        require_annotation(note, tags)


def test_tags_are_kept_once_in_their_order() -> None:
    assert require_annotation("  x ", ["b", "a", "b"]) == Annotation("x", ("b", "a"))

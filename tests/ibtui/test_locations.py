"""Where sessions are looked for, and what people may call them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ibtui.locations import (
    LONGEST_NAME,
    find_session,
    free_path,
    is_example,
    require_name,
    require_own,
    safe_name,
    session_files,
    sessions_directory,
)
from ibtui_engine.errors import InvalidValue, SessionError


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without sessions, for a user without any."""
    monkeypatch.delenv("IBTUI_SESSIONS", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


def make(directory: Path, *names: str) -> None:
    directory.mkdir(exist_ok=True)
    for name in names:
        (directory / f"{name}.ibs").write_bytes(b"")


def test_the_option_comes_before_the_variable_the_local_and_the_users_directory(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = sessions_directory()
    assert users.is_absolute()
    assert users.name == "sessions"
    (place / "sessions").write_text("a file is no directory of sessions")
    assert sessions_directory() == users
    (place / "sessions").unlink()
    (place / "sessions").mkdir()
    assert sessions_directory() == Path("sessions")
    monkeypatch.setenv("IBTUI_SESSIONS", "elsewhere")
    assert sessions_directory() == Path("elsewhere")
    assert sessions_directory(Path("given")) == Path("given")
    monkeypatch.setenv("IBTUI_SESSIONS", "")
    assert sessions_directory() == Path("sessions"), "an empty variable is none"


def test_no_directory_is_made_by_looking(place: Path) -> None:
    directory = sessions_directory()
    assert session_files(directory) == []
    assert not directory.exists()
    assert list(place.iterdir()) == []


def test_session_files_are_regular_files_with_the_ending(place: Path) -> None:
    make(place, "b", "a", ".hidden")
    (place / "c.txt").write_text("")
    (place / "folder.ibs").mkdir()
    (place / "a.ibs-wal").write_text("")
    (place / "dangling.ibs").symlink_to(place / "nowhere")
    (place / "linked.ibs").symlink_to(place / "a.ibs")
    assert [file.name for file in session_files(place)] == [".hidden.ibs", "a.ibs", "b.ibs", "linked.ibs"]


def test_a_directory_that_cannot_be_listed_is_refused(place: Path) -> None:
    file = place / "file"
    file.write_text("")
    for directory in (file, place / ("d" * 300)):
        with pytest.raises(InvalidValue, match="cannot read the sessions directory"):
            session_files(directory)


def test_a_name_is_found_whole_before_as_a_beginning(place: Path) -> None:
    directory = place / "sessions"
    make(directory, "run", "run-2", "other-0.85-10x20")
    assert find_session("run", directory) == directory / "run.ibs"
    assert find_session("run-", directory) == directory / "run-2.ibs"
    assert find_session("run.ibs", directory) == directory / "run.ibs"
    assert find_session("other-0.8", directory) == directory / "other-0.85-10x20.ibs"
    with pytest.raises(SessionError, match="could be any of 2: run, run-2"):
        find_session("ru", directory)
    with pytest.raises(SessionError, match=r"no session 'x' in .*; it holds other-0\.85-10x20, run, run-2"):
        find_session("x", directory)
    with pytest.raises(SessionError, match="it holds none yet"):
        find_session("x", place / "empty")


def test_long_lists_of_names_are_cut(place: Path) -> None:
    make(place, *(f"s{k:02}" for k in range(20)))
    for text in ("s", "t"):
        with pytest.raises(SessionError, match=r"s07, \.\.\.$"):
            find_session(text, place)


def test_a_path_is_a_path(place: Path) -> None:
    directory = place / "sessions"
    make(directory, "run")
    make(place, "here")
    assert find_session("here.ibs", directory) == Path("here.ibs")
    assert find_session("sessions/run.ibs", directory) == Path("sessions/run.ibs")
    assert find_session(str(place / "here.ibs"), directory) == place / "here.ibs"
    for nowhere in ("no/where.ibs", "/no/where", "a/" + "b" * 300):
        assert find_session(nowhere, directory) == Path(nowhere), "opening it says what is wrong"
    with pytest.raises(SessionError, match="no session 'here'"):
        find_session("here", directory)


names = st.text(min_size=1, max_size=40)


@given(names)
@example("a/b")
@example("\x1b[31m")
@example("good name")
@example("..")
@example("\udcff")
@example("\u202e")
def test_a_name_that_is_allowed_is_that_of_a_file_of_its_own(name: str) -> None:
    try:
        require_name(name)
    except InvalidValue as error:
        refusal: str | None = str(error)
    else:
        refusal = None
    if refusal is not None:
        assert "must be" in refusal
        assert refusal.isprintable(), "the message itself could do something to a terminal"
        return
    directory = Path("/sessions")
    path = directory / f"{name}.ibs"
    assert path.parent == directory
    assert path.stem == name
    assert name.isprintable()
    assert len(path.name.encode()) < 255 - len(".12345678.new-journal")


@pytest.mark.parametrize(
    "name", ["", " ", ".", "..", ".a", "-a", "a/b", "a\\b", "a\nb", "a\0", "\x1b", "é" * LONGEST_NAME]
)
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(InvalidValue, match="name must be"):
        require_name(name)


@pytest.mark.parametrize("name", ["a", "a b", "[red]", "漢字", "a.b", "run-0.85", "x" * LONGEST_NAME])
def test_names_that_are_allowed(name: str) -> None:
    assert require_name(name) == name


@given(st.text(max_size=400))
@example("../../etc/passwd")
@example("\x1b]0;x\x07")
@example("é" * 300)
@example("...")
def test_any_title_gives_a_free_path_inside_the_directory(title: str) -> None:
    directory = Path("/no/such/directory")
    path = free_path(directory, title)
    assert path.parent == directory
    assert path.suffix == ".ibs"
    assert path.name.isprintable()
    assert not path.name.startswith((".", "-"))
    assert len(path.name.encode()) < 200


@given(st.text())
def test_any_text_gives_a_name_that_is_allowed(text: str) -> None:
    assert require_name(safe_name(text))


def test_taken_titles_are_numbered(place: Path) -> None:
    make(place, "title", "title-3")
    assert free_path(place, "title").name == "title-2.ibs"
    (place / "title-2.ibs").symlink_to(place / "nowhere")
    assert free_path(place, "title").name == "title-4.ibs"


def test_examples_are_those_of_the_package_and_of_a_checkout_that_it_is_used_in(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ibtui.locations.examples_directory", lambda: place / "installed")
    for directory in ("installed", "checkout", "own"):
        make(place / directory, "example-x", "x")
    (place / "checkout" / "make_examples.py").write_text("")
    for directory, ships in (("installed", True), ("checkout", True), ("own", False)):
        assert is_example(place / directory / "example-x.ibs") is ships
        assert not is_example(place / directory / "x.ibs")
        assert require_own(place / directory / "x.ibs") == place / directory / "x.ibs"
    with pytest.raises(InvalidValue, match="read-only example"):
        require_own(place / "checkout" / "example-x.ibs")
    (place / "link").symlink_to(place / "installed")
    assert is_example(place / "link" / "example-x.ibs")

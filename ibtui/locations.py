"""Where sessions are: the one place that knows directories, and how people name a session."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ibtui_engine.errors import InvalidValue, SessionError
from ibtui_engine.session.format import SUFFIX

if TYPE_CHECKING:
    from ibtui_engine.session.history import SessionReader

VARIABLE = "IBTUI_SESSIONS"
EXAMPLE = "example-"
"""How the names of sessions that ship with the project begin."""
MAKER = "make_examples.py"
"""The script that makes them: it is beside them in a checkout."""
LONGEST_NAME = 120


def sessions_directory(option: Path | None = None) -> Path:
    """The given directory, else `IBTUI_SESSIONS`, else `./sessions` if there is one, else the user's data directory."""
    if option is not None:
        return option
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen)
    local = Path("sessions")
    if local.is_dir():
        return local
    from platformdirs import user_data_path  # 25 ms, seldom needed

    return of_this_user(user_data_path, "--sessions-dir or IBTUI_SESSIONS") / "sessions"


def of_this_user(place: Callable[[str], Path], otherwise: str) -> Path:
    """ibtui's place below the user's home directory, by one of the functions of platformdirs.

    Raises:
        InvalidValue: the user has no home; `otherwise` is what names the place instead.
    """
    try:
        found = place("ibtui")
    except RuntimeError:  # neither HOME nor the system knows one
        found = Path("~")
    if found.parts[:1] == ("~",):  # earlier versions of platformdirs leave it so
        raise InvalidValue(f"this user has no home directory: set HOME, or name the place by {otherwise}")
    return found


def session_files(directory: Path) -> list[Path]:
    """The session files in a directory, by name; none where there is no such directory."""
    try:
        files = [entry for entry in directory.iterdir() if entry.suffix == SUFFIX and entry.is_file()]
        return sorted(files, key=lambda file: file.stem)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InvalidValue(f"cannot read the sessions directory {str(directory)!r}: {error.strerror}") from None


def examples_directory() -> Path:
    """Where the sessions are that ship with the project: in the installed package, or in the checkout it runs from."""
    installed = Path(__file__).parent / "examples"
    return installed if installed.is_dir() else Path(__file__).parent.parent / "sessions"


def example_files() -> list[Path]:
    """The sessions that ship with the project, by name."""
    try:
        return [file for file in session_files(examples_directory()) if file.name.startswith(EXAMPLE)]
    except InvalidValue:  # they are no reason to fail
        return []


def example_file(experiment: str) -> Path:
    """Where the example of an experiment of that name is, if it ships."""
    return examples_directory() / f"example-{experiment}.ibs"


def is_example(path: Path) -> bool:
    """Whether a session ships with the project: then it is read-only.

    Those of a checkout do, too, where an installed package with examples of its own is at work in it.
    """
    if not path.name.startswith(EXAMPLE):
        return False
    directory = path.resolve().parent
    return directory == examples_directory().resolve() or (directory / MAKER).is_file()


def require_own(path: Path) -> Path:
    """The path of a session that may be written to.

    Raises:
        InvalidValue: it ships with the project.
    """
    if is_example(path):
        raise InvalidValue(f"{path.stem!r} is a read-only example: copy the file to change it, or run its preset")
    return path


def find_session(text: str, directory: Path) -> Path:
    """The file that `text` means: a path, or a session's name or the unique beginning of one in `directory`.

    What is not there may be the name of a session that ships with the project.

    Raises:
        SessionError: there is none, or more than one.
    """
    path = Path(text)
    if len(path.parts) > 1 or path.suffix == SUFFIX or path.is_absolute():
        if os.path.exists(path) or len(path.parts) > 1:
            return path
        text = path.stem if path.suffix == SUFFIX else text
    files = session_files(directory)
    exact = [file for file in files if file.stem == text]
    matching = exact or [file for file in files if file.stem.startswith(text)]
    if len(matching) == 1:
        return matching[0]
    if not matching:
        matching = [file for file in example_files() if file.stem == text]
        if matching:
            return matching[0]
    if not matching:
        names = ", ".join(file.stem for file in files[:8]) + (", ..." if len(files) > 8 else "")
        there = f"it holds {names}" if files else "it holds none yet (examples: ibtui list --examples)"
        raise SessionError(f"no session {text!r} in {str(directory)!r}; {there}")
    names = ", ".join(file.stem for file in matching[:8]) + (", ..." if len(matching) > 8 else "")
    raise SessionError(f"session {text!r} could be any of {len(matching)}: {names}")


def open_session(
    session: Path | str, sessions_dir: Path | str | None = None, *, by: str | None = None
) -> SessionReader:
    """Open a session for reading: live while it runs, and afterwards.

    Args:
        session: a file, or the name that commands take: that of a session in the sessions directory, the unique
            beginning of one, or that of an example.
        sessions_dir: where names are looked up; by default as for commands (`sessions_directory`).
        by: which estimator's numbers to read of a recording that has several, such as `kde`; by default those of the
            first.

    Returns:
        A reader of its arrays, to be closed or used in a `with` statement.

    Raises:
        InvalidValue: the session has no numbers by that estimator.
        SessionError: there is no such session, or more than one, or it cannot be read.
    """
    from ibtui_engine.session.history import SessionReader  # NumPy

    path = session if isinstance(session, Path) else find_session(session, sessions_directory(_as_path(sessions_dir)))
    return SessionReader(path, by)


def _as_path(directory: Path | str | None) -> Path | None:
    return Path(directory) if directory is not None else None


def require_name(name: str) -> str:
    """A name that is safe as that of a file inside the sessions directory.

    Raises:
        InvalidValue: it is empty or too long, begins with a dot, or has a path separator or a character that does not
            print.
    """
    bad = "/" in name or "\\" in name or name.startswith((".", "-")) or not name.isprintable()
    if not name.strip() or bad or len(name.encode()) > LONGEST_NAME:
        raise InvalidValue(
            f"name must be 1 to {LONGEST_NAME} printable characters without / and \\, not "
            f"beginning with a dot or a dash, got {name!r}"
        )
    return name


def safe_name(text: str) -> str:
    """A text as a name that `require_name` allows: what it does not allow is left out, or becomes `_`."""
    safe = "".join(c if c.isprintable() and c not in "/\\" else "_" for c in text).strip(" ").lstrip(".- ") or "session"
    return safe.encode()[:LONGEST_NAME].decode(errors="ignore")


def free_path(directory: Path, title: str) -> Path:
    """A file in `directory` for a session of that title that does not exist yet: numbered from 2 if need be."""
    safe = safe_name(title)
    number = 1
    while True:
        path = directory / f"{safe}{f'-{number}' if number > 1 else ''}{SUFFIX}"
        if not os.path.lexists(path):
            return path
        number += 1

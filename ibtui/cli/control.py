"""`ibtui pause` and `ibtui stop`: a run in another terminal."""

from __future__ import annotations

from ibtui.cli.console import tell
from ibtui.cli.options import OwnSession, Quiet, SessionsDir
from ibtui.locations import find_session, sessions_directory
from ibtui_engine.errors import SessionError

PATIENCE = 60.0
"""Seconds to wait for a run to heed a request; it looks for one a few times a second, except in a long epoch."""


def pause(session: OwnSession, sessions_dir: SessionsDir = None, quiet: Quiet = False) -> None:
    """Pause a run; `ibtui resume` lets it go on."""
    _ask(session, sessions_dir, "pause", ("paused", "stopped", "finished", "interrupted"), quiet)


def stop(session: OwnSession, sessions_dir: SessionsDir = None, quiet: Quiet = False) -> None:
    """Stop a run cleanly; `ibtui resume` goes on from there later."""
    _ask(session, sessions_dir, "stop", ("stopped", "finished", "interrupted"), quiet)


def _ask(session: str, sessions_dir: SessionsDir, command: str, statuses: tuple[str, ...], quiet: bool) -> None:
    from ibtui_engine.session.control import send, wait_until

    path = find_session(session, sessions_directory(sessions_dir))
    send(path, command)
    status = wait_until(path, statuses, PATIENCE, tell=lambda text: tell(text, quiet=quiet))
    if status not in statuses:
        raise SessionError(f"session {path.stem!r} is still {status} after {PATIENCE:.0f} s; the request stands")
    tell(f"{path.stem} is {status}", quiet=quiet)

"""`ibtui` without a command: the app, opened without the weight of the commands."""

from __future__ import annotations

import gc
import os
import sys


def is_alone(words: list[str]) -> bool:
    """Whether `ibtui` was called without any words, by somebody at a terminal."""
    return not words and "_IBTUI_COMPLETE" not in os.environ and at_a_terminal()


def at_a_terminal() -> bool:
    """Whether somebody can type, and see what is printed."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def open_alone() -> int:
    """Open the app in the library, and return its exit status.

    Raises:
        EngineError: the settings or the log cannot be used, or there is no terminal.
    """
    gc.disable()  # looking for garbage would take a tenth of the time to the first paint: then it is enabled
    from ibtui.locations import sessions_directory
    from ibtui.start import run_app
    from ibtui.surroundings import LOG_FILE
    from ibtui.terminal import require_terminal

    if os.environ.get(LOG_FILE):
        from ibtui.log import begin_log

        begin_log()
    require_terminal()
    return run_app(sessions_directory())

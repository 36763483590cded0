"""Starts the app with the user's settings."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ibtui.app import IbtuiApp
from ibtui.settings import load_settings
from ibtui.terminal import Endings, takes_unicode
from ibtui.textual_private import crash_of
from ibtui_engine.session.summary import read_summary

if TYPE_CHECKING:
    from ibtui.messages import ShowStop

_log = logging.getLogger(__name__)


def run_app(directory: Path, session: Path | None = None, *, ascii: bool = False, first: ShowStop | None = None) -> int:
    """Run the app until it is left, and return the exit status: 0, 1 after a crash, 128 + n after signal n.

    It begins in the library, or with `session`, or with `first`, a stop of a lesson.

    Raises:
        EngineError: the session to begin with, or the settings, cannot be read.
    """
    if session is not None:
        read_summary(session)
    settings = load_settings()
    if settings.keys:
        from ibtui.keys import require_usable_keys

        require_usable_keys(settings.keys)
    plain = ascii or settings.ascii or not takes_unicode(sys.__stderr__)  # where Textual draws
    app = IbtuiApp(directory, session, replace(settings, ascii=plain), first)
    app.alone = True
    with Endings(app):
        app.run()
    crash = crash_of(app)
    if crash is not None:
        _log.critical("the app has crashed", exc_info=crash)
    return 1 if app.return_code is None else app.return_code

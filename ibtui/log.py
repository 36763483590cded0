"""The log: what ibtui does, and what becomes of the processes that it starts, in one file, where somebody asks for it.

`ibtui --log-file PATH` or `$IBTUI_LOG` asks for it; otherwise nothing is logged. Code writes to
`logging.getLogger(__name__)` and knows nothing of files. Processes that this one starts inherit the variable, and
append to the same file.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from ibtui.files import is_stream, require_output
from ibtui.formatting import printable
from ibtui.surroundings import LOG_FILE, LOG_LEVEL
from ibtui_engine.errors import InvalidValue, either

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
PACKAGES = ("ibtui", "ibtui_engine")
"""Whose records are kept from the chosen level on; those of other packages from `warning` on."""
ENDINGS = (".log", ".txt")
"""Of names of logs: a command's name, or a file of another kind, is never taken for one."""
FORMAT = "%(asctime)s %(levelname)-7s %(process)d %(name)s: %(message)s"


class LogFile(logging.Handler):
    """Appends each record to a file in one write, so that lines of several processes do not mix.

    What cannot be written, such as on a full disk, is left out: the work goes on.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, and make it where there is none.

        Raises:
            OSError: it cannot be opened for writing.
        """
        super().__init__()
        self.path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0), 0o666)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; its further lines are indented, and control characters are shown as code."""
        try:
            first, *further = self.format(record).splitlines() or [""]
            text = "\n    ".join(printable(line) for line in (first, *further)) + "\n"
            os.write(self._descriptor, text.encode(errors="backslashreplace"))
        except OSError:
            return
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        super().close()


def begin_log(path: Path | None = None, level: str | None = None) -> None:
    """Log to a file from now on, in this process and in those that it starts; nothing where no file is named.

    Args:
        path: of the file; None: what `$IBTUI_LOG` names.
        level: from which on records are kept, one of `LEVELS`; None: what `$IBTUI_LOG_LEVEL` names, else `info`.

    Raises:
        InvalidValue: the file cannot be written, its name does not end in one of `ENDINGS`, it is a session or a
            database, or there is no such level.
    """
    named = os.environ.get(LOG_FILE, "") if path is None else str(path)
    level = (os.environ.get(LOG_LEVEL) or "info") if level is None else level
    if not named or log_path() is not None:
        return
    if level not in LEVELS:
        raise InvalidValue(f"--log-level must be {either(LEVELS)}, got {level!r}")
    place = Path(named).absolute()
    try:
        if not is_stream(place):
            require_output(place, ENDINGS)
        file = LogFile(place)
    except InvalidValue as error:
        raise InvalidValue(f"--log-file: {error}") from None
    except OSError as error:
        raise InvalidValue(f"--log-file: cannot write {str(place)!r}: {error.strerror}") from None
    file.setFormatter(logging.Formatter(FORMAT))
    root = logging.getLogger()
    root.addHandler(file)
    if logging.lastResort is not None:  # what other packages say on stderr without a log is still said there
        logging.lastResort.addFilter(_is_of_others)
        root.addHandler(logging.lastResort)
    for package in PACKAGES:
        logging.getLogger(package).setLevel(LEVELS[level])
    os.environ.update({LOG_FILE: str(place), LOG_LEVEL: level})
    _log_beginning()


def _is_of_others(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] not in PACKAGES


def _log_beginning() -> None:
    from importlib.metadata import version

    python = ".".join(map(str, sys.version_info[:3]))
    where = os.getcwd() if os.path.isdir(os.curdir) else "a directory that is gone"
    logging.getLogger(__name__).info(
        "ibtui %s begins in %s with Python %s: %s", version("ibtui"), where, python, " ".join(sys.argv[1:])
    )


def log_path() -> Path | None:
    """The file that this process logs to; None where it logs to none."""
    return next((each.path for each in logging.getLogger().handlers if isinstance(each, LogFile)), None)


def log_message(level: int, message: str) -> None:
    """Keep what a command says on stderr, where there is a log; it is not said a second time."""
    if log_path() is None:
        return
    logger = logging.getLogger("ibtui")
    if logger.isEnabledFor(level):
        record = logger.makeRecord("ibtui.cli", level, __file__, 0, message, (), None)
        for each in logging.getLogger().handlers:
            if isinstance(each, LogFile):
                each.handle(record)

"""The command `ibtui`: one module for each command, and what they share.

Commands import the engine inside their functions: `ibtui --help` must not wait for numpy, Numba or torch, nor the app
for the commands.
Data goes to stdout, progress and messages to stderr; errors are one line, with exit status 2 for input
that is refused and 1 for work that could not be done.
"""

from __future__ import annotations

import os
import sys

from ibtui.import_path import leave_out_current_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn


def main() -> NoReturn:
    """Run the command line and leave with its exit status."""
    leave_out_current_directory()
    from ibtui.ending import end_at_once
    from ibtui.surroundings import settle

    end_at_once()  # before all that takes time to import
    settle()  # no library runs a program that lies in the current directory
    os.environ.setdefault("TEXTUAL_FPS", "120")  # a key just after a paint waits for the next but one: 33 ms at 60
    try:
        status = _status()
    except BaseException:
        _log_end(None)
        raise
    status = status if isinstance(status, int) else 0
    _log_end(status)
    sys.exit(status)


def _status() -> Any:
    """Run the command line, and say what is wrong where it fails; its exit status."""
    from ibtui.cli.alone import is_alone, open_alone
    from ibtui.cli.console import complain
    from ibtui_engine.errors import ClusterError, EngineError, StorageError, TooLittleMemory, TrainingError
    from ibtui_engine.memory import is_out_of_memory

    _open_streams()
    try:
        status = open_alone() if is_alone(sys.argv[1:]) else _command()
        sys.stdout.flush()
    except (ClusterError, StorageError, TooLittleMemory, TrainingError) as error:
        complain(str(error))
        status = 1
    except EngineError as error:
        complain(str(error))
        status = 2
    except MemoryError:
        status = _too_little_memory()
    except SystemExit as leaving:
        status = leaving.code
        if isinstance(leaving.__context__, BrokenPipeError):  # typer and rich leave with 1 then
            status = _heard_enough()
    except BrokenPipeError:
        status = _heard_enough()
    except (RuntimeError, ImportError, OSError) as error:
        if is_out_of_memory(error):
            status = _too_little_memory()
        elif isinstance(error, OSError):
            complain(f"cannot {f'use {error.filename!r}' if error.filename else 'write the output'}: {error.strerror}")
            _write_nowhere()
            status = 1
        else:
            raise
    return status


def _too_little_memory() -> int:
    from ibtui.cli.console import complain

    complain("this machine has too little memory for that: ask for fewer networks or narrower layers")
    return 1


def _log_end(status: int | None) -> None:
    """Log how the command ends, where there is a log; `status`: None for an error that nothing here expects."""
    from ibtui.surroundings import LOG_FILE

    if LOG_FILE not in os.environ:
        return
    import logging

    from ibtui.log import log_path

    if log_path() is not None:
        log = logging.getLogger(__name__)
        if status is None:
            log.critical("ends by an error that is not expected", exc_info=True)
        else:
            log.info("ends with exit status %d", status)


def _command() -> Any:
    import typer

    from ibtui.cli.application import make_application, wanted
    from ibtui.cli.console import complain

    def run(words: Sequence[str]) -> Any:
        return make_application(wanted(words))(prog_name="ibtui", standalone_mode=False)

    if os.environ.get("_IBTUI_COMPLETE"):
        from ibtui.cli.completion import answer

        return answer(run)
    try:
        return run(sys.argv[1:])
    except typer.Abort as abort:  # typer makes one of Ctrl+C and of EOFError
        if isinstance(abort.__cause__ or abort.__context__, EOFError):
            complain("something ended before it was read to its end: a file, or what was to be typed")
        return 1
    except typer.TyperException as error:
        complain(error.format_message())
        return 2


def _open_streams() -> None:
    """Both streams can be written, whatever this process was given: what nobody can see goes nowhere."""
    from ibtui.spelling import HANDLER, register

    register()
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started this
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        else:
            stream.reconfigure(errors=HANDLER)  # a terminal that is not in UTF-8


def _heard_enough() -> int:
    """Whoever read the output has closed it, as `head` does: that is no failure."""
    _write_nowhere()
    return 0


def _write_nowhere() -> None:
    """Python flushes the output once more when it ends: that must not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

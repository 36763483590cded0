"""The command `ibtui`: one module for each command, and what they share.

Commands import the engine inside their functions: `ibtui --help` must not wait for numpy, Numba or torch.
Data goes to stdout, progress and messages to stderr; what is wrong is said in one line, with exit status 2 for input
that is refused and 1 for work that could not be done.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import typer

from engine.errors import EngineError, StorageError, TrainingError
from ibtui.cli.application import application
from ibtui.cli.console import complain


def main() -> NoReturn:
    """Run the command line and leave with its exit status."""
    try:
        status = application(prog_name="ibtui", standalone_mode=False)
        sys.stdout.flush()
    except (StorageError, TrainingError) as error:
        complain(str(error))
        status = 1
    except EngineError as error:
        complain(str(error))
        status = 2
    except typer.Abort:
        status = 1
    except typer.TyperException as error:
        complain(error.format_message())
        status = 2
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    sys.exit(status if isinstance(status, int) else 0)

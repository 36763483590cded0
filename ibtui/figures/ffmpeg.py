"""ffmpeg, which makes films of type MP4: found in absolute directories alone, and heard where it fails."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import CalledProcessError

import ibtui.figures.plain  # noqa: F401  (before matplotlib)

# isort: split
from matplotlib.animation import AbstractMovieWriter, FFMpegWriter

from ibtui.figures.plain import mpl
from ibtui.surroundings import path_of_programs
from ibtui_engine.errors import InvalidValue, StorageError
from ibtui_engine.packages import install_command

TOLD = 300
"""Characters of what ffmpeg says that are passed on."""


@contextmanager
def ffmpeg(fps: float) -> Iterator[AbstractMovieWriter]:
    """A writer of films, to be set up and given frames inside; afterwards the film is whole.

    Raises:
        InvalidValue: there is no ffmpeg.
        StorageError: it fails, with what it says.
    """
    program = find_ffmpeg()
    if program is None:
        brings_ffmpeg = install_command("imageio_ffmpeg")
        raise InvalidValue(
            f"an .mp4 is made by ffmpeg, which is not installed; write a .gif, or install it with: {brings_ffmpeg}"
        )
    mpl.rcParams["animation.ffmpeg_path"] = program
    writer = FFMpegWriter(fps=fps, metadata={"title": "information plane"}, bitrate=-1)  # type: ignore[arg-type]
    with _silent(logging.getLogger("matplotlib.animation")):
        try:
            yield writer
        except BaseException as error:
            said = _end(writer)
            if isinstance(error, OSError):  # it no longer takes frames, or could not be started
                raise StorageError(f"cannot make the film with {program!r}: {said or error.strerror}") from None
            raise
        if said := _end(writer):
            raise StorageError(f"cannot make the film with {program!r}: {said}")


def find_ffmpeg() -> str | None:
    """The absolute path of an ffmpeg: one that is installed, else the one of the package imageio-ffmpeg."""
    path = path_of_programs()
    if (found := shutil.which("ffmpeg", path=path)) is not None:
        return found
    before = os.environ.get("PATH")
    os.environ["PATH"] = path  # where that package has no program, it tries what it finds there
    try:
        import imageio_ffmpeg

        found = str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):  # not installed, or without a program for this machine
        return None
    finally:
        if before is None:
            del os.environ["PATH"]
        else:
            os.environ["PATH"] = before
    return found if os.path.isabs(found) else None


def _end(writer: FFMpegWriter) -> str:
    """Let ffmpeg end; what it says where it has failed, in one line, else nothing."""
    try:
        writer.finish()
    except CalledProcessError as failure:
        said = " ".join(str(failure.stderr).split())
        return said[:TOLD] or f"it ended with status {failure.returncode} and no message"
    except AttributeError:  # it was never started
        return ""
    return ""


@contextmanager
def _silent(log: logging.Logger) -> Iterator[None]:
    """matplotlib logs what ffmpeg says, over many lines."""
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before

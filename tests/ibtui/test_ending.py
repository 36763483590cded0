"""A signal ends the work, also one that comes where what it raises is forgotten."""

from __future__ import annotations

import ctypes
import signal

import pytest

from ibtui.cli.counting import counting
from ibtui.ending import SIGNALS, orderly


def lost_in_a_callback(number: int) -> None:
    """Raise a signal where C has called back into Python: the error is printed there, and the work goes on."""
    ctypes.CFUNCTYPE(None)(lambda: signal.raise_signal(number))()


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_is_not_forgotten(number: int) -> None:
    before = signal.getsignal(number)
    done = []

    def work() -> None:
        with counting("pieces", quiet=True) as watch:
            for piece in range(3):
                if piece == 1:
                    lost_in_a_callback(number)
                done.append(piece)
                watch(piece + 1, 3)

    with pytest.raises(SystemExit) as told:
        work()
    assert (told.value.code, done) == (128 + number, [0, 1])
    assert signal.getsignal(number) == before


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_it_ends_the_work_at_its_end_at_the_latest() -> None:
    with pytest.raises(SystemExit) as told, orderly():
        lost_in_a_callback(signal.SIGTERM)
    assert told.value.code == 128 + signal.SIGTERM


def test_an_error_of_the_work_is_not_hidden_by_it() -> None:
    with pytest.raises(ValueError, match="its own"), orderly():
        raise ValueError("its own")

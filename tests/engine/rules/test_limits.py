"""What compressed files declare is held against limits before it is inflated: bombs take no memory."""

from __future__ import annotations

import gzip
import io
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.idx import read_idx
from ibtui_engine.rules.limits import MOST_INPUTS, MOST_NUMBERS, MOST_PROBABILITIES, oversize
from ibtui_engine.rules.table import load_table

ENOUGH = 50_000_000
"""Bytes that refusing a file may take."""


@pytest.fixture
def frugal() -> Iterator[None]:
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < ENOUGH


def npz(path: Path, shape: tuple[int, ...]) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("patterns", "p_y"):
            archive.writestr(f"{name}.npy", header.getvalue() + bytes(1_000_000))


def mat(path: Path, size: int) -> None:
    element = struct.pack("<II", 14, size) + bytes(1_000_000)
    compressed = zlib.compress(element)
    path.write_bytes(
        b"MATLAB 5.0".ljust(126, b" ")[:124] + b"\x00\x01IM" + struct.pack("<II", 15, len(compressed)) + compressed
    )


@pytest.mark.usefixtures("frugal")
def test_an_npz_that_declares_too_much_is_refused_before_it_is_inflated(tmp_path: Path) -> None:
    npz(tmp_path / "bomb.npz", (500_000, 1000))
    with pytest.raises(InvalidValue, match="'patterns' of 500000 x 1000 numbers; allowed are at most 200000000 in all"):
        load_table(tmp_path / "bomb.npz")


@pytest.mark.usefixtures("frugal")
def test_a_mat_that_declares_too_much_is_refused_before_it_is_inflated(tmp_path: Path) -> None:
    mat(tmp_path / "bomb.mat", 4_000_000_000)
    with pytest.raises(InvalidValue, match="variables of more than 1600000000 bytes in all"):
        load_table(tmp_path / "bomb.mat")


@pytest.mark.usefixtures("frugal")
def test_an_idx_that_declares_too_much_is_refused_before_it_is_inflated(tmp_path: Path) -> None:
    header = b"\x00\x00\x08\x03" + struct.pack(">III", 1_000_000, 28, 28)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(header + bytes(1_000_000)))
    with pytest.raises(InvalidValue, match="1000000 x 28 x 28 bytes; allowed are 1 to 200000000"):
        read_idx(tmp_path / "bomb.gz", 3)


@pytest.mark.usefixtures("frugal")
@pytest.mark.parametrize("write", [lambda path: npz(path, (10, 10)), lambda path: mat(path, 800)], ids=["npz", "mat"])
def test_what_is_longer_than_it_declares_is_not_inflated_further(tmp_path: Path, write: Callable[[Path], None]) -> None:
    path = tmp_path / "bomb.npz"
    write(path)
    if zipfile.is_zipfile(path):
        with pytest.raises(InvalidValue, match="all of them equal"):
            load_table(path)
    else:
        with pytest.raises(InvalidValue, match="is damaged"):
            load_table(path.rename(path.with_suffix(".mat")))


@pytest.mark.parametrize(
    ("size", "said"),
    [
        ((1, MOST_INPUTS + 1), "1000001 inputs; allowed are at most 1000000"),
        ((MOST_NUMBERS, 2), "200000000 patterns of 2 inputs; allowed are at most 200000000 numbers in all"),
        ((MOST_PROBABILITIES + 1, 1), "allowed are at most 100000000 probabilities in all"),
        ((MOST_PROBABILITIES // 10 + 1, 1, 10), "allowed are at most 100000000 probabilities in all"),
        ((10, 1, 257), "257 labels; allowed are at most 256"),
    ],
)
def test_what_is_too_large_is_said_with_what_is_allowed(size: tuple[int, ...], said: str) -> None:
    assert said in (oversize(*size) or "")


def test_the_known_sets_of_images_are_allowed() -> None:
    assert oversize(70_000, 784, 10) is None
    assert oversize(60_000, 3072, 10) is None

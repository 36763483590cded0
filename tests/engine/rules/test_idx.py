"""The IDX reader: what is in a file comes out, and no damaged file is taken for a whole one."""

from __future__ import annotations

import gzip
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.idx import read_idx

SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)


def idx(numbers: np.ndarray) -> bytes:
    """The array as the format's description (yann.lecun.com/exdb/mnist) has it."""
    sizes = b"".join(size.to_bytes(4, "big") for size in numbers.shape)
    return bytes([0, 0, 8, numbers.ndim]) + sizes + numbers.astype(np.uint8).tobytes()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("idx") / "images-idx3-ubyte"


def refused(file: Path, dimensions: int, said: str = "idx") -> None:
    with pytest.raises(InvalidValue, match=said) as caught:
        read_idx(file, dimensions)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


@given(shape=SHAPES, seed=st.integers(0, 99), compressed=st.booleans())
def test_what_is_written_is_read(file: Path, shape: tuple[int, ...], seed: int, compressed: bool) -> None:
    numbers = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    content = idx(numbers)
    file.write_bytes(gzip.compress(content) if compressed else content)
    assert np.array_equal(read_idx(file, len(shape)), numbers)


@given(data=st.data(), shape=SHAPES, compressed=st.booleans())
def test_a_file_that_is_cut_off_anywhere_is_refused(
    file: Path, data: st.DataObject, shape: tuple[int, ...], compressed: bool
) -> None:
    content = idx(np.zeros(shape))
    content = gzip.compress(content) if compressed else content
    file.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    refused(file, len(shape))


@given(data=st.data(), shape=SHAPES)
def test_a_changed_byte_before_the_numbers_is_noticed(file: Path, data: st.DataObject, shape: tuple[int, ...]) -> None:
    content = bytearray(idx(np.full(shape, 7)))
    place = data.draw(st.integers(0, 3 + 4 * len(shape)))
    before = content[place]
    content[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != before))
    file.write_bytes(content)
    refused(file, len(shape))


@given(data=st.data())
def test_a_changed_byte_in_a_compressed_file_gives_the_numbers_or_a_refusal(file: Path, data: st.DataObject) -> None:
    numbers = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    content = bytearray(gzip.compress(idx(numbers), mtime=0))
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    file.write_bytes(content)
    with suppress(InvalidValue):  # some bytes of gzip's header say nothing of the content
        assert np.array_equal(read_idx(file, 3), numbers)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not an IDX file: it begins with nothing"),
        (b"\x89PNG\r\n", "is not an IDX file: it begins with 89 50 4e 47"),
        (b"\0\0\x0d\x03" + bytes(12), "numbers of type 0x0d; needed are unsigned bytes"),
        (idx(np.zeros((2, 2))), "array of 2 dimensions; needed are 3"),
        (bytes([0, 0, 8, 3]) + bytes(12), "says that it holds 0 x 0 x 0 bytes"),
        (bytes([0, 0, 8, 3]) + b"\xff" * 12, "allowed are 1 to 200000000"),
        (idx(np.zeros((2, 2, 2))) + b"\0", "is longer than the 2 x 2 x 2 bytes"),
        (idx(np.zeros((2, 2, 2)))[:-3], "is cut off: 5 bytes of 2 x 2 x 2"),
    ],
)
def test_each_fault_is_named(file: Path, content: bytes, said: str) -> None:
    file.write_bytes(content)
    refused(file, 3, said)


def test_a_directory_and_a_file_that_is_not_there_are_refused(tmp_path: Path) -> None:
    refused(tmp_path, 3, "cannot be read: Is a directory")
    refused(tmp_path / "absent", 3, "cannot be read: No such file")

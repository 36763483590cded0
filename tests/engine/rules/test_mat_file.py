"""MATLAB files that scipy wrote, one written by hand in the other byte order, and damaged ones."""

from __future__ import annotations

import io
import random
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.io import savemat
from scipy.sparse import csr_array

from ibtui_engine.rules.mat_file import read_mat

NUMBERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]


def written(contents: dict[str, object], compressed: bool = False) -> bytes:
    file = io.BytesIO()
    savemat(file, contents, do_compression=compressed)
    return file.getvalue()


def element(type_code: int, data: bytes) -> bytes:
    return struct.pack(">II", type_code, len(data)) + data + bytes(-len(data) % 8)


@given(
    st.sampled_from(NUMBERS).flatmap(
        lambda dtype: arrays(dtype, st.tuples(st.integers(0, 5), st.integers(0, 5)), elements=st.integers(0, 100))
    ),
    st.text("abcXYZ_", min_size=1, max_size=12).filter(lambda name: not name.startswith("_")),
    st.booleans(),
)
def test_matrices_are_read_as_they_were_written(matrix, name, compressed) -> None:
    variables = read_mat(written({name: matrix, "other": [1.5, 2.5]}, compressed))
    assert list(variables) == [name, "other"]
    assert variables[name].kind == "numbers"
    assert variables[name].numbers().dtype == matrix.dtype
    np.testing.assert_array_equal(variables[name].numbers(), matrix)
    assert variables["other"].numbers().tolist() == [[1.5, 2.5]]


@pytest.mark.parametrize("compressed", [False, True])
def test_variables_that_are_no_matrices_of_numbers_are_named_and_do_no_harm(compressed: bool) -> None:
    contents = {
        "text": "some text",
        "a_struct": {"field": np.arange(3), "nested": {"deeper": "x"}},
        "a_cell": np.array([[1, "a"]], dtype=object),
        "a_sparse": csr_array(np.eye(3)),
        "a_complex": np.array([1j]),
        "logical": np.array([True, False]),
    }
    variables = read_mat(written(contents, compressed))
    assert {name: variable.kind for name, variable in variables.items()} == {
        "text": "char",
        "a_struct": "struct",
        "a_cell": "cell",
        "a_sparse": "sparse",
        "a_complex": "complex",
        "logical": "numbers",
    }
    assert variables["logical"].numbers().tolist() == [[1, 0]]


@pytest.mark.parametrize("compressed", [False, True])
def test_the_other_byte_order_and_narrowed_values_are_read(compressed: bool) -> None:
    """MATLAB stores a double matrix of small integers as bytes."""
    parts = [
        element(6, struct.pack(">II", 6, 0)),  # class double
        element(5, struct.pack(">ii", 2, 3)),
        struct.pack(">HH4s", 1, 1, b"F"),  # a name in the tag itself: size, type, data
        element(2, bytes([1, 2, 3, 4, 5, 6])),
    ]
    matrix = element(14, b"".join(parts))
    if compressed:
        squeezed = zlib.compress(matrix)
        matrix = struct.pack(">II", 15, len(squeezed)) + squeezed
    variables = read_mat(b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI" + matrix)
    assert variables["F"].numbers().tolist() == [[1, 3, 5], [2, 4, 6]]


def test_a_newer_class_without_dimensions_is_passed_over() -> None:
    parts = [element(6, struct.pack(">II", 17, 0)), element(1, b"table1"), element(1, b"MCOS")]
    variables = read_mat(b"".ljust(124) + b"\x01\x00MI" + element(14, b"".join(parts)))
    assert {name: variable.kind for name, variable in variables.items()} == {"table1": "object"}


@pytest.mark.parametrize("compressed", [False, True])
def test_damage_is_a_value_error_or_other_numbers_and_nothing_else(compressed: bool) -> None:
    rng = random.Random(7)
    whole = written({"F": np.arange(12.0).reshape(4, 3), "y": np.arange(4, dtype=np.uint8)}, compressed)
    refused = 0
    for _ in range(1000):
        damaged = bytearray(whole)
        damaged[rng.randrange(124, len(whole))] = rng.randrange(256)
        del damaged[rng.choice([len(whole), rng.randrange(len(whole))]) :]
        try:
            for variable in read_mat(bytes(damaged)).values():
                if variable.kind == "numbers":
                    assert variable.numbers().dtype.kind in "iuf"
        except ValueError:
            refused += 1
    assert 300 < refused < 1000

"""Tables from files: every layout that is read, every fault that is refused, and saving."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.io import savemat

from ibtui_engine.errors import InvalidValue, StorageError
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.rules.patterns import binary_patterns
from ibtui_engine.rules.table import load_table, mean_over_equal_rows, save_rule
from ibtui_engine.rules.tables.options import Reading

BINARY = binary_patterns(2)
REAL = np.array([[0.5, -1.0], [2.25, 3.0], [0.0, 0.0]])
LABELS = np.array([0, 1, 1, 0])
AS_PROBABILITIES = Reading(label_kind="probability")


def npz(tmp_path: Path, **contents: object) -> Path:
    path = tmp_path / "table.npz"
    np.savez(path, **contents)
    return path


def csv(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    return path


def mat(tmp_path: Path, **contents: object) -> Path:
    path = tmp_path / "table.mat"
    savemat(path, contents)
    return path


def refusal_of(path: Path) -> str:
    with pytest.raises(InvalidValue) as caught:
        load_table(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"table {str(path)!r}")
    return message


# What is read


@pytest.mark.parametrize("pattern_key", ["patterns", "F", "X"])
@pytest.mark.parametrize("label_key", ["p_y", "label", "labels", "y"])
def test_npz_arrays_go_by_any_of_their_names(tmp_path, pattern_key, label_key) -> None:
    rule = load_table(npz(tmp_path, **{pattern_key: BINARY, label_key: LABELS}))
    assert rule.patterns.tolist() == BINARY.tolist()
    assert rule.p_y.tolist() == LABELS.tolist()
    assert rule.name == f"table:{tmp_path / 'table.npz'}"


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64, np.uint16, np.float32, np.float64, ">f8", np.float16])
@pytest.mark.parametrize("order", ["C", "F"])
def test_binary_patterns_become_bytes_whatever_type_they_had(tmp_path, dtype, order) -> None:
    rule = load_table(npz(tmp_path, patterns=BINARY.astype(dtype, order=order), y=LABELS.astype(dtype)))
    assert rule.patterns.dtype == np.uint8
    assert rule.patterns.flags.c_contiguous
    assert rule.p_y.dtype == np.float64
    assert rule.digest == load_table(npz(tmp_path, patterns=BINARY, y=LABELS)).digest


def test_real_patterns_become_single_precision(tmp_path) -> None:
    rule = load_table(npz(tmp_path, patterns=REAL, p_y=[0.1, 0.9, 1 / 3]))
    assert rule.patterns.dtype == np.float32
    assert rule.patterns.tolist() == REAL.tolist()
    assert rule.p_y.tolist() == [0.1, 0.9, 1 / 3]


@pytest.mark.parametrize("shape", [(1, -1), (-1, 1)])
def test_the_authors_mat_layout_is_read_with_labels_as_row_or_column(tmp_path, shape) -> None:
    rule = load_table(mat(tmp_path, F=BINARY.astype(float), y=LABELS.reshape(shape)))
    assert rule.patterns.tolist() == BINARY.tolist()
    assert rule.p_y.tolist() == LABELS.tolist()


@pytest.mark.parametrize(
    "text",
    [
        "0,0,0\n0,1,1\n1,0,1\n1,1,0\n",
        "a,b,c\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n",
        "y,a,b\r\n0,0,0\r\n1,0,1\r\n1,1,0\r\n0,1,1\r\n",
        "a, Label ,b\n0,0,0\n0,1,1\n1,1,0\n1,0,1",
        "\ufeffp_y,a,b\n0,0,0\n\n1,0,1\n1,1,0\n0,1,1\n,,\n",
        '"a","b","labels"\n0.0,0e0, 0\n0,1,1\n1,0,1.0\n1,1,0\n',
    ],
)
def test_csv_labels_stand_in_the_column_named_so_else_in_the_last(tmp_path, text) -> None:
    rule = load_table(csv(tmp_path, text))
    assert rule.patterns.tolist() == BINARY.tolist()
    assert rule.p_y.tolist() == LABELS.tolist()


def test_the_three_formats_give_the_same_rule(tmp_path) -> None:
    text = "".join(f"{a},{b},{p}\n" for (a, b), p in zip(REAL, (0.1, 0.9, 0.25), strict=True))
    rules = [
        load_table(npz(tmp_path, X=REAL, y=[0.1, 0.9, 0.25]), reading=AS_PROBABILITIES),
        load_table(mat(tmp_path, X=REAL, y=[0.1, 0.9, 0.25]), reading=AS_PROBABILITIES),
        load_table(csv(tmp_path, text), reading=AS_PROBABILITIES),
    ]
    assert len({rule.digest for rule in rules}) == 1


def test_the_suffix_may_be_in_capitals(tmp_path) -> None:
    path = npz(tmp_path, patterns=BINARY, y=LABELS)
    assert load_table(path.rename(tmp_path / "TABLE.NPZ")).classes == 2


def test_equal_patterns_share_the_mean_of_their_labels(tmp_path) -> None:
    rule = load_table(npz(tmp_path, patterns=[[0, 1], [1, 1], [0, 1], [0, 1]], y=[0, 0, 1, 1]))
    assert rule.p_y.tolist() == [2 / 3, 0, 2 / 3, 2 / 3]
    assert rule.h_x == pytest.approx(0.811278, abs=1e-6)
    assert rule.classes == 2


def test_minus_zero_is_zero(tmp_path) -> None:
    rule = load_table(npz(tmp_path, patterns=[[0.0, 2.0], [-0.0, 2.0], [1.0, 1.0]], y=[-0.0, 1.0, 0.0]))
    assert rule.p_y.tolist() == [0.5, 0.5, 0]
    assert not np.signbit(rule.patterns).any()


@given(
    arrays(np.uint8, st.tuples(st.integers(1, 30), st.just(2)), elements=st.integers(0, 1)),
    st.lists(st.floats(0, 1), min_size=30, max_size=30),
)
def test_averaging_over_equal_rows_keeps_the_mean_and_needs_no_second_time(patterns, values) -> None:
    labels = np.array(values[: len(patterns)])
    p = mean_over_equal_rows(patterns, labels)
    assert p.mean() == pytest.approx(labels.mean(), abs=1e-12)
    assert (mean_over_equal_rows(patterns, p) == p).all()
    for row in np.unique(patterns, axis=0):
        same = (patterns == row).all(axis=1)
        assert np.unique(p[same]).size == 1
        assert p[same][0] == pytest.approx(labels[same].mean(), abs=1e-12)


# Files that are refused


def test_a_file_that_does_not_exist(tmp_path) -> None:
    for suffix in ("npz", "mat", "csv"):
        assert "does not exist" in refusal_of(tmp_path / f"none.{suffix}")


def test_a_directory(tmp_path) -> None:
    (tmp_path / "dir.npz").mkdir()
    assert "is a directory, not a file" in refusal_of(tmp_path / "dir.npz")


def test_a_file_in_a_file(tmp_path) -> None:
    path = csv(tmp_path, "0,0\n1,1\n")
    assert refusal_of(path / "inner.csv")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    assert "is not a regular file" in refusal_of(tmp_path / "pipe.csv")


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch) -> None:
    path = csv(tmp_path, "0,0\n1,1\n")

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", refuse)  # the tests may run as root, who may read everything
    assert "cannot be read: Permission denied" in refusal_of(path)


def test_a_name_that_is_too_long(tmp_path) -> None:
    assert "cannot be read: " in refusal_of(tmp_path / f"{'x' * 300}.csv")


@pytest.mark.parametrize("suffix", [".csv", ".data", ".dat", ".DATA", ".dat.gz"])
def test_archives_of_data_sets_give_text_other_suffixes(tmp_path, suffix) -> None:
    """As those of the UCI archive: iris.data, wine.data, heart.dat."""
    text = b"1,5.1,3.5\n1,4.9,3.0\n2,7.0,3.2\n2,6.4,3.1\n3,6.3,3.3\n3,5.8,2.7\n"
    path = tmp_path / f"small{suffix}"
    path.write_bytes(gzip.compress(text) if suffix.endswith(".gz") else text)
    rule = load_table(path, reading=Reading(label="1"))
    assert rule.patterns.shape == (6, 2)
    assert rule.labels == 3


@pytest.mark.parametrize(("first", "sign"), [("sep=;", ";"), ('"sep=,"', ","), ("SEP=\t", "\t"), ("sep=|;;", "|")])
@pytest.mark.parametrize("header", [True, False])
def test_the_line_that_tells_excel_the_separator_is_no_row(tmp_path, first, sign, header) -> None:
    lines = [
        first,
        *([sign.join("ab") + f"{sign}label"] if header else []),
        *(f"{k}{sign}1{k}{sign}{k % 2}" for k in range(6)),
    ]
    (tmp_path / "t.csv").write_text("\r\n".join(lines))
    rule = load_table(tmp_path / "t.csv", reading=Reading(label="3", scale="none"))
    assert rule.patterns.tolist() == [[k, 10 + k] for k in range(6)]
    assert rule.p_y.tolist() == [k % 2 for k in range(6)]


@pytest.mark.parametrize("name", ["table.xlsx", "table.ODS", "table.xlsx.gz"])
def test_an_unknown_suffix(tmp_path, name) -> None:
    suffix = f".{name.lower().split('.')[1]}"
    assert f"cannot read {suffix}: save it as .csv (known are .csv, .tsv" in refusal_of(tmp_path / name)


def test_a_name_without_a_suffix(tmp_path) -> None:
    assert "has no suffix; known are .csv, .tsv, .txt, .data, .dat, .parquet" in refusal_of(tmp_path / "table")


@pytest.mark.parametrize("content", [b"", b"no archive at all", b"PK\x03\x04 and then nothing", b"\x80\x04N."])
def test_an_npz_that_is_none(tmp_path, content) -> None:
    path = tmp_path / "table.npz"
    path.write_bytes(content)
    assert "is not an .npz archive, or is damaged" in refusal_of(path)


def test_an_npy_file_called_npz(tmp_path) -> None:
    with (tmp_path / "table.npz").open("wb") as file:
        np.save(file, BINARY)
    assert "is not an .npz archive" in refusal_of(tmp_path / "table.npz")


def test_an_npz_with_a_flipped_byte_or_cut_off(tmp_path) -> None:
    path = npz(tmp_path, patterns=binary_patterns(8), y=np.arange(256) % 2)
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:300] + bytes([whole[300] ^ 255]) + whole[301:]):
        path.write_bytes(damaged)
        assert "is not an .npz archive, or is damaged" in refusal_of(path)


def test_an_npz_whose_header_lies_about_its_size(tmp_path) -> None:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f8", "fortran_order": False, "shape": (2**40, 2**20)})
    with zipfile.ZipFile(tmp_path / "table.npz", "w") as archive:
        archive.writestr("patterns.npy", buffer.getvalue())
        archive.writestr("y.npy", buffer.getvalue())
    message = refusal_of(tmp_path / "table.npz")
    assert "has 'patterns' of 1099511627776 x 1048576 numbers; allowed are at most 200000000 in all" in message


class Bomb:
    def __reduce__(self):
        return (os.mkdir, ("bomb-went-off",))


def test_pickled_objects_are_never_loaded(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = npz(tmp_path, patterns=np.array([Bomb(), Bomb()], dtype=object), y=[0, 1])
    assert "holds pickled objects, which are never loaded" in refusal_of(path)
    assert not (tmp_path / "bomb-went-off").exists()


@pytest.mark.parametrize("content", [b"", b"no MATLAB file", b"MATLAB 5.0" + b"\0" * 200, b"\xff" * 500])
def test_a_mat_file_that_is_none(tmp_path, content) -> None:
    path = tmp_path / "table.mat"
    path.write_bytes(content)
    assert "is not a MATLAB file of version 4 to 7.3, or is damaged" in refusal_of(path)


def test_a_mat_file_that_is_cut_off(tmp_path) -> None:
    path = mat(tmp_path, F=binary_patterns(8), y=np.arange(256) % 2)
    path.write_bytes(path.read_bytes()[:900])
    assert "is not a MATLAB file of version 4 to 7.3, or is damaged" in refusal_of(path)


@pytest.mark.parametrize(
    "content",
    [
        b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512, b" ") + b"\x89HDF\r\n\x1a\n" + b"\0" * 100,
        b"\x89HDF\r\n\x1a\n" + b"\0" * 600,
    ],
)
def test_a_mat_file_of_version_7_3_that_is_damaged(tmp_path, content) -> None:
    path = tmp_path / "table.mat"
    path.write_bytes(content)
    assert "is not a MATLAB file of version 4 to 7.3, or is damaged" in refusal_of(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n \n,,\n", "is empty"),
        ("a,b,y\n", "has no patterns: their shape is (0, 2)"),
        ("0\n1\n", "has one column; needed are at least one input and a label"),
        ("0,0,0\n0,1\n", "has 2 columns in line 2, but 3 in the first"),
        ("a,b,y\n0,1,0\n\n0,1,1,1\n", "has 4 columns in line 4, but 3 in the first"),
        ("a,b,y\n0,1,0\n0,cat,1\n", "has 'cat' in line 3, column 2: not a number"),
        ("0,,0\n0,1,1\n", "has '' in line 1, column 2: not a number"),
        ("a,y,p_y\n0,1,1\n1,0,0\n", "has more than one column that may be the label, 'y' and 'p_y': choose one"),
    ],
)
def test_csv_files_that_are_no_tables(tmp_path, text, message) -> None:
    assert message in refusal_of(csv(tmp_path, text))


def test_a_csv_that_is_no_text(tmp_path) -> None:
    path = tmp_path / "table.csv"
    for content in (b"0,\x000\n1,1\n", b"0,0," + b"1" * 200_000 + b"\n"):
        path.write_bytes(content)
        assert "is not a text file of comma-separated numbers" in refusal_of(path)


# Contents that are refused

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ({"y": LABELS}, "has no patterns (it holds 'y'); call them patterns, F or X"),
        ({"patterns": BINARY}, "has no labels (it holds 'patterns'); call them p_y, label, labels or y"),
        ({}, "has no patterns (it holds nothing)"),
        ({"X": [0, 1, 1], "y": [0, 1, 1]}, "has patterns of shape (3,); needed is patterns x inputs"),
        ({"X": np.zeros((2, 2, 2)), "y": [0, 1]}, "has patterns of shape (2, 2, 2)"),
        ({"X": np.zeros((0, 3)), "y": []}, "has no patterns: their shape is (0, 3)"),
        ({"X": np.zeros((3, 0)), "y": [0, 1, 1]}, "has no patterns: their shape is (3, 0)"),
        ({"X": [["a", "b"], ["c", "d"]], "y": [0, 1]}, "has 'X' of kind texts: not a matrix of numbers"),
        ({"X": BINARY + 0j, "y": LABELS}, "has patterns of type complex128: not numbers"),
        ({"X": [[0, 1], [NAN, 2]], "y": [0, 1]}, "has the value nan in pattern 2, input 1 (from 1)"),
        ({"X": [[0, 1], [3, -INF]], "y": [0, 1]}, "has the value -inf in pattern 2, input 2 (from 1)"),
        ({"X": [[1, 0], [1, 0], [1, 0]], "y": [0, 1, 1]}, "has 3 patterns, all of them equal"),
        ({"X": [[7.5, 2]], "p_y": [0.5]}, "has one pattern; needed are two or more"),
        ({"X": BINARY, "y": []}, "has no labels: they are empty"),
        ({"X": BINARY, "y": [0, 1, 1]}, "has 3 labels for 4 patterns"),
        ({"X": 2, "y": 1}, "has patterns of shape ()"),
        ({"X": BINARY, "y": 1}, "has 1 labels for 4 patterns"),
        ({"X": BINARY.T, "y": LABELS}, "has 4 labels for 2 patterns; are the patterns the columns?"),
        ({"X": BINARY, "y": np.eye(4)[:3]}, "has p(y|x) of shape (3, 4) for 4 patterns; needed is patterns x labels"),
        (
            {"X": BINARY, "y": np.zeros((4, 2, 2))},
            "has labels of shape (4, 2, 2); needed is one number for each pattern",
        ),
        ({"X": BINARY, "y": ["no", "yes", "no", ""]}, "has '' for the label at pattern 4 (from 1)"),
        ({"X": BINARY, "y": [0, NAN, 1, 1]}, "has the label nan at pattern 2 (from 1)"),
        ({"X": BINARY, "y": [0, 1, INF, 1]}, "has the label inf at pattern 3 (from 1)"),
        ({"X": BINARY, "p_y": [0, 1, 0.5, 1.5]}, "has the label 1.5 at pattern 4 (from 1); allowed are probabilities"),
        ({"X": BINARY, "p_y": [1, -1, -1, 1]}, "has the label -1 at pattern 2 (from 1); allowed are probabilities"),
        ({"X": BINARY, "y": [0, 1, 0.5, 1.5]}, "has a continuous label, with values such as 0.5: cut it into classes"),
        ({"X": BINARY, "y": [0, 0, 0, 0]}, "has only the label 0; a rule needs both classes"),
        ({"X": BINARY, "y": [1, 1, 1, 1]}, "has only the label 1; a rule needs both classes"),
    ],
)
def test_contents_that_make_no_rule(tmp_path, contents, message) -> None:
    assert message in refusal_of(npz(tmp_path, **contents))


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ({"F": BINARY}, "has no labels (it holds 'F')"),
        ({"F": "some text", "y": LABELS}, "has 'F' of kind texts: not a matrix of numbers"),
        ({"F": np.array([[1, "a"]], dtype=object), "y": LABELS}, "has 'F' of kind cell: not a matrix of"),
        ({"F": {"a": 1}, "y": LABELS}, "has 'F' of kind struct: not a matrix of numbers"),
        ({"F": BINARY + 1j, "y": LABELS}, "has 'F' of kind complex: not a matrix of numbers"),
        ({"F": BINARY, "y": LABELS / 4}, "has a continuous label, with values such as 0.25"),
    ],
)
def test_mat_contents_that_make_no_rule(tmp_path, contents, message) -> None:
    assert message in refusal_of(mat(tmp_path, **contents))


def test_csv_contents_are_checked_alike(tmp_path) -> None:
    assert "has 'nan' in line 3, column 1: not a number for 'a'" in refusal_of(csv(tmp_path, "a,y\n0,1\nnan,0\n"))
    assert "has the label 1.5 in line 3, column 2 ('p_y')" in refusal_of(csv(tmp_path, "x,p_y\n0,0\n1,1.5\n2,0\n"))


# Saving


@pytest.mark.parametrize("name", ["symmetric", "symmetric-soft", "committee"])
def test_a_saved_rule_is_the_same_when_loaded(tmp_path, name) -> None:
    rule = load_rule(name)
    path = tmp_path / "rule.npz"
    save_rule(rule, path)
    again = load_rule(f"table:{path}")
    assert again.digest == rule.digest
    assert again.i_xy == rule.i_xy
    assert [file.name for file in tmp_path.iterdir()] == ["rule.npz"]


def test_a_table_survives_being_saved_with_averaged_and_real_patterns(tmp_path) -> None:
    rule = load_table(npz(tmp_path, patterns=np.repeat(REAL, 3, axis=0), p_y=[0.1] * 3 + [0, 1, 1] + [0.7, 0.1, 0.2]))
    save_rule(rule, tmp_path / "again.npz")
    assert load_table(tmp_path / "again.npz").digest == rule.digest


def test_saving_replaces_an_older_file_and_a_failed_save_leaves_it_alone(tmp_path, monkeypatch) -> None:
    path = tmp_path / "rule.npz"
    path.write_bytes(b"old")
    rule = load_rule("symmetric")

    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match=r"cannot write .*rule\.npz': No space left on device"):
            save_rule(rule, path)
    assert path.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1
    save_rule(rule, path)
    assert load_table(path).digest == rule.digest


def test_rules_are_saved_as_npz_only(tmp_path) -> None:
    for name in ("rule.csv", "rule", "rule.mat"):
        with pytest.raises(InvalidValue, match=r"allowed is a name that ends in \.npz"):
            save_rule(load_rule("symmetric"), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_named(tmp_path) -> None:
    rule = load_rule("symmetric")
    (tmp_path / "dir.npz").mkdir()
    with pytest.raises(StorageError, match=r"cannot write .*none.*rule\.npz': No such file"):
        save_rule(rule, tmp_path / "none" / "rule.npz")
    with pytest.raises(StorageError, match=r"cannot write .*dir\.npz': Is a directory"):
        save_rule(rule, tmp_path / "dir.npz")
    assert [file.name for file in tmp_path.iterdir()] == ["dir.npz"]

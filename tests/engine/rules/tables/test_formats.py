"""The formats that are no text: each gives the table that was written, and nothing of a damaged file."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pandas
import pytest
from scipy.io import savemat
from scipy.sparse import csc_array, csr_array

from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.limits import MOST_NUMBERS
from ibtui_engine.rules.table import load_table
from ibtui_engine.rules.tables.options import Reading

h5py = pytest.importorskip("h5py")
pyarrow = pytest.importorskip("pyarrow")
pytest.importorskip("pyarrow.parquet")

X = np.array([[0, 0, 2], [0, 1, 0], [1, 0, 1], [1, 1, 0]], float)
Y = np.array([0, 1, 1, 0])


def is_the_table(path: Path, **said: object):
    rule = load_table(path, reading=Reading(**said))
    assert rule.patterns.tolist() == X.tolist()
    assert rule.p_y.tolist() == Y.tolist()
    return rule


def refusal(path: Path, **said: object) -> str:
    with pytest.raises(InvalidValue) as caught:
        load_table(path, reading=Reading(**said))
    assert "\n" not in str(caught.value)
    return str(caught.value)


# MATLAB


@pytest.mark.parametrize("version", ["4", "5", "7"])
@pytest.mark.parametrize("kind", [float, np.uint8, np.int16, np.float32, "sparse"])
@pytest.mark.parametrize("names", [("F", "y"), ("X", "labels"), ("patterns", "Y"), ("x", "class")])
def test_matlab_files_of_all_versions(tmp_path: Path, version: str, kind: object, names: tuple[str, str]) -> None:
    x = csc_array(X) if kind == "sparse" else X.astype(kind)
    y = Y if version != "4" else Y.astype(float)
    savemat(tmp_path / "t.mat", {names[0]: x, names[1]: y}, format=version if version == "4" else "5",
            do_compression=version == "7")  # fmt: skip
    is_the_table(tmp_path / "t.mat")


def test_sparse_matrices_are_those_that_scipy_writes(tmp_path: Path) -> None:
    x = np.where(np.random.default_rng(0).random((40, 6)) < 0.3, np.random.default_rng(1).normal(size=(40, 6)), 0)
    for version in ("4", "5"):
        savemat(tmp_path / "t.mat", {"X": csr_array(x), "y": np.arange(40.0) % 3}, format=version)
        rule = load_table(tmp_path / "t.mat")
        assert rule.patterns.tolist() == x.astype(np.float32).tolist()


@pytest.mark.parametrize("version", ["4", "5"])
def test_logical_labels_and_words(tmp_path: Path, version: str) -> None:
    if version == "5":
        savemat(tmp_path / "t.mat", {"X": X, "y": Y.astype(bool)})
        is_the_table(tmp_path / "t.mat")
        savemat(tmp_path / "t.mat", {"X": X, "y": np.array(["no", "yes", "yes", "no"], dtype=object)})
        is_the_table(tmp_path / "t.mat")
    savemat(tmp_path / "t.mat", {"X": X, "y": np.array(["no ", "yes", "yes", "no "])}, format=version)
    assert [one.value for one in is_the_table(tmp_path / "t.mat").report.labels] == ["no", "yes"]


def test_columns_in_variables_of_their_own(tmp_path: Path) -> None:
    savemat(tmp_path / "t.mat", {"a": X[:, :1], "b": X[:, 1:2], "c": X[:, 2:], "outcome": Y[:, None]})
    assert [one.name for one in is_the_table(tmp_path / "t.mat").report.ranges] == ["a", "b", "c"]
    savemat(tmp_path / "t.mat", {"data": np.column_stack([X, Y])})
    said = refusal(tmp_path / "t.mat")
    assert "has no labels (it holds 'data')" in said
    savemat(tmp_path / "t.mat", {"table": np.column_stack([X, Y])})
    is_the_table(tmp_path / "t.mat")


def hdf5(path: Path, write) -> Path:
    with h5py.File(path, "w", userblock_size=512) as file:
        write(file)
    content = bytearray(path.read_bytes())
    content[:128] = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    path.write_bytes(bytes(content))
    return path


def matrix(file, name: str, values: np.ndarray, kind: str) -> None:
    file[name] = np.atleast_2d(values).T
    file[name].attrs["MATLAB_class"] = np.bytes_(kind)


@pytest.mark.parametrize("kind", ["double", "single", "int32", "uint8", "logical"])
def test_matlab_7_3_has_its_matrices_turned(tmp_path: Path, kind: str) -> None:
    numbers = {"double": "f8", "single": "f4", "logical": "u1"}.get(kind, kind)

    def write(file) -> None:
        matrix(file, "X", X.astype("f8"), "double")
        matrix(file, "y", Y.astype(numbers)[:, None], kind)

    is_the_table(hdf5(tmp_path / "t.mat", write))


def test_matlab_7_3_sparse_matrices_and_words(tmp_path: Path) -> None:
    def write(file) -> None:
        x = csc_array(X)
        group = file.create_group("X")
        group["data"], group["ir"], group["jc"] = x.data, x.indices.astype("u8"), x.indptr.astype("u8")
        group.attrs["MATLAB_class"], group.attrs["MATLAB_sparse"] = np.bytes_("double"), np.uint64(len(X))
        cells = file.create_group("#refs#")
        references = []
        for place, word in enumerate(["no", "yes", "yes", "no"]):
            cells[f"c{place}"] = np.array([[ord(letter)] for letter in word], "u2")
            cells[f"c{place}"].attrs["MATLAB_class"] = np.bytes_("char")
            references.append(cells[f"c{place}"].ref)
        file.create_dataset("y", (1, 4), h5py.ref_dtype)[0] = references
        file["y"].attrs["MATLAB_class"] = np.bytes_("cell")

    is_the_table(hdf5(tmp_path / "t.mat", write))


def test_matlab_7_3_that_declares_too_much_is_refused_before_it_is_inflated(tmp_path: Path) -> None:
    def write(file) -> None:
        file.create_dataset("X", (10_000, 1_000_000), "f8", chunks=(100, 100), compression="gzip")
        matrix(file, "y", Y, "double")

    said = refusal(hdf5(tmp_path / "t.mat", write))
    assert f"has 'X' of 10000 x 1000000 numbers; allowed are at most {MOST_NUMBERS} in all" in said


def test_sparse_matrices_that_would_be_too_large_are_refused(tmp_path: Path) -> None:
    savemat(tmp_path / "t.mat", {"X": csc_array((500_000, 1000)), "y": np.arange(500_000) % 2})
    assert "allowed are at most" in refusal(tmp_path / "t.mat")
    savemat(tmp_path / "t.mat", {"X": csc_array((500_000, 1000)), "y": np.arange(500_000.0) % 2}, format="4")
    assert "allowed are at most" in refusal(tmp_path / "t.mat")


# NumPy


@pytest.mark.parametrize("dtype", [float, int, ">f4", np.float16])
def test_npy_matrices_have_the_label_in_their_last_column(tmp_path: Path, dtype: object) -> None:
    np.save(tmp_path / "t.npy", np.column_stack([X, Y]).astype(dtype))
    is_the_table(tmp_path / "t.npy")
    (tmp_path / "t.npy.gz").write_bytes(gzip.compress((tmp_path / "t.npy").read_bytes()))
    is_the_table(tmp_path / "t.npy.gz")


def test_npy_records_have_names(tmp_path: Path) -> None:
    records = np.zeros(4, [("target", "U3"), ("a", "f4"), ("b", "i2"), ("c", "f8")])
    records["target"] = np.array(["no", "yes"])[Y]
    for place, name in enumerate("abc"):
        records[name] = X[:, place]
    np.save(tmp_path / "t.npy", records)
    assert is_the_table(tmp_path / "t.npy").report.label == "target"


@pytest.mark.parametrize(
    "names", [("x", "y"), ("data", "target"), ("inputs", "Labels"), ("F", "Y"), ("features", "class")]
)
def test_npz_arrays_in_other_spellings(tmp_path: Path, names: tuple[str, str]) -> None:
    np.savez(tmp_path / "t.npz", **{names[0]: X, names[1]: Y[:, None]})
    is_the_table(tmp_path / "t.npz")
    np.savez(tmp_path / "t.npz", **{names[0]: X.astype(int), names[1]: np.array(["a", "b"])[Y]})
    is_the_table(tmp_path / "t.npz")


def test_npz_columns_by_their_names(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", a=X[:, 0], b=X[:, 1], c=X[:, 2], index=np.arange(4), Outcome=Y)
    assert [one.name for one in is_the_table(tmp_path / "t.npz").report.left_out] == ["index"]


def test_npz_labels_that_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", X=X, first=Y, second=1 - Y)
    assert "has no labels (it holds 'X', 'first', 'second')" in refusal(tmp_path / "t.npz")
    is_the_table(tmp_path / "t.npz", label="first")
    assert "has no array 'third' for --label" in refusal(tmp_path / "t.npz", label="third")
    np.savez(tmp_path / "t.npz", X=X, y=Y, labels=1 - Y)
    assert "has more than one array of labels, 'y' and 'labels': choose one by --label" in refusal(tmp_path / "t.npz")
    is_the_table(tmp_path / "t.npz", label="y")
    is_the_table(tmp_path / "t.npz", ignore="labels")


# Parquet


def frame() -> pandas.DataFrame:
    return pandas.DataFrame(X, columns=list("abc")).assign(y=Y)


@pytest.mark.parametrize("label", [int, float, bool, str, "category", "Int64", "string"])
@pytest.mark.parametrize("compression", ["snappy", "gzip", None])
def test_parquet_files_of_pandas(tmp_path: Path, label: object, compression: str | None) -> None:
    table = frame()
    table["y"] = table["y"].astype(label)
    table.index = [7, 3, 1, 0]
    table.to_parquet(tmp_path / "t.parquet", compression=compression)
    rule = is_the_table(tmp_path / "t.parquet")
    assert [one.name for one in rule.report.left_out] == ["__index_level_0__"]


def test_parquet_values_that_are_missing_or_no_numbers(tmp_path: Path) -> None:
    table = frame()
    table.loc[2, "b"] = None
    table.to_parquet(tmp_path / "t.parquet", index=False)
    assert "has the value nan in row 3, column 2: needed are finite numbers; fill it in" in refusal(
        tmp_path / "t.parquet"
    )
    table["b"] = ["u", "v", "w", None]
    table.to_parquet(tmp_path / "t.parquet", index=False)
    assert "has no value in row 4, column 'b': fill it in" in refusal(tmp_path / "t.parquet")
    table["b"] = [[1], [2], [3], [4]]
    table.to_parquet(tmp_path / "t.parquet", index=False)
    assert "has column 'b' of type object: neither numbers nor texts" in refusal(tmp_path / "t.parquet")


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path, monkeypatch) -> None:
    frame().to_parquet(tmp_path / "t.parquet")
    monkeypatch.setattr("ibtui_engine.packages._is_installed", lambda package: package != "pyarrow")
    with pytest.raises(InvalidValue, match=r"tables in \.parquet files need pyarrow"):
        load_table(tmp_path / "t.parquet")


@pytest.mark.long
def test_parquet_that_declares_too_much_is_refused_before_it_is_read(tmp_path: Path) -> None:
    zeros = pyarrow.array(np.zeros(30_000_000, np.int8))
    table = pyarrow.table(dict.fromkeys("abcdefghij", zeros))
    pyarrow.parquet.write_table(table, tmp_path / "t.parquet")
    assert (tmp_path / "t.parquet").stat().st_size < 2_000_000
    assert "has more numbers than are allowed" in refusal(tmp_path / "t.parquet")


# ARFF


ARFF = """% Iris, made up
@RELATION iris

@ATTRIBUTE 'sepal length' NUMERIC
@attribute width real
@attribute "petal" {0, 1, 2}
@attribute class {no, yes}

@DATA
0,0,2,no
% a comment
0,1,0,yes
1,0,1,yes

1,1,0,no
"""


def arff(tmp_path: Path, text: str) -> Path:
    (tmp_path / "t.arff").write_text(text)
    return tmp_path / "t.arff"


def test_arff_with_attributes_of_every_kind(tmp_path: Path) -> None:
    rule = is_the_table(arff(tmp_path, ARFF))
    assert [one.name for one in rule.report.ranges] == ["sepal length", "width", "petal"]
    quoted = ARFF.replace("no\n", "'no'\n").replace("yes\n", "'yes'\n").replace("{no, yes}", "{'no','yes'}")
    is_the_table(arff(tmp_path, quoted))
    is_the_table(arff(tmp_path, ARFF.replace("\n", "\r\n")))


def test_arff_with_sparse_rows(tmp_path: Path) -> None:
    head = ARFF.split("@DATA")[0].replace("{0, 1, 2}", "integer")
    is_the_table(arff(tmp_path, f"{head}@data\n{{2 2}}\n{{1 1, 3 yes}}\n{{0 1,2 1, 3 'yes'}}\n% x\n{{0 1, 1 1}}\n"))
    said = refusal(arff(tmp_path, f"{head}@data\n{{2 2}}\n{{9 1, 3 yes}}\n"))
    assert "has '9 1' in line 11: needed are the number of an attribute, from 0 to 3" in said


def test_arff_faults_are_named_at_their_line(tmp_path: Path) -> None:
    assert "has '?' in line 12, column 1: not a number for 'sepal length'; fill it in" in refusal(
        arff(tmp_path, ARFF.replace("0,1,0,yes", "?,1,0,yes"))
    )
    assert "has 3 columns in line 13, but 4 in the first" in refusal(
        arff(tmp_path, ARFF.replace("1,0,1,yes", "1,0,yes"))
    )
    assert "it has no line @data" in refusal(arff(tmp_path, ARFF.replace("@DATA", "")))
    assert "has 0 attributes" in refusal(arff(tmp_path, "@data\n1,2\n"))


# Damage


@pytest.mark.parametrize("suffix", ["csv", "tsv", "txt", "parquet", "npz", "npy", "mat", "arff", "csv.gz"])
@pytest.mark.parametrize(
    "content",
    [b"", b"\0", b"\xff" * 400, bytes(range(256)) * 9, b"PAR1" + bytes(100) + struct.pack("<I", 90) + b"PAR1",
     b"MATLAB 7.3".ljust(512) + b"\x89HDF\r\n\x1a\n" + bytes(2000), b"\x93NUMPY\x01\x00\xff\xff",
     b"\x1f\x8b" + bytes(30)],
)  # fmt: skip
def test_what_is_no_table_is_refused_in_one_line(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"t.{suffix}"
    path.write_bytes(content)
    assert refusal(path).startswith(f"table {str(path)!r} ")

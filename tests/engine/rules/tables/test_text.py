"""Tables in text: every dialect that spreadsheets and programs write, and the lines of what cannot be read."""

from __future__ import annotations

import gzip
import io
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.table import load_table
from ibtui_engine.rules.tables.options import Reading
from ibtui_engine.rules.tables.text import read_text

X = [[0.5, -1.0], [2.25, 3.0], [0.0, 1.5], [1.0, 2.0]]
Y = [0, 1, 1, 0]


def read(tmp_path: Path, text: str | bytes, name: str = "t.csv", **said: object):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return load_table(path, reading=Reading(**said))


def refusal(tmp_path: Path, text: str | bytes, name: str = "t.csv", **said: object) -> str:
    with pytest.raises(InvalidValue) as caught:
        read(tmp_path, text, name, **said)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def is_the_table(rule) -> None:
    assert rule.patterns.tolist() == np.array(X, np.float32).tolist()
    assert rule.p_y.tolist() == Y


DIALECTS = {
    "commas": "a,b,y\n0.5,-1,0\n2.25,3,1\n0,1.5,1\n1,2,0\n",
    "commas and blanks": "a, b, y\n0.5, -1, 0\n2.25, 3, 1\n0 ,1.5 ,1\n1, 2, 0\n",
    "semicolons": "a;b;y\n0.5;-1;0\n2.25;3;1\n0;1.5;1\n1;2;0\n",
    "tabs": "a\tb\ty\n0.5\t-1\t0\n2.25\t3\t1\n0\t1.5\t1\n1\t2\t0\n",
    "blanks": "  a   b y\n0.5  -1 0\n 2.25 3   1\n0 1.5\t1\n1 2 0  \n",
    "bars": "a|b|y\n0.5|-1|0\n2.25|3|1\n0|1.5|1\n1|2|0\n",
    "no header": "0.5,-1,0\n2.25,3,1\n0,1.5,1\n1,2,0\n",
    "decimal commas, semicolons": "a;b;y\n0,5;-1;0\n2,25;3,0;1\n0;1,5;1\n1;2;0\n",
    "decimal commas, tabs": "a\tb\ty\n0,5\t-1\t0\n2,25\t3,0\t1\n0\t1,5\t1\n1\t2\t0\n",
    "decimal commas, blanks": "a b y\n0,5 -1 0\n2,25 3,0 1\n0 1,5 1\n1 2 0\n",
    "decimal commas, quoted": 'a,b,y\n"0,5",-1,0\n"2,25",3,1\n0,"1,5",1\n1,2,0\n',
    "quotes": '"a","b","y"\n"0.5","-1","0"\n"2.25","3","1"\n"0","1.5","1"\n"1","2","0"\n',
    "carriage returns": "a,b,y\r\n0.5,-1,0\r\n2.25,3,1\r\n0,1.5,1\r\n1,2,0\r\n",
    "old Macintosh": "a,b,y\r0.5,-1,0\r2.25,3,1\r0,1.5,1\r1,2,0\r",
    "no last line end": "a,b,y\n0.5,-1,0\n2.25,3,1\n0,1.5,1\n1,2,0",
    "comments": "# made today\n#\na,b,y\n0.5,-1,0\n# half\n2.25,3,1 # odd\n0,1.5,1\n1,2,0\n",
    "percent comments": "% made today\na,b,y\n0.5,-1,0\n% half\n2.25,3,1\n0,1.5,1\n1,2,0\n",
    "a header in a comment": "# made by hand\n# a b y\n0.5 -1 0\n2.25 3 1\n0 1.5 1\n1 2 0\n",
    "exponents": "a,b,y\n5e-1,-1E0,0\n2.25,+3.,1\n.0,1.5,1\n1,0.2e1,0\n",
    "empty lines": "\n\na,b,y\n\n0.5,-1,0\n2.25,3,1\n   \n0,1.5,1\n1,2,0\n,,\n\n",
    "separators at the end": "a,b,y,\n0.5,-1,0,\n2.25,3,1,\n0,1.5,1,\n1,2,0,\n",
    "a separator at the end of the header": "a,b,y,\n0.5,-1,0\n2.25,3,1\n0,1.5,1\n1,2,0\n",
    "separators at the end, no header": "0.5;-1;0;\n2.25;3;1;\n0;1.5;1;\n1;2;0;\n",
    "numbered rows": ",a,b,y\n0,0.5,-1,0\n1,2.25,3,1\n2,0,1.5,1\n3,1,2,0\n",
    "Unnamed: 0": "Unnamed: 0,a,b,y\n0,0.5,-1,0\n1,2.25,3,1\n2,0,1.5,1\n3,1,2,0\n",
    "rows with names": '"","a","b","y"\n"one",0.5,-1,0\n"two",2.25,3,1\n"three",0,1.5,1\n"four",1,2,0\n',
    "R's write.table": '"a" "b" "y"\n"1" 0.5 -1 0\n"2" 2.25 3 1\n"3" 0 1.5 1\n"4" 1 2 0\n',
    "a header shorter by one": "a,b,y\nr1,0.5,-1,0\nr2,2.25,3,1\nr3,0,1.5,1\nr4,1,2,0\n",
    "id": "ID,a,b,Class\n17,0.5,-1,0\n4,2.25,3,1\n9,0,1.5,1\n1,1,2,0\n",
    "index at the end": "a,b,y,index\n0.5,-1,0,0\n2.25,3,1,1\n0,1.5,1,2\n1,2,0,3\n",
    "counted header": "0,1,2\n0.5,-1,0\n2.25,3,1\n0,1.5,1\n1,2,0\n",
    "counted header with an index": ",0,1,2\n0,0.5,-1,0\n1,2.25,3,1\n2,0,1.5,1\n3,1,2,0\n",
    "counted header with a label": "0,1,label\n0.5,-1,0\n2.25,3,1\n0,1.5,1\n1,2,0\n",
    "a constant column": "a,c,b,y\n0.5,7,-1,0\n2.25,7,3,1\n0,7,1.5,1\n1,7,2,0\n",
    "truth values": "a,b,y\n0.5,-1,False\n2.25,3,True\n0,1.5,True\n1,2,False\n",
    "minus signs of typesetters": "a,b,y\n0.5,−1,0\n2.25,3,1\n0,1.5,1\n1,2,0\n",
}


@pytest.mark.parametrize("text", DIALECTS.values(), ids=DIALECTS.keys())
def test_one_table_in_every_dialect(tmp_path: Path, text: str) -> None:
    is_the_table(read(tmp_path, text))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "utf-32"])
def test_every_encoding(tmp_path: Path, encoding: str) -> None:
    rule = read(tmp_path, "größe;b;y\n0,5;-1;0\n2,25;3;1\n0;1,5;1\n1;2;0\n".encode(encoding))
    is_the_table(rule)
    assert [one.name for one in rule.report.ranges] == ["größe", "b"]


def test_letters_of_windows_that_are_no_latin_1(tmp_path: Path) -> None:
    assert read(tmp_path, "a,€,y\n0,1,0\n1,0,1\n".encode("cp1252")).report.ranges[1].name == "€"


@pytest.mark.parametrize("name", ["t.tsv", "t.txt", "T.CSV", "t.csv.gz", "t.txt.gz", "t.TSV.GZ"])
def test_every_suffix_plain_or_compressed(tmp_path: Path, name: str) -> None:
    text = DIALECTS["tabs"].encode()
    is_the_table(read(tmp_path, gzip.compress(text) if name.lower().endswith("gz") else text, name))


def test_two_compressed_files_one_behind_the_other(tmp_path: Path) -> None:
    head, tail = DIALECTS["commas"][:20].encode(), DIALECTS["commas"][20:].encode()
    is_the_table(read(tmp_path, gzip.compress(head) + gzip.compress(tail), "t.csv.gz"))


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1,234", "12,345", "999"], None),
        (["1,234.5", "12,345.25", "999"], [1234.5, 12345.25, 999]),
        (["1,234,567", "1,234", "999"], [1234567, 1234, 999]),
        (["1'234", "12’345", "999"], [1234, 12345, 999]),
        (["1 234", "12\u00a0345", "999"], [1234, 12345, 999]),
        (["1.234,5", "12.345", "0,25"], [1234.5, 12345, 0.25]),
        (["1 234,5", "12\u202f345,5", "-7"], [1234.5, 12345.5, -7]),
    ],
)
def test_thousands_are_numbers_or_refused_where_they_could_be_decimals(tmp_path: Path, cells, values) -> None:
    text = "a\ty\n" + "".join(f"{cell}\t{k % 2}\n" for k, cell in enumerate(cells))
    if values is None:
        assert "has '1,234', which may be 1234 or 1.234: write numbers without thousands" in refusal(tmp_path, text)
        rule = read(tmp_path, "a,y\n" + "".join(f'"{cell}",{k % 2}\n' for k, cell in enumerate(cells)))
        values = [1234, 12345, 999]  # among commas, a quoted comma stands between thousands
    else:
        rule = read(tmp_path, text)
    assert (rule.report.ranges[0].least, rule.report.ranges[0].greatest) == (min(values), max(values))
    wanted = np.array(values, float)
    assert rule.patterns[:, 0] == pytest.approx((wanted - wanted.mean()) / wanted.std(), rel=1e-6)


def test_decimal_commas_beside_decimal_points_are_refused(tmp_path: Path) -> None:
    said = refusal(tmp_path, "a;b;y\n1,5;1,234.5;0\n2,5;2;1\n")
    assert "has numbers with decimal commas ('1,5') and others with decimal points ('1,234.5')" in said
    assert "has '2.5' in line 3, column 1: not a number for 'a'" in refusal(tmp_path, "a;b;y\n1,5;1;0\n2.5;2;1\n")


@pytest.mark.parametrize("count", [1, 2, 9])
def test_a_word_among_the_numbers_of_the_first_row_is_a_mistake_and_no_header(tmp_path: Path, count: int) -> None:
    first = ["0", "1", "0", "1"]
    first[count % 4] = "?"
    text = ",".join(first) + "\n" + "0,0,0,0\n0,1,0,1\n1,0,0,1\n1,1,1,0\n" * count
    assert f"has '?' in line 1, column {count % 4 + 1}: not a number; fill it in" in refusal(tmp_path, text)
    typed = text.replace("?", "o.5")
    assert f"has 'o.5' in line 1, column {count % 4 + 1}: not a number; mend it" in refusal(tmp_path, typed)


def test_a_table_of_two_columns_may_begin_with_0_and_1(tmp_path: Path) -> None:
    assert read(tmp_path, "0,1\n1,0\n").p_y.tolist() == [1, 0]  # with these as names nothing would be left
    assert read(tmp_path, "0,1\n0,0\n1,1\n").report.header == "line 1"


@pytest.mark.parametrize("missing", ["", "NA", "NaN", "?", "null", "N/A", "-", "nan", "None"])
@pytest.mark.parametrize("header", ["a,b,y\n", ""])
def test_a_missing_value_is_an_error_at_its_cell(tmp_path: Path, missing: str, header: str) -> None:
    text = f"{header}0,1,0\n# a comment\n\n1,{missing},1\n1,2,0\n"
    said = refusal(tmp_path, text)
    assert f"has {missing!r} in line {4 + bool(header)}, column 2: not a number" in said
    assert "fill it in, or leave out the row" in said


@pytest.mark.parametrize("missing", ["", "NA", "nan", "?"])
@pytest.mark.parametrize("other", ["1", "yes"])
def test_a_missing_label_is_an_error_at_its_cell(tmp_path: Path, missing: str, other: str) -> None:
    said = refusal(tmp_path, f"a,b,y\n0,1,{other}\n1,1,{missing}\n1,0,{other}\n")
    assert f"has {missing!r} for the label in line 3, column 3 ('y'): fill it in" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b,y\n0,1,0\n1,1\n", "has 2 columns in line 3, but 3 in the first"),
        ("a,b,y\n0,1,0\n# c\n1,1,1,1\n1,0,0\n", "has 4 columns in line 4, but 3 in the first"),
        ("a;b;y\n0;1;0\n1;1;1;;\n1;0;0\n", "has 5 columns in line 3, but 3 in the first"),
        ("a b y\n0 1 0\n1 1\n", "has 2 columns in line 3, but 3 in the first"),
        ("a,b,c,d,y\n0,1,0\n1,1,1\n", "has 5 names in line 1, but 3 columns in line 2"),
        ('a,b,y\n0,"1,0\n1,1,1\n', "in line 2"),
    ],
)
def test_rows_of_another_length_are_an_error_at_their_line(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(tmp_path, text)


def test_a_fault_far_down_is_found_at_its_line(tmp_path: Path) -> None:
    rows = "".join(f"{k},{k % 7},{k % 2}\n" for k in range(300_000))
    assert "has 'x' in line 300002, column 2: not a number" in refusal(tmp_path, f"a,b,y\n{rows}1,x,0\n")
    assert "has 2 columns in line 300002" in refusal(tmp_path, f"a,b,y\n{rows}1,0\n")


def test_no_two_numbers_are_rounded_to_the_same(tmp_path: Path) -> None:
    numbers = [0.1, math.nextafter(0.1, 1), 1e-300, 9007199254740993, 9007199254740992, 123456789.123456789]
    columns = read_text(tmp_path, ("a,y\n" + "".join(f"{one!r},0\n" for one in numbers)).encode()).columns
    assert columns[0].tolist() == [float(one) for one in numbers]
    whole = read_text(tmp_path, b"a,y\n9007199254740993,0\n9007199254740992,1\n").columns[0]
    assert whole.tolist() == [9007199254740993, 9007199254740992]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-1e9, 1e9), st.integers(-(10**6), 10**6), st.sampled_from("abc")), min_size=6, max_size=12
    ),
    st.sampled_from([(",", "."), (";", "."), (";", ","), ("\t", "."), ("\t", ","), ("|", ".")]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]),
    st.booleans(),
    st.booleans(),
)  # fmt: skip
def test_what_pandas_writes_in_any_dialect_comes_back(rows, dialect, end, encoding, index, quoted) -> None:
    separator, decimal = dialect
    frame = pandas.DataFrame(rows, columns=["maß", "count", "y"])
    file = io.BytesIO()
    frame.to_csv(file, sep=separator, decimal=decimal, lineterminator=end, encoding=encoding, index=index,
                 quoting=1 if quoted else 0)  # fmt: skip
    table = read_text(Path("t.csv"), file.getvalue())
    assert table.names == (*([""] if index else []), "maß", "count", "y")
    real, count, label = table.columns[-3:]
    assert real.tolist() == frame["maß"].tolist()
    assert count.tolist() == frame["count"].tolist()
    assert label.tolist() == frame["y"].tolist()


# What is too large, and what is damaged


def test_a_compressed_file_that_declares_too_much_is_refused_before_it_is_inflated(tmp_path: Path) -> None:
    small = gzip.compress(b"a,y\n0,0\n1,1\n")
    said = refusal(tmp_path, small[:-4] + struct.pack("<I", 3_000_000_000), "t.csv.gz")
    assert "says that it inflates to 3000000000 bytes; allowed are at most" in said


def test_a_compressed_file_that_hides_its_size_is_not_inflated_to_its_end(tmp_path: Path) -> None:
    squeezer = zlib.compressobj(9, wbits=31)
    parts = [squeezer.compress(bytes(1_000_000)) for _ in range(200)]
    bomb = b"".join(parts) + squeezer.flush()
    said = refusal(tmp_path, bomb[:-4] + struct.pack("<I", 100), "t.csv.gz")
    assert "inflates to more than the 50000000 bytes that are allowed for its size" in said


@pytest.mark.parametrize("cut", [5, 17, 30, -9, -1])
def test_a_compressed_file_that_is_cut_off(tmp_path: Path, cut: int) -> None:
    whole = gzip.compress(DIALECTS["commas"].encode())
    assert "gzip" in refusal(tmp_path, whole[:cut], "t.csv.gz")
    assert "is not compressed by gzip" in refusal(tmp_path, DIALECTS["commas"], "t.csv.gz")


def test_a_spreadsheet_with_another_name_says_what_to_do(tmp_path: Path) -> None:
    said = refusal(tmp_path, b"PK\x03\x04" + bytes(range(256)))
    assert "it is an archive, perhaps of a spreadsheet: save it as .csv" in said

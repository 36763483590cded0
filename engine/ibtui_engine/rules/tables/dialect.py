"""How a text file of a table is written: its encoding, separator, comments and header, seen from its first lines."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ibtui_engine.rules.tables.cells import MISSING, is_number
from ibtui_engine.rules.tables.column_names import LABEL_NAMES, is_index_name

SEPARATORS = {"\t": "tabs", ";": "semicolons", ",": "commas", "|": "bars", " ": "blanks"}
"""What may stand between cells, likeliest first where several fit alike."""
COMMENTS = ("#", "%")
SAMPLE = 100_000
"""Characters that are looked at,"""
LEAST_LINES, LONGEST_SAMPLE = 3, 32_000_000
"""more where they are fewer lines than this, up to this many."""
COUNTED = re.compile(r"\d+")
EXCEL = re.compile(r"\s*\"?sep=([\t;,|])\"?[;,]*\s*", re.IGNORECASE)
"""A first line that tells Excel what stands between cells."""


@dataclass(frozen=True)
class Dialect:
    """How a text is written, all that is needed to read its rows."""

    separator: str
    comment: str | None
    columns: int
    """How many cells a row of data has."""
    names: tuple[str, ...] | None
    """The header, a name for each column; None where there is none."""
    header: str
    """Where the header stands, `line 1`; empty where there is none."""
    skipped: int
    """Lines in front of the first row of data."""
    row_names: bool
    """Whether the first column has the names of rows, for which the header has no cell."""
    trailing: bool
    """Whether every row ends with a separator."""
    quote: str = '"'


def decoded(content: bytes) -> tuple[bytes, str]:
    """A text as UTF-8 without byte order mark, with either the name of the encoding that it was in.

    Raises:
        ValueError: it is no text.
    """
    for mark, encoding, name in (
        (codecs.BOM_UTF8, "utf-8", "UTF-8 with byte order mark"),
        (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
        (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
        (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
        (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
    ):
        if content.startswith(mark):
            content = content[len(mark) :]
            return (content if encoding == "utf-8" else _recoded(content, encoding)), name
    head = content[:200]
    for encoding, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if len(head) >= 8 and zeros.count(0) > 0.8 * len(zeros):
            return _recoded(content, encoding), "UTF-16"
    if b"\0" in content:
        raise ValueError
    if content.isascii():
        return content, "ASCII"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace").encode("utf-8"), "Latin-1"
    return content, "UTF-8"


def _recoded(content: bytes, encoding: str) -> bytes:
    text = content.decode(encoding)  # a UnicodeDecodeError is a ValueError
    if "\0" in text:
        raise ValueError
    return text.encode("utf-8")


def lines_of(text: bytes) -> list[str]:
    """The lines of a text in UTF-8, as they end in files of any system."""
    return re.split("\r\n|\r|\n", text.decode("utf-8", errors="replace"))


def first_lines(content: bytes) -> tuple[list[str], bool]:
    """The lines that a dialect is seen from, and whether they are all there are."""
    size = SAMPLE
    while True:
        piece = content[:size]
        whole = size >= len(content)
        lines = lines_of(piece)
        if whole:
            return lines, True
        if len(lines) > LEAST_LINES or size >= LONGEST_SAMPLE:
            return lines[:-1], False
        size *= 8


def comment_sign(content: bytes, lines: Sequence[str]) -> str | None:
    """What begins a comment in this text; None where nothing does."""
    for sign in COMMENTS:
        if any(line.lstrip().startswith(sign) for line in lines) or b"\n" + sign.encode() in content:
            return sign
    if any(re.search(r"\d\s+#", line) for line in lines):
        return "#"
    return None


def without_comment(line: str, sign: str | None) -> str:
    """A line up to where its comment begins."""
    if sign is None or sign not in line:
        return line
    quoted = False
    for place, letter in enumerate(line):
        if letter == '"':
            quoted = not quoted
        elif letter == sign and not quoted:
            return line[:place]
    return line


def cells_of(lines: Iterator[str] | Sequence[str], separator: str, quote: str = '"') -> Iterator[list[str]]:
    """The cells of lines, one row after another."""
    if separator == " ":
        lines = (line.replace("\t", " ").strip() for line in lines)
    return csv.reader(lines, delimiter=separator, quotechar=quote, skipinitialspace=True)


def find_dialect(content: bytes) -> Dialect:
    """How a text in UTF-8 is written.

    Raises:
        ValueError: it has no cells, or one column; the text says which.
    """
    lines, _ = first_lines(content)
    comment = comment_sign(content, lines)
    told = [(place, without_comment(line, comment)) for place, line in enumerate(lines)]
    used = [(place, line) for place, line in told if line.strip() and line.strip().strip(",;\t|")]
    said = EXCEL.fullmatch(used[0][1]) if used else None
    if said:
        used = used[1:]
    if not used:
        raise ValueError("is empty")
    separator = said[1] if said else _separator([line for _, line in used])
    if separator is None:
        raise ValueError(
            "has one column; needed are at least one input and a label, separated by commas, semicolons, tabs or blanks"
        )
    rows = [[cell.strip() for cell in row] for row in cells_of([line for _, line in used], separator)]
    first = rows[0]
    trailing = len(rows) > 1 and all(len(row) > 2 and not row[-1] for row in rows[1:])
    trailing = trailing and not (first[-1] and len(first) == len(rows[1]))
    body = [row[:-1] if trailing else row for row in rows[1:]]
    widths = Counter(len(row) for row in [first[:-1] if trailing and not first[-1] else first, *body])
    columns = max(widths, key=lambda width: (widths[width], width == len(first)))
    while len(first) > columns and not first[-1]:  # a header that ends with a separator
        first = first[:-1]
    commas = separator != ","
    row_names = len(rows) > 1 and len(first) == columns - 1
    shifted = ["", *first] if row_names else first
    is_header = _is_header(shifted, [row for row in body if len(row) == columns], commas, named=row_names)
    if is_header:
        if len(shifted) != columns:
            raise ValueError(
                f"has {len(shifted)} names in line {used[0][0] + 1}, but {columns} columns in line {used[1][0] + 1}"
            )
        return Dialect(separator, comment, columns, tuple(shifted), f"line {used[0][0] + 1}", used[0][0] + 1,
                       row_names, trailing)  # fmt: skip
    above = _commented_header(lines[: used[0][0]], comment, separator, columns, commas)
    header = f"line {used[0][0]}, a comment" if above is not None else ""
    trailing = trailing and (len(rows[0]) > 2 and not rows[0][-1])
    return Dialect(separator, comment, columns, above, header, used[0][0], False, trailing)


def _separator(lines: Sequence[str]) -> str | None:
    """What stands between the cells of most lines, so that most cells are numbers."""
    best, found = 0.0, None
    looked_at = lines[:200]
    failed = None
    for separator in SEPARATORS:
        try:
            rows = list(cells_of(looked_at, separator))
        except csv.Error as error:
            failed = error
            continue
        width, alike = Counter(len(row) for row in rows).most_common(1)[0]
        if width < 2:
            continue
        cells = [cell for row in rows[-20:] for cell in row[:500]]
        told = sum(is_number(cell, commas=separator != ",") for cell in cells) / max(len(cells), 1)
        score = alike / len(rows) * (0.1 + told)
        if score > best + 1e-9:
            best, found = score, separator
    if found is None and failed is not None:
        raise failed
    return found


def _is_header(first: Sequence[str], rows: Sequence[Sequence[str]], commas: bool, *, named: bool) -> bool:
    """Whether a first row has the names of the columns rather than their first values.

    It has where nothing in it is a number though columns of numbers stand below, and where its numbers count: 0…n−1,
    as pandas writes columns without names, or are fewer than its words. Numbers with one odd word among them are data:
    the word is a mistake.
    """

    def numeric(column: int) -> bool:
        cells = [row[column] for row in rows if column < len(row)]
        some = [cell for cell in cells if cell.lower() not in MISSING]
        told = sum(is_number(cell, commas=commas) or cell.lower() in ("true", "false") for cell in some)
        return bool(some) and told > 0.5 * len(some)

    words = [cell for cell in first if not is_number(cell, commas=commas)]
    counted = [cell for cell in first if COUNTED.fullmatch(cell)]
    if len(words) + len(counted) < len(first):
        return False
    known = [word for word in words if word.lower() in LABEL_NAMES or (is_index_name(word) and word) or not word]
    if counted:
        counts = [str(place) for place in range(len(counted))] in (counted, [str(int(cell)) for cell in counted])
        if not words:
            return counts and len(first) >= 2 and _counts_are_names(first, rows)
        if any(word.lower() in LABEL_NAMES for word in words):
            return len(known) == len(words)
        if 1 < len(words) >= len(counted) and all(_is_name(word) for word in words):
            return True
        return counts and len(known) == len(words) and (len(counted) > 2 or named)
    if not rows:
        return any(word and word.lower() not in MISSING for word in words)
    if any(numeric(column) for column in range(len(first))):
        return True
    return any(word.lower() in LABEL_NAMES for word in words)


def _is_name(word: str) -> bool:
    return word.lower() not in MISSING and any(letter.isalpha() for letter in word)


def _counts_are_names(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether 0…n−1 are names. Two columns may begin with the values 0 and 1: there they are names only where what
    stands below is a table by itself.
    """
    if len(first) > 2:
        return True
    return all(len({row[column] for row in rows if len(row) > column}) > 1 for column in range(2))


def _commented_header(
    lines: Sequence[str], comment: str | None, separator: str, columns: int, commas: bool
) -> tuple[str, ...] | None:
    """The names of the columns in a comment straight above the data, as numpy.savetxt writes them."""
    if comment is None or not lines or not lines[-1].lstrip().startswith(comment):
        return None
    text = lines[-1].lstrip().lstrip(comment).strip()
    names = [name.strip() for name in next(iter(cells_of([text], separator)), [])]
    if len(names) != columns or any(not name or is_number(name, commas=commas) for name in names):
        return None
    return tuple(names)

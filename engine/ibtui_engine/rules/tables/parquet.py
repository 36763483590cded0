"""Tables in Parquet files, by pandas and pyarrow, where pyarrow is installed."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from ibtui_engine.errors import InvalidValue
from ibtui_engine.packages import require_packages
from ibtui_engine.rules.limits import MOST_INPUTS, MOST_NUMBERS
from ibtui_engine.rules.tables.columns import Array, Columns, compact
from ibtui_engine.rules.tables.content import refusal


def read_parquet(path: Path, content: bytes) -> Columns:
    """The columns of a Parquet file, read only where what it declares is within the limits.

    Raises:
        InvalidValue: pyarrow is not installed, or the file is damaged, too large, or has columns of columns.
    """
    require_packages("tables in .parquet files need", "pyarrow")
    import pyarrow
    import pyarrow.parquet

    if content[:4] != b"PAR1" or content[-4:] != b"PAR1":
        raise refusal(path, "is not a Parquet file, or is damaged")
    try:
        file = pyarrow.parquet.ParquetFile(io.BytesIO(content))
        metadata = file.metadata
        _require_size(path, metadata)
        table = file.read(use_threads=False)
        table.validate(full=True)
        names = tuple(map(str, table.column_names))
        columns = tuple(_column(path, table.column(place).to_pandas(), name) for place, name in enumerate(names))
    except (InvalidValue, MemoryError):
        raise
    except Exception as error:  # pyarrow raises its own errors, OSError and what its filters raise
        raise refusal(path, "is not a Parquet file, or is damaged") from error
    if not columns:
        raise refusal(path, "has no columns")
    return Columns(columns, names, "Parquet", "schema", lambda row, column: f"in row {row + 1}, column {column + 1}")


def _require_size(path: Path, metadata: Any) -> None:
    if metadata.num_columns > MOST_INPUTS + 1:
        raise refusal(path, f"has {metadata.num_columns} columns; allowed are at most {MOST_INPUTS + 1}")
    if metadata.num_rows * max(metadata.num_columns - 1, 1) > MOST_NUMBERS:
        raise refusal(path, f"has more numbers than are allowed, {MOST_NUMBERS}")
    inflated = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    if not 0 <= inflated <= 16 * MOST_NUMBERS:
        raise refusal(path, f"says that it inflates to {inflated} bytes; allowed are at most {16 * MOST_NUMBERS}")


def _column(path: Path, values: Any, name: str) -> Array:
    """A column of numbers, truth values or texts."""
    import pandas

    absent = np.flatnonzero(pandas.isna(values).to_numpy())
    if absent.size and values.dtype.kind != "f":
        raise refusal(path, f"has no value in row {absent[0] + 1}, column {name!r}: fill it in, or leave out the row")
    if isinstance(values.dtype, pandas.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    array = values.to_numpy()
    if array.dtype.kind in "buif":
        return compact(array)
    if len(array) and all(type(value).__name__ == "Decimal" for value in array):
        return np.asarray(array.astype(np.float64))
    if any(isinstance(value, (np.ndarray, list, dict, bytes)) for value in array) or array.dtype.kind not in "OU":
        raise refusal(path, f"has column {name!r} of type {values.dtype}: neither numbers nor texts")
    return np.array([str(value) for value in array], dtype=object)

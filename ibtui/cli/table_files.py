"""Files of exported numbers: tables of rows, arrays with named axes, and scalars for TensorBoard."""

from __future__ import annotations

import csv
import io
import math
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ibtui.cli.console import json_text
from ibtui.files import NO_ROOM, require_vacant
from ibtui.locations import safe_name
from ibtui_engine.errors import InvalidValue, StorageError
from ibtui_engine.packages import import_package

if TYPE_CHECKING:
    from xarray import Dataset


@dataclass(frozen=True)
class Rows:
    """A table. What is absent is NaN."""

    columns: Sequence[str]
    values: Sequence[Sequence[Any]]
    about: dict[str, Any]
    """What stands above it, where a format has room for that."""


class Scalar(NamedTuple):
    """A number of TensorBoard."""

    run: str
    tag: str
    step: int
    value: float


def is_absent(value: Any) -> bool:
    """Whether a number is none."""
    return isinstance(value, float) and not math.isfinite(value)


def encoded(rows: Rows, format: str) -> bytes:
    """A table as a file of that format: `csv`, `json`, `jsonl`, `npz` or `parquet`.

    Raises:
        InvalidValue: what writes the format is not installed.
    """
    if format == "csv":
        return _csv(rows)
    if format == "npz":
        import numpy as np

        by_column = zip(*rows.values, strict=True) if rows.values else ([] for _ in rows.columns)
        return npz({name: np.array(values) for name, values in zip(rows.columns, by_column, strict=True)})
    plain = [
        {name: None if is_absent(value) else value for name, value in zip(rows.columns, row, strict=True)}
        for row in rows.values
    ]
    if format == "json":
        return json_text({**rows.about, "columns": rows.columns, "rows": plain}).encode() + b"\n"
    if format == "jsonl":
        return "".join(f"{json_text(row)}\n" for row in plain).encode()
    return _parquet(rows, plain)


def _csv(rows: Rows) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows.columns)
    writer.writerows(["" if is_absent(value) else value for value in row] for row in rows.values)
    return text.getvalue().encode()


def _parquet(rows: Rows, plain: Sequence[dict[str, Any]]) -> bytes:
    arrow = import_package("parquet files need", "pyarrow")
    from pyarrow import parquet

    def column(name: str) -> Any:
        values = [row[name] for row in plain]
        if any(isinstance(value, str) for value in values):
            return arrow.array([None if value is None else str(value) for value in values], arrow.string())
        whole = all(isinstance(value, int) for value in values if value is not None) and set(values) != {None}
        return arrow.array(values, arrow.int64() if whole and values else arrow.float64())

    about = {name: "" if value is None else str(value) for name, value in rows.about.items()}
    table = arrow.table({name: column(name) for name in rows.columns}).replace_schema_metadata(about)
    sink = arrow.BufferOutputStream()
    parquet.write_table(table, sink)
    return bytes(sink.getvalue())


def npz(arrays: dict[str, Any]) -> bytes:
    """Arrays as an archive of NumPy."""
    import numpy as np

    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def netcdf(arrays: Dataset) -> bytes:
    """Arrays with named axes as a netCDF-4 file, whose packages must be there."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "arrays.nc"
        arrays.to_netcdf(file, engine="h5netcdf")
        return file.read_bytes()


def write_scalars(directory: Path, scalars: Iterable[Scalar], time: float) -> None:
    """Numbers as TensorBoard reads them: in a new directory, whole or not at all, a directory in it for each run.

    Args:
        directory: which must not exist.
        scalars: run by run, each in order of its steps.
        time: seconds since 1970 that all of them get.

    Raises:
        InvalidValue: tensorboardX is not installed, or the directory cannot be made.
        StorageError: the disk is full.
    """
    writer_of = import_package("TensorBoard's files need", "tensorboardX").SummaryWriter
    require_vacant(directory)
    draft = None
    writers: dict[str, Any] = {}
    try:
        draft = Path(tempfile.mkdtemp(dir=directory.parent, prefix=f".{directory.name}."[:200]))
        for run, tag, step, value in scalars:
            if run not in writers:
                writers[run] = writer_of(str(draft.joinpath(*map(safe_name, run.rsplit("/", 1)))))
            writers[run].add_scalar(tag, value, step, time)
        while writers:
            writers.popitem()[1].close()
        mask = os.umask(0)
        os.umask(mask)
        draft.chmod(0o777 & ~mask)
        draft.rename(directory)
        draft = None
    except OSError as error:
        kind = StorageError if error.errno in NO_ROOM else InvalidValue
        raise kind(f"cannot write {str(directory)!r}: {error.strerror}") from None
    finally:
        for writer in writers.values():
            writer.close()
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)

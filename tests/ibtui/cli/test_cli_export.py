"""Exports read back by other libraries: the numbers of the session, with the names of its layers."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pandas
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ibtui.cli.export import COLUMNS, export
from ibtui_engine.errors import InvalidValue
from ibtui_engine.session.history import SessionReader
from tests.recordings import make_recording

if TYPE_CHECKING:
    from tests.ibtui.cli.conftest import Program

KINDS = tuple(COLUMNS)
NAMES = {1: "[bold]conv\n1", 2: "fc"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_recording(tmp_path / "own.ibs")


def exported(path: Path, what: str, name: str, **options: Any) -> Path:
    out = path.with_name(name)
    export(str(path), what=what, out=out, quiet=True, **options)
    return out


def as_csv(path: Path, what: str, **options: Any) -> list[dict[str, str]]:
    text = exported(path, what, "it.csv", **options).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def same(text: str, value: object) -> bool:
    """Whether a cell of a CSV file says what a value of another file is."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return text == ""
    return text == value if isinstance(value, str) else float(text) == value


@pytest.mark.parametrize("what", KINDS)
@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_tables_have_the_rows_of_the_csv_file(path: Path, what: str, ending: str) -> None:
    rows = as_csv(path, what)
    out = exported(path, what, f"it.{ending}")
    if ending == "jsonl":
        found = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    else:
        frame = pandas.read_parquet(out)
        assert frame["epoch"].dtype == np.int64
        assert frame["fraction"].dtype == np.float64
        found = frame.astype(object).where(frame.notna(), None).to_dict("records")
    assert len(found) == len(rows) == {"information": 31, "gradients": 24, "learning": 15}[what]
    for row, other in zip(rows, found, strict=True):
        assert list(row) == list(other)
        assert all(same(row[name], other[name]) for name in row), row


def test_layers_have_their_names(path: Path) -> None:
    for what in ("information", "gradients"):
        rows = as_csv(path, what, ensemble=0)
        assert list(rows[0])[-1] == "layer_name"
        assert {int(row["layer"]): row["layer_name"] for row in rows} == NAMES
    assert "layer_name" not in as_csv(path, "learning")[0]
    out = path.with_name("run.csv")
    export("example-figure-3", what="information", ensemble=0, epoch=0, out=out, quiet=True)
    run = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    assert [row["layer_name"] for row in run[:6]] == ["T1", "T2", "T3", "T4", "T5", "output"]


@pytest.mark.parametrize("what", KINDS)
def test_a_netcdf_file_has_each_number_in_its_place(path: Path, what: str) -> None:
    with h5py.File(exported(path, what, "it.nc")) as file:
        arrays = {name: file[name][...] for name in file}
        unit = "nats" if what == "learning" else "bits" if what == "information" else None
        name = {"learning": "train_loss", "information": "i_x", "gradients": "snr"}[what]
        assert unit is None or file[name].attrs["units"] == unit
        axes = [axis[0].name for axis in file[name].dims]
    assert axes == ["/ensemble", "/network", "/epoch", "/layer"][: len(axes)]
    epochs, networks = arrays["epoch"].tolist(), arrays["network"].tolist()
    assert (epochs, networks) == ([0, 1, 4, 9, 20], [0, 1, 2])
    count = 0
    for row in as_csv(path, what):
        place: tuple[int, ...] = (int(row["ensemble"]), int(row["seed"]), epochs.index(int(row["epoch"])))
        place = place if what == "learning" else (*place, int(row["layer"]) - 1)
        assert same(row[name], float(arrays[name][place]))
        count += row[name] != ""
    assert np.isfinite(arrays[name]).sum() == count > 0
    if what != "learning":
        assert arrays["layer_name"][0].tolist() == [text.encode() for text in NAMES.values()]


def test_a_netcdf_file_of_one_ensemble_and_epoch(path: Path) -> None:
    with h5py.File(exported(path, "information", "it.nc", ensemble=0, epoch=4)) as file:
        assert file["i_x"].shape == (1, 3, 1, 2)
        assert file["epoch"][...].tolist() == [4]


@pytest.mark.parametrize("what", KINDS)
def test_tensorboard_finds_a_run_for_each_network(path: Path, what: str) -> None:
    out = exported(path, what, "board", format="tensorboard")
    runs = sorted(str(one.parent.relative_to(out)) for one in out.rglob("events*"))
    assert runs == ["0 blobs/network 0", "0 blobs/network 1", "0 blobs/network 2", "1 other/network 0"][: len(runs)]
    assert len(runs) >= 3
    board = EventAccumulator(str(out / "0 blobs" / "network 1"))
    board.Reload()
    name, layer = {"learning": ("test_loss", "learning"), "information": ("i_y", "2_fc"),
                   "gradients": ("grad_std", "2_fc")}[what]  # fmt: skip
    found = {event.step: event.value for event in board.Scalars(f"{layer}/{name}")}
    with SessionReader(path) as reader:
        one = reader.recorded_ensemble(0)
    values = one.values(name)[:, 1] if what == "learning" else one.values(name)[:, 1, 1]
    known = {epoch: value for epoch, value in zip(one.epochs, values.tolist(), strict=True) if math.isfinite(value)}
    assert found == pytest.approx(known, rel=1e-6)
    assert known


def test_what_cannot_be_exported_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(path.parent.iterdir())
    for options, said in (
        ({"format": "tensorboard"}, "name a new one with -o DIRECTORY"),
        ({"format": "tensorboard", "out": path.parent}, "exists already"),
        ({"format": "tensorboard", "out": path.parent / "no" / "where"}, "there is no directory"),
        ({"format": "parquet", "out": path.with_name("it.nc")}, "give a name that ends in .parquet"),
        ({"out": path.with_name("it.xls")}, "give a name that ends in .csv, .json, .npz, .jsonl, .parquet or .nc"),
        ({"format": "xls"}, "choose from csv, json, npz, jsonl, parquet, netcdf, html, tensorboard"),
        ({"out": path.with_name("it.nc"), "epoch": 3}, "epoch is 3"),
        ({"out": path.with_name("it.nc"), "ensemble": 9}, "ensemble is 9"),
    ):
        with pytest.raises(InvalidValue, match=said.replace(".", r"\.")):
            export(str(path), what="information", **options)  # type: ignore[arg-type]
    for package, out, said in (
        ("pyarrow", "it.parquet", "parquet files need pyarrow"),
        ("h5netcdf", "it.nc", "netCDF files need h5netcdf"),
        ("tensorboardX", "board", "TensorBoard's files need tensorboardx"),
    ):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, package, None)
            with pytest.raises(InvalidValue, match=f"^{said}, which is not installed; install with: "):
                exported(path, "information", out, format="tensorboard" if out == "board" else None)
    assert sorted(path.parent.iterdir()) == before


def test_the_command_writes_them(program: Program) -> None:
    make_recording(program.directory / "own.ibs")
    lines = program.good("export", "own.ibs", "--what", "gradients", "--format", "jsonl").splitlines()
    assert [json.loads(line)["layer_name"] for line in lines[:2]] == list(NAMES.values())
    program.good("export", "own.ibs", "--what", "learning", "-o", "board", "--format", "tensorboard")
    assert len(list(program.directory.glob("board/*/*/events*"))) == 3

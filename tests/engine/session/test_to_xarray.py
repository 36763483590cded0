"""Arrays with named axes for notebooks: the same numbers as everywhere, in their places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import ibtui
from ibtui.formatting import title_of
from ibtui_engine import packages
from ibtui_engine.errors import InvalidValue
from ibtui_engine.session.columns import LAYER_COLUMNS, LEARNING_COLUMNS
from ibtui_engine.session.history import SessionReader
from tests.recordings import make_recording


def test_each_number_is_in_its_place(tmp_path: Path) -> None:
    with SessionReader(make_recording(tmp_path / "own.ibs")) as reader:
        arrays, found = reader.to_xarray(), reader.recorded_ensembles()
    assert dict(arrays.sizes) == {"ensemble": 2, "network": 3, "epoch": 5, "layer": 2}
    assert arrays.epoch.values.tolist() == [0, 1, 4, 9, 20]
    assert arrays.layer.values.tolist() == [1, 2]
    assert arrays.layer_name.values.tolist() == [["[bold]conv\n1", "fc"], ["only", ""]]
    assert arrays.width.values.tolist() == [[300, 4], [300, 0]]
    assert arrays.title.values.tolist() == ["blobs", "other"]
    for one in found:
        of_one = arrays.sel(ensemble=one.ensemble.index)
        for name in (*LAYER_COLUMNS, "snr", *LEARNING_COLUMNS):
            values = one.values(name)
            rest = {"layer": slice(0, values.shape[2])} if values.ndim == 3 else {}
            there = of_one[name].sel(epoch=list(one.epochs)).isel(network=slice(0, values.shape[1]), **rest)
            axes = ("epoch", "network", "layer")[: values.ndim]
            np.testing.assert_array_equal(there.transpose(*axes).values, values, err_msg=name)
            assert np.isfinite(of_one[name]).sum() == np.isfinite(values).sum(), name
    assert float(arrays.i_x.sel(ensemble=0, network=1, epoch=9, layer=2)) == found[0].values("i_x")[3, 1, 1]
    assert arrays.i_x.attrs == {"units": "bits", "long_name": arrays.i_x.attrs["long_name"]}
    assert (arrays.train_loss.attrs["units"], arrays.snr.attrs["units"]) == ("nats", "1")
    assert (arrays.attrs["name"], arrays.attrs["kind"], arrays.attrs["source"]) == ("own", "recording", "own.ibs")


def test_a_run_has_its_layers_too() -> None:
    with ibtui.open_session("example-figure-3") as reader:
        arrays, frame = reader.to_xarray(), reader.to_pandas()
    assert arrays.attrs["kind"] == "run"
    assert arrays.layer_name.values[0].tolist() == ["T1", "T2", "T3", "T4", "T5", "output"]
    assert arrays.title.values[0].startswith("10-8-6-4-2 at ")
    row = frame.iloc[len(frame) // 2]
    place = {name: row[name] for name in ("ensemble", "network", "epoch", "layer")}
    assert float(arrays.i_y.sel(place)) == row.i_y


def test_titles_tell_ensembles_of_any_grid_apart(tmp_path: Path) -> None:
    """As everywhere else: `ibtui.formatting.title_of`."""
    grid = ibtui.Experiment(hidden=((3,),), networks=1, epochs=1, batch=(64, 128))
    ibtui.Run(ibtui.begin(tmp_path / "grid.ibs", "grid", grid), threads=1).execute()
    with SessionReader(tmp_path / "grid.ibs") as reader:
        titles = reader.to_xarray().title.values.tolist()
        assert titles == ["3 at 0.85, batch 64", "3 at 0.85, batch 128"]
        assert titles == [title_of(reader.summary, one) for one in reader.summary.ensembles]
        assert titles[0] in reader._repr_html_()


def test_a_session_without_snapshots_has_none(tmp_path: Path) -> None:
    ibtui.begin(tmp_path / "empty.ibs", "empty", ibtui.Experiment(networks=1, epochs=1)).close()
    with SessionReader(tmp_path / "empty.ibs") as reader:
        assert dict(reader.to_xarray().sizes) == {"ensemble": 0, "network": 0, "epoch": 0, "layer": 0}


def test_without_xarray_one_line_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> object:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(packages, "import_module", absent)
    with (
        SessionReader(make_recording(tmp_path / "own.ibs")) as reader,
        pytest.raises(InvalidValue, match=r"^arrays with named axes need xarray, which is not installed; "),
    ):
        reader.to_xarray()

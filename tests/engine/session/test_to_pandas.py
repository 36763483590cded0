"""A session as a data frame: the numbers of the readers, each with its place."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from ibtui_engine.errors import InvalidValue
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.writer import SessionWriter
from tests.recordings import make_recording

EXAMPLE = Path(__file__).parents[3] / "sessions" / "example-figure-5.ibs"


def test_each_row_is_a_layer_of_a_network_at_an_epoch() -> None:
    with SessionReader(EXAMPLE) as reader:
        frame, found = reader.to_pandas(), reader.recorded_ensembles()
    assert len(frame) == sum(one.layers.i_x.size for one in found)
    for one in found:
        own = frame[frame["ensemble"] == one.ensemble.index]
        epoch, network, layer = one.epochs[-1], one.ensemble.networks - 1, len(one.widths)
        (row,) = own[(own.epoch == epoch) & (own.network == network) & (own.layer == layer)].to_dict("records")
        for name in ("i_x", "i_y", "snr", "weight_norm", "distinct_t"):
            assert row[name] == one.values(name)[-1, network, layer - 1], name
        assert row["train_loss"] == one.learning.train_loss[-1, network]
        assert (row["name"], row["width"]) == ("output", one.widths[-1])
        means = own.groupby(["epoch", "layer"])["i_x"].mean().unstack().to_numpy()
        assert means == pytest.approx(one.mean("i_x"))


def test_a_recording_has_the_names_of_its_layers_and_nothing_where_there_is_nothing(tmp_path: Path) -> None:
    with SessionReader(make_recording(tmp_path / "own.ibs")) as reader:
        frame = reader.to_pandas()
    assert set(frame["name"]) == {"[bold]conv\n1", "fc", "only"}
    assert frame.loc[frame["name"] == "fc", "weight_norm"].eq(2.0).all()
    assert frame.loc[frame["name"] == "only", "train_loss"].isna().all()
    assert np.isfinite(frame["i_x"]).all()


def test_a_session_in_which_nothing_is_measured_is_empty(tmp_path: Path) -> None:
    from ibtui_engine.experiment import Experiment
    from ibtui_engine.rules.catalogue import load_rule

    path = tmp_path / "new.ibs"
    SessionWriter.create(path, "new", Experiment(), [load_rule("symmetric")]).close()
    with SessionReader(path) as reader:
        assert reader.to_pandas().empty


def test_without_pandas_the_command_that_installs_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with SessionReader(EXAMPLE) as reader, pytest.raises(InvalidValue, match="a table for notebooks needs pandas"):
        reader.to_pandas()

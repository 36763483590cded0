"""What a session has measured, as a data frame or as arrays with named axes: for notebooks and exports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ibtui_engine.packages import import_package
from ibtui_engine.session.columns import DERIVED, LAYER_COLUMNS, LEARNING_COLUMNS, MEASURED

if TYPE_CHECKING:
    from pandas import DataFrame
    from xarray import Dataset

    from ibtui_engine.session.ensemble import RecordedEnsemble
    from ibtui_engine.session.summary import Summary

OF_LAYERS = (*LAYER_COLUMNS, *DERIVED)
"""What there is of each layer."""


def data_frame(found: Sequence[RecordedEnsemble]) -> DataFrame:
    """One row for each layer of each network at each epoch (`SessionReader.to_pandas`).

    Raises:
        InvalidValue: pandas is not installed.
    """
    pandas = import_package("a table for notebooks needs", "pandas")
    frames = []
    for one in found:
        epochs, networks, layers = one.layers.i_x.shape
        places = np.indices((epochs, networks, layers)).reshape(3, -1)
        columns: dict[str, Any] = {
            "ensemble": np.full(places.shape[1], one.ensemble.index),
            "network": places[1],
            "epoch": one.layers.epochs[places[0]],
            "layer": places[2] + 1,
            "name": np.array(one.layer_names, object)[places[2]],
            "width": np.array(one.widths)[places[2]],
        }
        columns |= {name: one.values(name).ravel() for name in OF_LAYERS}
        columns |= {name: np.repeat(one.values(name), layers) for name in LEARNING_COLUMNS}
        frames.append(pandas.DataFrame(columns))
    return pandas.concat(frames, ignore_index=True) if frames else pandas.DataFrame()


def dataset(summary: Summary, found: Sequence[RecordedEnsemble]) -> Dataset:
    """Arrays by ensemble, network, epoch and layer (`SessionReader.to_xarray`).

    Raises:
        InvalidValue: xarray is not installed.
    """
    xarray = import_package("arrays with named axes need", "xarray")
    epochs = np.unique(np.concatenate([one.layers.epochs for one in found] or [np.empty(0, np.int64)]))
    networks = max((one.layers.i_x.shape[1] for one in found), default=0)
    layers = max((len(one.widths) for one in found), default=0)
    variables: dict[str, Any] = {
        "title": ("ensemble", _texts([one.title for one in found])),
        "h_x": ("ensemble", [one.h_x for one in found], {"units": "bits", "long_name": "H(X)"}),
        "i_xy": ("ensemble", [one.i_xy for one in found], {"units": "bits", "long_name": "I(X;Y)"}),
        "layer_name": (("ensemble", "layer"), _padded([one.layer_names for one in found], layers, "")),
        "width": (("ensemble", "layer"), _padded([one.widths for one in found], layers, 0), {"units": "1"}),
    }
    for name in (*OF_LAYERS, *LEARNING_COLUMNS):
        of_layers = name in OF_LAYERS
        values = np.full((len(found), networks, len(epochs), *([layers] if of_layers else [])), np.nan)
        for index, one in enumerate(found):
            own, rows = one.values(name), np.searchsorted(epochs, one.layers.epochs)
            if of_layers:
                values[index, : own.shape[1], rows, : own.shape[2]] = own  # NumPy puts `rows` first
            else:
                values[index, : own.shape[1], rows] = own
        unit, about = (MEASURED[name].kind.unit or "1", MEASURED[name].about) if name in MEASURED else DERIVED[name]
        axes = ("ensemble", "network", "epoch", "layer")[: 4 if of_layers else 3]
        variables[name] = (axes, values, {"units": unit, "long_name": about})
    made: Dataset = xarray.Dataset(
        variables,
        coords={
            "ensemble": [one.ensemble.index for one in found],
            "network": np.arange(networks),
            "epoch": epochs,
            "layer": np.arange(1, layers + 1),
        },
        attrs={"name": summary.name, "kind": "recording" if summary.recorded else "run", "source": summary.path.name},
    )
    return made


def _texts(texts: Sequence[str]) -> np.ndarray:
    made = np.empty(len(texts), object)
    made[:] = texts
    return made


def _padded(rows: Sequence[Sequence[Any]], length: int, fill: Any) -> np.ndarray:
    kind: Any = object if isinstance(fill, str) else np.int64
    found = np.full((len(rows), length), fill, kind)
    for row, values in zip(found, rows, strict=True):
        row[: len(values)] = values
    return found

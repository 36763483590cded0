"""A fit of Keras records what its model computes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")  # the one that is here

import numpy as np
import pytest

from ibtui_engine.errors import InvalidValue
from ibtui_engine.measures.arrays import measure_outputs
from ibtui_engine.recording.keras import keras_callback
from ibtui_engine.session.control import send
from ibtui_engine.session.history import SessionReader
from tests.engine.recording.page_examples import page_example, run_example

keras = pytest.importorskip("keras")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("ignore")]  # Keras warns of much

X = np.random.default_rng(0).normal(size=(64, 5)).astype(np.float32)
Y = (X.sum(axis=1) > 0).astype(np.int64)


def model_of(seed: int = 1) -> Any:
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((5,)),
            layers.Dense(4, activation="tanh", name="low"),
            layers.Dropout(0.5, name="drop"),
            layers.Dense(2, activation="softmax", name="top"),
        ]
    )
    model.compile("sgd", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class Weights(keras.callbacks.Callback):  # type: ignore[misc]
    """The weights after each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[list[np.ndarray]] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if not self.found:
            self.found.append([np.array(one) for one in self.model.get_weights()])

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.found.append([np.array(one) for one in self.model.get_weights()])


def test_layers_are_those_that_the_weights_give_and_losses_those_of_the_history(tmp_path: Path) -> None:
    kept = Weights()
    callback = keras_callback(tmp_path / "fit.ibs", X, Y, estimator="binning", batch=20)
    history = model_of().fit(
        X, Y, epochs=3, batch_size=16, validation_split=0.25, verbose=0, callbacks=[kept, callback]
    )
    with SessionReader(tmp_path / "fit.ibs") as reader:
        assert reader.summary.status == "finished"
        recorded = reader.recorded_ensemble(0)
    assert recorded.layer_names == ("low", "top")
    assert recorded.layers.epochs.tolist() == [0, 1, 2, 3]
    for row, (low, low_bias, top, top_bias) in enumerate(kept.found):
        hidden = np.tanh(X @ low + low_bias)
        logits = hidden @ top + top_bias
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        outputs = {"low": hidden, "top": shares / shares.sum(axis=1, keepdims=True)}
        expected = measure_outputs(outputs, Y, activations={"low": "tanh", "top": "output"})
        for name in ("i_x", "i_y"):
            found = recorded.values(name)[row, 0]
            assert found == pytest.approx(getattr(expected.information, name)[0], abs=0.07)  # an output at a bin's edge
        norms = [np.linalg.norm(low), np.linalg.norm(top)]
        assert recorded.values("weight_norm")[row, 0] == pytest.approx(norms, rel=1e-5)
    for column, name in {"train_loss": "loss", "test_loss": "val_loss", "train_accuracy": "accuracy"}.items():
        assert recorded.values(column)[1:, 0] == pytest.approx(history.history[name])
    assert np.isnan(recorded.values("train_loss")[0]).all()
    assert np.isnan(recorded.values("grad_mean")).all()


def test_a_request_to_stop_ends_the_fit_after_the_epoch(tmp_path: Path) -> None:
    path = tmp_path / "fit.ibs"

    class Asks(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                send(path, "stop")

    history = model_of().fit(X, Y, epochs=50, verbose=0, callbacks=[Asks(), keras_callback(path, X, Y)])
    assert len(history.history["loss"]) == 2
    with SessionReader(path) as reader:
        assert reader.summary.status == "stopped"


def test_several_fits_and_chosen_layers(tmp_path: Path) -> None:
    path = tmp_path / "fit.ibs"
    for seed in (3, 5):
        model_of(seed).fit(X, Y, epochs=1, verbose=0, callbacks=[keras_callback(path, X, Y, layers=["top", "low"])])
    with SessionReader(path) as reader:
        assert reader.ensemble(0).networks == 2
        assert reader.ensemble(0).layer_names == ("top", "low")
    with pytest.raises(InvalidValue, match="layers must be of low, drop, top, got 'nope'"):
        model_of().fit(X, Y, epochs=1, verbose=0, callbacks=[keras_callback(tmp_path / "x.ibs", X, Y, layers=["nope"])])
    assert not (tmp_path / "x.ibs").exists()


def test_the_example_of_the_page_records_its_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_example(page_example("import keras"))
    with SessionReader(tmp_path / "keras-net.ibs") as reader:
        assert reader.summary.status == "finished"
        recorded = reader.recorded_ensemble(0)
        assert recorded.layer_names == ("hidden", "shares")
        assert recorded.layers.epochs.tolist() == [0, 1, 2, 3]
        assert np.isfinite(recorded.values("train_loss")[1:]).all()
        assert np.isfinite(recorded.values("test_accuracy")[1:]).all()

"""Recording a model that Keras trains, on any of its backends: a callback for `model.fit`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ibtui_engine.errors import InvalidValue, shown
from ibtui_engine.packages import import_package
from ibtui_engine.recorded import RecordedLayer
from ibtui_engine.recording.given import logged_pair
from ibtui_engine.recording.recorder import Recorder
from ibtui_engine.settings import ACTIVATIONS

Names = tuple[str, str]


def keras_callback(
    path: Path | str,
    inputs: Any,
    labels: Any,
    *,
    layers: Sequence[str] | None = None,
    network: int | None = None,
    ensemble: str = "",
    losses: Names = ("loss", "val_loss"),
    accuracies: Names = ("accuracy", "val_accuracy"),
    batch: int = 512,
    **settings: Any,
) -> Any:
    """A callback for `model.fit(callbacks=[...])` that records the model into a session, which the app shows meanwhile.

    It measures before the first epoch and after each. A request to stop, from the app or by `ibtui stop`, ends the fit
    after the epoch. Keras shows a callback no gradients: where those are wanted, `Recorder` takes them from a loop of
    your own. If the fit fails, the session ends as soon as the process does.

    Args:
        path: of the session, which ends in `.ibs`.
        inputs: the patterns to measure on, with a row for each, as the model takes them.
        labels: of the patterns: whole numbers from 0, or p(y|x).
        layers: names of layers whose outputs are recorded; by default all layers with weights.
        network: a number for this network, such as its seed; by default the next free one.
        ensemble: the name of its settings, where there are several.
        losses: what the cross-entropies of training and test are called among Keras's logs; what is absent is left out.
        accuracies: likewise of the shares of labels that are guessed right.
        batch: patterns that go through the model together.
        settings: all others of `Recorder`, such as `estimator`, `every`, `data` and `keep_inputs`.

    Raises:
        InvalidValue: Keras is not installed. What `Recorder` refuses, and layers that there are not, are refused when
            the fit begins.
    """
    keras = import_package("recording a fit of Keras needs", "keras")
    patterns = np.asarray(inputs)

    class Recording(keras.callbacks.Callback):  # type: ignore[misc, name-defined, unused-ignore]
        """Records the model of a fit."""

        def __init__(self) -> None:
            super().__init__()
            self.recorder: Recorder | None = None
            """While the fit goes on."""
            self._layers: list[Any] = []
            self._probe: Any = None
            self._number = 0

        def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
            """Before the first epoch: begin, and measure the model as it is."""
            if self.recorder is not None:
                return
            self._layers = _chosen(self.model, layers)
            self._probe = keras.Model(self.model.inputs, [layer.output for layer in self._layers])
            kinds = {layer.name: _activation(layer) for layer in self._layers}
            given = {"activations": kinds, "epochs": self.params.get("epochs"), "inputs": patterns, **settings}
            recorder = Recorder(path, np.asarray(labels), **given)
            try:
                first = dict(self._outputs(patterns[:1]))
                weights = self._weights()
                shapes = [RecordedLayer(name, rows[0].size, name in weights) for name, rows in first.items()]
                self._number = recorder.begin_network(shapes, ensemble=ensemble, network=network)
            except BaseException:
                recorder.close("it could not begin")
                raise
            self.recorder = recorder
            self._snapshot(epoch, {})

        def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
            """An epoch is trained, and validated."""
            self._snapshot(epoch + 1, logs or {})

        def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
            """The fit ends."""
            if self.recorder is not None:
                self.recorder.close()
                self.recorder = None

        def _snapshot(self, epoch: int, logs: Mapping[str, Any]) -> None:
            if self.recorder is None:
                return
            goes_on = self.recorder.snapshot(
                epoch,
                lambda: dict(self._outputs(patterns)),
                weights=self._weights,
                losses=logged_pair(logs, losses),
                accuracies=logged_pair(logs, accuracies),
                network=self._number,
                ensemble=ensemble,
            )
            if not goes_on:
                self.model.stop_training = True

        def _outputs(self, rows: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
            """Of each layer, as the model computes them where it is not trained."""
            parts = []
            for begin in range(0, len(rows), batch):
                found = self._probe(rows[begin : begin + batch], training=False)
                found = found if isinstance(found, list | tuple) else [found]
                parts.append([keras.ops.convert_to_numpy(keras.ops.stop_gradient(one)) for one in found])
            for layer, arrays in zip(self._layers, zip(*parts, strict=True), strict=True):
                yield layer.name, np.concatenate(arrays)

        def _weights(self) -> dict[str, float]:
            """The norm of each layer's weights, biases apart."""
            return {
                layer.name: math.sqrt(sum(float(np.square(w, dtype=np.float64).sum()) for w in kernels))
                for layer in self._layers
                if (kernels := [keras.ops.convert_to_numpy(w) for w in layer.trainable_weights if len(w.shape) > 1])
            }

    return Recording()


def _chosen(model: Any, names: Sequence[str] | None) -> list[Any]:
    """The layers of a model to record."""
    known = {layer.name: layer for layer in model.layers}
    if names is None:
        return [layer for layer in known.values() if layer.weights]
    if strange := [name for name in names if name not in known]:
        raise InvalidValue(f"layers must be of {', '.join(known)}, got {shown(strange[0])}")
    return [known[name] for name in names]


def _activation(layer: Any) -> str | None:
    """The activation of a layer, where its bounds are known."""
    kind = getattr(getattr(layer, "activation", None), "__name__", None)
    return "output" if kind == "softmax" else kind if kind in ACTIVATIONS else None

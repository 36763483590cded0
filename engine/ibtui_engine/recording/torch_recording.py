"""Recording a torch model from its own training loop."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ibtui_engine.errors import InvalidValue
from ibtui_engine.measures.arrays import activations_of
from ibtui_engine.recorded import RecordedLayer
from ibtui_engine.recording.given import Pair
from ibtui_engine.recording.recorder import Recorder, failure_of
from ibtui_engine.recording.torch_gradients import GradientCollector
from ibtui_engine.recording.torch_layers import BATCH, Choices, Probe, as_tensors, choose_layers, plain_model

Optimizers = torch.optim.Optimizer | Iterable[torch.optim.Optimizer] | None


class TorchRecording:
    """Records one model: `ibtui.record` makes one."""

    def __init__(
        self,
        path: Path | str,
        model: nn.Module,
        inputs: Any,
        labels: Any,
        *,
        layers: Choices = None,
        optimizer: Optimizers = None,
        network: int | None = None,
        ensemble: str = "",
        activations: Mapping[str, str | None] | str | None = None,
        batch: int = BATCH,
        double: bool = False,
        held_out: tuple[Any, Any] | None = None,
        every: int | None = None,
        at: Collection[int] | None = None,
        **settings: Any,
    ) -> None:
        """Begin; `ibtui_engine.recording.record` says what the arguments are."""
        if not isinstance(model, nn.Module):
            raise InvalidValue(f"model must be a torch module, got {type(model).__name__}")
        optimizers = _optimizers(optimizer)
        plain = plain_model(model)
        chosen, patterns = choose_layers(plain, layers), as_tensors(inputs)
        probe = Probe(plain, chosen, patterns, batch, all_used=layers is not None, double=double)
        self._held_out: Probe | None = None
        if held_out is not None:
            if not isinstance(held_out, tuple) or len(held_out) != 2:
                raise InvalidValue("held_out must be a pair of inputs and labels")
            self._held_out = Probe(plain, probe.layers, as_tensors(held_out[0]), batch, double=double)
        names = tuple(layer.name for layer in probe.layers)
        given = activations_of(activations, names)
        known = {layer.name: kind or layer.activation for layer, kind in zip(probe.layers, given, strict=True)}
        self._probe = probe
        self._passed: tuple[int, dict[str, Any]] | None = None
        """The last epoch with what was given, where it was not measured."""
        self._collector: GradientCollector | None = None
        self._recorder = Recorder(
            path,
            _array(labels),
            inputs=probe.flat_inputs(),
            activations=known,
            held_out=None if held_out is None else _array(held_out[1]),
            every=every,
            at=at,
            **settings,
        )
        try:
            shapes = [RecordedLayer(one.name, probe.widths[one.name], bool(one.weights)) for one in probe.layers]
            self.network = self._recorder.begin_network(shapes, ensemble=ensemble, network=network)
            self.ensemble = ensemble
            if optimizers:
                weights = {one.name: one.weights for one in probe.layers}
                self._collector = GradientCollector(weights, optimizers, self._recorder.beat)
        except BaseException:
            self._recorder.close("it could not begin")
            raise

    @property
    def path(self) -> Path:
        """Of the session."""
        return self._recorder.path

    @property
    def stopped(self) -> bool:
        """Whether somebody has asked it to stop, in the app or by `ibtui stop`."""
        return self._recorder.stopped

    def snapshot(self, epoch: int, *, losses: Pair = None, accuracies: Pair = None) -> bool:
        """Measure the model at an epoch, if the schedule has it; waits here while the recording is paused.

        Call it once an epoch, and before the first one with epoch 0: the gradients since the last call are those of the
        epoch. The model's mode, gradients and random numbers stay as they are.

        Args:
            epoch: how many epochs are trained.
            losses: cross-entropy in nats of training, or a pair with that of test.
            accuracies: likewise, 0 to 1.

        Returns:
            False once the recording was asked to stop: then end the training.
        """
        gradients, batches = self._collector.take() if self._collector is not None else ({}, 0)
        due = self._recorder.due(epoch)
        more = {"gradients": gradients, "losses": losses, "accuracies": accuracies, "batches": batches}
        self._passed = None if due else (epoch, more)
        return self._snapshot(epoch, more, measure=due)

    def _snapshot(self, epoch: int, more: dict[str, Any], *, measure: bool) -> bool:
        return self._recorder.snapshot(
            epoch,
            self._probe.outputs,
            weights=self._probe.weight_norms if measure else None,
            network=self.network,
            ensemble=self.ensemble,
            measure=measure,
            held_out=None if self._held_out is None else self._held_out.outputs,
            **more,
        )

    def close(self, failure: str = "") -> None:
        """End the recording and take its hooks off the optimiser. The last epoch is measured if it was not yet."""
        if self._collector is not None:
            self._collector.close()
        if self._passed is not None and not failure and not self.stopped:
            epoch, more = self._passed
            self._passed = None
            self._snapshot(epoch, more, measure=True)
        self._recorder.close(failure)

    def __enter__(self) -> TorchRecording:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close(failure_of(error))


def _optimizers(given: Optimizers) -> list[torch.optim.Optimizer]:
    found: list[Any] = [] if given is None else [given]
    if isinstance(given, Iterable) and not isinstance(given, str):
        found = list(given)
    if strange := [one for one in found if not isinstance(one, torch.optim.Optimizer)]:
        raise InvalidValue(f"optimizer must be a torch optimiser, or several, got {type(strange[0]).__name__}")
    return found


def _array(labels: Any) -> np.ndarray:
    return labels.detach().cpu().numpy() if isinstance(labels, Tensor) else np.asarray(labels)

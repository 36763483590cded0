"""The layers of a torch model: which modules they are, and their outputs on the patterns that are measured."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn

from ibtui_engine.errors import InvalidValue, shown
from ibtui_engine.recording.torch_gradients import square

MOST_CAPTURED = 100_000_000
"""Outputs that are kept at a time, at most, unless one layer has more: 400 MB in single precision. For further layers,
the patterns go through the model once more."""
BATCH = 512
"""Patterns that go through the model together."""
ACTIVATIONS: dict[Any, str] = {
    nn.Tanh: "tanh",
    nn.Sigmoid: "sigmoid",
    nn.ReLU: "relu",
    nn.Softsign: "softsign",
    torch.tanh: "tanh",
    torch.sigmoid: "sigmoid",
    torch.relu: "relu",
    nn.functional.tanh: "tanh",
    nn.functional.sigmoid: "sigmoid",
    nn.functional.relu: "relu",
    nn.functional.softsign: "softsign",
}
"""Modules and functions whose outputs have known bounds."""

LayerChoice = str | Sequence[str] | tuple[str, Callable[[Tensor], Tensor]]
Choices = Sequence[str] | Mapping[str, LayerChoice] | None


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer of a model."""

    name: str
    """As it is recorded."""
    module: nn.Module
    """Whose output is the layer's,"""
    apply: Callable[[Tensor], Tensor] | None
    """once this is applied to it."""
    weights: tuple[Tensor, ...]
    """Without biases; none of layers that have none."""
    activation: str | None
    """A key of `ibtui_engine.activations.LIMITS` where it is known."""


def plain_model(model: nn.Module) -> nn.Module:
    """The model itself, without what trains it on several devices or compiles it."""
    while True:
        inner = getattr(model, "module", None) if _is_parallel(model) else getattr(model, "_orig_mod", None)
        if not isinstance(inner, nn.Module):
            return model
        model = inner


def _is_parallel(model: nn.Module) -> bool:
    return isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel)


def choose_layers(model: nn.Module, choices: Choices) -> list[Layer]:
    """The layers that are recorded.

    Args:
        model: without what is around it (`plain_model`).
        choices: names of modules; or names for the layers, each with a module's name, with several (the output is that
            of the last, the weights those of all), or with a module's name and a function that is applied to its
            output. None: every module that has weights of its own.

    Raises:
        InvalidValue: there is no such module, or none at all.
    """
    modules = dict(model.named_modules())
    if choices is None:
        found = {name: name for name, module in modules.items() if _weights([module], own=True) and name}
        if not found:
            raise InvalidValue("the model has no module with weights: name layers")
        choices = found
    if isinstance(choices, str):
        raise InvalidValue(f"layers must be a list of names, got {shown(choices)}")
    if not isinstance(choices, Mapping):
        choices = {name: name for name in choices}
    if not choices:
        raise InvalidValue("layers names none: leave it out to record every module with weights")
    return [_layer(str(name), choice, modules) for name, choice in choices.items()]


def _layer(name: str, choice: object, modules: Mapping[str, nn.Module]) -> Layer:
    parts: list[Any] = [choice] if isinstance(choice, str) else list(choice) if isinstance(choice, Sequence) else []
    apply = parts.pop() if len(parts) > 1 and callable(parts[-1]) else None
    if not parts or not all(isinstance(part, str) for part in parts):
        raise InvalidValue(f"layer {name!r} must be a module's name, several, or a name and a function")
    for part in parts:
        if part not in modules:
            some = ", ".join([shown(one) for one in modules if one][:30]) or "no named modules"
            raise InvalidValue(f"layer {shown(part)} is no module of the model; it has {some}")
    members = [modules[part] for part in parts]
    kind = ACTIVATIONS.get(apply if apply is not None else type(members[-1]))
    return Layer(name, members[-1], apply, _weights(members), kind)


def _weights(modules: Sequence[nn.Module], *, own: bool = False) -> tuple[Tensor, ...]:
    """Their parameters that are no biases: those of two or more dimensions. `own`: without those of modules inside."""
    found = {id(p): p for module in modules for p in module.parameters(recurse=not own) if p.ndim > 1}
    return tuple(found.values())


class Probe:
    """A model's outputs on fixed inputs, in eval mode, as if nothing had been computed: modes, gradients and the state
    of random numbers stay as they were.
    """

    def __init__(
        self,
        model: nn.Module,
        layers: Sequence[Layer],
        inputs: Any,
        batch: int = BATCH,
        *,
        all_used: bool = True,
        double: bool = False,
    ) -> None:
        """`all_used`: refuse layers that compute nothing, instead of leaving them out. `double`: in double precision.

        Raises:
            InvalidValue: the model cannot compute the inputs, or a layer, or all, compute nothing.
        """
        self._model = model
        self._inputs = inputs
        self._batch = batch
        self._double = double
        self.patterns = _length(inputs)
        self.layers: tuple[Layer, ...] = tuple(layers)
        self.widths: dict[str, int] = {}
        self._learn_widths(all_used)

    def flat_inputs(self) -> Float32[np.ndarray, "patterns numbers"]:
        """The patterns as rows of numbers."""
        inputs = self._inputs
        parts = list(inputs.values()) if isinstance(inputs, Mapping) else inputs
        rows = [part.detach().to("cpu", torch.float32).reshape(self.patterns, -1).numpy() for part in _listed(parts)]
        return rows[0] if len(rows) == 1 else np.concatenate(rows, axis=1)

    def weight_norms(self) -> dict[str, float]:
        """The Euclidean norm of each layer's weights, of those that have any."""
        with torch.no_grad():
            return {
                one.name: math.sqrt(sum(float(square(weight)) for weight in one.weights))
                for one in self.layers
                if one.weights
            }

    def _learn_widths(self, all_used: bool) -> None:
        """Send two patterns through; put the layers in the order in which they compute."""
        try:
            found = dict(self._forward(self.layers, slice(0, min(2, self.patterns))))
        except Exception as error:
            raise InvalidValue(f"the model cannot compute these inputs: {_first_line(error)}") from error
        unused = [layer.name for layer in self.layers if layer.name not in found]
        if unused and (all_used or not found):
            raise InvalidValue(f"layer {shown(unused[0])} computes nothing when the model is called")
        by_name = {layer.name: layer for layer in self.layers}
        self.layers = tuple(by_name[name] for name in found)
        self.widths = {name: array.shape[1] for name, array in found.items()}

    def outputs(self) -> Iterator[tuple[str, Float[np.ndarray, "patterns units"]]]:
        """Each layer's name and outputs, in the order in which they compute; few are kept at a time.

        Raises:
            InvalidValue: a layer's shape is not what it was.
        """
        group: list[Layer] = []
        for layer in self.layers:
            if group and self.patterns * sum(self.widths[one.name] for one in (*group, layer)) > MOST_CAPTURED:
                yield from self._captured(group)
                group = []
            group.append(layer)
        yield from self._captured(group)

    def _captured(self, group: Sequence[Layer]) -> Iterator[tuple[str, Float[np.ndarray, "patterns units"]]]:
        kind = np.float64 if self._double else np.float32
        arrays = {one.name: np.empty((self.patterns, self.widths[one.name]), kind) for one in group}
        for begin in range(0, self.patterns, self._batch):
            rows = slice(begin, min(begin + self._batch, self.patterns))
            outputs = dict(self._forward(group, rows))
            if missing := [one.name for one in group if one.name not in outputs]:
                raise InvalidValue(f"layer {missing[0]!r} computes nothing any more when the model is called")
            for name, found in outputs.items():
                if found.shape != arrays[name][rows].shape:
                    raise InvalidValue(
                        f"layer {name!r} has {found.shape[1]} outputs for each pattern now, and had {self.widths[name]}"
                    )
                arrays[name][rows] = found
        for name in list(arrays):
            yield name, arrays.pop(name)

    def _forward(self, layers: Sequence[Layer], rows: slice) -> Iterator[tuple[str, Float[np.ndarray, "rows units"]]]:
        found: dict[str, np.ndarray] = {}
        given = _rows(self._inputs, rows, self._model, torch.float64 if self._double else None)
        kind = torch.float64 if self._double else torch.float32
        count = rows.stop - rows.start

        def keep(layer: Layer) -> Callable[..., None]:
            def hook(module: nn.Module, arguments: Any, output: Any) -> None:
                tensor = _tensor(output)
                if layer.apply is not None:
                    tensor = layer.apply(tensor)
                if tensor.shape[:1] != (count,):
                    raise InvalidValue(
                        f"layer {layer.name!r} has outputs of shape {tuple(tensor.shape)} for {count} patterns"
                    )
                # a copy: what comes after may change the tensor in place
                found.pop(layer.name, None)
                found[layer.name] = tensor.detach().to("cpu", kind, copy=True).reshape(count, -1).numpy()

            return hook

        with _undisturbed(self._model), ExitStack() as hooks:
            for layer in layers:
                hooks.callback(layer.module.register_forward_hook(keep(layer)).remove)
            named = dict(given) if isinstance(given, Mapping) else {}
            placed = () if named else given if isinstance(given, tuple) else (given,)
            if self._double:
                torch.func.functional_call(self._model, _in_double(self._model), placed, named)
            else:
                self._model(*placed, **named)
        yield from found.items()


@contextmanager
def _undisturbed(model: nn.Module) -> Iterator[None]:
    """Inside, the model is in eval mode, without gradients and mixed precision; afterwards everything is as before."""
    modes = [(module, module.training) for module in model.modules()]
    place = _place(model)
    devices = [place] if place.type == "cuda" else []
    try:
        for module, _ in modes:
            module.training = False
        with (
            torch.no_grad(),
            torch.random.fork_rng(devices=devices, enabled=True),
            torch.autocast(place.type, enabled=False),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        for module, training in modes:
            module.training = training


def _place(model: nn.Module) -> torch.device:
    """Where the model is."""
    first = next((tensor for tensor in (*model.parameters(), *model.buffers())), None)
    return torch.device("cpu") if first is None else first.device


def _tensor(output: Any) -> Tensor:
    """A module's output; of several, the first."""
    if isinstance(output, Tensor):
        return output
    parts = list(output.values()) if isinstance(output, Mapping) else output
    if isinstance(parts, Sequence) and parts:
        for part in parts:
            if isinstance(part, Tensor):
                return part
        return _tensor(parts[0])
    raise InvalidValue(f"an output of type {type(output).__name__} is no tensor")


def as_tensors(inputs: Any) -> Any:
    """Inputs as tensors: one, or a tuple or dictionary of them.

    Raises:
        InvalidValue: they are none, or have different numbers of rows.
    """
    if isinstance(inputs, Mapping):
        found: Any = {str(name): _as_tensor(part) for name, part in inputs.items()}
    elif isinstance(inputs, tuple):
        found = tuple(map(_as_tensor, inputs))
    else:
        return _as_tensor(inputs)
    lengths = {len(part) for part in (found.values() if isinstance(found, dict) else found)}
    if len(lengths) != 1:
        raise InvalidValue(f"inputs must have the same number of rows, got {sorted(lengths)}")
    return found


def _as_tensor(part: Any) -> Tensor:
    try:
        found = part.detach() if isinstance(part, Tensor) else torch.as_tensor(np.asarray(part))
    except (TypeError, ValueError, RuntimeError) as error:
        raise InvalidValue(f"inputs must be arrays or tensors: {_first_line(error)}") from None
    if found.ndim == 0 or len(found) == 0:
        raise InvalidValue(f"inputs must have a row for each pattern, got shape {tuple(found.shape)}")
    return found


def _listed(parts: Any) -> Sequence[Tensor]:
    return [parts] if isinstance(parts, Tensor) else list(parts)


def _length(inputs: Any) -> int:
    part = next(iter(inputs.values())) if isinstance(inputs, Mapping) else inputs
    return len(part[0] if isinstance(part, tuple) else part)


def _in_double(model: nn.Module) -> dict[str, Tensor]:
    """The model's parameters and buffers in double precision."""
    tensors = (*model.named_parameters(), *model.named_buffers())
    return {name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in tensors}


def _rows(inputs: Any, rows: slice, model: nn.Module, precision: torch.dtype | None) -> Any:
    """Some patterns where the model is, in a precision or the model's."""
    place = _place(model)
    floats = precision or next((p.dtype for p in model.parameters() if p.is_floating_point()), None)

    def there(part: Tensor) -> Tensor:
        return part[rows].to(place, floats if part.is_floating_point() else None)

    if isinstance(inputs, Mapping):
        return {name: there(part) for name, part in inputs.items()}
    return tuple(map(there, inputs)) if isinstance(inputs, tuple) else there(inputs)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]

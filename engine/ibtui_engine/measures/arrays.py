"""Measuring arrays: the outputs of any network's layers on some patterns, from whatever computed them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Num
from threadpoolctl import ThreadpoolController

from ibtui_engine.activations import LIMITS, OUTPUT_RANGE, bin_ends
from ibtui_engine.errors import InvalidValue, either, shown
from ibtui_engine.estimation import Estimation
from ibtui_engine.layer_names import layer_names
from ibtui_engine.measures.layer import measure_layer
from ibtui_engine.measures.outputs import NONLINEAR, NUMBERS, SATURATED
from ibtui_engine.measures.outputs_by_block import LayerOutputs
from ibtui_engine.measures.snapshot import LayerInformation
from ibtui_engine.rules.labels import MOST_LABELS
from ibtui_engine.rules.rule import orbits_of

OUTPUT = "output"
"""What the `activations` call a logistic unit, or a softmax, that is the network's output: it is binned on [−1, 1]."""
KNOWN = (*LIMITS, OUTPUT)
"""Activations whose bounds are known."""

Activations = str | Sequence[str | None] | Mapping[str, str | None] | None


@dataclass(frozen=True, eq=False)
class MeasuredOutputs:
    """What was measured of one network's layers."""

    layers: tuple[str, ...]
    """Their names."""
    information: LayerInformation
    """One row, one column a layer."""
    at_ceiling: Bool[np.ndarray, " layers"]
    """Whether a layer's numbers are the most that the estimator can say, whatever the layer computes."""
    notes: tuple[str, ...]
    """Why a layer has no numbers, in a sentence; empty where it has."""


def measure_outputs(
    outputs: Mapping[str, Num[np.ndarray, "patterns ..."]] | Sequence[Num[np.ndarray, "patterns ..."]],
    p_y: Num[np.ndarray, " patterns"] | Num[np.ndarray, "patterns labels"],
    estimator: str = "binning",
    *,
    activations: Activations = None,
    inputs: Num[np.ndarray, "patterns ..."] | None = None,
    h_x: float | None = None,
    **settings: Any,
) -> MeasuredOutputs:
    """I(X;T) and I(T;Y) in bits of each layer, from its outputs on equally likely patterns.

    Args:
        outputs: of each layer by name, or in order; one row a pattern, of any shape and width (a convolution's outputs
            are flattened). Nothing is copied whole, so that a layer may have a million units.
        p_y: whole numbers are labels, from 0; else p(y=1|x) of each pattern, or p(y|x), a row for each.
        estimator: `binning`, `adaptive`, `quantile`, `kde`, `exact`, `gauss`, `renyi` or `probe`
            (`ibtui_engine.estimation`). `probe` has no I(X;T).
        activations: of all layers or of each: `tanh`, `sigmoid`, `relu`, `softsign`, `linear`, or `output` for logistic
            outputs and a softmax. Known ones are binned on their bounds and have a saturation; others are binned on the
            range that occurs.
        inputs: the patterns themselves, which `renyi` compares; without them they are just different.
        h_x: H(X) in bits; by default all patterns are different.
        settings: `bins`, `noise`, `scale`, `samples`, `width`, `seed` (`Estimation`).

    Returns:
        The numbers. A layer with outputs that are not finite has none, and a note that says so.

    Raises:
        InvalidValue: arrays that do not fit together, labels or probabilities that are none, or a setting that is
            outside its range.
    """
    measurer = OutputsMeasurer(p_y, Estimation.chosen(estimator, **settings), inputs=inputs, h_x=h_x)
    layers = layers_of(outputs, measurer.patterns)
    kinds = activations_of(activations, tuple(layers))
    numbers = np.empty((NUMBERS, 1, len(layers)))
    found = [measurer.measure(name, layers[name], kind) for name, kind in zip(layers, kinds, strict=True)]
    for k, one in enumerate(found):
        numbers[:, 0, k] = one.numbers
    return MeasuredOutputs(
        tuple(layers),
        LayerInformation.of(numbers),
        np.array([one.at_ceiling for one in found]),
        tuple(one.note for one in found),
    )


@dataclass(frozen=True, eq=False)
class MeasuredLayer:
    """What was measured of one layer."""

    numbers: Float64[np.ndarray, " numbers"]
    """As `ibtui_engine.measures.outputs` numbers them."""
    at_ceiling: bool
    note: str


class OutputsMeasurer:
    """Measures layers by one estimator, on the same patterns again and again; `measure_outputs` says how."""

    def __init__(
        self,
        p_y: Num[np.ndarray, " patterns"] | Num[np.ndarray, "patterns labels"],
        how: Estimation,
        *,
        inputs: Num[np.ndarray, "patterns ..."] | None = None,
        h_x: float | None = None,
    ) -> None:
        self.p_y = label_probabilities(p_y)
        self._orbits = orbits_of(self.p_y)
        self.patterns = len(self.p_y)
        self.how = how
        rows = None if inputs is None else as_rows("inputs", inputs, self.patterns)
        self._inputs = LayerOutputs(rows).points() if rows is not None and how.estimator == "renyi" else None
        self._h_x = math.log2(self.patterns) if h_x is None else h_x
        self._blas = ThreadpoolController()

    def measure(self, name: str, outputs: Num[np.ndarray, "patterns units"], activation: str | None) -> MeasuredLayer:
        """One layer, whose outputs are rows already (`layers_of`)."""
        layer = LayerOutputs(outputs)
        numbers = np.full(NUMBERS, math.nan)
        if not layer.finite:
            return MeasuredLayer(numbers, False, _note(name, layer))
        ends = OUTPUT_RANGE if activation == OUTPUT else (math.nan, math.nan)
        if activation in LIMITS:
            ends = bin_ends(activation)
        with self._blas.limit(limits=1, user_api="blas"):  # its threads wait for one another where others compute, too
            numbers, ceiling = measure_layer(
                layer, self.how, self.p_y, self._orbits, ends, h_x=self._h_x, inputs=self._inputs
            )
        numbers[[SATURATED, NONLINEAR]] = layer.shares("sigmoid" if activation == OUTPUT else activation)
        if activation == OUTPUT and layer.units > 1:  # a softmax has no linear range
            numbers[NONLINEAR] = math.nan
        return MeasuredLayer(numbers, ceiling, "")


def label_probabilities(
    p_y: Num[np.ndarray, " patterns"] | Num[np.ndarray, "patterns labels"],
) -> Float64[np.ndarray, "patterns labels"]:
    """p(y|x) of each pattern, one column a label, from labels or probabilities as `measure_outputs` takes them.

    Raises:
        InvalidValue: they are none.
    """
    given = _array("labels", p_y)
    if given.ndim not in (1, 2) or given.size == 0:
        raise InvalidValue(f"labels must be one for each pattern, or a row of p(y|x) for each, got shape {given.shape}")
    if given.ndim == 1 and given.dtype.kind in "iub":
        least, most = int(given.min()), int(given.max())
        if least < 0 or most >= MOST_LABELS:
            raise InvalidValue(f"labels must be whole numbers from 0 to {MOST_LABELS - 1}, got {least} to {most}")
        return np.eye(max(most + 1, 2))[given.astype(np.int64)]
    found = given.astype(np.float64)
    if not ((found >= 0) & (found <= 1)).all():
        wrong = found[~((found >= 0) & (found <= 1))][0]
        raise InvalidValue(
            f"p(y|x) must be from 0 to 1, got {wrong:g}" + (" (labels are whole numbers)" if given.ndim == 1 else "")
        )
    if found.ndim == 1:
        return np.stack([1 - found, found], axis=1)
    if not 2 <= found.shape[1] <= MOST_LABELS:
        raise InvalidValue(f"p(y|x) must have 2 to {MOST_LABELS} columns, one a label, got {found.shape[1]}")
    if not (abs(found.sum(axis=1) - 1) <= 1e-4).all():  # of single precision, which rounds at 1e-7
        raise InvalidValue("p(y|x) must add up to 1 in each row")
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def layers_of(
    outputs: Mapping[str, Num[np.ndarray, "patterns ..."]] | Sequence[Num[np.ndarray, "patterns ..."]], patterns: int
) -> dict[str, Num[np.ndarray, "patterns units"]]:
    """The outputs of each layer by its name, flattened to one row a pattern.

    Raises:
        InvalidValue: there are none, or one does not have a row for each pattern.
    """
    if not isinstance(outputs, Mapping):
        outputs = dict(zip(layer_names(len(outputs)), outputs, strict=True))
    if not outputs:
        raise InvalidValue("outputs must have at least one layer")
    return {str(name): as_rows(f"outputs of {shown(str(name))}", array, patterns) for name, array in outputs.items()}


def as_rows(what: str, array: object, patterns: int) -> Num[np.ndarray, "patterns units"]:
    """An array with one row a pattern, flattened.

    Raises:
        InvalidValue: it is none.
    """
    found = _array(what, array)
    if found.ndim == 0 or len(found) != patterns or found.size == 0:
        raise InvalidValue(f"{what} must have a row for each of the {patterns} patterns, got shape {found.shape}")
    return found.reshape(patterns, -1)


def activations_of(activations: Activations, layers: tuple[str, ...]) -> tuple[str | None, ...]:
    """The activation of each layer, None where it is not known.

    Raises:
        InvalidValue: one is unknown, or named for no layer.
    """
    if activations is None or isinstance(activations, str):
        found: list[str | None] = [activations] * len(layers)
    elif isinstance(activations, Mapping):
        if strange := [name for name in activations if name not in layers]:
            raise InvalidValue(f"activations name {shown(strange[0])}, which is no layer: {', '.join(layers)}")
        found = [activations.get(name) for name in layers]
    else:
        found = list(activations)
        if len(found) != len(layers):
            raise InvalidValue(f"activations must be one for each of the {len(layers)} layers, got {len(found)}")
    for kind in found:
        if kind is not None and kind not in KNOWN:
            raise InvalidValue(f"activation must be {either(KNOWN)}, or None, got {shown(kind)}")
    return tuple(found)


def _array(what: str, given: object) -> Num[np.ndarray, ...]:
    try:
        found = np.asarray(given)
    except (ValueError, TypeError, RuntimeError) as error:  # tensors of another device or that need gradients
        raise InvalidValue(f"{what} must be an array of numbers: {error}") from None
    if found.dtype.kind not in "fiub":
        raise InvalidValue(f"{what} must be an array of numbers, got type {found.dtype}")
    return found.astype(np.float32) if found.dtype == np.float16 else found


def _note(name: str, layer: LayerOutputs) -> str:
    outputs, patterns = layer.broken()
    return (
        f"layer {name!r}: {outputs} of {layer.units * layer.patterns} outputs are NaN or infinite, on {patterns} of "
        f"{layer.patterns} patterns: nothing is measured"
    )

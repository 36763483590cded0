"""What a training loop gives, as a recording keeps it: norms, losses, layers, and what networks learn."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64, Num

from ibtui_engine.errors import InvalidValue, shown
from ibtui_engine.recorded import RecordedSettings
from ibtui_engine.rules.patterns import distinct_rows
from ibtui_engine.rules.rule import Rule

Weights = Mapping[str, Num[np.ndarray, "*shape"] | float]
"""Of each layer its weights, or their Euclidean norm."""
Pair = float | Sequence[float] | Mapping[str, float] | None
"""A loss or accuracy of training, or those of training and test."""


def require_layers(settings: RecordedSettings, units: Mapping[str, int]) -> None:
    """Refuse layers that are not those of the ensemble."""
    known = {layer.name: layer.units for layer in settings.layers}
    for name, count in units.items():
        if name not in known:
            raise InvalidValue(f"{shown(name)} is no layer of the recording: {', '.join(known)}")
        if count != known[name]:
            raise InvalidValue(f"layer {shown(name)} has {count} units now, and had {known[name]}")
    if missing := [name for name in known if name not in units]:
        raise InvalidValue(f"layer {shown(missing[0])} is missing")


def shares_of_norms(
    names: Sequence[str],
    gradients: Mapping[str, tuple[float, float]],
    weights: Weights,
) -> dict[str, Float64[np.ndarray, "1 layers"]]:
    """Norms of weights, and of gradients as shares of them; without weights, of the gradients themselves."""
    sizes = np.full((1, len(names)), math.nan)
    mean, std = sizes.copy(), sizes.copy()
    for k, name in enumerate(names):
        if name in weights:
            sizes[0, k] = float(np.linalg.norm(np.asarray(weights[name], np.float64).ravel()))
        if name in gradients:
            try:
                mean[0, k], std[0, k] = gradients[name]
            except (TypeError, ValueError):
                raise InvalidValue(
                    f"gradients of {shown(name)} must be the norm of their mean and their spread"
                ) from None
    by = np.where(np.isnan(sizes), 1.0, sizes)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {"grad_mean": mean / by, "grad_std": std / by, "weight_norm": sizes}


def pair(what: str, given: Pair) -> tuple[float, float]:
    """A number of training and one of test, NaN where there is none."""
    if given is None:
        return math.nan, math.nan
    if isinstance(given, Mapping):
        if strange := [name for name in given if name not in ("train", "test")]:
            raise InvalidValue(f"{what} must be of train and test, got {shown(strange[0])}")
        return float(given.get("train", math.nan)), float(given.get("test", math.nan))
    values = list(given) if isinstance(given, Sequence) else [given]
    if not 1 <= len(values) <= 2:
        raise InvalidValue(f"{what} must be one number, or two: of training and test; got {len(values)}")
    return float(values[0]), float(values[1]) if len(values) == 2 else math.nan


def logged_pair(logged: Mapping[str, Any], names: tuple[str, str]) -> tuple[float, float]:
    """What a library has logged under two names, NaN where it has not."""
    first, second = (float(logged[name]) if name in logged else math.nan for name in names)
    return first, second


def rule_of(
    name: str,
    p_y: Float64[np.ndarray, "patterns labels"],
    inputs: Num[np.ndarray, "patterns units"] | None,
    held_out: Float64[np.ndarray, "held_out labels"] | None = None,
) -> Rule:
    """The joint distribution; patterns whose inputs are not kept are known by their numbers. `held_out`: p(y|x) of
    further patterns, which are none of these.
    """
    beside = None if held_out is None else rule_of(name, held_out, None)
    patterns = np.arange(len(p_y), dtype=np.float32)[:, None] if inputs is None else inputs.astype(np.float32)
    return Rule(name, patterns, np.ascontiguousarray(p_y[:, 1]) if p_y.shape[1] == 2 else p_y, held_out=beside)


def entropy_of(rows: Num[np.ndarray, "patterns units"]) -> float:
    """H(X) in bits of equally likely rows, of which some may be equal."""
    counts = distinct_rows(np.ascontiguousarray(rows, np.float32)).counts
    return max(math.log2(len(rows)) - float((counts * np.log2(counts)).sum()) / len(rows), 0.0)


def digest_of(
    p_y: Float64[np.ndarray, "patterns labels"],
    rows: Num[np.ndarray, "patterns units"] | None,
    held_out: Float64[np.ndarray, "held_out labels"] | None = None,
) -> str:
    """SHA-256 (hex) of what networks learn and are measured on."""
    digest = hashlib.sha256(f"{p_y.shape}".encode())
    for probabilities in (p_y, held_out):
        if probabilities is not None:
            digest.update(np.ascontiguousarray(probabilities).tobytes())
    if rows is not None:
        digest.update(f"{rows.shape}".encode())
        digest.update(np.ascontiguousarray(rows, np.float32).tobytes())
    return digest.hexdigest()

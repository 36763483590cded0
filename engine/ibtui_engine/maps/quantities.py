"""The numbers that a map can show of an ensemble, each declared once: what it is, its unit, and how it is found."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64

from ibtui_engine.account.finding import Number, of_spread
from ibtui_engine.bottleneck.fits import why_no_beta
from ibtui_engine.errors import InvalidValue
from ibtui_engine.session.results import result_spreads
from ibtui_engine.statistics import EpochSpread, geometric_mean, geometric_spread, spread

if TYPE_CHECKING:
    from ibtui_engine.account.evidence import Evidence  # with Numba, which views of maps do without

Found = Mapping[str, Number]
"""Numbers by what they are of: a layer's name, and the empty text for the one that stands for the ensemble."""


@dataclass(frozen=True)
class Quantity:
    """One number of an ensemble, or one of each of its layers."""

    key: str
    label: str
    about: str
    unit: str
    find: Callable[[Evidence], Found]
    """Raises InvalidValue, with the reason, where an ensemble has none."""
    logarithmic: bool = False
    """Whether its values are best told apart by their ratio."""
    by_layer: bool = False
    """Whether each layer has one of its own, too."""


def _epoch(name: str, found: EpochSpread) -> Number:
    """An epoch that at least half of the networks have; how many have it is said in any case."""
    value = found.epoch if found.common else math.nan
    return Number(name, value, found.log_error, "epoch", found.count, found.networks)


def _drift_end(one: Evidence) -> Found:
    if not one.of.transition.measured:
        raise InvalidValue("an epoch is one batch: there is no gradient noise to tell drift from diffusion")
    phases = one.of.phases
    layers = zip(one.of.layer_names, phases.layers, strict=True)
    return {"": _epoch("", phases.transition.network)} | {name: _epoch(name, row.transition) for name, row in layers}


def _hidden(one: Evidence) -> list[str]:
    if not one.of.hidden_layers:
        raise InvalidValue("there is no hidden layer")
    return list(one.of.layer_names[: one.of.hidden_layers])


def _turning(one: Evidence) -> Found:
    names, rows = _hidden(one), one.of.phases.layers
    found = {name: _epoch(name, row.turning) for name, row in zip(names, rows, strict=False)}
    most = max(range(len(names)), key=lambda k: rows[k].compression.mean)
    return {"": found[names[most]]} | found


def _lost(one: Evidence) -> Found:
    found = result_spreads(one.of)
    if found is None or (most := found.most_lost) is None:
        raise InvalidValue("no layer has a known I(X;T)")
    layers = {name: of_spread(name, lost, "bits") for name, lost in zip(found.lost_by, found.lost, strict=True)}
    return {"": of_spread(most[0], most[1], "bits")} | layers


def _output(one: Evidence) -> Found:
    found = result_spreads(one.of)
    return {} if found is None else {"": of_spread("", found.i_y, "bits")}


def _accuracy(inside: bool) -> Callable[[Evidence], Found]:
    def find(one: Evidence) -> Found:
        found = result_spreads(one.of)
        if found is None:
            return {}
        number = of_spread("", found.accuracy_inside if inside else found.accuracy)
        if math.isnan(number.value):
            raise InvalidValue("not recorded" if inside else "no pattern is outside the sample")
        return {"": number}

    return find


def _below(one: Evidence) -> Found:
    names = _hidden(one)
    one.require_curve()
    with_weights = not why_no_beta(one.of.summary, one.of.ensemble)
    fits = one.fits if with_weights else one.of.fits(threads=one.threads)
    return _by_layer(names, fits.distance[:, : len(names)], "bits")


def _exponent(one: Evidence) -> Found:
    if not one.of.summary.experiment.weights:
        raise InvalidValue("the session keeps no weights: run it with --weights")
    return _by_layer(_hidden(one), one.moves[1].exponents[:, : one.of.hidden_layers], "")


def _by_layer(names: list[str], values: Float64[np.ndarray, "networks layers"], unit: str) -> Found:
    """Of each layer, and of each network the mean over its layers."""
    known = np.isfinite(values)
    means = np.where(known, values, 0).sum(axis=1) / np.where(known.any(axis=1), known.sum(axis=1), np.nan)
    layers = {name: of_spread(name, spread(values[:, k]), unit) for k, name in enumerate(names)}
    return {"": of_spread("", spread(means), unit)} | layers


def _snr(one: Evidence) -> Found:
    of = one.of
    if not of.transition.measured:
        raise InvalidValue("an epoch is one batch: there is no gradient noise")
    late = of.layers.epochs > of.epochs[-1] / 2
    networks = geometric_mean(of.transition.network_snr[late], axis=0)
    layers = geometric_mean(of.layers.snr[late], axis=0)
    found = {name: of_spread(name, geometric_spread(layers[:, k])) for k, name in enumerate(of.layer_names)}
    return {"": of_spread("", geometric_spread(networks))} | found


def _by_key(*declared: Quantity) -> Mapping[str, Quantity]:
    return MappingProxyType({one.key: one for one in declared})


QUANTITIES = _by_key(
    Quantity(
        "drift-end",
        "End of drift",
        "where the gradient SNR of the network as a whole falls below one; geometric mean, where at least half of the "
        "networks have such an epoch",
        "epoch",
        _drift_end,
        logarithmic=True,
        by_layer=True,
    ),
    Quantity(
        "turning",
        "Turning point",
        "where I(X;T) of the layer that lost most turns from rising to falling; likewise",
        "epoch",
        _turning,
        logarithmic=True,
        by_layer=True,
    ),
    Quantity(
        "lost",
        "Loss of I(X;T)",
        "from the peak of I(X;T) to the end, of the hidden layer that lost most",
        "bits",
        _lost,
        by_layer=True,
    ),
    Quantity("output", "I(T;Y) of the output", "at the end", "bits", _output),
    Quantity("accuracy", "Accuracy", "outside the sample, at the end", "", _accuracy(False)),
    Quantity("accuracy-inside", "Accuracy inside the sample", "at the end", "", _accuracy(True)),
    Quantity(
        "below",
        "Below the bound",
        "bits of I(T;Y) below the IB curve at the end, mean over hidden layers",
        "bits",
        _below,
        by_layer=True,
    ),
    Quantity(
        "exponent",
        "Diffusion exponent",
        "of the weights' mean squared displacement after drift, mean over hidden layers; needs kept weights",
        "",
        _exponent,
        by_layer=True,
    ),
    Quantity(
        "snr",
        "SNR at the end",
        "of the gradients of the network as a whole; geometric mean over the later half of the epochs and over "
        "networks",
        "",
        _snr,
        logarithmic=True,
        by_layer=True,
    ),
)
"""All numbers, in the order to show them in."""

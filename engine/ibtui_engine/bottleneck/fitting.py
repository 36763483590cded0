"""Fits beta* to the layers of networks, and to any encoder of the classes that is given directly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64

from ibtui_engine.bottleneck.curve import Curve
from ibtui_engine.bottleneck.encoder import GREATEST, INSIDE, divergences_of, fit_encoder, fit_groups
from ibtui_engine.bottleneck.fits import LayerFits
from ibtui_engine.bottleneck.layers import layer_groups
from ibtui_engine.bottleneck.solver import BITS
from ibtui_engine.bottleneck.source import Source, divergences
from ibtui_engine.errors import InvalidValue
from ibtui_engine.networks import Architecture
from ibtui_engine.rules.rule import Rule
from ibtui_engine.threads import Threads

EXACT_CLASSES = 256
"""Rules with more classes than this are fitted with classes and decoders `NEAR` in arcsin sqrt(p) made one."""
NEAR = 1e-4
"""Changes the residual by less than beta 1e-8 bits."""


@dataclass(frozen=True)
class EncoderFit:
    """beta* of one encoder. Bits."""

    beta: float
    """NaN where the residual has no minimum inside the range."""
    residual: float
    end: int
    """0 inside the range, −1 at beta 0, 1 at its greatest beta or beyond."""
    inconsistency: float
    i_x: float
    i_y: float


def fit_classes(source: Source, encoder: Float64[np.ndarray, "classes t"]) -> EncoderFit:
    """beta* of the encoder p(t|class), which may be stochastic: E KL(p(t|x) ‖ p_beta(t|x)) with its own decoder.

    Raises:
        InvalidValue: rows that are no distributions over t, or not one for each class.
    """
    r = np.asarray(encoder, np.float64)
    if r.ndim != 2 or len(r) != len(source.p_y):
        raise InvalidValue(f"an encoder of shape {r.shape}: allowed is {len(source.p_y)} classes x values t")
    if not ((r >= 0).all() and np.allclose(r.sum(axis=1), 1, atol=1e-9)):
        raise InvalidValue("an encoder's rows must be distributions over t")
    joint = source.weights[:, None] * r
    p_t = joint.sum(axis=0)
    used = p_t > 0
    joint, r, p_t = joint[:, used], r[:, used], p_t[used]
    q = np.minimum(source.p_y @ joint / p_t, 1.0)
    rest = np.minimum((1 - source.p_y) @ joint / p_t, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        i_x = float(np.where(joint > 0, joint * np.log(r / p_t), 0.0).sum())
        cost = np.where(joint > 0, joint * divergences(source.p_y[:, None], q[None, :]), 0.0)
    distortion = float(cost.sum())
    d = np.empty(r.shape)
    divergences_of(source.p_y, q, rest, d)
    beyond = float(np.where(joint > 0, joint * d, 0.0).sum())
    beta, residual, end, gap = fit_encoder(source.weights, source.p_y, p_t, q, rest, d, beyond, i_x)
    known = beta if end == INSIDE else math.nan
    return EncoderFit(known, residual * BITS, end, gap * BITS, i_x * BITS, source.i_xy - distortion * BITS)


def fit_layers(
    curve: Curve,
    rule: Rule,
    groups: Int32[np.ndarray, "networks layers patterns"],
    counts: Int64[np.ndarray, "networks layers"],
    threads: Threads,
    *,
    hidden: str = "",
    fraction: float = 1.0,
    optimizer: str = "sgd",
    epoch: int = 0,
    bins: int = 0,
) -> LayerFits:
    """beta* of layers that are given as partitions of the rule's patterns, and their distances to its curve."""
    source = Source.of_rule(rule)
    near = 0.0
    class_of = np.searchsorted(source.p_y, rule.p_y)
    if len(source.p_y) > EXACT_CLASSES:
        near = NEAR
        class_of = cells(source.p_y, near)[class_of]
        source = merged(source, near)
    found = np.empty((*counts.shape, 6))
    p_y = np.ascontiguousarray(rule.p_y, np.float64)

    def work(first: int, last: int) -> None:
        fit_groups(first, last, groups, counts, p_y, source.weights, source.p_y, class_of, near, found)

    threads.share_out(len(counts), work)
    end = found[..., 2]
    beta = np.where(end == INSIDE, found[..., 0], np.nan)
    i_x, i_y = found[..., 4] * BITS, np.maximum(curve.i_xy - found[..., 5] * BITS, 0.0)
    ib_x, ib_y = curve.point_at(beta)
    distance = curve.lower(i_x) - i_y
    resolved = curve.i_x[-1] if len(curve.i_x) else 0.0
    cost = np.where(i_x <= resolved, curve.beta_at(i_x), np.inf)  # beyond, the curve is flat to within its error
    worth = np.where(np.isfinite(cost), distance * np.where(np.isfinite(cost), cost, 0.0), np.nan)
    return LayerFits(
        hidden=hidden,
        fraction=fraction,
        epoch=epoch,
        bins=bins,
        greatest=GREATEST,
        beta=beta,
        residual=found[..., 1] * BITS,
        end=end,
        i_x=i_x,
        i_y=i_y,
        ib_x=ib_x,
        ib_y=ib_y,
        distance=distance,
        worth=worth,
        inconsistency=found[..., 3] * BITS,
        critical=curve.nearest_critical(beta),
        optimizer=optimizer,
    )


def fit_snapshot(
    curve: Curve,
    rule: Rule,
    architecture: Architecture,
    weights: Float32[np.ndarray, "networks parameters"],
    threads: Threads,
    *,
    bins: int,
    hidden: str,
    fraction: float,
    epoch: int,
    optimizer: str = "sgd",
) -> LayerFits:
    """beta* of every layer of networks with these weights, binned as the session bins them."""
    groups, counts = layer_groups(rule, architecture, weights, bins, threads)
    return fit_layers(
        curve,
        rule,
        groups,
        counts,
        threads,
        hidden=hidden,
        fraction=fraction,
        optimizer=optimizer,
        epoch=epoch,
        bins=bins,
    )


def merged(source: Source, near: float) -> Source:
    """The classes with those in one cell of `near` in arcsin sqrt(p) made one."""
    group = cells(source.p_y, near)
    weights = np.bincount(group, weights=source.weights)
    return Source.of(np.bincount(group, weights=source.weights * source.p_y) / weights, weights)


def cells(p: Float64[np.ndarray, " classes"], near: float) -> Int64[np.ndarray, " classes"]:
    """Each class's number among the classes of `merged`."""
    return np.unique(np.floor(np.arcsin(np.sqrt(p)) / near), return_inverse=True)[1].ravel()

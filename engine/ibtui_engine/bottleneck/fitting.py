"""Fits beta* to the layers of networks, and to any encoder of the classes that is given directly."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64
from threadpoolctl import ThreadpoolController

from ibtui_engine.bottleneck.curve import Curve
from ibtui_engine.bottleneck.encoder import INSIDE, cell_of, divergences_of, fit_encoder, fit_groups
from ibtui_engine.bottleneck.fits import GREATEST, LayerFits
from ibtui_engine.bottleneck.layers import layer_groups
from ibtui_engine.bottleneck.solver import BITS
from ibtui_engine.bottleneck.source import Source
from ibtui_engine.errors import InvalidValue
from ibtui_engine.networks import Architecture
from ibtui_engine.rules.log_odds import divergences, log_ratio
from ibtui_engine.rules.rule import Rule
from ibtui_engine.stochastic import encoders_of
from ibtui_engine.threads import Threads

EXACT_CLASSES = 256
"""Rules with more classes than this are fitted with classes and decoders `NEAR` in arcsin sqrt(p) made one."""
NEAR = 1e-4
"""Changes the residual by less than beta 1e-8 bits."""
ROUNDING = 1e-5
"""By how much the probabilities of a class may miss 1 in sum, as those of float32 do."""


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
    if r.ndim != 2 or len(r) != len(source.weights):
        raise InvalidValue(f"an encoder must be {len(source.weights)} classes x values t, got the shape {r.shape}")
    if not ((r >= 0).all() and np.allclose(r.sum(axis=1), 1, rtol=0, atol=ROUNDING)):
        raise InvalidValue("an encoder's rows must be distributions over t")
    joint = source.weights[:, None] * r
    p_t = joint.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        i_x = float(np.where(joint > 0, joint * np.log(r / p_t), 0.0).sum())
    return fit_joint(source, joint, i_x)


def fit_joint(source: Source, joint: Float64[np.ndarray, "classes t"], i_x: float) -> EncoderFit:
    """beta* of an encoder by p(class, t) and I(X;T) in nats, which is more than that of the classes where patterns of
    one class are encoded differently: E KL(p(t|x) ‖ p_beta(t|x)) = I(X;T) + beta D + E log Z depends on them alone.
    """
    p_t = joint.sum(axis=0)
    used = p_t > 0
    joint, p_t = joint[:, used], p_t[used]
    t = log_ratio(source.p_y @ joint, source.rest @ joint)
    order = np.argsort(t, kind="stable")
    joint, p_t, t = joint[:, order], p_t[order], t[order]
    with np.errstate(invalid="ignore"):
        cost = np.where(joint > 0, joint * divergences(source.log_odds[:, None], t[None, :]), 0.0)
    distortion = float(cost.sum())
    d = np.empty(joint.shape)
    divergences_of(source.p_y, source.rest, source.log_odds, t, d)
    beyond = float(np.where(joint > 0, joint * d, 0.0).sum())
    beta, residual, end, gap = fit_encoder(source.weights, source.p_y, source.rest, p_t, t, d, beyond, i_x)
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
    """beta* of layers that are given as partitions of the rule's patterns, and their distances to its curve.

    Raises:
        InvalidValue: the patterns are not equally likely.
    """
    if rule.p_x is not None:
        raise InvalidValue(f"beta* is fitted where patterns are equally likely, and p(x) of {rule.name!r} has weights")
    source = Source.of_rule(rule)
    near = 0.0
    class_of = np.searchsorted(source.log_odds, rule.log_odds)
    if len(source.weights) > EXACT_CLASSES:
        near = NEAR
        class_of = cells(source.log_odds, near)[class_of]
        source = merged(source, near)
    found = np.empty((*counts.shape, 6))
    p_y, rest_y, odds_y = (np.ascontiguousarray(values, np.float64) for values in (rule.p_y, rule.rest, rule.log_odds))
    weights, p, rest, odds = source.weights, source.p_y, source.rest, source.log_odds

    def work(first: int, last: int) -> None:
        fit_groups(
            first, last, groups, counts, p_y, rest_y, odds_y, weights, p, rest, odds, class_of, near, found
        )  # fmt: skip

    threads.share_out(len(counts), work)
    end = found[..., 2]
    beta = np.where(end == INSIDE, found[..., 0], np.nan)
    i_x, i_y = found[..., 4] * BITS, np.maximum(curve.i_xy - found[..., 5] * BITS, 0.0)
    unknown = np.full(beta.shape, np.nan)
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
        ib_x=unknown,
        ib_y=unknown,
        distance=unknown,
        worth=unknown,
        inconsistency=found[..., 3] * BITS,
        critical=unknown,
        optimizer=optimizer,
    ).against(curve)


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
    """beta* of every layer of networks with these weights: of stochastic units with their true p(t|x), of deterministic
    ones binned as the session bins them, or by their levels.
    """
    if architecture.stochastic:
        found = fit_stochastic(curve, rule, architecture, weights, threads)
        return replace(found, hidden=hidden, fraction=fraction, optimizer=optimizer, epoch=epoch)
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
        bins=2**architecture.bits if architecture.bits else bins,
    )


def fit_stochastic(
    curve: Curve,
    rule: Rule,
    architecture: Architecture,
    weights: Float32[np.ndarray, "networks parameters"],
    threads: Threads,
) -> LayerFits:
    """beta* of every layer of networks of stochastic units, whose encoders p(t|x) are known: the residual can be 0, and
    layers can lie on the curve.

    Rules of more than `EXACT_CLASSES` classes are fitted with those `NEAR` each other made one.
    """
    source = Source.of_rule(rule)
    class_of = np.searchsorted(source.log_odds, rule.log_odds)
    if len(source.weights) > EXACT_CLASSES:
        class_of = cells(source.log_odds, NEAR)[class_of]
        source = merged(source, NEAR)
    parts = np.zeros((len(source.weights), len(rule.p_y)))
    parts[class_of, np.arange(len(rule.p_y))] = 1.0 / len(rule.p_y) if rule.p_x is None else rule.p_x
    found: list[list[EncoderFit]] = [[] for _ in weights]

    def work(first: int, last: int) -> None:
        for network in range(first, last):
            matrices = [matrix[0].astype(np.float64) for matrix in architecture.matrices(weights[network][None])]
            found[network] = [
                fit_joint(source, joint, i_x / BITS) for joint, i_x in encoders_of(matrices, rule.patterns, parts)
            ]

    with ThreadpoolController().limit(limits=1, user_api="blas"):
        threads.share_out(len(weights), work)
    columns: dict[str, Any] = {
        name: np.array([[getattr(one, name) for one in layers] for layers in found], np.float64)
        for name in ("beta", "residual", "end", "inconsistency", "i_x", "i_y")
    }
    columns |= dict.fromkeys(("ib_x", "ib_y", "distance", "worth", "critical"), np.full_like(columns["beta"], np.nan))
    about: dict[str, Any] = {"hidden": "", "fraction": 1.0, "epoch": 0, "bins": 0, "greatest": GREATEST}
    return LayerFits(**about, **columns).against(curve)


def merged(source: Source, near: float) -> Source:
    """The classes with those in one cell of `near` in arcsin sqrt(p) made one, in the order of the cells."""
    group = cells(source.log_odds, near)
    ones, zeros = (np.bincount(group, weights=source.weights * part) for part in (source.p_y, source.rest))
    return Source.of_parts(ones, zeros)


def cells(log_odds: Float64[np.ndarray, " classes"], near: float) -> Int64[np.ndarray, " classes"]:
    """Each class's number among the classes of `merged`."""
    return np.unique([cell_of(odds, near) for odds in log_odds.tolist()], return_inverse=True)[1].ravel()

"""Section 3.8: converged layers and the information bottleneck bound."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.account.case import Case, Yes
from ibtui_engine.account.claim import EARLIER, Claim, but, in_every, log_ratio, named, only
from ibtui_engine.account.conditions import A_HIDDEN_LAYER, TWO_LABELS, WEIGHTS, of_rule, other_rule_than
from ibtui_engine.account.criteria import AtMost, Factor, Share
from ibtui_engine.account.finding import NOT, PARTLY, REPRODUCED, Number, of_median, of_spread
from ibtui_engine.account.questions import LessThanChance, Mean, Median
from ibtui_engine.statistics import logarithms, mean, spread

if TYPE_CHECKING:
    from jaxtyping import Float64

    from ibtui_engine.account.evidence import Evidence
    from ibtui_engine.bottleneck.curve import Curve

SAID = "Converged layers lie on the IB bound, with beta falling from layer to layer"
EQ_9 = "Converged layers satisfy the IB equations: the decoder of Eq. 9 at beta* is that of the layer"


@dataclass(frozen=True)
class Bound(Claim):
    """Layers are optimal, on rules that the paper does not have."""

    key = "bound"
    section = "3.8"
    text = SAID
    measured = "bits of I(T;Y) below the curve, means over networks, and beta* of Eq. 12, medians"
    needs = (WEIGHTS, TWO_LABELS, A_HIDDEN_LAYER, other_rule_than("symmetric", "symmetric-soft"))

    distance: AtMost = AtMost(0.02, "bits")
    """Of I(T;Y), below the curve."""
    layers: int = 3
    """That must have a beta* for it to fall."""
    most: Share = Share(0.5)
    """That must have a beta* in a layer for it to count."""

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return (
            f"{self.distance} in all layers, and beta* falls from layer to layer in most networks, of at least "
            f"{self.layers} layers in which {self.most} have one; partly: one of both"
        )

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where layers are at the curve or beta* falls."""
        one = only(given)
        of, fits, names = one.of, one.fits, one.of.layer_names
        numbers = []
        near: list[Mean] = []
        for k, (below, beta) in enumerate(zip(fits.distance.T, fits.beta.T, strict=True)):
            numbers.append(of_spread(f"{names[k]} below", spread(below), "bits"))
            near.append(Mean(f"{names[k]} is {self.distance} below the curve", below, self.distance))
            if np.isfinite(beta).any():
                numbers.append(of_median(f"{names[k]} beta*", beta))
        known = [k for k, beta in enumerate(fits.beta.T) if self.most.holds(np.isfinite(beta).sum(), len(beta))]
        falls = [
            Median(
                f"beta* of {names[upper]} is below that of {names[lower]}",
                log_ratio(fits.beta[:, upper], fits.beta[:, lower]),
                EARLIER,
            )
            for lower, upper in pairwise(known)
        ]

        def weigh(yes: Yes) -> tuple[str, str]:
            away = named(of, near, yes, False)
            falling = len(known) >= self.layers and all(map(yes, falls))
            if not away and falling:
                return REPRODUCED, ""
            why = [f"more than {self.distance.limit:g} bits below the curve: {away}"] if away else []
            if not falling:
                without = len(names) - len(known)
                some = f" ({without} layers have none: the curve is all but a corner there)" if without else ""
                why.append(f"beta* does not fall from layer to layer{some}")
            return PARTLY if not away or falling else NOT, "; ".join(why)

        return Case(numbers, [*near, *falls], weigh)


@dataclass(frozen=True)
class SymmetricBound(Bound):
    """On the paper's rule."""

    key = "bound-symmetric"
    text = f"{SAID} (symmetric)"
    rests_on = ("figure-6",)
    needs = (WEIGHTS, TWO_LABELS, A_HIDDEN_LAYER, of_rule("symmetric"))


@dataclass(frozen=True)
class SoftBound(Bound):
    """On a rule whose curve bends."""

    key = "bound-symmetric-soft"
    text = f"{SAID} (symmetric-soft)"
    rests_on = ("figure-6-soft",)
    needs = (WEIGHTS, TWO_LABELS, A_HIDDEN_LAYER, of_rule("symmetric-soft"))


@dataclass(frozen=True)
class Slopes(Claim):
    """beta* is where the curve has that slope."""

    key = "slopes"
    section = "3.8"
    text = "The slope of the IB curve at a layer is 1/beta* of the layer (symmetric-soft)"
    measured = "slope of the curve above the layer, times beta*: the median over networks"
    rests_on = ("figure-6-soft",)
    needs = (WEIGHTS, TWO_LABELS, A_HIDDEN_LAYER)

    near: Factor = Factor(1.5)

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return f"{self.near} of 1 in all layers that have both; partly: in some"

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where it is so in some layers."""
        one = only(given)
        of, fits = one.of, one.fits
        product = np.full(fits.beta.shape, np.nan)
        np.divide(fits.beta * fits.distance, fits.worth, out=product, where=np.isfinite(fits.worth) & (fits.worth > 0))
        numbers = []
        asked: list[Median | None] = []
        for k, column in enumerate(product.T):
            there = bool(np.isfinite(column).any())
            said = f"the slope at {of.layer_names[k]} is {self.near} of 1/beta*"
            asked.append(Median(said, logarithms(column), self.near) if there else None)
            if there:
                numbers.append(of_median(f"{of.layer_names[k]} slope times beta*", column))
        nowhere = "no layer has a beta* below a part of the curve that rises"
        return in_every(of, numbers, asked, lambda off: f"it is another in {off}", nowhere)


@dataclass(frozen=True)
class Consistent(Claim):
    """The self-consistent equations hold."""

    key = "eq-9"
    section = "3.8"
    text = f"{EQ_9} (symmetric-soft)"
    measured = "residual of Eq. 12, KL(p(t|x) ‖ p_beta*(t|x)), and KL(p(y|t) ‖ the decoder of Eq. 9), bits"
    rests_on = ("figure-6-soft",)
    needs = (WEIGHTS, TWO_LABELS, A_HIDDEN_LAYER)

    residual: AtMost = AtMost(0.05, "bits")
    decoder: AtMost = AtMost(0.005, "bits")

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return (
            f"the residual is {self.residual} and the decoders are {self.decoder} apart in all layers that have a "
            "beta*; partly: one of both"
        )

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where the decoders agree and the encoders do not, or the other way round."""
        one = only(given)
        of, fits, names = one.of, one.fits, one.of.layer_names
        numbers = []
        encoders: list[Mean | None] = []
        decoders: list[Mean | None] = []
        for k in range(len(names)):
            there = np.isfinite(fits.beta[:, k])
            if not there.any():
                encoders.append(None)
                decoders.append(None)
                continue
            residual, apart = (np.where(there, column[:, k], np.nan) for column in (fits.residual, fits.inconsistency))
            numbers.append(of_spread(f"{names[k]} residual", spread(residual), "bits"))
            numbers.append(of_spread(f"{names[k]} decoder", spread(apart), "bits"))
            encoders.append(Mean(f"the residual of {names[k]} is {self.residual}", residual, self.residual))
            decoders.append(Mean(f"the decoders of {names[k]} are {self.decoder} apart", apart, self.decoder))
        asked = [one for one in (*encoders, *decoders) if one is not None]

        soft = of.ensemble.settings.stochastic
        hard = "" if soft else ": a layer is a function of x, and Eq. 8 asks for a soft one"

        def weigh(yes: Yes) -> tuple[str, str]:
            if not asked:
                return NOT, "no layer has a beta*"
            far, off = named(of, encoders, yes, False), named(of, decoders, yes, False)
            return but(far and f"encoders are not optimal in {far}{hard}", off and f"decoders are not in {off}")

        return Case(numbers, asked, weigh)


DRAWS = 1999
"""Random places of all layers."""


@dataclass(frozen=True)
class CriticalPoints(Claim):
    """Layers are drawn to phase transitions.

    A beta* between two neighbouring critical betas is 0 away from the nearest where it is one of them, and 1 in the
    middle of both on the log axis. Where a layer lies there by chance, every distance is as likely, 0.5 in the mean.
    What the networks say of a layer together is one place: all of them are moved by one random amount, and those that
    are moved over a critical beta go on in the next gap.
    """

    key = "critical-points"
    section = "1, result v"
    text = "Layers converge to critical points of the IB curve (symmetric-soft)"
    measured = (
        "distance of beta* from the nearest critical beta, 0 there and 1 in the middle between two on the log axis; as "
        "means over the layers with a beta* between two of them, and where each layer is moved at random"
    )
    rests_on = ("figure-6-soft",)
    needs = (WEIGHTS, TWO_LABELS, A_HIDDEN_LAYER)

    near: AtMost = AtMost(0.25)
    """Half of what chance gives."""
    most: Share = Share(0.5)
    """That must have a beta* between two critical ones in a layer for it to count."""

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return (
            f"{self.near} in the mean of the layers in which {self.most} have such a beta*, and less than if each "
            "layer were moved at random (a randomisation test)"
        )

    def case(self, given: Sequence[Evidence]) -> Case:
        """There is no partly."""
        one = only(given)
        names, places = one.of.layer_names, gap_places(one.fits.beta, one.curve)
        layers = np.flatnonzero(self.most.holds(np.isfinite(places).sum(axis=0), len(places))).tolist()
        if not layers:
            return Case([], [], lambda _: (NOT, "no layer has a beta* between two critical points"))
        places = places[:, layers]
        away = mean(from_nearest(places), axis=1)
        moved = np.random.default_rng(0).random((DRAWS, 1, len(layers)))
        chance = LessThanChance("they are nearer than by chance", away, mean(from_nearest(places + moved), axis=2))
        near = Mean(f"they are {self.near} away from critical points", away, self.near)
        away_by_layer = zip(layers, from_nearest(places).T, strict=True)
        numbers = [of_spread(names[k], spread(column)) for k, column in away_by_layer]
        numbers.append(of_spread("all of them", spread(away)))
        numbers.append(Number("share of random places that are as near", chance.chances()[0], math.nan, ""))

        def weigh(yes: Yes) -> tuple[str, str]:
            if not yes(near):
                return NOT, "they lie on the way between critical points"
            return (REPRODUCED, "") if yes(chance) else (NOT, "chance would have them as near")

        return Case(numbers, [near, chance], weigh)


def gap_places(beta: Float64[np.ndarray, "networks layers"], curve: Curve) -> Float64[np.ndarray, "networks layers"]:
    """Where each beta is among the curve's critical ones: k at the k-th, and between two on their log axis; NaN where
    it is below the first or above the last, or where they were not looked for.
    """
    known = curve.growing
    if curve.coarse or len(known) < 2:
        return np.full(beta.shape, np.nan)
    at = logarithms(beta)
    places = np.interp(at, np.log(known), np.arange(len(known)), left=np.nan, right=np.nan)
    return np.where(np.isnan(at), np.nan, places)


def from_nearest(places: Float64[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
    """How far places are from the nearest whole number, 1 in the middle between two."""
    return np.asarray(2 * np.abs(places - np.rint(places)))

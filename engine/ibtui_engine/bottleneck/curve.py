"""The IB curve as plain data: what was achieved, the lines that nothing crosses, and where the encoder changes.

Numpy alone: a program can read a curve without loading a compiler. `trace` computes it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ibtui_engine.errors import InvalidValue

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64

ERROR = 1e-6
"""Bits between the lower and the upper curve, unless another is asked for."""


@dataclass(frozen=True, eq=False)
class Curve:
    """The most that a T can know of Y, I(T;Y), for what it knows of X, I(X;T), in bits."""

    name: str
    """The rule's."""
    certified: bool
    """Whether `gap` is proved and the upper curve holds; if not, only the lower one means anything."""
    method: str
    """How it was found, in a sentence."""
    i_xy: float
    """I(X;Y): no T knows more of Y."""
    h_y: float
    """H(Y)."""
    entropy: float
    """H of the classes of equal p(y|x), the minimal sufficient statistic: the curve ends at (`entropy`, `i_xy`)."""
    classes: int
    """How many of them."""
    error: float
    """The lower and the upper curve are at most this far apart, if it is certified; else NaN."""
    critical: float
    """beta at the origin: for a smaller one nothing pays; inf where X says nothing of Y; NaN where it is not known."""
    critical_local: float
    """beta at which the one decoder would split in two; at least `critical`. NaN where it is not known."""
    critical_decoder: float
    """p(y=1|t) of the decoder that appears at `critical`. NaN where it is not known."""
    tolerance: float
    """Bifurcations are located to this relative accuracy of beta; NaN where they were not looked for."""
    beta: Float64[np.ndarray, " points"]
    """Ascending. I(X;T) and I(T;Y) are those of the optimal encoder for each."""
    i_x: Float64[np.ndarray, " points"]
    """I(X;T), achieved."""
    i_y: Float64[np.ndarray, " points"]
    """I(T;Y), achieved."""
    gap: Float64[np.ndarray, " points"]
    """Certified: I(X;T) − beta I(T;Y) is within this many bits of its minimum. NaN where it is not."""
    support: Int64[np.ndarray, " points"]
    """Values t of the encoder."""
    intercept: Float64[np.ndarray, " points"]
    """No T has an I(T;Y) above `intercept` + I(X;T) / beta. NaN where that is not certified."""
    bifurcations: Float64[np.ndarray, "bifurcations 3"]
    """beta where the support changes, and the support below and above it; ascending."""
    segments: Float64[np.ndarray, "segments 5"]
    """Straight pieces that one beta holds: beta, and I(X;T), I(T;Y) at both ends."""

    @property
    def exact(self) -> bool:
        """Whether it is a closed form, with no error at all."""
        return self.error == 0.0

    @property
    def coarse(self) -> bool:
        """Whether it is a first look with few betas, of which bifurcations were not looked for."""
        return math.isnan(self.tolerance)

    @property
    def growing(self) -> Float64[np.ndarray, " n"]:
        """The critical betas: of the origin and where the support grows; ascending."""
        changes = self.bifurcations
        grown = changes[changes[:, 2] > changes[:, 1], 0]
        first = [self.critical] if math.isfinite(self.critical) else []
        return np.asarray(np.unique(np.concatenate([first, grown])))

    @cached_property
    def corners(self) -> Float64[np.ndarray, "corners 2"]:
        """The lower curve's corners: achieved points, with the origin and the end, of which none lies below a chord."""
        x = np.concatenate([[0.0], self.i_x, [self.entropy]])
        y = np.concatenate([[0.0], self.i_y, [self.i_xy]])
        order = np.lexsort((-y, x))
        hull: list[tuple[float, float]] = [(0.0, 0.0)]
        for here in zip(x[order].tolist(), y[order].tolist(), strict=True):
            if here[0] <= hull[-1][0] or here[1] <= hull[-1][1]:
                continue
            while len(hull) > 1 and _turns_left(hull[-2], hull[-1], here):
                hull.pop()
            hull.append(here)
        return np.array(hull)

    def lower(self, i_x: Float64[np.ndarray, "*shape"] | float) -> Float64[np.ndarray, "*shape"]:
        """I(T;Y) that is achieved at I(X;T), by mixing the two encoders of a chord. NaN for NaN."""
        corners = self.corners
        return np.asarray(np.interp(i_x, corners[:, 0], corners[:, 1]))

    def upper(self, i_x: Float64[np.ndarray, "*shape"] | float) -> Float64[np.ndarray, "*shape"]:
        """I(T;Y) that nothing exceeds at I(X;T). NaN for NaN."""
        x = np.asarray(i_x, np.float64)
        best = np.minimum(np.maximum(x, 0.0), self.i_xy)
        for beta, intercept in zip(self.beta.tolist(), self.intercept.tolist(), strict=True):
            if not math.isnan(intercept):
                best = np.minimum(best, intercept + x / beta)
        return np.where(np.isnan(x), np.nan, best)

    def apart(self) -> float:
        """The largest distance in bits between the lower and the upper curve; NaN where that is not certified.

        `error` is what was asked for, or proved at most; this is taken from the points and lines themselves.
        """
        if not self.certified:
            return math.nan
        corners = self.corners[:, 0]
        lines = np.isfinite(self.intercept)
        slope = np.concatenate([[1.0, 0.0], 1.0 / self.beta[lines]])
        height = np.concatenate([[0.0, self.i_xy], self.intercept[lines]])
        one, other = np.triu_indices(len(slope), 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            crossings = (height[other] - height[one]) / (slope[one] - slope[other])
        inside = crossings[(crossings > 0) & (crossings < self.entropy)]
        return max((float((self.upper(x) - self.lower(x)).max()) for x in (corners, inside) if len(x)), default=0.0)

    def with_error(self, error: float) -> Curve:
        """The same curve with this as its stated error."""
        return replace(self, error=error)

    def i_y_at(self, i_x: float) -> tuple[float, float]:
        """The lower and the upper curve at I(X;T), bits."""
        return float(self.lower(i_x)), float(self.upper(i_x))

    def beta_at(self, i_x: Float64[np.ndarray, "*shape"] | float) -> Float64[np.ndarray, "*shape"]:
        """One over the curve's slope at I(X;T): bits of I(X;T) that a bit of I(T;Y) costs; inf where it is flat."""
        x = np.asarray(i_x, np.float64)
        corners = self.corners
        if len(corners) < 2:
            return np.full(x.shape, np.inf)
        run, rise = np.diff(corners, axis=0).T
        piece = np.searchsorted(corners[:, 0], x, side="right") - 1
        slopes = np.append(run / rise, np.inf)
        return np.where(np.isnan(x), np.nan, slopes[np.clip(piece, 0, len(slopes) - 1)])

    def below(
        self, i_x: Float64[np.ndarray, "*shape"], i_y: Float64[np.ndarray, "*shape"]
    ) -> tuple[Float64[np.ndarray, "*shape"], Float64[np.ndarray, "*shape"]]:
        """How far points of the plane lie below the lower curve, in bits of I(T;Y), and in the bits of I(X;T) that this
        would cost at the curve's slope above them: NaN where it is flat.
        """
        distance = self.lower(i_x) - i_y
        resolved = self.i_x[-1] if len(self.i_x) else 0.0
        cost = np.where(i_x <= resolved, self.beta_at(i_x), np.inf)  # beyond, it is flat to within its error
        known = np.isfinite(cost)
        return distance, np.where(known, distance * np.where(known, cost, 0.0), np.nan)

    def point_at(
        self, beta: Float64[np.ndarray, "*shape"] | float
    ) -> tuple[Float64[np.ndarray, "*shape"], Float64[np.ndarray, "*shape"]]:
        """I(X;T) and I(T;Y) of the optimal encoder at beta, between the solved betas by log beta.

        The origin below the critical beta; above the last beta the last point, which is within `error` of I(X;Y).
        """
        if not len(self.beta):
            return np.where(np.isnan(beta), np.nan, 0.0), np.where(np.isnan(beta), np.nan, 0.0)
        b = np.asarray(beta, np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            at, known = np.log(b), np.log(self.beta)
        left = 0.0 if not math.isnan(self.critical) else None
        x = np.asarray(np.interp(at, known, self.i_x, left=left))
        y = np.asarray(np.interp(at, known, self.i_y, left=left))
        return np.where(np.isnan(b), np.nan, x), np.where(np.isnan(b), np.nan, y)

    def nearest(self, i_x: float, i_y: float) -> tuple[float, float]:
        """The point of the lower curve, which goes on flat beyond its end, that is nearest to a point of the plane."""
        corners = np.vstack([self.corners, [max(self.entropy, i_x), self.i_xy]])
        here = np.array([i_x, i_y])
        start, step = corners[:-1], np.diff(corners, axis=0)
        length = (step**2).sum(axis=1)
        part = ((here - start) * step).sum(axis=1) / np.where(length > 0, length, 1.0)
        feet = start + np.clip(part, 0.0, 1.0)[:, None] * step
        best = feet[((feet - here) ** 2).sum(axis=1).argmin()]
        return float(best[0]), float(best[1])

    def nearest_critical(self, beta: Float64[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
        """Of the critical betas the one nearest to each beta, by their ratio; NaN where there is none, or where they
        were not looked for.
        """
        known = self.growing
        b = np.asarray(beta, np.float64)
        if not known.size or self.coarse:
            return np.full(b.shape, np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            apart = np.abs(np.log(b)[..., None] - np.log(known))
            apart = np.where(np.isfinite(apart), apart, np.inf)
        return np.where(np.isfinite(b) & (b > 0), known[apart.argmin(axis=-1)], np.nan)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, None where there is no number; `from_dict` reads them back."""
        return {field.name: plain(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Curve:
        """The inverse of `to_dict`.

        Raises:
            InvalidValue: a value is missing or is not what it should be.
        """
        shapes = {"bifurcations": (-1, 3), "segments": (-1, 5)}
        arrays = ("beta", "i_x", "i_y", "gap", "support", "intercept", *shapes)
        numbers = ("i_xy", "h_y", "entropy", "error", "critical", "critical_local", "critical_decoder", "tolerance")
        try:
            read: dict[str, Any] = {name: array(values[name]).reshape(shapes.get(name, (-1,))) for name in arrays}
            read["support"] = read["support"].astype(np.int64)
            read |= {name: float(array(values[name])) for name in numbers}
            read |= {"name": str(values["name"]), "method": str(values["method"])}
            read |= {"certified": bool(values["certified"]), "classes": int(values["classes"])}
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidValue(f"this is not a curve: {error}") from None
        if len({read[name].size for name in arrays[:6]}) != 1:
            raise InvalidValue("this is not a curve: its columns are not of one length")
        return cls(**read)


@dataclass(frozen=True, eq=False)
class SampledBound:
    """The bound of one sample fraction: means over samples, bits."""

    fraction: float
    samples: int
    beta: Float64[np.ndarray, " betas"]
    i_x: Float64[np.ndarray, " betas"]
    """I(X;T) of the samples' optimal encoders under the true p(x), mean over samples."""
    i_y: Float64[np.ndarray, " betas"]
    """I(T;Y) of them under the true rule."""
    error: Float64[np.ndarray, " betas"]
    """Standard error of `i_y` over samples; NaN for one."""
    promised: Float64[np.ndarray, " betas"]
    """I(T;Y) of them under the sample's own distribution: what the sample promises."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, None where there is no number."""
        return {field.name: plain(getattr(self, field.name)) for field in fields(self)}


def plain(value: Any) -> Any:
    """Numbers and lists for JSON: None where there is no number, texts for infinities."""
    if isinstance(value, np.ndarray):
        return [plain(one) for one in value.tolist()]
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def array(value: Any) -> Float64[np.ndarray, "*shape"]:
    """The inverse of `plain`, of numbers and lists of them."""
    return np.asarray(_numbers(value), np.float64)


def _numbers(value: Any) -> Any:
    if isinstance(value, list):
        return [_numbers(one) for one in value]
    return math.nan if value is None else value


def _turns_left(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    """Whether b lies on or below the line from a to c."""
    return (b[0] - a[0]) * (c[1] - a[1]) >= (b[1] - a[1]) * (c[0] - a[0])

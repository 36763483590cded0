"""The estimators of information in arrays, with their settings. Standard library only: captions and readers of sessions
need no numerics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ibtui_engine.errors import InvalidValue, either, shown
from ibtui_engine.setting import is_whole
from ibtui_engine.settings import (
    BINNED,
    DEFAULT_NOISE,
    DEFAULT_RELATIVE_NOISE,
    DEFAULT_SAMPLES,
    DEFAULT_WIDTH,
    MOST_SAMPLES,
    NOISE_SCALES,
    NOISY,
    SETTINGS,
    USED_BY,
)

SETTING_OF = {
    "bins": "bins",
    "noise": "noise",
    "scale": "noise_scale",
    "samples": "noise_samples",
    "width": "kernel_width",
}
"""What the settings of an estimator are called among those of an experiment."""
MOST_FURTHER = 15
"""Estimators that a recording is measured by beside its own."""
USED = {**{name: USED_BY[setting] for name, setting in SETTING_OF.items()}, "seed": ("gauss", "renyi", "probe")}
"""Which estimators use a setting."""


@dataclass(frozen=True, kw_only=True)
class Estimation:
    """How information is measured.

    Raises:
        InvalidValue: a value is outside its range, or the estimator does not use it.
    """

    estimator: str = "binning"
    """One of `ESTIMATORS`."""
    bins: int = 30
    """Intervals for a unit's output; of the estimators in `BINNED` alone."""
    noise: float | None = None
    """Variance of the noise of `kde` and `gauss`, in multiples of `scale`; None is 0.001 absolute for `kde`, and 0.03
    of the layer for `gauss`."""
    scale: str | None = None
    """One of `NOISE_SCALES`; None is `absolute` where `noise` is given."""
    samples: int = DEFAULT_SAMPLES
    """Draws of noise of `gauss`, at least 2: its error falls with their root."""
    width: float = DEFAULT_WIDTH
    """Width of the kernel of `renyi`, in medians of the distance between two patterns."""
    seed: int = 0
    """Of what is drawn: the noise of `gauss`, the patterns that `renyi` compares, the parts that `probe` holds out."""

    def __post_init__(self) -> None:
        SETTINGS["estimator"].require("estimator", self.estimator)
        SETTINGS["bins"].require("bins", self.bins)
        if self.noise is not None:
            SETTINGS["noise"].require("noise", self.noise)
            if self.estimator not in NOISY:
                raise InvalidValue(f"noise applies only to {either(NOISY)}, not to {self.estimator}")
        if self.scale is not None and self.scale not in NOISE_SCALES:
            raise InvalidValue(f"scale must be {either(NOISE_SCALES)}, got {shown(self.scale)}")
        if self.scale is not None and self.noise is None:
            raise InvalidValue("scale is what noise is a multiple of: give noise, too")
        if not is_whole(self.samples) or not 2 <= self.samples <= MOST_SAMPLES:
            raise InvalidValue(f"samples must be a whole number from 2 to {MOST_SAMPLES}, got {shown(self.samples)}")
        if not isinstance(self.width, int | float) or not 1e-3 <= self.width <= 1e3:
            raise InvalidValue(f"width must be a number from 0.001 to 1000, got {shown(self.width)}")
        if not is_whole(self.seed) or not 0 <= self.seed < 2**63:
            raise InvalidValue(f"seed must be a whole number from 0 to 2^63 − 1, got {shown(self.seed)}")

    @classmethod
    def chosen(cls, estimator: str, **settings: Any) -> Estimation:
        """An estimator with the settings that somebody has chosen for it, each of which must be one that it uses.

        Raises:
            InvalidValue: it is none, or does not use one of them, or a value is outside its range.
            TypeError: there is no such setting.
        """
        SETTINGS["estimator"].require("estimator", estimator)
        for name in settings:
            if estimator not in USED.get(name, (estimator,)):
                raise InvalidValue(f"{name} applies only to {either(USED[name])}, not to {estimator}")
        return cls(estimator=estimator, **settings)

    def to_dict(self) -> dict[str, Any]:
        """What the estimator uses, as plain values for JSON."""
        found = asdict(self)
        if self.estimator in NOISY:
            found["noise"], found["scale"] = self.relative_noise
        return {name: value for name, value in found.items() if self.estimator in USED.get(name, (self.estimator,))}

    @property
    def text(self) -> str:
        """In a few words, such as `gauss, noise 0.03 of the layer's variance`; of what is no Shannon information of the
        layer, that it is none.
        """
        if self.estimator in BINNED:
            return f"{self.estimator}, {self.bins} bins"
        if self.estimator in NOISY:
            return f"{self.estimator}, noise {self.noise_text}"
        if self.estimator == "renyi":
            return f"renyi, kernel {self.width:g} of the median distance: no Shannon information, no IB curve bounds it"
        if self.estimator == "probe":
            return "probe, a linear classifier on held-out patterns: a lower bound of I(T;Y), no I(X;T)"
        return self.estimator

    @property
    def noise_text(self) -> str:
        """The variance of the noise, with what it is a multiple of: `0.03 of the layer's variance`."""
        noise, scale = self.relative_noise
        of = {"absolute": "", "unit": " of a unit's variance", "layer": " of the layer's variance"}[scale]
        return f"{noise:g}{of}"

    @property
    def relative_noise(self) -> tuple[float, str]:
        """The variance of the noise in multiples of a scale, and which of `NOISE_SCALES` that is."""
        if self.noise is not None:
            return float(self.noise), self.scale or "absolute"
        return (DEFAULT_NOISE, "absolute") if self.estimator == "kde" else (DEFAULT_RELATIVE_NOISE, "layer")


Further = Sequence[str | Mapping[str, Any] | Estimation]
"""Estimators that measure beside another: each by its name, or with settings in a dictionary."""


def further_estimations(first: Estimation, also: Further) -> tuple[Estimation, ...]:
    """Estimators that measure beside the first.

    Raises:
        InvalidValue: one is none, or is there twice, or there are too many.
    """
    if isinstance(also, str | Mapping) or not isinstance(also, Sequence) or len(also) > MOST_FURTHER:
        raise InvalidValue(f"also must be a list of up to {MOST_FURTHER} estimators, got {shown(also)}")
    found = [first]
    for given in also:
        one = given if isinstance(given, Estimation) else _further(given)
        if one.to_dict() in [other.to_dict() for other in found]:
            raise InvalidValue(f"also must have estimators that differ, got {one.text} twice")
        found.append(one)
    return tuple(found[1:])


def _further(given: object) -> Estimation:
    settings: dict[Any, Any] = dict(given) if isinstance(given, Mapping) else {"estimator": given}
    known = ("estimator", *USED)
    if strange := [name for name in settings if name not in known]:
        raise InvalidValue(f"a setting of also must be {either(known)}, got {shown(strange[0])}")
    if "estimator" not in settings:
        raise InvalidValue(f"also must say which estimator, got {shown(given)}")
    return Estimation.chosen(**settings)


def estimator_names(estimations: Sequence[Estimation]) -> tuple[str, ...]:
    """What each is called: by its estimator; a second one of the same is `kde-2`."""
    before: dict[str, int] = {}
    found = []
    for one in estimations:
        before[one.estimator] = number = before.get(one.estimator, 0) + 1
        found.append(one.estimator if number == 1 else f"{one.estimator}-{number}")
    return tuple(found)

"""Caveats of a session's numbers: estimates at their ceiling, inequalities that estimates break, saturated inputs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ibtui_engine.layer_names import layer_name
from ibtui_engine.measures.checks import (
    ERRORS,
    ESTIMATES,
    WHY_CEILING,
    WHY_VIOLATION,
    Ceiling,
    Violation,
    broken_snapshots,
    ceilings,
    layers_at_ceiling,
    violations,
)
from ibtui_engine.rules.image_files import PARTS
from ibtui_engine.settings import BOUNDED

if TYPE_CHECKING:
    from ibtui_engine.experiment import Experiment
    from ibtui_engine.session.ensemble import RecordedEnsemble
    from ibtui_engine.session.summary import RuleSummary

BATCHES = 8
"""Batches in an epoch, at least, with the size that is recommended where there is only one."""
SATURATED = 0.5
"""Share of the first layer's outputs near their bounds before training, above which it hardly learns."""


@dataclass(frozen=True)
class Caveats:
    """Of one ensemble."""

    estimator: str
    sample: str | None
    """Where P(X,Y) is a sample and no known rule: what that means for the numbers."""
    ceilings: tuple[Ceiling, ...]
    """At the epoch shown."""
    violations: tuple[Violation, ...]
    """At the epoch shown."""
    elsewhere: int
    """Snapshots up to the last with a violation, of `snapshots`."""
    snapshots: int
    layers: int
    """Of the networks, the output included."""
    saturated: float | None = None
    """Share of the first hidden layer's outputs that are near their bounds before training, where it is too large."""
    names: tuple[str, ...] = ()
    """Of the layers; without them they are numbered."""
    one_batch: int | None = None
    """Patterns of the sample, where a batch is larger than that, so that an epoch is one batch without being asked to.
    """
    quantised: bool = False
    """Whether the networks round their outputs, which `exact` then measures as they are."""

    def name(self, layer: int) -> str:
        """A layer, counted from 1, as people read of it."""
        return self.names[layer - 1] if self.names else layer_name(layer, self.layers)


def caveats(of: RecordedEnsemble, epoch: int, *, elsewhere: int | None = None) -> Caveats:
    """The caveats of an ensemble at one of its epochs; `elsewhere`: what `broken` returns, where that is known."""
    history = of.layers
    row = np.flatnonzero(history.epochs == epoch)
    found: tuple[Ceiling, ...] = ()
    estimator = of.measured_by
    if row.size:
        columns = {name: getattr(history, name)[row[0]] for name in ESTIMATES}
        reached = layers_at_ceiling(estimator, columns, of.h_x, of.i_xy)
        found = ceilings(reached, np.isfinite(columns["i_y" if estimator == "probe" else "i_x"]))
    here = () if of.ensemble.recorded else violations(*_checked(of, row))
    count = broken(of) if elsewhere is None else elsewhere
    return Caveats(
        estimator,
        sample_caveat(of.ensemble.rule, of.summary.experiment),
        found,
        here,
        count,
        len(history.epochs),
        history.i_x.shape[-1],
        _saturated(of),
        of.layer_names,
        _one_batch(of),
        not of.ensemble.recorded and of.ensemble.settings.bits > 0,
    )


def _saturated(of: RecordedEnsemble) -> float | None:
    """The share of the first layer's outputs that are saturated at epoch 0, mean over the networks, where it is more
    than `SATURATED`; of activations with two bounds and networks with a hidden layer.
    """
    history, bounded = of.layers, of.ensemble.settings.activation in BOUNDED
    if not bounded or history.i_x.shape[-1] < 2 or not len(history.epochs) or history.epochs[0] != 0:
        return None
    shares = history.saturated[0, :, 0]
    share = float(shares[np.isfinite(shares)].mean()) if np.isfinite(shares).any() else 0.0
    return share if share > SATURATED else None


def _one_batch(of: RecordedEnsemble) -> int | None:
    """The size of the sample where it is at most that of a batch, and more than one pattern; None where it is not."""
    batch, size = of.ensemble.settings.batch, of.ensemble.sample_size
    return None if of.ensemble.recorded or batch == "full" or not 1 < size <= batch else size


def sample_caveat(rule: RuleSummary, experiment: Experiment) -> str | None:
    """What it means for the numbers that P(X,Y) is a sample; None where it is a rule."""
    if not rule.sample:
        return None
    if rule.settings.name.of_table:
        return (
            f"P(X,Y) is a sample, {rule.patterns} rows of a table in which every pattern has one label: so I(X;Y) = "
            f"H(Y), no I(X;T) is above {rule.h_x:.4g} bits, and a layer that tells all patterns apart has that, and "
            "I(T;Y) = H(Y), whatever it computes"
        )
    if rule.settings.name.of_recording:
        return (
            f"P(X,Y) is that of the {rule.patterns} patterns that were measured: no I(X;T) is above {rule.h_x:.4g} "
            f"bits, and no I(T;Y) above {rule.i_xy:.4g} bits; a layer that tells all patterns apart has both, whatever "
            "it computes"
        )
    parts = [f"{int(number)} {name}" for name, number in rule.parameters.items() if name in PARTS]
    of = f"{' and '.join(parts)} images" if parts else f"{rule.patterns} images"
    measured = experiment.measured
    some = f", of which {measured} are measured," if measured and measured < rule.patterns else ""
    return (
        f"P(X,Y) is a sample, {of}{some} each with its one label: no I(X;T) is above log2 of their number, "
        f"{rule.h_x:.4g} bits, and a layer that tells all of them apart has that, and I(T;Y) = H(Y), whatever it "
        "computes"
    )


def broken(of: RecordedEnsemble) -> int:
    """At how many snapshots an inequality is broken."""
    if of.ensemble.recorded:  # its layers need be no chain: they may lie beside one another, or skip some
        return 0
    return broken_snapshots(*_checked(of, slice(None)))


def _checked(of: RecordedEnsemble, rows: Any) -> tuple[Any, ...]:
    """What the inequalities are checked with, at some snapshots; of what is sampled, within its errors."""
    history = of.layers
    upper, lower = [], []
    for name in ("i_x", "i_y"):
        value, least, error = (getattr(history, f"{name}{of_it}")[rows] for of_it in ("", "_lower", "_error"))
        sampled = np.isfinite(error)
        upper.append(np.where(sampled, value + ERRORS * error, value))
        lower.append(np.where(sampled, value - ERRORS * error, least))
    return *upper, of.h_x, of.i_xy, *lower


def as_lines(found: Caveats) -> list[str]:
    """The caveats as people read them, one line each."""
    lines = []
    if found.sample:
        lines.append(f"note: {found.sample}")
    if found.saturated is not None:
        lines.append(
            f"note: the first layer is saturated from epoch 0: {found.saturated:.0%} of its outputs are near their "
            "bounds, where gradients vanish; scale the inputs (of a table: --scale standard), or begin with smaller "
            "weights by --init-scale"
        )
    if found.one_batch:
        smaller = 2 ** max((found.one_batch // BATCHES).bit_length() - 1, 0)
        lines.append(
            f"note: an epoch is one batch, of all {found.one_batch} patterns in the sample, so gradients have no SNR, "
            f"and drift cannot be told from diffusion; smaller batches change that: --batch {smaller}"
        )
    if found.ceilings:
        layers = ", ".join(
            found.name(c.layer) + ("" if c.networks == c.of else f" in {c.networks} of {c.of} networks")
            for c in found.ceilings
        )
        what = "nothing more can be read there" if found.estimator == "probe" else "I(X;T) says nothing there"
        if found.estimator == "exact" and found.quantised:
            what = "nothing is compressed there"
        lines.append(f"note: at the ceiling: {layers}: {WHY_CEILING[found.estimator]}, so {what}")
    if found.violations:
        told = "; ".join(_exceeds(one, found) for one in found.violations)
        lines.append(f"note: against the data processing inequality: {told}")
    if found.elsewhere:
        lines.append(
            f"note: the inequality fails at {found.elsewhere} of {found.snapshots} snapshots: "
            f"{WHY_VIOLATION[found.estimator]}"
        )
    return lines


def _exceeds(violation: Violation, found: Caveats) -> str:
    def name(layer: int) -> str:
        if layer == 0:
            return "H(X)" if violation.quantity == "i_x" else "I(X;Y)"
        told = found.name(layer)
        return f"I(X;{told})" if violation.quantity == "i_x" else f"I({told};Y)"

    mean = f", {violation.of_means:.2g} in the mean" if violation.of_means > 0 else ""
    return (
        f"{name(violation.layer)} is above {name(violation.below)} in {violation.networks} of {violation.of} networks, "
        f"by up to {violation.largest:.2g} bits{mean}"
    )


def as_plain(found: Caveats) -> dict[str, Any]:
    """The caveats as plain values: what it means that P(X,Y) is a `sample` (None where it is a rule), `ceilings` and
    `violations` at the epoch shown, how many snapshots have any, the share of the first layer's outputs that are
    `saturated_at_start` (None where it is small), and the size of the sample where it is `one_batch` (else None).
    """
    return {
        "saturated_at_start": found.saturated,
        "sample": found.sample,
        "ceilings": [asdict(ceiling) for ceiling in found.ceilings],
        "violations": [asdict(violation) for violation in found.violations],
        "snapshots_with_violations": found.elsewhere,
        "one_batch": found.one_batch,
    }

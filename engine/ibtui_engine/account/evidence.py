"""What claims are judged by: one ensemble as recorded, and what follows from its weights, which is worked out once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float64

from ibtui_engine.errors import InvalidValue
from ibtui_engine.noise import NoiseErrors, noise_of
from ibtui_engine.session.history import SessionReader
from ibtui_engine.settings import GRID, SETTINGS
from ibtui_engine.threads import Threads, usable_cores

if TYPE_CHECKING:
    from ibtui_engine.bottleneck.curve import Curve
    from ibtui_engine.bottleneck.fits import LayerFits
    from ibtui_engine.phases.diffusion import Displacements, LayerDiffusion
    from ibtui_engine.session.ensemble import RecordedEnsemble

INCIDENTAL = frozenset({"networks", "seed", "snapshots", "snapshot_at", "weights", "trainer", "device"})
"""Settings in which ensembles may differ that are compared with each other."""

MOST_CLASSES = 500
"""Of p(y|x), up to which an IB curve is a matter of seconds."""
SAMPLED_BETAS = np.geomspace(1.0, 1000.0, 16)
"""Of the points that the finite-sample curve of a sample is drawn through."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """One ensemble."""

    of: RecordedEnsemble
    threads: int | None = None
    """For what takes computing; None takes all cores."""
    patient: bool = True
    """Whether to compute an IB curve that takes minutes; where not, what needs one raises InvalidValue."""

    @cached_property
    def moves(self) -> tuple[tuple[LayerDiffusion, ...], Displacements]:
        """How the weights move after the transition, by layer and of every network."""
        return self.of.diffusion()

    @cached_property
    def by_noise(self) -> Float64[np.ndarray, "networks layers"]:
        """Squared displacement after the transition over what the batches' noise alone would make; of SGD alone."""
        from ibtui_engine.phases.diffusion import by_noise

        of, moves = self.of, self.moves[1]
        weights = [inputs * units for inputs, units in pairwise((of.ensemble.rule.inputs, *of.widths))]
        rows = np.searchsorted(of.layers.epochs, moves.epochs)
        noise = (of.layers.grad_std * of.layers.weight_norm)[rows]
        rate = float(self.setting("learning_rate"))
        found = by_noise(moves, weights, noise, batches=of.batches, learning_rate=rate)
        return found if self.setting("optimizer") == "sgd" else np.full_like(found, np.nan)

    @cached_property
    def _dear(self) -> str:
        from ibtui_engine.bottleneck.kept import Classes, kept_curve

        with self.of.open() as reader:
            rule = reader.measured_rule(self.of.ensemble.rule.number)
        classes = len(Classes.of(rule).weights)
        if classes <= MOST_CLASSES or kept_curve(rule) is not None:
            return ""
        return f"the IB curve of {classes} classes takes minutes: ibtui map NAME --renew computes it"

    def require_curve(self) -> None:
        """Refuse what needs an IB curve that takes minutes, where nobody waits for it: InvalidValue."""
        if not self.patient and self._dear:
            raise InvalidValue(self._dear)

    @cached_property
    def fits(self) -> LayerFits:
        """beta* of the converged layers."""
        self.require_curve()
        return self.of.fits(threads=self.threads, require_beta=True)

    @cached_property
    def curve(self) -> Curve:
        """The IB curve of what the layers were measured on."""
        from ibtui_engine.bottleneck.kept import find_curve

        self.require_curve()
        with self.of.open() as reader:
            return find_curve(reader.measured_rule(self.of.ensemble.rule.number))

    @cached_property
    def attained(self) -> Float64[np.ndarray, "networks layers"]:
        """I(T;Y) at the last snapshot's I(X;T) on the finite-sample curve of each network's own sample, bits."""
        from ibtui_engine.bottleneck.sampling import attained, sample_points

        of = self.of
        with of.open() as reader:
            rule, seeds = reader.rule(of.ensemble.rule.number), tuple(reader.seeds(of.ensemble))
        threads = Threads(self.threads or usable_cores())
        try:
            i_x, i_y, _ = sample_points(rule, of.ensemble.fraction, seeds, threads, SAMPLED_BETAS)
        finally:
            threads.close()
        points = zip(of.layers.i_x[-1], i_x, i_y, strict=True)
        return np.array([attained(layers, np.stack([x, y])) for layers, x, y in points])

    @cached_property
    def noise(self) -> NoiseErrors:
        """What noise in the weights does."""
        threads = Threads(self.threads or usable_cores())
        try:
            with SessionReader(self.of.summary.path) as reader, reader.moment():
                return noise_of(reader, self.of.ensemble, threads)
        finally:
            threads.close()

    def setting(self, name: str) -> Any:
        """A setting of the experiment; of those that it repeats, the ensemble's own value. Of networks, those there."""
        if name == "networks":
            return self.of.ensemble.networks
        return getattr(self.of.ensemble.settings if name in GRID else self.of.summary.experiment, name)

    def alike(self, spans: Collection[str], *, paired: bool) -> tuple[Any, ...]:
        """What ensembles have in common that may be compared: all settings but those that the comparison spans, and
        networks and seeds too where they are compared network by network.
        """
        free = INCIDENTAL - {"networks", "seed"} if paired else INCIDENTAL
        return tuple(self.setting(name) for name in SETTINGS if name not in free and name not in spans)

"""What claims need of an ensemble that they are judged on. A condition says why an ensemble does not meet it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.phases.diffusion import LEAST_INPUTS

if TYPE_CHECKING:
    from ibtui_engine.session.ensemble import RecordedEnsemble


@dataclass(frozen=True)
class Condition:
    """One thing that an ensemble must have."""

    needs: str
    """As it follows `needs`: `at least 2 networks`."""
    here: Callable[[RecordedEnsemble], str]
    """What the ensemble has instead, in words; empty where it has what is needed."""

    def lacking(self, of: RecordedEnsemble) -> str:
        """Why the ensemble cannot be judged; empty where it can."""
        here = self.here(of)
        return f"needs {self.needs} (here: {here})" if here else ""


def measured_until(epoch: int) -> Condition:
    """Measured up to an epoch at least."""

    def here(of: RecordedEnsemble) -> str:
        last = of.ensemble.snapshots[-1] if of.ensemble.snapshots else 0
        return "" if last >= epoch else f"measured up to epoch {last}"

    return Condition(f"at least {epoch} epochs", here)


def setting(name: str, value: object) -> Condition:
    """A setting of the ensemble that has one value."""

    def here(of: RecordedEnsemble) -> str:
        found = getattr(of.ensemble.settings, name)
        return "" if found == value else str(found)

    return Condition(f"{name} {value}", here)


def of_rule(name: str) -> Condition:
    """One of the built-in rules."""
    return Condition(f"the rule {name}", lambda of: "" if _rule(of) == name else _rule(of))


def other_rule_than(*names: str) -> Condition:
    """Any rule but some."""
    but = " and ".join(names)
    return Condition(f"a rule other than {but}", lambda of: _rule(of) if _rule(of) in names else "")


def _rule(of: RecordedEnsemble) -> str:
    return of.ensemble.rule.settings.name.short


def _from_data(of: RecordedEnsemble) -> bool:
    return of.ensemble.rule.settings.name.kind != "built-in"


def _orbits(of: RecordedEnsemble) -> str:
    return "" if np.isfinite(of.layers.i_orbit).any() else "not recorded"


def _related(of: RecordedEnsemble) -> str:
    inputs = (of.ensemble.rule.inputs, *of.widths)
    there = any(n >= LEAST_INPUTS and units >= 2 for n, units in zip(inputs, of.widths, strict=False))
    return "" if there else "-".join(map(str, inputs))


SEVERAL_NETWORKS = Condition("at least 2 networks", lambda of: "" if of.ensemble.networks >= 2 else "one")
A_HIDDEN_LAYER = Condition("at least one hidden layer", lambda of: "" if of.hidden_layers else "none")
MEASURED = Condition("a measured epoch", lambda of: "" if of.ensemble.snapshots else "none yet")
BATCHES = Condition("several batches in an epoch", lambda of: "" if of.batches > 1 else "one")
ONE_BATCH = Condition("one batch in an epoch", lambda of: "" if of.batches == 1 else f"{of.batches}")
WEIGHTS = Condition("kept weights", lambda of: "" if of.summary.experiment.weights else "none kept")
TWO_LABELS = Condition("two labels", lambda of: "" if of.ensemble.rule.labels == 2 else f"{of.ensemble.rule.labels}")
BUILT_IN = Condition("a built-in rule", lambda of: _rule(of) if _from_data(of) else "")
ORBITS = Condition("I(T;orbit)", _orbits)
STOCHASTIC = Condition("stochastic units", lambda of: "" if of.ensemble.settings.stochastic else "deterministic ones")
FROM_DATA = Condition("a rule from data", lambda of: "" if _from_data(of) else _rule(of))
PAIRS_OF_NEURONS = Condition(f"a layer of several neurons with at least {LEAST_INPUTS} inputs", _related)

"""How networks are shared out among cohorts changes no bit of what they come to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ibtui_engine.cluster.plan import joined
from ibtui_engine.cohort import Cohort, Snapshot, Study
from ibtui_engine.experiment import Experiment
from ibtui_engine.networks import Architecture
from ibtui_engine.runner import load_rules
from ibtui_engine.session.columns import LAYER, LEARNING
from ibtui_engine.session.limits import CohortRow
from ibtui_engine.threads import Threads
from ibtui_engine.training.choice import choose
from tests.tiers import first

BASE = Experiment(
    rule="symmetric-soft",
    hidden=((4, 3),),
    fraction=(0.05,),
    networks=5,
    seed=5,
    epochs=6,
    batch=64,
    learning_rate=0.3,
    snapshot_at=(1, 4),
)
KINDS: list[dict[str, Any]] = [
    {"optimizer": ("adam",), "dropout": (0.1,)},
    {"units": "stochastic"},
    {"optimizer": ("momentum",), "sampling": ("gaussian",), "estimator": "kde"},
    {"estimator": "gauss"},
    {"activation": ("relu",), "estimator": "quantile"},
    {"optimizer": ("metropolis",), "relax_from": 3},
]


def snapshots(experiment: Experiment, first_network: int, networks: int, threads: int) -> list[Snapshot]:
    """Of some of the networks, trained by themselves."""
    rules = load_rules(experiment)
    study = Study(experiment, rules, dict.fromkeys(rules))
    ensemble = experiment.ensembles[0]
    how = choose("auto", "cpu", Architecture.of_ensemble(rules[ensemble.rule_settings], ensemble))
    pool = Threads(threads)
    cohort = Cohort(study, CohortRow(1, 0, first_network, networks, 0), *how, None, pool)
    found = [cohort.snapshot()]
    while cohort.epoch < experiment.epochs:
        if (reached := cohort.advance(experiment.snapshot_epochs).snapshot) is not None:
            found.append(reached)
    cohort.close()
    pool.close()
    return found


@pytest.mark.parametrize("changes", first(1, KINDS))
def test_networks_come_to_the_same_bits_in_whatever_cohorts(changes: dict[str, Any]) -> None:
    experiment = BASE.override(changes)
    whole = snapshots(experiment, 0, 5, 2)
    apart = [snapshots(experiment, 0, 2, 1), snapshots(experiment, 2, 1, 1), snapshots(experiment, 3, 2, 2)]
    assert len(whole) >= 4
    for k, one in enumerate(whole):
        together = joined([parts[k] for parts in apart])
        assert together.state.epoch == one.state.epoch
        assert np.array_equal(together.state.weights, one.state.weights)
        assert np.array_equal(together.state.slots, one.state.slots)
        for column in (*LAYER, *LEARNING):
            mine, theirs = column.of(together.measured), column.of(one.measured)
            assert (mine is None) == (theirs is None), column.name
            if mine is not None:
                assert np.array_equal(mine, theirs, equal_nan=True), column.name

"""A relaxation beside SGD: changes are those of the same networks, written again network by network."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import Experiment
from ibtui_engine.phases.relaxation import Relaxation, relaxation, relaxation_of
from ibtui_engine.session.columns import LayerHistory, LearningHistory

EPOCHS = np.array([0, 3, 10, 40])
LAYERS, WIDTHS = 2, (4, 1)


def history(seed: int, networks: int = 3, epochs: np.ndarray = EPOCHS) -> tuple[LayerHistory, LearningHistory]:
    random = np.random.default_rng(seed)
    shape = (len(epochs), networks, LAYERS)
    layers = {field.name: random.normal(size=shape) for field in fields(LayerHistory) if field.name != "epochs"}
    learning = {f.name: random.normal(size=shape[:2]) for f in fields(LearningHistory) if f.name != "epochs"}
    return LayerHistory(epochs, **layers), LearningHistory(epochs, **learning)


def compared(*histories: tuple[LayerHistory, LearningHistory], start: int = 3) -> Relaxation:
    return relaxation(histories[0], histories[1] if len(histories) > 1 else None, widths=WIDTHS, start=start)


def test_changes_are_from_the_start_to_the_end_and_differences_network_by_network() -> None:
    relaxed, sgd = history(1), history(2)
    found = compared(relaxed, sgd)
    assert (found.start, found.end) == (3, 40)
    assert found.epochs.tolist() == [3, 10, 40]
    for row in found.layers:
        for change, name in ((row.i_x, "i_x"), (row.i_y, "i_y")):
            one, other = (getattr(h[0], name)[:, :, row.layer - 1] for h in (relaxed, sgd))
            moved, by_sgd = one[3] - one[1], other[3] - other[1]
            assert change.start.mean == pytest.approx(one[1].mean())
            assert change.relaxed.mean == pytest.approx(moved.mean())
            assert change.sgd is not None
            assert change.sgd.mean == pytest.approx(by_sgd.mean())
            assert change.difference is not None
            assert change.difference.mean == pytest.approx((moved - by_sgd).mean())
            assert change.difference.error == pytest.approx((moved - by_sgd).std(ddof=1) / np.sqrt(3))
        assert row.acceptance.mean == pytest.approx(relaxed[0].acceptance[3, :, row.layer - 1].mean())
    assert found.train_loss.relaxed.mean == pytest.approx((relaxed[1].train_loss[3] - relaxed[1].train_loss[1]).mean())
    assert np.array_equal(found.relaxed_i_x, relaxed[0].i_x[1:])
    assert found.sgd_i_y is not None
    assert np.array_equal(found.sgd_i_y, sgd[0].i_y[1:])
    assert found.sgd_losses is not None
    for losses, learned in ((found.relaxed_losses, relaxed[1]), (found.sgd_losses, sgd[1])):
        assert np.array_equal(losses[:, :, 0], learned.train_loss[1:])
        assert np.array_equal(losses[:, :, 1], learned.test_loss[1:])


def test_when_sgd_has_lost_as_much() -> None:
    relaxed, sgd = history(1), history(2)
    relaxed[0].i_x[:, :, 0] = np.array([[9, 9, 9], [5, 5, 5], [4.5, 5, 4.5], [4, 4.91, 2]])  # loses 1, 0.09 and 3 bits
    sgd[0].i_x[:, :, 0] = np.array([[9, 9, 9], [5, 5, 5], [4.5, 4, 4], [3.5, 3, 2.5]])
    found = compared(relaxed, sgd).layers[0].equal_cost
    assert found is not None
    assert (found.count, found.networks) == (1, 3)  # of the others one loses too little, of the last SGD does
    assert found.epoch == pytest.approx(7 + 30 * 0.5)  # half of the way from 4.5 to 3.5 bits, epochs 10 to 40
    relaxed[0].i_x[3, 1, 0] = 4.89
    found = compared(relaxed, sgd).layers[0].equal_cost
    assert found is not None
    assert found.epoch == pytest.approx(np.sqrt(22 * 7 * 0.11))
    assert compared(relaxed).layers[0].equal_cost is None


def test_layers_and_learning_may_have_been_measured_at_other_epochs() -> None:
    (layers, _), (_, learning) = history(1), history(2, epochs=np.array([0, 1, 3, 5, 10, 40]))
    found = compared((layers, learning))
    assert found.layers[0].acceptance.mean == pytest.approx(layers.acceptance[3, :, 0].mean())
    assert found.train_loss.relaxed.mean == pytest.approx((learning.train_loss[5] - learning.train_loss[2]).mean())


@pytest.mark.parametrize("rates", [(0.02, 0.5), (0.5, 0.02)])
def test_an_ensemble_is_compared_with_that_of_sgd_with_the_same_settings(rates: tuple[float, float]) -> None:
    experiment = Experiment(optimizer=("metropolis", "sgd", "momentum"), learning_rate=rates, relax_from=3)
    numbers = [history(seed) for seed in range(len(experiment.ensembles))]
    ensembles = [SimpleNamespace(optimizer=one.optimizer, settings=one, widths=WIDTHS) for one in experiment.ensembles]
    reader = SimpleNamespace(
        summary=SimpleNamespace(ensembles=ensembles, experiment=SimpleNamespace(relaxation_epoch=3)),
        layers=lambda one: numbers[ensembles.index(one)][0],
        learning=lambda one: numbers[ensembles.index(one)][1],
    )
    for k, one in enumerate(ensembles):
        if one.optimizer == "metropolis":
            [other] = [
                j for j, sgd in enumerate(ensembles)
                if sgd.optimizer == "sgd" and sgd.settings.learning_rate == one.settings.learning_rate
            ]  # fmt: skip
            found = relaxation_of(cast("Any", reader), cast("Any", one))
            assert found.sgd_i_x is not None
            assert np.array_equal(found.relaxed_i_x, numbers[k][0].i_x[1:])
            assert np.array_equal(found.sgd_i_x, numbers[other][0].i_x[1:])
    reader.summary.ensembles = ensembles[:1]
    assert relaxation_of(cast("Any", reader), cast("Any", ensembles[0])).sgd_i_x is None


def test_without_sgd_there_is_nothing_to_compare_with() -> None:
    found = compared(history(1))
    assert found.layers[0].i_x.sgd is None
    assert found.layers[0].i_x.difference is None
    assert found.sgd_i_x is None
    assert found.test_accuracy.sgd is None


def test_only_epochs_that_both_have_measured_for_all_networks_count() -> None:
    relaxed, sgd = history(1), history(2, epochs=np.array([0, 3, 10, 20]))
    sgd[0].i_x[2, 1] = np.nan  # a network that has not come that far
    with pytest.raises(InvalidValue, match="no epoch after 3, where the relaxation begins, has been measured"):
        compared(relaxed, sgd)
    sgd[0].i_x[2, 1] = 1.0
    assert compared(relaxed, sgd).end == 10


@pytest.mark.parametrize("start", [40, 50, 4])
def test_a_relaxation_that_has_not_begun_is_refused(start: int) -> None:
    with pytest.raises(InvalidValue, match=f"no epoch after {start}, where the relaxation begins"):
        compared(history(1), start=start)

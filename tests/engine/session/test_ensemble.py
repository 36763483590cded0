"""An ensemble as recorded is what the file has, and what follows from that by plain statistics."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import Experiment
from ibtui_engine.phases.summary import phases
from ibtui_engine.runner import Run, begin
from ibtui_engine.session.ensemble import RecordedEnsemble
from ibtui_engine.session.follow import Follower
from ibtui_engine.session.history import SessionReader

SETTINGS: dict[str, Any] = {"networks": 3, "epochs": 40, "snapshots": 6, "hidden": ((4, 3), (2,))}
EPOCHS = (0, 1, 2, 3, 6, 12, 22, 40)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ensemble") / "a.ibs"
    Run(begin(path, "a", Experiment(**SETTINGS)), threads=1).execute()
    return path


@pytest.fixture(scope="module")
def recorded(path: Path) -> RecordedEnsemble:
    with SessionReader(path) as reader:
        return reader.recorded_ensemble(0)


def test_readers_and_followers_give_the_same(path: Path, recorded: RecordedEnsemble) -> None:
    with SessionReader(path) as reader, Follower(path) as follower:
        every = reader.recorded_ensembles()
        assert [one.ensemble.index for one in every] == [0, 1]
        for one in (every[0], follower.recorded_ensemble(0)):
            assert (one.ensemble, one.widths, one.batches, one.epochs) == (
                recorded.ensemble, recorded.widths, recorded.batches, recorded.epochs
            )  # fmt: skip
            np.testing.assert_array_equal(one.layers.i_x, recorded.layers.i_x)
            np.testing.assert_array_equal(one.learning.train_loss, recorded.learning.train_loss)
        with pytest.raises(InvalidValue, match="ensemble is 2"):
            reader.recorded_ensemble(2)
        for index in (-1, 2):
            with pytest.raises(KeyError):
                follower.recorded_ensemble(index)


@pytest.mark.parametrize(
    ("settings", "examples"),
    [
        ({"batch": 512}, 512 * 3482 / (3482 - 512)),
        ({"batch": 512, "sampling": "gaussian"}, 512 * 3482 / (3482 - 512)),
        ({"batch": 512, "sampling": "replacement"}, 512),
        ({"batch": "full"}, np.inf),
        ({"batch": 3482}, np.inf),
        ({"batch": 3481}, 3481 * 3482),
        ({"batch": 9999}, np.inf),
        ({"batch": "full", "sampling": "replacement"}, 3482),
    ],
)
def test_batches_are_as_noisy_as_smaller_ones_with_replacement(
    recorded: RecordedEnsemble, settings: dict[str, Any], examples: float
) -> None:
    (own,) = Experiment.from_dict(settings).ensembles
    assert recorded.ensemble.sample_size == 3482
    assert replace(recorded.ensemble, settings=own).noisy_batch == pytest.approx(examples)


def test_at_frozen_weights_the_noise_of_batches_follows_from_that_of_examples(recorded: RecordedEnsemble) -> None:
    layers = recorded.layers
    ratio = layers.frozen_std / layers.frozen_mean
    assert np.isfinite(ratio).all()  # before training, too
    np.testing.assert_allclose(layers.noise_scale, ratio**2)
    np.testing.assert_allclose(recorded.values("frozen_snr"), np.sqrt(recorded.ensemble.noisy_batch) / ratio)
    geometric = np.exp(np.log(ratio**2).mean(axis=1))
    np.testing.assert_allclose(recorded.mean("noise_scale"), geometric)
    full = replace(recorded.ensemble.settings, batch="full")
    without = replace(recorded, ensemble=replace(recorded.ensemble, settings=full))
    assert np.isnan(without.values("frozen_snr")).all()


def test_it_knows_its_layers_and_what_bounds_them(recorded: RecordedEnsemble) -> None:
    assert recorded.layer_names == ("T1", "T2", "output")
    assert (recorded.widths, recorded.hidden_layers, recorded.batches) == ((4, 3, 1), 2, 7)
    assert (recorded.h_x, recorded.i_xy) == (recorded.ensemble.rule.h_x, recorded.ensemble.rule.i_xy)


@pytest.mark.parametrize(("epoch", "row"), [(-1, None), (0, 0), (3, 3), (5, 3), (6, 4), (39, 6), (40, 7), (99, 7)])
def test_an_epoch_is_looked_up_by_the_last_one_measured_before_it(
    recorded: RecordedEnsemble, epoch: int, row: int | None
) -> None:
    assert recorded.epochs == EPOCHS
    assert recorded.row(epoch) == row
    assert recorded.at(epoch) == EPOCHS[row or 0]
    figures, learning = recorded.layer_figures(epoch), recorded.learning_figures(epoch)
    if row is None:
        assert (figures, learning) == ((), {})
        return
    for k, one in enumerate(figures):
        values = recorded.layers.i_y[row, :, k]
        assert (one.i_y.mean, one.i_y.deviation) == pytest.approx((values.mean(), values.std(ddof=1)))
        assert (one.low, one.high) == (-1, 1)
    assert learning["test_loss"].mean == pytest.approx(recorded.learning.test_loss[row].mean())


def test_means_are_arithmetic_but_that_of_the_snr(recorded: RecordedEnsemble) -> None:
    snr = recorded.layers.snr[1:]
    np.testing.assert_allclose(recorded.mean("snr")[1:], np.exp(np.log(snr).mean(axis=1)))
    np.testing.assert_allclose(recorded.mean("grad_std")[1:], recorded.layers.grad_std[1:].mean(axis=1))
    np.testing.assert_allclose(recorded.mean("train_loss"), recorded.learning.train_loss.mean(axis=1))
    assert np.isnan(recorded.mean("snr")[0]).all()
    assert recorded.count("snr")[:2].tolist() == [[0, 0, 0], [3, 3, 3]]
    at_end = recorded.layer_figures(40)
    assert [one.snr.mean for one in at_end] == recorded.mean("snr")[-1].tolist(), "the same bits"
    assert [one.i_x.mean for one in at_end] == recorded.mean("i_x")[-1].tolist()


def test_an_snr_of_nothing_is_no_value_as_it_is_none_for_the_criterion(recorded: RecordedEnsemble) -> None:
    grad_mean = recorded.layers.grad_mean.copy()
    grad_mean[-1, 0, 1] = 0
    one = replace(recorded, layers=replace(recorded.layers, grad_mean=grad_mean))
    [_, second, _] = one.layer_figures(40)
    assert (second.snr.count, second.snr.networks) == (2, 3)
    assert one.count("snr")[-1].tolist() == [3, 2, 3]
    assert second.snr.mean == pytest.approx(np.sqrt(np.prod(recorded.layers.snr[-1, 1:, 1])))


def test_networks_that_have_not_come_that_far_are_counted_but_do_not_count(recorded: RecordedEnsemble) -> None:
    def behind(history: Any) -> Any:
        """Without the last network at the last epoch."""
        columns = {field.name: np.array(getattr(history, field.name)) for field in fields(history)}
        for name, column in columns.items():
            if name != "epochs":
                column = columns[name] = column.astype(np.float64)
                column[-1, 2] = np.nan
        return type(history)(**columns)

    one = replace(recorded, layers=behind(recorded.layers), learning=behind(recorded.learning))
    for figures in one.layer_figures(40):
        assert (figures.i_x.count, figures.i_x.networks) == (2, 3)
    assert one.learning_figures(40)["train_loss"].count == 2
    assert one.count("i_x").tolist() == [[3, 3, 3]] * 7 + [[2, 2, 2]]


def test_phases_are_those_of_its_own_widths_batches_and_patterns(recorded: RecordedEnsemble) -> None:
    expected = phases(recorded.layers, widths=(4, 3, 1), batches=7, h_x=12.0)
    assert recorded.phases.depth == expected.depth
    assert recorded.phases.floor == expected.floor
    assert [row.width for row in recorded.phases.layers] == [4, 3, 1]
    assert recorded.transition.layers == recorded.phases.transition.layers


def test_weights_are_read_where_they_are_needed(recorded: RecordedEnsemble) -> None:
    assert [row.layer for row in recorded.diffusion()[0]] == [1, 2, 3]
    fits = recorded.fits(12, threads=1)
    assert (fits.epoch, fits.hidden, fits.beta.shape) == (12, "4-3", (3, 3))
    np.testing.assert_allclose(fits.i_x, recorded.layers.i_x[recorded.row(12)])
    with pytest.raises(InvalidValue, match="epoch is 5"):
        recorded.fits(5)


def test_measured_again_only_the_numbers_and_the_settings_differ(recorded: RecordedEnsemble) -> None:
    before = recorded.mean("i_x")
    settings = recorded.summary.experiment.override({"bins": 60})
    again = recorded.measured_again(replace(recorded.layers, i_x=recorded.layers.i_x / 2), settings)
    np.testing.assert_allclose(again.mean("i_x"), before / 2)
    np.testing.assert_array_equal(recorded.mean("i_x"), before)
    assert (again.summary.experiment.bins, recorded.summary.experiment.bins) == (60, 30)
    assert again.learning is recorded.learning

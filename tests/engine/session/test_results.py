"""A session's results in a few numbers: those of its telling ensemble, as the arrays say, and as plain values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import Experiment
from ibtui_engine.runner import Run, begin
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.results import Results, read_results, result_spreads
from ibtui_engine.session.summary import read_summary

EXAMPLES = Path(__file__).parents[3] / "sessions"


def test_they_are_those_of_the_largest_sample() -> None:
    path = EXAMPLES / "example-figure-3.ibs"
    found = read_results(path)
    with SessionReader(path) as reader:
        shares = [one.fraction for one in reader.summary.ensembles]
        assert shares.index(max(shares)) == found.ensemble != 0
        one = reader.recorded_ensemble(found.ensemble)
    assert found.epoch == one.epochs[-1]
    assert found.drift_end == one.transition.network.epoch
    assert found.accuracy == pytest.approx(float(np.mean(one.learning.test_accuracy[-1])))
    assert found.accuracy_inside == pytest.approx(float(np.mean(one.learning.train_accuracy[-1])))
    assert list(found.lost) == pytest.approx([layer.compression.mean for layer in one.phases.layers[:-1]])
    assert found.most_lost == (int(np.argmax(found.lost)) + 1, max(found.lost))


@pytest.mark.parametrize("epoch", [0, 400, 10_000])
def test_at_an_epoch_they_are_over_the_networks_and_what_was_recorded_by_then(epoch: int) -> None:
    with SessionReader(EXAMPLES / "example-figure-3.ibs") as reader:
        one = reader.recorded_ensemble(2)
    found = result_spreads(one, epoch)
    assert found is not None
    row = int(np.flatnonzero(one.layers.epochs <= epoch)[-1])
    assert found.epoch == one.layers.epochs[row]
    i_y = one.layers.i_y[row, :, -1]
    assert (found.i_y.mean, found.i_y.deviation) == pytest.approx((i_y.mean(), i_y.std(ddof=1)))
    right = one.learning.test_accuracy[one.learning.epochs == found.epoch][0]
    assert found.accuracy.mean == pytest.approx(right.mean())
    course = one.layers.i_x[: row + 1, :, 4]  # of T5; the smoothed course rises and falls a little less
    assert found.lost_by == ("T1", "T2", "T3", "T4", "T5")
    assert found.lost[4].mean == pytest.approx(float((course.max(axis=0) - course[-1]).mean()), abs=0.25)
    assert found.most_lost is not None
    assert found.most_lost[1].mean == max(bits.mean for bits in found.lost)
    assert found.drift_end == one.transition.network


def test_before_the_first_snapshot_there_are_none() -> None:
    with SessionReader(EXAMPLES / "example-figure-3.ibs") as reader:
        assert result_spreads(reader.recorded_ensemble(0), -1) is None


def test_of_equal_samples_the_deepest_network_tells_most() -> None:
    summary = read_summary(EXAMPLES / "example-figure-5.ibs")
    telling = summary.telling
    assert telling is not None
    depths = [len(hidden) for hidden in summary.experiment.hidden]
    assert len(telling.hidden.split("-")) == max(depths) > min(depths)
    assert replace(summary, ensembles=()).telling is None


@pytest.mark.parametrize("hidden", [(), (3,)])
def test_a_run_of_whole_samples_has_no_snr_and_none_outside(tmp_path: Path, hidden: tuple[int, ...]) -> None:
    """Without hidden layers it is the output that can lose bits."""
    settings = Experiment(
        hidden=(hidden,), fraction=(1.0,), batch="full", networks=2, epochs=6, snapshots=1, weights=False
    )
    path = tmp_path / "whole.ibs"
    Run(begin(path, "whole", settings), threads=1).execute()
    found = read_results(path)
    assert (found.drift_end, found.snr_measured, found.accuracy) == (None, False, None)
    assert found.accuracy_inside is not None
    assert len(found.lost) == 1


def test_of_what_is_not_measured_yet_nothing_is_known(tmp_path: Path) -> None:
    path = tmp_path / "begun.ibs"
    begin(path, "begun", Experiment(hidden=((3,),), networks=1, epochs=5)).close()
    found = read_results(path)
    assert found == Results(ensemble=0)
    assert found.most_lost is None


FOUND = Results(2, 10_000, 145.3, 9, True, (0.0, 1.5, None), 0.96, 1.0)


def test_plain_values_are_read_back() -> None:
    assert Results.from_dict(FOUND.to_dict()) == FOUND
    assert Results.from_dict(Results(0).to_dict()) == Results(0)


DAMAGE: dict[str, Callable[[dict[str, object]], object]] = {
    "a missing value": lambda plain: plain.pop("epoch"),
    "an unknown one": lambda plain: plain.update(more=1),
    "a text": lambda plain: plain.update(accuracy="1"),
    "no list": lambda plain: plain.update(lost=3),
    "a text in the list": lambda plain: plain.update(lost=["x"]),
    "infinity": lambda plain: plain.update(drift_end=float("inf")),
    "half an ensemble": lambda plain: plain.update(ensemble=0.5),
    "no epoch": lambda plain: plain.update(epoch="10"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_values_are_refused(damage: Callable[[dict[str, object]], object]) -> None:
    plain = FOUND.to_dict()
    damage(plain)
    with pytest.raises(InvalidValue):
        Results.from_dict(plain)

"""The bound of recorded sessions: with weights and without, for two labels and for more."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from ibtui_engine.bottleneck.choice import rule_curve
from ibtui_engine.bottleneck.fits import MATRICES, LayerFits
from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import Experiment
from ibtui_engine.fit import fit_session
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.runner import Run, begin
from ibtui_engine.session.history import SessionReader

SMALL = Experiment(rule="symmetric-soft", hidden=((3,),), networks=2, epochs=30, snapshots=4)


def made(path: Path, experiment: Experiment) -> Path:
    assert Run(begin(path, path.stem, experiment), threads=1).execute() == "finished"
    return path


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same networks with and without their weights."""
    place = tmp_path_factory.mktemp("pair")
    return made(place / "with.ibs", SMALL), made(place / "without.ibs", SMALL.override({"weights": False}))


@pytest.mark.long
def test_without_weights_the_distances_are_those_that_the_weights_give(pair: tuple[Path, Path]) -> None:
    (_, curves, (one,)), (_, others, (bare,)) = (fit_session(path, error=1e-4, threads=1) for path in pair)
    assert others[1].lower(3.0) == curves[1].lower(3.0)
    fits, recorded = one[1], bare[1]
    assert fits.no_beta == ""
    assert "--no-weights" in recorded.no_beta
    for name in ("i_x", "i_y", "distance", "worth"):
        assert getattr(recorded, name) == pytest.approx(getattr(fits, name), abs=1e-9, nan_ok=True)
    assert np.isfinite(fits.beta).any()
    for name in ("beta", "residual", "ib_x", "ib_y", "inconsistency", "critical"):
        assert np.isnan(getattr(recorded, name)).all()
    with pytest.raises(InvalidValue, match="session 'without' has no beta\\*: beta\\* needs the weights"):
        fit_session(pair[1], require_beta=True, threads=1)


def test_at_every_epoch_the_recorded_numbers_of_that_epoch_are_taken(pair: tuple[Path, Path]) -> None:
    _, _, found = fit_session(pair[1], error=1e-3, every=True, threads=1)
    with SessionReader(pair[1]) as reader:
        layers = reader.layers(reader.ensemble(0))
    assert [one.epoch for _, one in found] == layers.epochs.tolist()
    for (_, one), i_x, i_y in zip(found, layers.i_x, layers.i_y, strict=True):
        assert np.array_equal(one.i_x, i_x)
        assert np.array_equal(one.i_y, i_y)
    again = LayerFits.from_dict(found[0][1].to_dict())
    assert again.no_beta == found[0][1].no_beta
    assert all(np.array_equal(getattr(again, n), getattr(found[0][1], n), equal_nan=True) for n in MATRICES)


@pytest.mark.parametrize("measured", [None, 200])
def test_of_more_labels_the_curve_is_exact_and_of_the_patterns_that_are_measured(
    tmp_path: Path, measured: int | None
) -> None:
    experiment = Experiment(
        rule="digits", hidden=((4,),), networks=1, epochs=2, snapshots=2, trainer="torch", measured=measured
    )
    path = made(tmp_path / "digits.ibs", experiment)
    summary, curves, ((_, one),) = fit_session(path, threads=1)
    curve = curves[1]
    assert curve.exact
    assert curve.i_xy == pytest.approx(summary.rules[0].i_xy, abs=1e-12)
    assert "two labels, and here there are 10" in one.no_beta
    assert one.distance == pytest.approx(np.minimum(one.i_x, curve.h_y) - one.i_y, abs=1e-12)
    assert (one.distance >= -1e-9).all()
    if measured is None:
        assert curve.h_y == pytest.approx(rule_curve(load_rule("digits")).h_y, abs=1e-12)


def test_a_session_that_is_not_there_is_not_fitted(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    copy = Path(shutil.copy(pair[0], tmp_path / "copy.ibs"))
    with pytest.raises(InvalidValue, match="epoch is 7: measured are"):
        fit_session(copy, epoch=7, threads=1)

"""The sentence on an epoch says what was recorded, at each turn of a run."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ibtui.commentary import commentary
from ibtui_engine.experiment import Experiment
from ibtui_engine.runner import Run, begin
from ibtui_engine.session.ensemble import RecordedEnsemble
from ibtui_engine.session.history import SessionReader
from tests.recordings import make_recording

EXAMPLES = Path(__file__).parents[2] / "sessions"


def example(name: str, index: int) -> RecordedEnsemble:
    with SessionReader(EXAMPLES / f"{name}.ibs") as reader:
        return reader.recorded_ensemble(index)


@pytest.fixture(scope="module")
def whole() -> RecordedEnsemble:
    """Networks on 85 % of the patterns: they fit, then compress."""
    return example("example-figure-3", 2)


def test_before_training(whole: RecordedEnsemble) -> None:
    knows = f"{whole.mean('i_y')[0, -1]:.2f} of {whole.i_xy:.2f}"
    assert commentary(whole, 0) == f"epoch 0: before training, the output knows {knows} bits of the label"


def test_in_drift_the_labels_are_fitted(whole: RecordedEnsemble) -> None:
    drift_ends = whole.transition.network.agreed
    assert drift_ends is not None
    gained = np.diff(whole.mean("i_y")[:, -1])
    row = next(k for k in range(2, len(whole.epochs)) if gained[k - 1] > 0.021)
    assert whole.epochs[row] < drift_ends
    snr = np.exp(np.log(whole.transition.network_snr[row]).mean())
    epoch = whole.epochs[row]
    assert commentary(whole, epoch) == f"epoch {epoch}: drift, the labels are being fitted, SNR {snr:.2g}"


def test_in_diffusion_the_layer_that_has_lost_most_is_told(whole: RecordedEnsemble) -> None:
    drift_ends = whole.transition.network.agreed
    assert drift_ends is not None
    start = next(k for k, epoch in enumerate(whole.epochs) if epoch >= drift_ends)
    lost = whole.mean("i_x")[start] - whole.mean("i_x")[-1]
    name = whole.layer_names[int(lost.argmax())]
    assert lost.max() > 0.1
    last = whole.epochs[-1]
    told = f"epoch {last}: diffusion, {name} has lost {lost.max():.1f} bits since epoch {whole.epochs[start]}"
    assert commentary(whole, last).startswith(told)
    kept = replace(whole, layers=replace(whole.layers, i_x=np.full_like(whole.layers.i_x, 5.0)))
    assert "no layer has lost 0.1 bits" in commentary(kept, last)


@pytest.mark.parametrize("bits", [0.09, 0.11])
def test_a_tenth_of_a_bit_is_a_loss(whole: RecordedEnsemble, bits: float) -> None:
    drift_ends = whole.transition.network.agreed
    assert drift_ends is not None
    i_x = np.full_like(whole.layers.i_x, 5.0)
    i_x[np.array(whole.epochs) > 2 * drift_ends, :, 3] -= bits
    told = commentary(replace(whole, layers=replace(whole.layers, i_x=i_x)), whole.epochs[-1])
    assert ("T4 has lost 0.1 bits" in told) == (bits > 0.1)


def test_every_snapshot_of_every_example_has_a_sentence_of_its_epoch() -> None:
    for path in sorted(EXAMPLES.glob("*.ibs")):
        with SessionReader(path) as reader:
            for of in reader.recorded_ensembles():
                for epoch in of.epochs:
                    told = commentary(of, epoch)
                    assert told.startswith(f"epoch {epoch}: ")
                    assert not re.search(r"\bnan\b|None|inf\b", told)
                    assert len(told) < 100


def test_an_epoch_between_two_is_that_of_the_one_before(whole: RecordedEnsemble) -> None:
    last = whole.epochs[-1]
    assert commentary(whole, last - 1).startswith(f"epoch {whole.epochs[-2]}: ")


def test_without_batches_there_is_no_snr_and_without_numbers_no_claim(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"networks": 2, "epochs": 20, "snapshots": 4, "hidden": ((3,),), "batch": "full"}
    Run(begin(tmp_path / "a.ibs", "a", Experiment(**settings)), threads=1).execute()
    with SessionReader(tmp_path / "a.ibs") as reader:
        of = reader.recorded_ensemble(0)
    assert commentary(of, 20).endswith("; one batch an epoch, so no SNR")
    absent = np.full_like(of.layers.i_x, np.nan)
    assert (
        commentary(replace(of, layers=replace(of.layers, i_x=absent, i_y=absent)), 20)
        == "epoch 20: still to be measured"
    )


def test_a_recording_of_several_batches_that_has_no_snr_of_all_layers_says_only_that(tmp_path: Path) -> None:
    with SessionReader(make_recording(tmp_path / "own.ibs")) as reader:
        first, other = (reader.recorded_ensemble(index) for index in (0, 1))
    assert first.batches == 8
    assert commentary(first, 20) == "epoch 20: the output knows 2.00 of 2.00 bits of the label; no SNR"
    assert commentary(replace(other, summary=first.summary), 0).startswith("epoch 0: before training")

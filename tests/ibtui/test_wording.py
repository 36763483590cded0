"""What numbers rest on is said in words for every estimator and activation."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ibtui.wording import estimate
from ibtui_engine.experiment import ACTIVATIONS, ESTIMATORS, Experiment


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "binning, 30 bins of [−1, 1]"),
        ({"activation": "softsign", "bins": 7}, "binning, 7 bins of [−1, 1]"),
        ({"activation": "sigmoid"}, "binning, 30 bins of [0, 1] (the output: of [−1, 1])"),
        ({"activation": "relu"}, "binning, 30 bins of the range that occurs in each layer (the output: of [−1, 1])"),
        ({"estimator": "adaptive"}, "adaptive binning, 30 bins of the range that occurs in each layer"),
        ({"estimator": "quantile", "bins": 9}, "quantile binning, 9 bins of equal mass for each neuron"),
        ({"estimator": "kde"}, "kde, pairwise bounds with Gaussian noise of variance 0.001"),
        ({"estimator": "kde", "noise": 0.25}, "kde, pairwise bounds with Gaussian noise of variance 0.25"),
        ({"estimator": "exact"}, "exact outputs, no bins"),
    ],
)
def test_estimator_bins_and_edges_are_named(settings: dict[str, object], said: str) -> None:
    assert estimate(Experiment(**settings)) == said  # type: ignore[arg-type]


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_number_of_bins_is_named_where_there_are_bins(estimator: str) -> None:
    for activation in ACTIVATIONS:
        said = estimate(Experiment(estimator=estimator, activation=activation, bins=77))
        assert ("77 bins" in said) == (estimator not in ("kde", "exact"))
        assert ("noise" in said) == (estimator == "kde")


def test_saying_it_waits_for_no_numbers() -> None:
    code = "import sys, ibtui.wording; print({'numpy', 'numba', 'rich'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "set()\n"

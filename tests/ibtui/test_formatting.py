"""What numbers rest on is said in words, for every estimator and activation, and so is what spread they have."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from ibtui.formatting import estimate, labelled, over_some, shortened, with_spread
from ibtui_engine.experiment import ACTIVATIONS, ESTIMATORS, Experiment
from ibtui_engine.settings import BINNED


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
        ({"activation_bits": (4, 8)}, "exact outputs of 4, 8 bits, so that nothing is estimated"),
        ({"activation_bits": ("none", 4), "estimator": "exact"}, "exact outputs, no bins"),
        ({"activation_bits": 4, "estimator": "binning"}, "binning, 30 bins of [−1, 1]"),
    ],
)
def test_estimator_bins_and_edges_are_named(settings: dict[str, object], said: str) -> None:
    assert estimate(Experiment(**settings)) == said  # type: ignore[arg-type]


def test_information_of_stochastic_units_is_exact() -> None:
    assert estimate(Experiment(units=("stochastic",))) == "exact: the network's own noise"
    assert estimate(Experiment(units=("deterministic", "stochastic"))) == (
        "binning, 30 bins of [−1, 1]; of stochastic units exact: the network's own noise"
    )


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_number_of_bins_is_named_where_there_are_bins(estimator: str) -> None:
    for activation in ACTIVATIONS:
        said = estimate(Experiment(estimator=estimator, activation=activation, bins=77))
        assert ("77 bins" in said) == (estimator in BINNED)
        assert ("noise" in said) == (estimator in ("kde", "gauss"))


def test_saying_it_waits_for_no_numbers() -> None:
    code = "import sys, ibtui.formatting; print({'numpy', 'numba', 'rich'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "set()\n"


def test_headings_say_which_spread_follows_a_plus_minus() -> None:
    rows = [("1", "6.845 ± 1.202", "0.5"), ("2", "–", "0.5")]
    assert labelled(("layer", "I(X;T)", "SNR"), rows, "sd") == ("layer", "I(X;T) ± sd", "SNR")
    assert labelled(("layer", "I(X;T)"), [("1", "6.845")], "se") == ("layer", "I(X;T)"), "a single network has none"


def test_a_mean_over_some_networks_says_over_how_many() -> None:
    assert [over_some(count, 10) for count in (0, 1, 7, 10)] == ["", " (n 1)", " (n 7)", ""]
    assert with_spread("6.845", 1.2019, ".3f") == "6.845 ± 1.202"
    assert with_spread("6.845", math.nan, ".3f") == "6.845"


@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=40), st.integers(3, 60))
def test_a_name_that_is_too_long_loses_its_middle(name: str, width: int) -> None:
    short = shortened(name, width)
    assert cell_len(short) <= width
    if short != name:
        head, tail = short.split("…", 1) if name.count("…") == 0 else ("", "")
        assert name.startswith(head)
        assert name.endswith(tail)

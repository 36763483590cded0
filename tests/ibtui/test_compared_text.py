"""The table of compared ensembles: every cell against NumPy and SciPy, whichever of them is pinned."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from ibtui.compared_text import NUMBERS, narrow, wide
from ibtui_engine.session.ensemble import RecordedEnsemble
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.results import ResultSpreads, result_spreads

EXAMPLES = Path(__file__).parents[2] / "sessions"


@pytest.fixture(scope="module")
def recorded() -> tuple[RecordedEnsemble, ...]:
    with SessionReader(EXAMPLES / "example-figure-3.ibs") as reader:
        return reader.recorded_ensembles()


@pytest.fixture(scope="module")
def found(recorded: tuple[RecordedEnsemble, ...]) -> list[ResultSpreads | None]:
    return [result_spreads(one, 400) for one in recorded]


def numbers(cell: str) -> list[float]:
    return [float(text) for text in re.findall(r"[-+]?\d+\.?\d*(?![\d)])", re.sub(r" T\d| \(n \d+\)", "", cell))]


@pytest.mark.parametrize("pinned", [1, 2])
def test_accuracies_and_their_differences(
    recorded: tuple[RecordedEnsemble, ...], found: list[ResultSpreads | None], pinned: int
) -> None:
    columns, rows = wide("abc", found, pinned)
    assert columns[6:8] == ("accuracy % ± se", "difference ± se")
    at = [int(np.flatnonzero(one.learning.epochs <= 400)[-1]) for one in recorded]
    right = [100 * one.learning.test_accuracy[row] for one, row in zip(recorded, at, strict=True)]
    for k, row in enumerate(rows):
        assert numbers(row[6]) == pytest.approx([right[k].mean(), stats.sem(right[k])], abs=0.006)
        if k == pinned:
            assert row[7] == ""
            continue
        error = np.hypot(stats.sem(right[k]), stats.sem(right[pinned]))
        assert numbers(row[7]) == pytest.approx([right[k].mean() - right[pinned].mean(), error], abs=0.006)
        welch = stats.ttest_ind(right[k], right[pinned], equal_var=False)
        if not 0.03 < welch.pvalue < 0.07:
            assert row[7].endswith("*") == (welch.pvalue < 0.05)


def test_epochs_have_factors(recorded: tuple[RecordedEnsemble, ...], found: list[ResultSpreads | None]) -> None:
    _, rows = wide("abc", found, 1)
    logs = [np.log(one.transition.network_epochs) for one in recorded]
    assert rows[0][2:4] == ("none", "")  # an epoch is one batch
    assert rows[1][3] == ""
    factor, _ = numbers(rows[2][3])
    assert factor == pytest.approx(np.exp(np.nanmean(logs[2]) - np.nanmean(logs[1])), abs=0.006)
    assert numbers(rows[2][2])[0] == pytest.approx(np.exp(np.nanmean(logs[2])), abs=0.6)


def test_the_narrow_form_has_the_same_cells(found: list[ResultSpreads | None]) -> None:
    _, full = wide("abc", found, 2)
    columns, rows = narrow("abc", found, 2)
    assert len(columns) == 1 + len(NUMBERS)
    assert [row[0] for row in rows] == [f"{row[0]}\n  epoch {row[1]}" for row in full]
    for row, other in zip(rows, full, strict=True):
        assert [cell for pair in row[1:] for cell in pair.split("\n")] == list(other[2:])


def test_what_is_not_measured_has_no_numbers(found: list[ResultSpreads | None]) -> None:
    columns, rows = wide("ab", [found[2], None], 0)
    assert rows[1] == ("b", "", *("–", "") * len(NUMBERS))
    assert columns[3] == "ratio"
    _, rows = wide("ab", [None, found[2]], 0)
    assert [cell for cell in rows[1][3::2] if cell] == []

"""`ibtui compare`: numbers as `show` and the arrays have them, differences against SciPy, and refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import stats

from ibtui_engine.recording.recorder import Recorder
from ibtui_engine.session.history import SessionReader

if TYPE_CHECKING:
    from tests.ibtui.cli.conftest import Program

EXAMPLES = Path(__file__).parents[3] / "sessions"


def document(program: Program, *arguments: str | Path) -> dict[str, Any]:
    return json.loads(program.good("compare", *arguments, "--json"))


def test_numbers_are_those_of_the_networks(made: Program) -> None:
    told = document(made, EXAMPLES / "example-figure-3.ibs", "--pinned", "2", "--epoch", "500")
    assert told["pinned"] == 2
    with SessionReader(EXAMPLES / "example-figure-3.ibs") as reader:
        those = reader.recorded_ensembles()
    assert [one["fraction"] for one in told["ensembles"]] == [one.ensemble.fraction for one in those]
    rows = [one.row(500) for one in those]
    known = [one.layers.i_y[row, :, -1] for one, row in zip(those, rows, strict=True)]
    for k, one in enumerate(told["ensembles"]):
        assert one["number"] == k + 1
        assert one["epoch"] == those[k].epochs[rows[k] or 0] <= 500
        assert one["i_y"]["mean"] == pytest.approx(known[k].mean())
        assert one["i_y"]["error"] == pytest.approx(stats.sem(known[k]))
        assert one["i_y"]["difference"] == pytest.approx(known[k].mean() - known[1].mean())
        assert one["i_y"]["difference_error"] == pytest.approx(np.hypot(stats.sem(known[k]), stats.sem(known[1])))
        low, high = stats.ttest_ind(known[k], known[1], equal_var=False).confidence_interval(0.95)
        wide = one["i_y"]["difference_interval"]
        assert wide == pytest.approx([low, high], abs=0.06 * (high - low))
    ends = [np.log(one.transition.network_epochs) for one in those]
    assert told["ensembles"][0]["drift_ends"]["epoch"] is None
    ratio = np.nanmean(ends[2]) - np.nanmean(ends[1])
    assert told["ensembles"][2]["drift_ends"]["log_ratio"] == pytest.approx(ratio)


def test_the_table_has_what_the_document_has(made: Program) -> None:
    told = document(made, "grid")
    table = made.good("compare", "grid")
    for one in told["ensembles"]:
        [line] = [line for line in table.splitlines() if line.startswith(f"{one['number']} ")]
        assert f"{one['i_y']['mean']:.4f} ± {one['i_y']['error']:.4f}" in line
        assert f"{one['bits_lost']['mean']:.2f}" in line
    assert "Pinned: 1 " in table


def test_several_sessions_are_named_by_theirs(made: Program) -> None:
    table = made.good("compare", "grid", EXAMPLES / "example-figure-8.ibs")
    assert "1 grid: " in table
    assert "example-figure-8: 10-8-6-4-2 at 0.85" in table


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("grid", "grid"), "sessions are grid, grid: each of them can be named once"),
        (("grid", "--pinned", "99"), "pinned is 99: there are 4 ensembles that have been measured"),
        (("grid", "none-such"), "none-such"),
        ((), "SESSION"),
    ],
)
def test_what_cannot_be_compared_is_refused(made: Program, arguments: tuple[str, ...], said: str) -> None:
    done = made("compare", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_equal_work_is_the_last_snapshot_that_takes_no_more_multiplications(program: Program) -> None:
    small = ("--networks", "2", "--epochs", "8", "--snapshots", "20", "--hidden", "3", "--batch", "1024", "-q")
    program.good("run", "--sampling", "shuffled", "--sampling", "gaussian", "--name", "both", *small)
    told = document(program, "both", "--equal-work")
    plain, noisy = told["ensembles"]
    assert noisy["multiplications_per_epoch"] == 4 * plain["multiplications_per_epoch"]  # 3482 samples, 4 batches
    assert (plain["epoch"], noisy["epoch"]) == (8, 2)
    assert "multiplications_per_epoch" not in document(program, "both")["ensembles"][0]
    table = program.good("compare", "both", "--equal-work", "--chart")
    assert "Multiplications that an epoch takes of a network: 2.82e+05 of 1, 1.13e+06 of 2." in table
    assert "Information planes" in table
    assert "Up to epochs 8, 2, in this order." in " ".join(table.split())
    at_last = program.good("compare", "both", "--chart")
    assert "Up to epoch 8." in at_last
    assert "Equal work" not in at_last


def test_equal_work_has_no_epoch_and_no_recordings(program: Program) -> None:
    refused = program("compare", EXAMPLES / "example-figure-3.ibs", "--equal-work", "--epoch", "5")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.splitlines() == [
        "ibtui: epoch is 5: with --equal-work each ensemble has an epoch of its own; leave one out"
    ]
    with Recorder(program.directory / "own.ibs", np.array([0, 1])) as recorder:
        recorder.snapshot(0, {"a": np.eye(2)})
    refused = program("compare", program.directory / "own.ibs", "--equal-work")
    assert refused.returncode == 2
    assert refused.stderr.splitlines() == [
        "ibtui: 'own' is a recording: how many multiplications its training took is unknown"
    ]

"""What an ensemble came to: the numbers that its session has, and the verdicts of the account."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui_engine.account.claims import CLAIMS
from ibtui_engine.account.evidence import Evidence
from ibtui_engine.account.judging import judge
from ibtui_engine.account.section_2 import DataProcessing
from ibtui_engine.maps import cells
from ibtui_engine.maps.cells import Cell, CellNumber, CellVerdict, definitions, judged, work_out
from ibtui_engine.maps.quantities import QUANTITIES
from ibtui_engine.session.ensemble import RecordedEnsemble
from ibtui_engine.session.history import SessionReader


@pytest.fixture(scope="module")
def ensembles(map_file: Path) -> tuple[RecordedEnsemble, ...]:
    with SessionReader(map_file) as reader:
        return reader.recorded_ensembles()


def of(one: RecordedEnsemble) -> Cell:
    return work_out(Evidence(one, threads=1))


def test_numbers_are_those_of_the_recorded_columns(ensembles: tuple[RecordedEnsemble, ...]) -> None:
    for one in ensembles:
        found = of(one)
        assert (found.ensemble, found.epoch, found.networks) == (one.ensemble.index, 200, 3)
        output, learning = one.layers.i_y[-1, :, -1], one.learning
        told = found.numbers["output"]
        assert told.value == pytest.approx(output.mean(), abs=1e-12)
        assert told.error == pytest.approx(output.std(ddof=1) / math.sqrt(3), abs=1e-12)
        assert (told.unit, told.count, told.networks) == ("bits", 3, 3)
        assert found.numbers["accuracy"].value == pytest.approx(learning.test_accuracy[-1].mean(), abs=1e-12)
        assert found.numbers["accuracy-inside"].value == pytest.approx(learning.train_accuracy[-1].mean(), abs=1e-12)
        lost = one.phases.turning.compression[:, :2].mean(axis=0)
        assert [found.numbers[f"lost:T{k}"].value for k in (1, 2)] == pytest.approx(lost.tolist(), abs=1e-12)
        assert found.numbers["lost"].value == pytest.approx(lost.max(), abs=1e-12)
        assert found.numbers["lost"].of == f"T{1 + int(lost.argmax())}"
        below = one.fits(threads=1).distance[:, :2]
        assert found.numbers["below"].value == pytest.approx(below.mean(), abs=1e-12)
        assert found.numbers["below:T2"].value == pytest.approx(below[:, 1].mean(), abs=1e-12)
        if one.batches > 1:
            late = one.layers.epochs > 100
            logs = np.log(one.transition.network_snr[late]).mean(axis=0)
            assert found.numbers["snr"].value == pytest.approx(np.exp(logs.mean()), rel=1e-12)
            logs = np.log(one.layers.snr[late, :, 1]).mean(axis=0)
            assert found.numbers["snr:T2"].value == pytest.approx(np.exp(logs.mean()), rel=1e-12)
        exponents = one.diffusion()[1].exponents[:, :2]
        if np.isfinite(exponents).any():
            means = np.array([np.nanmean(row) for row in exponents if np.isfinite(row).any()])
            assert found.numbers["exponent"].value == pytest.approx(means.mean(), abs=1e-12)


def test_drift_ends_where_half_of_the_networks_say_so(ensembles: tuple[RecordedEnsemble, ...]) -> None:
    seen = set()
    for one in ensembles:
        found = of(one)
        if one.batches == 1:
            assert found.absent["drift-end"].startswith("an epoch is one batch")
            assert "drift-end" not in found.numbers
            continue
        epochs = one.transition.network_epochs
        there = np.isfinite(epochs)
        told = found.numbers["drift-end"]
        assert (told.count, told.networks, told.unit) == (there.sum(), 3, "epoch")
        if 2 * there.sum() >= 3:
            assert told.value == pytest.approx(np.exp(np.log(epochs[there]).mean()), rel=1e-12)
        else:
            assert told.value is None
        seen.add(told.value is not None)
    assert seen


def test_verdicts_are_those_of_the_account(ensembles: tuple[RecordedEnsemble, ...]) -> None:
    alone = {claim.key for claim in CLAIMS if not claim.spans and claim.rule}
    assert alone == {claim.key for claim in judged()}
    one = ensembles[0]
    account = {
        finding.key: CellVerdict(finding.verdict, finding.resampled)
        for finding in judge([one], threads=1)
        if finding.key in alone and finding.verdict != "not applicable"
    }
    assert of(one).verdicts == account
    assert len(account) > 5


def test_quantities_are_found_or_their_absence_is_explained(ensembles: tuple[RecordedEnsemble, ...]) -> None:
    for one in ensembles:
        found = of(one)
        assert set(QUANTITIES) == {key for key in (*found.numbers, *found.absent) if ":" not in key}
        assert all(quantity.label and quantity.about for quantity in QUANTITIES.values())


@pytest.mark.parametrize(("classes", "kept", "found"), [(0, None, False), (0, "curve", True), (10**6, None, True)])
def test_a_run_waits_for_no_curve_that_takes_minutes(
    ensembles: tuple[RecordedEnsemble, ...], monkeypatch: pytest.MonkeyPatch, classes: int, kept: object, found: bool
) -> None:
    monkeypatch.setattr("ibtui_engine.account.evidence.MOST_CLASSES", classes)
    monkeypatch.setattr("ibtui_engine.bottleneck.kept.kept_curve", lambda rule: kept)
    one = Evidence(ensembles[0], threads=1, patient=False)
    if found:
        one.require_curve()
        return
    cell = work_out(one)
    assert "the IB curve of " in cell.absent["below"]
    assert "--renew computes it" in cell.absent["verdict:bound-symmetric"]
    assert "bound-symmetric" not in cell.verdicts
    assert {"dpi", "two-phases"} <= set(cell.verdicts)
    assert "lost" in cell.numbers
    Evidence(ensembles[0], threads=1).require_curve()


numbers = st.builds(
    CellNumber,
    *(st.none() | st.floats(allow_nan=False, allow_infinity=False) for _ in range(2)),
    st.sampled_from(["bits", "epoch", ""]),
    st.integers(0, 9),
    st.integers(0, 9),
    st.text(),
)
verdicts = st.builds(CellVerdict, st.text(), st.dictionaries(st.text(), st.floats(0, 1), max_size=3))


@given(
    st.dictionaries(st.text(), numbers, max_size=4),
    st.dictionaries(st.text(), st.text(), max_size=3),
    st.dictionaries(st.text(), verdicts, max_size=3),
)
def test_text_comes_back(
    numbers: dict[str, CellNumber], absent: dict[str, str], verdicts: dict[str, CellVerdict]
) -> None:
    cell = Cell(3, 7, 2, numbers, absent, verdicts)
    assert Cell.from_text(3, 7, 2, cell.to_text()) == cell


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "null",
        "{}",
        "[" * 100_000,
        '{"numbers":{},"absent":{}}',
        '{"numbers":{"a":[1,2,"bits",1,1]},"absent":{},"verdicts":{}}',
        '{"numbers":{"a":["x",2,"bits",1,1,""]},"absent":{},"verdicts":{}}',
        '{"numbers":{"a":[NaN,2,"bits",1,1,""]},"absent":{},"verdicts":{}}',
        '{"numbers":{"a":[true,2,"bits",1,1,""]},"absent":{},"verdicts":{}}',
        '{"numbers":{"a":[1,2,"bits",-1,1,""]},"absent":{},"verdicts":{}}',
        '{"numbers":{},"absent":{"a":1},"verdicts":{}}',
        '{"numbers":{},"absent":{},"verdicts":{"a":["not",5]}}',
        '{"numbers":{},"absent":{},"verdicts":{"a":["not",{"not":"much"}]}}',
    ],
)
def test_what_is_no_cell_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  of JSON, or of the cell
        Cell.from_text(0, 0, 1, text)


def test_the_margin_is_how_far_the_first_is_ahead() -> None:
    assert CellVerdict("undecided", {"partly": 0.25, "not": 0.75}).margin == 0.5
    assert CellVerdict("not", {"not": 1.0}).margin == 1.0
    assert CellVerdict("not", {}).margin == 0.0


def test_definitions_change_with_a_threshold_and_with_a_wording(monkeypatch: pytest.MonkeyPatch) -> None:
    definitions.cache_clear()
    before = definitions()
    first, *rest = judged()
    assert isinstance(first, DataProcessing)
    claim = replace(first, rise=replace(first.rise, limit=77.0))
    monkeypatch.setattr(cells, "judged", lambda: (claim, *rest))
    definitions.cache_clear()
    assert definitions() != before
    monkeypatch.setattr(cells, "judged", lambda: (first, *rest))
    definitions.cache_clear()
    assert definitions() == before
    wording = dict(QUANTITIES) | {"lost": replace(QUANTITIES["lost"], about="otherwise")}
    monkeypatch.setattr("ibtui_engine.maps.quantities.QUANTITIES", wording)
    definitions.cache_clear()
    assert definitions() != before
    definitions.cache_clear()

"""The cells of a heat map say what is kept of each ensemble, and why there is nothing where there is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ibtui.map_charts import Shown, flat, heat_map, rows
from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import Experiment
from ibtui_engine.maps import reading
from ibtui_engine.maps.axes import slices
from ibtui_engine.maps.cells import Cell, CellNumber, CellVerdict
from ibtui_engine.maps.reading import Map, Place, read_map
from ibtui_engine.runner import Run, begin
from ibtui_engine.session.history import SessionReader

GRID = Experiment(hidden=((3,),), learning_rate=(0.02, 0.1), batch=(256, 512), networks=2, epochs=6, snapshots=2)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Map:
    path = tmp_path_factory.mktemp("map") / "a.ibs"
    Run(begin(path, "a", GRID), threads=1).execute()
    with SessionReader(path) as reader:
        return read_map(reader)


def cell(numbers: dict[str, CellNumber] | None = None, **verdicts: CellVerdict) -> Cell:
    verdicts = {key.replace("_", "-"): one for key, one in verdicts.items()}
    return Cell(0, 6, 2, numbers or {}, {"snr": "an epoch is one batch"}, verdicts)


def with_cell(found: Map, state: str, of: Cell | None, index: int = 0) -> Place:
    return replace(found.places[index], state=state, cell=of)


@pytest.mark.parametrize(
    ("number", "text", "short"),
    [
        (CellNumber(1.25, 0.013, "bits", 2, 2, "T1"), "1.250 ± 0.013 T1", "1.25"),
        (CellNumber(380.4, 0.1, "epoch", 2, 2), "380 ×/÷ 1.11", "380"),
        (CellNumber(0.9712, None, "", 1, 2), "0.971 (n 1)", "0.97"),
        (CellNumber(12.34, 0.5, "", 2, 2), "12.34 ± 0.50", "12.3"),
        (CellNumber(123.4, 5.0, "", 2, 2), "123.4 ± 5.0", "123"),
    ],
)
def test_a_number_is_written_with_its_error_and_shortly(found: Map, number: CellNumber, text: str, short: str) -> None:
    told = Shown("lost").cell(with_cell(found, reading.KNOWN, cell({"lost": number})))
    assert (told.value, told.text, told.short, told.state) == (number.value, text, short, "")


def test_a_verdict_has_its_share_and_an_open_one_is_hatched(found: Map) -> None:
    shown = Shown("verdict:two-phases")
    firm = CellVerdict("partly", {"partly": 0.9, "not": 0.1})
    told = shown.cell(with_cell(found, reading.KNOWN, cell(two_phases=firm)))
    assert (told.kind, told.state, told.text, told.short) == ("partly", "", "partly 90 %", "part")
    assert told.value == pytest.approx(0.8)
    unsure = CellVerdict("undecided", {"not": 0.6, "partly": 0.4})
    told = shown.cell(with_cell(found, reading.KNOWN, cell(two_phases=unsure)))
    assert (told.kind, told.state, told.text) == ("undecided", "undecided", "undecided: not 60 %")
    assert shown.cell(with_cell(found, reading.KNOWN, cell())).text == "lacks what the claim needs"


def test_a_cell_without_a_value_says_why(found: Map) -> None:
    shown = Shown("snr")
    none = CellNumber(None, None, "epoch", 0, 2)
    assert shown.cell(with_cell(found, reading.KNOWN, cell())).text == "an epoch is one batch"
    told = Shown("drift-end").cell(with_cell(found, reading.KNOWN, cell({"drift-end": none})))
    assert (told.state, told.text) == ("absent", "0 of 2 networks")
    assert Shown("lost:T7").cell(with_cell(found, reading.KNOWN, cell())).text == "no such layer"
    assert shown.cell(with_cell(found, reading.WAITING, None)).state == "waiting"
    running = with_cell(found, reading.RUNNING, None)
    running = replace(running, ensemble=replace(running.ensemble, epochs_done=4))
    assert (shown.cell(running).state, shown.cell(running).text) == ("running", "epoch 4")
    trouble = replace(cell(), trouble="has diverged by epoch 4")
    assert shown.cell(with_cell(found, reading.GIVEN_UP, trouble)).text == "has diverged by epoch 4"


def test_a_map_is_laid_out_as_its_axes_say(found: Map) -> None:
    (laid,) = slices(GRID, "learning_rate", "batch")
    spec = heat_map(found, laid, Shown("output"))
    assert (spec.x, spec.y) == (("0.02", "0.1"), ("256", "512"))
    assert (spec.x_label, spec.y_label) == ("Learning rate", "Batch")
    assert spec.title == "I(T;Y) of the output (bits): a"
    for y, batch in enumerate((256, 512)):
        for x, rate in enumerate((0.02, 0.1)):
            place = next(
                one
                for one in found.places.values()
                if (one.ensemble.settings.learning_rate, one.ensemble.settings.batch) == (rate, batch)
            )
            assert place.cell is not None
            assert spec.cell(x, y).value == place.cell.numbers["output"].value
    assert "2 networks in each cell." in spec.caption
    assert "By binning, 30 bins of [−1, 1]." in spec.caption


def test_the_caption_counts_what_is_not_known(found: Map) -> None:
    (laid,) = slices(GRID)
    places = dict(found.places)
    places[0] = replace(places[0], state=reading.EARLIER)
    places[1] = replace(places[1], state=reading.RUNNING, cell=None)
    places[2] = replace(places[2], state=reading.GIVEN_UP, cell=replace(cell(), trouble="x"))
    told = heat_map(replace(found, places=places), laid, Shown("lost")).caption
    assert "1 cells are of an earlier epoch or definition" in told
    assert "1 of 4 cells are not finished." in told
    assert "1 cells have diverged." in told


def test_the_table_has_every_number_and_verdict(found: Map) -> None:
    table = rows(found)
    assert [row["ensemble"] for row in table] == [0, 1, 2, 3]
    headings, lines = flat(table)
    for row, line in zip(table, lines, strict=True):
        told = dict(zip(headings, line, strict=True))
        one = found.places[row["ensemble"]]
        assert one.cell is not None
        settings = one.ensemble.settings
        assert (told["batch"], told["learning_rate"]) == (settings.batch, settings.learning_rate)
        assert (told["state"], told["measured_epoch"]) == ("known", 6)
        for key, number in one.cell.numbers.items():
            assert (told[key], told[f"{key} error"], told[f"{key} networks"]) == (
                number.value, number.error, number.count
            )  # fmt: skip
        for key, verdict in one.cell.verdicts.items():
            assert (told[f"verdict:{key}"], told[f"verdict:{key} margin"]) == (verdict.verdict, verdict.margin)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("loss", "show must be one of drift-end, turning, lost, .* or verdict:CLAIM, got 'loss'"),
        ("output:T1", "show must be one of .*, got 'output:T1'"),
        ("verdict:none", "show must be verdict:CLAIM, CLAIM one of dpi, .*, got 'verdict:none'"),
        ("verdict:depth", "show must be verdict:CLAIM"),
    ],
)
def test_what_there_is_not_is_said(name: str, said: str) -> None:
    with pytest.raises(InvalidValue, match=said):
        Shown(name)


def test_hostile_texts_are_printable(tmp_path: Path, found: Map) -> None:
    trouble = replace(cell(), trouble="\x1b[2Jgone\n")
    told = Shown("lost").cell(with_cell(found, reading.GIVEN_UP, trouble))
    assert told.text.isprintable()

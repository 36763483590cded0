"""Results are kept for sessions that do not change, and worked out again where they do or where nothing is kept."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ibtui.results import VERSION, KnownResults, Outcome, cells, sentence, serve, stamp, work_out
from ibtui_engine.session.results import Results
from ibtui_engine.session.summary import Summary, read_summary

EXAMPLE = Path(__file__).parents[2] / "sessions" / "example-figure-4.ibs"
HEAVY = {"numpy", "numba", "torch", "plotext", "scipy"}


@pytest.fixture
def summary(tmp_path: Path) -> Summary:
    shutil.copy(EXAMPLE, tmp_path / "one.ibs")
    return read_summary(tmp_path / "one.ibs")


def test_what_is_kept_is_found_again(summary: Summary, tmp_path: Path) -> None:
    known = KnownResults(tmp_path / "kept" / "results.json")
    assert known.of(summary) is None
    outcome = work_out(summary)
    assert outcome.stamp == stamp(summary)
    known.keep(summary.path, outcome)
    known.save()
    assert KnownResults(tmp_path / "kept" / "results.json").of(summary) == outcome


def test_a_session_that_changes_has_another_stamp(summary: Summary) -> None:
    before = stamp(summary)
    assert stamp(read_summary(summary.path)) == before
    os.utime(summary.path, (1, 1))
    assert stamp(summary) != before
    telling = summary.telling
    assert telling is not None
    later = replace(telling, snapshots=(*telling.snapshots, 10**6))
    grown = replace(summary, ensembles=(later,))
    assert stamp(grown) != stamp(summary)
    summary.path.unlink()
    assert stamp(summary) != before


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "[" * 100_000,
        '{"version": 0, "sessions": {}}',
        f'{{"version": {VERSION}, "sessions": 3}}',
        f'{{"version": {VERSION}, "sessions": {{"x": 3}}}}',
        f'{{"version": {VERSION}, "sessions": {{"x": {{"stamp": 1, "results": null, "trouble": ""}}}}}}',
        f'{{"version": {VERSION}, "sessions": {{"x": {{"stamp": "1", "results": {{}}, "trouble": ""}}}}}}',
    ],
)
def test_a_damaged_file_is_as_good_as_none(summary: Summary, tmp_path: Path, text: str) -> None:
    file = tmp_path / "results.json"
    file.write_text(text)
    known = KnownResults(file)
    assert known.of(summary) is None
    known.keep(summary.path, Outcome(stamp(summary), None, "why"))
    known.save()
    assert KnownResults(file).of(summary) == Outcome(stamp(summary), None, "why")


def test_a_place_that_cannot_be_written_is_no_trouble(summary: Summary, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    known = KnownResults(tmp_path / "file" / "results.json")
    known.keep(summary.path, Outcome(stamp(summary), None))
    known.save()
    assert known.of(summary) is not None


def test_serving_answers_each_session_and_passes_over_what_is_none(
    summary: Summary, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.ibs").write_bytes(b"rubbish")
    serve([str(tmp_path / "broken.ibs"), str(summary.path)])
    (line,) = capsys.readouterr().out.splitlines()
    answer = json.loads(line)
    assert answer["path"] == str(summary.path)
    assert Results.from_dict(answer["results"]) == work_out(summary).results


def test_nothing_heavy_is_loaded_to_show_results() -> None:
    code = "import sys, ibtui.results, ibtui.app; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "textual" in done.stdout.split()
    assert not HEAVY & set(done.stdout.split())


FOUND = Results(0, 10_000, 145.3, 9, True, (0.0, 0.4, 3.934), 0.9627, 1.0)
SENTENCES = [
    (
        FOUND,
        "Drift ends at epoch 145; T3 has lost 3.93 bits of the input since its peak; 96.3% of the unseen labels are "
        "guessed right.",
    ),
    (
        replace(FOUND, epoch=400, drift_end=None, lost=(0.0, 0.05), accuracy=None),
        "So far, at epoch 400: no end of drift is seen; no layer has lost information of the input; 100.0% of the "
        "labels are guessed right.",
    ),
    (
        replace(FOUND, drift_end=None, snr_measured=False, lost=(None,), accuracy=None, accuracy_inside=None),
        "An epoch is one batch, so there is no gradient noise to tell drift from diffusion; no layer has lost "
        "information of the input.",
    ),
    (Results(0), "Nothing was measured."),
]


@pytest.mark.parametrize(("found", "said"), SENTENCES)
def test_the_sentence_says_what_is_known(summary: Summary, found: Results, said: str) -> None:
    assert sentence(summary, found) == said


def test_absent_results_are_empty_cells() -> None:
    assert cells(FOUND) == {"drift ends": "145", "bits lost": "3.93", "accuracy": "96.3%"}
    assert set(cells(None).values()) == set(cells(Results(0)).values()) == {""}

"""`ibtui phases`: what it tells is what the engine finds in the session; absent values are said in words."""

from __future__ import annotations

import json
import math
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ibtui_engine.experiment import Experiment, parse_hidden
from ibtui_engine.phases.diffusion import diffusion
from ibtui_engine.phases.summary import phases
from ibtui_engine.runner import begin
from ibtui_engine.session.history import SessionReader

if TYPE_CHECKING:
    from tests.ibtui.cli.conftest import Program


def document(program: Program, *arguments: str) -> dict[str, Any]:
    """The JSON document; anything in it that is no JSON, such as NaN, is an error."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(program.good("phases", *arguments, "--json"), parse_constant=refuse)


def same(told: float | None, found: float) -> bool:
    return told is None if math.isnan(found) else told == found


@pytest.fixture(scope="session")
def falling(made: Program, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A session with transitions in most networks: small networks that learn fast."""
    program = made.elsewhere(tmp_path_factory.mktemp("falling"))
    program.good(
        "run", "--name", "falls", "--hidden", "5-3", "--networks", "4", "--epochs", "700", "--learning-rate", "0.1",
        "--snapshots", "60", "--quiet",
    )  # fmt: skip
    return program


def test_the_document_is_what_the_engine_finds(falling: Program) -> None:
    told = document(falling, "falls")
    (ensemble,) = told["ensembles"]
    with SessionReader(falling.path("falls")) as reader:
        recorded = reader.ensemble(0)
        history = reader.layers(recorded)
        found = phases(history, widths=(*parse_hidden(recorded.hidden), 1), batches=7, h_x=reader.summary.rules[0].h_x)
        moves, _ = diffusion(
            ((epoch, reader.weights(recorded, epoch)) for epoch in recorded.snapshots),
            reader.architecture(recorded),
            found.transition.epochs,
        )
    assert found.transition.network.present, "the test compares something"
    assert ensemble["batches"] == 7
    assert ensemble["noise_floor"] == found.floor
    assert ensemble["network"]["transition"]["epoch"] == found.transition.network.epoch
    assert ensemble["compressing_order"]["layers"] == list(found.compressing.layers)
    assert ensemble["equation_11"]["from_below"]["log_alone"] == found.depth.from_below.log_alone
    for row, layer, moved, weights in zip(ensemble["layers"], found.layers, ensemble["diffusion"], moves, strict=True):
        assert (row["layer"], row["width"]) == (layer.layer, layer.width)
        for name in ("transition", "turning", "levels_at", "half_compressed"):
            assert same(row[name]["epoch"], getattr(layer, name).epoch)
            assert same(row[name]["low"], getattr(layer, name).low)
            assert row[name]["networks"] == getattr(layer, name).count
        for name in ("delay", "compression", "slope", "drift_share", "level", "norm_last"):
            assert same(row[name]["mean"], getattr(layer, name).mean)
            assert same(row[name]["error"], getattr(layer, name).error)
        for name in ("exponent", "late_exponent", "correlation", "displacement"):
            assert same(moved[name]["mean"], getattr(weights, name).mean)
        assert same(moved["independent"], weights.independent)


def test_tables_and_chart_say_what_the_document_says(falling: Program) -> None:
    told = falling.good("phases", "falls")
    layer = document(falling, "falls")["ensembles"][0]["layers"][0]
    assert "Gradient SNR" in told
    assert "┤" in told
    assert f"{layer['transition']['epoch']:.0f} [{layer['transition']['low']:.0f}, " in told
    assert f"{layer['norm_first']['mean']:.3f} → {layer['norm_last']['mean']:.3f}" in told
    for words in (
        "All weights together: drift ends",
        "Kendall's W",
        "Eq. 11",
        "Here: binning, 30 bins",
        "Wiener process",
    ):
        assert words in told.replace("\n", " ")
    assert "nan" not in told.lower().replace("nance", "")
    assert "┤" not in falling.good("phases", "falls", "--no-chart")


def test_every_ensemble_is_told_or_the_one_asked_for(made: Program) -> None:
    everything = document(made, "grid")["ensembles"]
    assert [each["ensemble"] for each in everything] == [0, 1, 2, 3]
    assert document(made, "grid", "--ensemble", "2")["ensembles"] == [everything[2]]
    text = made.good("phases", "grid")
    for each in everything:
        assert f"{each['hidden']} at {each['fraction']:g}" in text
    assert "What depth saves" in text
    assert "What depth saves" not in made.good("phases", "grid", "--ensemble", "2")


def test_one_batch_an_epoch_is_said_and_the_rest_comes(program: Program) -> None:
    program.good("run", "--name", "full", *program.SHORT, "--batch", "full", "--quiet")
    (ensemble,) = document(program, "full")["ensembles"]
    assert ensemble["snr_measured"] is False
    assert ensemble["noise_floor"] is None
    assert all(row["transition"]["epoch"] is None for row in ensemble["layers"])
    assert all(row["compression"]["networks"] == 3 for row in ensemble["layers"])
    told = program.good("phases", "full")
    assert "There is no gradient SNR (an epoch is one batch), so no transition." in told
    assert re.search(r"^ +1 +none +0 ", told, re.MULTILINE)


def test_without_weights_the_rest_comes_and_one_network_has_no_interval(program: Program) -> None:
    program.good(
        "run", "--name", "bare", "--networks", "1", "--epochs", "60", "--snapshots", "8", "--no-weights", "--quiet"
    )
    (ensemble,) = document(program, "bare")["ensembles"]
    assert ensemble["diffusion"] is None
    assert "--no-weights" in ensemble["diffusion_absent"]
    assert all(row["norm_last"]["mean"] > 0 and row["norm_last"]["error"] is None for row in ensemble["layers"])
    told = program.good("phases", "bare")
    assert "the session keeps no weights" in told.replace("\n", " ")
    assert " ± " not in told.split("Exponent")[0]


def test_a_session_that_has_measured_nothing_is_refused(program: Program) -> None:
    begin(program.path("empty"), "empty", Experiment(networks=1, epochs=5, trainer="fused")).close()
    done = program("phases", "empty")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "ibtui: session 'empty' has measured no epoch yet, so it has no phases\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("grid", "--ensemble", "4"), ("ensemble is 4", "0 to 3")),
        (("grid", "--ensemble", "-1"), ("ensemble is -1", "0 to 3")),
        (("nosuch",), ("nosuch",)),
        (("grid", "--ensemble", "two"), ("--ensemble",)),
    ],
)
def test_what_is_not_there_is_refused_in_one_line(made: Program, arguments: tuple[str, ...], words: tuple) -> None:
    done = made("phases", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert all(word in done.stderr for word in words)


def test_a_damaged_session_is_refused(falling: Program, program: Program) -> None:
    program.sessions.mkdir(exist_ok=True)
    copy = program.path("damaged")
    shutil.copy(falling.path("falls"), copy)
    data = bytearray(Path(copy).read_bytes())
    data[20_000:60_000] = np.random.default_rng(0).bytes(40_000)
    copy.write_bytes(data)
    done = program("phases", "damaged")
    assert done.returncode == 2
    assert done.stderr.startswith("ibtui: ")
    assert "Traceback" not in done.stderr

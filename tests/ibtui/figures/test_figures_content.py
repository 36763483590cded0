"""What figures show: the numbers of their sessions, found by other ways than theirs."""

from __future__ import annotations

import math
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ibtui.figures import figure_4
from ibtui.figures.content import Bound, Compared, Content, Fractions, Gradients, Lines, Paths, Points, SignalToNoise
from ibtui.figures.registry import FIGURES, find_figure
from ibtui_engine.bottleneck.choice import rule_curve
from ibtui_engine.bottleneck.sampling import sampled_bound
from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import Experiment, hidden_text
from ibtui_engine.multiplications import multiplications_per_epoch
from ibtui_engine.presets import PRESETS
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.runner import Run, begin
from ibtui_engine.session.history import SessionReader
from ibtui_engine.threads import Threads

if TYPE_CHECKING:
    from tests.ibtui.figures.conftest import Query

OF_ENSEMBLE = " FROM layer l JOIN snapshot s ON s.id = l.snapshot JOIN cohort c ON c.id = s.cohort WHERE c.ensemble = ?"


@pytest.mark.long
def test_figure_2_has_every_layer_of_every_network_at_the_papers_epochs(
    contents: dict[str, Content], example: Callable[[str], Path], query: Query
) -> None:
    panels = contents["2"].panels
    assert contents["2"].notes == ()
    assert [panel.epoch for panel in panels if isinstance(panel, Points)] == [0, 400, 9000]
    for panel in panels:
        assert isinstance(panel, Points)
        rows = query(
            example("figure-2"),
            f"SELECT l.i_x, l.i_y{OF_ENSEMBLE} AND s.epoch = ? ORDER BY l.network, l.layer",
            0,
            panel.epoch,
        )
        np.testing.assert_array_equal(np.stack([panel.i_x.ravel(), panel.i_y.ravel()], axis=1), rows)


def test_figure_2_says_which_epochs_stand_for_those_that_were_not_measured(small: Path) -> None:
    content = FIGURES["2"].read([small])
    assert [panel.epoch for panel in content.panels if isinstance(panel, Points)] == [0, 40]
    assert "epoch 40 is shown" in content.notes[0]


def test_paths_are_means_over_networks(
    contents: dict[str, Content], example: Callable[[str], Path], query: Query
) -> None:
    panels = contents["3"].panels
    assert [panel.plane.fraction for panel in panels if isinstance(panel, Paths)] == [0.05, 0.45, 0.85]
    for index, panel in enumerate(panels):
        assert isinstance(panel, Paths)
        rows = query(
            example("figure-3"),
            f"SELECT s.epoch, avg(l.i_x), avg(l.i_y){OF_ENSEMBLE} GROUP BY s.epoch, l.layer ORDER BY s.epoch, l.layer",
            index,
        ).reshape(len(panel.epochs), 6, 3)
        np.testing.assert_array_equal(panel.epochs, rows[:, 0, 0])
        np.testing.assert_allclose(panel.i_x, rows[:, :, 1], rtol=1e-12)
        np.testing.assert_allclose(panel.i_y, rows[:, :, 2], rtol=1e-12)
    assert "5 % of the patterns: an epoch is one batch" in contents["3"].notes[-1]
    assert all(map(math.isnan, panels[0].transitions))  # type: ignore[union-attr]
    assert any(10 < turn < 1000 for turn in panels[2].transitions)  # type: ignore[union-attr]


def test_gradients_their_floor_and_their_ratio(
    contents: dict[str, Content], example: Callable[[str], Path], query: Query
) -> None:
    gradients, ratio = contents["4"].panels
    assert isinstance(gradients, Gradients)
    assert isinstance(ratio, SignalToNoise)
    rows = query(
        example("figure-4"),
        f"SELECT s.epoch, l.network, l.layer, l.grad_mean, l.grad_std{OF_ENSEMBLE} AND s.epoch > 0"
        " ORDER BY s.epoch, l.network, l.layer",
        0,
    ).reshape(len(gradients.epochs) - 1, 10, 6, 5)
    mean, std = rows[..., 3], rows[..., 4]
    np.testing.assert_allclose(gradients.mean[1:], mean.mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(gradients.std[1:], std.mean(axis=1), rtol=1e-12)
    assert gradients.batches == math.ceil(round(0.85 * 4096) / 512)
    floor = np.prod(std.mean(axis=1), axis=1) ** (1 / 6) / math.sqrt(gradients.batches)
    np.testing.assert_allclose(gradients.floor[1:], floor, rtol=1e-9)
    np.testing.assert_allclose(ratio.snr[1:], np.prod(mean / std, axis=1) ** (1 / 10), rtol=1e-9)
    assert gradients.widths == (12, 10, 8, 6, 4, 2, 1)
    assert gradients.transition == ratio.network.epoch


def test_figure_5_times_the_output_and_finds_where_compression_begins(
    contents: dict[str, Content], example: Callable[[str], Path], query: Query
) -> None:
    *planes, times, turns = contents["5"].panels
    assert [len(panel.transitions) for panel in planes if isinstance(panel, Paths)] == [2, 3, 4, 5, 6, 7]
    assert isinstance(times, Lines)
    assert isinstance(turns, Lines)
    for index in range(6):
        rows = query(
            example("figure-5"),
            f"SELECT s.epoch, l.network, l.i_y{OF_ENSEMBLE} AND l.layer = ? ORDER BY s.epoch, l.network",
            index,
            index + 2,
        ).reshape(-1, 6, 3)
        epochs = rows[:, 0, 0]
        for line, share in zip(times.lines, (0.3, 0.6, 0.9), strict=True):
            # First snapshot above, without smoothing: a snapshot or two away from the smooth course at most.
            passed = rows[:, :, 2] >= share * planes[0].plane.i_xy  # type: ignore[union-attr]
            first = np.sort(np.where(passed.any(axis=0), epochs[passed.argmax(axis=0)], np.inf))
            low, high = first[0] / 1.7, first[-1] * 1.7
            assert low <= line.y[index] <= high
            assert line.low[index] <= line.y[index] <= line.high[index]
            assert line.count[index] == 6
    assert [line.name for line in turns.lines] == [f"{k} hidden" for k in range(1, 7)]
    for line in turns.lines:
        known = np.isfinite(line.y)
        assert (line.count[known] >= 3).all()
        assert (line.low[known] <= line.y[known]).all()


def test_figure_6_has_the_layers_at_the_last_epoch_with_their_errors(
    contents: dict[str, Content], small: Path, query: Query
) -> None:
    panel, _, beta, residuals = contents["6"].panels
    assert isinstance(panel, Bound)
    assert (panel.plane.fraction, panel.fits.epoch) == (0.8, 40)
    rows = query(small, f"SELECT l.i_x, l.i_y{OF_ENSEMBLE} AND s.epoch = 40 ORDER BY l.network, l.layer", 1)
    values = rows.reshape(3, 3, 2)
    np.testing.assert_allclose(panel.fits.mean("i_x"), values[..., 0].mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(panel.fits.error("i_y"), values[..., 1].std(axis=0, ddof=1) / math.sqrt(3), atol=1e-9)
    assert (panel.fits.mean("i_y") <= panel.curve.upper(panel.fits.mean("i_x")) + 1e-9).all()
    assert isinstance(beta, Lines)
    assert isinstance(residuals, Lines)
    assert beta.x_names == residuals.x_names == ("T1", "T2", "output")
    with_beta = np.isfinite(panel.fits.beta)
    assert with_beta.any()
    np.testing.assert_array_equal(beta.lines[0].count, with_beta.sum(axis=0))
    assert [line.name for line in residuals.lines[:2]] == ["symmetric: encoder, Eq. 8", "symmetric: decoder, Eq. 9"]
    for layer in np.flatnonzero(with_beta.any(axis=0)):
        of = with_beta[:, layer]
        median = np.median(panel.fits.beta[of, layer])
        assert beta.lines[0].y[layer] == pytest.approx(median)
        for line, name in zip(residuals.lines, ("residual", "inconsistency"), strict=False):
            assert line.y[layer] == pytest.approx(np.median(getattr(panel.fits, name)[of, layer]))
        if of.sum() % 2:  # the points are in the order of their betas
            there = [one[layer] for one in panel.at_beta]
            np.testing.assert_allclose(there, panel.curve.point_at(median), rtol=1e-9)


def test_figure_6_of_one_session_has_its_panels_below_one_another(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ibtui.figures.figure_6.CURVE_ERROR", 1e-3)
    content = FIGURES["6"].read([small], threads=1)
    assert [len(row) for row in content.rows] == [1, 1, 1]
    assert [line.name for line in content.panels[2].lines] == ["encoder, Eq. 8", "decoder, Eq. 9"]  # type: ignore[union-attr]


def test_figure_7_has_a_line_and_a_bound_for_each_fraction(
    contents: dict[str, Content], small: Path, query: Query
) -> None:
    (panel,) = contents["7"].panels
    assert isinstance(panel, Fractions)
    assert panel.fractions == (0.2, 0.8)
    pool = Threads(1)
    for index, fraction in enumerate(panel.fractions):
        rows = query(small, f"SELECT l.i_x, l.i_y{OF_ENSEMBLE} AND s.epoch = 40 ORDER BY l.network, l.layer", index)
        values = rows.reshape(3, 3, 2)
        np.testing.assert_allclose(panel.i_x[index], values[..., 0].mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(panel.error_y[index], values[..., 1].std(axis=0, ddof=1) / math.sqrt(3), rtol=1e-9)
        of_the_same_samples = sampled_bound(load_rule("symmetric"), fraction, (5, 6, 7), pool)
        np.testing.assert_allclose(panel.sampled[index].i_y, of_the_same_samples.i_y)
    pool.close()


def test_figure_3_of_one_fraction_is_its_panel(example: Callable[[str], Path]) -> None:
    content = FIGURES["3"].read([example("figure-2")], threads=1)
    (panel,) = content.panels
    assert isinstance(panel, Paths)
    assert content.notes == ("85 % of the patterns only: the paper compares 5, 45 and 85 %",)


def test_figure_8_is_of_the_committee_machine(contents: dict[str, Content], small: Path) -> None:
    plane, gradients = contents["8"].panels
    assert isinstance(plane, Paths)
    assert isinstance(gradients, Gradients)
    assert plane.plane.i_xy == pytest.approx(0.99, abs=1e-4)
    with pytest.raises(InvalidValue, match="is of the rule symmetric"):
        FIGURES["8"].read([small])


def test_figure_4_says_where_the_network_is_not_the_papers(contents: dict[str, Content], small: Path) -> None:
    assert contents["4"].notes == ("hidden layers 10-8-6-4-2: the paper has 12-10-7-5-4-3-2",)
    assert hidden_text(PRESETS["figure-4"].experiment.hidden[0]) == figure_4.HIDDEN


def test_orbits_are_the_recorded_parts_and_what_is_lost_of_them(contents: dict[str, Content], small: Path) -> None:
    *courses, lost = contents["orbits"].panels
    with SessionReader(small) as reader:
        one = reader.recorded_ensemble(1)  # of most patterns
    layers = one.layers
    rows = [one.epochs.index(int(epoch)) for epoch in courses[0].lines[0].x]  # type: ignore[union-attr]
    assert rows[0] == 1
    assert rows[-1] == len(one.epochs) - 1
    for panel, values in zip(
        courses, (layers.i_orbit, layers.i_x - layers.i_orbit, layers.i_x - layers.i_y), strict=True
    ):
        assert isinstance(panel, Lines)
        assert [line.name for line in panel.lines] == ["T1", "T2", "output"]
        for k, line in enumerate(panel.lines):
            np.testing.assert_allclose(line.y, values[rows][:, :, k].mean(axis=1), atol=1e-12)
    assert isinstance(lost, Lines)
    assert [line.name for line in lost.lines] == ["of the orbit", "within orbits", "of the label"]
    for k in range(3):
        peaks = layers.i_x[:, :, k].argmax(axis=0)
        fell = [layers.i_x[peak, n, k] - layers.i_x[-1, n, k] for n, peak in enumerate(peaks)]
        assert lost.lines[0].y[k] + lost.lines[1].y[k] == pytest.approx(np.mean(fell), abs=1e-12)
        knew = [layers.i_y[peak, n, k] - layers.i_y[-1, n, k] for n, peak in enumerate(peaks)]
        assert lost.lines[2].y[k] == pytest.approx(np.mean(knew), abs=1e-12)


def test_orbits_of_what_was_not_told_apart_are_refused(small: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(small, tmp_path))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE layer SET i_orbit = NULL")
    with pytest.raises(InvalidValue, match=r"session 'small' does not tell what layers keep of orbits: .*remeasure"):
        FIGURES["orbits"].read([path])


def test_objectives_are_compared_after_as_many_multiplications_and_at_the_end(
    contents: dict[str, Content], guided: tuple[Path, Path]
) -> None:
    at_work, at_end, near, far, hidden, output = contents["ib-guided"].panels
    with SessionReader(guided[0]) as first, SessionReader(guided[1]) as second:
        found = [first.recorded_ensemble(0), first.recorded_ensemble(1), second.recorded_ensemble(1)]
        rule = first.rule(first.summary.rules[0].number)
    curve = rule_curve(rule, error=1e-3)
    work = [multiplications_per_epoch(one.ensemble.settings, one.ensemble.sample_size, (12, 3, 2, 1)) for one in found]
    assert work[1] == work[2] > 1.9 * work[0]
    least = 12 * work[0]
    epochs = [
        max(epoch for epoch in one.epochs if epoch * each <= least) for one, each in zip(found, work, strict=True)
    ]
    assert epochs[0] == 12
    assert epochs[1:] == [6, 6]
    names = ("cross-entropy", "bottleneck, beta 20", "self-consistent, beta 20")
    for panel, lines, at in ((at_work, near, epochs), (at_end, far, [12, 12, 9])):
        assert isinstance(panel, Compared)
        assert isinstance(lines, Lines)
        assert panel.names == tuple(line.name for line in lines.lines) == names
        assert panel.epochs == tuple(at)
        for k, (one, epoch) in enumerate(zip(found, at, strict=True)):
            i_x, i_y = (one.values(name)[one.epochs.index(epoch)] for name in ("i_x", "i_y"))
            np.testing.assert_allclose(panel.i_x[k], i_x.mean(axis=0), rtol=1e-12)
            np.testing.assert_allclose(panel.i_y[k], i_y.mean(axis=0), rtol=1e-12)
            np.testing.assert_allclose(panel.error_x[k], i_x.std(axis=0, ddof=1) / math.sqrt(3), rtol=1e-9)
            np.testing.assert_allclose(panel.error_y[k], i_y.std(axis=0, ddof=1) / math.sqrt(3), rtol=1e-9)
            below = np.interp(i_x, *curve.corners.T) - i_y
            np.testing.assert_allclose(lines.lines[k].y, below.mean(axis=0), atol=1e-9)
    assert [panel.plane.title for panel in (at_work, at_end)] == [  # type: ignore[union-attr]
        f"3-2, after {least:.1e} multiplications".replace("e+0", "e"),
        "3-2, the last epochs",
    ]
    for panel, column in ((hidden, "below_bits"), (output, "i_y_bits")):
        assert isinstance(panel, Lines)
        assert panel.columns == ("multiplications", column)
        for line, one, each in zip(panel.lines, found, work, strict=True):
            np.testing.assert_allclose(line.x, each * np.array(one.epochs[1:]))
            i_x, i_y = one.values("i_x")[1:], one.values("i_y")[1:]
            below = (np.interp(i_x, *curve.corners.T) - i_y)[:, :, :-1].mean(axis=(1, 2))
            np.testing.assert_allclose(line.y, below if panel is hidden else i_y[:, :, -1].mean(axis=1), atol=1e-9)


def test_objectives_need_stochastic_units_and_another_objective(
    small: Path, guided: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(InvalidValue, match=r"^session 'small' has units that are not stochastic: figure ib-guided"):
        FIGURES["ib-guided"].read([small])
    with SessionReader(guided[0]) as reader:
        settings = {**reader.summary.experiment.to_dict(), "epochs": 2, "ib_beta": "none"}
    for name, more in (("one", {}), ("other", {"ib_beta": 20.0, "learning_rate": 0.02})):
        path = tmp_path / f"{name}.ibs"
        Run(begin(path, name, Experiment.from_dict({**settings, **more}))).execute()
    for paths, said in (
        ([tmp_path / "one.ibs"], "'one' has cross-entropy only"),
        ([tmp_path / "one.ibs", tmp_path / "other.ibs"], "'one' and 'other' has cross-entropy only"),
    ):
        with pytest.raises(InvalidValue, match=f"^session {said}: figure ib-guided compares objectives of networks"):
            FIGURES["ib-guided"].read(paths)


@pytest.mark.parametrize(
    ("figure", "session", "said"),
    [
        ("5", "figure-3", "figure 5 compares depths"),
        ("6", "figure-2", r"has no beta\*"),
        ("7", "figure-4", "has the sample fraction 0.85 only"),
    ],
)
def test_a_session_that_lacks_what_a_figure_needs_is_refused(
    example: Callable[[str], Path], figure: str, session: str, said: str
) -> None:
    with pytest.raises(InvalidValue, match=said) as refused:
        FIGURES[figure].read([example(session)], threads=1)
    assert "\n" not in str(refused.value)


def test_gradients_of_one_batch_an_epoch_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "full.ibs"
    Run(begin(path, "full", Experiment(hidden=((2,),), networks=1, epochs=2, batch="full"))).execute()
    with pytest.raises(InvalidValue, match="an epoch is one batch"):
        FIGURES["4"].read([path])


def test_more_sessions_than_a_figure_has_room_for_are_refused(small: Path) -> None:
    for name in ("2", "3", "4", "5", "7", "8", "orbits"):
        with pytest.raises(InvalidValue, match="session is given 2 times"):
            FIGURES[name].read([small, small])
    for name in ("6", "ib-guided"):
        with pytest.raises(InvalidValue, match="room for two"):
            FIGURES[name].read([small] * 3)


def test_figures_are_found_by_their_names_and_need_presets_that_there_are() -> None:
    assert find_figure("3") is find_figure("figure-3") is FIGURES["3"]
    with pytest.raises(
        InvalidValue,
        match="unknown figure '9': choose one of 2, 3, 4, 5, 6, 7, 8, digits, mnist, orbits, perceptron, "
        "ib-guided, monte-carlo",
    ):
        find_figure("9")
    for figure in FIGURES.values():
        assert set(figure.presets) <= set(PRESETS)
        assert figure.sentence.endswith(".")

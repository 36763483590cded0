"""A run on a table with rows held out: they never train, and what is measured of them is theirs."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ibtui_engine.experiment import Experiment
from ibtui_engine.remeasure import save_remeasured
from ibtui_engine.runner import Run, begin, reopen
from ibtui_engine.session.history import SessionReader
from ibtui_engine.threads import Threads


def table(path: Path, labels: int, rows: int = 90, seed: int = 0) -> Path:
    x = np.random.default_rng(seed).normal(size=(rows, 3)).round(3)
    y = np.digitize(x[:, 0] * x[:, 1], [0.1, 0.7][: labels - 1])
    path.write_text("a,b,c,label\n" + "".join(f"{a},{b},{c},{k}\n" for (a, b, c), k in zip(x, y, strict=True)))
    return path


def run(path: Path, experiment: Experiment) -> Path:
    assert Run(begin(path, path.stem, experiment), threads=1).execute() == "finished"
    return path


def settings(rule: Path, **more: object) -> dict[str, object]:
    return {"rule": f"table:{rule}", "hidden": "4-3", "networks": 2, "epochs": 12, "snapshots": 2, "batch": 16, **more}


def entropy(counts: Counter[object]) -> float:
    total = sum(counts.values())
    return -math.fsum(n / total * math.log2(n / total) for n in counts.values())


def outputs(weights: np.ndarray, reader: SessionReader, network: int, x: np.ndarray) -> list[np.ndarray]:
    matrices = reader.architecture(reader.ensemble(0)).matrices(weights[network : network + 1])
    found, below = [], x.astype(np.float64)
    for layer, matrix in enumerate(matrices):
        z = below @ matrix[0, :, :-1].astype(np.float64).T + matrix[0, :, -1]
        last = layer == len(matrices) - 1
        if not last:
            below = np.tanh(z)
        elif z.shape[1] == 1:
            below = 1 / (1 + np.exp(-z))
        else:
            below = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        found.append(below)
    return found


@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.parametrize("estimator", ["binning", "exact", "quantile"])
def test_held_out_rows_are_measured_apart_and_never_train(tmp_path: Path, labels: int, estimator: str) -> None:
    rule = table(tmp_path / "t.csv", labels)
    experiment = Experiment.from_dict(settings(rule, test_fraction=0.3, estimator=estimator, bins=6))
    with SessionReader(run(tmp_path / "s.ibs", experiment)) as reader:
        held = reader.rule(1).held_out
        summary = reader.summary
        assert held is not None
        assert summary.rules[0].held_out is not None
        assert (
            (summary.rules[0].patterns, summary.rules[0].held_out.patterns)
            == (len(reader.rule(1).p_y), len(held.p_y))
            == (63, 27)
        )
        assert summary.rules[0].held_out.h_x == pytest.approx(math.log2(27))
        y = held.p_y.astype(int) if labels == 2 else held.p_y.argmax(axis=1)
        ensemble = reader.ensemble(0)
        layers, learning, weights = (
            reader.layers(ensemble, 12),
            reader.learning(ensemble, 12),
            reader.weights(ensemble, 12),
        )
        for network in range(2):
            above = outputs(weights, reader, network, held.patterns)
            for layer, values in enumerate(above):
                if estimator == "binning":
                    edges = np.linspace(-1, 1, 7)[1:-1]
                    t = [tuple(row) for row in np.searchsorted(edges, values, side="right").tolist()]
                elif estimator == "quantile":
                    ranked = np.sort(values, axis=0)[[k * 27 // 6 for k in range(1, 6)]]
                    t = list(zip(*(np.searchsorted(ranked[:, j], values[:, j], side="right").tolist()
                                   for j in range(values.shape[1])), strict=True))  # fmt: skip
                else:
                    t = [tuple(row) for row in values.tolist()]
                both = list(zip(t, y.tolist(), strict=True))
                h_t, h_y, h_ty = entropy(Counter(t)), entropy(Counter(y.tolist())), entropy(Counter(both))
                assert layers.held_out_i_x[0, network, layer] == pytest.approx(h_t, abs=1e-9)
                assert layers.held_out_i_y[0, network, layer] == pytest.approx(h_t + h_y - h_ty, abs=1e-9)
            p = above[-1][:, 0] if labels == 2 else above[-1][np.arange(27), y]
            loss = -np.log(np.where(y == 1, p, 1 - p) if labels == 2 else p).mean()
            answer = (p > 0.5).astype(int) if labels == 2 else above[-1].argmax(axis=1)
            assert learning.held_out_loss[0, network] == pytest.approx(loss)
            assert learning.held_out_accuracy[0, network] == pytest.approx((answer == y).mean())


@pytest.mark.parametrize("labels", [2, 3])
def test_what_trains_is_what_would_train_without_the_held_out_rows(tmp_path: Path, labels: int) -> None:
    first, second = table(tmp_path / "first.csv", labels), table(tmp_path / "second.csv", labels, 30, seed=1)
    with (
        SessionReader(run(tmp_path / "with.ibs", Experiment.from_dict(settings(first, test=str(second))))) as beside,
        SessionReader(run(tmp_path / "without.ibs", Experiment.from_dict(settings(first)))) as alone,
    ):
        of = beside.ensemble(0), alone.ensemble(0)
        assert np.array_equal(beside.weights(of[0], 12), alone.weights(of[1], 12))
        one, other = beside.layers(of[0]), alone.layers(of[1])
        for name in ("i_x", "i_y", "distinct_t", "low", "high", "saturated"):
            assert np.array_equal(getattr(one, name), getattr(other, name))
        assert np.isnan(other.held_out_i_x).all()
        assert np.isfinite(one.held_out_i_y).all()
        assert alone.summary.rules[0].held_out is None


def test_they_are_measured_when_a_run_goes_on_and_when_it_is_measured_again(tmp_path: Path) -> None:
    rule = table(tmp_path / "t.csv", 2)
    path = run(tmp_path / "s.ibs", Experiment.from_dict(settings(rule, test_fraction=0.3)))
    rule.unlink()  # the session has all it needs
    assert Run(reopen(path, epochs=14), threads=1).execute() == "finished"
    whole = run(tmp_path / "w.ibs", Experiment.from_dict(settings(table(rule, 2), test_fraction=0.3, epochs=14)))
    with SessionReader(path) as reader, SessionReader(whole) as other:
        one, two = (each.layers(each.ensemble(0), 14) for each in (reader, other))
        assert np.array_equal(one.held_out_i_y, two.held_out_i_y)
        experiment = reader.summary.experiment.override({"estimator": "kde"})
        pool = Threads(1)
        save_remeasured(reader, tmp_path / "again.ibs", "again", experiment, pool)
        pool.close()
    with SessionReader(tmp_path / "again.ibs") as again:
        layers = again.layers(again.ensemble(0), 14)
        assert (layers.held_out_i_x_lower <= layers.held_out_i_x + 1e-12).all()
        assert (layers.held_out_i_y_lower <= layers.held_out_i_y + 1e-12).all()

"""The page's example of JAX records what the same network in torch does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ibtui_engine.recording.record import record
from ibtui_engine.session.control import send
from ibtui_engine.session.history import SessionReader
from tests.engine.recording.page_examples import page_example, run_example

jax = pytest.importorskip("jax")
pytestmark = pytest.mark.long

SEEDS, EPOCHS = (0, 1), 4


def by_hand(path: Path, draw: Any) -> None:
    """The example's training in torch, recorded by its hooks."""
    random = np.random.default_rng(0)
    inputs = torch.from_numpy(random.normal(size=(300, 5)).astype(np.float32))
    answers = (inputs.sum(dim=1) > 0).long()
    for seed in SEEDS:
        model = torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))
        for module, name in ((model[0], "hidden"), (model[2], "logits")):
            drawn = jax.device_get(draw(seed)[name])
            module.weight.data = torch.from_numpy(drawn["w"].T.copy())  # type: ignore[operator]
            module.bias.data = torch.from_numpy(drawn["b"].copy())  # type: ignore[operator]
        optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
        layers = {"hidden": ("0", "1"), "logits": "2"}
        cross_entropy = torch.nn.functional.cross_entropy
        with record(path, model, inputs, answers, layers=layers, optimizer=optimizer, network=seed) as recording:
            for epoch in range(EPOCHS):
                for batch in random.permutation(300).reshape(6, 50) if epoch else ():
                    optimizer.zero_grad()
                    cross_entropy(model(inputs[batch]), answers[batch]).backward()  # type: ignore[no-untyped-call]
                    optimizer.step()
                with torch.no_grad():
                    recording.snapshot(epoch, losses=float(cross_entropy(model(inputs), answers)))


def test_the_example_has_the_numbers_of_the_same_network_in_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    by_hand(tmp_path / "torch-net.ibs", run_example(page_example("import jax"))["draw"])
    with SessionReader(tmp_path / "jax-net.ibs") as one, SessionReader(tmp_path / "torch-net.ibs") as other:
        found, expected = one.recorded_ensemble(0), other.recorded_ensemble(0)
        assert one.summary.status == "finished"
    assert (found.layer_names, found.widths, found.batches) == (("hidden", "logits"), (8, 2), 6)
    assert found.layers.epochs.tolist() == list(range(EPOCHS))
    assert found.values("i_x").shape == (EPOCHS, len(SEEDS), 2)
    for column in ("grad_mean", "grad_std"):
        assert np.isnan(found.values(column)[0]).all()
        assert np.isfinite(found.values(column)[1:]).all()
        assert found.values(column) == pytest.approx(expected.values(column), rel=1e-4, nan_ok=True)
    for column in ("weight_norm", "train_loss"):
        assert found.values(column) == pytest.approx(expected.values(column), rel=1e-5)
    for column in ("i_x", "i_y"):
        assert found.values(column) == pytest.approx(expected.values(column), abs=1e-4)


def test_a_request_to_stop_ends_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    asked = page_example("import jax").replace("collected.clear()\n", "collected.clear()\n            ask(epoch)\n")
    assert asked != page_example("import jax")
    run_example(asked, ask=lambda epoch: send(tmp_path / "jax-net.ibs", "stop") if epoch == 1 else None)
    with SessionReader(tmp_path / "jax-net.ibs") as reader:
        assert reader.summary.status == "stopped"
        assert reader.recorded_ensemble(0).layers.epochs.tolist() == [0, 1]

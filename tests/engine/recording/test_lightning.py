"""A fit of Lightning records what a loop by hand records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ibtui_engine.recording.lightning import lightning_callback
from ibtui_engine.recording.record import record
from ibtui_engine.session.control import send
from ibtui_engine.session.history import SessionReader
from tests.engine.recording.page_examples import page_example, run_example

lightning = pytest.importorskip("lightning.pytorch")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("ignore")]  # Lightning warns of much

EPOCHS, BATCH = 3, 16
PATTERNS = torch.from_numpy(np.random.default_rng(0).normal(size=(64, 5)).astype(np.float32))
LABELS = (PATTERNS.sum(dim=1) > 0).long()


def network() -> torch.nn.Sequential:
    torch.manual_seed(3)
    return torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))


class Module(lightning.LightningModule):  # type: ignore[misc,name-defined]
    """What people write."""

    def __init__(self, fails_at: int | None = None) -> None:
        super().__init__()
        self.net = network()
        self.fails_at = fails_at

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)  # type: ignore[no-any-return]

    def training_step(self, batch: Any, _: int) -> torch.Tensor:
        if self.current_epoch == self.fails_at:
            raise RuntimeError("out of luck")
        x, y = batch
        logits = self(x)
        loss = torch.nn.functional.cross_entropy(logits, y)
        self.log("train_loss", loss, on_epoch=True, on_step=False)
        self.log("train_acc", (logits.argmax(dim=1) == y).float().mean(), on_epoch=True, on_step=False)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.3)


def batches() -> torch.utils.data.DataLoader[Any]:
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(PATTERNS, LABELS), batch_size=BATCH)


def fit(callback: Any, module: Module, epochs: int = EPOCHS) -> None:
    lightning.Trainer(
        max_epochs=epochs, callbacks=[callback], accelerator="cpu", devices=1, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    ).fit(module, batches())  # fmt: skip


def test_a_fit_is_recorded_as_the_same_loop_by_hand(tmp_path: Path) -> None:
    fit(lightning_callback(tmp_path / "fit.ibs", PATTERNS, LABELS, layers=["net.0", "net.2"]), Module())
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    with record(tmp_path / "hand.ibs", model, PATTERNS, LABELS, layers=["0", "2"], optimizer=optimizer) as recording:
        recording.snapshot(0)
        for epoch in range(1, EPOCHS + 1):
            losses, right = [], []
            for x, y in batches():
                optimizer.zero_grad()
                logits = model(x)
                loss = torch.nn.functional.cross_entropy(logits, y)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
                right.append((logits.argmax(dim=1) == y).float().mean().item())
            recording.snapshot(epoch, losses=float(np.mean(losses)), accuracies=float(np.mean(right)))
    with SessionReader(tmp_path / "fit.ibs") as a, SessionReader(tmp_path / "hand.ibs") as b:
        one, other = a.recorded_ensemble(0), b.recorded_ensemble(0)
        assert one.layer_names == ("net.0", "net.2")
        assert a.summary.status == "finished"
        assert a.summary.experiment.epochs == EPOCHS
        assert one.layers.epochs.tolist() == [0, 1, 2, 3]
        for name in ("i_x", "i_y", "grad_mean", "grad_std", "weight_norm", "train_loss", "train_accuracy"):
            np.testing.assert_allclose(one.values(name), other.values(name), rtol=1e-5, err_msg=name)
        assert np.isfinite(one.values("grad_std")[1:]).all()
        assert np.isfinite(one.values("train_loss")[1:]).all()
        assert np.isnan(one.values("test_loss")).all()


def test_a_request_to_stop_ends_the_fit_after_the_epoch(tmp_path: Path) -> None:
    path = tmp_path / "fit.ibs"

    class Asks(lightning.Callback):  # type: ignore[misc,name-defined]
        def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
            if trainer.current_epoch == 1:
                send(path, "stop")

    trainer = lightning.Trainer(
        max_epochs=50, callbacks=[Asks(), lightning_callback(path, PATTERNS, LABELS)], accelerator="cpu", devices=1,
        logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(Module(), batches())
    assert trainer.current_epoch == 2
    with SessionReader(path) as reader:
        assert reader.summary.status == "stopped"


def test_a_fit_that_fails_leaves_a_session_that_says_so(tmp_path: Path) -> None:
    path = tmp_path / "fit.ibs"
    with pytest.raises(RuntimeError, match="out of luck"):
        fit(lightning_callback(path, PATTERNS, LABELS), Module(fails_at=2))
    with SessionReader(path) as reader:
        assert reader.summary.status == "stopped"
        assert reader.recorded_ensemble(0).layers.epochs.tolist() == [0, 1, 2]


def test_several_fits_are_networks_of_one_session(tmp_path: Path) -> None:
    path = tmp_path / "fit.ibs"
    for seed in (5, 7):
        fit(lightning_callback(path, PATTERNS, LABELS, network=seed), Module(), epochs=1)
    with SessionReader(path) as reader:
        assert reader.ensemble(0).networks == 2


def test_the_example_of_the_page_records_its_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_example(page_example("from lightning import pytorch as lightning"))
    with SessionReader(tmp_path / "lightning-net.ibs") as reader:
        assert reader.summary.status == "finished"
        recorded = reader.recorded_ensemble(0)
        assert recorded.layer_names == ("hidden", "logits")
        assert recorded.layers.epochs.tolist() == [0, 1, 2, 3]
        assert np.isfinite(recorded.values("train_loss")[1:]).all()
        assert np.isfinite(recorded.values("grad_mean")[1:]).all()

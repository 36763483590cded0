"""Recording torch models: the numbers of the engine's own networks, and a training loop that nothing disturbs."""

from __future__ import annotations

import math
import subprocess
import sys
import warnings
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import ibtui
from ibtui_engine.errors import InvalidValue
from ibtui_engine.measures.arrays import measure_outputs
from ibtui_engine.networks import Architecture
from ibtui_engine.recording import torch_layers
from ibtui_engine.recording.recorder import RecordingWarning
from ibtui_engine.recording.torch_gradients import GradientCollector
from ibtui_engine.recording.torch_layers import Probe, choose_layers
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.session.ensemble import RecordedEnsemble
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.summary import read_summary
from ibtui_engine.streams import shuffle_epoch
from ibtui_engine.threads import Threads
from ibtui_engine.training.choice import make_trainer
from ibtui_engine.training.problem import Optimization, Problem, TrainingState

EXAMPLE = Path(__file__).parents[3] / "sessions" / "example-figure-4.ibs"
WORST = 1e-4
"""By how much of itself the norm of a gradient in single precision may be off, in the worst of thousands."""
RANDOM = np.random.default_rng(1)
X = torch.from_numpy(RANDOM.normal(size=(60, 5)).astype(np.float32))
Y = torch.from_numpy(RANDOM.integers(0, 3, 60))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "own.ibs"


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(5, 8)
        self.norm = nn.BatchNorm1d(8)
        self.act = nn.ReLU(inplace=True)
        self.drop = nn.Dropout(0.5)
        self.fc2 = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.fc2(self.drop(self.act(self.norm(self.fc1(x)))))
        return found


def net_of(seed: int = 0) -> Net:
    torch.manual_seed(seed)
    return Net()


def step(model: nn.Module, optimizer: torch.optim.Optimizer, chosen: Any = slice(None)) -> None:
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(X[chosen]), Y[chosen]).backward()
    optimizer.step()


def recorded(path: Path) -> RecordedEnsemble:
    with SessionReader(path) as reader:
        return reader.recorded_ensemble(0)


def test_the_networks_of_figure_4_recorded_by_torch_have_the_numbers_of_the_engine(path: Path) -> None:
    """The weights that the engine had at a snapshot, one epoch of its batches, and its numbers at the next one."""
    rule = load_rule("symmetric")
    with SessionReader(EXAMPLE) as reader:
        ensemble = reader.ensemble(0)
        at = ensemble.snapshots[1:3]
        assert at[1] == at[0] + 1  # the first epochs are all measured
        before, after = (reader.weights(ensemble, epoch)[0] for epoch in at)
        architecture, samples = reader.architecture(ensemble), reader.samples(ensemble)
        history = reader.layers(ensemble)
        seed, batch = reader.seeds(ensemble)[0], ensemble.settings.batch
        rate = ensemble.settings.learning_rate
    assert isinstance(batch, int)
    model = model_of([matrix[0] for matrix in architecture.matrices(before[None])])
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    patterns = torch.from_numpy(rule.patterns.astype(np.float32))
    order = (samples.patterns[0] * 2 + samples.labels[0]).astype(np.uint32)
    shuffle_epoch(order, np.empty(-(-len(order) // 4) * 4, np.uint32), seed, at[1])
    with ibtui.record(
        *(path, model, patterns, rule.p_y),
        layers=CHOICES,
        optimizer=optimizer,
        estimator="binning",
        activations={"output": "output"},
    ) as recording:
        recording.snapshot(at[0])
        train_epoch(model, optimizer, patterns, torch.from_numpy(order.astype(np.int64)), batch)
        recording.snapshot(at[1])
    trained = torch.cat([torch.cat([w.weight, w.bias[:, None]], 1).flatten() for w in model[::2]]).detach()
    assert trained.numpy() == pytest.approx(after, abs=1e-6)
    one = recorded(path)
    assert (one.layer_names, one.widths) == (NAMES, (10, 8, 6, 4, 2, 1))
    row = history.epochs.tolist().index(at[0])
    for name in ("weight_norm", "grad_mean", "grad_std", "snr"):
        found, expected = one.values(name)[1, 0], getattr(history, name)[row + 1, 0]
        assert found == pytest.approx(expected, rel=1e-5), name
    for name in ("saturated", "nonlinear"):
        assert one.values(name)[0, 0] == pytest.approx(getattr(history, name)[row, 0], abs=1e-3, nan_ok=True), name


def train_epoch(
    model: nn.Module, optimizer: torch.optim.Optimizer, patterns: Tensor, items: Tensor, batch: int
) -> None:
    """Follow the batches of an epoch in the engine's order: twice a pattern's number, plus its label."""
    for some in items.split(batch):
        optimizer.zero_grad()
        nn.functional.binary_cross_entropy(model(patterns[some // 2])[:, 0], (some % 2).float()).backward()
        optimizer.step()


def model_of(matrices: list[np.ndarray]) -> nn.Sequential:
    """The engine's network: tanh layers and a logistic output."""
    layers: list[nn.Module] = []
    for k, matrix in enumerate(matrices):
        linear = nn.Linear(matrix.shape[1] - 1, matrix.shape[0])
        linear.weight.data = torch.from_numpy(matrix[:, :-1].copy())
        linear.bias.data = torch.from_numpy(matrix[:, -1].copy())
        layers += [linear, nn.Tanh() if k < len(matrices) - 1 else nn.Sigmoid()]
    return nn.Sequential(*layers)


NAMES = ("T1", "T2", "T3", "T4", "T5", "output")
CHOICES = {name: (str(2 * k), str(2 * k + 1)) for k, name in enumerate(NAMES)}


@pytest.mark.parametrize("place", [0, 50, -1])
def test_all_networks_of_figure_4_have_the_information_that_the_engine_found(path: Path, place: int) -> None:
    rule = load_rule("symmetric")
    patterns = torch.from_numpy(rule.patterns.astype(np.float32))
    with SessionReader(EXAMPLE) as reader:
        ensemble = reader.ensemble(0)
        epoch = ensemble.snapshots[place]
        weights, architecture = reader.weights(ensemble, epoch), reader.architecture(ensemble)
        history = reader.layers(ensemble, epoch)
    for network, row in enumerate(weights):
        model = model_of([matrix[0] for matrix in architecture.matrices(row[None])])
        with ibtui.record(
            *(path, model, patterns, rule.p_y),
            layers=CHOICES,
            estimator="binning",
            activations={"output": "output"},
            network=network,
            double=True,
        ) as recording:
            recording.snapshot(epoch)
        assert model[0].weight.dtype == torch.float32
    found = recorded(path).layers
    for name in ("i_x", "i_y", "distinct_t", "saturated", "nonlinear", "weight_norm"):
        expected = getattr(history, name)[0]
        assert getattr(found, name)[0] == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True), name


@pytest.mark.long
def test_all_networks_of_figure_4_agree_with_the_engine_at_all_epochs(path: Path) -> None:
    """From snapshot to snapshot the engine trains up to the last epoch but one, and both it and torch that one, whose
    gradients are recorded; then the layers are those of the weights that the session has.
    """
    rule = load_rule("symmetric")
    patterns = torch.from_numpy(rule.patterns.astype(np.float32))
    with SessionReader(EXAMPLE) as reader:
        ensemble = reader.ensemble(0)
        architecture, samples, seeds = reader.architecture(ensemble), reader.samples(ensemble), reader.seeds(ensemble)
        history, epochs = reader.layers(ensemble), ensemble.snapshots
        weights = {epoch: reader.weights(ensemble, epoch) for epoch in epochs}
    how, rate = ensemble.settings, ensemble.settings.learning_rate
    assert isinstance(how.batch, int)
    problem = Problem(
        architecture, rule, samples, tuple(seeds), Optimization(how.optimizer, rate, how.momentum, how.batch)
    )
    before, norms, threads = {}, {}, Threads(2)
    for last, epoch in pairwise(epochs):
        slots = np.empty((0, *weights[last].shape), np.float32)
        trainer = make_trainer("fused", "cpu", problem, TrainingState(last, weights[last], slots), threads)
        trainer.advance(epoch - 1 - last)
        before[epoch] = trainer.state().weights
        norms[epoch] = trainer.advance(1, statistics=True)
        trainer.close()
    threads.close()
    for network, seed in enumerate(seeds):
        model = model_of([matrix[0] for matrix in architecture.matrices(weights[0][network : network + 1])])
        optimizer = torch.optim.SGD(model.parameters(), lr=rate)
        with ibtui.record(
            *(path, model, patterns, rule.p_y),
            layers=CHOICES,
            optimizer=optimizer,
            estimator="binning",
            activations={"output": "output"},
            network=network,
            double=True,
            at=epochs,
        ) as recording:
            for epoch in epochs:
                if epoch:
                    put(model, architecture, before[epoch][network])
                    items = (samples.patterns[network] * 2 + samples.labels[network]).astype(np.uint32)
                    shuffle_epoch(items, np.empty(-(-len(items) // 4) * 4, np.uint32), seed, epoch)
                    train_epoch(model, optimizer, patterns, torch.from_numpy(items.astype(np.int64)), how.batch)
                put(model, architecture, weights[epoch][network])
                recording.snapshot(epoch)
    found = recorded(path)
    assert found.epochs == epochs
    for name in ("i_x", "i_y", "distinct_t", "saturated", "nonlinear", "weight_norm"):
        expected = getattr(history, name)
        assert found.values(name) == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True), name
    rows = slice(1, None)  # epoch 0 has no gradients
    mean, std = (np.stack([getattr(norms[epoch], name) for epoch in epochs[1:]]) for name in ("mean", "std"))
    by = found.values("weight_norm")[rows]
    # gradients are rounded in single precision, which counts for more where units are saturated, or batches cancel
    found_mean, found_std = (found.values(name)[rows] * by for name in ("grad_mean", "grad_std"))
    for one, other in ((found_mean, mean), (found_std, std), (found.values("snr")[rows], mean / std)):
        off = abs(one / other - 1)
        assert (off <= 1e-5).mean() > 0.97
        assert off.max() < WORST
    nearby = [row for row in range(1, len(epochs)) if epochs[row] == epochs[row - 1] + 1]
    assert len(nearby) > 10  # from there the session's own gradients follow without rounding in between
    for name in ("grad_mean", "grad_std", "snr"):
        assert found.values(name)[nearby] == pytest.approx(getattr(history, name)[nearby], rel=1e-5), name


def put(model: nn.Sequential, architecture: Architecture, weights: np.ndarray) -> None:
    """Give the model the engine's weights."""
    with torch.no_grad():
        for linear, matrix in zip(model[::2], architecture.matrices(weights[None]), strict=True):
            assert isinstance(linear, nn.Linear)
            linear.weight.copy_(torch.from_numpy(matrix[0, :, :-1].copy()))
            linear.bias.copy_(torch.from_numpy(matrix[0, :, -1].copy()))


def test_training_is_the_same_to_the_last_bit_with_and_without_a_recording(path: Path) -> None:
    ends = []
    for record in (False, True):
        model = net_of()
        model.norm.eval()  # a module of one's own choice is frozen
        optimizer = torch.optim.Adam(model.parameters())
        recording = ibtui.record(path, model, X, Y, optimizer=optimizer) if record else None
        for epoch in range(3):
            for chosen in torch.randperm(60).split(16):
                step(model, optimizer, chosen)
            if recording is not None:
                assert recording.snapshot(epoch)
                assert (model.training, model.norm.training, model.fc1.training) == (True, False, True)
        if recording is not None:
            recording.close()
        ends.append([tensor.clone() for tensor in model.state_dict().values()] + [torch.rand(3)])
        assert not model.fc1._forward_hooks
        assert not optimizer._optimizer_step_pre_hooks
    assert all(torch.equal(one, other) for one, other in zip(*ends, strict=True))


def test_all_modules_with_weights_are_recorded_in_the_order_in_which_they_compute(path: Path) -> None:
    class Backwards(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = nn.Linear(4, 2)
            self.first = nn.Sequential(nn.Linear(5, 4), nn.Tanh())
            self.unused = nn.Tanh()

        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = self.last(self.first(x))
            return found

    with ibtui.record(path, Backwards(), X, Y % 2) as recording:
        recording.snapshot(0)
    assert recorded(path).layer_names == ("first.0", "last")


def test_outputs_are_those_of_eval_mode_before_anything_changes_them_in_place(path: Path) -> None:
    model = net_of()
    with ibtui.record(path, model, X, Y, layers=["norm", "act", "fc2"], estimator="exact", batch=7) as recording:
        recording.snapshot(0)
    model.eval()
    with torch.no_grad():
        normed = model.norm(model.fc1(X))
        outputs = {"norm": normed, "act": torch.relu(normed), "fc2": model.fc2(torch.relu(normed))}
    one = recorded(path)
    for k, (name, tensor) in enumerate(outputs.items()):
        assert one.layers.low[0, 0, k] == pytest.approx(float(tensor.min()), rel=1e-5), name
        assert one.layers.high[0, 0, k] == pytest.approx(float(tensor.max()), rel=1e-5), name
    assert one.layers.saturated[0, 0, 1] == pytest.approx(float((outputs["act"] <= 0).float().mean()))


@pytest.mark.parametrize("scale", [None, 1024.0])
def test_gradients_are_those_that_the_optimiser_takes(path: Path, scale: float | None) -> None:
    """Accumulated over two halves, scaled and scaled back, and clipped."""
    model = net_of()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    seen: list[Tensor] = []
    with ibtui.record(path, model, X, Y, layers=["fc1", "act"], optimizer=optimizer, estimator="exact") as recording:
        recording.snapshot(0)
        for _ in range(4):
            optimizer.zero_grad()
            for half in (slice(0, 30), slice(30, 60)):
                loss = nn.functional.cross_entropy(model(X[half]), Y[half]) / 2
                (loss * (scale or 1.0)).backward()
            if scale is not None:
                for parameter in model.parameters():
                    assert parameter.grad is not None
                    parameter.grad /= scale
            nn.utils.clip_grad_norm_(model.parameters(), 0.3)
            assert model.fc1.weight.grad is not None
            seen.append(model.fc1.weight.grad.double().clone())
            optimizer.step()
        recording.snapshot(1)
    found, gradients = recorded(path).layers, torch.stack(seen)
    norm = float(model.fc1.weight.detach().double().norm())
    assert found.grad_mean[1, 0, 0] == pytest.approx(float(gradients.mean(0).norm()) / norm, rel=1e-6)
    assert found.grad_std[1, 0, 0] == pytest.approx(math.sqrt(float(gradients.var(0).sum())) / norm, rel=1e-6)
    assert np.isnan(found.grad_mean[1, 0, 1])
    assert np.isnan(found.weight_norm[:, 0, 1]).all()
    assert recorded(path).batches == 4


def test_a_scaler_of_mixed_precision_is_understood() -> None:
    model = net_of()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    collector = GradientCollector({"fc1": (model.fc1.weight,)}, [optimizer])
    scaler = torch.amp.GradScaler("cpu", init_scale=512.0)
    scaler.scale(nn.functional.cross_entropy(model(X), Y)).backward()
    scaler.step(optimizer)
    scaler.update()
    assert model.fc1.weight.grad is not None
    expected = float(model.fc1.weight.grad.norm())  # which the scaler has scaled back
    found, steps = collector.take()
    assert steps == 1
    assert found["fc1"] == pytest.approx((expected, math.nan), rel=1e-6, nan_ok=True)
    optimizer.zero_grad()
    scaler.scale(nn.functional.cross_entropy(model(X), Y) * math.inf).backward()
    scaler.step(optimizer)  # left out: gradients are infinite
    assert collector.take() == ({}, 0)
    optimizer.grad_scale, optimizer.found_inf = torch.tensor(4.0), torch.tensor(0.0)  # type: ignore[attr-defined]
    model.fc1.weight.grad = torch.ones(8, 5)
    collector._collect(optimizer)  # of an optimiser that scales back itself
    optimizer.found_inf = torch.tensor(1.0)  # type: ignore[attr-defined]
    collector._collect(optimizer)
    assert collector.take()[0]["fc1"][0] == pytest.approx(math.sqrt(40) / 4)
    collector.close()


def test_parameters_of_several_optimisers_and_frozen_ones(path: Path) -> None:
    model = net_of()
    model.fc2.weight.requires_grad_(False)
    optimizers = [torch.optim.SGD(model.fc1.parameters(), lr=0.1), torch.optim.SGD(model.fc2.parameters(), lr=0.1)]
    with ibtui.record(path, model, X, Y, optimizer=optimizers, estimator="exact") as recording:
        recording.snapshot(0)
        for _ in range(3):
            nn.functional.cross_entropy(model(X), Y).backward()
            for optimizer in optimizers:
                optimizer.step()
        recording.snapshot(1)
    found = recorded(path).layers
    assert np.isfinite(found.grad_mean[1, 0, 0])
    assert np.isnan(found.grad_mean[1, 0, 1])
    assert found.weight_norm[1, 0, 1] == pytest.approx(float(model.fc2.weight.detach().norm()))


class Odd(nn.Module):
    """Tuples, dictionaries, several inputs, a module that is called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(5, 4, batch_first=True)
        self.named = Named()
        self.twice = nn.Linear(4, 4)

    def forward(self, x: Tensor, shift: Tensor) -> dict[str, Tensor]:
        found, _ = self.rnn(x[:, None, :] + shift[:, None, None])
        return {"answer": self.twice(torch.tanh(self.twice(self.named(found[:, 0])["state"])))}


class Named(nn.Module):
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"state": x * 2, "other": x[:, :1]}


@pytest.mark.parametrize("form", ["tuple", "dictionary"])
def test_tuples_dictionaries_and_several_inputs_are_taken(path: Path, form: str) -> None:
    inputs: Any = (X, torch.zeros(60)) if form == "tuple" else {"shift": np.zeros(60), "x": X.double().numpy()}
    with ibtui.record(path, Odd(), inputs, Y, layers=["rnn", "named", "twice"], estimator="exact") as recording:
        recording.snapshot(0)
    one = recorded(path)
    assert (one.layer_names, one.widths) == (("rnn", "named", "twice"), (4, 4, 4))
    assert one.layers.high[0, 0, 1] == pytest.approx(2 * one.layers.high[0, 0, 0], rel=1e-6)


def test_held_out_inputs_are_measured_by_the_same_layers(path: Path) -> None:
    model = net_of()
    with ibtui.record(path, model, X[:40], Y[:40], held_out=(X[40:], Y[40:]), estimator="exact") as recording:
        recording.snapshot(0)
    one = recorded(path)
    assert one.layers.held_out_i_x[0, 0] == pytest.approx([math.log2(20)] * 2)
    assert one.layers.i_x[0, 0] == pytest.approx([math.log2(40)] * 2)
    with pytest.raises(InvalidValue, match="held_out must be a pair of inputs and labels"):
        ibtui.record(path, model, X, Y, held_out=X)  # type: ignore[arg-type]


def test_models_on_several_devices_are_taken_as_what_they_hold(path: Path) -> None:
    model = nn.DataParallel(net_of())
    with ibtui.record(path, model, X, Y, layers=["fc1"], estimator="exact") as recording:
        recording.snapshot(0)
    assert recorded(path).layer_names == ("fc1",)


def test_one_model_can_be_recorded_twice_at_once_and_again_later(path: Path, tmp_path: Path) -> None:
    model, other = net_of(), tmp_path / "other.ibs"
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with (
        ibtui.record(path, model, X, Y, optimizer=optimizer, estimator="exact") as one,
        ibtui.record(other, model, X, Y, layers=["act"], optimizer=optimizer, estimator="exact") as two,
    ):
        for epoch in range(3):
            one.snapshot(epoch)
            two.snapshot(epoch)
            step(model, optimizer)
    with ibtui.record(path, model, X, Y, optimizer=optimizer, estimator="exact") as again:
        assert again.network == 1
        again.snapshot(0)
    assert recorded(path).values("i_x").shape == (3, 2, 2)
    assert recorded(other).layer_names == ("act",)


def test_a_residual_network_of_sixty_modules_is_recorded_with_little_memory(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.conv2 = (nn.Conv2d(4, 4, 3, padding=1) for _ in range(2))

        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(x + self.conv2(torch.relu(self.conv1(x))))

    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), *(Block() for _ in range(29)), nn.Flatten(), nn.Linear(256, 3))
    images = torch.rand(60, 1, 8, 8)
    monkeypatch.setattr(torch_layers, "MOST_CAPTURED", 60 * 256 * 7)  # seven layers at a time
    most = 0
    plain = Probe._captured

    def watched(self: Probe, group: Any) -> Any:
        nonlocal most
        most = max(most, len(group))
        return plain(self, group)

    monkeypatch.setattr(Probe, "_captured", watched)
    with ibtui.record(path, model, images, Y, estimator="binning") as recording:
        recording.snapshot(0)
    one = recorded(path)
    assert (len(one.layer_names), most) == (60, 7)
    assert one.layer_names[1:3] == ("1.conv1", "1.conv2")
    with torch.no_grad():
        outputs = {"0": model[0](images).numpy()}
    expected = measure_outputs(outputs, Y.numpy()).information
    assert one.layers.i_x[0, 0, 0] == expected.i_x[0, 0]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"layers": ["fc3"]}, "layer 'fc3' is no module of the model; it has 'fc1', 'norm', 'act', 'drop', 'fc2'"),
        ({"layers": "fc1"}, "layers must be a list of names, got 'fc1'"),
        ({"layers": []}, "layers names none"),
        ({"layers": {"a": 3}}, "layer 'a' must be a module's name, several, or a name and a function"),
        ({"inputs": torch.zeros(60, 4)}, "the model cannot compute these inputs: "),
        ({"inputs": X[:59]}, "inputs must have a row for each of the 60 patterns, got shape (59, 5)"),
        ({"inputs": "images"}, "inputs must be arrays or tensors: "),
        ({"inputs": (X, X[:3])}, "inputs must have the same number of rows, got [3, 60]"),
        ({"labels": Y - 5}, "labels must be whole numbers from 0 to 255"),
        ({"optimizer": 3e-4}, "optimizer must be a torch optimiser, or several, got float"),
        ({"optimizer": ["sgd"]}, "optimizer must be a torch optimiser, or several, got str"),
        ({"model": np.tanh}, "model must be a torch module, got ufunc"),
        ({"model": nn.ReLU()}, "the model has no module with weights: name layers"),
        ({"activations": {"fc1": "gelu"}}, "activation must be tanh, "),
        ({"network": -1}, "network must be a whole number from 0, got -1"),
    ],
)
def test_what_is_wrong_at_the_beginning_is_refused(path: Path, change: dict[str, Any], text: str) -> None:
    given: dict[str, Any] = {"model": net_of(), "inputs": X, "labels": Y, **change}
    with pytest.raises(InvalidValue) as refused:
        ibtui.record(path, **given)
    assert str(refused.value).startswith(text)
    assert "\n" not in str(refused.value)


def test_a_layer_that_computes_nothing_is_refused(path: Path) -> None:
    model = net_of()
    model.idle = nn.Linear(2, 2)
    with pytest.raises(InvalidValue, match="layer 'idle' computes nothing when the model is called"):
        ibtui.record(path, model, X, Y, layers=["fc1", "idle"])
    with ibtui.record(path, model, X, Y) as recording:  # not asked for by name
        recording.snapshot(0)
    assert recorded(path).layer_names == ("fc1", "fc2")


def test_trouble_in_the_loop_is_a_warning(path: Path) -> None:
    model = net_of()
    with ibtui.record(path, model, X, Y, estimator="exact") as recording:
        assert recording.snapshot(0)
        plain, model.fc1 = model.fc1, nn.Linear(5, 8)
        with pytest.warns(RecordingWarning, match="epoch 1 is not measured: layer 'fc1' computes nothing any more"):
            assert recording.snapshot(1)
        model.fc1 = plain
        with torch.no_grad():
            model.fc2.weight.fill_(math.nan)
        assert recording.snapshot(2)
        assert model.training
    one = recorded(path)
    assert one.epochs == (0, 2)
    assert np.isfinite(one.layers.i_x[1, 0, 0])
    assert np.isnan(one.layers.i_x[1, 0, 1])


def test_the_last_epoch_is_measured_at_the_end_whatever_the_schedule_has(path: Path) -> None:
    model = net_of()
    with ibtui.record(path, model, X, Y, estimator="exact", every=10) as recording:
        for epoch in range(14):
            recording.snapshot(epoch, losses=0.1 * epoch)
    one = recorded(path)
    assert one.epochs == (0, 10, 13)
    assert one.learning.train_loss[:, 0] == pytest.approx([0.0, 1.0, 1.3])


def test_an_exception_in_the_loop_takes_the_hooks_away(path: Path) -> None:
    model = net_of()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def train() -> None:
        with ibtui.record(path, model, X, Y, optimizer=optimizer) as recording:
            recording.snapshot(0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train()
    assert not optimizer._optimizer_step_pre_hooks
    assert read_summary(path).status == "stopped"


def test_memory_does_not_grow_with_epochs(path: Path) -> None:
    model = net_of()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with ibtui.record(path, model, X, Y, optimizer=optimizer, estimator="exact", at=[0]) as recording:
        sizes = []
        for epoch in range(30):
            step(model, optimizer)
            recording.snapshot(epoch)
            collector = recording._collector
            assert collector is not None
            sizes.append(len(collector._sums))
    assert set(sizes) == {0}


def test_a_choice_is_a_module_several_or_one_with_a_function() -> None:
    model = net_of()
    found = choose_layers(model, {"a": "fc1", "b": ("fc1", torch.tanh), "c": ["fc1", "act"]})
    assert [layer.module for layer in found] == [model.fc1, model.fc1, model.act]
    assert [layer.activation for layer in found] == [None, "tanh", "relu"]
    assert [len(layer.weights) for layer in found] == [1, 1, 1]
    probe = Probe(model, found, X)
    outputs = dict(probe.outputs())
    assert np.allclose(outputs["b"], np.tanh(outputs["a"]), atol=1e-6)


def test_torch_is_imported_only_when_a_model_is_recorded() -> None:
    code = "import ibtui, sys; ibtui.record; ibtui.Recorder; ibtui.measure_outputs; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False"]


def test_a_model_may_warn_in_training_but_not_in_a_snapshot(path: Path) -> None:
    class Loud(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            warnings.warn("loud", UserWarning, stacklevel=1)
            return super().forward(x)

    with ibtui.record(path, nn.Sequential(Loud(5, 3)), X, Y, estimator="exact") as recording:
        assert recording.snapshot(0)


@pytest.mark.parametrize("how", ["by place", "by name", "L-BFGS"])
def test_gradients_of_a_step_with_a_closure_are_those_that_it_computes(how: str) -> None:
    """Looked at before the closure is called, they would be those of the step before, and of the first one none."""
    torch.manual_seed(2)
    model = nn.Linear(5, 3)
    kind = torch.optim.LBFGS if how == "L-BFGS" else torch.optim.SGD
    optimizer = kind(model.parameters(), lr=0.1)
    collector = GradientCollector({"fc": (model.weight,)}, [optimizer])
    seen, calls = [], 0
    for part in (slice(0, 20), slice(20, 40), slice(40, 60)):
        first: list[Tensor] = []

        def closure(part: slice = part, first: list[Tensor] = first) -> Tensor:
            nonlocal calls
            calls += 1
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(X[part]), Y[part])
            loss.backward()
            assert model.weight.grad is not None
            first.append(model.weight.grad.detach().double().clone())
            return loss

        if how == "by name":
            optimizer.step(closure=closure)
        else:
            optimizer.step(closure)
        seen.append(first[0])
    assert (calls > 3) == (how == "L-BFGS")
    gradients = torch.stack(seen)
    (mean, deviation), steps = collector.take()[0]["fc"], len(seen)
    assert steps == 3
    assert mean == pytest.approx(float(gradients.mean(dim=0).norm()), rel=1e-9)
    assert deviation == pytest.approx(float(gradients.var(dim=0).sum().sqrt()), rel=1e-9)
    collector.close()


@pytest.mark.parametrize("size", [1, 7, 2**18])
def test_gradients_are_added_up_in_pieces_of_any_size_and_any_layout(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ibtui_engine.recording.torch_gradients.PIECE", size)
    torch.manual_seed(3)
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(12, 4))
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    conv, fc = model[0].weight, model[2].weight
    collector = GradientCollector({"conv": (conv,), "both": (conv, fc)}, [optimizer])
    seen: list[Tensor] = []
    for _ in range(3):
        optimizer.zero_grad()
        images = torch.rand(8, 2, 4, 4).to(memory_format=torch.channels_last)
        model(images).square().mean().backward()
        seen.append(torch.cat([one.grad.double().reshape(-1) for one in (conv, fc)]))
        optimizer.step()
    assert not conv.grad.is_contiguous()
    gradients, steps = torch.stack(seen), 3
    found = collector.take()
    assert found[1] == steps
    for name, of in {"conv": gradients[:, : conv.numel()], "both": gradients}.items():
        assert found[0][name] == pytest.approx((float(of.mean(0).norm()), float(of.var(0).sum().sqrt())), rel=1e-9)
    collector.close()

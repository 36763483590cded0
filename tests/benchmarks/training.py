"""One training step of 50 networks 12-10-7-5-4-3-1 on batches of 512: the trainers, what people do otherwise, and the
limit: the step's floating-point operations at the rate at which this machine multiplies matrices of a thousand rows.
One network alone, and how cost grows with networks, epochs and batch.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from ibtui_engine.networks import Architecture, draw_samples
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.threads import Threads, usable_cores
from ibtui_engine.training.batched import TorchTrainer
from ibtui_engine.training.fused import FusedTrainer
from ibtui_engine.training.problem import Optimization, Problem, TrainingState
from tests.benchmarks.timing import Row, compare

NETWORKS = 50
BATCH = 512
HIDDEN = (10, 7, 5, 4, 3)
RATES = {"sgd": 0.02, "adam": 4e-4}
TANH = 25
"""Floating-point operations that a tanh, or a logistic function, counts as."""
SIDE = 1024
"""Of the matrices that the machine's rate is measured with."""


def training_steps() -> list[Row]:
    """Milliseconds for one step of all networks, each method against the fused trainer."""
    return [row for optimizer in RATES for row in _steps(optimizer)] + _alone()


def operations() -> int:
    """Floating-point operations of one step: forward, and backward to the weights and to all layers but the input."""
    widths = (12, *HIDDEN, 1)
    matrices = [fan_in * units for fan_in, units in pairwise(widths)]
    each = 2 * (3 * sum(matrices) - matrices[0]) + TANH * sum(widths[1:])
    return NETWORKS * BATCH * each


def _problem(
    optimizer: str,
    networks: int = NETWORKS,
    batch: int = BATCH,
    hidden: tuple[int, ...] = HIDDEN,
    bits: int = 0,
    **controls: Any,
) -> tuple[Problem, TrainingState]:
    rule = load_rule("symmetric")
    seeds = tuple(range(networks))
    samples = draw_samples(rule, 0.875, seeds)  # 3584 patterns: seven whole batches
    how = Optimization(optimizer, RATES[optimizer], 0.9, batch, **controls)
    problem = Problem(Architecture.of(rule, hidden, "tanh", bits), rule, samples, seeds, how)
    return problem, TrainingState.initial(problem, 1.0)


def _steps(optimizer: str) -> list[Row]:
    problem, state = _problem(optimizer)
    cores = usable_cores()
    torch.set_num_threads(cores)
    threads = Threads(cores)
    fused = FusedTrainer(problem, state, threads)
    quantised = FusedTrainer(*_problem(optimizer, bits=4), threads)
    noisy = FusedTrainer(*_problem(optimizer, dropout=0.1), threads)
    whole = FusedTrainer(*_problem(optimizer, batch=problem.samples.size), threads)
    diffusing = FusedTrainer(*_problem(optimizer, sampling="gaussian"), threads)
    batched = TorchTrainer(problem, state, "cpu", cores)
    inputs = torch.from_numpy(problem.rule.patterns[problem.samples.patterns[:, :BATCH]]).float()
    labels = torch.from_numpy(problem.samples.labels[:, :BATCH]).float()
    work: dict[str, tuple[Callable[[], object], float]] = {
        "fused trainer": (lambda: fused.advance(20), 20 * problem.batches),
        "fused, activations of 4 bits": (lambda: quantised.advance(20), 20 * problem.batches),
        "fused, Gaussian dropout": (lambda: noisy.advance(20), 20 * problem.batches),
        "fused, the whole sample": (lambda: whole.advance(20), 20),
        "fused, the whole sample with Gaussian noise": (lambda: diffusing.advance(3), 3 * problem.batches),
        "torch trainer": (lambda: batched.advance(2), 2 * problem.batches),
        "batched bmm with autograd": (_batched_autograd(problem, state, inputs, labels), 1),
        "plain torch loop per network": (_plain_loop(problem, state, inputs, labels), 1),
    }
    if find_spec("jax") is not None:
        from tests.benchmarks.with_jax import jax_steps

        work["jax: vmap, scan and jit"] = (jax_steps(problem, state, 2), 2 * problem.batches)
    if optimizer == "sgd":
        square = torch.rand(SIDE, SIDE)
        work["limit: its operations as sgemm"] = (lambda: torch.mm(square, square), 2 * SIDE**3 / operations())
    rows = compare(f"training step, {optimizer}", "ms", work, scale=1e3)
    threads.close()
    return rows


def _alone() -> list[Row]:
    """Seconds for 10 000 epochs of one network 12-10-8-6-4-2-1."""
    problem, state = _problem("sgd", networks=1, hidden=(10, 8, 6, 4, 2))
    torch.set_num_threads(usable_cores())
    threads = Threads(usable_cores())
    fused = FusedTrainer(problem, state, threads)
    inputs = torch.from_numpy(problem.rule.patterns[problem.samples.patterns[:, :BATCH]]).float()
    labels = torch.from_numpy(problem.samples.labels[:, :BATCH]).float()
    loop = _plain_loop(problem, state, inputs, labels)
    work: dict[str, tuple[Callable[[], object], float]] = {
        "fused trainer": (lambda: fused.advance(500), 500 / 10_000),
        "plain torch loop": (loop, 1 / problem.batches / 10_000),
    }
    rows = compare("one network, 10 000 epochs", "s", work)
    threads.close()
    return rows


def scaling() -> list[Row]:
    """Microseconds a network and epoch as each of networks, epochs and batch grows: the same where cost is linear."""
    threads = Threads(usable_cores())
    work: dict[str, tuple[Callable[[], object], float]] = {}
    for networks, epochs, batch in (
        *((networks, 20, 512) for networks in (50, 2, 10, 200, 1000)),
        *((50, epochs, 512) for epochs in (2, 100)),
        *((50, 20, batch) for batch in (64, 128, 1024, 3584)),
    ):
        trainer = FusedTrainer(*_problem("sgd", networks=networks, batch=batch), threads)
        name = f"{networks} networks, {epochs} epochs, batch {batch}"
        work[name] = (lambda trainer=trainer, epochs=epochs: trainer.advance(epochs), networks * epochs)  # type: ignore[misc]
    rows = compare("network and epoch", "us", work, scale=1e6)
    threads.close()
    return rows


def _optimizer(name: str, parameters: list[Tensor]) -> torch.optim.Optimizer:
    if name == "adam":
        return torch.optim.Adam(parameters, lr=RATES[name])
    return torch.optim.SGD(parameters, lr=RATES[name])


def _batched_autograd(problem: Problem, state: TrainingState, inputs: Tensor, labels: Tensor) -> Callable[[], None]:
    matrices = [torch.from_numpy(m.copy()).requires_grad_() for m in problem.architecture.matrices(state.weights)]
    optimizer = _optimizer(problem.optimization.optimizer, matrices)

    def step() -> None:
        optimizer.zero_grad()
        values = inputs
        for layer, matrix in enumerate(matrices):
            values = torch.baddbmm(matrix[:, None, :, -1], values, matrix[:, :, :-1].transpose(1, 2))
            if layer < len(matrices) - 1:
                values = torch.tanh(values)
        losses = torch.nn.functional.binary_cross_entropy_with_logits(values[:, :, 0], labels, reduction="none")
        losses.mean(dim=1).sum().backward()
        optimizer.step()

    return step


def _plain_loop(problem: Problem, state: TrainingState, inputs: Tensor, labels: Tensor) -> Callable[[], None]:
    widths = problem.architecture.widths
    networks, optimizers = [], []
    for _ in problem.seeds:
        layers: list[torch.nn.Module] = []
        for fan_in, units in pairwise(widths):
            layers += [torch.nn.Linear(fan_in, units), torch.nn.Tanh()]
        network = torch.nn.Sequential(*layers[:-1])
        networks.append(network)
        optimizers.append(_optimizer(problem.optimization.optimizer, list(network.parameters())))

    def step() -> None:
        for k, (network, optimizer) in enumerate(zip(networks, optimizers, strict=True)):
            optimizer.zero_grad()
            logits = network(inputs[k])[:, 0]
            torch.nn.functional.binary_cross_entropy_with_logits(logits, labels[k]).backward()
            optimizer.step()

    return step

"""One full-batch step of a stochastic network 12-10-8-6-4-2-1 and one of hidden layers 12-10-8-6-4-2, over all 4096
patterns on one core: the trainer, and matrix products of transfer matrices with autograd, in double precision.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from ibtui_engine.measures.stochastic import StochasticMeasurer
from ibtui_engine.networks import Architecture, draw_samples
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.stochastic import states_of
from ibtui_engine.threads import Threads
from ibtui_engine.training.problem import Optimization, Problem, TrainingState
from ibtui_engine.training.stochastic import StochasticTrainer
from tests.benchmarks.timing import Row, compare

SHAPES = ((10, 8, 6, 4, 2), (12, 10, 8, 6, 4, 2))
"""Hidden layers."""


def stochastic_steps() -> list[Row]:
    """Milliseconds for a step and for a snapshot, each against the trainer's step."""
    torch.set_num_threads(1)
    threads = Threads(1)
    rows = [row for hidden in SHAPES for row in _steps(hidden, threads)]
    threads.close()
    return rows


def _steps(hidden: tuple[int, ...], threads: Threads) -> list[Row]:
    rule = load_rule("symmetric")
    samples = draw_samples(rule, 1.0, (0,))
    architecture = Architecture.of(rule, hidden, "tanh", stochastic=True)
    problem = Problem(architecture, rule, samples, (0,), Optimization("sgd", 0.02, 0.9, samples.size))
    state = TrainingState.initial(problem, 1.0)
    trainer, measurer = StochasticTrainer(problem, state, threads), StochasticMeasurer(problem, threads)
    work: dict[str, tuple[Callable[[], object], float]] = {
        "trainer of stochastic units": (lambda: trainer.advance(5), 5),
        "transfer matrices with autograd": (_autograd(problem, state), 1),
        "snapshot": (lambda: measurer.measure(state.weights), 1),
    }
    widths = "-".join(map(str, architecture.widths))
    return compare(f"full-batch step of stochastic units, {widths}", "ms", work, scale=1e3)


def _autograd(problem: Problem, state: TrainingState) -> Callable[[], None]:
    matrices = [
        torch.from_numpy(m[0].astype(np.float64)).requires_grad_() for m in problem.architecture.matrices(state.weights)
    ]
    inputs = torch.from_numpy(problem.rule.patterns[problem.samples.patterns[0]].astype(np.float64))
    sign = torch.from_numpy(2.0 * problem.samples.labels[0] - 1)
    optimizer = torch.optim.SGD(matrices, lr=0.02)

    def step() -> None:
        optimizer.zero_grad()
        below, given = inputs, None
        for matrix in matrices[:-1]:
            z = 2 * (below @ matrix[:, :-1].T + matrix[:, -1])
            own = torch.ones((len(z), 1), dtype=torch.float64)
            for unit in z.T:
                own = torch.cat([own * torch.sigmoid(-unit)[:, None], own * torch.sigmoid(unit)[:, None]], dim=1)
            given = own if given is None else given @ own
            below = torch.from_numpy(states_of(len(matrix)))
        assert given is not None
        z = (below @ matrices[-1][:, :-1].T + matrices[-1][:, -1])[:, 0]
        (given * torch.nn.functional.softplus(-sign[:, None] * z)).sum(dim=1).mean().backward()
        optimizer.step()

    return step

"""The same training steps in JAX, as people write them there: vmap over networks, scan over batches, all in jit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ibtui_engine.training.problem import Problem, TrainingState


def jax_steps(problem: Problem, state: TrainingState, epochs: int) -> Callable[[], object]:
    """Some epochs of all networks, in the order of the sample, with SGD or Adam (Kingma and Ba 2015)."""
    how = problem.optimization
    size = problem.batches * how.batch
    inputs = jnp.asarray(problem.rule.patterns[problem.samples.patterns[:, :size]], jnp.float32)
    labels = jnp.asarray(problem.samples.labels[:, :size], jnp.float32)
    shape = (len(problem.seeds), problem.batches, how.batch)
    inputs, labels = inputs.reshape(*shape, -1), labels.reshape(shape)
    weights = [jnp.asarray(matrix) for matrix in problem.architecture.matrices(state.weights)]

    def loss(matrices: list[Any], x: Any, y: Any) -> Any:
        for matrix in matrices[:-1]:
            x = jnp.tanh(x @ matrix[:, :-1].T + matrix[:, -1])
        z = (x @ matrices[-1][:, :-1].T + matrices[-1][:, -1])[:, 0]
        return jnp.mean(jnp.maximum(z, 0) - z * y + jnp.log1p(jnp.exp(-jnp.abs(z))))

    def step(carry: Any, batch: Any) -> Any:
        matrices, means, squares, t = carry
        gradients = jax.grad(loss)(matrices, *batch)
        if how.optimizer == "sgd":
            return (
                [w - how.learning_rate * g for w, g in zip(matrices, gradients, strict=True)],
                means,
                squares,
                t,
            ), None
        t += 1
        means = [0.9 * m + 0.1 * g for m, g in zip(means, gradients, strict=True)]
        squares = [0.999 * v + 0.001 * g * g for v, g in zip(squares, gradients, strict=True)]
        rate = how.learning_rate * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        moved = [w - rate * m / (jnp.sqrt(v) + 1e-8) for w, m, v in zip(matrices, means, squares, strict=True)]
        return (moved, means, squares, t), None

    def network(matrices: list[Any], x: Any, y: Any) -> Any:
        zeros = [jnp.zeros_like(w) for w in matrices]

        def epoch(carry: Any, _: Any) -> Any:
            return jax.lax.scan(step, carry, (x, y))

        return jax.lax.scan(epoch, (matrices, zeros, zeros, 0.0), None, length=epochs)[0][0]

    run = jax.jit(jax.vmap(network))
    return lambda: jax.block_until_ready(run(weights, inputs, labels))

"""Stochastic networks the slow way: every joint state of all units, one after another."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np


def logistic(z: float) -> float:
    return 1 / (1 + math.exp(-z)) if z > -700 else 0.0


def joint_states(matrices: Sequence[np.ndarray], x: np.ndarray) -> list[tuple[tuple[tuple[float, ...], ...], float]]:
    """Each joint state of the hidden layers of one network and the output (0 or 1), with its probability given x."""
    layers = [list(itertools.product((-1.0, 1.0), repeat=len(matrix))) for matrix in matrices[:-1]]
    found = []
    for states in itertools.product(*layers, [(0.0,), (1.0,)]):
        chance, below = 1.0, tuple(x)
        for layer, (matrix, state) in enumerate(zip(matrices, states, strict=True)):
            for row, value in zip(matrix, state, strict=True):
                z = float(np.dot(row[:-1], below) + row[-1])
                hidden = layer < len(matrices) - 1
                up = logistic(2 * z if hidden else z)
                chance *= up if value > 0 else 1 - up
            below = state
        found.append((states, chance))
    return found


def entropy(p: Sequence[float]) -> float:
    return -sum(value * math.log2(value) for value in p if value > 0)


def information(
    matrices: Sequence[np.ndarray],
    patterns: np.ndarray,
    p_y: np.ndarray,
    p_x: np.ndarray,
    orbits: Sequence[float] | None = None,
) -> list[tuple[float, float]]:
    """(I(X;T), I(T;Y)) in bits of every layer, the output last, from p(x, y, t) itself; with the orbit of each pattern,
    I(orbit;T) in the place of the first.
    """
    found = []
    every = [joint_states(matrices, x) for x in patterns.astype(float)]
    for layer in range(len(matrices)):
        names = sorted({states[layer] for states, _ in every[0]})
        p_t_x = np.zeros((len(patterns), len(names)))
        for row, of in enumerate(every):
            for states, chance in of:
                p_t_x[row, names.index(states[layer])] += chance
        p_xt = p_x[:, None] * p_t_x
        p_yt = np.array([(1 - p_y) @ p_xt, p_y @ p_xt])
        if orbits is not None:
            p_xt = np.array(
                [p_xt[[k for k, of in enumerate(orbits) if of == name]].sum(axis=0) for name in set(orbits)]
            )
        i_x = entropy(p_xt.sum(axis=0)) + entropy(p_xt.sum(axis=1)) - entropy(p_xt.ravel())
        i_y = entropy(p_yt.sum(axis=0)) + entropy(p_yt.sum(axis=1)) - entropy(p_yt.ravel())
        found.append((i_x, i_y))
    return found


def loss(matrices: Sequence[np.ndarray], x: np.ndarray, label: int) -> float:
    """E −log p(y | t), t the last hidden layer, in nats."""
    total = 0.0
    for states, chance in joint_states(matrices, x):
        if states[-1] != (1.0,):
            continue  # the output is not drawn: each state of the layers below counts once
        below = states[-2] if len(matrices) > 1 else tuple(x)
        z = float(np.dot(matrices[-1][0, :-1], below) + matrices[-1][0, -1])
        up = logistic(z)
        total += chance / up * -math.log(up if label else 1 - up)
    return total


def answer(matrices: Sequence[np.ndarray], x: np.ndarray) -> float:
    """p(Y^ = 1 | x)."""
    return sum(chance for states, chance in joint_states(matrices, x) if states[-1] == (1.0,))

"""What the compiled kernels of training and measuring compute, in plain NumPy: their specification.

A network is a list of matrices, one a layer and one row a neuron, the bias last; `patterns` are patterns x inputs. All
is in double precision, and every constant is written out. `tests/engine/phases/naive.py` does this for the phases.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from ibtui_engine.streams import Purpose, shuffle_epoch, words

Network = list[np.ndarray]

FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0.0),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "softsign": lambda z: z / (1 + np.abs(z)),
    "linear": lambda z: z,
}
SLOPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "tanh": lambda y: 1 - y**2,
    "relu": lambda y: (y > 0).astype(float),
    "sigmoid": lambda y: y * (1 - y),
    "softsign": lambda y: (1 - np.abs(y)) ** 2,
    "linear": np.ones_like,
}
"""Derivatives, from the activations' values."""


RANGES = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0), "softsign": (-1.0, 1.0)}
"""Between which bounds activations lie."""


def rounded(y: np.ndarray, activation: str, bits: int) -> np.ndarray:
    """Each activation replaced by the centre of its cell, of 2^bits equal ones; an edge is in the cell above it."""
    edges = np.linspace(*RANGES[activation], 2**bits + 1)
    return ((edges[:-1] + edges[1:]) / 2)[np.digitize(y, edges[1:-1])]


# a network


def network_of(parameters: np.ndarray, widths: Sequence[int]) -> Network:
    """From a vector of parameters: by layer, then neuron, then input, the bias last."""
    ends = np.cumsum([(inputs + 1) * units for inputs, units in pairwise(widths)])
    assert ends[-1] == len(parameters)
    parts = np.split(parameters.astype(np.float64), ends[:-1])
    return [part.reshape(units, -1) for part, units in zip(parts, widths[1:], strict=True)]


def parameters_of(network: Network) -> np.ndarray:
    """The inverse."""
    return np.concatenate([matrix.ravel() for matrix in network])


def outputs(
    network: Network, patterns: np.ndarray, activation: str, bits: int = 0
) -> tuple[list[np.ndarray], np.ndarray]:
    """Each layer's outputs, patterns x units, the last logistic; and what goes into that. Bits: all are rounded."""
    below, found, z = patterns.astype(np.float64), [], np.empty(0)
    for k, matrix in enumerate(network):
        z = below @ matrix[:, :-1].T + matrix[:, -1]
        kind = activation if k < len(network) - 1 else "sigmoid"
        below = rounded(FUNCTIONS[kind](z), kind, bits) if bits else FUNCTIONS[kind](z)
        found.append(below)
    return found, z[:, 0]


def losses(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Cross-entropy of each pattern, nats; a label may be a probability."""
    return np.logaddexp(0, logits) - labels * logits


# training


def gradients(network: Network, patterns: np.ndarray, labels: np.ndarray, activation: str, bits: int = 0) -> Network:
    """Of the mean cross-entropy, by the chain rule from the output down; rounding to levels has the slope 1."""
    values, logits = outputs(network, patterns, activation, bits)
    below = [patterns.astype(np.float64), *values[:-1]]
    delta = (FUNCTIONS["sigmoid"](logits) - labels)[:, None] / len(labels)
    found: Network = []
    for k in reversed(range(len(network))):
        found.insert(0, np.column_stack([delta.T @ below[k], delta.sum(axis=0)]))
        if k > 0:
            unrounded = FUNCTIONS[activation](below[k - 1] @ network[k - 1][:, :-1].T + network[k - 1][:, -1])
            delta = delta @ network[k][:, :-1] * SLOPES[activation](unrounded)
    return found


def trained(
    network: Network, patterns: np.ndarray, labels: np.ndarray, activation: str, *, seed: int, epochs: int,
    optimizer: str, rate: float, momentum: float, batch: int, bits: int = 0,
) -> tuple[Network, list[Network], tuple[np.ndarray, np.ndarray]]:  # fmt: skip
    """The network after so many epochs, what its optimiser remembers, and the last epoch's gradients by layer: the norm
    of their mean over batches, and the root of their summed variance.
    """
    network = [matrix.copy() for matrix in network]
    first, second = ([np.zeros_like(matrix) for matrix in network] for _ in range(2))
    step, seen = 0, []
    for epoch in range(1, epochs + 1):
        order = np.arange(len(labels), dtype=np.uint32)
        shuffle_epoch(order, np.empty(-(-len(order) // 4) * 4, np.uint32), seed, epoch)
        seen = []
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            seen.append(gradients(network, patterns[chosen], labels[chosen], activation, bits))
            step += 1
            for k, g in enumerate(seen[-1]):
                if optimizer == "sgd":
                    network[k] -= rate * g
                elif optimizer == "momentum":
                    first[k] = momentum * first[k] + g
                    network[k] -= rate * first[k]
                else:  # Adam
                    first[k] = momentum * first[k] + (1 - momentum) * g
                    second[k] = 0.999 * second[k] + 0.001 * g**2
                    mean, square = first[k] / (1 - momentum**step), second[k] / (1 - 0.999**step)
                    network[k] -= rate * mean / (np.sqrt(square) + 1e-8)
    each = [np.array([g[k][:, :-1] for g in seen]) for k in range(len(network))]
    means = np.array([np.linalg.norm(of.mean(axis=0)) for of in each])
    spreads = np.array([math.sqrt(of.var(axis=0, ddof=1).sum()) if len(of) > 1 else math.nan for of in each])
    slots = {"sgd": [], "momentum": [first], "adam": [first, second]}
    return network, slots[optimizer], (means, spreads)


def relaxed(
    network: Network, loss: Callable[[Network], float], seed: int, moves: int
) -> tuple[Network, list[np.ndarray], list[np.ndarray]]:
    """The network after so many Monte-Carlo moves that keep its loss at or below what it is at first; each neuron's
    step, and the share of its moves that was accepted.
    """
    network = [matrix.copy() for matrix in network]
    bound = loss(network)
    longest = [0.05 * math.sqrt(np.square(matrix).mean()) for matrix in network]
    steps = [np.full(len(matrix), most) for matrix, most in zip(network, longest, strict=True)]
    shares = [np.zeros(len(matrix)) for matrix in network]
    neurons = [(k, j) for k, matrix in enumerate(network) for j in range(len(matrix))]
    for move in range(moves):
        sweep, place = divmod(move, len(neurons))
        k, j = neurons[place]
        trial = [matrix.copy() for matrix in network]
        trial[k][j] += steps[k][j] * normals(trial[k].shape[1], seed, move)
        accepted = loss(trial) <= bound
        if accepted:
            network = trial
        if sweep < 100:
            steps[k][j] *= math.exp((accepted - math.exp(-2)) / math.sqrt(sweep + 1))
            steps[k][j] = min(steps[k][j], longest[k])
        shares[k][j] += (accepted - shares[k][j]) / min(sweep + 1, 1000)
    return network, steps, shares


def normals(count: int, seed: int, move: int) -> np.ndarray:
    """Standard normal numbers of a move, by pairs (Box and Muller 1958)."""
    pairs = -(-count // 2)
    one, other = ((words(2 * pairs, seed, Purpose.MOVES, move) + 0.5) / 2**32).reshape(pairs, 2).T
    radius = np.sqrt(-2 * np.log(one))
    return np.column_stack([radius * np.cos(2 * np.pi * other), radius * np.sin(2 * np.pi * other)]).ravel()[:count]


# measuring: of one layer, `values` are patterns x units, and a row of `t` is the value t of that pattern


def binned(values: np.ndarray, low: float, high: float, bins: int) -> np.ndarray:
    """Bins of equal width; an edge belongs to the bin above it, and what is beyond the ends to the outermost bins."""
    edges = low + (high - low) * np.arange(bins + 1) / bins
    return np.searchsorted(edges[1:-1], values, side="right")


def ranked(values: np.ndarray, bins: int) -> np.ndarray:
    """Bins of equal mass, of each unit by itself: the edge below bin k is the output of rank k n / bins."""
    ordered = np.sort(values, axis=0)
    edges = ordered[[k * len(values) // bins for k in range(1, bins)]]
    return np.column_stack([np.searchsorted(e, v, side="right") for e, v in zip(edges.T, values.T, strict=True)])


def numbered(t: np.ndarray) -> np.ndarray:
    """A number for each different row, in the order in which they first occur."""
    _, first, group = np.unique(t, axis=0, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[group.ravel()]


def entropy(masses: np.ndarray) -> float:
    """In bits."""
    masses = masses[masses > 0]
    return float(-(masses * np.log2(masses)).sum())


def information(t: np.ndarray, p_y: np.ndarray) -> tuple[float, float, int]:
    """I(X;T) and I(T;Y) in bits, of equally likely patterns, and how many t there are."""
    group = numbered(t)
    joint = np.zeros((group.max() + 1, 2))
    np.add.at(joint, (group, 1), p_y / len(p_y))
    np.add.at(joint, (group, 0), (1 - p_y) / len(p_y))
    of_t = joint.sum(axis=1)
    return entropy(of_t), entropy(of_t) + entropy(joint.sum(axis=0)) - entropy(joint.ravel()), len(of_t)


def density_bounds(values: np.ndarray, p_y: np.ndarray, noise: float) -> list[float]:
    """Upper bounds of I(X;T+noise) and I(T+noise;Y), then their lower bounds, as they stand in
    `ibtui_engine.measures.density`, all pairs at once.
    """
    square = ((values[:, None] - values[None]) ** 2).sum(axis=2)
    o, z = p_y / len(p_y), (1 - p_y) / len(p_y)
    found = {}
    for name, width in (("lower", 8), ("upper", 2)):
        kernel = np.exp(-square / (width * noise))
        parts = 0.0
        for mass in (o, z):
            there = mass > 0
            parts -= (mass[there] * np.log2((kernel @ mass)[there] / mass.sum())).sum()
        found[name] = -((o + z) * np.log2(kernel @ (o + z))).sum(), parts
    h_y = entropy(np.array([o.sum(), z.sum()]))
    i_y = found["upper"][0] - found["lower"][1]
    if 0 < o.sum() < 1:
        kernel = np.exp(-square / (2 * noise))
        pairs = o[:, None] * z[None] * kernel * np.exp(-square / (4 * noise))
        pairs /= (kernel @ z)[:, None] + (kernel @ o)[None]
        i_y = min(i_y, h_y - 4 * pairs.sum())
    most = h_y - sum(entropy(np.array([p, 1 - p])) for p in p_y) / len(p_y)
    return [
        found["upper"][0],
        min(max(i_y, 0.0), most),
        found["lower"][0],
        min(max(found["lower"][0] - found["upper"][1], 0.0), most),
    ]


def learning(logits: np.ndarray, chosen: np.ndarray, labels: np.ndarray, p_y: np.ndarray) -> list[float]:
    """Loss inside and outside a sample, then accuracies; outside in expectation. A logit of 0 answers 0."""
    outside = np.setdiff1d(np.arange(len(p_y)), chosen)
    answer, p = logits > 0, p_y[outside]
    return [
        losses(logits[chosen], labels).mean(),
        losses(logits[outside], p).mean() if len(outside) else math.nan,
        (answer[chosen] == (labels == 1)).mean(),
        np.where(answer[outside], p, 1 - p).mean() if len(outside) else math.nan,
    ]

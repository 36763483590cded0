"""The kernel for stochastic binary units: exact gradients of the expected cross-entropy, by messages over states.

Units t_j in {−1, 1} with p(t_j = 1 | t') = s(2 (w_j·t' + b_j)), s the logistic function, so that a layer of n units has
2^n states and p(t_l | x) is a product of transfer matrices M_l, whose rows are products over units. The output is one
logistic unit on the last hidden layer, and the loss of a pattern x with label y is the expectation over the network's
noise, −sum_t p(t_L | x) log p(y | t_L).

That is linear in each transfer matrix, so no p(t_l | x) of a single pattern is needed above the first layer. With
Q_l(t, y) = sum of p(t_l = t | x) over the batch's patterns of label y, each at its share of the loss, and
V_l(t, y) = E[−log p(y | t_L) | t_l = t],

    Q_l = M_lᵀ Q_(l−1)   from the input on,      V_(l−1) = M_l V_l   from the output back,

and dLoss/dM_l = Q_(l−1) V_lᵀ. A step takes O(patterns 2^n_1 + sum_l 2^(n_(l−1) + n_l)) operations.

A layer's units are halved: a state is a row (the upper half's) and a column (the lower half's) of a matrix, its
probability the product of both halves'. Rows of M_l are never stored. All in double precision, but for the weights.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt32

from ibtui_engine.compiled import compiled
from ibtui_engine.simd import load, multiply_add, splat, store
from ibtui_engine.streams import order_epoch
from ibtui_engine.training.problem import ADAM_EPSILON, ADAM_SQUARES_DECAY

SGD, MOMENTUM, ADAM = range(3)
LANES = 8
"""Double-precision numbers in a vector: rows have room for as many, and what lies beyond their columns is not read."""
_F = np.float32

Matrix = Float64[np.ndarray, "rows columns"]


@compiled
def soft_plus(z: float) -> float:
    """log(1 + exp(z))."""
    return max(z, 0.0) + math.log1p(math.exp(-abs(z)))


@compiled
def logistic(z: float) -> float:
    """1 / (1 + exp(−z)), with all digits where it is small."""
    e = math.exp(-abs(z))
    return (1.0 if z > 0.0 else e) / (1.0 + e)


@compiled
def enter_units(
    weights: Float32[np.ndarray, " parameters"], begin: int, below: Matrix, row: int, inputs: int, units: int,
    chances: Matrix, place: int,
) -> None:  # fmt: skip
    """Fill in chances[place]: p(t_j = 1) of the layer's units whose weights begin there, then p(t_j = −1)."""
    for j in range(units):
        at = begin + j * (inputs + 1)
        z = np.float64(weights[at + inputs])
        for i in range(inputs):
            z += weights[at + i] * below[row, i]
        chances[place, j] = logistic(2.0 * z)
        chances[place, units + j] = logistic(-2.0 * z)


@compiled
def spread(
    chances: Matrix, place: int, units: int, first: int, count: int, scale: float, found: Matrix, row: int
) -> None:
    """Fill in found[row]: probabilities of the states of units first..first+count-1, times `scale`. Bit k of a state is
    1 where unit first + k is 1.
    """
    found[row, 0] = scale
    size = 1
    for j in range(first, first + count):
        up, down = chances[place, j], chances[place, units + j]
        for k in range(size):
            found[row, size + k] = found[row, k] * up
            found[row, k] *= down
        size *= 2


@compiled
def add_product(upper: Matrix, row: int, rows: int, lower: Matrix, columns: int, joint: Matrix, top: int) -> None:
    """joint[top + a, b] += upper[row, a] lower[0, b]."""
    for b in range(0, columns, LANES):
        vector = load(lower, 0, b)
        for a in range(rows):
            store(joint, top + a, b, multiply_add(splat(upper[row, a]), vector, load(joint, top + a, b)))


@compiled
def contract(upper: Matrix, row: int, rows: int, values: Matrix, top: int, columns: int, found: Matrix) -> None:
    """found[0, b] = the sum over a of upper[row, a] values[top + a, b]."""
    b = 0
    while b + 4 * LANES <= columns:
        s0 = splat(0.0)
        s1, s2, s3 = s0, s0, s0
        for a in range(rows):
            x = splat(upper[row, a])
            s0 = multiply_add(x, load(values, top + a, b), s0)
            s1 = multiply_add(x, load(values, top + a, b + LANES), s1)
            s2 = multiply_add(x, load(values, top + a, b + 2 * LANES), s2)
            s3 = multiply_add(x, load(values, top + a, b + 3 * LANES), s3)
        store(found, 0, b, s0)
        store(found, 0, b + LANES, s1)
        store(found, 0, b + 2 * LANES, s2)
        store(found, 0, b + 3 * LANES, s3)
        b += 4 * LANES
    while b < columns:
        s0 = splat(0.0)
        for a in range(rows):
            s0 = multiply_add(splat(upper[row, a]), load(values, top + a, b), s0)
        store(found, 0, b, s0)
        b += LANES


@compiled
def add_slopes(
    parts: Matrix, row: int, chances: Matrix, place: int, units: int, first: int, count: int,
    slopes: Float64[np.ndarray, " units"],
) -> None:  # fmt: skip
    """slopes[j] = dE/dz_j of units first..first+count-1, from parts[row], what each of their states adds to E: since
    p' = 2 p (1 − p), it is 2 (1 − p) (what states with t_j = 1 add) − 2 p (the rest). Overwrites `parts`.
    """
    size = 1 << count
    for j in range(first + count - 1, first - 1, -1):
        size //= 2
        up = 0.0
        down = 0.0
        for k in range(size):
            up += parts[row, size + k]
            down += parts[row, k]
            parts[row, k] += parts[row, size + k]
        slopes[j] = 2.0 * (chances[place, units + j] * up - chances[place, j] * down)


@compiled
def add_weight_slopes(
    slopes: Float64[np.ndarray, " units"], units: int, below: Matrix, row: int, inputs: int,
    gradient: Float64[np.ndarray, " parameters"], begin: int,
) -> None:  # fmt: skip
    """Add the slopes by z to those by the weights and biases of a layer, for one state or pattern below it."""
    for j in range(units):
        at = begin + j * (inputs + 1)
        slope = slopes[j]
        for i in range(inputs):
            gradient[at + i] += slope * below[row, i]
        gradient[at + inputs] += slope


@compiled
def step(
    weights: Float32[np.ndarray, " parameters"], velocity: Float32[np.ndarray, " slots"],
    squares: Float32[np.ndarray, " slots"], gradient: Float64[np.ndarray, " parameters"], optimizer: int,
    rate: float, momentum: float, number: int,
) -> None:  # fmt: skip
    """One step of the weights; `number`: of the step, from 1. What is remembered is rounded to single precision, so
    that a step that follows is the same where the network has been stored meanwhile.
    """
    if optimizer == SGD:
        for i in range(weights.shape[0]):
            weights[i] = _F(weights[i] - rate * gradient[i])
        return
    share = 1.0 if optimizer == MOMENTUM else 1.0 - momentum
    for i in range(weights.shape[0]):
        velocity[i] = _F(momentum * velocity[i] + share * gradient[i])
    if optimizer == MOMENTUM:
        for i in range(weights.shape[0]):
            weights[i] = _F(weights[i] - rate * velocity[i])
        return
    first = 1.0 - momentum**number
    second = math.sqrt(1.0 - ADAM_SQUARES_DECAY**number)
    for i in range(weights.shape[0]):
        squares[i] = _F(ADAM_SQUARES_DECAY * squares[i] + (1.0 - ADAM_SQUARES_DECAY) * gradient[i] ** 2)
        root = math.sqrt(np.float64(squares[i])) / second + ADAM_EPSILON
        weights[i] = _F(weights[i] - rate / first * velocity[i] / root)


@compiled
def pass_up(
    w: Float32[np.ndarray, " parameters"], begin: int, inputs: int, units: int,
    below: Matrix, chosen: Int64[np.ndarray, " rows"], count: int, shares: Matrix, at: int,
    chances: Matrix, place: int, halves: Matrix, joint: Matrix,
) -> None:  # fmt: skip
    """Q of a layer from that below it: shares[at + 2 + y] from shares[at + y]; keeps the chances of its units.

    `chosen`: the rows of `below` that `count` states, or patterns, of the layer below are. `halves`: scratch.
    """
    low = units // 2
    columns, rows = 1 << low, 1 << (units - low)
    joint[: 2 * rows] = 0.0
    for k in range(count):
        enter_units(w, begin, below, chosen[k], inputs, units, chances, place + k)
        spread(chances, place + k, units, 0, low, 1.0, halves, 0)
        for label in range(2):
            share = shares[at + label, k]
            if share > 0.0:
                spread(chances, place + k, units, low, units - low, share, halves, 1)
                add_product(halves, 1, rows, halves, columns, joint, label * rows)
    for label in range(2):
        for a in range(rows):
            for b in range(columns):
                shares[at + 2 + label, a * columns + b] = joint[label * rows + a, b]


@compiled
def read_out(
    w: Float32[np.ndarray, " parameters"], begin: int, inputs: int,
    below: Matrix, chosen: Int64[np.ndarray, " rows"], count: int, shares: Matrix, at: int, means: Matrix,
    slopes: Float64[np.ndarray, " units"], gradient: Float64[np.ndarray, " parameters"],
) -> float:  # fmt: skip
    """The loss; means[y] is V of the states below the output, and `gradient` gets that of the output's weights."""
    loss = 0.0
    for k in range(count):
        z = np.float64(w[begin + inputs])
        for i in range(inputs):
            z += w[begin + i] * below[chosen[k], i]
        zero, one = shares[at, k], shares[at + 1, k]
        means[0, k] = soft_plus(z)
        means[1, k] = soft_plus(-z)
        loss += zero * means[0, k] + one * means[1, k]
        slopes[0] = zero * logistic(z) - one * logistic(-z)
        add_weight_slopes(slopes, 1, below, chosen[k], inputs, gradient, begin)
    return loss


@compiled
def pass_down(
    begin: int, inputs: int, units: int,
    below: Matrix, chosen: Int64[np.ndarray, " rows"], count: int, shares: Matrix, at: int,
    chances: Matrix, place: int, values: Matrix, turned: Matrix, halves: Matrix, sums: Matrix, parts: Matrix,
    means: Matrix, slopes: Float64[np.ndarray, " units"], gradient: Float64[np.ndarray, " parameters"],
) -> None:  # fmt: skip
    """V below a layer, in means[y], from V of its states in means[y]; `gradient` gets that of the layer's weights.

    No V is found where a pattern has no share, which are those of the other label.
    """
    low = units // 2
    columns, rows = 1 << low, 1 << (units - low)
    for label in range(2):
        for a in range(rows):
            for b in range(columns):
                value = means[label, a * columns + b]
                values[label * rows + a, b] = value
                turned[label * columns + b, a] = value
    for k in range(count):
        spread(chances, place + k, units, 0, low, 1.0, halves, 0)
        spread(chances, place + k, units, low, units - low, 1.0, halves, 1)
        parts[:] = 0.0
        for label in range(2):
            share = shares[at + label, k]
            if at == 0 and share == 0.0:
                continue
            contract(halves, 1, rows, values, label * rows, columns, sums)
            mean = 0.0
            for b in range(columns):
                part = sums[0, b] * halves[0, b]
                mean += part
                parts[0, b] += share * part
            means[label, k] = mean
            contract(halves, 0, columns, turned, label * columns, rows, sums)
            for a in range(rows):
                parts[1, a] += share * sums[0, a] * halves[1, a]
        add_slopes(parts, 0, chances, place + k, units, 0, low, slopes)
        add_slopes(parts, 1, chances, place + k, units, low, units - low, slopes)
        add_weight_slopes(slopes, units, below, chosen[k], inputs, gradient, begin)


@compiled
def train_stochastic(
    first: int, last: int, epoch: int, until: int,
    weights: Float32[np.ndarray, "networks parameters"],
    slot_1: Float32[np.ndarray, "networks slots"],
    slot_2: Float32[np.ndarray, "networks slots"],
    seeds: Int64[np.ndarray, " networks"],
    items: UInt32[np.ndarray, "networks samples"],
    patterns: Float64[np.ndarray, "patterns inputs"],
    worth: Float32[np.ndarray, " patterns_or_none"],
    shares_of: Float32[np.ndarray, " networks_or_none"],
    widths: Int64[np.ndarray, " layers"],
    optimizer: int, learning_rate: float, momentum: float, weight_decay: float, sampling: int, batch: int,
    mean_norm: Float64[np.ndarray, "networks layers"],
    std_norm: Float64[np.ndarray, "networks layers"],
    gradient: Float64[np.ndarray, "networks parameters"],
    losses: Float64[np.ndarray, " networks"],
) -> None:  # fmt: skip
    """Train networks first..last-1 from the end of `epoch` to the end of `until`, in place.

    An item is twice a pattern plus its label. Where `worth` is not empty, a pattern counts that much in the loss, times
    the network's of `shares_of`. If `mean_norm` has rows, the last epoch's batch gradients are summed up
    (`ibtui_engine.training.problem.GradientNorms`). `gradient` and `losses` are left with those of the last batch,
    before its step.
    """
    layers = widths.shape[0] - 1
    hidden = layers - 1
    samples = items.shape[1]
    most = min(batch, samples)
    begins = np.zeros(layers + 1, np.int64)  # of each layer's weights
    places = np.zeros(layers + 1, np.int64)  # of the chances of its units, one row a pattern or a state below
    widest = 1
    for layer in range(layers):
        begins[layer + 1] = begins[layer] + (widths[layer] + 1) * widths[layer + 1]
        places[layer + 1] = places[layer] + (most if layer == 0 else 1 << widths[layer])
        if layer < hidden:
            widest = max(widest, widths[layer + 1])
    halved = 1 << (widest - widest // 2)
    room = max(halved, LANES)
    longest = max(most, 1 << widest)
    chances = np.zeros((places[hidden], 2 * widest))
    shares = np.zeros((2 * layers, longest))
    means = np.zeros((2, longest))
    joint = np.zeros((2 * halved, room))
    values = np.zeros_like(joint)
    turned = np.zeros_like(joint)
    halves = np.zeros((2, room))
    sums = np.zeros((1, room))
    parts = np.zeros((2, room))
    slopes = np.zeros(widest)
    states = np.empty((1 << widest, widest))
    for s in range(states.shape[0]):
        for i in range(widest):
            states[s, i] = 1.0 if (s >> i) & 1 else -1.0
    numbers = np.arange(longest)
    chosen = np.zeros(most, np.int64)
    order = np.empty(samples, np.uint32)
    words = np.empty((samples + 3) // 4 * 4, np.uint32)
    batches = (samples + batch - 1) // batch
    statistics = mean_norm.shape[0] > 0
    total = np.zeros(weights.shape[1] if statistics else 0)
    squares = np.zeros_like(total)
    for network in range(first, last):
        w = weights[network]
        g = gradient[network]
        done = epoch * batches
        for now in range(epoch + 1, until + 1):
            measured = statistics and now == until
            order_epoch(items[network], order, words, sampling, seeds[network], now)
            if measured:
                total[:] = 0.0
                squares[:] = 0.0
            for start in range(0, samples, batch):
                count = min(batch, samples - start)
                g[:] = 0.0
                for k in range(count):
                    item = np.int64(order[start + k])
                    chosen[k] = item >> 1
                    share = 1.0 / count
                    if worth.shape[0] > 0:
                        share *= np.float64(worth[chosen[k]]) * np.float64(shares_of[network])
                    shares[item & 1, k] = share
                    shares[1 - (item & 1), k] = 0.0
                for layer in range(hidden):
                    inputs, units = widths[layer], widths[layer + 1]
                    under, rows = (patterns, chosen) if layer == 0 else (states, numbers)
                    many = count if layer == 0 else 1 << inputs
                    pass_up(w, begins[layer], inputs, units, under, rows, many, shares, 2 * layer,
                            chances, places[layer], halves, joint)  # fmt: skip
                inputs = widths[hidden]
                under, rows = (patterns, chosen) if hidden == 0 else (states, numbers)
                many = count if hidden == 0 else 1 << inputs
                losses[network] = read_out(
                    w, begins[hidden], inputs, under, rows, many, shares, 2 * hidden, means, slopes, g
                )
                for layer in range(hidden - 1, -1, -1):
                    inputs, units = widths[layer], widths[layer + 1]
                    under, rows = (patterns, chosen) if layer == 0 else (states, numbers)
                    many = count if layer == 0 else 1 << inputs
                    pass_down(begins[layer], inputs, units, under, rows, many, shares, 2 * layer, chances,
                              places[layer], values, turned, halves, sums, parts, means, slopes, g)  # fmt: skip
                if measured:
                    for i in range(g.shape[0]):
                        total[i] += g[i]
                        squares[i] += g[i] * g[i]
                done += 1
                if weight_decay > 0:
                    for layer in range(layers):
                        for at in range(begins[layer], begins[layer + 1]):
                            if (at - begins[layer]) % (widths[layer] + 1) < widths[layer]:
                                g[at] += weight_decay * w[at]
                step(w, slot_1[network], slot_2[network], g, optimizer, learning_rate, momentum, done)
            if measured:
                for layer in range(layers):
                    mean = 0.0
                    variance = 0.0
                    for at in range(begins[layer], begins[layer + 1]):
                        if (at - begins[layer]) % (widths[layer] + 1) < widths[layer]:  # biases apart
                            mean += (total[at] / batches) ** 2
                            variance += max(squares[at] - total[at] * total[at] / batches, 0.0)
                    mean_norm[network, layer] = math.sqrt(mean)
                    std_norm[network, layer] = math.sqrt(variance / (batches - 1)) if batches > 1 else math.nan

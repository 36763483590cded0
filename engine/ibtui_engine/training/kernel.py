"""The fused training kernel: whole epochs of one network after another, with no Python inside.

For every batch: order, gather, forward pass, backward pass, update and the statistics of the batch gradients. All
activations of a tile of samples lie in cache, one row a neuron and one column a sample, so that every inner loop
runs over samples in vectors. A row of ones under each layer's neurons makes the bias one more weight.

Working matrices are padded: rows of a layer's weights to an even number, columns to a multiple of four, samples of
a tile to whole vectors. Padding rows and samples hold zeros and contribute nothing; padding columns are not read.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt32

from ibtui_engine.compiled import compiled
from ibtui_engine.forward import (
    RELU,
    SIGMOID,
    SOFTSIGN,
    TANH,
    activate,
    forward_layer,
    largest,
    round_to_levels,
)
from ibtui_engine.simd import (
    VECTOR_BYTES,
    add_square_of_sums,
    add_sums,
    load,
    load_half,
    multiply_add,
    splat,
    splat_half,
    store,
    where_positive,
)
from ibtui_engine.streams import DROPOUT, GAUSSIAN, fill_normals, order_epoch, rounded_up, share_out
from ibtui_engine.training.layout import layer_rows, pack, unpack
from ibtui_engine.training.problem import ADAM_EPSILON, ADAM_SQUARES_DECAY

SGD, MOMENTUM, ADAM = range(3)

LANES = VECTOR_BYTES // 4
STEP = 2 * LANES
"""Samples that the forward and backward loops handle at once; tiles are padded to a multiple."""

_F = np.float32
Rows = Float32[np.ndarray, "rows columns"]


@compiled
def times_slope(kind: int, u: Any, y: Any) -> Any:
    """u activation'(z), from the activation's value y, of vectors."""
    one = _F(1)
    if kind == TANH:
        return u * (one - y * y)
    if kind == SIGMOID:
        return u * (y * (one - y))
    if kind == RELU:
        return where_positive(y, u)
    if kind == SOFTSIGN:
        rest = one - abs(y)
        return u * (rest * rest)
    return u


@compiled
def backward_layer(w: Float32[np.ndarray, "units inputs"], top: int, delta: Float32[np.ndarray, "rows columns"],
                   kind: int, y: Float32[np.ndarray, "rows columns"], first: int,
                   below: Float32[np.ndarray, "rows columns"], inputs: int, outputs: int,
                   columns: int) -> None:  # fmt: skip
    """below[i] = activation'(z) times the sum over j < outputs of w[top + j, i] delta[j], for i < inputs rounded up to
    even; y[first + i] is the activation's value.
    """
    for s in range(0, columns, STEP):
        i = 0
        while i + 4 <= inputs:
            for t in range(s, s + STEP, LANES):
                u0 = splat(_F(0))
                u1 = u0
                u2 = u0
                u3 = u0
                for j in range(outputs):
                    p = load(delta, j, t)
                    u0 = multiply_add(splat(w[top + j, i]), p, u0)
                    u1 = multiply_add(splat(w[top + j, i + 1]), p, u1)
                    u2 = multiply_add(splat(w[top + j, i + 2]), p, u2)
                    u3 = multiply_add(splat(w[top + j, i + 3]), p, u3)
                store(below, i, t, times_slope(kind, u0, load(y, first + i, t)))
                store(below, i + 1, t, times_slope(kind, u1, load(y, first + i + 1, t)))
                store(below, i + 2, t, times_slope(kind, u2, load(y, first + i + 2, t)))
                store(below, i + 3, t, times_slope(kind, u3, load(y, first + i + 3, t)))
            i += 4
        while i < inputs:
            u0 = splat(_F(0))
            u1 = u0
            v0 = u0
            v1 = u0
            for j in range(outputs):
                p = load(delta, j, s)
                q = load(delta, j, s + LANES)
                x = splat(w[top + j, i])
                u0 = multiply_add(x, p, u0)
                v0 = multiply_add(x, q, v0)
                x = splat(w[top + j, i + 1])
                u1 = multiply_add(x, p, u1)
                v1 = multiply_add(x, q, v1)
            store(below, i, s, times_slope(kind, u0, load(y, first + i, s)))
            store(below, i, s + LANES, times_slope(kind, v0, load(y, first + i, s + LANES)))
            store(below, i + 1, s, times_slope(kind, u1, load(y, first + i + 1, s)))
            store(below, i + 1, s + LANES, times_slope(kind, v1, load(y, first + i + 1, s + LANES)))
            i += 2


@compiled
def add_gradients(g: Float32[np.ndarray, "units inputs"], top: int, delta: Float32[np.ndarray, "rows columns"],
                  a: Float32[np.ndarray, "rows columns"], first: int, inputs: int, outputs: int,
                  columns: int) -> None:  # fmt: skip
    """g[top + j, i] += sum over samples of delta[j] a[first + i], both j and i rounded up to even."""
    for j in range(0, outputs, 2):
        i = 0
        while i + 2 < inputs:  # eight sums at once, which six loads feed; they fit the registers as halves of vectors
            u0 = splat_half(_F(0))
            u1 = u0
            u2 = u0
            u3 = u0
            v0 = u0
            v1 = u0
            v2 = u0
            v3 = u0
            for s in range(0, columns, LANES // 2):
                p = load_half(delta, j, s)
                q = load_half(delta, j + 1, s)
                x = load_half(a, first + i, s)
                u0 = multiply_add(p, x, u0)
                v0 = multiply_add(q, x, v0)
                x = load_half(a, first + i + 1, s)
                u1 = multiply_add(p, x, u1)
                v1 = multiply_add(q, x, v1)
                x = load_half(a, first + i + 2, s)
                u2 = multiply_add(p, x, u2)
                v2 = multiply_add(q, x, v2)
                x = load_half(a, first + i + 3, s)
                u3 = multiply_add(p, x, u3)
                v3 = multiply_add(q, x, v3)
            add_sums(g, top + j, i, u0, u1, u2, u3)
            add_sums(g, top + j + 1, i, v0, v1, v2, v3)
            i += 4
        if i < inputs:
            r0 = splat(_F(0))
            r1 = r0
            s0 = r0
            s1 = r0
            for s in range(0, columns, LANES):
                d = load(delta, j, s)
                e = load(delta, j + 1, s)
                y = load(a, first + i, s)
                r0 = multiply_add(d, y, r0)
                s0 = multiply_add(e, y, s0)
                y = load(a, first + i + 1, s)
                r1 = multiply_add(d, y, r1)
                s1 = multiply_add(e, y, s1)
            add_square_of_sums(g, top + j, i, r0, r1, s0, s1)


@compiled
def _squared_gradients(
    delta: Float32[np.ndarray, "units columns"], outputs: int,
    a: Float32[np.ndarray, "rows columns"], first: int, inputs: int, count: int,
) -> float:  # fmt: skip
    """The sum over samples of |delta|² |a|²."""
    total = 0.0
    for s in range(count):
        back = 0.0
        for j in range(outputs):
            back += np.float64(delta[j, s]) ** 2
        into = 0.0
        for i in range(first, first + inputs):
            into += np.float64(a[i, s]) ** 2
        total += back * into
    return total


@compiled
def add_batch_gradients(
    chosen: UInt32[np.ndarray, " count"],
    portions: Float32[np.ndarray, " tile"],
    table: Float32[np.ndarray, "inputs patterns"],
    widths: Int64[np.ndarray, " layers_and_one"],
    tops: Int64[np.ndarray, " layers_and_one"],
    firsts: Int64[np.ndarray, " layers_and_one"],
    activation: int,
    bits: int,
    w: Float32[np.ndarray, "units inputs"],
    a: Float32[np.ndarray, "rows columns"],
    y: Float32[np.ndarray, "rows columns"],
    z: Float32[np.ndarray, "units columns"],
    delta: Float32[np.ndarray, "units columns"],
    below: Float32[np.ndarray, "units columns"],
    g: Float32[np.ndarray, "units inputs"],
    factors: Float32[np.ndarray, "rows_or_none columns"],
    squares: Float64[np.ndarray, " layers_or_none"],
) -> None:
    """g += the gradients of the cross-entropy of a tile of samples, each times its portion. What is not said of is
    scratch, but for `w` and the rows of ones in `a`.

    Where `factors` is not empty, hidden layers hand on their outputs times those in the same place: then, as with
    `bits`, `y` is another array than `a`. Where `squares` is not empty, its entries get each layer's sum over samples
    of the squared gradients of its weights (biases apart), which of one sample are products of two numbers.
    """
    layers = widths.shape[0] - 1
    count = chosen.shape[0]
    columns = (count + STEP - 1) // STEP * STEP
    for i in range(widths[0]):
        if table.shape[0] == 0:
            bit = np.uint32(widths[0] - i)
            for s in range(count):
                a[i, s] = _F((chosen[s] >> bit) & np.uint32(1))
        else:
            for s in range(count):
                a[i, s] = table[i, chosen[s] >> np.uint32(1)]
    for layer in range(layers):
        outputs = widths[layer + 1]
        forward_layer(w, tops[layer], a, firsts[layer], z, widths[layer] + 1, outputs, columns)
        kind = activation if layer < layers - 1 else SIGMOID
        activate(kind, z, y, firsts[layer + 1], outputs, columns)
        if bits > 0 and layer < layers - 1:
            round_to_levels(kind, bits, y, a, firsts[layer + 1], outputs, columns)
        if factors.shape[0] > 0 and layer < layers - 1:
            handed_on = a if bits > 0 else y
            for j in range(firsts[layer + 1], firsts[layer + 1] + outputs):
                for s in range(0, columns, LANES):
                    store(a, j, s, load(handed_on, j, s) * load(factors, j, s))
    output = firsts[layers]
    for s in range(count):
        label = _F(chosen[s] & np.uint32(1))
        delta[0, s] = (y[output, s] - label) * portions[s]
    delta[0, count:columns] = _F(0)
    for layer in range(layers - 1, -1, -1):
        inputs = widths[layer]
        outputs = widths[layer + 1]
        if outputs % 2 == 1:
            delta[outputs, :columns] = _F(0)
        add_gradients(g, tops[layer], delta, a, firsts[layer], inputs + 1, outputs, columns)
        if squares.shape[0] > 0:
            squares[layer] += _squared_gradients(delta, outputs, a, firsts[layer], inputs, count)
        if layer > 0:
            backward_layer(w, tops[layer], delta, activation, y, firsts[layer], below, inputs, outputs, columns)
            if factors.shape[0] > 0:
                for i in range(inputs):
                    for s in range(0, columns, LANES):
                        store(below, i, s, load(below, i, s) * load(factors, firsts[layer] + i, s))
            delta, below = below, delta


@compiled
def workspace(
    widths: Int64[np.ndarray, " layers_and_one"],
    tops: Int64[np.ndarray, " layers_and_one"],
    firsts: Int64[np.ndarray, " layers_and_one"],
    tile: int,
    apart: bool,
) -> tuple[Rows, Rows, Rows, Rows, Rows, Rows, Rows]:
    """Matrices for one network and a tile of samples: weights, their gradients, what layers hand on, activations
    (which are the same matrix unless `apart`), what enters them, and two for the errors of a layer.
    """
    layers = widths.shape[0] - 1
    widest = largest(widths)
    w = np.zeros((tops[layers], (widest + 4) // 4 * 4), np.float32)
    stride = tile + STEP  # rows a power of two apart would fight for the same lines of the cache
    a = np.zeros((firsts[layers] + widths[layers] + 4, stride), np.float32)
    y = np.zeros_like(a) if apart else a
    for layer in range(layers):
        a[firsts[layer] + widths[layer]] = _F(1)
    z = np.zeros((widest + 4, stride), np.float32)
    return w, np.zeros_like(w), a, y, z, np.zeros_like(z), np.zeros_like(z)


@compiled
def make_factors(normals: Float32[np.ndarray, " numbers"], variance: float, batch: int, begin: int, count: int,
                 widths: Int64[np.ndarray, " layers_and_one"], firsts: Int64[np.ndarray, " layers_and_one"],
                 factors: Float32[np.ndarray, "rows columns"]) -> None:  # fmt: skip
    """What outputs of hidden units are multiplied by, 1 in the mean and of that variance: of `count` samples of a batch
    from sample `begin` on. Of unit u and sample s it is made from number u batch + s, whatever the tiles are.
    """
    spread = _F(math.sqrt(variance))
    unit = 0
    for layer in range(1, widths.shape[0] - 1):
        for row in range(firsts[layer], firsts[layer] + widths[layer]):
            made = factors[row, :count]
            drawn = normals[unit * batch + begin : unit * batch + begin + count]
            for s in range(count):
                made[s] = _F(1) + spread * drawn[s]
            unit += 1


@compiled
def train_networks(
    first: int,
    last: int,
    epoch: int,
    until: int,
    weights: Float32[np.ndarray, "networks parameters"],
    slot_1: Float32[np.ndarray, "networks slots"],
    slot_2: Float32[np.ndarray, "networks slots"],
    seeds: Int64[np.ndarray, " networks"],
    items: UInt32[np.ndarray, "networks samples"],
    table: Float32[np.ndarray, "inputs patterns"],
    worth: Float32[np.ndarray, " patterns_or_none"],
    shares: Float32[np.ndarray, " networks_or_none"],
    widths: Int64[np.ndarray, " layers"],
    activation: int,
    bits: int,
    optimizer: int,
    learning_rate: float,
    momentum: float,
    weight_decay: float,
    dropout: float,
    sampling: int,
    batch: int,
    tile: int,
    mean_norm: Float64[np.ndarray, "networks layers"],
    std_norm: Float64[np.ndarray, "networks layers"],
) -> None:
    """Train networks first..last-1 from the end of `epoch` to the end of `until`, in place.

    An item is a sample: twice a pattern (its bits where `table` is empty, else its column of `table`) plus the label.
    With `bits`, hidden layers hand on their activations rounded to levels, and gradients go through that as if it were
    nothing (straight-through: the slope is that of the activation before it). Where `worth` is not empty, a pattern
    counts that much in the loss, times the network's of `shares`. What `weight_decay`, `dropout` and `sampling` are
    stands in `ibtui_engine.training.problem.Optimization`.
    If `mean_norm` has rows, the last epoch's batch gradients are summed up: the norm of their mean over the batches,
    and the root of their summed unbiased variance, weights only; NaN for the latter where there is one batch.
    """
    layers = widths.shape[0] - 1
    samples = items.shape[1]
    tops, firsts = layer_rows(widths)
    w, g, a, y, z, delta, below = workspace(widths, tops, firsts, tile, bits > 0 or dropout > 0)
    m = np.zeros(w.shape if optimizer != SGD else (0, 0), np.float32)
    v = np.zeros(w.shape if optimizer == ADAM else (0, 0), np.float32)
    portions = np.empty(tile, np.float32)
    most = samples if sampling == GAUSSIAN else min(batch, samples)
    by_sample = np.zeros(samples if sampling == GAUSSIAN else 0, np.float32)
    hidden = widths[1:layers].sum() if dropout > 0 else 0
    factors = np.zeros(a.shape if hidden > 0 else (0, 0), np.float32)
    normals = np.empty(rounded_up(max(hidden * most, by_sample.shape[0])), np.float32)
    nothing = np.zeros(0)
    order = np.empty(samples, np.uint32)
    words = np.empty(max(rounded_up(samples), normals.shape[0]), np.uint32)
    batches = (samples + batch - 1) // batch
    statistics = mean_norm.shape[0] > 0
    total = np.zeros(w.shape if statistics else (0, 0), np.float64)
    squares = np.zeros_like(total)
    rate = _F(learning_rate)
    for network in range(first, last):
        unpack(weights[network], widths, tops, w)
        if optimizer != SGD:
            unpack(slot_1[network], widths, tops, m)
        if optimizer == ADAM:
            unpack(slot_2[network], widths, tops, v)
        for now in range(epoch + 1, until + 1):
            order_epoch(items[network], order, words, sampling, seeds[network], now)
            measured = statistics and now == until
            if measured:
                total[:] = 0.0
                squares[:] = 0.0
            for number in range(batches):
                start = number * batch
                stop = min(start + batch, samples)
                step = (now - 1) * batches + number + 1
                share = _F(1) / _F(stop - start)
                if sampling == GAUSSIAN:
                    share_out(by_sample, stop - start, normals, words, seeds[network], step)
                    start, stop = 0, samples
                if hidden > 0:
                    drawn = normals[: rounded_up(hidden * (stop - start))]
                    fill_normals(drawn, words, seeds[network], DROPOUT, step)
                g[:] = _F(0)
                for begin in range(start, stop, tile):
                    count = min(tile, stop - begin)
                    chosen = order[begin : begin + count]
                    for s in range(count):
                        portions[s] = by_sample[begin + s] if sampling == GAUSSIAN else share
                    if worth.shape[0] > 0:
                        for s in range(count):
                            portions[s] *= worth[chosen[s] >> np.uint32(1)] * shares[network]
                    if hidden > 0:
                        make_factors(drawn, dropout, stop - start, begin - start, count, widths, firsts, factors)
                    add_batch_gradients(
                        *(chosen, portions, table, widths, tops, firsts, activation, bits),
                        *(w, a, y, z, delta, below, g, factors, nothing),
                    )
                if measured:
                    for j in range(g.shape[0]):
                        for i in range(g.shape[1]):
                            total[j, i] += g[j, i]
                            squares[j, i] += np.float64(g[j, i]) * np.float64(g[j, i])
                if weight_decay > 0:
                    for layer in range(layers):
                        for j in range(tops[layer], tops[layer] + widths[layer + 1]):
                            for i in range(widths[layer]):
                                g[j, i] += _F(weight_decay) * w[j, i]
                if optimizer == ADAM:
                    first_bias = _F(1 - momentum**step)
                    second_root = _F(math.sqrt(1 - ADAM_SQUARES_DECAY**step))
                for layer in range(layers):
                    inputs = widths[layer] + 1
                    for j in range(tops[layer], tops[layer] + widths[layer + 1]):
                        if optimizer == SGD:
                            for i in range(inputs):
                                w[j, i] -= rate * g[j, i]
                        elif optimizer == MOMENTUM:
                            for i in range(inputs):
                                m[j, i] = _F(momentum) * m[j, i] + g[j, i]
                                w[j, i] -= rate * m[j, i]
                        else:
                            for i in range(inputs):
                                m[j, i] = _F(momentum) * m[j, i] + _F(1 - momentum) * g[j, i]
                                v[j, i] = (
                                    _F(ADAM_SQUARES_DECAY) * v[j, i] + _F(1 - ADAM_SQUARES_DECAY) * g[j, i] * g[j, i]
                                )
                                root = math.sqrt(v[j, i]) / second_root + _F(ADAM_EPSILON)
                                w[j, i] -= rate / first_bias * m[j, i] / root
            if measured:
                for layer in range(layers):
                    mean = 0.0
                    variance = 0.0
                    for j in range(tops[layer], tops[layer] + widths[layer + 1]):
                        for i in range(widths[layer]):
                            mean += (total[j, i] / batches) ** 2
                            rest = squares[j, i] - total[j, i] * total[j, i] / batches
                            variance += max(rest, 0.0)
                    mean_norm[network, layer] = math.sqrt(mean)
                    std_norm[network, layer] = math.sqrt(variance / (batches - 1)) if batches > 1 else math.nan
        pack(w, widths, tops, weights[network])
        if optimizer != SGD:
            pack(m, widths, tops, slot_1[network])
        if optimizer == ADAM:
            pack(v, widths, tops, slot_2[network])


@compiled
def frozen_gradients(
    first: int,
    last: int,
    weights: Float32[np.ndarray, "networks parameters"],
    items: UInt32[np.ndarray, "networks samples"],
    table: Float32[np.ndarray, "inputs patterns"],
    worth: Float32[np.ndarray, " patterns_or_none"],
    shares: Float32[np.ndarray, " networks_or_none"],
    widths: Int64[np.ndarray, " layers"],
    activation: int,
    bits: int,
    tile: int,
    norm: Float64[np.ndarray, "networks layers"],
    spread: Float64[np.ndarray, "networks layers"],
) -> None:
    """Fill in what `ibtui_engine.training.problem.FrozenGradients` has of networks first..last-1. Arguments are as in
    `train_networks`.
    """
    layers = widths.shape[0] - 1
    samples = items.shape[1]
    tops, firsts = layer_rows(widths)
    w, g, a, y, z, delta, below = workspace(widths, tops, firsts, tile, bits > 0)
    portions = np.empty(tile, np.float32)
    factors = np.zeros((0, 0), np.float32)
    squares = np.zeros(layers)
    for network in range(first, last):
        unpack(weights[network], widths, tops, w)
        g[:] = _F(0)
        squares[:] = 0.0
        for begin in range(0, samples, tile):
            chosen = items[network, begin : min(begin + tile, samples)]
            for s in range(chosen.shape[0]):
                portions[s] = _F(1) / _F(samples)
                if worth.shape[0] > 0:
                    portions[s] *= worth[chosen[s] >> np.uint32(1)] * shares[network]
            add_batch_gradients(
                *(chosen, portions, table, widths, tops, firsts, activation, bits),
                *(w, a, y, z, delta, below, g, factors, squares),
            )
        for layer in range(layers):
            mean = 0.0
            for j in range(tops[layer], tops[layer] + widths[layer + 1]):
                for i in range(widths[layer]):
                    mean += np.float64(g[j, i]) ** 2
            norm[network, layer] = math.sqrt(mean)
            rest = max(squares[layer] * samples * samples - samples * mean, 0.0)
            spread[network, layer] = math.sqrt(rest / (samples - 1)) if samples > 1 else math.nan

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
from ibtui_engine.streams import shuffle_epoch
from ibtui_engine.training.layout import layer_rows, pack, unpack
from ibtui_engine.training.problem import ADAM_EPSILON, ADAM_SQUARES_DECAY

SGD, MOMENTUM, ADAM = range(3)

LANES = VECTOR_BYTES // 4
STEP = 2 * LANES
"""Samples that the forward and backward loops handle at once; tiles are padded to a multiple."""

_F = np.float32


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
) -> None:
    """g += the gradients of the cross-entropy of a tile of samples, each times its portion. All else is scratch but
    `w`, and the rows of ones in `a`.
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
        if layer > 0:
            backward_layer(w, tops[layer], delta, activation, y, firsts[layer], below, inputs, outputs, columns)
            delta, below = below, delta


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
    batch: int,
    tile: int,
    mean_norm: Float64[np.ndarray, "networks layers"],
    std_norm: Float64[np.ndarray, "networks layers"],
) -> None:
    """Train networks first..last-1 from the end of `epoch` to the end of `until`, in place.

    An item is a sample: twice a pattern (its bits where `table` is empty, else its column of `table`) plus the label.
    With `bits`, hidden layers hand on their activations rounded to levels, and gradients go through that as if it were
    nothing (straight-through: the slope is that of the activation before it). Where `worth` is not empty, a pattern
    counts that much in the loss, times the network's of `shares`.
    If `mean_norm` has rows, the last epoch's batch gradients are summed up: the norm of their mean over the batches,
    and the root of their summed unbiased variance, weights only; NaN for the latter where there is one batch.
    """
    layers = widths.shape[0] - 1
    samples = items.shape[1]
    tops, firsts = layer_rows(widths)
    widest = largest(widths)
    w = np.zeros((tops[layers], (widest + 4) // 4 * 4), np.float32)
    g = np.zeros_like(w)
    m = np.zeros(w.shape if optimizer != SGD else (0, 0), np.float32)
    v = np.zeros(w.shape if optimizer == ADAM else (0, 0), np.float32)
    stride = tile + STEP  # rows a power of two apart would fight for the same lines of the cache
    a = np.zeros((firsts[layers] + widths[layers] + 4, stride), np.float32)
    z = np.zeros((widest + 4, stride), np.float32)
    delta = np.zeros((widest + 4, stride), np.float32)
    below = np.zeros((widest + 4, stride), np.float32)
    y = np.zeros_like(a) if bits > 0 else a  # activations before they are rounded
    for layer in range(layers):
        a[firsts[layer] + widths[layer]] = _F(1)
    portions = np.empty(tile, np.float32)
    order = np.empty(samples, np.uint32)
    words = np.empty((samples + 3) // 4 * 4, np.uint32)
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
            for s in range(samples):
                order[s] = items[network, s]
            shuffle_epoch(order, words, seeds[network], now)
            measured = statistics and now == until
            if measured:
                total[:] = 0.0
                squares[:] = 0.0
            for number in range(batches):
                start = number * batch
                stop = min(start + batch, samples)
                share = _F(1) / _F(stop - start)
                g[:] = _F(0)
                for begin in range(start, stop, tile):
                    count = min(tile, stop - begin)
                    chosen = order[begin : begin + count]
                    for s in range(count):
                        portions[s] = share
                    if worth.shape[0] > 0:
                        for s in range(count):
                            portions[s] *= worth[chosen[s] >> np.uint32(1)] * shares[network]
                    add_batch_gradients(
                        chosen, portions, table, widths, tops, firsts, activation, bits, w, a, y, z, delta, below, g
                    )
                if optimizer == ADAM:
                    step = (now - 1) * batches + number + 1
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
                    for j in range(g.shape[0]):
                        for i in range(g.shape[1]):
                            total[j, i] += g[j, i]
                            squares[j, i] += np.float64(g[j, i]) * np.float64(g[j, i])
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

"""Monte-Carlo relaxation of the weights under the training-error constraint, in place of SGD (the optimiser
`metropolis`).

Shwartz-Ziv and Tishby (2017, sections 3.5 and 4) take the diffusion phase for a random walk of the weights that
maximises their entropy under the constraint on the training error, and ask whether SGD is needed for it or any such
relaxation will do. This is the plainest one: from the end of drift on, the weights walk at random in the set

    {w : L(w) <= L_0},        L the cross-entropy of the network's sample, L_0 that at the epoch `relax_from`,

by Metropolis' rule (1953) for the flat distribution on that set: a move is made exactly where it stays inside. The
constraint is hard (microcanonical) because that is what the words say, and because it has no temperature to choose: a
Boltzmann factor would let the error rise and fix only its mean, by a temperature of which nothing is known. With this
prior, `flat`, weights diffuse freely where the loss does not bound them, as SGD's do, and come to no end. Two others
(`relax_prior`) have a stationary distribution, whatever the loss:

    gauss   each weight and bias is normal under the constraint, with mean 0 and the standard deviation
            init_scale / sqrt(fan-in) of the initial weights (which were cut off at two of it, and had biases of 0);
    sphere  the weights into each neuron, with its bias, keep the norm that they have at `relax_from` (to rounding),
            and are flat on the product of these spheres under the constraint.

For `gauss` a move that stays inside is made with the chance min(1, ratio of the densities). For `sphere` it is scaled
back to the neuron's norm: the chance of a direction depends only on its angle to the one before, so that moves are as
likely there as back.

A move takes the weights into one neuron, with its bias, to w + s z, z standard normal. Neurons take turns, layer by
layer from the input on; each move keeps detailed balance, and so their sequence keeps the flat distribution. Each
neuron has a step s of its own. It is at most `LONGEST_STEP` of the root mean square of its layer's weights and biases
at `relax_from`, where it begins. In the neuron's first `BURN_IN` moves it is adapted below that towards the acceptance
`TARGET` (Robbins and Monro 1951), best for random walks in a set with a hard edge (Neal, Roberts and Yuen 2012), where
fewer moves are accepted. From then on it is frozen: adapting for ever would break detailed balance. Without an upper
limit steps would have none: saturated neurons feel no constraint, and adaptation would throw the weights to infinity.

Cost. A gradient evaluation, forward and backward, counts as three forward passes; an epoch of SGD is one of the whole
sample. A move recomputes its neuron and the layers above, which in multiplications is a part of a forward pass; in an
epoch there are as many moves as fit into three passes, what is left being carried over. So an epoch costs the same
number of multiplications for all optimisers. What is saved by giving a move up once it breaks the constraint is not
counted.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from itertools import accumulate, pairwise

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt32

from ibtui_engine.compiled import compiled
from ibtui_engine.forward import LEAST, activate_rounded, exp_less_one, forward_layer, largest
from ibtui_engine.networks import Architecture
from ibtui_engine.settings import LONGEST_STEP, PRIORS
from ibtui_engine.streams import MOVES, fill_words
from ibtui_engine.training.kernel import STEP
from ibtui_engine.training.layout import layer_rows, pack, unpack

PASSES = 3
"""Forward passes that a gradient evaluation counts as."""
BURN_IN = 100
"""Moves of each neuron in which its step is adapted."""
TARGET = math.exp(-2)
"""Share of moves to be accepted."""
REMEMBERED = 1000
"""Moves of a neuron that the share of accepted ones is of, about."""
PRIOR_CODES = {name: code for code, name in enumerate(PRIORS)}
GAUSS, SPHERE = PRIOR_CODES["gauss"], PRIOR_CODES["sphere"]
UNIT = 2.0**-32
"""Times a word and a half: uniform in (0, 1)."""

_F = np.float32


def move_costs(widths: tuple[int, ...]) -> list[int]:
    """Multiplications per sample of a move of each neuron, in their order: its own, and those of the layers above."""
    sizes = [(inputs + 1) * units for inputs, units in pairwise(widths)]
    return [
        inputs + 1 + sum(sizes[layer + 1 :])
        for layer, (inputs, units) in enumerate(pairwise(widths))
        for _ in range(units)
    ]


def moves_until(widths: tuple[int, ...], epochs: int) -> int:
    """Moves that the first `epochs` epochs of a relaxation pay for."""
    costs = list(accumulate(move_costs(widths)))
    budget = PASSES * epochs * sum((inputs + 1) * units for inputs, units in pairwise(widths))
    sweeps, rest = divmod(budget, costs[-1])
    return len(costs) * sweeps + bisect_right(costs, rest)


def acceptance(
    architecture: Architecture, slots: Float32[np.ndarray, "slots networks parameters"]
) -> Float64[np.ndarray, "networks layers"]:
    """Share of the neurons' last moves (`REMEMBERED` each) that were accepted, by layer; NaN before the first move."""
    shares = [matrix[:, :, 1].mean(axis=1, dtype=np.float64) for matrix in architecture.matrices(slots[0])]
    return np.where(slots[1][:, 1:2] > 0, np.stack(shares, axis=1), np.nan)


@compiled
def _weighed_loss(z: Float32[np.ndarray, "rows columns"], labels: Float32[np.ndarray, " samples"],
                  masses: Float64[np.ndarray, " samples"], begin: int, count: int) -> float:  # fmt: skip
    """Summed cross-entropy, nats, of samples begin, begin + 1, ..., each times what it counts; logits are in z[0]."""
    loss = 0.0
    for s in range(count):
        x = np.float64(z[0, s])
        loss += masses[begin + s] * (max(x, 0.0) + math.log1p(math.exp(-abs(x))) - labels[begin + s] * x)
    return loss


@compiled
def _tile_loss(z: Float32[np.ndarray, "rows columns"], labels: Float32[np.ndarray, " samples"],
               masses: Float64[np.ndarray, " samples_or_none"], begin: int, count: int,
               scratch: Float32[np.ndarray, "2 columns"]) -> float:  # fmt: skip
    """Summed cross-entropy, nats, of samples begin, begin + 1, ...; their logits are in z[0]. At most 512 samples.

    log(1 + exp(z)) = max(z, 0) + log(1 + exp(−|z|)); the logarithms' arguments are multiplied up to one logarithm.
    `masses`: how much each sample counts; empty where they count the same.
    """
    if masses.shape[0] > 0:
        return float(_weighed_loss(z, labels, masses, begin, count))
    for s in range(count):
        rest, power = exp_less_one(max(-abs(z[0, s]), _F(LEAST)))
        scratch[0, s] = _F(1) + (rest + power)
        scratch[1, s] = max(z[0, s], _F(0)) - labels[begin + s] * z[0, s]
    scratch[0, count : count + 3] = _F(1)
    scratch[1, count : count + 3] = _F(0)
    p0, p1, p2, p3 = 1.0, 1.0, 1.0, 1.0
    l0, l1, l2, l3 = 0.0, 0.0, 0.0, 0.0
    for s in range(0, count, 4):  # four chains: one would wait for each of its multiplications
        p0 *= scratch[0, s]
        p1 *= scratch[0, s + 1]
        p2 *= scratch[0, s + 2]
        p3 *= scratch[0, s + 3]
        l0 += scratch[1, s]
        l1 += scratch[1, s + 1]
        l2 += scratch[1, s + 2]
        l3 += scratch[1, s + 3]
    return (l0 + l1) + (l2 + l3) + math.log((p0 * p1) * (p2 * p3))


@compiled
def relax_networks(
    first: int,
    last: int,
    begin: int,
    end: int,
    weights: Float32[np.ndarray, "networks parameters"],
    slot_1: Float32[np.ndarray, "networks parameters"],
    slot_2: Float32[np.ndarray, "networks parameters"],
    seeds: Int64[np.ndarray, " networks"],
    items: UInt32[np.ndarray, "networks samples"],
    table: Float32[np.ndarray, "inputs patterns"],
    worth: Float32[np.ndarray, " patterns_or_none"],
    shares: Float32[np.ndarray, " networks_or_none"],
    widths: Int64[np.ndarray, " layers"],
    activation: int,
    bits: int,
    prior: int,
    scale: float,
    tile: int,
) -> None:
    """Make moves begin..end-1 (from 0 at `relax_from`) of networks first..last-1, in place.

    In the places of each neuron's first two weights (the second may be its bias), `slot_1` holds its step and the share
    of its moves that were accepted, `slot_2` its longest step and, for the first neuron, the bound L_0, rounded up. An
    item, `worth` and `shares` are as in `kernel.train_networks`. `prior` is of `PRIOR_CODES`, `scale` the standard
    deviation of the Gaussian one in units of 1/sqrt(fan-in). `tile`: samples handled at once, at most 512.
    """
    layers = widths.shape[0] - 1
    samples = items.shape[1]
    tops, firsts = layer_rows(widths)
    places = np.zeros(layers + 1, np.int64)  # first parameter of each layer
    neurons = np.zeros(layers + 1, np.int64)  # number of each layer's first neuron
    for layer in range(layers):
        places[layer + 1] = places[layer] + (widths[layer] + 1) * widths[layer + 1]
        neurons[layer + 1] = neurons[layer] + widths[layer + 1]
    widest = largest(widths)
    tiles = (samples + tile - 1) // tile
    stride = tile + STEP  # as in `kernel.train_networks`
    w = np.zeros((tops[layers], widest + 1), np.float32)
    trial = np.zeros((2, widest + 1), np.float32)
    rows = firsts[layers] + 1
    now = np.zeros((tiles, rows, stride), np.float32)  # activations of the weights as they are
    then = np.zeros((tiles, rows, stride), np.float32)  # and, above the neuron that moves, as they would be
    kept = np.zeros((tiles, stride), np.float32)  # the moving neuron's as they are
    z = np.zeros((widest + 4, stride), np.float32)
    for t in range(tiles):
        for layer in range(layers):
            now[t, firsts[layer] + widths[layer]] = _F(1)
            then[t, firsts[layer] + widths[layer]] = _F(1)
    scratch = np.empty((2, stride), np.float32)
    labels = np.empty(samples, np.float32)
    masses = np.ones(samples if worth.shape[0] > 0 else 0)
    words = np.empty((2 * ((widest + 2) // 2) + 4) // 4 * 4, np.uint32)
    for network in range(first, last):
        unpack(weights[network], widths, tops, w)
        loss = 0.0
        for t in range(tiles):
            start = t * tile
            count = min(tile, samples - start)
            columns = (count + STEP - 1) // STEP * STEP
            a = now[t]
            for s in range(count):
                item = items[network, start + s]
                labels[start + s] = _F(item & np.uint32(1))
                if worth.shape[0] > 0:
                    masses[start + s] = np.float64(worth[item >> np.uint32(1)]) * np.float64(shares[network])
                for i in range(widths[0]):
                    if table.shape[0] == 0:
                        a[i, s] = _F((item >> np.uint32(widths[0] - i)) & np.uint32(1))
                    else:
                        a[i, s] = table[i, item >> np.uint32(1)]
            for layer in range(layers):
                outputs = widths[layer + 1]
                forward_layer(w, tops[layer], a, firsts[layer], z, widths[layer] + 1, outputs, columns)
                if layer < layers - 1:
                    activate_rounded(activation, bits, z, a, firsts[layer + 1], outputs, columns)
            loss += _tile_loss(z, labels, masses, start, count, scratch)
        if begin == 0:
            bound = _F(loss / samples)
            if np.float64(bound) * samples < loss:
                bound = np.nextafter(bound, _F(np.inf))
            slot_2[network, 1] = bound
            for layer in range(layers):
                square = 0.0
                for k in range(places[layer], places[layer + 1]):
                    square += np.float64(weights[network, k]) * np.float64(weights[network, k])
                inputs = widths[layer] + 1
                step = _F(LONGEST_STEP * math.sqrt(square / (places[layer + 1] - places[layer])))
                for k in range(places[layer], places[layer + 1], inputs):
                    slot_1[network, k] = step
                    slot_2[network, k] = step
        most = np.float64(slot_2[network, 1]) * samples
        for move in range(begin, end):
            sweep = move // neurons[layers]
            neuron = move - sweep * neurons[layers]
            layer = 0
            while neuron >= neurons[layer + 1]:
                layer += 1
            j = neuron - neurons[layer]
            inputs = widths[layer] + 1
            place = places[layer] + j * inputs
            row = tops[layer] + j
            step = slot_1[network, place]
            drawn = 2 * ((inputs + 1) // 2)
            asked = drawn + 1 if prior == GAUSS else drawn
            fill_words(words[: (asked + 3) // 4 * 4], seeds[network], MOVES, move)
            for i in range(0, inputs, 2):  # Box and Muller (1958)
                radius = math.sqrt(-2.0 * math.log((words[i] + 0.5) * UNIT))
                angle = 2.0 * math.pi * ((words[i + 1] + 0.5) * UNIT)
                trial[0, i] = w[row, i] + step * _F(radius * math.cos(angle))
                if i + 1 < inputs:
                    trial[0, i + 1] = w[row, i + 1] + step * _F(radius * math.sin(angle))
            fits = True
            if prior in (GAUSS, SPHERE):
                before, after = 0.0, 0.0
                for i in range(inputs):
                    before += np.float64(w[row, i]) * np.float64(w[row, i])
                    after += np.float64(trial[0, i]) * np.float64(trial[0, i])
                if prior == GAUSS:
                    gain = (before - after) * (inputs - 1) / (2.0 * scale * scale)
                    fits = (words[drawn] + 0.5) * UNIT < math.exp(min(gain, 0.0))
                else:
                    for i in range(inputs):
                        trial[0, i] = _F(np.float64(trial[0, i]) * math.sqrt(before / after))
            loss = 0.0
            done = 0
            while fits and done < tiles and loss <= most:
                start = done * tile
                count = min(tile, samples - start)
                columns = (count + STEP - 1) // STEP * STEP
                a = now[done]
                b = then[done]
                forward_layer(trial, 0, a, firsts[layer], z, inputs, 1, columns)
                if layer < layers - 1:
                    kept[done, :columns] = a[firsts[layer + 1] + j, :columns]
                    activate_rounded(activation, bits, z, a, firsts[layer + 1] + j, 1, columns)
                    for above in range(layer + 1, layers):
                        outputs = widths[above + 1]
                        source = a if above == layer + 1 else b
                        forward_layer(w, tops[above], source, firsts[above], z, widths[above] + 1, outputs, columns)
                        if above < layers - 1:
                            activate_rounded(activation, bits, z, b, firsts[above + 1], outputs, columns)
                loss += _tile_loss(z, labels, masses, start, count, scratch)
                done += 1
            accepted = fits and loss <= most
            if accepted:
                w[row, :inputs] = trial[0, :inputs]
                for t in range(tiles):
                    for above in range(layer + 1, layers - 1):
                        for r in range(firsts[above + 1], firsts[above + 1] + widths[above + 1]):
                            now[t, r] = then[t, r]
            elif layer < layers - 1:
                for t in range(done):
                    now[t, firsts[layer + 1] + j] = kept[t]
            if sweep < BURN_IN:
                gain = (1.0 - TARGET if accepted else -TARGET) / math.sqrt(sweep + 1.0)
                slot_1[network, place] = min(_F(np.float64(step) * math.exp(gain)), slot_2[network, place])
            share = slot_1[network, place + 1]
            slot_1[network, place + 1] += ((_F(1) if accepted else _F(0)) - share) / _F(min(sweep + 1, REMEMBERED))
        pack(w, widths, tops, weights[network])

"""Each network's own random numbers: Philox4x32-10, a counter-based generator (Salmon et al. 2011).

A number is a pure function of (seed, purpose, epoch, index). So a network's sample, labels, initial weights and
the order of its batches in any epoch depend on its seed alone: nothing has to be saved, and no other network,
thread or interruption can change them.
"""

from __future__ import annotations

import math
from enum import IntEnum

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt32

from ibtui_engine.compiled import compiled


class Purpose(IntEnum):
    """What a stream is used for; streams of one seed with different purposes are independent."""

    SAMPLE = 1
    LABELS = 2
    WEIGHTS = 3
    BATCHES = 4
    RANDOM_LABELS = 5
    MOVES = 6
    WEIGHT_NOISE = 7
    TEACHER = 8
    PATTERNS = 9
    MEASURED = 10
    GRADIENT_NOISE = 11
    DROPOUT = 12


# Purposes as kernels know them, and what Salmon et al. (2011) multiply and step by in Philox 4x32
BATCHES, MOVES = int(Purpose.BATCHES), int(Purpose.MOVES)
GRADIENT_NOISE, DROPOUT = int(Purpose.GRADIENT_NOISE), int(Purpose.DROPOUT)
SHUFFLED, REPLACEMENT, GAUSSIAN = range(3)
SAMPLING_CODES = {"shuffled": SHUFFLED, "replacement": REPLACEMENT, "gaussian": GAUSSIAN}
"""How kernels know the values of the setting `sampling`."""
_FACTORS = 0xD2511F53, 0xCD9E8D57
_STEPS = 0x9E3779B9, 0xBB67AE85
_ROUNDS = 10


@compiled
def rounded_up(count: int) -> int:
    """The next multiple of 4: lengths of what `fill_words` fills."""
    return (count + 3) // 4 * 4


@compiled
def fill_words(words: UInt32[np.ndarray, " n"], seed: int, purpose: int, epoch: int) -> None:
    """Fill `words` with the stream's first numbers. Length a multiple of 4.

    Key: the seed's low and high word. Counter of block b: (b, epoch's low word, purpose, epoch's high word). Of n
    numbers, the four of block b are written to b, n/4 + b, n/2 + b and 3n/4 + b, which the compiler vectorises.
    """
    blocks = words.shape[0] // 4
    first_key = np.uint64(seed) & np.uint64(0xFFFFFFFF)
    second_key = np.uint64(seed) >> np.uint64(32)
    epoch_low = np.uint64(epoch) & np.uint64(0xFFFFFFFF)
    epoch_high = np.uint64(epoch) >> np.uint64(32)
    mask = np.uint64(0xFFFFFFFF)
    for block in range(blocks):
        c0 = np.uint64(block)
        c1 = epoch_low
        c2 = np.uint64(purpose)
        c3 = epoch_high
        k0 = first_key
        k1 = second_key
        for _ in range(_ROUNDS):
            p0 = np.uint64(_FACTORS[0]) * c0
            p1 = np.uint64(_FACTORS[1]) * c2
            c0 = (p1 >> np.uint64(32)) ^ c1 ^ k0
            c1 = p1 & mask
            c2 = (p0 >> np.uint64(32)) ^ c3 ^ k1
            c3 = p0 & mask
            k0 = (k0 + np.uint64(_STEPS[0])) & mask
            k1 = (k1 + np.uint64(_STEPS[1])) & mask
        words[block] = np.uint32(c0)
        words[blocks + block] = np.uint32(c1)
        words[2 * blocks + block] = np.uint32(c2)
        words[3 * blocks + block] = np.uint32(c3)


@compiled
def shuffle_epoch(items: UInt32[np.ndarray, " n"], words: UInt32[np.ndarray, " m"], seed: int, epoch: int) -> None:
    """Permute `items` in place into the order of one epoch (Fisher and Yates). `words`: scratch of at
    least n numbers, a multiple of 4.

    A place among i is chosen by multiplying a 32-bit number by i: no choice's probability is off by more than
    i / 2^32, a relative error of 1e-6 for 4096 items.
    """
    fill_words(words[: rounded_up(items.shape[0])], seed, BATCHES, epoch)
    for last in range(items.shape[0] - 1, 0, -1):
        place = (np.uint64(words[last]) * np.uint64(last + 1)) >> np.uint64(32)
        kept = items[last]
        items[last] = items[place]
        items[place] = kept


@compiled
def order_epoch(items: UInt32[np.ndarray, " n"], order: UInt32[np.ndarray, " n"], words: UInt32[np.ndarray, " m"],
                sampling: int, seed: int, epoch: int) -> None:  # fmt: skip
    """Fill `order` with the items of one epoch's batches, one batch after the other: `SHUFFLED` as `shuffle_epoch` does
    it, drawn with `REPLACEMENT`, or else as they are. `words`: scratch of at least n numbers, a multiple of 4.
    """
    count = items.shape[0]
    if sampling == REPLACEMENT:
        fill_words(words[: rounded_up(count)], seed, BATCHES, epoch)
        for place in range(count):
            order[place] = items[(np.uint64(words[place]) * np.uint64(count)) >> np.uint64(32)]
        return
    for place in range(count):
        order[place] = items[place]
    if sampling == SHUFFLED:
        shuffle_epoch(order, words, seed, epoch)


@compiled
def fill_normals(
    normals: Float32[np.ndarray, " n"], words: UInt32[np.ndarray, " m"], seed: int, purpose: int, epoch: int
) -> None:
    """Fill `normals` with independent standard normal numbers (Box and Muller 1958), at most 6.8 in size. Length a
    multiple of 4. `words`: scratch of at least n numbers.
    """
    count = normals.shape[0]
    half = count // 2
    fill_words(words[:count], seed, purpose, epoch)
    for place in range(half):
        radius = math.sqrt(-2.0 * math.log((words[place] + 0.5) * 2.0**-32))
        angle = 2.0 * math.pi * words[half + place] * 2.0**-32
        normals[place] = np.float32(radius * math.cos(angle))
        normals[half + place] = np.float32(radius * math.sin(angle))


@compiled
def share_out(portions: Float32[np.ndarray, " samples"], batch: int, normals: Float32[np.ndarray, " n"],
              words: UInt32[np.ndarray, " m"], seed: int, step: int) -> None:  # fmt: skip
    """Fill in what each of N samples counts in one step, so that the sum of their gradients is the sample's mean
    gradient plus Gaussian noise that has the covariance of the mean over a batch drawn without replacement: 1/N plus
    (z − mean of z) sqrt((1/batch − 1/N) / (N − 1)), z standard normal. `normals`, `words`: scratch of N numbers at
    least, multiples of 4.
    """
    samples = portions.shape[0]
    drawn = normals[: rounded_up(samples)]
    fill_normals(drawn, words, seed, GRADIENT_NOISE, step)
    mean = 0.0
    for s in range(samples):
        mean += drawn[s]
    mean /= samples
    scale = math.sqrt((1.0 / batch - 1.0 / samples) / (samples - 1)) if batch < samples else 0.0
    for s in range(samples):
        portions[s] = np.float32(1.0 / samples + (drawn[s] - mean) * scale)


def words(count: int, seed: int, purpose: Purpose, epoch: int = 0) -> UInt32[np.ndarray, " count"]:
    """`count` independent 32-bit numbers for one purpose of one seed, in one epoch."""
    scratch = np.empty(rounded_up(count), np.uint32)
    fill_words(scratch, seed, int(purpose), epoch)
    return scratch[:count]


def uniforms(count: int, seed: int, purpose: Purpose, epoch: int = 0) -> Float64[np.ndarray, " count"]:
    """`count` numbers uniform in the open interval (0, 1), 52 random bits each."""
    pair = words(2 * count, seed, purpose, epoch).astype(np.uint64)
    bits = (pair[:count] << np.uint64(20)) ^ (pair[count:] >> np.uint64(12))
    return (bits.astype(np.float64) + 0.5) * 2.0**-52


def permutation(count: int, seed: int, purpose: Purpose) -> Int64[np.ndarray, " count"]:
    """A uniformly random order of 0..count-1. Its beginning is a sample without replacement."""
    return np.argsort(uniforms(count, seed, purpose), kind="stable")


def normals(count: int, seed: int, purpose: Purpose, epoch: int = 0) -> Float32[np.ndarray, " count"]:
    """`count` independent standard normal numbers, as `fill_normals` makes them."""
    found = np.empty(rounded_up(count), np.float32)
    fill_normals(found, np.empty(len(found), np.uint32), seed, int(purpose), epoch)
    return found[:count]

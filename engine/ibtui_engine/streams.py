"""Each network's own random numbers: Philox4x32-10, a counter-based generator (Salmon et al. 2011).

A number is a pure function of (seed, purpose, epoch, index). So a network's sample, labels, initial weights and
the order of its batches in any epoch depend on its seed alone: nothing has to be saved, and no other network,
thread or interruption can change them.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from jaxtyping import Float64, Int64, UInt32

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


# Purposes as kernels know them, and what Salmon et al. (2011) multiply and step by in Philox 4x32
BATCHES, MOVES = int(Purpose.BATCHES), int(Purpose.MOVES)
_FACTORS = 0xD2511F53, 0xCD9E8D57
_STEPS = 0x9E3779B9, 0xBB67AE85
_ROUNDS = 10


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
    fill_words(words, seed, BATCHES, epoch)
    for last in range(items.shape[0] - 1, 0, -1):
        place = (np.uint64(words[last]) * np.uint64(last + 1)) >> np.uint64(32)
        kept = items[last]
        items[last] = items[place]
        items[place] = kept


def words(count: int, seed: int, purpose: Purpose, epoch: int = 0) -> UInt32[np.ndarray, " count"]:
    """`count` independent 32-bit numbers for one purpose of one seed, in one epoch."""
    scratch = np.empty(-(-count // 4) * 4, np.uint32)
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

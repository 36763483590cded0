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
_F = np.float32
_ROOT_OF_HALF = np.int32(0x3F3504F3)
"""The bits of sqrt(1/2) in single precision."""


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
def radius_of(word: int) -> np.float32:
    """sqrt(−2 log u) for u = (word + 1/2) / 2^32, of a 32-bit number.

    u = 2^e (1 + m) with 1 + m between sqrt(1/2) and sqrt(2), and log(1 + m) by the polynomial of Cephes (Moshier 1989).
    Where e is 0, m is had from what is missing to 1, so that small radii lose no digits.
    """
    u = np.float32(np.float32(word) * _F(2.0**-32) + _F(2.0**-33))
    bits = u.view(np.int32)
    e = np.int32(np.int32(bits - _ROOT_OF_HALF) >> np.int32(23))
    m = np.int32(bits - np.int32(e << np.int32(23))).view(np.float32) - _F(1)
    missing = np.float32(~np.uint32(word)) * _F(2.0**-32) + _F(2.0**-33)
    m = -missing if e == 0 else m
    p = _F(0.070376836292) * m - _F(0.11514610310)
    p = p * m + _F(0.11676998740)
    p = p * m - _F(0.12420140846)
    p = p * m + _F(0.14249322787)
    p = p * m - _F(0.16668057665)
    p = p * m + _F(0.20000714765)
    p = p * m - _F(0.24999993993)
    p = p * m + _F(0.33333331174)
    m2 = m * m
    log = m + ((m * m2 * p - _F(0.5) * m2) + _F(e) * _F(math.log(2)))
    return _F(np.sqrt(_F(-2) * log))


@compiled
def direction_of(word: int) -> tuple[np.float32, np.float32]:
    """The cosine and the sine of 2 pi word / 2^32, of a 32-bit number: an angle from a multiple of pi/2, at most pi/4
    in size, by the polynomials of Cephes (Moshier 1989).
    """
    turn = np.int32(word)
    quarters = np.int32(np.int32(turn + np.int32(1 << 29)) >> np.int32(30))
    r = _F(np.int32(turn - np.int32(quarters << np.int32(30)))) * _F(math.pi / 2 * 2.0**-30)
    r2 = r * r
    sine = r + r * r2 * (_F(-0.16666654611) + r2 * (_F(0.0083321608736) + r2 * _F(-0.00019515295891)))
    cosine = _F(0.041666645683) + r2 * (_F(-0.0013887316255) + r2 * _F(0.000024433157118))
    cosine = (_F(1) - _F(0.5) * r2) + r2 * r2 * cosine
    swapped = (quarters & np.int32(1)) != 0
    x, y = (sine, cosine) if swapped else (cosine, sine)
    x = -x if ((quarters + np.int32(1)) & np.int32(2)) != 0 else x
    y = -y if (quarters & np.int32(2)) != 0 else y
    return x, y


@compiled
def fill_normals(
    normals: Float32[np.ndarray, " n"], words: UInt32[np.ndarray, " m"], seed: int, purpose: int, epoch: int
) -> None:
    """Fill `normals` with independent standard normal numbers (Box and Muller 1958), at most 6.8 in size. Length a
    multiple of 4. `words`: scratch of at least n numbers.

    No function of a library is called, so that the compiler vectorises the loop.
    """
    count = normals.shape[0]
    half = count // 2
    fill_words(words[:count], seed, purpose, epoch)
    for place in range(half):
        radius = radius_of(words[place])
        x, y = direction_of(words[half + place])
        normals[place] = radius * x
        normals[half + place] = radius * y


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

"""Random streams against Philox written again in plain Python, itself held to the authors' published answers."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2, kstest, norm

from ibtui_engine.streams import (
    SAMPLING_CODES,
    Purpose,
    direction_of,
    fill_words,
    normals,
    order_epoch,
    permutation,
    radius_of,
    share_out,
    shuffle_epoch,
    uniforms,
    words,
)

LOW = 0xFFFFFFFF
SEEDS = st.integers(0, 2**62 + 100_000) | st.sampled_from([0, 1, LOW, 2**32, 2**32 + 1, 2**62])
EPOCHS = st.integers(0, 2**40) | st.sampled_from([0, 1, LOW, 2**32])


def philox(counter: tuple[int, ...], key: tuple[int, int]) -> tuple[int, ...]:
    """Philox4x32-10 (Salmon et al. 2011, section 4.3)."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & LOW, (p0 >> 32) ^ c3 ^ k1, p0 & LOW
        k0, k1 = (k0 + 0x9E3779B9) & LOW, (k1 + 0xBB67AE85) & LOW
    return c0, c1, c2, c3


def plain_words(count: int, seed: int, purpose: int, epoch: int) -> list[int]:
    """What `fill_words` writes: every block's first number, then every block's second one, and so on."""
    key = (seed & LOW, seed >> 32)
    blocks = [philox((b, epoch & LOW, purpose, epoch >> 32), key) for b in range(count // 4)]
    return [block[place] for place in range(4) for block in blocks]


def plain_shuffle(items: list[int], numbers: list[int]) -> list[int]:
    """Fisher and Yates from the top, a place being the upper word of number x places."""
    items = list(items)
    for last in range(len(items) - 1, 0, -1):
        place = numbers[last] * (last + 1) >> 32
        items[last], items[place] = items[place], items[last]
    return items


def filled(count: int, seed: int, purpose: int = 1, epoch: int = 0) -> np.ndarray:
    room = np.empty(count, np.uint32)
    fill_words(room, seed, purpose, epoch)
    return room


def order_of(count: int, seed: int, epoch: int) -> list[int]:
    items = np.arange(count, dtype=np.uint32)
    shuffle_epoch(items, np.empty(-(-count // 4) * 4, np.uint32), seed, epoch)
    return items.tolist()


def chi_square_is_plausible(observed: np.ndarray) -> bool:
    """Counts of equally likely outcomes: neither too uneven nor too even, each with a chance of 1e-4 at most."""
    expected = observed.sum() / observed.size
    statistic = ((observed - expected) ** 2 / expected).sum()
    low, high = chi2.ppf([1e-4, 1 - 1e-4], observed.size - 1)
    return bool(low < statistic < high)


@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_the_tests_own_philox_gives_the_known_answers_of_random123(counter: str, key: str, answer: str) -> None:
    k0, k1 = (int(word, 16) for word in key.split())
    found = philox(tuple(int(word, 16) for word in counter.split()), (k0, k1))
    assert " ".join(f"{word:08x}" for word in found) == answer


def test_the_first_known_answer_comes_out_of_the_compiled_generator() -> None:
    # of the three, only this one's counter is one that a stream can have
    assert [f"{word:08x}" for word in filled(4, 0, 0, 0)] == ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"]


@given(SEEDS, EPOCHS, st.sampled_from(Purpose), st.integers(0, 20))
def test_compiled_words_are_philox_of_seed_purpose_and_epoch(
    seed: int, epoch: int, purpose: Purpose, blocks: int
) -> None:
    assert filled(4 * blocks, seed, int(purpose), epoch).tolist() == plain_words(4 * blocks, seed, purpose, epoch)


@pytest.mark.parametrize("count", [1, 3, 4, 5, 4096])
@pytest.mark.parametrize("purpose", Purpose)
def test_words_are_those_of_epoch_0_cut_to_length(count: int, purpose: Purpose) -> None:
    seed = 2**33 + 17
    assert words(count, seed, purpose).tolist() == plain_words(-(-count // 4) * 4, seed, purpose, 0)[:count]


@given(SEEDS, EPOCHS)
def test_seeds_epochs_and_purposes_give_different_streams(seed: int, epoch: int) -> None:
    """Of 64 words, no two of these streams share more than one (by chance: below 1e-12)."""
    keys = {(seed, 1, epoch), (seed + 1, 1, epoch), (seed ^ 2**32, 1, epoch), (seed, 1, epoch + 1)}
    keys |= {(seed, 1, epoch ^ 2**32)} | {(seed, int(purpose), epoch) for purpose in Purpose}
    streams = [set(filled(64, *key).tolist()) for key in keys]
    assert len(streams) == 4 + len(Purpose)
    assert all(len(first & second) <= 1 for first, second in itertools.combinations(streams, 2))


@given(SEEDS, st.integers(0, 30), st.integers(0, 30))
def test_a_longer_stream_has_the_same_blocks_laid_out_further_apart(seed: int, short: int, more: int) -> None:
    """Only the first quarter of a stream is a prefix of a longer one: the layout depends on the length."""
    longer = filled(4 * (short + more), seed).reshape(4, -1)
    assert np.array_equal(filled(4 * short, seed).reshape(4, -1), longer[:, :short])


@pytest.mark.parametrize("shift", [0, 8, 16, 24])
def test_every_byte_of_the_words_is_uniform(shift: int) -> None:
    numbers = np.concatenate([filled(4096, seed, 4, epoch) for seed in range(8) for epoch in range(8)])
    assert chi_square_is_plausible(np.bincount(numbers >> np.uint32(shift) & np.uint32(255), minlength=256))


def test_neighbouring_seeds_and_epochs_are_uncorrelated() -> None:
    table = np.array([[uniform_part(seed, epoch) for epoch in range(64)] for seed in range(64)])  # 64 x 64 x 16
    centred = table - 0.5
    products = [centred[1:] * centred[:-1], centred[:, 1:] * centred[:, :-1], centred[..., 1:] * centred[..., :-1]]
    for product in products:
        assert abs(product.mean()) < 4.5 * (1 / 12) / np.sqrt(product.size)


def uniform_part(seed: int, epoch: int) -> np.ndarray:
    return filled(16, seed, 4, epoch) * 2.0**-32


@given(SEEDS, st.sampled_from(Purpose), st.integers(1, 50))
def test_uniforms_are_the_upper_32_and_the_upper_20_bits_of_two_words(seed: int, purpose: Purpose, count: int) -> None:
    numbers = words(2 * count, seed, purpose).tolist()
    expected = [((numbers[k] << 20 | numbers[count + k] >> 12) + 0.5) / 2**52 for k in range(count)]
    assert uniforms(count, seed, purpose).tolist() == expected
    assert all(0 < value < 1 for value in expected)


def test_uniforms_are_uniform_and_differ() -> None:
    numbers = np.concatenate([uniforms(5000, seed, Purpose.WEIGHTS) for seed in range(20)])
    assert kstest(numbers, "uniform").pvalue > 1e-3
    assert len(np.unique(numbers)) == numbers.size
    fine = np.floor(numbers * 2.0**40) % 256  # bits that only the second word gives
    assert chi_square_is_plausible(np.bincount(fine.astype(int), minlength=256))


@given(st.integers(1, 300), SEEDS)
def test_a_permutation_holds_every_number_once(count: int, seed: int) -> None:
    assert sorted(permutation(count, seed, Purpose.SAMPLE).tolist()) == list(range(count))


def test_all_permutations_of_four_are_equally_likely() -> None:
    counts = Counter(tuple(permutation(4, seed, Purpose.SAMPLE).tolist()) for seed in range(4800))
    assert len(counts) == 24
    assert chi_square_is_plausible(np.array(list(counts.values())))


@given(st.integers(0, 200), SEEDS, EPOCHS)
def test_an_epochs_order_is_fisher_yates_with_the_words_of_the_batches_purpose(
    count: int, seed: int, epoch: int
) -> None:
    found = order_of(count, seed, epoch)
    assert found == plain_shuffle(list(range(count)), plain_words(-(-count // 4) * 4, seed, Purpose.BATCHES, epoch))
    assert sorted(found) == list(range(count))


@pytest.mark.parametrize("along", ["seeds", "epochs"])
def test_all_orders_of_four_items_are_equally_likely_along(along: str) -> None:
    pairs = ((n, 1) if along == "seeds" else (1, n) for n in range(4800))
    counts = Counter(tuple(order_of(4, seed, epoch)) for seed, epoch in pairs)
    assert len(counts) == 24
    assert chi_square_is_plausible(np.array(list(counts.values())))


def test_every_item_comes_to_every_place_equally_often() -> None:
    count, epochs = 12, 3000
    table = np.zeros((count, count))
    for epoch in range(epochs):
        table[np.arange(count), order_of(count, 7, epoch)] += 1
    statistic = ((table - epochs / count) ** 2 / (epochs / count)).sum()
    low, high = chi2.ppf([1e-4, 1 - 1e-4], (count - 1) ** 2)  # rows and columns each have a fixed sum
    assert low < statistic < high


def test_an_epochs_order_moves_what_is_there_and_needs_no_more_than_the_items() -> None:
    items = np.array([7, 7, 3, 11, 2**32 - 1], np.uint32)
    shuffled = items.copy()
    shuffle_epoch(shuffled, np.empty(8, np.uint32), 5, 9)
    assert shuffled.tolist() == [items[place] for place in order_of(5, 5, 9)]


def ordered(sampling: str, items: list[int], seed: int, epoch: int, more: int = 0) -> list[int]:
    """The order of an epoch, with scratch that is longer than it need be."""
    given, order = np.array(items, np.uint32), np.empty(len(items), np.uint32)
    order_epoch(
        given, order, np.empty(-(-len(items) // 4) * 4 + more, np.uint32), SAMPLING_CODES[sampling], seed, epoch
    )
    assert given.tolist() == items
    return order.tolist()


@given(st.lists(st.integers(0, LOW), min_size=1, max_size=40), SEEDS, EPOCHS, st.sampled_from([0, 4, 64]))
def test_an_epoch_is_dealt_or_drawn_whatever_room_there_is(items: list[int], seed: int, epoch: int, more: int) -> None:
    numbers = plain_words(-(-len(items) // 4) * 4, seed, Purpose.BATCHES, epoch)
    assert ordered("shuffled", items, seed, epoch, more) == plain_shuffle(items, numbers)
    drawn = [items[number * len(items) >> 32] for number in numbers[: len(items)]]
    assert ordered("replacement", items, seed, epoch, more) == drawn
    assert ordered("gaussian", items, seed, epoch, more) == items


def test_draws_with_replacement_take_every_item_equally_often() -> None:
    counts = Counter(one for epoch in range(2000) for one in ordered("replacement", list(range(7)), 3, epoch))
    assert chi_square_is_plausible(np.array([counts[one] for one in range(7)]))


@given(st.integers(1, 40), SEEDS, EPOCHS)
def test_normals_are_those_of_box_and_muller(count: int, seed: int, epoch: int) -> None:
    room = -(-count // 4) * 4
    numbers = np.array(plain_words(room, seed, Purpose.DROPOUT, epoch), np.float64)
    radius = np.sqrt(-2 * np.log((numbers[: room // 2] + 0.5) / 2**32))
    angle = 2 * np.pi * numbers[room // 2 :] / 2**32
    expected = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:count]
    np.testing.assert_allclose(normals(count, seed, Purpose.DROPOUT, epoch), expected, rtol=1e-6, atol=1e-6)


@given(st.integers(0, LOW) | st.sampled_from([0, 1, LOW - 1, LOW, 0xB504F333, 0xB504F334, 2**31, 2**24]))
def test_a_normals_radius_and_direction_have_all_digits_of_single_precision(word: int) -> None:
    """Also where the radius is nearly 0, and on either side of sqrt(1/2), where its polynomial changes."""
    expected = np.sqrt(
        -2 * np.log1p(-(LOW - word + 0.5) / 2**32) if word > 2**31 else -2 * np.log((word + 0.5) / 2**32)
    )
    assert radius_of(np.uint32(word)) == pytest.approx(expected, rel=4e-7)
    turn = 2 * np.pi * word / 2**32
    assert direction_of(np.uint32(word)) == pytest.approx((np.cos(turn), np.sin(turn)), abs=2e-7)


@pytest.mark.parametrize(("quarter", "expected"), [(0, (1, 0)), (1, (0, 1)), (2, (-1, 0)), (3, (0, -1))])
def test_normals_lie_on_the_axes_where_words_are_quarters_of_a_turn(quarter: int, expected: tuple[int, int]) -> None:
    assert direction_of(np.uint32(quarter << 30)) == expected


DRAWN = 400_000


@pytest.fixture(scope="module", params=[(5, Purpose.GRADIENT_NOISE, 1), (2**40, Purpose.DROPOUT, 70_000)])
def drawn(request: pytest.FixtureRequest) -> np.ndarray:
    """Normal numbers of one stream, in double precision."""
    return normals(DRAWN, *request.param).astype(np.float64)


def test_normals_have_the_moments_of_the_normal_law(drawn: np.ndarray) -> None:
    for power, expected in ((1, 0), (2, 1), (3, 0), (4, 3), (5, 0), (6, 15)):
        variance = np.prod(np.arange(1, 2 * power, 2)) - expected**2  # E z^2k = 1 3 5 ... (2k − 1)
        assert abs((drawn**power).mean() - expected) < 4.5 * np.sqrt(variance / DRAWN)


def test_normals_have_the_distribution_and_the_tails_of_the_normal_law(drawn: np.ndarray) -> None:
    assert kstest(drawn, norm.cdf).pvalue > 1e-3
    assert kstest(drawn[: DRAWN // 2], drawn[DRAWN // 2 :]).pvalue > 1e-3
    for least in (2, 3, 4, 4.5):
        for side in (drawn, -drawn):
            assert binomtest(int((side > least).sum()), DRAWN, norm.sf(least)).pvalue > 1e-4
    near = int((abs(drawn) < 1e-3).sum())
    assert binomtest(near, DRAWN, norm.cdf(1e-3) - norm.cdf(-1e-3)).pvalue > 1e-4
    assert 4.5 < abs(drawn).max() < 6.8


def test_pairs_of_normals_have_the_law_of_the_square_of_their_distance_from_0(drawn: np.ndarray) -> None:
    """Those of one radius and direction, half the stream apart, are independent: so is the square of it exponential."""
    square = drawn[: DRAWN // 2] ** 2 + drawn[DRAWN // 2 :] ** 2
    assert kstest(square, chi2(2).cdf).pvalue > 1e-3
    assert kstest(np.arctan2(drawn[: DRAWN // 2], drawn[DRAWN // 2 :]), "uniform", (-np.pi, 2 * np.pi)).pvalue > 1e-3


@pytest.mark.parametrize("of", [lambda z: z, lambda z: z**2, np.sign], ids=["numbers", "squares", "signs"])
def test_neighbouring_normals_are_independent(drawn: np.ndarray, of: Callable[[np.ndarray], np.ndarray]) -> None:
    """Of one stream, at all short distances and at those of its blocks; and of streams with neighbouring counters."""
    numbers = of(drawn)
    distances = (*range(1, 17), DRAWN // 4, DRAWN // 2, 3 * DRAWN // 4)
    for distance in distances:
        pairs = DRAWN - distance
        assert abs(np.corrcoef(numbers[:pairs], numbers[distance:])[0, 1]) < 4.5 / np.sqrt(pairs)
    key = 7, Purpose.DROPOUT, 9
    here = of(normals(DRAWN, *key).astype(np.float64))
    for beside in ((8, Purpose.DROPOUT, 9), (7, Purpose.GRADIENT_NOISE, 9), (7, Purpose.DROPOUT, 10)):
        there = of(normals(DRAWN, *beside).astype(np.float64))
        assert abs(np.corrcoef(here, there)[0, 1]) < 4.5 / np.sqrt(DRAWN)
        assert abs(np.corrcoef(here[1:], there[:-1])[0, 1]) < 4.5 / np.sqrt(DRAWN)


@pytest.mark.parametrize("batch", [1, 3, 6])
def test_portions_have_the_covariance_of_a_batch_drawn_without_replacement(batch: int) -> None:
    """Of what an item counts: 1/b where it is in the batch, else 0. Exact by counting all batches of six items."""
    found = np.empty((20_000, 6), np.float32)
    scratch = np.empty(8, np.float32), np.empty(8, np.uint32)
    for step, portions in enumerate(found, start=1):
        share_out(portions, batch, *scratch, 11, step)
    batches = np.array([[k in chosen for k in range(6)] for chosen in itertools.combinations(range(6), batch)]) / batch
    np.testing.assert_allclose(found.mean(axis=0), batches.mean(axis=0), atol=5 / batch / np.sqrt(20_000))
    expected = np.cov(batches.T, bias=True) if batch < 6 else np.zeros((6, 6))
    np.testing.assert_allclose(np.cov(found.T), expected, atol=0.05 / batch**2)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)

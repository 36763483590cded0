"""Every network is worked on once, by as many threads as there are, in ranges of nearly equal size."""

from __future__ import annotations

import threading
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui_engine.threads import Threads


def shared(networks: int, count: int, each: int) -> list[tuple[int, int]]:
    """The ranges that are worked on, in order."""
    found: list[tuple[int, int]] = []
    threads = Threads(count)
    try:
        threads.share_out(networks, lambda first, last: found.append((first, last)), each=each)
    finally:
        threads.close()
    return sorted(found)


@given(st.integers(0, 300), st.integers(1, 5), st.integers(1, 9))
def test_ranges_hold_every_network_once_and_are_nearly_equal(networks: int, count: int, each: int) -> None:
    ranges = shared(networks, count, each)
    assert [n for first, last in ranges for n in range(first, last)] == list(range(networks))
    assert len(ranges) == min(networks, count * each)
    sizes = [last - first for first, last in ranges]
    assert sizes == sorted(sizes, reverse=True)
    assert max(sizes, default=0) - min(sizes, default=0) <= 1


def test_threads_work_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=30)
    threads = Threads(2)
    threads.share_out(2, lambda first, last: both.wait() and None, each=1)
    threads.close()


def test_each_thread_keeps_what_it_made_until_it_asks_for_another() -> None:
    made: list[tuple[int, str]] = []

    def make(name: str) -> list[str]:
        made.append((threading.get_ident(), name))
        return [name]

    both = threading.Barrier(2, timeout=30)
    found: dict[int, list[list[str]]] = {}

    def work(first: int, last: int) -> None:
        found[first] = [threads.kept(make, name) for name in ("a", "a", "b", "b", "a")]
        both.wait()

    threads = Threads(2)
    threads.share_out(2, work, each=1)
    threads.close()
    assert sorted(name for _, name in made) == ["a", "a", "a", "a", "b", "b"]
    assert len({ident for ident, _ in made}) == 2
    for a, again, b, same, new in found.values():
        assert a is again
        assert b is same
        assert new is not a
        assert (a, b, new) == (["a"], ["b"], ["a"])
    assert found[0][0] is not found[1][0]


def test_what_was_kept_is_gone_before_another_is_made() -> None:
    class Thing:
        pass

    first: list[weakref.ref[Thing]] = []

    def make(fails: bool) -> Thing:
        if first:
            assert first[0]() is None
        if fails:
            raise MemoryError
        thing = Thing()
        first.append(weakref.ref(thing))
        return thing

    def work(_first: int, _last: int) -> None:
        threads.kept(make, False)
        with pytest.raises(MemoryError):
            threads.kept(make, True)
        assert isinstance(threads.kept(make, False), Thing)

    threads = Threads(1)
    threads.share_out(1, work)
    threads.close()


def test_what_goes_wrong_in_a_thread_is_raised() -> None:
    def work(first: int, last: int) -> None:
        if first == 7:
            raise ZeroDivisionError("of network 7")

    threads = Threads(2)
    with pytest.raises(ZeroDivisionError, match="of network 7"):
        threads.share_out(10, work)
    threads.close()

"""The playhead stands on a measured epoch, whatever is done, and follows the end only when it is sent there."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from ibtui.playback import FAR_BEHIND, FOLLOWING, MOST_BEHIND, SPEEDS, Playback

EPOCHS = st.lists(st.integers(0, 10**9), min_size=1, max_size=30, unique=True).map(sorted)


@st.composite
def playbacks(draw: st.DrawFn) -> Playback:
    start = Playback(speed=draw(st.sampled_from(SPEEDS))).grown(draw(EPOCHS))
    return draw(st.sampled_from([start, start.to_epoch(draw(st.integers(-5, 10**9))), start.toggled()]))


@given(playbacks(), st.integers(-100, 100), st.integers(-(10**12), 10**12))
def test_every_move_ends_on_a_measured_epoch(now: Playback, steps: int, epoch: int) -> None:
    for moved in (
        now.step(steps),
        now.to_index(steps),
        now.to_epoch(epoch),
        now.live(),
        now.toggled(),
        now.faster(steps),
    ):
        assert moved.epoch in moved.epochs
        assert moved.epochs == now.epochs
        assert moved.epochs[moved.index] == moved.epoch
        assert moved.speed in SPEEDS


@given(playbacks(), st.integers(-100, 100))
def test_steps_add_up_until_an_end(now: Playback, steps: int) -> None:
    moved = now.step(steps)
    assert moved.index == min(max(now.index + steps, 0), len(now.epochs) - 1)
    if 0 <= now.index + steps < len(now.epochs):
        assert moved.step(-steps).epoch == now.epoch
    assert not moved.following


@given(playbacks(), st.integers(0, 10**9))
def test_seeking_finds_the_nearest(now: Playback, epoch: int) -> None:
    found = now.to_epoch(epoch).epoch
    assert abs(found - epoch) == min(abs(known - epoch) for known in now.epochs)


@given(playbacks(), st.lists(st.integers(0, 10**9), max_size=10))
def test_what_is_measured_later_does_not_move_the_playhead(now: Playback, more: list[int]) -> None:
    later = now.grown(sorted({*now.epochs, *more}))
    assert later.epoch == now.epoch
    assert (later.following, later.playing, later.speed) == (now.following, now.playing, now.speed)
    assert later.behind == (sum(epoch > now.epoch for epoch in later.epochs) if now.following else 0)


@given(playbacks())
def test_the_end_is_followed_until_a_move(now: Playback) -> None:
    end = now.live()
    assert end.following
    assert end.at_end
    assert not end.playing
    assert end.pace is None
    later = end.grown((*end.epochs, 10**10))
    assert later.behind == 1
    assert later.carried().epoch == 10**10
    assert later.from_epoch(0).following
    for moved in (end.step(0), end.step(-1), end.to_index(0), end.to_epoch(end.epoch), end.toggled()):
        assert not moved.following
        assert moved.grown((*end.epochs, 10**10)).carried().epoch == moved.epoch


@given(EPOCHS)
def test_following_from_the_start_shows_every_epoch_once_and_ends_still(epochs: list[int]) -> None:
    now = Playback().grown(epochs).from_epoch(0)
    seen = [now.epoch]
    while now.pace is not None:
        assert FOLLOWING[0] < now.pace <= FOLLOWING[1]
        now = now.carried()
        seen.append(now.epoch)
    assert seen == epochs
    assert now.following


@given(st.integers(0, 5_000), st.integers(1, MOST_BEHIND))
def test_far_behind_snapshots_are_left_out_so_that_the_end_is_reached(behind: int, at_most: int) -> None:
    now = Playback().grown(range(behind + 1)).from_epoch(0)
    moved = now.carried(at_most)
    assert moved.epoch == -(-behind // at_most)
    steps = 0
    while now.behind:
        now, steps = now.carried(at_most), steps + 1
    assert steps <= at_most * (1 + math.log(max(behind / at_most, 1))) + 1


def test_the_farther_behind_the_faster() -> None:
    paces = [Playback().grown(range(n + 1)).from_epoch(0).pace or 0.0 for n in range(1, 2 * FAR_BEHIND)]
    assert paces == sorted(paces)
    assert paces[FAR_BEHIND - 2] < FOLLOWING[1] == paces[FAR_BEHIND - 1] == paces[-1]


def test_a_key_that_pauses_holds_a_playhead_that_is_carried_along() -> None:
    held = Playback().grown((0, 1, 2)).toggled()
    assert (held.playing, held.following, held.pace, held.epoch) == (False, False, None, 0)


@given(playbacks())
def test_playing_shows_every_epoch_once_and_stops_at_the_end(now: Playback) -> None:
    now = now.to_epoch(now.epoch) if now.following else now
    playing = now if now.playing else now.toggled()
    begun = playing.index
    assert begun == (0 if now.at_end and not now.playing else now.index)
    seen = [playing.epoch]
    while playing.playing and not playing.at_end:
        playing = playing.step(1)
        seen.append(playing.epoch)
        assert len(seen) <= len(now.epochs)
    assert seen == list(playing.epochs[begun:])


@given(playbacks())
def test_pausing_stays_where_it_is(now: Playback) -> None:
    now = now.to_epoch(now.epoch) if now.following else now
    playing = now if now.playing else now.toggled()
    assert playing.toggled().epoch == playing.epoch
    assert not playing.toggled().playing


def test_speeds_go_up_and_down_to_their_ends() -> None:
    now = Playback()
    assert [now.faster(k).speed for k in (-9, -1, 0, 1, 9)] == [1.0, 5.0, 10.0, 20.0, 40.0]


def test_nothing_measured_yet() -> None:
    now = Playback()
    for moved in (now.step(1), now.to_index(3), now.to_epoch(9), now.live(), now.grown(()), now.toggled().step(1)):
        assert moved.epoch == 0
        assert moved.index == 0
    assert now.at_end
    assert now.grown((0, 5)).epoch == 0
    assert now.grown((3, 5)).epoch == 3


def test_a_playhead_whose_epoch_is_gone_goes_to_the_nearest_of_another_ensemble() -> None:
    now = Playback().grown((0, 10, 20, 30)).to_epoch(20)
    assert now.grown((0, 18, 40)).epoch == 18
    assert now.grown(()).epoch == 20

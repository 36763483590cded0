"""Hard partitions: against all partitions of few classes, the values of a prototype, and the IB curve above them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui_engine.bottleneck import partitions
from ibtui_engine.bottleneck.kept import kept_curve
from ibtui_engine.bottleneck.partitions import ERROR, MOST_KEPT, Frontier, frontier_of, hard_frontier
from ibtui_engine.bottleneck.source import Source
from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.rules.rule import Rule
from tests.naive import entropy


def all_partitions(count: int) -> Iterator[list[int]]:
    """The cell of each class, in every way there is, intervals or not."""

    def grow(cells: list[int]) -> Iterator[list[int]]:
        if len(cells) == count:
            yield cells
            return
        for cell in range(max(cells, default=-1) + 2):
            yield from grow([*cells, cell])

    yield from grow([])


def plain_place(source: Source, cells: list[int]) -> tuple[float, float]:
    """H(T) and I(T;Y) of a partition, from its table."""
    joint = np.zeros((max(cells) + 1, 2))
    for cell, weight, one, zero in zip(cells, source.weights, source.p_y, source.rest, strict=True):
        joint[cell] += weight * np.array([zero, one])
    h_t = entropy(joint.sum(axis=1))
    return h_t, h_t + entropy(joint.sum(axis=0)) - entropy(joint.ravel())


@given(
    st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(0.01, 1.0)), min_size=1, max_size=6),
)
def test_no_partition_of_few_classes_lies_above_and_every_corner_is_one(classes: list[tuple[float, float]]) -> None:
    p, weights = map(np.array, zip(*classes, strict=True))
    source = Source.of(p, weights)
    found = frontier_of(source, error=1e-9)
    places = np.array([plain_place(source, cells) for cells in all_partitions(len(source.weights))])
    assert (places[:, 1] <= found.most(places[:, 0]) + 2e-9).all()
    for h, i_y in zip(found.entropy, found.i_y, strict=True):
        assert np.abs(places - [h, i_y]).max(axis=1).min() < 1e-9


def test_the_corners_of_the_symmetric_rule_are_those_of_a_prototype() -> None:
    found = hard_frontier(load_rule("symmetric"))
    assert found.cells[:4].tolist() == [1, 2, 3, 4]
    assert found.entropy[:4] == pytest.approx([0, 0.9992, 1.2161, 1.3108], abs=5e-5)
    assert found.i_y[:4] == pytest.approx([0, 0.98578, 0.98847, 0.98942], abs=5e-6)


@pytest.mark.parametrize("name", ["symmetric", "symmetric-soft", pytest.param("committee", marks=pytest.mark.long)])
def test_the_frontier_lies_under_the_curve_from_end_to_end_and_rises_ever_less(name: str) -> None:
    curve, found = kept_curve(load_rule(name)), hard_frontier(load_rule(name))
    assert curve is not None
    assert (found.i_y <= curve.upper(found.entropy) + 1e-12).all()
    assert (found.entropy[-1], found.i_y[-1]) == pytest.approx((curve.entropy, curve.i_xy))
    slopes = np.diff(found.i_y) / np.diff(found.entropy)
    assert (np.diff(slopes) < 1e-9).all()
    assert (np.diff(found.cells) >= 0).all()
    x = np.linspace(0, curve.entropy, 1000)
    assert (curve.lower(x) - found.most(x)).max() > 1e-3  # what hardness alone costs


def test_what_is_left_out_lies_no_higher_than_the_error() -> None:
    rule = load_rule("symmetric-soft")
    fine, coarse = hard_frontier(rule, error=1e-12), hard_frontier(rule, error=1e-2)
    assert len(coarse.cells) < len(hard_frontier(rule).cells) < len(fine.cells)
    for found in (coarse, hard_frontier(rule)):
        assert (found.most(fine.entropy) <= fine.i_y + 1e-12).all()
        assert (fine.i_y - found.most(fine.entropy)).max() <= found.error
    assert hard_frontier(rule).error == ERROR


def test_labels_that_are_certain_make_two_cells_that_know_all() -> None:
    source = Source.of(np.array([0.0, 0.0, 1.0, 1.0]))
    found = frontier_of(source)
    assert (found.entropy.tolist(), found.i_y.tolist(), found.cells.tolist()) == ([0, 1], [0, 1], [1, 2])
    one = frontier_of(Source.of(np.array([0.3, 0.3])))
    assert (one.entropy.tolist(), one.i_y.tolist(), one.cells.tolist()) == ([0], [0], [1])


def test_labels_swapped_change_nothing() -> None:
    p = np.array([1e-30, 1e-5, 0.2, 0.7, 0.999])
    a, b = frontier_of(Source.of(p), error=1e-12), frontier_of(Source.of(1 - p), error=1e-12)
    assert a.entropy == pytest.approx(b.entropy, abs=1e-12)
    assert a.i_y == pytest.approx(b.i_y, abs=1e-12)


@pytest.mark.parametrize("more", [0, 1])
def test_whether_intervals_are_kept_changes_no_number(more: int, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source.of(np.linspace(0.01, 0.99, 40))
    expected = frontier_of(source)
    monkeypatch.setattr(partitions, "MOST_KEPT", 40 - more)
    intervals = partitions._Intervals(source)
    intervals.best(2.0)
    assert len(intervals._kept) == (40 if more == 0 else 0)
    assert frontier_of(source).to_dict() == expected.to_dict()
    assert MOST_KEPT > 64


def test_too_many_classes_and_further_labels_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "MOST_CLASSES", 5)
    assert len(frontier_of(Source.of(np.linspace(0.1, 0.9, 5))).cells)
    with pytest.raises(InvalidValue, match=r"classes of p\(y\|x\) must be at most 5 for partitions, got 6"):
        frontier_of(Source.of(np.linspace(0.1, 0.9, 6)))
    three = Rule("three", np.arange(3, dtype=np.float32)[:, None], np.eye(3))
    with pytest.raises(InvalidValue, match="two labels, and 'three' has 3"):
        hard_frontier(three)


def test_plain_values_come_back_and_others_are_refused() -> None:
    found = hard_frontier(load_rule("symmetric"))
    again = Frontier.from_dict(found.to_dict())
    assert again.to_dict() == found.to_dict()
    for wrong in ({}, {**found.to_dict(), "cells": [1]}, {**found.to_dict(), "i_y": "x"}):
        with pytest.raises(InvalidValue, match="this is not a frontier"):
            Frontier.from_dict(wrong)


def test_the_best_for_a_beta_is_the_best_of_all_intervals() -> None:
    source = Source.of(np.random.default_rng(3).random(9), np.random.default_rng(4).random(9))
    intervals = partitions._Intervals(source)
    for beta in (1.01, 1.5, 4.0, 30.0):
        best = math.inf
        for cuts in itertools.product((False, True), repeat=8):
            cells = np.concatenate(([0], np.cumsum(cuts))).tolist()
            h, i_y = plain_place(source, cells)
            best = min(best, h - beta * i_y)
        found = intervals.best(beta)
        assert found.entropy - beta * found.i_y == pytest.approx(best, abs=1e-12)

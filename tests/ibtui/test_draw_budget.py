"""What drawing may cost a run that is watched."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ibtui.draw_budget import LONGEST_WAIT, SHARE, DrawBudget


class Machine:
    """A clock, and the computing done, that go on as a test says."""

    def __init__(self) -> None:
        self.now = 100.0
        self.computed = 7.0

    def budget(self, cores: int = 2) -> DrawBudget:
        return DrawBudget(lambda: self.now, lambda: self.computed, cores)

    def draw(self, seconds: float) -> None:
        self.now += seconds
        self.computed += seconds


def test_what_was_given_is_spent_first_and_then_what_is_earned() -> None:
    machine = Machine()
    budget = machine.budget()
    budget.open(1.0)
    drawings = 0
    while budget.affordable:
        machine.draw(0.02)
        drawings += 1
    assert 1.0 / 0.02 <= drawings < 1.2 / 0.02
    machine.now += 0.02 / (2 * SHARE)
    assert budget.affordable


@given(st.floats(0.005, 0.1), st.integers(1, 16))
def test_in_the_long_run_drawing_takes_its_share(cost: float, cores: int) -> None:
    machine = Machine()
    budget = machine.budget(cores)
    began, spent = machine.now, 0.0
    while machine.now - began < 60:
        if budget.affordable:
            machine.draw(cost)
            spent += cost
        else:
            machine.now += 0.01
    at_least = cost * (60 / LONGEST_WAIT + 1)  # whatever it costs, it is drawn every now and then
    assert spent <= max(SHARE * cores * (60 + LONGEST_WAIT) + cost, at_least)
    assert spent >= 0.8 * min(SHARE * cores * 60, 60 - 2 * cost)


def test_charts_are_drawn_at_last_however_dear_they_are() -> None:
    machine = Machine()
    budget = machine.budget(1)
    assert budget.due("charts")  # never drawn
    budget.drawn("charts")
    machine.draw(1.0)
    assert not budget.due("charts")
    assert not budget.due("charts", 1.01)
    assert budget.due("charts", 0.99)
    assert budget.due("plane")
    machine.draw(LONGEST_WAIT)
    assert not budget.affordable
    assert budget.due("charts")


def test_a_followed_run_is_caught_up_with_where_nothing_can_be_afforded() -> None:
    """Looking for news alone may take more than the share on a slow machine."""
    machine = Machine()
    budget = machine.budget()
    budget.open()
    drawn = 0
    for _ in range(600):
        machine.now += 0.09
        machine.draw(0.01)
        if budget.due("plane", 1.0):
            budget.drawn("plane")
            machine.draw(0.03)
            drawn += 1
    assert not budget.affordable
    assert drawn >= 55


def test_ample_is_only_what_was_given() -> None:
    machine = Machine()
    budget = machine.budget()
    assert not budget.ample
    machine.now += 1000
    assert budget.affordable
    assert not budget.ample  # time alone does not make a credit
    budget.open(2.0)
    assert budget.ample
    machine.draw(1.99)
    assert budget.affordable
    assert not budget.ample

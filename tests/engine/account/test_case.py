"""A verdict stands only where the open answers cannot change it."""

from __future__ import annotations

import numpy as np
import pytest

from ibtui_engine.account import case as module
from ibtui_engine.account.case import RESAMPLES, Case, Yes, decide
from ibtui_engine.account.criteria import AtLeast
from ibtui_engine.account.finding import NO_VERDICT, NOT, PARTLY, REPRODUCED, UNDECIDED
from ibtui_engine.account.questions import Mean

YES, NO = np.full(10, 2.0), np.full(10, 0.0)
OPEN = 1.2 + np.where(np.arange(10) % 2, 0.5, -0.5)
"""Above the limit as it stands, by 1.2 standard errors."""
BELOW = 2.0 - OPEN
"""Likewise below it."""


def asked(*columns: np.ndarray) -> list[Mean]:
    return [Mean(f"{k} holds", column, AtLeast(1.0)) for k, column in enumerate(columns)]


def every(*columns: np.ndarray) -> Case:
    """Reproduced where all hold, partly where some do."""
    questions = asked(*columns)

    def weigh(yes: Yes) -> tuple[str, str]:
        count = sum(map(yes, questions))
        verdict = REPRODUCED if count == len(questions) else PARTLY if count else NOT
        return verdict, f"{count} hold"

    return Case([], questions, weigh)


def test_decided_answers_give_the_verdict_and_its_reason() -> None:
    assert (decide(every(YES, YES)).verdict, decide(every(YES, YES)).reason) == (REPRODUCED, "2 hold")
    assert decide(every(YES, NO)).verdict == PARTLY
    assert decide(every(NO, NO)).verdict == NOT


def test_an_open_answer_that_changes_nothing_is_passed_over() -> None:
    found = decide(every(YES, NO, OPEN))
    assert (found.verdict, found.reason) == (PARTLY, "2 hold")  # as the numbers stand


def test_an_open_answer_that_matters_leaves_the_verdict_open_and_is_named() -> None:
    found = decide(every(YES, YES, OPEN))
    assert (found.verdict, found.reason) == (UNDECIDED, "reproduced or partly: the networks leave open whether 2 holds")
    both = decide(every(OPEN, NO, OPEN))
    assert both.reason == "partly or not: the networks leave open whether 0 holds; 2 holds"


def test_of_very_many_open_answers_the_extremes_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = decide(every(*[OPEN] * 5))
    assert whole.reason.startswith("reproduced, not or partly: ")
    monkeypatch.setattr(module, "MOST_OPEN", 4)
    few = decide(every(*[OPEN] * 5))
    assert (few.verdict, few.reason.partition(":")[0]) == (UNDECIDED, "reproduced or not")


def test_all_combinations_of_twelve_open_answers_are_tried_and_of_thirteen_the_extremes() -> None:
    assert decide(every(*[OPEN] * 12)).reason.startswith("reproduced, not or partly: ")
    assert decide(every(*[OPEN] * 13)).reason.startswith("reproduced or not: ")
    assert decide(every(*[BELOW] * 13)).reason.startswith("not or reproduced: ")
    assert decide(every(*[OPEN] * 12, BELOW)).reason.startswith("partly, not or reproduced: ")  # and as they stand


def test_four_open_answers_are_named() -> None:
    said = "the networks leave open whether 0 holds; 1 holds; 2 holds; 3 holds"
    assert decide(every(*[OPEN] * 4)).reason.endswith(said)
    assert decide(every(*[OPEN] * 5)).reason.endswith(f"{said}; and 1 more")
    assert decide(every(*[OPEN] * 7)).reason.endswith(f"{said}; and 3 more")


def test_an_open_answer_that_does_not_matter_is_not_named_beside_one_that_does() -> None:
    questions = asked(OPEN, OPEN, OPEN)
    case = Case([], questions, lambda yes: (REPRODUCED if yes(questions[1]) else NOT, ""))
    assert decide(case).reason == "reproduced or not: the networks leave open whether 1 holds"


def test_how_often_resamples_give_each_verdict() -> None:
    found = decide(every(OPEN))
    rng = np.random.default_rng(5)
    means = OPEN[rng.integers(0, 10, (20_000, 10))].mean(axis=1)
    assert found.resampled[REPRODUCED] == pytest.approx((means >= 1.0).mean(), abs=4 * np.sqrt(0.1 / RESAMPLES))
    assert sum(found.resampled.values()) == pytest.approx(1.0)
    assert 1 not in found.resampled.values()
    assert all(1000 * share == pytest.approx(round(1000 * share)) for share in found.resampled.values())
    assert list(found.resampled.values()) == sorted(found.resampled.values(), reverse=True)
    assert decide(every(YES)).resampled == {REPRODUCED: 1.0}


def test_what_has_no_verdict_is_not_resampled() -> None:
    nothing = Case([], [], lambda yes: (NO_VERDICT, ""))
    assert (decide(nothing).verdict, decide(nothing).resampled, nothing.networks) == (NO_VERDICT, {}, (0, 0))


def test_networks_are_counted() -> None:
    assert every(YES, np.ones(4)).networks == (4, 10)

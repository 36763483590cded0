"""What a claim comes to: a verdict only where all answers that the networks leave open would give the same."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ibtui_engine.account.finding import NO_VERDICT, UNDECIDED, Number
from ibtui_engine.account.questions import Question, answers, resampled
from ibtui_engine.errors import either

RESAMPLES = 1000
"""Bootstrap samples of the networks."""
MOST_OPEN = 12
"""Open answers of which all combinations are tried; of more, all yes, all no, and as the numbers stand."""
MOST_SAID = 4
"""Open answers that a reason names."""
Yes = Callable[[Question], bool]
"""Whether the answer to a question is yes."""


@dataclass(frozen=True, eq=False)
class Case:
    """The numbers of a claim, what is asked of them, and what follows from the answers."""

    numbers: Sequence[Number]
    questions: Sequence[Question]
    weigh: Callable[[Yes], tuple[str, str]]
    """Verdict, and the reason where it is not `reproduced`, or what is to be kept in mind where it is."""

    @property
    def networks(self) -> tuple[int, int]:
        """The least and the most that a question is about; 0 where there is none."""
        counts = [one.networks for one in self.questions] or [0]
        return min(counts), max(counts)


@dataclass(frozen=True)
class Decision:
    """What a case comes to."""

    verdict: str
    reason: str
    resampled: dict[str, float]
    """Of how many bootstrap samples each verdict is the one that their numbers give as they stand, as shares; the most
    frequent first."""


def decide(case: Case) -> Decision:
    """The verdict of a case, and how firmly it stands."""
    if not case.questions:
        return Decision(*case.weigh(lambda _: False), {})
    found = answers(case.questions)
    stands = [one.stands() if answer is None else answer for one, answer in zip(case.questions, found, strict=True)]
    completed = _completions(found, stands)
    possible = {tuple(one): _weighed(case, one)[0] for one in completed}
    verdict, reason = _weighed(case, stands)
    if verdict == NO_VERDICT:
        return Decision(verdict, reason, {})
    if len(set(possible.values())) > 1:
        choices = sorted(set(possible.values()), key=lambda one: (one != verdict, one))
        reason = f"{either(choices)}: the networks leave open whether {_open(case, found, possible)}"
        verdict = UNDECIDED
    return Decision(verdict, reason, _shares(case))


def _open(case: Case, found: Sequence[bool | None], possible: dict[tuple[bool, ...], str]) -> str:
    """The open answers that matter: with such a one the other way round, the verdict may be another."""
    said = []
    whole = len(possible) == 2 ** found.count(None)
    for k, (one, answer) in enumerate(zip(case.questions, found, strict=True)):
        if answer is None:
            turned = ((a, (*a[:k], not a[k], *a[k + 1 :])) for a in possible)
            if not whole or any(possible[other] != possible[a] for a, other in turned):
                said.append(one.said)
    more = f"; and {len(said) - MOST_SAID} more" if len(said) > MOST_SAID else ""
    return "; ".join(said[:MOST_SAID]) + more


def _weighed(case: Case, yes: Sequence[bool]) -> tuple[str, str]:
    given = {id(one): answer for one, answer in zip(case.questions, yes, strict=True)}
    return case.weigh(lambda question: given[id(question)])


def _completions(found: Sequence[bool | None], stands: Sequence[bool]) -> list[list[bool]]:
    """The answers with those that are open as they may be."""
    places = [k for k, answer in enumerate(found) if answer is None]
    if len(places) <= MOST_OPEN:
        choices = list(itertools.product((True, False), repeat=len(places)))
    else:
        choices = [(True,) * len(places), (False,) * len(places), tuple(stands[k] for k in places)]
    completed = []
    for choice in choices:
        answer = [bool(one) for one in found]
        for k, yes in zip(places, choice, strict=True):
            answer[k] = yes
        completed.append(answer)
    return completed


def _shares(case: Case) -> dict[str, float]:
    """How often each verdict comes of bootstrap samples."""
    drawn = {n: resampled(n, RESAMPLES) for n in {one.networks for one in case.questions}}
    every = np.stack([one.so(drawn[one.networks]) for one in case.questions], axis=1)
    rows, counts = np.unique(every, axis=0, return_counts=True)
    shares: dict[str, float] = {}
    for row, count in zip(rows.tolist(), counts.tolist(), strict=True):
        verdict = _weighed(case, row)[0]
        shares[verdict] = shares.get(verdict, 0.0) + count / RESAMPLES
    return dict(sorted(shares.items(), key=lambda item: -item[1]))

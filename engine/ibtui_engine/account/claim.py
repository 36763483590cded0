"""What a claim of the paper is: one declaration of its wording, the data that it needs, its thresholds and its judge.

Each claim is a frozen dataclass. Its fields are its thresholds, and the sentence about them (`rule`) is made of them.
Differences over networks are paired, network by network.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ibtui_engine.account.finding import INAPPLICABLE, UNKNOWN, Finding, Number, of_spread, place_of
from ibtui_engine.errors import either
from ibtui_engine.settings import SETTINGS

if TYPE_CHECKING:
    from ibtui_engine.account.conditions import Condition
    from ibtui_engine.account.criteria import Clear
    from ibtui_engine.account.evidence import Evidence
    from ibtui_engine.session.ensemble import RecordedEnsemble

Judgement = tuple[str, Sequence[Number], str]
"""Verdict, numbers, and the reason where the verdict is not `reproduced`, or what is to be kept in mind where it is."""


@dataclass(frozen=True)
class Claim(ABC):
    """What the paper says, and how it is judged. Subclasses declare one claim each."""

    key: ClassVar[str]
    section: ClassVar[str]
    """Of the paper; `–` for what it does not claim."""
    rests_on: ClassVar[tuple[str, ...]] = ()
    """Names of the experiments of `standard.experiments` that it is judged on; empty where those have none for it."""
    which: ClassVar[str] = ""
    """Which ensemble of those, in words, where they have several: always the last."""
    needs: ClassVar[tuple[Condition, ...]] = ()
    """What an ensemble must have to be judged."""
    spans: ClassVar[tuple[str, ...]] = ()
    """Settings that ensembles are compared by; empty where each is judged by itself."""
    paired: ClassVar[bool] = False
    """Whether they are compared network by network."""

    @property
    @abstractmethod
    def text(self) -> str:
        """What the paper says."""

    @property
    @abstractmethod
    def measured(self) -> str:
        """What is measured."""

    @property
    @abstractmethod
    def rule(self) -> str:
        """When it counts as reproduced, and when as partly, made of the thresholds; empty where there is no claim of
        the paper's to judge.
        """

    @abstractmethod
    def judge(self, given: Sequence[Evidence]) -> Judgement:
        """The verdict on one ensemble, or, where the claim `spans` settings, on those that it compares."""

    def place(self, one: Evidence) -> float:
        """By what ensembles that are compared are sorted; as they are given where it is the same for all."""
        return 0.0

    def lacking(self, given: Sequence[Evidence]) -> str:
        """Why ensembles that are alike but for what the claim spans cannot be compared; empty where they can."""
        several = {tuple(one.setting(name) for name in self.spans) for one in given}
        if self.spans and len(several) < 2:
            spanned = either(SETTINGS[name].label.lower() for name in self.spans)
            return f"needs ensembles that differ only in {spanned}"
        return ""

    def found(self, given: Sequence[Evidence], where: str = "") -> Finding:
        """The finding on ensembles that have what is needed. `where` they are from, in words."""
        verdict, numbers, reason = self.judge(given)
        return self._finding(verdict, tuple(numbers), reason, given, where)

    def unknown(self, missing: Sequence[str], where: str = "") -> Finding:
        """The finding where sessions are missing."""
        return self._finding(UNKNOWN, (), f"there is no finished session of {', '.join(missing)}", (), where)

    def inapplicable(self, why: str, given: Sequence[Evidence]) -> Finding:
        """The finding on ensembles that lack what is needed."""
        return self._finding(INAPPLICABLE, (), why, given, "")

    def _finding(
        self, verdict: str, numbers: tuple[Number, ...], reason: str, given: Sequence[Evidence], where: str
    ) -> Finding:
        measured = self.measured + (f" ({where})" if where else "")
        places = tuple(place_of(one.of) for one in given)
        return Finding(self.key, self.section, self.text, measured, self.rule, verdict, numbers, reason, places)

    @property
    def standard_place(self) -> str:
        """Where the standard account looks, in words."""
        return ", ".join((*self.rests_on, self.which)) if self.which else ", ".join(self.rests_on)


def only(given: Sequence[Evidence]) -> Evidence:
    """The ensemble that is judged by itself."""
    [one] = given
    return one


def hidden_losses(of: RecordedEnsemble, words: str = "{} loses") -> list[Number]:
    """Bits that each hidden layer loses of I(X;T), as numbers of that name."""
    rows = of.phases.layers[:-1]
    return [of_spread(words.format(of.layer_names[k]), row.compression, "bits") for k, row in enumerate(rows)]


def compressed(of: RecordedEnsemble, loss: Clear) -> list[int]:
    """The hidden layers that lose enough of I(X;T)."""
    return [k for k, row in enumerate(of.phases.layers[:-1]) if loss.holds(row.compression)]


def not_compressed(of: RecordedEnsemble, loss: Clear) -> list[int]:
    """The other hidden layers."""
    done = compressed(of, loss)
    return [k for k in range(of.hidden_layers) if k not in done]


def listed(of: RecordedEnsemble, layers: Sequence[int]) -> str:
    """The names of some layers."""
    return ", ".join(of.layer_names[k] for k in layers)

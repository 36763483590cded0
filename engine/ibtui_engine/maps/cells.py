"""One cell of a map: what an ensemble came to. Worked out once, when it is finished, and kept in the session."""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from ibtui_engine.errors import EngineError, InvalidValue
from ibtui_engine.logs import logger

if TYPE_CHECKING:
    from ibtui_engine.account.claim import Claim
    from ibtui_engine.account.evidence import Evidence
    from ibtui_engine.account.finding import Number
    from ibtui_engine.session.writer import SessionWriter

_log = logger(__name__)

VERDICT = "verdict:"
"""What the key of a claim follows where verdicts and quantities are named together."""
VERSION = 1
"""Of how cells are worked out; to be raised where that changes and no declaration of a quantity or claim does."""


@dataclass(frozen=True, slots=True)
class CellNumber:
    """One number over the networks of an ensemble. Absent parts are None. A map may have a hundred thousand of them."""

    value: float | None
    error: float | None
    """Standard error of the mean over networks; of an epoch, of its natural logarithm."""
    unit: str
    count: int
    """Networks that it is a mean over."""
    networks: int
    """Networks in all."""
    of: str = ""
    """The layer that it is of, where that differs from ensemble to ensemble."""

    @classmethod
    def of_number(cls, number: Number) -> CellNumber:
        """From a number of the account."""
        value, error = (one if math.isfinite(one) else None for one in (number.value, number.error))
        return cls(value, error, number.unit, number.count, number.networks, number.name)

    @property
    def number(self) -> Number:
        """The number that the account would print, without a name."""
        from ibtui_engine.account.finding import Number

        value, error = (math.nan if one is None else one for one in (self.value, self.error))
        return Number("", value, error, self.unit, self.count, self.networks)


@dataclass(frozen=True)
class CellVerdict:
    """What a claim comes to on one ensemble."""

    verdict: str
    shares: Mapping[str, float]
    """Of which share of the bootstrap samples of the networks each verdict is."""

    @property
    def margin(self) -> float:
        """By how much the share of the most frequent verdict is above that of the next; 0 where nothing is judged."""
        first, second, *_ = *sorted(self.shares.values(), reverse=True), 0.0, 0.0
        return first - second


@dataclass(frozen=True)
class Cell:
    """What one ensemble came to."""

    ensemble: int
    """Its index in the session."""
    epoch: int
    """Of the last snapshot, which it is of."""
    networks: int
    numbers: Mapping[str, CellNumber]
    """By key (`lost`), and of a layer by key and its name (`lost:T3`)."""
    absent: Mapping[str, str]
    """By key, why there is no number."""
    verdicts: Mapping[str, CellVerdict]
    """Of the claims that can be judged on one ensemble and on this one, by their keys."""
    trouble: str = ""
    """Why its training was given up; then there is nothing else."""

    def to_text(self) -> str:
        """JSON; `from_text` reads it back."""
        plain = asdict(self)
        plain["numbers"] = {key: list(astuple(one)) for key, one in self.numbers.items()}
        plain["verdicts"] = {key: [one.verdict, dict(one.shares)] for key, one in self.verdicts.items()}
        return json.dumps(
            {name: plain[name] for name in ("numbers", "absent", "verdicts", "trouble")}, separators=(",", ":")
        )

    @classmethod
    def from_text(cls, ensemble: int, epoch: int, networks: int, text: str) -> Cell:
        """A cell from its row.

        Raises:
            ValueError: the text is not that of a cell.
        """
        try:
            plain = json.loads(text)
            numbers = {_word(key): _number(*values) for key, values in plain["numbers"].items()}
            verdicts = {_word(key): _verdict(*values) for key, values in plain["verdicts"].items()}
            absent = {_word(key): _word(why) for key, why in plain["absent"].items()}
            trouble = _word(plain["trouble"])
        except (TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ValueError(f"results of an ensemble: {error}") from error
        return cls(ensemble, epoch, networks, numbers, absent, verdicts, trouble)


def _word(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is no text")
    return value


def _is_finite(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= sys.float_info.max


def _number(value: Any, error: Any, unit: Any, count: Any, networks: Any, of: Any) -> CellNumber:
    right = (
        all(part is None or _is_finite(part) for part in (value, error))
        and [type(part) for part in (unit, count, networks, of)] == [str, int, int, str]
        and min(count, networks) >= 0
    )
    if not right:
        raise TypeError(f"{(value, error, unit, count, networks, of)!r:.80} is no number")
    return CellNumber(value, error, unit, count, networks, of)


def _verdict(verdict: object, shares: Any) -> CellVerdict:
    for share in shares.values():
        if not _is_finite(share):
            raise TypeError(f"{share!r:.40} is no share")
    return CellVerdict(_word(verdict), shares)


def judged() -> tuple[Claim, ...]:
    """The claims that can be judged on one ensemble by itself."""
    from ibtui_engine.account.claims import CLAIMS

    return tuple(claim for claim in CLAIMS if not claim.spans and claim.rule)


@cache
def definitions() -> str:
    """A digest of what cells are made of: it changes with the wording of a quantity, and with the thresholds of a
    claim, of which its rule is made.
    """
    from ibtui_engine.maps.quantities import QUANTITIES

    told = [str(VERSION), *(f"{one.key}: {one.about}" for one in QUANTITIES.values())]
    told += [f"{claim.key}: {claim.measured}: {claim.rule}" for claim in judged()]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


def work_out(one: Evidence) -> Cell:
    """What an ensemble came to at its last snapshot.

    Raises:
        InvalidValue: nothing has been measured of it.
        SessionError: its session can no longer be read.
    """
    from ibtui_engine.account.judging import lacks
    from ibtui_engine.maps.quantities import QUANTITIES

    of = one.of
    if not of.ensemble.snapshots:
        raise InvalidValue(f"nothing has been measured of {of.title}")
    numbers: dict[str, CellNumber] = {}
    absent: dict[str, str] = {}
    for key, quantity in QUANTITIES.items():
        try:
            found = quantity.find(one)
        except InvalidValue as error:
            absent[key] = str(error)
            continue
        for layer, number in found.items():
            numbers[f"{key}:{layer}" if layer else key] = CellNumber.of_number(number)
    verdicts = {}
    for claim in judged():
        if not lacks(claim, one):
            try:
                finding = claim.found([one])
            except InvalidValue as error:
                absent[f"{VERDICT}{claim.key}"] = str(error)
                continue
            verdicts[claim.key] = CellVerdict(finding.verdict, finding.resampled)
    return Cell(of.ensemble.index, of.epochs[-1], of.ensemble.networks, numbers, absent, verdicts)


def keep(writer: SessionWriter, ensemble: int, threads: int | None = None) -> None:
    """Work out what an ensemble of a session came to, and keep it there. Where that fails, a run goes on: the log says
    why, and `ibtui map` works it out again.

    Raises:
        StorageError: it cannot be stored.
    """
    from ibtui_engine.account.evidence import Evidence
    from ibtui_engine.errors import StorageError
    from ibtui_engine.session.history import SessionReader

    try:
        with SessionReader(writer.path) as reader:
            cell = work_out(Evidence(reader.recorded_ensemble(ensemble), threads, patient=False))
        store(writer, cell)
    except StorageError:
        raise
    except EngineError as error:
        _log.warning("ensemble %d of %s has no results: %s", ensemble, writer.path, error)


def keep_trouble(writer: SessionWriter, ensemble: int, why: str) -> None:
    """Say in a session that the training of an ensemble was given up, and why.

    Raises:
        StorageError: it cannot be stored.
    """
    from ibtui_engine.session.history import SessionReader

    with SessionReader(writer.path) as reader:
        one = reader.ensemble(ensemble)
    last = one.snapshots[-1] if one.snapshots else 0
    store(writer, Cell(ensemble, last, one.networks, {}, {}, {}, why))


def store(writer: SessionWriter, cell: Cell) -> None:
    """Write a cell into its session, in place of what it had."""
    writer.keep_result(cell.ensemble, definitions(), cell.epoch, cell.networks, cell.to_text())

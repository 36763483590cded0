"""What a session came to in a few numbers: where drift ends, how many bits layers lost, how many labels are right.

Those of one ensemble, `Summary.telling`. The standard library alone is imported until something is read, so that a list
of sessions can show results that were worked out before.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ibtui_engine.errors import InvalidValue, SessionError

if TYPE_CHECKING:
    from ibtui_engine.session.ensemble import RecordedEnsemble
    from ibtui_engine.statistics import Difference, EpochSpread, Spread


@dataclass(frozen=True)
class Results:
    """The results of one ensemble at its last snapshot. Absent numbers are None."""

    ensemble: int
    """Its index in the session."""
    epoch: int | None = None
    """The last epoch measured; None where nothing is measured, and then nothing else is known."""
    drift_end: float | None = None
    """Epoch at which the gradient SNR of the network as a whole falls below one, geometric mean over networks; None
    unless it does in at least half of them."""
    drift_networks: int = 0
    """Networks in which it does."""
    snr_measured: bool = False
    """Whether there is any SNR to judge by; there is none where an epoch is one batch."""
    lost: tuple[float | None, ...] = ()
    """Bits from the peak of I(X;T) to the last snapshot, mean over networks, of each hidden layer from the input on (of
    the output where there is none)."""
    accuracy: float | None = None
    """Share of the patterns outside the sample whose label is guessed right, mean over networks."""
    accuracy_inside: float | None = None
    """The same inside the sample."""

    @property
    def most_lost(self) -> tuple[int, float] | None:
        """The layer that lost most, from 1, and how many bits; None where nothing is known."""
        known = [(bits, -layer) for layer, bits in enumerate(self.lost, start=1) if bits is not None]
        if not known:
            return None
        bits, layer = max(known)
        return -layer, bits

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `from_dict` reads them back."""
        return asdict(self) | {"lost": list(self.lost)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Results:
        """Results from plain values.

        Raises:
            InvalidValue: a value is missing, unknown or of the wrong kind.
        """
        names = {field.name for field in fields(cls)}
        lost = plain.get("lost")
        whole = ("ensemble", "drift_networks")
        right = (
            set(plain) == names
            and isinstance(lost, list | tuple)
            and all(_is_number(bits) for bits in lost)
            and all(_is_number(plain[name]) for name in ("drift_end", "accuracy", "accuracy_inside"))
            and all(isinstance(plain[name], int) for name in whole)
            and (plain["epoch"] is None or isinstance(plain["epoch"], int))
            and isinstance(plain["snr_measured"], bool)
        )
        if not right:
            raise InvalidValue("these are not results of a session")
        return cls(**{**plain, "lost": tuple(lost or ())})


@dataclass(frozen=True)
class ResultSpreads:
    """The results of one ensemble at one of its snapshots, each over its networks."""

    epoch: int
    """Of the snapshot."""
    drift_end: EpochSpread
    """Where drift ends in the network as a whole, by all that is recorded, whatever the snapshot."""
    lost_by: tuple[str, ...]
    """The layers that `lost` is of, by name."""
    lost: tuple[Spread, ...]
    """Bits from the peak of I(X;T) up to the snapshot to the snapshot, of each hidden layer (of the output where there
    is none)."""
    accuracy: Spread
    """Outside the sample."""
    accuracy_inside: Spread
    i_y: Spread
    """I(T;Y) of the output, bits."""

    @property
    def most_lost(self) -> tuple[str, Spread] | None:
        """The layer that lost most in the mean, and what it lost; None where nothing is known."""
        known = [(one.mean, -layer) for layer, one in enumerate(self.lost) if one.present]
        if not known:
            return None
        layer = -max(known)[1]
        return self.lost_by[layer], self.lost[layer]

    @property
    def numbers(self) -> dict[str, Spread | None]:
        """What ensembles are compared by: bits lost by the layer that lost most, accuracy outside, I(T;Y)."""
        lost = self.most_lost
        return {"bits_lost": None if lost is None else lost[1], "accuracy": self.accuracy, "i_y": self.i_y}

    def differences(self, other: ResultSpreads) -> dict[str, Difference | None]:
        """Each of the `numbers` less that of another ensemble; None where one of both has none."""
        from ibtui_engine.statistics import difference

        before = other.numbers
        return {
            name: None if value is None or (base := before[name]) is None else difference(value, base)
            for name, value in self.numbers.items()
        }


def result_spreads(one: RecordedEnsemble, epoch: float | None = None) -> ResultSpreads | None:
    """The results of an ensemble at its last snapshot that is not after an epoch; None where there is none."""
    import numpy as np

    from ibtui_engine.phases.turning import turning
    from ibtui_engine.statistics import spread

    row = one.row(math.inf if epoch is None else epoch)
    if row is None:
        return None
    layers, until = slice(0, max(one.hidden_layers, 1)), slice(0, row + 1)
    i_x, i_y = one.values("i_x")[until, :, layers], one.values("i_y")[until, :, layers]
    bits = turning(one.layers.epochs[until], i_x, i_y).compression
    at = int(one.layers.epochs[row])
    nothing = spread(np.empty(0))
    learned = one.learning_figures(at)
    return ResultSpreads(
        epoch=at,
        drift_end=one.transition.network,
        lost_by=one.layer_names[layers],
        lost=tuple(spread(bits[:, layer]) for layer in range(bits.shape[1])),
        accuracy=learned.get("test_accuracy", nothing),
        accuracy_inside=learned.get("train_accuracy", nothing),
        i_y=spread(one.values("i_y")[row, :, -1]),
    )


def results(one: RecordedEnsemble) -> Results:
    """The results of an ensemble from what is recorded of it."""
    index, found = one.ensemble.index, result_spreads(one)
    if found is None:
        return Results(index)
    network = found.drift_end
    return Results(
        ensemble=index,
        epoch=found.epoch,
        drift_end=_plain(network.epoch) if network.common else None,
        drift_networks=network.count,
        snr_measured=one.transition.measured,
        lost=tuple(_plain(bits.mean) for bits in found.lost),
        accuracy=_plain(found.accuracy.mean),
        accuracy_inside=_plain(found.accuracy_inside.mean),
    )


def read_results(path: Path | str) -> Results:
    """The results of a session file: those of its telling ensemble.

    Raises:
        SessionError: the session cannot be read, or has no networks.
    """
    from ibtui_engine.session.history import SessionReader

    with SessionReader(path) as reader, reader.moment():
        telling = reader.summary.telling
        if telling is None:
            raise SessionError(f"session {str(path)!r} has no networks")
        return results(reader.recorded_ensemble(telling.index)) if telling.snapshots else Results(telling.index)


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value))

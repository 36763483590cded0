"""The bottleneck as an objective (section 4, question 4): stochastic networks that are trained on cross-entropy alone,
on the bottleneck's gradient, and on the self-consistent equations, in one plane with the IB curve.

At equal numbers of multiplications, as an epoch of one costs many times one of another, and at the last epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ibtui.figures.content import TWO_COLUMNS, Compared, Content, Line, Lines
from ibtui.figures.figure_6 import CURVE_ERROR
from ibtui.figures.reading import ensembles, mean_line, mean_places, of_layers, plane
from ibtui.figures.registry import Source
from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import differing
from ibtui_engine.layer_names import called
from ibtui_engine.multiplications import epochs_of_equal_work
from ibtui_engine.session.history import SessionReader
from ibtui_engine.settings import NO_BOTTLENECK

if TYPE_CHECKING:
    from jaxtyping import Float64

    from ibtui_engine.bottleneck.curve import Curve
    from ibtui_engine.session.ensemble import RecordedEnsemble

OBJECTIVE = {"ib_beta", "ib_method"}
"""Settings that say what is minimised."""
MOST = 2
"""Sessions: of the gradient, and of the self-consistent equations."""
POINTS = 20
"""Epochs shown of those that are measured, at most."""
NOTE = "Mean over networks and 95 % interval."


def read(sources: Sequence[Source], threads: int | None) -> Content:
    """Two planes, two distances by layer, and two courses over multiplications."""
    from ibtui_engine.bottleneck.choice import rule_curve

    if len(sources) > MOST:
        raise InvalidValue(f"session is given {len(sources)} times: figure ib-guided has room for two")
    found = _compared(sources)
    first = next(iter(found.values()))
    with SessionReader(*sources[0]) as reader, reader.moment():
        curve = rule_curve(reader.rule(first.ensemble.rule.number), error=CURVE_ERROR)
    work = [one.multiplications for one in found.values()]
    equal = epochs_of_equal_work([one.epochs[-1] for one in found.values()], work)
    least = min(one.epochs[-1] * each for one, each in zip(found.values(), work, strict=True))
    last = [one.epochs[-1] for one in found.values()]
    at_work = f"after {_power(least)} multiplications"
    at_end = f"epoch {last[0]}" if len(set(last)) == 1 else "the last epochs"
    names = called(first.ensemble.own_names, len(first.widths))
    return Content(
        (
            (_plane(found, equal, curve, at_work), _plane(found, last, curve, at_end)),
            (_distances(found, equal, curve, at_work, names), _distances(found, last, curve, at_end, names)),
            _courses(found, work, curve),
        ),
        TWO_COLUMNS,
        (2.7, 2.2, 2.2),
    )


def _compared(sources: Sequence[Source]) -> dict[str, RecordedEnsemble]:
    """By their objective, the ensembles that differ in nothing else from the first; none twice.

    Raises:
        InvalidValue: there is one objective alone, or units are not stochastic.
    """
    found: dict[str, RecordedEnsemble] = {}
    said = " and ".join(repr(source.path.stem) for source in sources)
    for source in sources:
        for one in ensembles(source):
            if not one.ensemble.settings.stochastic:
                raise InvalidValue(
                    f"session {source.path.stem!r} has units that are not stochastic: figure ib-guided compares "
                    "objectives of units that are"
                )
            first = next(iter(found.values()), one)
            if _alike(one, first):
                found.setdefault(_objective(one), one)
    if len(found) < 2:
        raise InvalidValue(
            f"session {said} has {next(iter(found))} only: figure ib-guided compares objectives of networks that are "
            "else the same"
        )
    return dict(sorted(found.items(), key=lambda item: _place(item[1])))


def _alike(one: RecordedEnsemble, other: RecordedEnsemble) -> bool:
    """Whether ensembles learn the same and differ in their objective at most."""
    same_rule = (one.h_x, one.i_xy) == (other.h_x, other.i_xy)
    return same_rule and set(differing(one.ensemble.settings, other.ensemble.settings)) <= OBJECTIVE


def _objective(one: RecordedEnsemble) -> str:
    of = one.ensemble.settings
    if of.ib_beta == NO_BOTTLENECK:
        return "cross-entropy"
    return f"{'bottleneck' if of.ib_method == 'gradient' else of.ib_method}, beta {of.ib_beta:g}"


def _place(one: RecordedEnsemble) -> tuple[bool, bool, float]:
    """Cross-entropy first, self-consistent equations last, each from the gentlest beta on."""
    of = one.ensemble.settings
    return of.ib_beta != NO_BOTTLENECK, of.ib_method != "gradient", -(of.bottleneck or 0.0)


def _power(number: float) -> str:
    """A number in two digits, with a power of ten."""
    digits, power = f"{number:.1e}".split("e")
    return f"{digits}e{int(power)}"


def _rows(found: dict[str, RecordedEnsemble], epochs: Sequence[int]) -> list[int]:
    """Where each has its last snapshot that is not after its epoch."""
    return [one.epochs.index(one.at(epoch)) for one, epoch in zip(found.values(), epochs, strict=True)]


def _plane(found: dict[str, RecordedEnsemble], epochs: Sequence[int], curve: Curve, title: str) -> Compared:
    rows = _rows(found, epochs)
    first = next(iter(found.values()))
    return Compared(
        plane(first, f"{first.ensemble.hidden}, {title}"),
        tuple(found),
        tuple(one.epochs[row] for one, row in zip(found.values(), rows, strict=True)),
        *mean_places(list(found.values()), rows),
        curve,
    )


def _below(one: RecordedEnsemble, curve: Curve) -> Float64[np.ndarray, "epochs networks layers"]:
    """Bits of I(T;Y) below the IB curve."""
    return curve.below(one.values("i_x"), one.values("i_y"))[0]


def _distances(
    found: dict[str, RecordedEnsemble], epochs: Sequence[int], curve: Curve, title: str, names: tuple[str, ...]
) -> Lines:
    lines = [
        mean_line(name, np.arange(1.0, len(names) + 1), _below(one, curve)[row].T)
        for (name, one), row in zip(found.items(), _rows(found, epochs), strict=True)
    ]
    said = f"Below the IB curve, {title}"
    return of_layers(said, "I(T;Y) below the curve  (bits)", "below_bits", lines, names, note=NOTE)


def _courses(found: dict[str, RecordedEnsemble], work: Sequence[int], curve: Curve) -> tuple[Lines, Lines]:
    """What the hidden layers miss and what the output knows, against multiplications."""
    hidden, output = [], []
    for (name, one), each in zip(found.items(), work, strict=True):
        measured = np.flatnonzero(np.array(one.epochs) > 0)  # a log axis has no place for epoch 0
        rows = measured[np.unique(np.linspace(0, len(measured) - 1, POINTS).round().astype(int))]
        made = np.array(one.epochs, np.float64)[rows] * each
        hidden.append(mean_line(name, made, _below(one, curve)[rows][:, :, :-1].mean(axis=2)))
        output.append(mean_line(name, made, one.values("i_y")[rows][:, :, -1]))
    return (
        _against_work("Hidden layers below the IB curve, in the mean", "I(T;Y) below the curve", "below_bits", hidden),
        _against_work("What the output knows", "I(T;Y) of the output", "i_y_bits", output),
    )


def _against_work(title: str, label: str, column: str, lines: Sequence[Line]) -> Lines:
    return Lines(
        title,
        "multiplications of a network",
        f"{label}  (bits)",
        tuple(lines),
        x_log=True,
        columns=("multiplications", column),
        note=NOTE,
    )

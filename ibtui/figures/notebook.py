"""One panel of a session in axes of somebody's own: `ibtui.plot`."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt  # the user's matplotlib, with the backend of the notebook: before `plain`
from matplotlib.lines import Line2D

from ibtui.figures.figure_6 import CURVE_ERROR
from ibtui.figures.lettering import Letters, plain_text
from ibtui.figures.paper import EDGE, FLOOR, marker, steps
from ibtui.figures.plots import draw
from ibtui.figures.reading import gradients as read_gradients
from ibtui.figures.reading import plane as read_plane
from ibtui.figures.reading import signal_to_noise, trajectories
from ibtui.locations import open_session
from ibtui_engine.errors import InvalidValue
from ibtui_engine.session.history import SessionReader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes

    from ibtui.figures.content import Panel
    from ibtui_engine.session.ensemble import RecordedEnsemble

Session = SessionReader | Path | str
"""An open session, its file, or its name."""


def plane(session: Session, ensemble: int | None = None, *, ax: Axes | None = None) -> Axes:
    """The information plane: the mean path of each layer over the networks, coloured by epoch, in bits.

    Args:
        session: an open session, its file, or its name.
        ensemble: which, from 0; by default the one that is shown first.
        ax: to draw into; by default new axes.

    Raises:
        InvalidValue: there is no such ensemble, or nothing is measured of it.
        SessionError: the session cannot be read.
    """
    with _recorded(session, ensemble) as one:
        return _drawn(trajectories(one, _title(one)), ax)


def gradients(session: Session, ensemble: int | None = None, *, ax: Axes | None = None) -> Axes:
    """Norm of the mean (lines) and spread (dashes) of each layer's batch gradients over epochs, both over the norm of
    its weights. Arguments and errors as of `plane`; there must be gradients, too.
    """
    with _recorded(session, ensemble) as one:
        panel = read_gradients(one, _title(one))
        axes = _drawn(panel, ax)
    strokes = [
        Line2D([], [], color="0.2"),
        Line2D([], [], color="0.2", linestyle=(0, (4, 1.5))),
        Line2D([], [], **FLOOR),
    ]
    return _keyed(axes, one, strokes, ("mean", "standard deviation", "independent noise"))


def snr(session: Session, ensemble: int | None = None, *, ax: Axes | None = None) -> Axes:
    """Gradient SNR of each layer over epochs, geometric mean over networks. Arguments and errors as of `gradients`."""
    with _recorded(session, ensemble) as one:
        axes = _drawn(signal_to_noise(one, _title(one)), ax)
    return _keyed(axes, one)


def bound(session: Session, ensemble: int | None = None, *, ax: Axes | None = None) -> Axes:
    """The layers at the last epoch with their standard errors, the IB curve, and where the session keeps weights beta*
    of each layer. Arguments and errors as of `plane`.
    """
    from ibtui.figures.content import Bound
    from ibtui_engine.fit import fit_session

    with _recorded(session, ensemble) as one:
        _, curves, fits = fit_session(
            one.summary.path,
            error=CURVE_ERROR,
            threads=None,
            require_beta=False,
            ensembles=(one.ensemble.index,),
            by=one.summary.by_name,
        )
        fitted = fits[0][1]
        title = f"{_title(one)}, epoch {fitted.epoch}"
        return _drawn(Bound(read_plane(one, title), curves[one.ensemble.rule.number], fitted), ax)


@contextmanager
def _recorded(session: Session, index: int | None) -> Iterator[RecordedEnsemble]:
    if not isinstance(session, SessionReader):
        with open_session(session) as reader, _recorded(reader, index) as one:
            yield one
        return
    with session.moment():
        telling = session.summary.telling
        chosen = index if index is not None or telling is None else telling.index
        one = session.recorded_ensemble(chosen or 0)
    if not one.epochs:
        raise InvalidValue(f"session {session.path.stem!r}: no epoch has been measured yet")
    yield one


def _title(one: RecordedEnsemble) -> str:
    return plain_text(f"{one.summary.name}: {one.title}")


def _drawn(panel: Panel, ax: Axes | None) -> Axes:
    axes = plt.subplots()[1] if ax is None else ax
    letters = Letters(axes)
    draw(panel, axes, letters)
    letters.place()
    return axes


def _keyed(axes: Axes, one: RecordedEnsemble, strokes: Sequence[Line2D] = (), told: Sequence[str] = ()) -> Axes:
    """With a title, above the words for the phases, and a legend of the layers by name."""
    axes.set_title(_title(one), pad=16)
    colours = steps(len(one.layer_names))
    layers = [Line2D([], [], color=colour, marker=marker(k), markersize=4, **EDGE) for k, colour in enumerate(colours)]
    shown = [plain_text(name).replace("\n", " ") for name in one.layer_names]
    axes.legend([*layers, *strokes], [*shown, *told], loc="upper left", bbox_to_anchor=(1.01, 1), fontsize="small")
    return axes

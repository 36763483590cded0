"""The moving information plane: one frame for each snapshot, every network's layers as points, and the way of their
means behind them (the film that goes with Shwartz-Ziv and Tishby 2017, Fig. 2).
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import ibtui.figures.plain  # noqa: F401  (before matplotlib)

# isort: split
import matplotlib as mpl
import numpy as np
from matplotlib.animation import AbstractMovieWriter, PillowWriter
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ibtui.figures.content import Plane
from ibtui.figures.ffmpeg import ffmpeg
from ibtui.figures.lettering import Letters
from ibtui.figures.paper import EDGE, STYLE, fix_layout, marker, new_figure, steps
from ibtui.figures.plain import style
from ibtui.figures.plots import frame_plane
from ibtui.figures.reading import ensembles, percent, plane
from ibtui.figures.registry import Source
from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import differing, named

if TYPE_CHECKING:
    from jaxtyping import Float, Int64

MOST = 12
"""Planes side by side."""
ACROSS = 3
DPI = 120
"""Dots an inch; GIF and MP4 have no vectors. Widths and heights are even, as MP4 wants them."""

DARK: Any = {
    "figure.facecolor": "#1e1e1e",
    "axes.facecolor": "#1e1e1e",
    "savefig.facecolor": "#1e1e1e",
    "text.color": "#e0e0e0",
    "axes.edgecolor": "#a0a0a0",
    "axes.labelcolor": "#e0e0e0",
    "xtick.color": "#c0c0c0",
    "ytick.color": "#c0c0c0",
}


@dataclass(frozen=True, eq=False)
class Scene:
    """One ensemble's way through the plane."""

    plane: Plane
    epochs: Int64[np.ndarray, " epochs"]
    i_x: Float[np.ndarray, "epochs networks layers"]
    i_y: Float[np.ndarray, "epochs networks layers"]
    mean_x: Float[np.ndarray, "epochs layers"]
    mean_y: Float[np.ndarray, "epochs layers"]


def scenes(path: Path, index: int | None = None, by: str | None = None) -> list[Scene]:
    """All ensembles of a session, or one; `by`: an estimator of a recording that has several.

    Raises:
        InvalidValue: there is none of that number, or there are more than fit side by side.
        SessionError: the session cannot be read.
    """
    found = ensembles(Source(path, by))
    if index is not None:
        numbers = [one.ensemble.index for one in found]
        if index not in numbers:
            raise InvalidValue(f"ensemble is {index}: this session has {numbers[0]} to {numbers[-1]}")
        found = [one for one in found if one.ensemble.index == index]
    if len(found) > MOST:
        raise InvalidValue(f"{len(found)} ensembles are too many side by side: choose one with --ensemble")
    others = sorted({name for one in found for name in differing(one.ensemble.settings, found[0].ensemble.settings)})
    others = [name for name in others if name not in ("hidden", "fraction")]
    depths, shares = {one.ensemble.hidden for one in found}, {one.ensemble.fraction for one in found}

    def title(one: Any) -> str:
        parts = [one.ensemble.hidden] if len(depths) > 1 or len(shares) == 1 else []
        parts += [percent(one.ensemble.fraction)] if len(shares) > 1 or not parts else []
        return ", ".join([*parts, *(named(name, getattr(one.ensemble.settings, name)) for name in others)])

    return [
        Scene(
            plane(one, title(one)),
            one.layers.epochs,
            one.middle("i_x"),
            one.middle("i_y"),
            one.middle_mean("i_x"),
            one.middle_mean("i_y"),
        )
        for one in found
    ]


def film(
    shown: Sequence[Scene],
    suffix: str,
    *,
    fps: float,
    theme: Literal["light", "dark"] = "light",
    watch: Callable[[int, int], None] = lambda done, total: None,
) -> bytes:
    """A film as a file, `gif` or `mp4`; `watch` is called with the number of frames done and their total.

    An ensemble that was measured at fewer epochs than others stands still between them.

    Raises:
        InvalidValue: there is no ffmpeg to make an MP4 with.
        StorageError: ffmpeg fails.
    """
    epochs = sorted({epoch for scene in shown for epoch in scene.epochs.tolist()})
    with style(STYLE | (DARK if theme == "dark" else {})), tempfile.TemporaryDirectory() as made:
        path = Path(made) / f"film.{suffix}"
        stage = _Stage(shown, theme)
        with _pillow(fps) if suffix == "gif" else ffmpeg(fps) as writer:
            writer.setup(stage.figure, str(path), DPI)
            for done, epoch in enumerate(epochs):
                watch(done, len(epochs))
                stage.show(epoch)
                writer.grab_frame()
        watch(len(epochs), len(epochs))
        return path.read_bytes()


@contextmanager
def _pillow(fps: float) -> Iterator[AbstractMovieWriter]:
    writer = PillowWriter(fps=fps)  # type: ignore[arg-type]
    yield writer
    writer.finish()


class _Stage:
    """The figure of a film. What stands still is drawn once and is its background: a frame costs what moves."""

    def __init__(self, shown: Sequence[Scene], theme: str) -> None:
        across = min(len(shown), ACROSS) if len(shown) != 4 else 2
        down = math.ceil(len(shown) / across)
        width = {1: 4.5, 2: 7.0}.get(across, 9.0)
        size = _even(width), _even(0.8 + down * (width / across * 0.75 + 0.2))
        most = max(scene.i_x.shape[2] for scene in shown)
        colours = _light_steps(most) if theme == "dark" else steps(most)
        still = new_figure(*size)
        still.set_dpi(DPI)
        places = _scenery(still, shown, across, down, colours)

        self.figure = Figure(figsize=size, dpi=DPI)
        FigureCanvasAgg(self.figure)
        still.canvas.draw()
        self.figure.figimage(np.asarray(still.canvas.buffer_rgba()).copy(), zorder=-1)  # type: ignore[attr-defined]
        self._title = self.figure.text(0.5, 1 - 0.06 / size[1], "", size=10, ha="center", va="top")
        self._moving: list[tuple[Scene, int, Line2D, Line2D]] = []
        for scene, axes in zip(shown, places, strict=True):
            stage = self.figure.add_axes(axes.get_position().bounds, xlim=axes.get_xlim(), ylim=axes.get_ylim())
            stage.axis("off")
            for layer in range(scene.i_x.shape[2]):
                (trail,) = stage.plot([], [], color=colours[layer], linewidth=1.2, alpha=0.6, clip_on=False, zorder=2)
                (dots,) = stage.plot([], [], linestyle="none", marker=marker(layer), color=colours[layer],
                                     markersize=4.0, clip_on=False, zorder=3 + layer, **EDGE)  # fmt: skip
                self._moving.append((scene, layer, trail, dots))

    def show(self, epoch: int) -> None:
        """Move all to an epoch, or to the last one before it that was measured."""
        for scene, layer, trail, dots in self._moving:
            row = max(int(np.searchsorted(scene.epochs, epoch, side="right")) - 1, 0)
            trail.set_data(scene.mean_x[: row + 1, layer], scene.mean_y[: row + 1, layer])
            dots.set_data(scene.i_x[row, :, layer], scene.i_y[row, :, layer])
        self._title.set_text(f"epoch {epoch}")


def _scenery(figure: Figure, shown: Sequence[Scene], across: int, down: int, colours: Sequence[Any]) -> list[Axes]:
    """Everything that stands still; the axes of the scenes, where the layout has put them."""
    grid = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    for unused in grid.flat[len(shown) :]:
        unused.axis("off")
    places = list(grid.flat[: len(shown)])
    for k, (scene, axes) in enumerate(zip(shown, places, strict=True)):
        frame_plane(scene.plane, axes, Letters(axes))
        axes.tick_params(labelbottom=k + across >= len(shown))
        if k % across:
            axes.set_ylabel("")
        if k + across < len(shown):
            axes.set_xlabel("")
    handles: list[Artist] = [
        Line2D([], [], linestyle="none", marker=marker(k), color=colour, **EDGE) for k, colour in enumerate(colours)
    ]
    names = [f"$T_{{{k + 1}}}$" for k in range(len(colours))]
    figure.legend(handles, names, loc="outside lower center", ncol=len(names))
    figure.suptitle(" ", size=10)
    fix_layout(figure)
    return places


def _light_steps(count: int) -> list[Any]:
    """The colours of layers for a dark ground: without those that vanish on it."""
    return list(mpl.colormaps["plasma"](np.linspace(0.35, 1.0, max(count, 2))))[:count]


def _even(inches: float) -> float:
    """A length that is an even number of dots."""
    return round(inches * DPI / 2) * 2 / DPI

"""Pictures for a page: type, lines and colours, the layout of a figure's panels, and files that are the same each time.

Layers are told apart by lightness and by markers, epochs by lightness, so that a picture says the same in grey. Type is
of 7 to 8 points at the size that the picture has (3.4 or 7 inches wide), embedded as TrueType.
"""

from __future__ import annotations

import io
from typing import Any

import ibtui.figures.plain  # noqa: F401  (before matplotlib)

# isort: split
import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap, FuncNorm, LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

STYLE: Any = {
    "font.family": "STIXGeneral",
    "mathtext.fontset": "stix",
    "font.size": 8.0,
    "axes.titlesize": 8.0,
    "axes.labelsize": 8.0,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "legend.fontsize": 7.0,
    "axes.linewidth": 0.6,
    "axes.titlepad": 4.0,
    "axes.labelpad": 2.0,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "lines.linewidth": 1.0,
    "lines.markersize": 3.5,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "legend.columnspacing": 1.2,
    "legend.handletextpad": 0.4,
    "legend.borderaxespad": 0.3,
    "savefig.dpi": 300,
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "svg.hashsalt": "ibtui",
    "path.simplify": True,
}
SMALL = 7.0
"""Points, of labels inside plots."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
"""Of layers, in their order."""
EDGE: dict[str, Any] = {"markeredgecolor": "black", "markeredgewidth": 0.3}
DRIFT_END: dict[str, Any] = {
    "marker": "D",
    "markersize": 3.2,
    "color": "white",
    "markeredgecolor": "black",
    "markeredgewidth": 0.7,
}
AT_TRANSITION: dict[str, Any] = {"color": "0.25", "linewidth": 0.8, "linestyle": (0, (3, 1.5))}
"""Through all layers where drift of the network ends."""
GUIDE: dict[str, Any] = {"color": "0.5", "linewidth": 0.6, "zorder": 0.5}
FLOOR: dict[str, Any] = {"color": "0.3", "linewidth": 1.0, "linestyle": (0, (1, 1.4))}
NO_DATE: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": "ibtui"},
    "pdf": {"CreationDate": None, "Creator": "ibtui", "Producer": None},
}
"""Metadata without time or version: the same numbers make the same file."""
FORMATS = tuple(NO_DATE)


def epoch_colours() -> Colormap:
    """From dark (early) to light (late): viridis without the end that vanishes on paper."""
    return LinearSegmentedColormap.from_list("epochs", mpl.colormaps["viridis"](np.linspace(0.0, 0.93, 256)))


def epoch_scale(last: float) -> Normalize:
    """Epochs on the axis of log(1 + epoch), on which epoch 0 has a place."""
    return FuncNorm((np.log1p, np.expm1), vmin=0.0, vmax=max(last, 1.0))


def steps(count: int) -> list[Any]:
    """Colours of `count` things in an order, such as layers: plasma, evenly from dark to light."""
    return list(mpl.colormaps["plasma"](np.linspace(0.0, 0.86, max(count, 2))))[:count]


def marker(index: int) -> str:
    """The marker of a layer, counted from 0."""
    return MARKERS[index % len(MARKERS)]


def epoch_ticks(last: float) -> list[float]:
    """Epoch 0 and the powers of ten up to the last."""
    return [0.0, *(10.0**k for k in range(9) if 10**k <= last)]


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches, inside the style."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    figure.set_layout_engine(ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.03, wspace=0.04, hspace=0.03))
    return figure


def fix_layout(figure: Figure) -> None:
    """Find where all panels go, once; drawing leaves them there."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    figure.set_layout_engine("none")


def file_of(figure: Figure, suffix: str) -> bytes:
    """The figure as the file of that suffix, `png`, `svg` or `pdf`."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format=suffix, metadata=NO_DATE[suffix])
    return buffer.getvalue()

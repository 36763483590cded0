"""`ibtui.plot`: what a session's plots hold, in axes of somebody's own."""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

import ibtui
from ibtui_engine.errors import InvalidValue, SessionError
from tests.recordings import make_recording

mpl.use("agg")
EXAMPLE = "example-figure-4"


@pytest.fixture
def ax():
    import matplotlib.pyplot as plt

    axes = plt.subplots()[1]
    yield axes
    plt.close("all")


def lines_of(axes) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)) for line in axes.get_lines()]


def holds(axes, x: np.ndarray, y: np.ndarray) -> bool:
    return any(
        one_x.shape == x.shape and np.array_equal(one_x, x) and np.array_equal(one_y, y, equal_nan=True)
        for one_x, one_y in lines_of(axes)
    )


def test_the_plane_ends_where_the_layers_are(ax) -> None:
    with ibtui.open_session(EXAMPLE) as reader:
        assert ibtui.plot.plane(reader, ax=ax) is ax
        one = reader.recorded_ensemble(reader.summary.telling.index)
    for layer in range(len(one.layer_names)):
        assert holds(ax, one.mean("i_x")[-1:, layer], one.mean("i_y")[-1:, layer])
    assert len(ax.collections) == len(one.layer_names)
    assert ax.get_title() == f"{one.summary.name}: {one.title}"


def test_gradients_and_snr_are_those_of_the_session(ax) -> None:
    with ibtui.open_session(EXAMPLE) as reader:
        one = reader.recorded_ensemble(reader.summary.telling.index)
    epochs = np.array(one.epochs[1:], float)
    ibtui.plot.gradients(EXAMPLE, ax=ax)
    for layer in range(len(one.layer_names)):
        for name in ("grad_mean", "grad_std"):
            assert holds(ax, epochs, one.mean(name)[1:, layer])
    other = ibtui.plot.snr(EXAMPLE, one.ensemble.index)
    assert other is not ax
    for layer in range(len(one.layer_names)):
        assert holds(other, epochs, one.mean("snr")[1:, layer])
    assert [text.get_text() for text in other.get_legend().get_texts()] == list(one.layer_names)


@pytest.mark.long
def test_recordings_have_all_four(tmp_path: Path, ax) -> None:
    path = make_recording(tmp_path / "own.ibs")
    for draw in (ibtui.plot.plane, ibtui.plot.gradients, ibtui.plot.snr, ibtui.plot.bound):
        axes = draw(path)
        axes.figure.canvas.draw()
        assert axes.get_title().startswith("own: blobs")
    with ibtui.open_session(path) as reader:
        one = reader.recorded_ensemble(0)
    assert one.layer_names[1] == "fc"
    x, y = one.mean("i_x")[-1, 1], one.mean("i_y")[-1, 1]
    assert any(np.allclose([*one_x, *one_y], [x, y]) for one_x, one_y in lines_of(axes) if len(one_x) == 1)


def test_what_cannot_be_drawn_is_an_error_of_the_engine(tmp_path: Path) -> None:
    with pytest.raises(SessionError):
        ibtui.plot.plane("nosuch")
    path = make_recording(tmp_path / "own.ibs")
    with pytest.raises(InvalidValue, match="ensemble is 7: this session has 0 to 1"):
        ibtui.plot.plane(path, 7)
    with pytest.raises(InvalidValue, match="gradients"):
        ibtui.plot.snr(path, 1)
    ibtui.begin(tmp_path / "empty.ibs", "empty", ibtui.Experiment(networks=1, epochs=1)).close()
    with pytest.raises(InvalidValue, match="no epoch has been measured yet"):
        ibtui.plot.plane(tmp_path / "empty.ibs")


def test_without_matplotlib_one_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "ibtui.plot", raising=False)
    monkeypatch.delattr(ibtui, "plot", raising=False)
    with pytest.raises(InvalidValue, match=r"^plots need matplotlib, which is not installed; install with: "):
        _ = ibtui.plot

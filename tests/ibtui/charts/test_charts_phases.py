"""The SNR chart with the transitions: each where it is, none where there is none."""

from __future__ import annotations

import math

import numpy as np

from ibtui.charts.chart import render
from ibtui.charts.palette import Category
from ibtui.charts.phases import transition_chart
from ibtui_engine.statistics import EpochSpread, epoch_spread

EPOCHS = np.array([0.0, 1, 3, 10, 30, 100, 300, 1000])
SNR = np.stack([3.0 * 0.4 ** np.arange(8), np.full(8, 5.0), 2.0 * 0.6 ** np.arange(8)], axis=1)
LAYERS = (epoch_spread(np.array([3.0, 5.0, 4.0])), epoch_spread(np.array([np.nan] * 3)), epoch_spread(np.array([40.0])))
NOTHING = EpochSpread(math.nan, math.nan, math.nan, math.nan, 0, 3)


def test_each_transition_is_its_layers_number_at_snr_one_with_its_interval() -> None:
    spec = transition_chart(EPOCHS, SNR, LAYERS, LAYERS[0], shown=(0, 1, 2), last_epoch=1000, batches=7)
    assert [(mark.x, mark.y, mark.text, mark.colour) for mark in spec.marks] == [
        (LAYERS[0].epoch, 1.0, "1", Category(0)),
        (LAYERS[2].epoch, 1.0, "output", Category(2)),
    ]
    (stretch,) = [series for series in spec.series if len(series.x) == 2]
    assert stretch.x.tolist() == [LAYERS[0].low, LAYERS[0].high]
    assert stretch.colour == Category(0)
    assert [guide.value for guide in spec.guides if guide.axis == "x"] == [LAYERS[0].epoch]


def test_hidden_layers_have_no_mark_and_no_transition_is_told() -> None:
    spec = transition_chart(EPOCHS, SNR, LAYERS, NOTHING, shown=(1,), last_epoch=1000, batches=7)
    assert spec.marks == ()
    assert [guide.value for guide in spec.guides if guide.axis == "x"] == []
    assert "No layer's drift ends" in spec.caption


def test_an_interval_that_leaves_the_chart_is_cut_and_it_is_drawn_whatever_the_size() -> None:
    wide = epoch_spread(np.array([1.0, 900.0]))
    spec = transition_chart(EPOCHS, SNR, (wide,) * 3, wide, shown=(0,), last_epoch=1000, batches=1)
    assert spec.series[-1].x.tolist() == [1.0, 1000.0]
    assert "One batch" in spec.caption
    for width, height in ((20, 5), (60, 16), (110, 22)):
        text = render(spec, width, height, theme="dark", colour=False, ascii=True).text()
        assert text.isascii()
        assert len(text.splitlines()) == height

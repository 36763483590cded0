"""One cross-hair over several charts: where one reads a value, the others read it too."""

from __future__ import annotations

from collections.abc import Iterable

from ibtui.widgets.chart_view import ChartView


def link(view: ChartView, values: tuple[float, float] | None, others: Iterable[ChartView]) -> None:
    """Move the cross-hairs of charts that have the same x axis as `view` to its value, or take them away.

    Where the y axes are the same as well, as in two information planes, both values are shared.
    """
    for other in others:
        if other is view or not other.display or other.spec is None or view.spec is None:
            continue
        if other.spec.x.label != view.spec.x.label:
            continue
        both = other.spec.y.label == view.spec.y.label
        with other.prevent(ChartView.Moved):
            if view.epoch is not None and other.spec.readings is not None:
                other.read_epoch(view.epoch)
                continue
            other.cursor = None if values is None else _cell(other, values, both=both)


def _cell(view: ChartView, values: tuple[float, float], *, both: bool) -> tuple[int, int] | None:
    """The cell at which a chart reads values; None where they are not on it."""
    image = view.image
    if image is None or image.area is None:
        return None
    area = image.area
    across, up = float(area.x.to_unit(values[0])[0]), float(area.y.to_unit(values[1])[0])
    if not 0 <= across <= 1 or (both and not 0 <= up <= 1):
        return None
    row = area.row(up) + area.top if both else view.cursor[1] if view.cursor else area.top + area.height // 2
    return area.left + area.column(across), row

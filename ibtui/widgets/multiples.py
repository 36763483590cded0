"""Charts of one kind side by side, one for each of several ensembles, on axes that can be compared."""

from __future__ import annotations

from collections.abc import Mapping

from textual.containers import Grid

from ibtui.charts.spec import ChartSpec, with_common_axes
from ibtui.widgets.chart_view import ChartView


class Multiples(Grid):
    """Up to as many charts as were asked for with `lay_out`, filled with `show`."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._given: tuple[ChartSpec, ...] = ()
        self._shown: tuple[ChartSpec, ...] = ()

    async def lay_out(self, count: int) -> None:
        """Make room for that many charts, in rows of up to three."""
        await self.remove_children()
        self.styles.grid_size_columns = 1 if count < 2 else 2 if count in (2, 4) else 3
        await self.mount(*[ChartView(id=f"{self.id}-{number}") for number in range(count)])

    def chart(self, number: int) -> ChartView | None:
        """The chart of that number, if there is one yet."""
        found = self.query(f"#{self.id}-{number}").results(ChartView)
        return next(iter(found), None)

    def show(self, charts: Mapping[int, tuple[str, ChartSpec]], moment: float | None) -> None:
        """Show titles and charts, by their numbers, on common axes. `moment`: where the playhead is on x axes."""
        given = tuple(spec for _, spec in charts.values())
        if len(given) != len(self._given) or any(a is not b for a, b in zip(given, self._given, strict=True)):
            self._given, self._shown = given, with_common_axes(given)
        for (number, (title, _)), spec in zip(charts.items(), self._shown, strict=True):
            view = self.chart(number)
            if view is not None:
                view.show(spec, moment)
                view.name_it(title)

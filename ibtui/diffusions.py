"""What the weights of a session say about diffusion, read in a thread: it takes seconds for a large session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from ibtui_engine.errors import EngineError

if TYPE_CHECKING:
    from ibtui.ensemble_charts import EnsembleCharts
    from ibtui_engine.phases.diffusion import LayerDiffusion


class Diffusions:
    """Displacements and correlations of the weights of a session's ensembles."""

    def __init__(
        self,
        work: Callable[[Coroutine[Any, Any, None]], object],
        changed: Callable[[], None],
        refused: Callable[[str], None],
    ) -> None:
        """`work`: runs a coroutine, and ends the one before; `changed`: called when more is known."""
        self._work = work
        self._changed = changed
        self._refused = refused
        self._found: dict[tuple[int, int], tuple[LayerDiffusion, ...]] = {}
        """By ensemble and the last epoch of its weights."""

    def of(self, charts: EnsembleCharts) -> tuple[LayerDiffusion, ...] | None:
        """Those of an ensemble, as far as they are known."""
        return self._found.get(_key(charts))

    def want(self, charts: EnsembleCharts) -> None:
        """Have those of an ensemble read, unless they are known."""
        if charts.ensemble.snapshots and _key(charts) not in self._found:
            self._work(self._read(charts))

    async def _read(self, charts: EnsembleCharts) -> None:
        try:
            self._found[_key(charts)] = (await asyncio.to_thread(charts.recorded.diffusion))[0]
        except EngineError as error:
            self._refused(str(error))
            return
        self._changed()


def _key(charts: EnsembleCharts) -> tuple[int, int]:
    epochs = charts.ensemble.snapshots
    return charts.ensemble.index, epochs[-1] if epochs else -1

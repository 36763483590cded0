"""What the weights of a session say about diffusion, read in a thread: it takes seconds for a large session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from ibtui_engine.errors import EngineError

if TYPE_CHECKING:
    from ibtui.panels import Panels
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

    def of(self, panels: Panels) -> tuple[LayerDiffusion, ...] | None:
        """Those of an ensemble, as far as they are known."""
        return self._found.get(_key(panels))

    def want(self, panels: Panels) -> None:
        """Have those of an ensemble read, unless they are known."""
        if panels.ensemble.snapshots and _key(panels) not in self._found:
            self._work(self._read(panels))

    async def _read(self, panels: Panels) -> None:
        try:
            self._found[_key(panels)] = await asyncio.to_thread(panels.recorded.diffusion)
        except EngineError as error:
            self._refused(str(error))
            return
        self._changed()


def _key(panels: Panels) -> tuple[int, int]:
    epochs = panels.ensemble.snapshots
    return panels.ensemble.index, epochs[-1] if epochs else -1

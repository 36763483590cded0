"""The IB curve of a session and the beta* of its layers, found by a process beside the app."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ibtui.commands import ask
from ibtui_engine.errors import EngineError

if TYPE_CHECKING:
    from ibtui_engine.bottleneck.curve import Curve
    from ibtui_engine.bottleneck.fits import LayerFits
    from ibtui_engine.session.summary import EnsembleSummary

FIT_AFTER = 0.3
"""Seconds that the playhead rests before beta* is found there."""


class BoundFits:
    """What is known of a session's bound; `want` has more of it found."""

    def __init__(
        self,
        path: Path,
        work: Callable[[Coroutine[Any, Any, None]], object],
        changed: Callable[[], None],
        refused: Callable[[str], None],
    ) -> None:
        """`work`: runs a coroutine, and ends the one before; `changed`: called when more is known."""
        self._path = path
        self._work = work
        self._changed = changed
        self._refused = refused
        self._fits: dict[int, dict[tuple[str, float, str], LayerFits]] = {}
        """By epoch, then by hidden layers, sample fraction and optimiser."""
        self._fitting: int | None = None
        self.curve: Curve | None = None
        """None until it has been found."""

    def of(self, ensemble: EnsembleSummary, epoch: int) -> LayerFits | None:
        """The fits of an ensemble at an epoch, as far as they are known."""
        return self._fits.get(epoch, {}).get((ensemble.hidden, ensemble.fraction, ensemble.optimizer))

    @property
    def waiting(self) -> bool:
        """Whether fits are being found."""
        return self._fitting is not None

    def want(self, epoch: int) -> None:
        """Have the fits of an epoch found, unless they are known or on their way."""
        if epoch not in self._fits and self._fitting != epoch:
            self._work(self._fit(epoch))

    async def _fit(self, epoch: int) -> None:
        self._fitting = epoch
        await asyncio.sleep(FIT_AFTER)  # whoever is on the way to another epoch does not stop here
        answer = await ask("fit", str(self._path.absolute()), "--epoch", str(epoch), "--json")
        self._fitting = None
        from ibtui_engine.bottleneck.curve import Curve
        from ibtui_engine.bottleneck.fits import LayerFits

        try:
            if answer.status:
                raise EngineError(answer.said)
            found = json.loads(answer.output)
            self.curve = Curve.from_dict(found["curve"])
            fits = [LayerFits.from_dict(one) for one in found["fits"]]
        except (EngineError, ValueError, KeyError) as error:
            self._fits[epoch] = {}
            self._refused(str(error))
            return
        self._fits[epoch] = {(one.hidden, one.fraction, one.optimizer): one for one in fits}
        self._changed()

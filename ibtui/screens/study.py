"""What the session screen shows beyond what is recorded: numbers measured again, and what the saved weights say.

All of it is worked out elsewhere, in processes and threads of its own, and comes in when it is ready.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType

from ibtui.commands import ask
from ibtui.measuring import MeasuringAgain
from ibtui.screens.playback import PlaybackScreen
from ibtui.widgets.bound_view import BoundView
from ibtui.widgets.phases_view import PhasesView
from ibtui.wording import estimate, printable
from ibtui_engine.errors import EngineError
from ibtui_engine.experiment import BINNED

if TYPE_CHECKING:
    from ibtui.app import IbtuiApp
    from ibtui.panels import Panels
    from ibtui_engine.bottleneck.curve import Curve
    from ibtui_engine.bottleneck.fits import LayerFits
    from ibtui_engine.phases.diffusion import LayerDiffusion
    from ibtui_engine.session.follow import Follower

FIT_AFTER = 0.3
"""Seconds that the playhead rests before beta* is found there."""
NO_WEIGHTS = "the session keeps no weights: it was run with --no-weights"


class StudyScreen(PlaybackScreen):
    """A screen of one session whose numbers can be measured again."""

    app: IbtuiApp

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right_parenthesis", "bins(1)", "More bins", show=False, id="measure.more_bins"),
        Binding("left_parenthesis", "bins(-1)", "Fewer bins", show=False, id="measure.fewer_bins"),
        Binding("e", "estimator", "Next estimator", show=False, id="measure.estimator"),
        Binding("E", "recorded", "As recorded", tooltip="The numbers as recorded", show=False, id="measure.recorded"),
        Binding("W", "save", "Save measured", tooltip="Save what is measured again", show=False, id="measure.save"),
    ]

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.follower: Follower | None = None
        self._again: MeasuringAgain | None = None
        self._diffusion: dict[tuple[int, int], tuple[LayerDiffusion, ...]] = {}
        """By ensemble and the last epoch of its weights."""
        self._curve: Curve | None = None
        self._fits: dict[int, dict[tuple[str, float, str], LayerFits]] = {}
        """By epoch, then by hidden layers, sample fraction and optimiser."""
        self._fitting: int | None = None
        """The epoch that is being fitted."""

    @property
    def current(self) -> Panels | None:
        """What is shown of the chosen ensemble."""
        raise NotImplementedError

    def renew(self) -> None:
        """Other numbers are to be shown."""
        raise NotImplementedError

    def begin_study(self) -> None:
        """Be ready to measure again; called once the session is open."""
        assert self.follower is not None
        experiment = self.follower.summary.experiment
        self._again = MeasuringAgain(self.path, experiment, self.renew, self._complain)

    async def end_study(self) -> None:
        """End what is still at work."""
        if self._again is not None:
            await self._again.close()

    def _complain(self, text: str) -> None:
        self.notify(printable(text), severity="warning", markup=False)

    # measuring again

    @property
    def basis(self) -> str:
        """What the shown numbers rest on, in a few words."""
        assert self.follower is not None
        again = self._again
        if again is None or not again.active:
            return estimate(self.follower.summary.experiment)
        current = self.current
        epochs = () if current is None else current.epochs
        left = again.missing(0 if current is None else current.ensemble.index, epochs)
        return f"measured again: {estimate(again.experiment)}" + (f", {left} epochs to come" if left else "")

    @work(exclusive=True, group="again")
    async def ask_again(self) -> None:
        """Have measured what is shown and still missing."""
        current, again = self.current, self._again
        if current is not None and again is not None and again.active:
            await again.ask(current.ensemble.index, self.playback.epoch, current.epochs)

    def _change(self, change: Callable[[MeasuringAgain], None]) -> None:
        if self._again is None or self.follower is None:
            return
        if not self.follower.summary.experiment.weights:
            self._complain(f"not measured again: {NO_WEIGHTS}")
            return
        try:
            change(self._again)
        except EngineError as error:
            self._complain(str(error))

    def action_bins(self, steps: int) -> None:
        """Measure again with more or fewer bins."""
        self._change(lambda again: again.step_bins(steps))

    def action_estimator(self) -> None:
        """Measure again with another estimator."""
        self._change(MeasuringAgain.next_estimator)

    def action_recorded(self) -> None:
        """Back to the numbers as recorded."""
        if self._again is not None:
            self._again.as_recorded()

    @work(exclusive=True, group="save")
    async def action_save(self) -> None:
        """Save the session as measured again under a name of its own."""
        if self._again is None or not self._again.active:
            self.notify("nothing is measured again: ( and ) change the bins, e the estimator")
            return
        chosen = self._again.experiment
        command = ["remeasure", str(self.path.absolute()), "--estimator", chosen.estimator]
        command += ["--bins", str(chosen.bins)] if chosen.estimator in BINNED else []
        command += ["--sessions-dir", str(self.app.directory.absolute())]
        answer = await ask(*command)
        self.notify(printable(answer.said), severity="error" if answer.status else "information", markup=False)

    # the bound

    def show_bound(self, view: BoundView, panels: Panels) -> None:
        """Show the curve with an ensemble's layers, and have beta* found for the shown epoch where it is not known."""
        assert self.follower is not None
        ensemble = panels.ensemble
        epoch = panels.at(self.playback.epoch)
        if epoch not in self._fits and epoch in ensemble.snapshots and self._fitting != epoch:
            self._fit(epoch)
        if self._curve is None:
            view.wait_for("finding the IB curve …")
            return
        fits = self._fits.get(epoch, {}).get((ensemble.hidden, ensemble.fraction, ensemble.optimizer))
        waiting = f"finding beta* at epoch {epoch} …" if self._fitting is not None else ""
        view.show(panels.bound(self._curve, epoch, fits), fits, waiting)

    @work(exclusive=True, group="fit")
    async def _fit(self, epoch: int) -> None:
        self._fitting = epoch
        await asyncio.sleep(FIT_AFTER)  # whoever is on the way to another epoch does not stop here
        answer = await ask("fit", str(self.path.absolute()), "--epoch", str(epoch), "--json")
        self._fitting = None
        from ibtui_engine.bottleneck.curve import Curve
        from ibtui_engine.bottleneck.fits import LayerFits

        try:
            if answer.status:
                raise EngineError(answer.said)
            found = json.loads(answer.output)
            self._curve = Curve.from_dict(found["curve"])
            fits = [LayerFits.from_dict(one) for one in found["fits"]]
        except (EngineError, ValueError, KeyError) as error:
            self._fits[epoch] = {}
            self._complain(str(error))
            return
        self._fits[epoch] = {(one.hidden, one.fraction, one.optimizer): one for one in fits}
        self.renew()

    # phases

    def show_phases(self, view: PhasesView, panels: Panels) -> None:
        """Show the phases of an ensemble, and have its weights read where that has not been done."""
        assert self.follower is not None
        epochs = panels.ensemble.snapshots
        key = panels.ensemble.index, epochs[-1] if epochs else -1
        waiting = "reading the weights …"
        if not self.follower.summary.experiment.weights:
            waiting = f"No displacements and correlations: {NO_WEIGHTS}."
        elif self.growing:
            waiting = "Displacements and correlations are worked out when the run has ended."
        elif epochs and key not in self._diffusion:
            self._read_diffusion(panels, key)
        view.show(panels.title, panels.phases, self._diffusion.get(key), waiting)

    @work(exclusive=True, group="diffusion")
    async def _read_diffusion(self, panels: Panels, key: tuple[int, int]) -> None:
        try:
            self._diffusion[key] = await asyncio.to_thread(panels.recorded.diffusion)
        except EngineError as error:
            self._complain(str(error))
            return
        self.renew()

"""What screens with a timeline share: the playhead, its keys, playing, and how often charts are drawn again."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.binding import ActiveBinding, Binding, BindingType
from textual.reactive import reactive
from textual.screen import Screen

from ibtui.epoch_display import EpochDisplay
from ibtui.playback import Playback
from ibtui.screens.closed import is_closed
from ibtui.widgets.chart_view import ChartView
from ibtui.widgets.timeline import Timeline

if TYPE_CHECKING:
    from textual.timer import Timer
    from textual.widget import Widget


STEP = Binding.Group("Step", compact=True)
"""How the footer shows two keys as one."""

LEFT_OUT = {
    "session.live": 140,
    "session.full": 140,
    "session.points": 140,
    "session.back": 110,
    "session.forward": 110,
    "compare.points": 110,
}
"""Keys that the footer leaves out below this many columns, in favour of those of the current context."""

DRAWINGS_PER_SECOND = 20
"""How often charts are drawn again at most, whatever keys, mouse and playing ask for."""
LEAST_REST = 0.01
"""Seconds between two steps in which keys are heard."""


class PlaybackScreen(Screen[None]):
    """A screen that shows sessions at the epoch of a playhead."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "play", "Play", id="session.play"),
        Binding("comma", "step(-1)", "Back", id="session.back", group=STEP),
        Binding("full_stop", "step(1)", "Forward", id="session.forward", group=STEP),
        Binding("home", "first", "First", show=False, id="session.first"),
        Binding("end", "live", "Last", tooltip="To the end, and along with a run", id="session.live"),
        Binding("t", "transition", "To the transition", tooltip="To where drift ends", show=False, id="session.turn"),
        Binding("g", "jump", "Go to epoch", show=False, id="session.jump"),
        Binding("less_than_sign", "speed(-1)", "Slower", show=False, id="session.slower"),
        Binding("greater_than_sign", "speed(1)", "Faster", show=False, id="session.faster"),
        Binding("y", "scale", "Log or linear", tooltip="Over epochs: log or linear y", show=False, id="session.scale"),
        Binding("l", "focus_layer", "Layer in focus", tooltip="Over epochs: next layer in focus, the others grey",
                show=False, id="session.focus"),
        Binding("n", "singles", "Single networks", tooltip="Over epochs: single networks behind the mean",
                show=False, id="session.singles"),
        Binding("c", "copy", "Copy", tooltip="Copy the row that the cross-hair reads, or the chart as text", show=False,
                id="session.copy"),
        Binding("s", "smooth", "Smooth", tooltip="Over epochs: smooth the means", show=False, id="session.smooth"),
    ]  # fmt: skip

    playback: reactive[Playback] = reactive(Playback(), init=False, repaint=False)
    over_epochs: reactive[EpochDisplay] = reactive(EpochDisplay(), init=False, repaint=False)
    """How the charts over epochs are drawn."""

    def __init__(self) -> None:
        super().__init__()
        self._player: Timer | None = None
        self._due = 0.0
        """When the playhead is to have moved by itself."""
        self._drawn = 0.0
        self._later: Timer | None = None

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """All keys that work; the footer shows those that have something to do here and now."""
        found = super().active_bindings
        return {
            key: active if self.fits(active.binding) else active._replace(binding=replace(active.binding, show=False))
            for key, active in found.items()
        }

    def fits(self, binding: Binding) -> bool:
        """Whether the footer has room for a key, and the key something to do."""
        return self.app.size.width >= LEFT_OUT.get(binding.id or "", 0)

    @property
    def growing(self) -> bool:
        """Whether more epochs are being measured."""
        raise NotImplementedError

    @property
    def transition(self) -> float | None:
        """The epoch at which drift ends in what is shown; None where it does not."""
        raise NotImplementedError

    def draw(self) -> None:
        """Show the numbers at the playhead."""
        raise NotImplementedError

    def chosen_view(self) -> Widget | None:
        """What keys for one chart are for."""
        raise NotImplementedError

    @property
    def chosen_charts(self) -> tuple[str, ...]:
        """The charts over epochs that a change of scale is for."""
        raise NotImplementedError

    @property
    def layers_shown(self) -> tuple[int, ...]:
        """The layers that can be in focus, counted from 0."""
        raise NotImplementedError

    # drawing

    def draw_soon(self) -> None:
        """Draw now, or as soon as the charts may be drawn again."""
        wait = self._drawn + 1 / DRAWINGS_PER_SECOND - time.monotonic()
        if wait <= 0:
            self._draw_now()
        elif self._later is None:
            self._later = self.set_timer(wait, self._draw_now)

    def _draw_now(self) -> None:
        if self._later is not None:
            self._later.stop()
            self._later = None
        self._drawn = time.monotonic()
        self.draw()

    @property
    def left(self) -> bool:
        """Whether it has been left for good: what was put off until later finds its widgets gone."""
        return is_closed(self, "#timeline")

    @property
    def behind(self) -> bool:
        """Whether the charts are still to be drawn as they should be."""
        return self._later is not None

    @property
    def busy(self) -> bool:
        """Whether somebody has just moved something: what is merely new can wait."""
        return time.monotonic() - self._drawn < 1 / DRAWINGS_PER_SECOND

    # the playhead

    def watch_playback(self) -> None:
        """The playhead has moved."""
        if self.left:
            return
        self.query_one("#timeline", Timeline).playback = self.playback
        self.draw_soon()
        self.pace()

    def pace(self) -> None:
        """Step on in a while, if the playhead moves by itself."""
        if self._player is not None:
            self._player.stop()
            self._player = None
        pace = self.playback.pace
        if pace is not None:
            now = time.monotonic()
            self._due = max(self._due + 1 / min(pace, DRAWINGS_PER_SECOND), now)
            self._player = self.set_timer(max(self._due - now, LEAST_REST), self._tick)

    def _tick(self) -> None:
        self._player = None
        if not self.is_current:  # `pace` is called when it is again
            return
        now = self.playback
        if now.playing:
            moved = now.step(max(round(now.speed / DRAWINGS_PER_SECOND), 1))
            self.playback = moved.live() if moved.at_end and self.growing else moved
        elif now.behind:
            self.call_after_refresh(self._carry_on)  # each snapshot is painted before the next is drawn

    def _carry_on(self) -> None:
        if self.playback.behind and not self.left:
            self.carry()

    @property
    def moving(self) -> bool:
        """Whether the next step of the playhead is on its way."""
        return self._player is not None

    def carry(self) -> None:
        """Follow a run by a step."""
        self.playback = self.playback.carried()

    def on_timeline_sought(self, event: Timeline.Sought) -> None:
        """The playhead was dragged."""
        self.playback = self.playback.to_epoch(event.epoch)

    def watch_over_epochs(self) -> None:
        """Charts over epochs are drawn in another way."""
        self.draw_soon()

    def action_scale(self) -> None:
        """A logarithmic y axis instead of a linear one, and back."""
        self.over_epochs = self.over_epochs.rescaled(self.chosen_charts)

    def action_focus_layer(self) -> None:
        """The next layer in focus; after the last one none."""
        self.over_epochs = self.over_epochs.refocused(self.layers_shown)

    def action_singles(self) -> None:
        """Every network as a thin line, or the mean alone."""
        self.over_epochs = replace(self.over_epochs, singles=not self.over_epochs.singles)

    def action_smooth(self) -> None:
        """Means smoothed over neighbouring epochs, or as they are."""
        self.over_epochs = replace(self.over_epochs, smooth=not self.over_epochs.smooth)

    def action_copy(self) -> None:
        """Copy the numbers that the cross-hair reads, or else the chosen chart as text."""
        chosen = self.chosen_view()
        if not isinstance(chosen, ChartView):
            return
        numbers = chosen.numbers()
        self.app.copy_to_clipboard(numbers or chosen.text())
        row = "row copied: epoch, layer, then mean, standard deviation and n of each quantity"
        self.notify(row if numbers else "chart copied as text")

    def action_play(self) -> None:
        """Play the view, or pause it."""
        self.playback = self.playback.toggled()

    def action_step(self, snapshots: int) -> None:
        """Step by a snapshot."""
        self.playback = self.playback.step(snapshots)

    def action_first(self) -> None:
        """To the first epoch."""
        self.playback = self.playback.to_index(0)

    def action_live(self) -> None:
        """To the end, and along with it."""
        self.playback = self.playback.live()

    def action_transition(self) -> None:
        """To where drift ends."""
        if self.transition is None:
            self.notify("no transition from drift to diffusion has been seen here")
        else:
            self.playback = self.playback.to_epoch(round(self.transition))

    def action_speed(self, steps: int) -> None:
        """Play faster or slower."""
        self.playback = self.playback.faster(steps)

    async def action_jump(self) -> None:
        """Ask for an epoch and go there."""
        from ibtui.screens.dialogs import Line

        def refuse(text: str) -> str:
            return "" if text.strip().isdecimal() and len(text) < 20 else "an epoch is a whole number"

        def go(text: str | None) -> None:
            if text is not None:
                self.playback = self.playback.to_epoch(int(text))

        await self.app.push_screen(Line("Go to epoch:", str(self.playback.epoch), refuse), go)

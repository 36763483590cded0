"""What screens with a timeline share: the playhead, its keys, and playing."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.screen import Screen

from ibtui.playback import Playback
from ibtui.widgets.timeline import Timeline

if TYPE_CHECKING:
    from textual.timer import Timer


STEP = Binding.Group("Step", compact=True)
"""How the footer shows two keys as one."""


class PlaybackScreen(Screen[None]):
    """A screen that shows sessions at the epoch of a playhead."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "play", "Play", id="session.play"),
        Binding("comma", "step(-1)", "Back", id="session.back", group=STEP),
        Binding("full_stop", "step(1)", "Forward", id="session.forward", group=STEP),
        Binding("home", "first", "First", show=False, id="session.first"),
        Binding("end", "live", "Last", tooltip="To the end, and along with a run", id="session.live"),
        Binding("g", "jump", "Go to epoch", show=False, id="session.jump"),
        Binding("less_than_sign", "speed(-1)", "Slower", show=False, id="session.slower"),
        Binding("greater_than_sign", "speed(1)", "Faster", show=False, id="session.faster"),
    ]

    playback: reactive[Playback] = reactive(Playback(), init=False)

    def __init__(self) -> None:
        super().__init__()
        self._player: Timer | None = None

    @property
    def growing(self) -> bool:
        """Whether more epochs are being measured."""
        raise NotImplementedError

    def draw(self) -> None:
        """Show what there is at the playhead."""
        raise NotImplementedError

    def watch_playback(self) -> None:
        """The playhead has moved."""
        self.draw()
        self.pace()

    def pace(self) -> None:
        """Step on in a while, if playing."""
        if self._player is not None:
            self._player.stop()
            self._player = None
        if self.playback.playing:
            self._player = self.set_timer(1 / self.playback.speed, self._tick)

    def _tick(self) -> None:
        if self.playback.playing and self.is_current:
            moved = self.playback.step(1)
            self.playback = moved.live() if moved.at_end and self.growing else moved

    def on_timeline_sought(self, event: Timeline.Sought) -> None:
        """The playhead was dragged."""
        self.playback = self.playback.to_epoch(event.epoch)

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

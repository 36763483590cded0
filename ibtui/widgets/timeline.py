"""The timeline of a view: playhead over the epochs measured, on a log scale, with how it moves."""

from __future__ import annotations

import math

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from ibtui.playback import Playback


class Timeline(Widget):
    """One line; a click or a drag moves the playhead."""

    DEFAULT_CSS = """
    Timeline { height: 1; background: $panel; color: $foreground; }
    """

    playback: reactive[Playback] = reactive(Playback(), layout=False)
    total: reactive[int] = reactive(1)
    """Epochs that the experiment is for."""
    live: reactive[bool] = reactive(False)
    """Whether a run is at work on the session."""
    drift_end: reactive[float | None] = reactive(None)
    """The epoch at which drift ends; None where it does not."""

    class Sought(Message):
        """Somebody wants the playhead at another epoch."""

        def __init__(self, epoch: int) -> None:
            super().__init__()
            self.epoch = epoch

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._dragging = False

    def render_line(self, y: int) -> Strip:
        """The state of playing, the track, and the epoch."""
        before, after = self._labels()
        width = self._track_width(before, after)
        base = self.rich_style
        if width < 3:
            return Strip([Segment((before + after)[: self.size.width], base)]).adjust_cell_length(self.size.width, base)
        plain = bool(getattr(self.app, "ascii", False))
        rest, done, head, ticks, mark = ("-", "=", "O", "+", "*") if plain else ("─", "━", "●", "┿", "◆")
        place = self._column(self.playback.epoch, width)
        end = self._column(self.playback.epochs[-1], width) if self.playback.epochs else -1
        track = [done if column <= end else rest for column in range(width)]
        power = 10
        while power < self.total:
            track[self._column(power, width)] = ticks
            power *= 10
        if self.drift_end is not None:
            track[self._column(round(self.drift_end), width)] = mark
        strong = base + Style(bold=True)
        segments = [Segment(before, strong), Segment("".join(track[:place]), base), Segment(head, strong)]
        segments += [Segment("".join(track[place + 1 :]), base + Style(dim=True)), Segment(after, strong)]
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def _labels(self) -> tuple[str, str]:
        plain = bool(getattr(self.app, "ascii", False))
        now = self.playback
        if now.playing:
            sign = ">" if plain else "►"
        elif now.following and self.live:
            sign = "*" if plain else "◉"
        else:
            sign = "|" if plain else "‖"
        if now.following and self.live and not now.playing:
            state = f" {sign} LIVE {f'{now.behind} behind' if now.behind else '':10} "
        else:
            state = f" {sign} {'play' if now.playing else 'view'} {f'{now.speed:g} a second':10} "
        return state, f" epoch {now.epoch:>6} of {self.total} "

    def _track_width(self, before: str, after: str) -> int:
        return self.size.width - len(before) - len(after)

    def _column(self, epoch: int, width: int) -> int:
        share = math.log1p(max(epoch, 0)) / math.log1p(max(self.total, 1))
        return min(int(share * (width - 1) + 0.5), width - 1)

    def _seek(self, x: int) -> None:
        before, after = self._labels()
        width = self._track_width(before, after)
        if width >= 3:
            share = min(max((x - len(before)) / (width - 1), 0.0), 1.0)
            self.post_message(self.Sought(round(math.expm1(share * math.log1p(self.total)))))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the playhead."""
        self._dragging = True
        self.capture_mouse()
        self._seek(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag it."""
        if self._dragging:
            self._seek(event.x)

    def on_mouse_up(self) -> None:
        """Let go of it."""
        self._dragging = False
        self.release_mouse()

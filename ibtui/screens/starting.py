"""What is shown between the wish for a run and its first measurement: what it waits for, and how long it has."""

from __future__ import annotations

import time
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import LoadingIndicator, Static

SLOW_SECONDS = 3.0
"""A run that has measured nothing for that long is slow, and says why it may be."""
SLOW = "the machine is busy, or the kernels are being compiled, which is done once"


class Starting(ModalScreen[None]):
    """Waits for a run's session to appear; escape goes back while the run goes on."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Do something else meanwhile")]

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._began = time.monotonic()

    def compose(self) -> ComposeResult:
        """A sign of life, and what it is about."""
        with Vertical(id="dialog"):
            yield Static(self._said(), id="what", markup=False)
            yield LoadingIndicator(id="starting")
            yield Static("escape: do something else meanwhile; it will be in the library", markup=False)

    def on_mount(self) -> None:
        """Count the seconds."""
        self.set_interval(1.0, self._tell)

    def _said(self) -> str:
        waited = time.monotonic() - self._began
        why = f": {SLOW}" if waited > SLOW_SECONDS else ""
        return f"Starting {self._name} ({waited:.0f} s){why}"

    def _tell(self) -> None:
        for what in self.query("#what").results(Static):  # none where a run is so quick that this is gone again
            what.update(self._said())

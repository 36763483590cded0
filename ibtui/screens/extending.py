"""A dialog for how much further a finished run is to go: more epochs, more networks, or both."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Label, Static

from ibtui.formatting import printable
from ibtui.screens.dialogs import Fields
from ibtui_engine.errors import InvalidValue
from ibtui_engine.session.summary import Summary
from ibtui_engine.settings import SETTINGS


@dataclass(frozen=True)
class Further:
    """How far a run is to go."""

    epochs: int
    networks: int
    """In each ensemble."""


def require_further(summary: Summary, epochs: str, networks: str) -> Further:
    """How far a session's run is to go, from texts.

    Raises:
        InvalidValue: one is no number, out of range or less than there is, or neither is more.
    """
    found = {}
    for name, text in (("epochs", epochs), ("networks", networks)):
        there = getattr(summary.experiment, name)
        try:
            found[name] = SETTINGS[name].read(text)
        except ValueError:
            raise InvalidValue(f"{name} must be a whole number from {there}, got {text!r}") from None
        SETTINGS[name].require(name, found[name])
        if found[name] < there:
            raise InvalidValue(f"{name} is {found[name]}: the session has {there} already")
    further = Further(**found)
    if summary.status == "finished" and further == Further(summary.experiment.epochs, summary.experiment.networks):
        raise InvalidValue("it is finished: give more epochs or more networks")
    return further


class Extending(Fields[Further]):
    """Asks how far a run is to go; None where it is left with escape."""

    def __init__(self, summary: Summary) -> None:
        super().__init__()
        self._summary = summary

    def compose(self) -> ComposeResult:
        """The two numbers, what is wrong with them, what keys do."""
        experiment = self._summary.experiment
        with Vertical(id="dialog"):
            yield Static(printable(f"{self._summary.path.stem} is finished. Train it further:"), markup=False)
            yield Label(f"Epochs, {experiment.epochs} so far", classes="over-line")
            yield Input(str(2 * experiment.epochs), id="epochs")
            yield Label(f"Networks in each ensemble, {experiment.networks} so far", classes="over-line")
            yield Input(str(experiment.networks), id="networks")
            yield Static(id="trouble", markup=False)
            yield Static("enter resumes the run   esc cancels", classes="keys", markup=False)

    def read(self) -> Further:
        """What the two lines say."""
        epochs, networks = (self.query_one(f"#{name}", Input).value for name in ("epochs", "networks"))
        return require_further(self._summary, epochs, networks)

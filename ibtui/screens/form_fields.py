"""The fields of the form for a new experiment: every declared setting of an experiment, and those of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input

from ibtui.completing import TABLES, completed, completions, rule_files
from ibtui_engine.presets import PRESETS
from ibtui_engine.rules.names import MNIST_PREFIX, TABLE_PREFIX
from ibtui_engine.setting import MACHINE, PANELS, WHAT, Setting
from ibtui_engine.settings import SETTINGS

FILES = "Files"
"""The group of the fields that name files."""

PRESET = Setting(label="Preset", kind="choice", panel=WHAT, about="", choices=tuple(PRESETS))
"""Not a setting: choosing one fills in the others."""

OF_RUN = MappingProxyType(
    {
        "version": Setting(
            label="Version",
            kind="choice",
            panel=WHAT,
            about="Of the preset.",
            hint="quick: takes seconds, with fewer networks and epochs",
            choices=("full", "quick"),
        ),
        "name": Setting(
            label="Name",
            kind="text",
            panel=FILES,
            about="Of the session.",
            hint="of the session; empty: made from what runs",
            unset="made from what runs",
        ),
        "threads": Setting(
            label="Threads",
            kind="whole",
            panel=MACHINE,
            about="Threads to compute with.",
            hint="to compute with, from 1 to 1024; empty: all cores",
            least=1,
            most=1024,
            unset="all cores",
        ),
        "directory": Setting(
            label="Save in",
            kind="text",
            panel=FILES,
            about="Directory of the session.",
            hint="directory; empty: that of the library",
            unset="the library's",
        ),
        "config": Setting(
            label="Settings from",
            kind="text",
            panel=FILES,
            about="Settings file to fill the form from.",
            hint="a .toml file to fill the form from",
            unset="none",
        ),
        "save_config": Setting(
            label="Settings to",
            kind="text",
            panel=FILES,
            about="Settings file to write.",
            hint="a .toml file to write them to, with Start",
            unset="none",
        ),
    }
)
"""What is asked about the run rather than about the experiment."""

FIELDS = MappingProxyType({**SETTINGS, **OF_RUN})
"""All fields by name."""

FIRST = (
    *("rule", "hidden", "activation", "fraction", "networks", "seed", "epochs", "optimizer", "relax_from"),
    *("relax_prior", "learning_rate", "batch", "estimator", "bins", "labels", "name"),
)
"""The fields that are always there, in their order."""
FURTHER = {
    panel: [name for name, field in FIELDS.items() if field.panel == panel and name not in FIRST]
    for panel in (*PANELS, FILES)
}
"""All others, by group."""
COMPLETED = ("text", "choice", "flag")
"""Kinds of fields that tab completes: a number may be the beginning of another."""


def candidates(name: str, text: str) -> Sequence[str]:
    """What the text of a field could become."""
    if name == "rule":
        paths = rule_files(text)
        return [*FIELDS[name].known, TABLE_PREFIX, MNIST_PREFIX] if paths is None else paths
    if name == "test":
        return completions(text, TABLES)
    if name == "directory":
        return completions(text, ("/",))
    if name in ("config", "save_config"):
        return completions(text, (".toml",))
    return FIELDS[name].known if name in FIELDS else PRESET.known


class Picker(Input):
    """A line to type in, or to go through known values in with up and down; tab completes what is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "pick(1)", "Next known value", show=False, id="new.next_value"),
        Binding("up", "pick(-1)", "Known value before", show=False, id="new.value_before"),
        Binding("tab", "complete", "Complete, or next field", show=False, id="new.complete"),
    ]

    def __init__(self, name: str, field: Setting) -> None:
        super().__init__(id=name, classes="value", compact=True)
        self._known = field.known
        self._kind = field.kind

    def action_pick(self, steps: int) -> None:
        """Take the known value after the one that is there, or before it."""
        if self._known:
            at = self._known.index(self.value) if self.value in self._known else (-1 if steps > 0 else 0)
            self._take(self._known[(at + steps) % len(self._known)])

    def action_complete(self) -> None:
        """Complete what is typed, as far as there is one way to go on; on to the next field where there is nothing to
        complete.
        """
        longer, ways = self.value, 0
        if self.value and self.cursor_at_end and self._kind in COMPLETED:
            found = candidates(str(self.id), self.value)
            longer = completed(self.value, found)
            ways = sum(one.startswith(longer) and one != longer for one in found)
        if longer != self.value:
            self._take(longer)
        elif not (ways and ("/" in longer or ":" in longer)):  # what a path could become stands beside the field
            self.screen.focus_next()

    def _take(self, value: str) -> None:
        self.value = value
        self.cursor_position = len(value)


def hint(name: str, field: Setting) -> Content:
    """What a field takes: known values, which can be clicked, and its range."""
    known = [Content(value).stylize(f"underline @click=screen.pick('{name}','{value}')") for value in field.known]
    parts = [Content("  ").join(known)] if known else []
    told = "; ".join(filter(None, (field.hint, "several: a grid" if field.grid else "")))
    return Content("  ").join([*parts, *([Content(told)] if told else [])])


def beginnings(name: str, text: str, most: int = 6) -> str:
    """The files that what is typed may become, in a few words; empty where there is none."""
    found = [Path(path.partition(":")[2] or path) for path in candidates(name, text)]
    names = [f"{path.name}{'/' if path.is_dir() else ''}" for path in found[:most]]
    return ", ".join(names) + (f", … ({len(found)})" if len(found) > most else "")

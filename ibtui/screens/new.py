"""The form for a new experiment: presets at one side, settings at the other, each with its range or its error."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Button, Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from ibtui.commands import run_python
from ibtui.locations import free_path, require_name
from ibtui.messages import StartRun
from ibtui.widgets.keys_footer import KeysFooter
from ibtui.widgets.too_small import TooSmall
from ibtui.wording import duration, printable, size
from ibtui_engine.calibration import BUILT_IN_SIZE, Speed, estimate
from ibtui_engine.errors import EngineError
from ibtui_engine.experiment import (
    ACTIVATIONS,
    DEFAULT_RELAX_FROM,
    ESTIMATORS,
    LABELS,
    MAX_EPOCHS,
    OPTIMIZERS,
    Experiment,
    Hidden,
    hidden_text,
    outputs_for,
)
from ibtui_engine.presets import DEFAULT, PRESETS
from ibtui_engine.rules.image_files import require_images, size_of
from ibtui_engine.rules.names import BUILT_IN_SENTENCES, DIGITS

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Field:
    """One setting of the form."""

    name: str
    label: str
    hint: str
    """Its range and unit."""
    several: bool = False
    """Whether it takes a list, separated by commas or blanks."""
    known: tuple[str, ...] = ()
    """Values to pick from, with up and down or the mouse; others may be allowed too."""
    of: str = ""
    """The optimiser that it is a setting of, if it is one of some alone; it may be left empty then."""

    def text(self, experiment: Experiment) -> str:
        """The setting as people write it."""
        value = getattr(experiment, self.name)
        if self.name == "hidden":
            return ", ".join(hidden_text(h) for h in value)
        if self.several:
            return ", ".join(v if isinstance(v, str) else f"{v:g}" for v in value)
        return "" if value is None else f"{value}"

    def read(self, text: str) -> Any:
        """The setting as `Experiment.override` takes it. Raises ValueError where it is no number."""
        parts = text.replace(",", " ").split()
        if self.name in ("hidden", "optimizer"):
            return parts
        if self.several:
            return [float(part) for part in parts]
        stripped = text.strip()
        if self.of and not stripped:
            return None
        if self.name in _WHOLE:
            return int(stripped)
        if self.name in _REAL:
            return float(stripped)
        return stripped


_WHOLE = {"networks", "seed", "epochs", "relax_from", "bins", "snapshots"}
_REAL = {"learning_rate"}

FIELDS = (
    Field("rule", "Rule", "or mnist:DIR, table:FILE", known=(*BUILT_IN_SENTENCES, DIGITS)),
    Field(
        "hidden",
        "Hidden layers",
        "widths from the input on, or none; several make a grid",
        True,
        ("10-8-6-4-2", "10-7-5-4-3", "12-10-8-6-4-2", "12"),
    ),
    Field("activation", "Activation", "", known=ACTIVATIONS),
    Field("fraction", "Sample fractions", "above 0 and at most 1; several make a grid", True, ("0.85", "0.45", "0.05")),
    Field("networks", "Networks", "in each ensemble, from 1", known=("10", "50")),
    Field("seed", "First seed", "from 0; the others count on from it"),
    Field("epochs", "Epochs", "passes through the sample, from 1", known=("2000", "10000")),
    Field("optimizer", "Optimiser", "several make a grid", True, OPTIMIZERS),
    Field(
        "relax_from",
        "Relax from",
        f"epoch at which metropolis leaves SGD, from 0; empty: {DEFAULT_RELAX_FROM}",
        of="metropolis",
    ),
    Field("learning_rate", "Learning rate", "above 0", known=("0.02", "0.0004")),
    Field("batch", "Batch", "patterns, from 1, or full", known=("512", "128", "full")),
    Field("estimator", "Estimator", "", known=ESTIMATORS),
    Field("bins", "Bins", "intervals for a neuron's output, from 2", known=("30", "60")),
    Field("labels", "Labels", "random: a fair coin instead of the rule", known=LABELS),
    Field("name", "Name", "of the session; empty: made from what runs"),
)

PRESET = Field("preset", "Preset", "", known=tuple(PRESETS))
"""Not a setting: choosing one fills in the others."""


class Picker(Input):
    """A line to type in, or to go through known values in with up and down."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "pick(1)", "Next known value", show=False, id="new.next_value"),
        Binding("up", "pick(-1)", "Known value before", show=False, id="new.value_before"),
    ]

    def __init__(self, field: Field) -> None:
        super().__init__(id=field.name, classes="value", compact=True)
        self._known = field.known

    def action_pick(self, steps: int) -> None:
        """Take the known value after the one that is there, or before it."""
        if self._known:
            at = self._known.index(self.value) if self.value in self._known else (-1 if steps > 0 else 0)
            self.value = self._known[(at + steps) % len(self._known)]
            self.cursor_position = len(self.value)


def hint(field: Field) -> Content:
    """What a field takes: known values, which can be clicked, and its range."""
    known = [Content(value).stylize(f"underline @click=screen.pick('{field.name}','{value}')") for value in field.known]
    parts = [Content("  ").join(known)] if known else []
    return Content("  ").join([*parts, *([Content(field.hint)] if field.hint else [])])


WIDE = 100
"""Columns from which on there is room for the presets."""


class NewScreen(Screen[None]):
    """Sets up an experiment and starts it."""

    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (20, "-low"), (34, "-tall")]  # noqa: RUF012

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Library", id="new.leave"),
        Binding("ctrl+s", "start", "Start", id="new.start", priority=True),
    ]

    def __init__(self, directory: Path, like: Experiment | None = None) -> None:
        """`directory`: where the session is to be; `like`: the experiment whose settings the form begins with."""
        super().__init__()
        self._directory = directory
        self._like = like
        self._preset = DEFAULT
        """The preset under the cursor: the form is filled when that changes, not when the list has the focus."""
        self._base = like or PRESETS[DEFAULT].experiment
        self._speed: Speed | None = None
        self._told: dict[str, Content] = {}
        """What is said of each field: its range, or its error."""
        self._network: tuple[Hidden, int, int] = self._base.hidden[0], BUILT_IN_SIZE[1], 1
        """The network that is drawn: its hidden layers, inputs and outputs."""
        self._others = ""
        """The hidden layers of the others in the grid."""

    def compose(self) -> ComposeResult:
        """Presets, form, what it comes to."""
        yield Static("New experiment", id="heading", markup=False)
        with Horizontal(id="new"):
            with Vertical(id="presets-side"):
                yield Label("Presets")
                yield OptionList(*[_option(name) for name in PRESETS], id="presets")
            with VerticalScroll(id="form", can_focus=False):
                with Horizontal(classes="field", id="preset-field"):  # where there is no room for the list
                    yield Label(PRESET.label, classes="label")
                    yield Picker(PRESET)
                for field in FIELDS:
                    with Horizontal(classes="field", id=f"field-{field.name}"):
                        yield Label(field.label, id=f"label-{field.name}", classes="label")
                        yield Picker(field)
                        yield Static(hint(field), id=f"hint-{field.name}", classes="hint", markup=False)
                yield Static(id="drawing", markup=False)
                yield Button("Start  (ctrl+s)", id="start", variant="primary")
        yield Static(id="estimate", markup=False)
        yield KeysFooter()
        yield TooSmall()

    def on_mount(self) -> None:
        """Fill in the settings to begin with."""
        self.fill(self._base)
        presets = self.query_one("#presets", OptionList)
        presets.highlighted = presets.get_option_index(self._preset)
        self.query_one(f"#{PRESET.name}", Input).value = "" if self._like else self._preset
        begin = presets if self._like is None and self.app.size.width >= WIDE else self.query_one("#hidden", Input)
        begin.focus()
        self._calibrate()

    def fill(self, experiment: Experiment) -> None:
        """Put an experiment's settings into the form."""
        self._base = experiment
        for field in FIELDS:
            value = "" if field.name == "name" else field.text(experiment)
            self.query_one(f"#{field.name}", Input).value = printable(value)
        self._check()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """A preset is under the cursor."""
        if event.option.id:
            self._choose(event.option.id)

    def _choose(self, preset: str) -> None:
        if preset != self._preset:
            self._preset = preset
            self.fill(PRESETS[preset].experiment)

    def on_option_list_option_selected(self) -> None:
        """A preset is chosen: on to the form."""
        self.fill(PRESETS[self._preset].experiment)
        self.query_one("#hidden", Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Something is typed."""
        if event.input.id != PRESET.name:
            self._check()
            return
        known = event.value in PRESETS
        self._told[PRESET.name] = Content(PRESETS[event.value].sentence if known else ", ".join(PRESETS))
        if known:
            self._choose(event.value)
        self._draw()

    def on_button_pressed(self) -> None:
        """Start."""
        self.action_start()

    def _check(self) -> Experiment | None:
        """Show each field's range, or its error; the experiment, if there is none."""
        settings: dict[str, Any] = {}
        wrong = False
        optimizers = self.query_one("#optimizer", Input).value
        for field in FIELDS:
            asked = field.of in optimizers
            self.query_one(f"#field-{field.name}").display = asked
            if not asked:
                continue
            text = self.query_one(f"#{field.name}", Input).value
            error = ""
            try:
                if field.name == "name":
                    if text.strip():
                        require_name(text.strip())
                else:
                    settings[field.name] = field.read(text)
                    alone = {"optimizer": field.of, "epochs": MAX_EPOCHS} if field.of else {}
                    Experiment().override({**alone, field.name: settings[field.name]})
                    if field.name == "rule":
                        require_images(settings["rule"])
            except ValueError:
                error = f"{text!r} is no number: {field.hint}" if text.strip() else f"is empty: {hint(field).plain}"
            except EngineError as refused:
                error = str(refused)
            beside = self.query_one(f"#hint-{field.name}", Static)
            self._told[field.name] = Content(printable(error)).stylize("$text-error") if error else hint(field)
            beside.update(self._told[field.name])
            for widget in (beside, self.query_one(f"#label-{field.name}")):
                widget.set_class(bool(error), "error")
            wrong = wrong or bool(error)
        self.query_one("#start", Button).disabled = wrong
        if wrong:
            self._draw()
            self.query_one("#estimate", Static).update("")
            return None
        try:
            epochs = int(settings["epochs"])
            kept = tuple(epoch for epoch in self._base.snapshot_at if epoch <= epochs)
            measured = None if settings["rule"] in BUILT_IN_SENTENCES else self._base.measured
            experiment = self._base.override({"snapshot_at": kept, "measured": measured, **settings})
        except EngineError as refused:  # settings that do not go together
            self._draw()
            self.query_one("#estimate", Static).update(printable(str(refused)))
            self.query_one("#start", Button).disabled = True
            return None
        self._others = ", ".join(hidden_text(h) for h in experiment.hidden[1:])
        _, inputs, labels = size_of(experiment.rule) or BUILT_IN_SIZE
        self._network = experiment.hidden[0], inputs, outputs_for(labels)
        self._draw()
        self._show_estimate(experiment)
        return experiment

    def _draw(self) -> None:
        """Draw the network; where there is no room beside the fields, below what is said of the one with the focus."""
        drawing = self.query_one("#drawing", Static)
        dot = "o" if getattr(self.app, "ascii", False) else "●"
        parts = [Content(draw_architecture(*self._network, dot=dot, room=drawing.content_size.width))]
        if self._others:
            parts.append(Content(f"and {self._others}"))
        focused = self.focused.id if self.focused is not None else None
        if focused in self._told and not self.has_class("-wide"):
            parts.insert(0, self._told[focused])
        drawing.update(Content("\n\n").join(parts))

    def on_descendant_focus(self) -> None:
        """Another field has the focus."""
        self._draw()

    def on_resize(self) -> None:
        """There may be room beside the fields, or no more."""
        self.call_after_refresh(self._draw)

    def _show_estimate(self, experiment: Experiment) -> None:
        grid = len(experiment.ensembles)
        whole = f"{grid} ensemble{'s' if grid > 1 else ''} of {experiment.networks} networks"
        if self._speed is None:
            text = f"{whole}; measuring this machine …"
        else:
            cost = estimate(experiment, self._speed, *(size_of(experiment.rule) or BUILT_IN_SIZE))
            text = f"{whole}: about {duration(cost.seconds)} on this machine, {size(cost.bytes)} on disk"
        self.query_one("#estimate", Static).update(text)

    @work(exclusive=True)
    async def _calibrate(self) -> None:
        """Measure this machine in another process, which may import Numba."""
        code = (
            "import json; from dataclasses import asdict; from ibtui_engine.calibration import calibrate;"
            " print(json.dumps(asdict(calibrate())))"
        )
        status, answer, _ = await run_python("-c", code)
        if status == 0 and self in self.app.screen_stack:  # the form may have been left
            self._speed = Speed(**json.loads(answer))
            self._check()

    def action_pick(self, field: str, value: str) -> None:
        """A known value was clicked."""
        self.query_one(f"#{field}", Input).value = value

    def action_start(self) -> None:
        """Begin the run and go to its session."""
        experiment = self._check()
        if experiment is None:
            self.notify("some settings are out of range", severity="warning")
            return
        name = self.query_one("#name", Input).value.strip()
        path = self._directory / f"{name}.ibs" if name else free_path(self._directory, experiment.title)
        if path.exists():
            self.notify(printable(f"{path.stem} exists already: choose another name"), severity="warning", markup=False)
            return
        self.post_message(StartRun(experiment, path))


def _option(name: str) -> Option:
    from rich.text import Text

    text = Text(name, style="bold")
    text.append(f"\n{PRESETS[name].sentence}\n", style="not bold dim")
    return Option(text, id=name)


def draw_architecture(hidden: Hidden, inputs: int = 12, outputs: int = 1, dot: str = "●", room: int = 0) -> str:
    """The network as columns of its layers' widths, the output on the right; wide layers are cut, with their width.

    Where `room` columns (if any are named) do not hold the widths below their layers, these move together.
    """
    widths = (inputs, *hidden, outputs)
    apart = not 0 < room < 4 * len(widths) - 1
    rows = min(max(widths), 12)
    lines = []
    for row in range(rows):
        cells = []
        for width in widths:
            height = min(width, rows)
            top = (rows - height) // 2
            cells.append(dot if top <= row < top + height else " ")
        lines.append(("   " if apart else " ").join(cells))
    lines.append(" ".join(f"{width:<3}" for width in widths).rstrip() if apart else "-".join(map(str, widths)))
    return "\n".join(lines)

"""The form for a new experiment: presets at one side, settings at the other, each with its range or its error.

The fields follow from `ibtui_engine.settings`. Those that few need are
behind "more settings"; Start is always in sight.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Button, Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from ibtui.commands import ask, run_python
from ibtui.files import require_new, require_place, write_whole
from ibtui.formatting import duration, printable, size
from ibtui.locations import free_path, require_name
from ibtui.messages import StartRun
from ibtui.screens.form_fields import FIELDS, FIRST, FURTHER, OF_RUN, PRESET, Picker, beginnings, hint
from ibtui.widgets.keys_footer import KeysFooter
from ibtui.widgets.too_small import TooSmall
from ibtui_engine.calibration import BUILT_IN_SIZE, Speed, estimate
from ibtui_engine.errors import EngineError, InvalidValue
from ibtui_engine.experiment import MAX_EPOCHS, OF_RULES, OF_TABLES, Experiment, Hidden, hidden_text, read_settings
from ibtui_engine.presets import DEFAULT, PRESETS
from ibtui_engine.rules.image_files import require_images, size_of
from ibtui_engine.rules.labels import outputs_for
from ibtui_engine.rules.names import BUILT_IN_SENTENCES, TABLE_PREFIX, parse_rule_name, rule_kind
from ibtui_engine.rules.tables.report import TableReport
from ibtui_engine.setting import written
from ibtui_engine.settings import SETTINGS

RULE_FIELDS = ("rule", *OF_RULES, "seed")
"""Fields that say what the rule is."""
WIDE = 100
"""Columns from which on there is room for the presets."""
PAUSE_SECONDS = 0.3
"""After which a rule that is typed is looked at: not at every letter."""
UNSETTLED = ("rule", *OF_TABLES, "directory", "config", "save_config")
"""Fields whose value may become right or wrong while it stays as it is."""
CLOSED, OPEN = "▸ More settings  (f2)", "▾ Fewer settings  (f2)"


class NewScreen(Screen[None]):
    """Sets up an experiment and starts it."""

    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (20, "-low"), (34, "-tall")]  # noqa: RUF012

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Library", id="new.leave"),
        Binding("ctrl+s", "start", "Start", id="new.start", priority=True),
        Binding("f2", "further", "More settings", id="new.further", priority=True),
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
        """The text beside each field: its range, or its error."""
        self._network: tuple[Hidden, int, int] = self._base.hidden[0], BUILT_IN_SIZE[1], 1
        """The network that is drawn: its hidden layers, inputs and outputs."""
        self._read: dict[str, tuple[str, Any, str]] = {}
        """What is in each field: its text, its value, and what is wrong with it."""
        self._rule_said: dict[str, tuple[str, str]] = {}
        """What the rules are that were looked at, by what they are asked for with; and the field at fault where they
        are refused.
        """
        self._rule_size: dict[str, tuple[int, int, int]] = {}
        """Their patterns, inputs and labels."""
        self._wrong = ""
        """Why the settings cannot be run."""
        self._fitting = self._base.estimator
        """The estimator that fits the networks in the form."""
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
                    yield Picker("preset", PRESET)
                for name in FIRST:
                    yield self._field(name)
                yield Button(CLOSED, id="more", compact=True)
                with Vertical(id="further"):
                    for panel, names in FURTHER.items():
                        yield Label(panel, classes="panel")
                        for name in names:
                            yield self._field(name)
                yield Static(id="drawing", markup=False)
        with Horizontal(id="foot"):
            yield Static(id="estimate", markup=False)
            yield Button("Start  (ctrl+s)", id="start", variant="primary", compact=True)
        yield KeysFooter()
        yield TooSmall()

    def _field(self, name: str) -> Horizontal:
        field = FIELDS[name]
        return Horizontal(
            Label(field.label, id=f"label-{name}", classes="label"),
            Picker(name, field),
            Static(hint(name, field), id=f"hint-{name}", classes="hint", markup=False),
            classes="field",
            id=f"field-{name}",
        )

    def on_mount(self) -> None:
        """Fill in the settings to begin with."""
        self.query_one("#further").display = False
        with self.prevent(Input.Changed):
            self.query_one("#version", Input).value = OF_RUN["version"].choices[0]
        self.fill(self._base)
        presets = self.query_one("#presets", OptionList)
        presets.highlighted = presets.get_option_index(self._preset)
        self.query_one("#preset", Input).value = "" if self._like else self._preset
        begin = presets if self._like is None and self.app.size.width >= WIDE else self.query_one("#hidden", Input)
        begin.focus()
        self._calibrate()

    def fill(self, experiment: Experiment) -> None:
        """Put an experiment's settings into the form."""
        self._base = experiment
        self._fitting = Experiment(activation_bits=experiment.activation_bits).estimator
        with self.prevent(Input.Changed):
            for name, setting in SETTINGS.items():
                self.query_one(f"#{name}", Input).value = printable(setting.text(getattr(experiment, name)))
        self._check()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """A preset is under the cursor."""
        if event.option.id:
            self._choose(event.option.id)

    def _choose(self, preset: str) -> None:
        if preset != self._preset:
            self._preset = preset
            self._fill_preset()

    def _fill_preset(self) -> None:
        preset = PRESETS[self._preset]
        with self.prevent(Input.Changed):
            self.query_one("#name", Input).value = ""
        self.fill(preset.quick if self.query_one("#version", Input).value == "quick" else preset.experiment)

    def on_option_list_option_selected(self) -> None:
        """A preset is chosen: on to the form."""
        self._fill_preset()
        self.query_one("#hidden", Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Something is typed."""
        match event.input.id:
            case "preset":
                known = event.value in PRESETS
                self._told["preset"] = Content(PRESETS[event.value].sentence if known else ", ".join(PRESETS))
                if known:
                    self._choose(event.value)
                self._draw()
            case "version":
                if event.value in OF_RUN["version"].choices:
                    self._fill_preset()
            case "config":
                self._fill_from(event.value)
            case name:
                if name == "activation_bits":
                    self._follow_bits(event.value)
                self._check()

    def _fill_from(self, text: str) -> None:
        """Fill the form from a settings file, once it is named in full."""
        if text.endswith(".toml") and Path(text).is_file():
            try:
                settings = {name.replace("-", "_"): value for name, value in read_settings(Path(text)).items()}
                preset = PRESETS.get(str(settings.get("preset", DEFAULT)), PRESETS[DEFAULT])
                base = preset.quick if settings.get("quick") is True else preset.experiment
                self.fill(base.override({name: value for name, value in settings.items() if name in SETTINGS}))
            except EngineError:  # said beside the field
                pass
        self._check()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Start, or show more."""
        if event.button.id == "more":
            self.action_further()
        else:
            self.action_start()

    def action_further(self) -> None:
        """Show all settings, or those that are always there."""
        further = self.query_one("#further")
        further.display = not further.display
        self._check()
        first = next(name for names in FURTHER.values() for name in names)
        self.call_after_refresh(self.query_one(f"#{first}" if further.display else "#more").focus)

    def _check(self) -> Experiment | None:
        """Show each field's range, or its error; the experiment, if there is none."""
        settings: dict[str, Any] = {}
        wrong: list[str] = []
        optimizers = self.query_one("#optimizer", Input).value
        for name, field in FIELDS.items():
            asked = field.of in optimizers
            self.query_one(f"#field-{name}").display = asked
            if not asked:
                continue
            text = self.query_one(f"#{name}", Input).value
            if self._read.get(name, ("",))[0] != text or name not in self._read or name in UNSETTLED:
                value, error = self._value(name, text)
                self._read[name] = text, value, error
                self._say(name, text, error)
            _, value, error = self._read[name]
            if name in SETTINGS:
                settings[name] = value
            if error:
                wrong.append(name)
        self._show_further(wrong)
        self._wrong = f"{FIELDS[wrong[0]].label}: {self._told[wrong[0]].plain}" if wrong else ""
        experiment = None
        if not wrong:
            try:
                experiment = self._experiment(settings)
            except EngineError as refused:  # settings that do not go together
                self._wrong = str(refused)
        self.query_one("#start", Button).disabled = experiment is None
        if experiment is None:
            self._draw()
            self.query_one("#estimate", Static).update("" if wrong else printable(self._wrong))
            return None
        self._others = ", ".join(hidden_text(h) for h in experiment.hidden[1:])
        _, inputs, labels = self._size_of(experiment)
        self._network = experiment.hidden[0], inputs, outputs_for(labels)
        self._draw()
        self._show_estimate(experiment)
        return experiment

    def _value(self, name: str, text: str) -> tuple[Any, str]:
        """What is in a field, and what is wrong with it."""
        field, value = FIELDS[name], None
        try:
            value = field.read(text)
            self._require(name, value)
        except ValueError:
            kind = "answer" if field.kind == "flag" else "number"
            takes = hint(name, field).plain
            return None, f"{text!r} is no {kind}: {takes}" if text.strip() else f"is empty: {takes}"
        except EngineError as refused:
            return value, str(refused)
        return value, ""

    def _require(self, name: str, value: Any) -> None:
        """Refuse what a field cannot have, whatever the others have."""
        if name in SETTINGS:
            field = FIELDS[name]
            alone = {"optimizer": field.of, "epochs": MAX_EPOCHS} if field.of else {}
            alone |= {"epochs": MAX_EPOCHS} if name == "snapshot_at" else {}
            alone |= dict(field.beside)
            alone |= {"rule": f"{TABLE_PREFIX}any.csv"} if name in OF_TABLES else {}
            Experiment().override({**alone, name: value})
            if name == "rule":
                for rule in value:
                    require_images(parse_rule_name(rule))
                    if rule_kind(rule) == "table" and not _is_there(rule):
                        raise InvalidValue(f"table {rule.removeprefix(TABLE_PREFIX)!r} does not exist")
                self._look_at_rules()
            if name == "test" and value is not None and not _is_there(value):
                raise InvalidValue(f"there is no file {value!r}{self._beginnings(name)}")
            if name in RULE_FIELDS:
                for said, at_fault in self._said_of_rules():
                    if at_fault == name:
                        raise InvalidValue(said)
        elif value is not None:
            match name:
                case "name":
                    require_name(value)
                case "directory" if not os.path.isdir(value):
                    raise InvalidValue(f"there is no directory {value!r}{self._beginnings(name)}")
                case "config":
                    if not os.path.isfile(value):
                        raise InvalidValue(f"there is no file {value!r}{self._beginnings(name)}")
                    read_settings(Path(value))
                case "save_config":
                    require_new(Path(value), ".toml")
                    require_place(Path(value))
                case "threads" | "version":
                    FIELDS[name].require(name, value)

    def _beginnings(self, name: str) -> str:
        found = beginnings(name, self.query_one(f"#{name}", Input).value)
        return f"; tab completes: {found}" if found else ""

    def _say(self, name: str, text: str, error: str) -> None:
        """Say beside a field what it takes, or what is wrong with it."""
        told = Content(printable(error)).stylize("$text-error") if error else hint(name, FIELDS[name])
        if name == "rule":
            tables = any(rule_kind(rule) == "table" for rule in FIELDS["rule"].read(text))
            answers = self._said_of_rules()
            faults = [at_fault for _, at_fault in answers if at_fault]
            if faults and not error:
                told = Content(f"see {FIELDS[faults[0]].label}")
            elif any(said for said, _ in answers) and not error:
                lines = Content("\n".join(printable(line) for said, _ in answers for line in said.splitlines()))
                told = lines if tables else Content("\n").join([told, lines])
            elif not error and tables:
                told = Content(f"reading it …{self._beginnings(name)}")
            elif error and rule_kind(text) == "table" and not _is_there(text):
                told = Content(printable(f"{error}{self._beginnings(name)}")).stylize("$text-error")
        if (before := self._told.get(name)) is not None and before.is_same(told):
            return
        self._told[name] = told
        beside = self.query_one(f"#hint-{name}", Static)
        beside.update(told)
        for widget in (beside, self.query_one(f"#label-{name}")):
            widget.set_class(bool(error), "error")

    def _show_further(self, wrong: list[str]) -> None:
        """Say on the button how many of the further settings are other than usual, and show them if one is wrong."""
        further = self.query_one("#further")
        hidden = [name for names in FURTHER.values() for name in names]
        if not further.display and any(name in wrong for name in hidden):
            further.display = True
        usual = Experiment()
        changed = sum(
            self.query_one(f"#{name}", Input).value != SETTINGS[name].text(getattr(usual, name))
            for name in hidden
            if name in SETTINGS
        )
        told = f", {changed} set" if changed else ""
        self.query_one("#more", Button).label = Content((OPEN if further.display else CLOSED) + told)

    def _follow_bits(self, text: str) -> None:
        """Put the estimator that fits the activation bits into its field, where the one is that fitted those before."""
        try:
            fitting = Experiment.from_dict({"activation_bits": FIELDS["activation_bits"].read(text)}).estimator
        except (ValueError, EngineError):  # said beside the field
            return
        field = self.query_one("#estimator", Input)
        if field.value == self._fitting:
            with self.prevent(Input.Changed):
                field.value = fitting
        self._fitting = fitting

    def _experiment(self, settings: dict[str, Any]) -> Experiment:
        """The experiment of all fields. What nobody has touched follows the others: fewer epochs leave out those of the
        preset's snapshots that are no longer reached, and a rule of two labels is measured over all its patterns.

        Raises:
            InvalidValue: settings do not go together.
        """
        base, epochs = self._base, int(settings["epochs"])
        if tuple(settings["snapshot_at"]) == base.snapshot_at:
            settings = {**settings, "snapshot_at": [epoch for epoch in base.snapshot_at if epoch <= epochs]}
        if set(settings["rule"]) <= set(BUILT_IN_SENTENCES) and settings["measured"] == base.measured:
            settings = {**settings, "measured": None}
        return base.override(settings)

    @property
    def _left(self) -> bool:
        """Whether the form is no longer there, or is going: an answer that comes so late is not shown."""
        return self not in self.app.screen_stack or not self.query("#hint-rule")

    # the rules

    def _asked_of_rules(self) -> list[str]:
        """What the rules in the form are asked for with: the name of each, and what makes it. Of settings with several
        values it is the first.
        """
        values = {name: self.query_one(f"#{name}", Input).value.strip() for name in RULE_FIELDS}
        if not values["test_fraction"]:
            values["seed"] = ""  # what rows are drawn by that are held out
        first = [
            text.replace(",", " ").split()[0] if text and SETTINGS[name].grid else text
            for name, text in values.items()
            if name != "rule"
        ]
        return [json.dumps([rule, *first]) for rule in FIELDS["rule"].read(values["rule"])]

    def _said_of_rules(self) -> list[tuple[str, str]]:
        """What is known of each rule in the form, or why it is none and which field is at fault."""
        return [self._rule_said.get(asked, ("", "")) for asked in self._asked_of_rules()]

    def _size_of(self, experiment: Experiment) -> tuple[int, int, int]:
        """Patterns, inputs and labels of the first rule, as far as they are known."""
        return self._sizes_of(experiment)[0]

    def _sizes_of(self, experiment: Experiment) -> list[tuple[int, int, int]]:
        """The same of each rule's name."""
        asked = self._asked_of_rules()
        return [
            size_of(name) or self._rule_size.get(one, BUILT_IN_SIZE)
            for name, one in zip(experiment.rule_names, asked, strict=True)
        ]

    def _look_at_rules(self) -> None:
        """Have rules read, if they are others; images are looked at by name alone, since they take long."""
        asked = [
            one
            for one in self._asked_of_rules()
            if rule_kind(json.loads(one)[0]) != "images" and one not in self._rule_said
        ]
        if asked:
            self._read_rules(asked)

    @work(exclusive=True, group="rule")
    async def _read_rules(self, asked: list[str]) -> None:
        """Say what the rules are in numbers, or why they are none, as `ibtui rule` does."""
        await asyncio.sleep(PAUSE_SECONDS)
        for one in asked:
            await self._read_rule(one)

    async def _read_rule(self, asked: str) -> None:
        rule, *values = json.loads(asked)
        given = [(name, value) for name, value in zip(RULE_FIELDS[1:], values, strict=True) if value]
        options = [f"--{written(name)}={value}" for name, value in given]
        answer = await ask("rule", "--answer", *options, "--", rule)
        found: dict[str, Any] = (
            json.loads(answer.output) if answer.status == 0 else {"error": answer.said, "setting": ""}
        )
        if "error" in found:
            at_fault = "rule" if rule_kind(rule) == "table" else ""
            self._rule_said[asked] = found["error"], found["setting"] or at_fault
        else:
            self._rule_said[asked] = _in_numbers(found), ""
            self._rule_size[asked] = found["patterns"], found["inputs"], found["labels"]
        if not self._left and asked in self._asked_of_rules():
            self._check()

    def _draw(self) -> None:
        """Draw the network; without room beside the fields, below the text of the one with the focus."""
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
            cost = estimate(experiment, self._speed, self._sizes_of(experiment))
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
        if status == 0 and not self._left:
            self._speed = Speed(**json.loads(answer))
            self._check()

    def action_pick(self, field: str, value: str) -> None:
        """A known value was clicked."""
        self.query_one(f"#{field}", Input).value = value

    def action_start(self) -> None:
        """Begin the run and go to its session."""
        experiment = self._check()
        if experiment is None:
            self.notify(printable(self._wrong), severity="warning", markup=False)
            return
        name = self.query_one("#name", Input).value.strip()
        directory = Path(self.query_one("#directory", Input).value.strip() or self._directory)
        path = directory / f"{name}.ibs" if name else free_path(directory, experiment.title)
        if path.exists():
            self.notify(printable(f"{path.stem} exists already: choose another name"), severity="warning", markup=False)
            return
        if self._save_settings(experiment):
            self.post_message(StartRun(experiment, path, threads=self._read["threads"][1]))

    def _save_settings(self, experiment: Experiment) -> bool:
        """Write the settings to the file that is asked for, if one is; whether that is done."""
        file = self.query_one("#save_config", Input).value.strip()
        if not file:
            return True
        import tomli_w

        try:
            require_new(Path(file), ".toml")
            write_whole(Path(file), tomli_w.dumps(experiment.to_dict()).encode())
        except EngineError as error:
            self.notify(printable(str(error)), severity="error", markup=False)
            return False
        self.notify(printable(f"wrote the settings to {file}"), markup=False)
        return True


def _option(name: str) -> Option:
    from rich.text import Text

    text = Text(name, style="bold")
    text.append(f"\n{PRESETS[name].sentence}\n", style="not bold dim")
    return Option(text, id=name)


def _is_there(table: str) -> bool:
    """Whether the file that a table's name means is there."""
    try:
        path = parse_rule_name(table).path
        return path is not None and path.is_file()
    except (EngineError, OSError, ValueError):
        return False


def _in_numbers(rule: dict[str, Any]) -> str:
    """What a rule is, in a line; and what was read, in more of them, where it is a table."""
    told = (
        f"{rule['patterns']} patterns of {rule['inputs']} inputs, {rule['labels']} labels: H(X) {rule['h_x']:.4g}, "
        f"I(X;Y) {rule['i_xy']:.4g} bits"
    )
    return "\n".join((told, *TableReport.from_dict(rule["table"]).lines()[2:])) if "table" in rule else told


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

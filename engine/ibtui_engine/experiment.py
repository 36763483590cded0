"""What to run: an experiment is a grid of ensembles, validated when it is made.

Settings that `ibtui_engine.settings.GRID` names hold one or more values each. Every combination of them is an ensemble.

Standard library only, so that a form or a command can check settings without loading the engine. Defaults are
those of Shwartz-Ziv and Tishby (2017), section 3.1.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ibtui_engine.errors import InvalidValue, either, shown
from ibtui_engine.estimation import SETTING_OF, Estimation
from ibtui_engine.rules.names import RuleName, parse_rule_name, rule_kind, unreadable
from ibtui_engine.rules.tables.options import Reading
from ibtui_engine.setting import is_whole, written
from ibtui_engine.settings import (
    ACTIVATIONS,
    BINNED,
    BOUNDED,
    DEFAULT_RELAX_FROM,
    DEFAULT_SNAPSHOTS,
    DEVICES,
    ESTIMATORS,
    FLAT,
    GRID,
    LABELS,
    LARGE_GRID_SNAPSHOTS,
    MAX_EPOCHS,
    MAX_NETWORKS,
    MAX_SNAPSHOTS,
    MAX_STATES_WIDTH,
    NO_BOTTLENECK,
    NOT_ROUNDED,
    OPTIMIZERS,
    OWN_NOISE,
    SAMPLINGS,
    SETTINGS,
    TRAINERS,
    UNITS,
    USED_BY,
)
from ibtui_engine.toml_file import read_toml

__all__ = [
    "ACTIVATIONS",
    "BINNED",
    "DEFAULT_RELAX_FROM",
    "DEFAULT_SNAPSHOTS",
    "DEVICES",
    "ESTIMATORS",
    "GRID",
    "LABELS",
    "LARGE_GRID",
    "LARGE_GRID_SNAPSHOTS",
    "LONGEST_RULE",
    "MAX_ENSEMBLES",
    "MAX_EPOCHS",
    "MAX_HIDDEN_LAYERS",
    "MAX_NETWORKS",
    "MAX_SCHEDULE",
    "MAX_SNAPSHOTS",
    "MAX_STATES_WIDTH",
    "MAX_WIDTH",
    "OPTIMIZERS",
    "SAMPLINGS",
    "TRAINERS",
    "UNITS",
    "Ensemble",
    "Experiment",
    "Hidden",
    "RuleSettings",
    "hidden_text",
    "log_spaced_epochs",
    "parse_hidden",
    "read_settings",
]

MAX_HIDDEN_LAYERS = 16
MAX_WIDTH = 65_536
MAX_SCHEDULE = 250_000
"""Epochs to measure in all, however often a run was extended."""
MAX_ENSEMBLES = 10_000
LARGE_GRID = 20
"""Ensembles from which on a grid is a large one: one is finished after the other, and fewer epochs are measured unless
somebody asks for more."""
WITH_MOMENTUM = ("momentum", "adam")
"""Optimisers that use `momentum`."""
PLURALS = (
    ("batch", "batches"),
    ("learning_rate", "learning-rates"),
    ("momentum", "momenta"),
    ("init_scale", "initial-scales"),
    ("weight_decay", "weight-decays"),
    ("dropout", "dropouts"),
    ("ib_beta", "ib-betas"),
    ("theta", "thetas"),
    ("gamma", "gammas"),
    ("i_xy", "informations"),
)
"""Settings of which a title says how many values they have, rather than which."""
OF_RELAXATIONS = tuple(name for name, setting in SETTINGS.items() if setting.of == "metropolis")
"""Settings that only the Monte-Carlo relaxation has."""
OF_TABLES = tuple(field.name for field in fields(Reading))
"""Settings that only tables have."""
OF_RULES = ("theta", "gamma", "i_xy", *OF_TABLES)
"""Settings that say more of the rule than its name."""
LONGEST_RULE = 5_000
"""Characters of a rule's name, which may be the path of a file."""

Hidden = tuple[int, ...]
Batch = int | Literal["full"]
Bits = int | Literal["none"]
Beta = float | Literal["none"]
BY_NETWORKS = "auto"
"""In place of an estimator: the one that fits the networks."""

Theta = float | Literal["auto"]


class RuleSettings(NamedTuple):
    """What a rule is made from, besides how a table is read."""

    rule: str
    theta: Theta | None
    gamma: float | None
    i_xy: float | None

    @property
    def name(self) -> RuleName:
        """What the rule's name stands for."""
        return parse_rule_name(self.rule)


@dataclass(frozen=True, kw_only=True)
class Ensemble:
    """The networks of one combination of settings, trained together. What each setting is stands in `Experiment`."""

    index: int
    """Place in the experiment's grid, from 0."""
    rule: str
    theta: Theta | None
    gamma: float | None
    i_xy: float | None
    hidden: Hidden
    fraction: float
    batch: Batch
    learning_rate: float
    optimizer: str
    momentum: float
    weight_decay: float
    dropout: float
    sampling: str
    units: str
    ib_beta: Beta
    ib_method: str
    activation: str
    activation_bits: Bits
    init_scale: float
    labels: str

    def to_dict(self) -> dict[str, Any]:
        """Its settings as plain values for JSON."""
        return {name: plain_value(getattr(self, name)) for name in GRID}

    @property
    def bits(self) -> int:
        """Bits of the levels that activations are rounded to; 0 where they are not."""
        return 0 if self.activation_bits == NOT_ROUNDED else int(self.activation_bits)

    @property
    def bottleneck(self) -> float | None:
        """beta of its objective; None where information is no part of that."""
        return float(self.ib_beta) if isinstance(self.ib_beta, int | float) else None

    @property
    def stochastic(self) -> bool:
        """Whether its hidden units are −1 or 1 by chance."""
        return self.units == "stochastic"

    @property
    def rule_settings(self) -> RuleSettings:
        """What its rule is made from."""
        return RuleSettings(self.rule, self.theta, self.gamma, self.i_xy)

    def told_apart(self, varied: Sequence[str]) -> str:
        """What tells it from the others of its session: `10-8-6-4-2 at 0.85, batch 128`.

        Args:
            varied: settings of which the session has several values.
        """
        more = [named(name, getattr(self, name)) for name in varied if name not in ("hidden", "fraction")]
        return ", ".join([f"{hidden_text(self.hidden)} at {self.fraction:.4g}", *more])


def named(name: str, value: Any) -> str:
    """A value of a setting, with what it is of: `batch 128`, `relu`, `random labels`; of a rule its short name."""
    if name == "rule":
        return parse_rule_name(value).short
    return SETTINGS[name].named.format(f"{value:.4g}" if isinstance(value, float) else value)


def differing(one: Ensemble, other: Ensemble) -> tuple[str, ...]:
    """Settings that two ensembles differ in."""
    return tuple(name for name in GRID if getattr(one, name) != getattr(other, name))


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A grid of ensembles and how they are trained and measured.

    A single value of a setting of the grid may be given as it is: `Experiment(fraction=0.5)`.

    Raises:
        InvalidValue: a setting is outside its range; the text names the setting, the value and the range.
    """

    rule: tuple[str, ...] = ("symmetric",)
    """Each `symmetric`, `symmetric-soft`, `committee`, `perceptron`, `digits`, `mnist:DIR`, or `table:FILE`."""
    theta: tuple[Theta | None, ...] = (None,)
    """Thresholds of the rule; `auto` balances p(y=1) to 0.5; None is the rule's own."""
    gamma: tuple[float | None, ...] = (None,)
    """Sharpness of the rule; None is the rule's own."""
    i_xy: tuple[float | None, ...] = (None,)
    """I(X;Y) in bits that gamma is chosen for; excludes `gamma`."""
    label: str | None = None
    """The label column of a table, by its name or its number from 1; None finds it. Of tables only, as seven more."""
    ignore: str | None = None
    """Columns of a table that are no inputs, names or numbers with commas between."""
    label_kind: str = "auto"
    """One of `LABEL_KINDS`: what the label column of a table holds."""
    label_bins: int | None = None
    """Classes of equal mass that a continuous label of a table is cut into; None leaves it as it is."""
    scale: str = "auto"
    """One of `SCALES`: what is done to the inputs of a table. Whoever trains or measures sees the scaled ones."""
    weight: str | None = None
    """The column of a table that p(x) is in proportion to, or `none`; None is one called `weight`."""
    test_fraction: float | None = None
    """Share of a table's rows that are held out: no network trains on them, and they are measured separately."""
    test: str | None = None
    """A second table, whose rows are held out instead."""
    hidden: tuple[Hidden, ...] = ((10, 8, 6, 4, 2),)
    """Architectures: the widths of the hidden layers of each, from the input on; empty for none."""
    fraction: tuple[float, ...] = (0.85,)
    """Shares of the patterns in each network's sample, above 0 and at most 1."""
    networks: int = 50
    """Networks in each ensemble."""
    seed: int = 0
    """Seed of the first network; network k has seed + k."""
    epochs: int = 10_000
    batch: tuple[Batch, ...] = (512,)
    """Patterns in a batch; the last one of an epoch may be smaller. `full` takes the whole sample."""
    learning_rate: tuple[float, ...] = (0.02,)
    optimizer: tuple[str, ...] = ("sgd",)
    """Optimisers, of `OPTIMIZERS`."""
    momentum: tuple[float, ...] = (0.9,)
    """Used by the optimiser `momentum` (and as the decay of Adam's first moment) only."""
    relax_from: int | None = None
    """Epoch up to which `metropolis` is SGD; None is `DEFAULT_RELAX_FROM`. Used by `metropolis` only."""
    relax_prior: str | None = None
    """Law of the weights that the relaxation of `metropolis` samples where the loss allows, of `PRIORS`; None is flat.
    Used by `metropolis` only."""
    weight_decay: tuple[float, ...] = (0.0,)
    """Half of it times the squared norm of the weights, biases apart, is added to the loss."""
    dropout: tuple[float, ...] = (0.0,)
    """Variance of the normal numbers of mean 1 that deterministic hidden units' outputs are multiplied by in training;
    layers are measured without them."""
    sampling: tuple[str, ...] = ("shuffled",)
    """How a step comes by its gradient, of `SAMPLINGS`."""
    units: tuple[str, ...] = ("deterministic",)
    """Kinds of hidden units, of `UNITS`."""
    ib_beta: tuple[Beta, ...] = ("none",)
    """What I(X;T) of each hidden layer of stochastic units is divided by in the objective; `none` leaves it out."""
    ib_method: tuple[str, ...] = ("gradient",)
    """How `ib_beta` is obeyed, of `IB_METHODS`."""
    activation: tuple[str, ...] = ("tanh",)
    """Of deterministic hidden layers; the output is logistic, or a softmax where there are more than two labels."""
    activation_bits: tuple[Bits, ...] = ("none",)
    """Bits of the levels that outputs of layers are rounded to (Lorenzen, Igel and Nielsen 2022), of bounded
    activations only; `none` leaves them as they are. Hidden layers hand the rounded outputs on, in training and in
    measuring. The network's own output is rounded where it is measured; the loss and its gradient have it as it is."""
    init_scale: tuple[float, ...] = (1.0,)
    """Standard deviation of the initial weights in units of 1/sqrt(fan-in)."""
    labels: tuple[str, ...] = ("rule",)
    """Labels of the samples: drawn from p(y|x), or `random`: all equally likely, so that there is nothing to learn but
    the sample itself. Layers are measured under the true rule in both cases."""
    estimator: str = BY_NETWORKS
    """One of `ESTIMATORS`; `auto` is replaced by `exact` where all networks are quantised, else by `binning`."""
    bins: int = 30
    """Intervals that a neuron's output is put in. Used by the estimators in `BINNED` only."""
    noise: float | None = None
    """Variance of the Gaussian noise that the estimators `kde` and `gauss` add to each neuron's output, in multiples of
    `noise_scale`; None is 0.001 in units of activation² for `kde`, and 0.03 of the layer for `gauss`."""
    noise_scale: str | None = None
    """One of `NOISE_SCALES`: what `noise`, which has to be given, is a multiple of; None is absolute."""
    noise_samples: int | None = None
    """Draws of the noise of `gauss` for each layer; None is `DEFAULT_SAMPLES`."""
    kernel_width: float | None = None
    """Width of the kernel of `renyi`, in medians of the distance between two patterns; None is `DEFAULT_WIDTH`."""
    measured: int | None = None
    """Information is measured over that many of the patterns, the same for all networks, chosen at random by `seed`;
    None (or more than there are) is all. For rules of more than two labels only. Losses are over all patterns."""
    snapshots: int | None = None
    """How many epochs are measured between the first and the last, evenly spaced in log epoch; None is 120, or
    none where `snapshot_at` names epochs."""
    snapshot_at: tuple[int, ...] = ()
    """Further epochs to measure."""
    weights: bool = True
    """Whether the weights at each snapshot are kept."""
    trainer: str = "auto"
    device: str = "auto"

    def __post_init__(self) -> None:
        for name in GRID:
            self._take_values(name)
        if self.estimator == BY_NETWORKS:
            object.__setattr__(self, "estimator", self._estimator_of_networks)
        for rule in self.rule:
            if not isinstance(rule, str):
                raise InvalidValue(f"rule must be a text such as symmetric or table:FILE, got {shown(rule)}")
            if len(rule) > LONGEST_RULE:
                raise InvalidValue(f"rule must be a name of up to {LONGEST_RULE} characters, got {shown(rule)}")
            if parse_rule_name(rule).of_recording:
                raise InvalidValue(f"{shown(rule)} is the data of a recording, which cannot be run")
        for widths in self.hidden:
            _require_widths(widths)
        for name, setting in SETTINGS.items():
            values = getattr(self, name) if setting.several else (getattr(self, name),)
            for value in values:
                setting.require(name, value)
            if setting.grid and len(set(values)) < len(values):
                raise InvalidValue(f"{written(name)} names the same value twice: {setting.text(values)}")
        if self.quantised and (unbounded := [name for name in self.activation if name not in BOUNDED]):
            raise InvalidValue(
                f"activation must be {either(BOUNDED)} where activation-bits rounds it, got {shown(unbounded[0])}"
            )
        if self.count > MAX_ENSEMBLES:
            many = [f"{len(getattr(self, name))} values of {written(name)}" for name in self.varied]
            raise InvalidValue(
                f"a grid must have at most {MAX_ENSEMBLES} ensembles, got {self.count} from {', '.join(many)}"
            )
        if len(self.momentum) > 1 and (without := [o for o in self.optimizer if o not in WITH_MOMENTUM]):
            raise InvalidValue(
                f"momentum has several values, and the optimizer {without[0]} uses none of them: leave one out"
            )
        for name in ("theta", "gamma", "i_xy"):
            if len(getattr(self, name)) > 1 and None in getattr(self, name):
                raise InvalidValue(f"{written(name)} must be {SETTINGS[name].allowed}, got None among several")
        made = {name for name in ("theta", "gamma", "i_xy") if getattr(self, name) != (None,)}
        if {"gamma", "i_xy"} <= made:
            raise InvalidValue("gamma and i-xy both fix the rule's sharpness: give one of them")
        self._require_table()
        if made and (fixed := [name.text for name in self.rule_names if not name.settable]):
            raise InvalidValue(f"theta, gamma and i-xy do not apply to {fixed[0]!r}: it has its own labels")
        if len(self.snapshot_at) > MAX_SNAPSHOTS:
            raise InvalidValue(f"snapshot-at must name at most {MAX_SNAPSHOTS} epochs, got {len(self.snapshot_at)}")
        for epoch in self.snapshot_at:
            _require_epoch("snapshot-at", epoch, self.epochs, "(the last epoch)")
        if self.noise_scale is not None and self.noise is None:
            raise InvalidValue("noise-scale is what noise is a multiple of: give --noise, too")
        if self.trainer == "fused" and self.device not in ("auto", "cpu"):
            raise InvalidValue(f"the fused trainer runs on the cpu, not on {self.device}: use --trainer torch")
        self._require_relaxation()
        self._require_stochastic()

    def _take_values(self, name: str) -> None:
        """Make a tuple of what a setting of the grid is given."""
        given: Any = getattr(self, name)
        values = tuple(given) if isinstance(given, tuple | list) else (given,)
        if not values:
            usual = SETTINGS[name].text(type(self).__dataclass_fields__[name].default)
            like = f", such as {usual}" if usual else ""
            raise InvalidValue(f"{written(name)} is empty: give at least one value{like}")
        object.__setattr__(self, name, values)

    def _require_table(self) -> None:
        """Refuse settings of tables for other rules, and texts that are none."""
        for name in OF_TABLES:
            value, called = getattr(self, name), written(name)
            text = SETTINGS[name].kind == "text" and value is not None
            if text and not (isinstance(value, str) and 0 < len(value) <= LONGEST_RULE):
                raise InvalidValue(f"{called} must be 1 to {LONGEST_RULE} characters, got {shown(value)}")
            if value != _usual(name) and not self._of_tables:
                rules = ", ".join(self.rule)
                raise InvalidValue(f"{called} applies only to tables, such as table:x.csv, not to {shown(rules)}")
        if self.test_fraction is not None and self.test is not None:
            raise InvalidValue("test-fraction and test both say which rows are held out: give one of them")
        if self.test is not None and rule_kind(self.test) != "table":
            raise InvalidValue(f"test: {unreadable(self.test)}")

    def _require_relaxation(self) -> None:
        if not self.relaxes:
            for name in OF_RELAXATIONS:
                if getattr(self, name) is not None:
                    raise InvalidValue(f"--{written(name)} applies only to --optimizer metropolis")
            return
        _require_epoch("relax-from", self.relaxation_epoch, self.epochs - 1, "(before the last epoch)")
        if self.trainer == "torch":
            raise InvalidValue("the torch trainer has no metropolis: use --trainer fused or auto")
        if self.device not in ("auto", "cpu"):
            raise InvalidValue(f"metropolis runs on the cpu, not on {self.device}: leave out --device")

    def _require_stochastic(self) -> None:
        """Refuse what stochastic units have not, and what others have not: each line says what is allowed."""
        if not self.all_stochastic and self.ib_beta != _usual("ib_beta"):
            got = SETTINGS["ib_beta"].text(self.ib_beta)
            raise InvalidValue(f"ib-beta applies only to --units stochastic, got {got}: leave it out")
        if NO_BOTTLENECK in self.ib_beta and self.ib_method != _usual("ib_method"):
            got = SETTINGS["ib_method"].text(self.ib_method)
            raise InvalidValue(f"ib-method applies only where each ib-beta is a number, got {got}: leave it out")
        if not self.stochastic:
            return
        for width in (width for widths in self.hidden for width in widths):
            if width > MAX_STATES_WIDTH:
                raise InvalidValue(
                    f"each width of hidden must be at most {MAX_STATES_WIDTH} where units are stochastic, got {width}: "
                    "a layer of n units has 2^n states"
                )
        if self.relaxes:
            raise InvalidValue(
                "metropolis relaxes deterministic units: choose sgd, momentum or adam for stochastic ones"
            )
        for name in ("activation", "activation_bits", "dropout"):
            values = getattr(self, name)
            if values != _usual(name):
                got = SETTINGS[name].text(values)
                raise InvalidValue(f"{written(name)} applies only to deterministic units, got {got}: leave it out")
        if "gaussian" in self.sampling:
            raise InvalidValue(
                "gaussian sampling applies only to deterministic units: choose shuffled or replacement for stochastic "
                "ones"
            )
        if self.trainer != "auto":
            raise InvalidValue(
                f"the {self.trainer} trainer has no stochastic units, which have one of their own: use --trainer auto"
            )
        if self.device not in ("auto", "cpu"):
            raise InvalidValue(f"stochastic units are trained on the cpu, not on {self.device}: leave out --device")
        if self.all_stochastic and self.estimator != self._estimator_of_networks:
            raise InvalidValue(
                f"estimator applies only to deterministic units, got {self.estimator}: information of stochastic ones "
                "is exact"
            )

    @property
    def stochastic(self) -> bool:
        """Whether some networks have stochastic units."""
        return "stochastic" in self.units

    @property
    def all_stochastic(self) -> bool:
        """Whether all have, so that nothing is estimated."""
        return set(self.units) == {"stochastic"}

    @property
    def measured_by(self) -> str:
        """The estimator, or `OWN_NOISE` where nothing is estimated."""
        return OWN_NOISE if self.all_stochastic else self.estimator

    @property
    def rule_names(self) -> tuple[RuleName, ...]:
        """What the names of the rules stand for."""
        return tuple(map(parse_rule_name, self.rule))

    @cached_property
    def rules(self) -> tuple[RuleSettings, ...]:
        """The rules that ensembles learn, in the order of the grid, whose slowest settings they are."""
        values = (getattr(self, name) for name in RuleSettings._fields)
        return tuple(itertools.starmap(RuleSettings, itertools.product(*values)))

    def rule_number(self, ensemble: Ensemble) -> int:
        """Which of `rules` one of its ensembles learns, from 1."""
        return self._rule_numbers[ensemble.rule_settings]

    @cached_property
    def _rule_numbers(self) -> dict[RuleSettings, int]:
        return {settings: number for number, settings in enumerate(self.rules, start=1)}

    @property
    def _of_tables(self) -> bool:
        return any(name.of_table for name in self.rule_names)

    @property
    def reading(self) -> Reading:
        """How a table is read."""
        return Reading(**{name: getattr(self, name) for name in OF_TABLES})

    @property
    def varied(self) -> tuple[str, ...]:
        """Settings that have several values."""
        return tuple(name for name in GRID if len(getattr(self, name)) > 1)

    @property
    def count(self) -> int:
        """How many ensembles there are."""
        return math.prod(len(getattr(self, name)) for name in GRID)

    @property
    def large(self) -> bool:
        """Whether it is a large grid, of `LARGE_GRID` ensembles or more."""
        return self.count >= LARGE_GRID

    def ensemble(self, index: int) -> Ensemble:
        """The ensemble at a place in the grid, from 0 to below `count`. Values of the last setting change first."""
        rest, chosen = index, {}
        for name in reversed(GRID):
            values = getattr(self, name)
            rest, place = divmod(rest, len(values))
            chosen[name] = values[place]
        return Ensemble(index=index, **chosen)

    @cached_property
    def ensembles(self) -> tuple[Ensemble, ...]:
        """Every combination of the grid's values."""
        return tuple(map(self.ensemble, range(self.count)))

    @property
    def quantised(self) -> bool:
        """Whether some networks round their activations."""
        return any(bits != NOT_ROUNDED for bits in self.activation_bits)

    @property
    def all_quantised(self) -> bool:
        """Whether all networks do."""
        return self.quantised and NOT_ROUNDED not in self.activation_bits

    @property
    def _estimator_of_networks(self) -> str:
        """What measures them unless somebody chooses."""
        return "exact" if self.all_quantised else "binning"

    @property
    def relaxes(self) -> bool:
        """Whether some networks leave SGD for the Monte-Carlo relaxation."""
        return "metropolis" in self.optimizer

    @property
    def relaxation_epoch(self) -> int:
        """Where `metropolis` leaves SGD: `relax_from`, or its default."""
        return DEFAULT_RELAX_FROM if self.relax_from is None else self.relax_from

    @property
    def relaxation_prior(self) -> str:
        """What `metropolis` samples where the loss allows: `relax_prior`, or its default."""
        return FLAT if self.relax_prior is None else self.relax_prior

    @property
    def snapshot_epochs(self) -> tuple[int, ...]:
        """The epochs to measure, ascending, the first (0) and the last among them, and where a relaxation begins."""
        count = self.snapshots
        if count is None:
            usual = LARGE_GRID_SNAPSHOTS if self.large else DEFAULT_SNAPSHOTS
            count = 0 if self.snapshot_at else usual
        relaxation = (self.relaxation_epoch,) if self.relaxes else ()
        return tuple(sorted({*log_spaced_epochs(self.epochs, count), *self.snapshot_at, *relaxation}))

    @property
    def estimation(self) -> Estimation:
        """The estimator with those of its settings that it uses. Draws are seeded by whoever measures."""
        given = {
            name: getattr(self, setting) for name, setting in SETTING_OF.items() if self.estimator in USED_BY[setting]
        }
        return Estimation(
            estimator=self.estimator, **{name: value for name, value in given.items() if value is not None}
        )

    @property
    def title(self) -> str:
        """A short name made from what runs, for example `symmetric-10-8-6-4-2-0.85-10x2000`."""
        rule = self.rule_names[0].short if len(self.rule) == 1 else f"{len(self.rule)}-rules"
        several = "depths" if len(set(map(len, self.hidden))) > 1 else "widths"
        architectures = hidden_text(self.hidden[0]) if len(self.hidden) == 1 else f"{len(self.hidden)}-{several}"
        shares = f"{self.fraction[0]:g}" if len(self.fraction) == 1 else f"{len(self.fraction)}-fractions"
        unusual = (
            ("-".join(self.units), "deterministic"),
            ("-".join(self.activation), "tanh"),
            (f"{'-'.join(map(str, self.activation_bits))}-bit", f"{NOT_ROUNDED}-bit"),
            ("-".join(self.optimizer), "sgd"),
            ("-".join(self.sampling), "shuffled"),
            (f"{'-'.join(self.labels)}-labels", "rule-labels"),
            (self.estimator, self._estimator_of_networks),
        )
        extras = "".join(f"-{value}" for value, usual in unusual if value != usual)
        numbers = "".join(f"-{len(getattr(self, name))}-{kind}" for name, kind in PLURALS if name in self.varied)
        return f"{rule}-{architectures}-{shares}{numbers}{extras}-{self.networks}x{self.epochs}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON or TOML; `from_dict` reads them back. Unset (None) settings are left out, and
        those of tables where the rule is none.

        Settings that could not have several values in earlier versions are no list where they have one.
        """
        plain = asdict(self)
        for name in GRID:
            values = [plain_value(value) for value in getattr(self, name)]
            plain[name] = values if len(values) > 1 or name in ("hidden", "fraction") else values[0]
        plain["snapshot_at"] = list(self.snapshot_at)
        left_out = () if self._of_tables else OF_TABLES
        return {name: value for name, value in plain.items() if value is not None and name not in left_out}

    def override(self, settings: Mapping[str, Any]) -> Experiment:
        """This experiment with some settings replaced, given as plain values as in `to_dict`.

        Other activation bits bring the estimator that fits them where the one before fitted those before. Optimisers
        without metropolis among them take `relax_from` and `relax_prior` away with it, a rule that is no table those of
        tables, and no `noise` its scale.

        Raises:
            InvalidValue: a setting is unknown, of the wrong type, or outside its range.
        """
        known = {field.name for field in fields(self)}
        plain: dict[str, Any] = {}
        for raw_name, value in settings.items():
            name = raw_name.replace("-", "_")
            if name not in known:
                allowed = ", ".join(sorted(known))
                raise InvalidValue(f"unknown setting {shown(raw_name)}: known are {allowed}")
            plain[name] = _READERS[name](value) if name in _READERS else value
        if "activation_bits" in plain and self.estimator == self._estimator_of_networks:
            plain.setdefault("estimator", BY_NETWORKS)
        if "optimizer" in plain and "metropolis" not in plain["optimizer"]:
            plain = dict.fromkeys(OF_RELAXATIONS) | plain
        if "noise" in plain and plain["noise"] is None:
            plain.setdefault("noise_scale", None)
        rules = plain.get("rule", ())
        if rules and all(isinstance(rule, str) and rule_kind(rule) != "table" for rule in rules):
            plain = {name: _usual(name) for name in OF_TABLES} | plain
        return replace(self, **plain)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Experiment:
        """An experiment from plain values; what is not named keeps its default. Raises as `override` does."""
        return cls().override(settings)


def plain_value(value: Any) -> Any:
    """A value of the grid for JSON or TOML: widths as a text, all else as it is."""
    return hidden_text(value) if isinstance(value, tuple) else value


def hidden_text(hidden: Hidden) -> str:
    """Widths as people write them: `10-8-6-4-2`, or `none` without a hidden layer."""
    return "-".join(map(str, hidden)) if hidden else "none"


def parse_hidden(text: str) -> Hidden:
    """Widths from `10-8-6-4-2` (or `none`).

    Raises:
        InvalidValue: a width is not a whole number, or out of range.
    """
    if text.strip().lower() == "none":
        return ()
    try:
        widths = tuple(int(part) if part.strip().isdecimal() else _not_a_width() for part in text.split("-"))
    except ValueError:
        raise InvalidValue(
            f"hidden {shown(text)} is not a list of widths: write 10-8-6-4-2, or none for no hidden layer"
        ) from None
    _require_widths(widths)
    return widths


def log_spaced_epochs(epochs: int, between: int) -> tuple[int, ...]:
    """Epoch 0, the last, and `between` distinct epochs evenly spaced in log epoch from 1 on (or all there are).

    Rounding makes early epochs coincide, so the spacing is the widest that leaves `between` of them distinct.
    """

    def distinct(points: int) -> set[int]:
        ratio = math.log(epochs) / max(points - 1, 1)
        return {min(round(math.exp(ratio * k)), epochs) for k in range(points)} - {epochs}

    if between >= epochs - 1:
        return tuple(range(epochs + 1))
    if between == 0:
        return (0, epochs)
    low, high = between, 2 * between + 2
    while len(distinct(high)) < between:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if len(distinct(middle)) >= between else (middle, high)
    chosen = distinct(low) if len(distinct(low)) >= between else distinct(high)
    return (0, *sorted(chosen), epochs)


def read_settings(path: Path) -> dict[str, Any]:
    """Settings of a TOML file, as `Experiment.override` takes them.

    Raises:
        InvalidValue: the file is missing, unreadable, too large or not TOML.
    """
    return read_toml(path, "the settings file", pipes=True)


def _not_a_width() -> int:
    raise ValueError


def _require_widths(widths: Hidden) -> None:
    if not isinstance(widths, tuple):
        raise InvalidValue(f"hidden must be a tuple of widths for each architecture, got {shown(widths)}")
    if len(widths) > MAX_HIDDEN_LAYERS:
        raise InvalidValue(f"hidden must have at most {MAX_HIDDEN_LAYERS} layers, got {len(widths)}")
    for width in widths:
        if not is_whole(width) or not 1 <= width <= MAX_WIDTH:
            raise InvalidValue(f"each width of hidden must be a whole number from 1 to {MAX_WIDTH}, got {shown(width)}")


def _require_epoch(name: str, value: object, most: int, note: str) -> None:
    if not is_whole(value) or not 0 <= value <= most:  # type: ignore[operator]
        raise InvalidValue(f"{name} must be a whole number from 0 to {most} {note}, got {shown(value)}")


def _usual(name: str) -> Any:
    """The default of a setting."""
    return Experiment.__dataclass_fields__[name].default


def _read_names(value: Any) -> Any:
    """Names as one text, which in a settings file may be a list."""
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return ",".join(value) or None
    return str(value) if is_whole(value) and abs(value) < MAX_EPOCHS else value


def _listed(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list | tuple) else (value,)


def _read_hidden(value: Any) -> tuple[Hidden, ...]:
    entries = [value] if isinstance(value, str) else value
    if not isinstance(entries, list | tuple):
        raise InvalidValue(f"hidden must be a text such as '10-8-6-4-2' or 'none', got {shown(value)}")
    if not all(isinstance(entry, str | list | tuple) for entry in entries):
        raise InvalidValue(
            f"hidden is {shown(value)}: write one architecture as a text, '10-8-6-4-2', several as a list"
        )
    return tuple(parse_hidden(h) if isinstance(h, str) else tuple(h) for h in entries)


def _read_whole(value: Any) -> Any:
    if isinstance(value, str) and value.isdecimal() and len(value) < 20:
        return int(value)
    return value


def _read_number(value: Any) -> Any:
    """A number, or a text that is none, such as `auto`."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _read_fraction(value: Any) -> Any:
    return float(value) if is_whole(value) and abs(value) < 2 else value


def _values_of(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: tuple(map(read, _listed(value)))


_READERS: dict[str, Callable[[Any], Any]] = {
    **{name: lambda value: tuple(_listed(value)) for name in (*GRID, "snapshot_at")},
    "hidden": _read_hidden,
    "fraction": _values_of(_read_fraction),
    "batch": _values_of(_read_whole),
    "activation_bits": _values_of(_read_whole),
    "theta": _values_of(_read_number),
    "ib_beta": _values_of(_read_number),
    "label": _read_names,
    "ignore": _read_names,
    "weight": _read_names,
}
"""How plain values of some settings become what `Experiment` holds."""

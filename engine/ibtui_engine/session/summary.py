"""What a session is and how far it has come, without its numbers. Standard library only."""

from __future__ import annotations

import json
import math
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NoReturn

from ibtui_engine.errors import EngineError, InvalidValue, SessionError, damaged, shown
from ibtui_engine.experiment import Ensemble, Experiment, RuleSettings, hidden_text
from ibtui_engine.layer_names import layer_names
from ibtui_engine.recorded import RecordedSettings, Recording
from ibtui_engine.rules.labels import MOST_LABELS, outputs_for
from ibtui_engine.rules.limits import oversize
from ibtui_engine.session import limits
from ibtui_engine.session.columns import TOLERANCE
from ibtui_engine.session.connection import one_moment, open_session
from ibtui_engine.session.format import columns_of, count, lacking, number
from ibtui_engine.session.liveness import Writer, read_writer
from ibtui_engine.settings import MAX_EPOCHS

HELD_OUT = ("held_out_rows", "held_out_h_x", "held_out_i_xy")
"""Columns of a rule that say of its rows that are held out."""
Ability = Literal["resume", "remeasure", "estimators", "fit", "weights"]
_NOT_OF_RECORDINGS: dict[Ability, str] = {
    "resume": "it is a recording: only the training loop that filled it can go on with it",
    "remeasure": "it is a recording, which keeps no weights to measure again",
    "estimators": "it is a recording, measured by one estimator alone; others are named where it is recorded (also)",
    "fit": "it is a recording, which keeps no weights",
    "weights": "it is a recording, which keeps no weights",
}
STATUSES = ("running", "paused", "stopped", "finished", "interrupted")


@dataclass(frozen=True)
class RuleSummary:
    """One rule of a session: the P(X,Y) that ensembles learn and are measured under."""

    number: int
    """In the session, from 1."""
    settings: RuleSettings
    parameters: dict[str, float]
    """What it was made with."""
    patterns: int
    """How many it has."""
    inputs: int
    """How many a pattern has."""
    labels: int
    """How many it has."""
    h_x: float
    """H(X) of the patterns that information is measured over, bits."""
    i_xy: float
    """I(X;Y) of them, bits."""
    sample: bool
    """Whether P(X,Y) is a sample rather than a rule: images, or a table in which every pattern has one label."""
    held_out: HeldOutSummary | None = None
    """Rows that no network trains on; None where none are held out."""
    weighted: bool = False
    """Whether some patterns are likelier than others."""

    @property
    def name(self) -> str:
        """As it was chosen: `symmetric`, `table:var_u.mat`."""
        return self.settings.rule


@dataclass(frozen=True)
class EnsembleSummary:
    """One ensemble of a session."""

    settings: Ensemble
    rule: RuleSummary
    networks: int
    sample_size: int
    trainer: str
    device: str
    epochs_done: int
    """Of its networks that have come least far."""
    snapshots: tuple[int, ...]
    """Epochs measured for all its networks, ascending."""

    @property
    def index(self) -> int:
        """Its place in the experiment's grid, from 0."""
        return self.settings.index

    @property
    def hidden(self) -> str:
        """Its hidden layers, as people write them; of a recording what it is called."""
        if isinstance(self.settings, RecordedSettings):
            return self.settings.title
        return hidden_text(self.settings.hidden)

    @property
    def fraction(self) -> float:
        """Share of the patterns in each network's sample."""
        return self.settings.fraction

    @property
    def optimizer(self) -> str:
        """What its networks are trained with."""
        return self.settings.optimizer

    @property
    def noisy_batch(self) -> float:
        """Examples of a batch that, drawn with replacement, is as noisy as those that its networks are trained on:
        1 / (1/batch − 1/sample) where they are drawn without. Infinite for full batches; NaN where it is not known.
        """
        if isinstance(self.settings, RecordedSettings):
            return math.nan
        sample, asked = self.sample_size, self.settings.batch
        batch = sample if asked == "full" else min(asked, sample)
        if self.settings.sampling == "replacement":
            return float(batch)
        return math.inf if batch == sample else batch * sample / (sample - batch)

    @property
    def recorded(self) -> bool:
        """Whether a training loop of somebody's own has filled it."""
        return isinstance(self.settings, RecordedSettings)

    @property
    def widths(self) -> tuple[int, ...]:
        """Units in each layer of its networks: the hidden ones, and the output; of a recording those recorded."""
        if isinstance(self.settings, RecordedSettings):
            return tuple(layer.units for layer in self.settings.layers)
        return (*self.settings.hidden, outputs_for(self.rule.labels))

    def require_measured(self, epoch: int) -> None:
        """Refuse an epoch that was not measured for all its networks: InvalidValue."""
        if epoch not in self.snapshots:
            raise InvalidValue(f"epoch is {epoch}: {describe_epochs(self.snapshots)}")

    @property
    def own_names(self) -> tuple[str, ...] | None:
        """The names that the layers of a recording were given; None of a run, whose layers have those of all."""
        return self.layer_names if self.recorded else None

    @property
    def layer_names(self) -> tuple[str, ...]:
        """`T1`, `T2`, ..., and `output`; of a recording the names that its layers were given."""
        if isinstance(self.settings, RecordedSettings):
            return tuple(layer.name for layer in self.settings.layers)
        return layer_names(len(self.widths))


@dataclass(frozen=True)
class HeldOutSummary:
    """Rows of a table that no network trains on."""

    patterns: int
    """How many rows."""
    h_x: float
    """H(X) of them, bits."""
    i_xy: float
    """I(X;Y) of them, bits."""


@dataclass(frozen=True)
class Summary:
    """One session."""

    path: Path
    name: str
    status: str
    """One of `STATUSES`; `interrupted` is a run whose process ended without saying so."""
    created: float
    """Seconds since 1970."""
    size: int
    """Bytes."""
    experiment: Experiment
    rules: tuple[RuleSummary, ...]
    """In the order of the experiment's grid."""
    ensembles: tuple[EnsembleSummary, ...]
    writer: Writer | None
    """The process at work, or the one that was."""

    @property
    def epochs_done(self) -> int:
        """Of the networks that have come least far."""
        return min((e.epochs_done for e in self.ensembles), default=0)

    @property
    def telling(self) -> EnsembleSummary | None:
        """The ensemble with most to see: the largest sample, of those the most hidden layers, of those the first.

        What a session is first shown by. None where there are no networks.
        """
        return max(
            self.ensembles,
            key=lambda one: (one.fraction, len(one.settings.hidden), -one.index),
            default=None,
        )

    def batches(self, ensemble: EnsembleSummary) -> int:
        """Batches in an epoch of an ensemble's training; 0 where a recording does not say."""
        if isinstance(ensemble.settings, RecordedSettings):
            return ensemble.settings.batches
        batch = ensemble.settings.batch
        return 1 if batch == "full" else math.ceil(ensemble.sample_size / batch)

    @property
    def recorded(self) -> bool:
        """Whether a training loop of somebody's own has filled it, rather than a run of an experiment."""
        return isinstance(self.experiment, Recording)

    def by(self, place: int) -> Summary:
        """The same of a recording where numbers are by another of its estimators (`Recording.estimations`)."""
        assert isinstance(self.experiment, Recording)
        return replace(self, experiment=self.experiment.by(place))

    @property
    def by_name(self) -> str | None:
        """What the estimator is called that numbers are by, where it is a further one of a recording."""
        return self.experiment.chosen_name if isinstance(self.experiment, Recording) else None

    def can(self, what: Ability) -> bool:
        """Whether the session supports something (`why_not`)."""
        return not self.why_not(what)

    def why_not(self, what: Ability) -> str:
        """Why the session does not support something, in a sentence; empty where it does.

        Args:
            what: `resume` (go on, further or with more networks), `remeasure` (by other estimators), `estimators`
                (numbers by several: measured again, or recorded), `fit` (beta* of its layers), or `weights` (any that
                need the networks themselves).
        """
        if isinstance(self.experiment, Recording):
            if what == "estimators" and self.experiment.also:
                return ""
            return _NOT_OF_RECORDINGS[what]
        if what in ("remeasure", "estimators") and self.experiment.all_stochastic:
            return "its units are stochastic: information is exact, and there is no estimator to choose"
        if what != "resume" and not self.experiment.weights:
            return "the session keeps no weights: it was run with --no-weights"
        return ""

    @property
    def live(self) -> bool:
        """Whether a process is at work on it (pausing included)."""
        return self.status in ("running", "paused")


def read_summary(path: Path | str) -> Summary:
    """Read what a session is and how far it has come, without NumPy.

    Args:
        path: of the session.

    Raises:
        SessionError: the file is missing, not a session, damaged, or of a newer version.
    """
    path = Path(path)
    with closing(open_session(path)) as connection:
        return summarize(connection, path)


@lru_cache(maxsize=16)
def _experiment(text: str, kind: str) -> Experiment:
    """The settings of a session: those of one that runs are read at every look."""
    return (Recording if kind == "recording" else Experiment).from_dict(json.loads(text))


def summarize(connection: sqlite3.Connection, path: Path) -> Summary:
    """The summary of an open session, all of it from one moment. All that it claims is within the limits of
    `ibtui_engine.session.limits`: nobody has to look again.
    """
    try:
        with one_moment(connection), limits.short_texts(connection):
            kind = "'run'" if "kind" in lacking(connection, "session") else "kind"
            name, status, created, text, kind = connection.execute(
                f"SELECT name, status, created, experiment, {kind} FROM session"
            ).fetchone() or _damaged("it does not say what runs in it")
            writer = read_writer(connection)
            experiment = _experiment(text, kind)
            rules = _rules(connection, experiment)
            ensembles = _ensembles(connection, experiment, rules)
            if isinstance(experiment, Recording):
                done = max((one.epochs_done for one in ensembles), default=0)
                experiment = experiment.so_far(done, max((one.networks for one in ensembles), default=0))
        if status in ("running", "paused") and (writer is None or not writer.at_work(path)):
            status = "interrupted"
        if status not in STATUSES:
            _damaged(f"its status is {shown(status)}")
        return Summary(
            path=path,
            name=limits.text(name, "name"),
            status=status,
            created=limits.within(created, "time", -limits.LATEST, limits.LATEST),
            size=path.stat().st_size,
            experiment=experiment,
            rules=rules,
            ensembles=ensembles,
            writer=writer,
        )
    except (ValueError, TypeError, AttributeError, RecursionError, EngineError) as error:
        raise damaged(path, error) from error
    except OSError as error:
        raise SessionError(f"session {str(path)!r} cannot be read: {error.strerror}") from None


def _rules(connection: sqlite3.Connection, experiment: Experiment) -> tuple[RuleSummary, ...]:
    kinds = labels_column(connection)
    beside = columns_of(connection, "rule", HELD_OUT)
    p_x = columns_of(connection, "rule", ["p_x"])
    rows = connection.execute(
        f"SELECT id, name, parameters, h_x, i_xy, h_y, {p_x} IS NOT NULL, {beside}, rows, inputs, {kinds}, dtype"
        " FROM rule ORDER BY id"
    ).fetchall()
    if not rows:
        _damaged("it has no rule")
    if (numbers := [row[0] for row in rows]) != list(range(1, len(experiment.rules) + 1)):
        _damaged(f"its rules are numbered {shown(numbers)}, where its experiment has {len(experiment.rules)}, from 1")
    return tuple(_rule(settings, *row) for settings, row in zip(experiment.rules, rows, strict=True))


def _rule(
    settings: RuleSettings,
    index: int,
    name: object,
    made: str,
    h_x: object,
    i_xy: object,
    h_y: object,
    weighted: object,
    *beside_and_size: object,
) -> RuleSummary:
    limits.text(name, "rule's name")
    beside, size = beside_and_size[: len(HELD_OUT)], beside_and_size[len(HELD_OUT) :]
    patterns, inputs, labels = rule_size(*size)
    entropy, information = limits.information(h_x, i_xy, patterns, labels)
    return RuleSummary(
        number=index,
        settings=settings,
        parameters=limits.parameters(json.loads(made)),
        patterns=patterns,
        inputs=inputs,
        labels=labels,
        h_x=entropy,
        i_xy=information,
        sample=settings.name.of_images
        or settings.name.of_recording
        or (settings.name.of_table and information >= number(h_y) - TOLERANCE),
        held_out=_held_out(beside, inputs, labels),
        weighted=bool(weighted),
    )


def labels_column(connection: sqlite3.Connection) -> str:
    """The number of a rule's labels, for a SELECT: rules of early versions have two."""
    return "2" if "labels" in lacking(connection, "rule") else "labels"


def rule_size(rows: object, inputs: object, labels: object, dtype: object) -> tuple[int, int, int]:
    """Patterns, inputs and labels that a rule's row claims. Raises ValueError where they are none, or too many."""
    patterns, width, kinds = count(rows), count(inputs), count(labels)
    if not (patterns and width and 2 <= kinds <= MOST_LABELS and dtype in ("uint8", "float32")):
        _damaged(f"its rule has {patterns} patterns of {width} inputs, type {shown(dtype)}, and {kinds} labels")
    if wrong := oversize(patterns, width, kinds):
        _damaged(f"its rule has {wrong}")
    return patterns, width, kinds


def _held_out(columns: Sequence[object], inputs: int, labels: int) -> HeldOutSummary | None:
    rows, h_x, i_xy = columns
    if rows is None:
        return None
    patterns = count(rows)
    if not patterns or (wrong := oversize(patterns, inputs, labels)):
        _damaged(f"held out are {wrong if patterns else 'no rows'}")
    return HeldOutSummary(patterns, *limits.information(h_x, i_xy, patterns, labels))


def _ensembles(
    connection: sqlite3.Connection, experiment: Experiment, rules: tuple[RuleSummary, ...]
) -> tuple[EnsembleSummary, ...]:
    """Those that have networks: a run that was killed at its very beginning may have recorded some without."""
    cohorts = _cohorts(connection)
    rule = "1" if "rule" in lacking(connection, "ensemble") else "rule"
    more = columns_of(connection, "ensemble", ["optimizer", "settings", "recorded"])
    rows: list[tuple[Any, ...]] = connection.execute(
        f"SELECT id, hidden, fraction, {more}, {rule}, sample_size, trainer, device FROM ensemble ORDER BY id"
    ).fetchall()
    if twice := [index for index, times in Counter(index for index, *_ in rows).items() if times > 1]:
        _damaged(f"it has the ensemble {shown(twice[0])} twice")
    if (first := connection.execute("SELECT min(id) FROM snapshot").fetchone()[0]) is not None and count(first) < 1:
        _damaged(f"a snapshot has the number {first}; they count from 1")
    if strays := set(cohorts) - {index for index, *_ in rows}:
        _damaged(f"it has networks of an ensemble {min(strays)}, which is missing")
    listed = dict(connection.execute("SELECT ensemble, count(*) FROM network GROUP BY ensemble").fetchall())
    return tuple(
        _ensemble(connection, experiment, rules, row, cohorts[count(row[0])], listed.get(row[0], 0))
        for row in rows
        if row[0] in cohorts
    )


def _cohorts(connection: sqlite3.Connection) -> dict[int, list[limits.CohortRow]]:
    found: dict[int, list[limits.CohortRow]] = defaultdict(list)
    names = ", ".join(limits.CohortRow._fields)
    for row in connection.execute(f"SELECT {names} FROM cohort ORDER BY ensemble, first").fetchall():
        cohort = limits.cohort_row(row)
        found[cohort.ensemble].append(cohort)
    return found


def _ensemble(
    connection: sqlite3.Connection,
    experiment: Experiment,
    rules: tuple[RuleSummary, ...],
    row: tuple[Any, ...],
    cohorts: list[limits.CohortRow],
    listed: int,
) -> EnsembleSummary:
    index, hidden, fraction, optimizer, settings, recorded, learned, size, trainer, device = row
    columns = {"hidden": limits.text(hidden, "layers"), "fraction": number(fraction), "optimizer": optimizer}
    last = experiment.epochs
    if isinstance(experiment, Recording):
        ensemble: Ensemble = RecordedSettings.from_text(count(index), experiment.rule[0], recorded)
        last = MAX_EPOCHS
    else:
        ensemble = limits.in_grid(experiment, count(index), columns, settings)
    rule = rules[experiment.rule_number(ensemble) - 1]
    if learned != rule.number:
        _damaged(f"its ensemble {index} learns the rule {shown(learned)}, in its experiment {rule.number}")
    networks = limits.require_whole(cohorts, listed, last)
    if not 1 <= count(size) <= rule.patterns:
        _damaged(f"its samples are {size} of {rule.patterns} patterns")
    done = min(cohort.epoch for cohort in cohorts)
    epochs = connection.execute(
        "SELECT s.epoch FROM snapshot s JOIN cohort c ON c.id = s.cohort WHERE c.ensemble = ?"
        " GROUP BY s.epoch HAVING count(*) = ? ORDER BY s.epoch",
        (index, len(cohorts)),
    ).fetchall()
    snapshots = tuple(count(epoch) for (epoch,) in epochs)
    if snapshots and snapshots[-1] > done:
        _damaged(f"it measured epoch {snapshots[-1]}, and its networks are trained to epoch {done}")
    return EnsembleSummary(
        ensemble,
        rule,
        networks,
        size,
        limits.text(trainer, "trainer"),
        limits.text(device, "device"),
        done,
        snapshots,
    )


def _damaged(what: str) -> NoReturn:
    raise ValueError(what)


def describe_epochs(epochs: tuple[int, ...]) -> str:
    """Which epochs may be asked for, in a few words."""
    if not epochs:
        return "no epoch has been measured yet"
    if len(epochs) <= 12:
        return f"measured are {', '.join(map(str, epochs))}"
    nearest = ", ".join(map(str, epochs[:6]))
    return f"measured are {len(epochs)} epochs: {nearest}, ... {epochs[-2]}, {epochs[-1]}"

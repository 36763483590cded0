"""The tables of a session with all their columns: the only description of the file. Standard library only.

The schema is written from it, and so are the columns that later versions of the format added, the copies that
`ibtui_engine.session.rewrite` makes, and the tables of `engine/README.md` and `sessions/README.md`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ibtui_engine.session.columns import BITS, ESTIMATED, LAYER, LEARNING, NUMBER, Column

SECONDS = NUMBER._replace(unit="seconds since 1970")


@dataclass(frozen=True)
class Table:
    """One table of the file."""

    name: str
    rows: str
    """What there is a row for."""
    about: str
    columns: tuple[Column, ...]
    key: str = ""
    """A constraint over several columns."""
    without_rowid: bool = False
    since: int = 1
    """The version of the format that added it."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its columns."""
        return tuple(column.name for column in self.columns)

    @property
    def statement(self) -> str:
        """CREATE TABLE, with a comment on every column."""
        parts = [(f"{column.name} {column.sql}", comment(column)) for column in self.columns]
        parts += [(self.key, "")] if self.key else []
        lines = [f"CREATE TABLE {self.name} ( -- rows: {self.rows}; {self.about}"]
        for place, (declared, text) in enumerate(parts, start=1):
            line = f"    {declared}{',' if place < len(parts) else ''}"
            lines.append(f"{line:<44} -- {text}" if text else line)
        return "\n".join([*lines, ") WITHOUT ROWID" if self.without_rowid else ")"])


def comment(column: Column) -> str:
    """What a column is and its unit, in a line."""
    return "; ".join(part for part in (column.kind.unit, column.about) if part)


def _one_row() -> Column:
    return Column("id", "INTEGER PRIMARY KEY CHECK (id = 1)")


def _of(table: str) -> Column:
    return Column(table, f"INTEGER NOT NULL REFERENCES {table}", f"its {table}")


def _since_7(column: Column) -> Column:
    return replace(column, since=7)


TABLES = (
    Table(
        *("session", "one", "its name, the experiment, the epochs to measure, the status"),
        (
            _one_row(),
            Column("name", "TEXT NOT NULL", "what people call it"),
            Column("created", "REAL NOT NULL", "when it was begun", SECONDS),
            Column("program", "TEXT NOT NULL", "what wrote it, with its version"),
            Column("experiment", "TEXT NOT NULL", "JSON, the settings by their names; of a recording how it measures"),
            Column("schedule", "TEXT NOT NULL", "JSON list: the epochs to measure, ascending"),
            Column(
                "status",
                "TEXT NOT NULL CHECK (status IN ('running', 'paused', 'stopped', 'finished'))",
                "as the run last said; a process that is gone leaves it running",
            ),
            Column(
                "kind",
                "TEXT NOT NULL DEFAULT 'run' CHECK (kind IN ('run', 'recording'))",
                "who filled it: a run of an experiment, or a training loop of somebody's own",
                since=6,
            ),
        ),
    ),
    Table(
        *("writer", "one while a process writes", "which process, on which machine, and its last sign of life"),
        (
            _one_row(),
            Column("pid", "INTEGER NOT NULL", "number of the process"),
            Column("started", "REAL NOT NULL", "when that process began", SECONDS),
            Column("host", "TEXT NOT NULL", "name of its machine"),
            Column("heartbeat", "REAL NOT NULL", "its last sign of life", SECONDS),
            Column("rate", "REAL", "epochs per second of the whole run"),
            Column("remaining", "REAL", "seconds still to go, estimated"),
            Column("token", "TEXT", "random, of this claim; also in NAME.ibs-lock, which its process locks", since=4),
            Column("machine", "TEXT", "boot and process namespace in which pid means something", since=4),
            Column("file", "TEXT", "device and number of the file being written; a copy has others", since=4),
        ),
    ),
    Table(
        *("rule", "each that ensembles learn"),
        "P(X,Y): patterns and p(y given x), so that the file needs no other (MNIST: 18 MB)",
        (
            Column("id", "INTEGER PRIMARY KEY", "from 1"),
            Column("name", "TEXT NOT NULL", "of a built-in rule, or table:FILE, images:DIRECTORY, recording:DATA"),
            Column("parameters", "TEXT NOT NULL", "JSON, the numbers that it was made with"),
            Column("rows", "INTEGER NOT NULL", "patterns"),
            Column("inputs", "INTEGER NOT NULL", "of a pattern"),
            Column("dtype", "TEXT NOT NULL CHECK (dtype IN ('uint8', 'float32'))", "of the patterns"),
            Column("patterns", "BLOB NOT NULL", "zlib; rows x inputs, little-endian"),
            Column(
                "p_y",
                "BLOB NOT NULL",
                "zlib; float64, little-endian: p(y=1|x) by row; above 2 labels rows x labels",
            ),
            Column("h_x", "REAL NOT NULL", "H(X) of the patterns that information is measured over", BITS),
            Column("h_y", "REAL NOT NULL", "H(Y) of them", BITS),
            Column("i_xy", "REAL NOT NULL", "I(X;Y) of them", BITS),
            Column("digest", "TEXT NOT NULL", "of patterns and probabilities"),
            Column("labels", "INTEGER NOT NULL DEFAULT 2", "how many there are", since=3),
            Column(
                "measured", "BLOB", "a bit for each pattern: is information measured over it? absent: all are", since=3
            ),
            Column(
                *("log_odds", "BLOB", "zlib; float64, little-endian: log(p(y=1|x) / p(y=0|x)); absent above 2 labels"),
                since=4,
            ),
            Column("p_x", "BLOB", "zlib; float64, little-endian: p(x) by row; absent: equally likely", since=6),
            Column("held_out_rows", "INTEGER", "rows that no network trains on; absent: none", since=6),
            Column("held_out_patterns", "BLOB", "zlib; rows x inputs of them, float32, little-endian", since=6),
            Column("held_out_p_y", "BLOB", "as p_y, of them", since=6),
            Column("held_out_p_x", "BLOB", "as p_x, of them", since=6),
            Column("held_out_h_x", "REAL", "H(X) of them", BITS, since=6),
            Column("held_out_i_xy", "REAL", "I(X;Y) of them", BITS, since=6),
        ),
    ),
    Table(
        *("ensemble", "each of the grid", "its settings, and what trains it"),
        (
            Column("id", "INTEGER PRIMARY KEY", "its place in the grid, from 0"),
            Column("hidden", "TEXT NOT NULL", "10-8-6-4-2, or none"),
            Column("fraction", "REAL NOT NULL", "share of the patterns in a sample"),
            Column("inputs", "INTEGER NOT NULL", "of a pattern"),
            Column("sample_size", "INTEGER NOT NULL", "patterns in a sample"),
            Column(
                "trainer", "TEXT NOT NULL CHECK (trainer IN ('fused', 'torch', 'stochastic', ''))", "what trains it"
            ),
            Column("device", "TEXT NOT NULL", "where: cpu, cuda, ..."),
            Column("optimizer", "TEXT", "absent if begun in an earlier version: the experiment's only one", since=3),
            Column("settings", "TEXT", "JSON: its values of settings that have several in the experiment", since=5),
            Column("rule", "INTEGER NOT NULL DEFAULT 1", "the rule that its networks learn", since=6),
            Column("recorded", "TEXT", "JSON, of recordings alone: name, layers with units, batches", since=6),
        ),
    ),
    Table(
        *(
            "cohort",
            "networks trained in step",
            "how far they are; networks that were added later are another cohort",
        ),
        (
            Column("id", "INTEGER PRIMARY KEY"),
            _of("ensemble"),
            Column("first", "INTEGER NOT NULL", "number of its first network in the ensemble, from 0"),
            Column("networks", "INTEGER NOT NULL", "how many"),
            Column("epoch", "INTEGER NOT NULL", "epochs done"),
        ),
    ),
    Table(
        *("network", "each network", "its seed, its sample and the labels there"),
        (
            _of("ensemble"),
            Column("network", "INTEGER NOT NULL", "from 0"),
            Column("seed", "INTEGER NOT NULL", "determines its initial weights, its sample and its batches"),
            Column("members", "BLOB NOT NULL", "a bit for each pattern, most significant first: is it in the sample?"),
            Column("labels", "BLOB NOT NULL", "likewise: its label there; above 2 labels a byte for each pattern"),
        ),
        key="PRIMARY KEY (ensemble, network)",
        without_rowid=True,
    ),
    Table(
        *("snapshot", "each epoch measured, by cohort", "when"),
        (
            Column("id", "INTEGER PRIMARY KEY", "from 1, in the order of recording"),
            _of("cohort"),
            Column("epoch", "INTEGER NOT NULL", "epochs done, 0 before training"),
            Column("time", "REAL NOT NULL", "when it was recorded", SECONDS),
        ),
        key="UNIQUE (cohort, epoch)",
    ),
    Table(
        *("layer", "each layer of each network at each snapshot"),
        "I(X;T), I(T;Y), distinct t, gradients, weight norm, saturation",
        (
            _of("snapshot"),
            Column("network", "INTEGER NOT NULL", "from 0, in its ensemble"),
            Column("layer", "INTEGER NOT NULL", "1 is next to the input, the last is the output"),
            *LAYER,
        ),
        key="PRIMARY KEY (snapshot, network, layer)",
        without_rowid=True,
    ),
    Table(
        *("estimate", "each layer of each network at each snapshot, by each further estimator of a recording"),
        "I(X;T) and I(T;Y) by them; `layer` has all else, and those of the first estimator",
        (
            _since_7(_of("snapshot")),
            Column("network", "INTEGER NOT NULL", "from 0, in its ensemble", since=7),
            Column("layer", "INTEGER NOT NULL", "1 is next to the input, the last is the output", since=7),
            Column("estimator", "INTEGER NOT NULL", "its place in `also` of the experiment, from 1", since=7),
            *map(_since_7, ESTIMATED),
        ),
        key="PRIMARY KEY (snapshot, network, layer, estimator)",
        without_rowid=True,
        since=7,
    ),
    Table(
        *("learning", "each network at each snapshot", "losses and accuracies inside and outside its sample"),
        (_of("snapshot"), Column("network", "INTEGER NOT NULL", "from 0, in its ensemble"), *LEARNING),
        key="PRIMARY KEY (snapshot, network)",
        without_rowid=True,
    ),
    Table(
        *("weights", "each snapshot, where they are kept", "all weights, compressed: what `ibtui remeasure` reads"),
        (
            Column("snapshot", "INTEGER PRIMARY KEY REFERENCES snapshot", "its snapshot"),
            Column("data", "BLOB NOT NULL", "zlib of float32, networks x parameters, byte 0 of all, then byte 1, ..."),
        ),
    ),
    Table(
        *("checkpoint", "each cohort", "weights and optimiser state to go on from, bit for bit"),
        (
            Column("cohort", "INTEGER PRIMARY KEY REFERENCES cohort", "its cohort"),
            Column("epoch", "INTEGER NOT NULL", "epochs done"),
            Column("data", "BLOB NOT NULL", "float32, little-endian: weights, then the optimiser's slots"),
        ),
    ),
    Table(
        *("result", "each ensemble of a grid that is finished", "what it came to: a cell of a map"),
        (
            Column("ensemble", "INTEGER PRIMARY KEY REFERENCES ensemble", "its ensemble", since=9),
            Column("definitions", "TEXT NOT NULL", "digest of how numbers and verdicts were defined", since=9),
            Column("epoch", "INTEGER NOT NULL", "the last snapshot, which they are of", since=9),
            Column("networks", "INTEGER NOT NULL", "networks that they are of", since=9),
            Column("data", "TEXT NOT NULL", "JSON: numbers with errors, and verdicts of the paper's claims", since=9),
        ),
        since=9,
    ),
    Table(
        *("control", "each request", "pause, resume, stop"),
        (
            Column("id", "INTEGER PRIMARY KEY"),
            Column("time", "REAL NOT NULL", "when it was asked for", SECONDS),
            Column("command", "TEXT NOT NULL CHECK (command IN ('pause', 'resume', 'stop'))", "what is asked for"),
            Column("done", "INTEGER NOT NULL DEFAULT 0", "1 once the run has seen it"),
        ),
    ),
    Table(
        *("event", "what happened", "begun, resumed, stopped, failed"),
        (
            Column("id", "INTEGER PRIMARY KEY"),
            Column("time", "REAL NOT NULL", "when it happened", SECONDS),
            Column(
                "kind",
                "TEXT NOT NULL",
                "the status it led to, remeasured, table (one was read), or of a cluster different or processor",
            ),
            Column("text", "TEXT NOT NULL", "more of it; often empty; of a table JSON, what was read from its file"),
        ),
    ),
)
SCHEMA = {table.name: table for table in TABLES}
"""The tables by their names."""


def tables_since(version: int) -> list[Table]:
    """The tables that sessions of an earlier version of the format lack."""
    return [table for table in TABLES if table.since > version]


def added_since(version: int) -> list[tuple[str, Column]]:
    """Table and column of what sessions of an earlier version lack in the tables that they have, oldest first."""
    there = [table for table in TABLES if table.since <= version]
    found = [(table.name, column) for table in there for column in table.columns if column.since > version]
    return sorted(found, key=lambda one: one[1].since)

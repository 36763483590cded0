"""Options and arguments that several commands share."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from ibtui.cli import completion
from ibtui.completing import TABLES
from ibtui.locations import require_name
from ibtui_engine.experiment import OF_RULES, Experiment
from ibtui_engine.presets import DEFAULT, PRESETS
from ibtui_engine.session.format import SUFFIX
from ibtui_engine.setting import written
from ibtui_engine.settings import ESTIMATORS, SETTINGS, USED_BY

PLACES = "Where sessions are"
OUTPUT = "Output"


def _session(complete: Callable[..., completion.Found]) -> Any:
    return typer.Argument(
        metavar="SESSION",
        help="A session file, or a session's name or the unique beginning of one in the sessions directory.",
        show_default=False,
        autocompletion=complete,
    )


Session = Annotated[str, _session(completion.sessions)]
OwnSession = Annotated[str, _session(completion.own_sessions)]
"""One that can be written to."""
By = Annotated[
    str | None,
    typer.Option(
        "--by",
        metavar="ESTIMATOR",
        help="Numbers by this estimator of a recording that has several; kde-2 is the second kde. [default: the first]",
        show_default=False,
        autocompletion=completion.known(*ESTIMATORS),
    ),
]
Ascii = Annotated[
    bool, typer.Option("--ascii", help="Draw with ASCII only, for terminals without Braille and box characters.")
]
SessionsDir = Annotated[
    Path | None,
    typer.Option(
        "--sessions-dir",
        help="Directory of sessions. Else $IBTUI_SESSIONS, else ./sessions if there is one, else your data directory.",
        rich_help_panel=PLACES,
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document for programs.", rich_help_panel=OUTPUT)]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress and no messages on stderr.", rich_help_panel=OUTPUT)
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        max=1024,
        help="Threads to compute with; the fused trainer gives the same bits with any. [default: all cores]",
        rich_help_panel="Machine",
        show_default=False,
    ),
]

Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="WHERE",
        help="Train on a Dask cluster: local:N for N processes here, tcp://HOST:PORT, tls://HOST:PORT, or a scheduler "
        "file.",
        rich_help_panel="Machine",
        show_default=False,
    ),
]
TrustNetwork = Annotated[
    bool,
    typer.Option(
        "--trust-network",
        help="Connect to a cluster on other machines without TLS: whoever can reach it can run code here.",
        rich_help_panel="Machine",
    ),
]


def output_file(metavar: str, help: str, *, panel: str = OUTPUT) -> Any:
    """The option that names the file, or the session, to write."""
    return typer.Option("--out", "-o", metavar=metavar, help=help, rich_help_panel=panel, show_default=False)


def session_target(out: str, directory: Path) -> Path:
    """The file of a new session that `--out` names: a file, or a name in the sessions directory.

    Raises:
        InvalidValue: it is no name that a session may have.
    """
    path = Path(out)
    if len(path.parts) > 1 or path.is_absolute() or path.suffix == SUFFIX:
        return path
    return directory / f"{require_name(out)}{SUFFIX}"


def setting(name: str, *, panel: str | None = None, default: bool = True, alone: bool = False) -> Any:
    """The option of a setting of an experiment, as `ibtui_engine.settings` declares it.

    Args:
        name: of the setting.
        panel: of the help; by default the setting's own.
        default: whether the help says the default of new experiments.
        alone: whether it has one value here, even if it is one of a grid.
    """
    declared = SETTINGS[name]
    flag = written(name)
    grid = " Repeat it for a grid." if declared.grid and default and not alone else ""
    usual = f" [default: {_default(name)}]" if default and _default(name) else ""
    return typer.Option(
        f"--{flag}/--no-{flag}" if declared.kind == "flag" else f"--{flag}",
        help=f"{declared.about}{grid}{usual}",
        metavar=declared.metavar,
        rich_help_panel=panel or declared.panel,
        show_default=False,
        autocompletion=_completes(name),
    )


def _completes(name: str) -> Callable[..., completion.Found] | None:
    """What completes a setting's value; None where any number will do."""
    declared = SETTINGS[name]
    if name == "rule":
        return completion.rules
    if name == "test":
        return completion.files(*TABLES)
    return completion.known(*declared.known) if declared.known and declared.kind != "flag" else None


def _default(name: str) -> str:
    """What a setting is where it is not given, and where not even a preset is."""
    declared = SETTINGS[name]
    if declared.kind == "flag":
        return name if getattr(Experiment(), name) else f"no-{name}"
    usual, without = (
        declared.text(getattr(one, name)) or declared.unset for one in (Experiment(), PRESETS[DEFAULT].experiment)
    )
    return usual if usual == without else f"{usual}; {without} without a preset"


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each setting of an experiment, in place of its `**` parameter; in its help they
    stand behind its second parameter.
    """
    return _with_options(command, SETTINGS, 2)


def with_rule_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each setting of a rule, and for the seed that rows are held out by, in place of its
    `**` parameter; in its help they stand behind its first parameter.
    """
    return _with_options(command, (*OF_RULES, "seed"), 1, "How the rule is made", alone=True)


def with_estimators(*, chosen: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for each setting of estimators, in place of its `**` parameter, and where one is
    `chosen` for that, too; in its help they stand behind its first parameter.
    """
    names = ("estimator", *USED_BY) if chosen else tuple(USED_BY)
    return lambda command: _with_options(command, names, 1, recorded=True)


def _with_options(
    command: Callable[..., None],
    names: Iterable[str],
    place: int,
    panel: str | None = None,
    *,
    alone: bool = False,
    recorded: bool = False,
) -> Callable[..., None]:
    """`alone`: settings of a grid have one value here. `recorded`: the default is what the session was run with."""
    own = inspect.signature(command, eval_str=True).parameters.values()
    parameters = [one.replace(kind=one.KEYWORD_ONLY) for one in own if one.kind is not one.VAR_KEYWORD]
    parameters[place:place] = [_parameter(name, panel, alone=alone, recorded=recorded) for name in names]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    return command


def _parameter(name: str, panel: str | None, *, alone: bool, recorded: bool) -> inspect.Parameter:
    """The option of a setting. Whole numbers that may be words and lists of epochs are read from their text later."""
    declared = SETTINGS[name]
    kinds: dict[str, type] = {"whole": int, "epoch": int, "number": float, "flag": bool}
    kind: Any = str if declared.words or declared.listed else kinds.get(declared.kind, str)
    values = list[kind] if declared.several and not alone else kind
    default = not recorded or bool(declared.unset)
    option = setting(name, panel="Options" if recorded else panel, default=default, alone=alone)
    annotation = Annotated[values | None, option]  # type: ignore[valid-type]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


Estimator = Annotated[str | None, setting("estimator", default=False)]

"""What shells complete: sessions, presets, rules, figures, claims, quantities and axes of maps, files, and known words.

Somebody waits at a key: nothing here loads NumPy, and where anything goes wrong, nothing is offered.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import typer

from ibtui.completing import completions, rule_files
from ibtui.locations import example_files, find_session, is_example, session_files, sessions_directory
from ibtui_engine.rules.names import MNIST_PREFIX, RULE_NAMES, TABLE_PREFIX
from ibtui_engine.session.format import SUFFIX

if TYPE_CHECKING:
    from ibtui_engine.experiment import Experiment

VARIABLE = "_IBTUI_COMPLETE"
"""In the environment where a shell asks; `complete_bash`, for one."""
QUANTITIES: Mapping[str, bool] = MappingProxyType(
    {
        "drift-end": True,
        "turning": True,
        "lost": True,
        "output": False,
        "accuracy": False,
        "accuracy-inside": False,
        "below": True,
        "exponent": True,
        "snr": True,
    }
)
"""What a map can show, and whether of each layer, too. Their homes load NumPy; `tests/ibtui/cli/test_cli_completion.py`
holds these against them.
"""
CLAIMS = (
    *("dpi", "orbits", "two-phases", "fit-order", "endpoints", "transition", "coincidence", "leveling", "diffusion"),
    *("correlations", "order", "one-constant", "corner", "bound-symmetric", "bound-symmetric-soft", "bound", "slopes"),
    *("eq-9", "critical-points", "committee", "large-problem", "large-problem-mnist", "noise", "relu"),
)
"""Claims that can be judged in one cell of a map; likewise."""

Found = Iterable[str | tuple[str, str]]
"""Words, or words with what they are."""
BREAKS = ":="
"""Where bash ends words, beside blanks."""


def known(*words: str) -> Callable[[], Found]:
    """Completes one of these words."""
    return lambda: words


def files(*endings: str) -> Callable[[str], Found]:
    """Completes paths of files that end as one of these, and of directories."""

    def complete(incomplete: str) -> Found:
        return _on(incomplete, completions(incomplete, endings), complete)

    return complete


def _on(incomplete: str, found: Found, complete: Callable[[str], Found]) -> Found:
    """What was found; where that is the beginning of something alone, such as a directory, what it could become: shells
    would put a blank behind it.
    """
    words = [one if isinstance(one, str) else one[0] for one in found]
    fitting = [word for word in words if word.startswith(incomplete)]
    if incomplete and len(fitting) == 1 and fitting[0] != incomplete and fitting[0].endswith((*BREAKS, "/")):
        return complete(fitting[0]) or fitting
    return found


def sessions(ctx: typer.Context, incomplete: str) -> Found:
    """Sessions by name, examples behind them, or files of sessions where a path is typed."""
    own = own_sessions(ctx, incomplete)
    return own if _is_path(incomplete) else [*own, *(file.stem for file in example_files())]


def own_sessions(ctx: typer.Context, incomplete: str) -> Found:
    """Those that can be written to: no examples."""
    if _is_path(incomplete):
        return files(SUFFIX)(incomplete)
    there = session_files(_directory(_given(ctx)))
    return [file.stem for file in there if file.stem.isprintable() and not is_example(file)]


def _is_path(text: str) -> bool:
    return "/" in text or text.startswith(".")


def _given(ctx: typer.Context) -> Mapping[str, Any]:
    """What has been typed; typer forgets all of it where an option is to have its value next."""
    words = _complete_words()
    if not words or not words[-1].startswith("-") or ctx.info_name not in words:
        return ctx.params
    words = words[words.index(ctx.info_name) + 1 : -1]
    return ctx.command.make_context(ctx.info_name, words, resilient_parsing=True).params


def _directory(given: Mapping[str, Any]) -> Path:
    chosen = given.get("sessions_dir")
    return sessions_directory(Path(chosen) if chosen else None)


def presets() -> Found:
    """Presets, each with what it shows."""
    from ibtui_engine.presets import PRESETS

    return [(preset.name, preset.sentence) for preset in PRESETS.values()]


def rules(incomplete: str) -> Found:
    """Rules, each with what it is, and the files of tables."""
    paths = rule_files(incomplete)
    named = [(name, sentence) for name, sentence in RULE_NAMES.items() if ":" not in name]
    further = [(TABLE_PREFIX, "a table file"), (MNIST_PREFIX, "a directory with the files of MNIST")]
    return _on(incomplete, [*named, *further] if paths is None else paths, rules)


def figures() -> Found:
    """Figures, each with what it shows."""
    from ibtui.figures.registry import FIGURES

    return [(figure.name, figure.sentence) for figure in FIGURES.values()]


def claims() -> Found:
    """Claims that a map is judged by."""
    return CLAIMS


def shown(ctx: typer.Context, incomplete: str) -> Found:
    """What a map can show: quantities, behind a colon of the layers of its session, and verdicts."""
    key, colon, _ = incomplete.partition(":")
    if not colon:
        found = [*QUANTITIES, *(f"{key}:" for key, by_layer in QUANTITIES.items() if by_layer), "verdict:"]
        return _on(incomplete, found, partial(shown, ctx))
    if key == "verdict":
        return [f"verdict:{claim}" for claim in CLAIMS]
    if not QUANTITIES.get(key) or (experiment := _experiment(ctx)) is None:
        return []
    from ibtui_engine.layer_names import layer_names

    return [f"{key}:{name}" for name in layer_names(max(map(len, experiment.hidden)) + 1)]


def axes(ctx: typer.Context) -> Found:
    """Settings that the ensembles of the session differ in; of a session that is not there, all that can differ."""
    from ibtui_engine.experiment import GRID
    from ibtui_engine.maps.axes import DERIVED, axes_of
    from ibtui_engine.setting import written

    experiment = _experiment(ctx)
    if experiment is None:
        return [*map(written, GRID), *DERIVED]
    return [(axis.option, axis.label) for axis in axes_of(experiment)]


def values(ctx: typer.Context, incomplete: str) -> Found:
    """`SETTING=VALUE`, of what the ensembles of the session differ in."""
    from ibtui_engine.maps.axes import axes_of

    experiment = _experiment(ctx)
    found = {} if experiment is None else {axis.option: axis for axis in axes_of(experiment)}
    name, equals, _ = incomplete.partition("=")
    if not equals:
        return _on(incomplete, [f"{option}=" for option in found], partial(values, ctx))
    return [f"{name}={found[name].text(value)}" for value in found[name].values] if name in found else []


def _experiment(ctx: typer.Context) -> Experiment | None:
    """Of the session that is named before; None where none can be read."""
    from ibtui_engine.errors import EngineError
    from ibtui_engine.session.summary import read_summary

    given = _given(ctx)
    try:
        return read_summary(find_session(str(given.get("session") or ""), _directory(given))).experiment
    except EngineError:
        return None


# what a shell asks


def _complete_words() -> list[str]:
    """The words behind `ibtui` up to the one that is being typed."""
    if "COMP_WORDS" in os.environ:
        return _joined()[0][1:-1]
    line = os.environ.get("_TYPER_COMPLETE_ARGS", "")
    words = line.split()[1:]
    return words if line[-1:].isspace() else words[:-1]


def answer(complete: Callable[[list[str]], Any]) -> int:
    """Let typer answer the shell, and hand its answer on as the shell needs it; nothing where it fails."""
    in_bash = os.environ.get(VARIABLE) == "complete_bash"
    told = io.StringIO()
    prefix, current = "", ""
    with (
        contextlib.suppress(Exception, SystemExit),
        contextlib.redirect_stdout(told),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        if in_bash:
            words, prefix = _joined()
            current = words[-1]
            os.environ |= {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
        complete(_complete_words())
    text = told.getvalue()
    if in_bash:
        text = "".join(f"{_for_bash(line, prefix, current)}\n" for line in text.splitlines() if line)
    print(text, end="")
    return 0


def _joined() -> tuple[list[str], str]:
    """The words that bash tells, up to the one that is being typed, with those that it ended at colons and equals signs
    put together again; and the part of the last one that bash leaves as it is.
    """
    pieces = os.environ["COMP_WORDS"].split("\n")[: int(os.environ.get("COMP_CWORD", "0")) + 1]
    words: list[str] = []
    prefix, before = "", ""
    for piece in pieces:
        breaks = bool(piece) and not piece.strip(BREAKS)
        if words and (breaks or (before and not before.strip(BREAKS))):
            prefix = words[-1] + piece if breaks else words[-1]
            words[-1] += piece
        else:
            words.append(piece)
            prefix = ""
        before = piece
    if prefix.startswith("-"):  # of `--at=activation=re` the option is no part of the value
        prefix = prefix.partition("=")[2]
    return words or [""], prefix


def _for_bash(line: str, prefix: str, current: str) -> str:
    """A word without what bash leaves as it is, with a backslash before what bash would not take as a part of it."""
    rest = line.removeprefix(prefix)
    return rest if current.startswith(("'", '"')) else re.sub(r"([^\w@%+=:,./~-])", r"\\\1", rest)

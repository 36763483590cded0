"""The results of sessions as the library and `ibtui list --results` show them: kept from one time to the next.

Working them out means reading a session's arrays with NumPy, which the library must not wait for. So a process of its
own works them out (`serve`), and they are kept in the user's cache directory together with what told the session from
an older state of itself: those of a session that has not changed are never worked out again. Nothing is lost with that
file: where it is missing or damaged, results are computed again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ibtui.files import write_whole
from ibtui.locations import of_this_user
from ibtui_engine.errors import EngineError, InvalidValue
from ibtui_engine.layer_names import OUTPUT
from ibtui_engine.session.results import Results, read_results

if TYPE_CHECKING:
    from ibtui_engine.session.summary import Summary

KEPT = 5000
"""Sessions whose results are kept, those worked out last."""
VERSION = 1
"""Of what is kept; to be raised when results are worked out in another way."""
LEAST_LOST = 0.1
"""Least loss, in bits, that is reported: below, it is noise."""


@dataclass(frozen=True)
class Outcome:
    """What came of working out a session's results."""

    stamp: str
    """What told the session from an older state of itself (`stamp`)."""
    results: Results | None
    trouble: str = ""
    """Why there are none."""


def stamp(summary: Summary) -> str:
    """What tells a session from an older state of itself: the file's size and time, and the snapshots in it (a running
    session's are first in a file beside it).
    """
    try:
        stat = summary.path.stat()
        file = f"{stat.st_mtime_ns}-{stat.st_size}"
    except OSError:  # gone a moment ago
        file = "gone"
    telling = summary.telling
    measured = (len(telling.snapshots), telling.networks) if telling else (0, 0)
    return f"{file}-{summary.created!r}-{measured[0]}-{measured[1]}"


class KnownResults:
    """Results that were worked out before, by their sessions' paths."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._outcomes: dict[str, Outcome] | None = None
        self._changed = False

    def of(self, summary: Summary) -> Outcome | None:
        """What is known of a session, of its present state or an earlier one; None where nothing is."""
        return self._read().get(str(summary.path.absolute()))

    def keep(self, path: Path, outcome: Outcome) -> None:
        """Take in what was worked out."""
        known = self._read()
        known.pop(str(path.absolute()), None)
        known[str(path.absolute())] = outcome
        self._changed = True

    def save(self) -> None:
        """Write what is new to the file. That it cannot be written is no reason to trouble anybody."""
        if not self._changed or self._outcomes is None:
            return
        self._changed = False
        kept = list(self._outcomes.items())[-KEPT:]
        sessions = {path: as_plain(outcome) for path, outcome in kept}
        try:
            place = self._place()
            place.parent.mkdir(parents=True, exist_ok=True)
            write_whole(place, json.dumps({"version": VERSION, "sessions": sessions}).encode())
        except (OSError, EngineError):
            return

    def _place(self) -> Path:
        if self._path is None:
            from platformdirs import user_cache_path

            self._path = of_this_user(user_cache_path, "XDG_CACHE_HOME") / "results.json"
        return self._path

    def _read(self) -> dict[str, Outcome]:
        if self._outcomes is None:
            self._outcomes = {}
            try:
                found = json.loads(self._place().read_text(encoding="utf-8"))
                if found["version"] == VERSION:
                    for path, plain in found["sessions"].items():
                        self._outcomes[path] = from_plain(plain)
            except (OSError, EngineError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
                pass  # what is missing or damaged is worked out again
        return self._outcomes


def as_plain(outcome: Outcome) -> dict[str, Any]:
    """Plain values for JSON."""
    results = None if outcome.results is None else outcome.results.to_dict()
    return {"stamp": outcome.stamp, "results": results, "trouble": outcome.trouble}


def from_plain(plain: Mapping[str, Any]) -> Outcome:
    """What came of it, from plain values.

    Raises:
        InvalidValue: they are not those of `as_plain`.
    """
    stamp, results, trouble = plain.get("stamp"), plain.get("results"), plain.get("trouble")
    if not isinstance(stamp, str) or not isinstance(trouble, str) or not isinstance(results, dict | None):
        raise InvalidValue("these are not results of a session")
    return Outcome(stamp, None if results is None else Results.from_dict(results), trouble)


def work_out(summary: Summary) -> Outcome:
    """Read a session's results. Loads NumPy."""
    now = stamp(summary)
    try:
        return Outcome(now, read_results(summary.path))
    except EngineError as error:
        return Outcome(now, None, str(error))


def serve(paths: Iterable[str]) -> None:
    """Work out the results of sessions, and print each on a line of its own as soon as it is known: its path and
    `as_plain`. What is at the end of the process's stdin or of its patience is for whoever started it to say.
    """
    from ibtui_engine.session.summary import read_summary

    for path in paths:
        try:
            outcome = work_out(read_summary(path))
        except EngineError:  # it went while others were read
            continue
        print(json.dumps({"path": path, **as_plain(outcome)}), flush=True)


# as people read them


def sentence(summary: Summary, found: Results) -> str:
    """What came of a session, in one sentence or two, from recorded numbers alone."""
    if found.epoch is None:
        return "Nothing has been measured yet." if summary.live else "Nothing was measured."
    so_far = f"So far, at epoch {found.epoch}: " if found.epoch < summary.experiment.epochs else ""
    said = [part for part in (_drift(found), _lost(summary, found), _right(found)) if part]
    text = f"{so_far}{'; '.join(said)}."
    ensembles = len(summary.ensembles)
    of = "" if ensembles < 2 else f" ({_which(summary, found)}, of {ensembles} ensembles)"
    return text[0].upper() + text[1:].removesuffix(".") + f"{of}."


def _drift(found: Results) -> str:
    if found.drift_end is not None:
        return f"drift ends at epoch {found.drift_end:.0f}"
    if not found.snr_measured:
        return "an epoch is one batch, so there is no gradient noise to tell drift from diffusion"
    return "no end of drift is seen"


def _lost(summary: Summary, found: Results) -> str:
    telling = next((one for one in summary.ensembles if one.index == found.ensemble), None)
    names = telling.layer_names if telling is not None else ()
    losing = [(layer, bits) for layer, bits in enumerate(found.lost, start=1) if bits is not None and bits > LEAST_LOST]
    if not losing:
        return "no layer has lost information of the input"
    layer, bits = max(losing, key=lambda pair: pair[1])
    name = names[layer - 1] if layer <= len(names) else f"T{layer}"
    return f"{'the output' if name == OUTPUT else name} has lost {bits:.2f} bits of the input since its peak"


def _right(found: Results) -> str:
    if found.accuracy is not None:
        return f"{found.accuracy:.1%} of the unseen labels are guessed right"
    if found.accuracy_inside is not None:
        return f"{found.accuracy_inside:.1%} of the labels are guessed right"
    return ""


def _which(summary: Summary, found: Results) -> str:
    from ibtui.formatting import title_of

    one = next((one for one in summary.ensembles if one.index == found.ensemble), None)
    return "" if one is None else title_of(summary, one)


def cells(found: Results | None) -> dict[str, str]:
    """The results as columns of a table; empty where they are not known, or absent."""
    most = found.most_lost if found is not None else None
    return {
        "drift ends": f"{found.drift_end:.0f}" if found is not None and found.drift_end is not None else "",
        "bits lost": f"{most[1]:.2f}" if most is not None else "",
        "accuracy": f"{found.accuracy:.1%}" if found is not None and found.accuracy is not None else "",
    }

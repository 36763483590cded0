"""The science: training networks and measuring their layers in the information plane.

The names below are what a program needs to run an experiment and read what it measured (see README.md here); each is
imported from its module when it is first used. The engine imports no front end, and heavy libraries (torch, Numba)
only in the modules that need them, so that a program that only reads sessions starts at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ibtui_engine.bottleneck.partitions import hard_frontier
    from ibtui_engine.bottleneck.source import Source
    from ibtui_engine.bottleneck.tracing import ib_curve
    from ibtui_engine.errors import EngineError
    from ibtui_engine.experiment import Experiment
    from ibtui_engine.fit import fit_session
    from ibtui_engine.measures.arrays import measure_outputs
    from ibtui_engine.phases.summary import phases as phases_of
    from ibtui_engine.presets import find_preset
    from ibtui_engine.recording.keras import keras_callback
    from ibtui_engine.recording.lightning import lightning_callback
    from ibtui_engine.recording.record import record
    from ibtui_engine.recording.recorder import Recorder
    from ibtui_engine.rules.catalogue import load_rule
    from ibtui_engine.runner import Run, begin, reopen
    from ibtui_engine.session.ensemble import RecordedEnsemble
    from ibtui_engine.session.history import SessionReader
    from ibtui_engine.session.summary import read_summary

__all__ = [
    "EngineError",
    "Experiment",
    "RecordedEnsemble",
    "Recorder",
    "Run",
    "SessionReader",
    "Source",
    "begin",
    "find_preset",
    "fit_session",
    "hard_frontier",
    "ib_curve",
    "keras_callback",
    "lightning_callback",
    "load_rule",
    "measure_outputs",
    "phases_of",
    "read_summary",
    "record",
    "reopen",
]

_PLACES = {
    "EngineError": "ibtui_engine.errors",
    "Experiment": "ibtui_engine.experiment",
    "RecordedEnsemble": "ibtui_engine.session.ensemble",
    "Recorder": "ibtui_engine.recording.recorder",
    "Run": "ibtui_engine.runner",
    "SessionReader": "ibtui_engine.session.history",
    "Source": "ibtui_engine.bottleneck.source",
    "begin": "ibtui_engine.runner",
    "find_preset": "ibtui_engine.presets",
    "fit_session": "ibtui_engine.fit",
    "hard_frontier": "ibtui_engine.bottleneck.partitions",
    "ib_curve": "ibtui_engine.bottleneck.tracing",
    "keras_callback": "ibtui_engine.recording.keras",
    "lightning_callback": "ibtui_engine.recording.lightning",
    "load_rule": "ibtui_engine.rules.catalogue",
    "measure_outputs": "ibtui_engine.measures.arrays",
    "phases_of": "ibtui_engine.phases.summary:phases",
    "read_summary": "ibtui_engine.session.summary",
    "record": "ibtui_engine.recording.record",
    "reopen": "ibtui_engine.runner",
}
"""Where each public name is, `module`, or `module:name` where it has another name there."""


if not TYPE_CHECKING:  # a type checker would take it for a name that has all attributes

    def __getattr__(name: str) -> object:
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, _, there = _PLACES[name].partition(":")
        return getattr(import_module(module), there or name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]

"""The science: training networks and measuring their layers in the information plane.

The names below are what a program needs to run an experiment and read what it measured (see README.md here); each is
imported from its module when it is first used. The engine imports no front end, and heavy libraries (torch, Numba)
only in the modules that need them, so that a program that only reads sessions starts at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.bottleneck.recorded import fit_session
    from engine.bottleneck.source import Source
    from engine.bottleneck.tracing import ib_curve
    from engine.errors import EngineError
    from engine.experiment import Experiment
    from engine.phases.account import phases as phases_of
    from engine.presets import find_preset
    from engine.rules.catalogue import load_rule
    from engine.runner import Run, begin, reopen
    from engine.session.history import SessionReader
    from engine.session.summary import read_summary

__all__ = [
    "EngineError",
    "Experiment",
    "Run",
    "SessionReader",
    "Source",
    "begin",
    "find_preset",
    "fit_session",
    "ib_curve",
    "load_rule",
    "phases_of",
    "read_summary",
    "reopen",
]

_PLACES = {
    "EngineError": "engine.errors",
    "Experiment": "engine.experiment",
    "Run": "engine.runner",
    "SessionReader": "engine.session.history",
    "Source": "engine.bottleneck.source",
    "begin": "engine.runner",
    "find_preset": "engine.presets",
    "fit_session": "engine.bottleneck.recorded",
    "ib_curve": "engine.bottleneck.tracing",
    "load_rule": "engine.rules.catalogue",
    "phases_of": "engine.phases.account:phases",
    "read_summary": "engine.session.summary",
    "reopen": "engine.runner",
}
"""Where each public name is, `module`, or `module:name` where it has another name there."""


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, there = _PLACES[name].partition(":")
    return getattr(import_module(module), there or name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]

"""A session described in one line or a few: the state of its run, and what its numbers rest on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from ibtui.formatting import duration, estimate, other_estimators, rule_title, shortened
from ibtui_engine.experiment import GRID, Experiment
from ibtui_engine.recorded import Recording
from ibtui_engine.session.summary import EnsembleSummary, Summary
from ibtui_engine.settings import SETTINGS

SEPARATOR = "  ·  "

RUN_KEYS = {
    "running": " (P pause, S stop)",
    "paused": " (R resume, S stop)",
    "stopped": " (R resume)",
    "interrupted": " (R resume)",
}
"""What can be asked of a run, behind its status."""
LEAST_NAME = 12
"""Columns that a name has at least."""


def status_line(summary: Summary, estimator: str, *, ensemble: int | None = None, width: int | None = None) -> str:
    """Name, state of the run, its epoch, time left and pace, the number of the ensemble shown, the estimator.

    `width`: columns that there are for it; a long name is shortened in its middle to fit.
    """
    epochs = summary.experiment.epochs
    keys = RUN_KEYS.get(summary.status, "") if summary.live or summary.can("resume") else ""
    parts = [f"{'recording' if summary.recorded else 'run'}: {summary.status}{keys}"]
    parts.append(f"epoch {summary.epochs_done} of {epochs}" if summary.status != "finished" else f"{epochs} epochs")
    if summary.status == "running" and summary.writer is not None and summary.writer.rate:
        parts.append(f"{duration(summary.writer.remaining)} left")
        parts.append(f"{summary.writer.rate:.0f} epochs/s")
    if ensemble is not None and len(summary.ensembles) > 1:
        parts.append(f"ensemble {ensemble + 1}/{len(summary.ensembles)}")
    rest = SEPARATOR.join([*parts, estimator])
    name = summary.path.stem
    if width is not None:
        name = shortened(name, max(width - len(rest) - len(SEPARATOR), LEAST_NAME))
    return f"{name}{SEPARATOR}{rest}"


def elsewhere(path: Path, place: Literal["as it was", "empty", "taken"]) -> str:
    """What to say where a session that is shown is no longer at its path; empty where it is."""
    match place:
        case "empty":
            return f"{path.stem} was deleted or renamed elsewhere; shown is what was read of it"
        case "taken":
            return f"another file has taken the place of {path.stem}; shown is the old one: leave and open it again"
    return ""


def about(summary: Summary, ensemble: EnsembleSummary | None = None) -> Sequence[str]:
    """The settings of a session, or of one of its ensembles, one line for each."""
    experiment = summary.experiment
    if isinstance(experiment, Recording):
        return _about_recording(summary, ensemble)
    own = {
        name: getattr(experiment, name) if ensemble is None else (getattr(ensemble.settings, name),) for name in GRID
    }
    text = {name: SETTINGS[name].text(values) for name, values in own.items()}
    optimizers = ", ".join(_optimizer(optimizer, text["momentum"], experiment) for optimizer in own["optimizer"])
    batch = "the whole sample" if own["batch"] == ("full",) else f"batches of {text['batch']}"
    networks = experiment.networks if ensemble is None else ensemble.networks
    training = f"{optimizers} at {text['learning_rate']}, {batch}"
    for name in ("sampling", "weight_decay", "dropout", "init_scale", "ib_beta", "ib_method", "labels"):
        if own[name] != getattr(Experiment(), name):
            training += f", {SETTINGS[name].named.format(text[name])}"
    rounded = ""
    if own["activation_bits"] != Experiment().activation_bits:
        rounded = f", rounded to levels of {text['activation_bits']} bits"
    rules = summary.rules if ensemble is None else (ensemble.rule,)
    return (
        *(f"rule     {rule_title(rule)}: H(X) {rule.h_x:.4g}, I(X;Y) {rule.i_xy:.4g} bits" for rule in rules),
        f"hidden   {text['hidden']}, {_units(own['units'], text['activation'])}{rounded}",
        f"sample   {text['fraction']} of the patterns" + (f": {ensemble.sample_size}" if ensemble else ""),
        f"networks {networks}, seeds from {experiment.seed}",
        f"training {training}, {experiment.epochs} epochs",
    )


def _about_recording(summary: Summary, ensemble: EnsembleSummary | None) -> Sequence[str]:
    """The same of a recording: what is known of it."""
    rule = summary.rules[0]
    lines = [f"data     {rule_title(rule)}: {rule.patterns} patterns, H(X) {rule.h_x:.4g}, I(X;Y) {rule.i_xy:.4g} bits"]
    if ensemble is not None:
        batches = summary.batches(ensemble)
        units = sum(ensemble.widths)
        lines.append(f"layers   {len(ensemble.widths)}, {units} units" + (f", {batches} batches" if batches else ""))
    networks = summary.experiment.networks if ensemble is None else ensemble.networks
    lines.append(f"networks {networks}")
    lines.append(f"measured by {estimate(summary.experiment)}")
    if others := other_estimators(summary.experiment):
        lines.append(f"also by  {others}")
    return lines


def _units(kinds: tuple[str, ...], activation: str) -> str:
    """What hidden units are: the activation of deterministic ones."""
    return ", ".join("stochastic units" if kind == "stochastic" else activation for kind in kinds)


def _optimizer(name: str, momentum: str, experiment: Experiment) -> str:
    """An optimiser with the setting that is its own."""
    match name:
        case "momentum":
            return f"momentum {momentum}"
        case "metropolis":
            return f"metropolis from epoch {experiment.relaxation_epoch}"
    return name

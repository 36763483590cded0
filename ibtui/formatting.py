"""Values as text: text from outside made harmless, names of ensembles, spreads, durations, ages, sizes, estimators."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from ibtui_engine.activations import bin_range
from ibtui_engine.errors import printable as printable
from ibtui_engine.experiment import Experiment, named
from ibtui_engine.recorded import Recording

if TYPE_CHECKING:
    from ibtui_engine.experiment import Ensemble
    from ibtui_engine.session.summary import EnsembleSummary, RuleSummary, Summary


def title_of(summary: Summary, ensemble: EnsembleSummary) -> str:
    """The name of an ensemble of a session."""
    return ensemble.settings.told_apart(summary.experiment.varied)


def titles_of(those: Sequence[tuple[Summary, EnsembleSummary]]) -> list[str]:
    """The names of ensembles of one session or of several: behind the session's where there are several."""
    several = len({summary.path for summary, _ in those}) > 1
    return [
        f"{summary.path.stem}: {title_of(summary, one)}" if several else title_of(summary, one)
        for summary, one in those
    ]


def aligned(cells: Sequence[str], widths: Sequence[int], apart: str, *, left: Collection[int] = ()) -> str:
    """A line of a table: each cell at the right of its width, but at the left of it in the columns `left`."""
    pairs = enumerate(zip(cells, widths, strict=True))
    return apart.join(cell.ljust(width) if k in left else cell.rjust(width) for k, (cell, width) in pairs)


def with_spread(number: str, spread: float, form: str) -> str:
    """A number with its spread over networks, where it has one: `6.845 ± 1.202`. What spread it is stands in the
    heading (`labelled`).
    """
    return f"{number} ± {spread:{form}}" if math.isfinite(spread) else number


def over_some(count: int, networks: int) -> str:
    """` (n 7)` behind a mean over 7 networks where there are more; nothing where all count, or none does."""
    return f" (n {count})" if 0 < count < networks else ""


def labelled(columns: Sequence[str], rows: Sequence[Sequence[str]], spread: str) -> tuple[str, ...]:
    """Headings that say which spread (`sd` or `se`) stands behind the ± in their columns, where there is one."""
    return tuple(
        f"{column} ± {spread}" if any("±" in row[k] for row in rows) else column for k, column in enumerate(columns)
    )


def duration(seconds: float | None) -> str:
    """Seconds as people say them: `8 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds is None:
        return "?"
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def age(seconds: float) -> str:
    """How long ago, in the largest unit that fits: `5 min`, `3 h`, `12 d`."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def size(count: float) -> str:
    """Bytes in the unit that leaves up to three digits."""
    for unit in ("B", "kB", "MB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"


EXACT = "exact: the network's own noise"
"""What the information of stochastic units rests on."""


def estimate(experiment: Experiment) -> str:
    """What an experiment's I(X;T) and I(T;Y) rest on, in a few words: the estimator, its bins and their edges, and the
    patterns where it is not all.
    """
    if isinstance(experiment, Recording):
        return experiment.estimation.text
    if experiment.all_stochastic:
        return EXACT
    over = "" if experiment.measured is None else f", over {experiment.measured} patterns chosen at random"
    beside = f"; of stochastic units {EXACT}" if experiment.stochastic else ""
    return _estimator(experiment) + over + beside


def fitted_by(experiment: Experiment, settings: Ensemble, bins: int, no_beta: str) -> str:
    """What the fits of an ensemble's layers rest on, in a few words: where there is no beta*, on what was measured."""
    if no_beta:
        return estimate(experiment)
    if settings.stochastic:
        return f"p(t|x) {EXACT}"
    return f"levels of {settings.bits} bits" if settings.bits else f"binning, {bins} bins"


def other_estimators(experiment: Experiment) -> str:
    """By what else a recording is measured, `binning, kde, kde-2`; empty where that is nothing."""
    return ", ".join(experiment.other_names) if isinstance(experiment, Recording) else ""


def rule_title(rule: RuleSummary) -> str:
    """A rule's name with what it is made with, where that was chosen: `symmetric, gamma 8`."""
    if rule.settings.name.of_recording:
        return f"{rule.settings.name.short} (recorded)"
    made = rule.settings._asdict() | {"rule": None}
    chosen = [named(name, value) for name, value in made.items() if value is not None]
    return ", ".join([rule.name, *chosen])


def under(summary: Summary) -> str:
    """Under which P(X,Y) information is measured: a rule that is known, or the sample's own."""
    samples, weighted = {rule.sample for rule in summary.rules}, any(rule.weighted for rule in summary.rules)
    if samples == {True, False}:
        what = "under the true rule, or where that is a sample under its own distribution"
    else:
        what = "under the sample's own distribution" if True in samples else "under the true rule"
    return f"{what} with its p(x)" if weighted else what


def _estimator(experiment: Experiment) -> str:
    bins = f"{experiment.bins} bins"
    match experiment.estimator:
        case "adaptive":
            return f"adaptive binning, {bins} of the range that occurs in each layer"
        case "quantile":
            return f"quantile binning, {bins} of equal mass for each neuron"
        case "kde":
            return f"kde, pairwise bounds with Gaussian noise of variance {experiment.estimation.noise_text}"
        case "gauss":
            of = experiment.estimation.noise_text
            return f"gauss, Gaussian noise of variance {of}, by {experiment.estimation.samples} draws"
        case "exact" if experiment.all_quantised:
            bits = ", ".join(map(str, experiment.activation_bits))
            return f"exact outputs of {bits} bits, so that nothing is estimated"
        case "exact":
            return "exact outputs, no bins"
        case "renyi" | "probe":
            return experiment.estimation.text
    ranges = {bin_range(activation) for activation in experiment.activation}
    if ranges == {(-1.0, 1.0)}:
        return f"binning, {bins} of [−1, 1]"
    fixed = ranges.pop()
    if ranges:
        where = "each activation's range"
    else:
        where = "the range that occurs in each layer" if fixed is None else f"[{fixed[0]:g}, {fixed[1]:g}]"
    return f"binning, {bins} of {where} (the output: of [−1, 1])"


def shortened(text: str, width: int, mark: str = "…") -> str:
    """A text in at most `width` columns: a longer one loses its middle, since names differ at both ends."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width:
        return text
    kept = max(width - cell_len(mark), 0)
    head = set_cell_size(text, (kept + 1) // 2).rstrip()
    tail = set_cell_size(text[::-1], kept // 2)[::-1].lstrip()
    return f"{head}{mark}{tail}"

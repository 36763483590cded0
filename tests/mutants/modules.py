"""Which modules are mutated, by which tests each is to be caught (those that catch most first), and what is let off."""

from __future__ import annotations

ACCOUNT = (
    "account/test_criteria.py",
    "account/test_questions.py",
    "account/test_case.py",
    "account/test_thresholds.py",
    "account/test_more_thresholds.py",
    "account/test_findings.py",
    "test_values.py",
    "account/test_judging.py",
    "account/test_account_claims.py",
)
PHASES = (
    "phases/test_phases_thresholds.py",
    "test_values.py",
    "phases/test_phases_turning.py",
    "phases/test_phases_summary.py",
)
LIVENESS = ("session/test_liveness_thresholds.py", "test_values.py", "session/test_liveness.py")
FITTING = ("bottleneck/test_fitting_thresholds.py", "test_values.py", "bottleneck/test_fitting.py")

MODULES: dict[str, tuple[str, ...]] = {
    "account.case": ACCOUNT,
    "account.claim": ACCOUNT,
    "account.conditions": ACCOUNT,
    "account.controls": ACCOUNT,
    "account.criteria": ACCOUNT,
    "account.evidence": ACCOUNT,
    "account.exact": (*ACCOUNT, "account/test_exact.py"),
    "account.finding": ACCOUNT,
    "account.judging": ACCOUNT,
    "account.questions": ACCOUNT,
    "account.section_2": ACCOUNT,
    "account.section_3_1": ACCOUNT,
    "account.section_3_3": ACCOUNT,
    "account.section_3_4": ACCOUNT,
    "account.section_3_5": ACCOUNT,
    "account.section_3_6": ACCOUNT,
    "account.section_3_7": ACCOUNT,
    "account.section_3_8": ACCOUNT,
    "account.section_3_9": ACCOUNT,
    "account.section_4": ACCOUNT,
    "account.standard": ACCOUNT,
    "phases.summary": PHASES,
    "phases.decline": PHASES,
    "phases.depth": PHASES,
    "phases.diffusion": ("phases/test_phases_thresholds.py", "test_values.py", "phases/test_phases_diffusion.py"),
    "phases.leveling": PHASES,
    "phases.order": PHASES,
    "phases.relaxation": ("phases/test_phases_relaxation.py", "test_values.py"),
    "phases.smoothing": PHASES,
    "phases.transition": ("phases/test_phases_thresholds.py", "test_values.py", "phases/test_phases_transition.py"),
    "phases.turning": PHASES,
    "session.liveness": LIVENESS,
    "bottleneck.fits": FITTING,
    "bottleneck.fitting": FITTING,
}
"""By their names in `ibtui_engine`; the tests in `tests/engine`."""

EQUIVALENT: dict[str, tuple[tuple[str, str], ...]] = {
    "account.case": (("case.weigh(lambda _: True)", "nothing is asked"),),
    "account.claim": (
        ("return 1.0", "ensembles that have one place stay as they are given"),
        ("return -1.0", "likewise"),
    ),
    "account.questions": (
        ("(self.criterion.low, 1.1)", "numbers are tested alike in any unit"),
        ("(self.criterion.low, 0.9)", "likewise"),
        ("(self.criterion.low, 2.0)", "likewise"),
        ("(self.criterion.high, - 1.1)", "likewise"),
        ("(self.criterion.high, - 0.9)", "likewise"),
        ("(self.criterion.high, - 2.0)", "likewise"),
        ("return 1.0, 1.1", "chances above 1 are cut"),
        ("return 1.0, 2.0", "likewise"),
        ("return (0.0, 1.1)", "likewise"),
        ("return (0.0, 2.0)", "likewise"),
        ("np.where(there, self.values, 1.0)", "counts of those that are absent are 0"),
        ("np.where(there, self.drawn, 1.0)", "likewise"),
        ("np.where(there, self.values, -1.0)", "likewise"),
        ("np.where(there, self.drawn, -1.0)", "likewise"),
        ("default_rng([networks, 1])", "any draws serve"),
        ("np.where(counts >= 0, middle", "of no numbers the middle is none, too"),
    ),
    "account.section_3_1": (("peak, axis=0)[ -1]", "there is one row, of the peaks"),),
    "account.section_4": (
        ("alone.layer_names, given[ 1].curve", "ensembles that differ in the objective have one curve"),
        ("alone.layer_names, given[ -1].curve", "likewise"),
    ),
    "account.standard": (("rests_on[ -1]", "the experiments that a claim rests on are compared with one another"),),
    "bottleneck.fitting": (("np.where(joint >= 0, joint * d", "0 times a number that is never infinite"),),
    "phases.summary": (
        ("max(last, 2)", "no transition is found before epoch 2"),
        ("max(last, 0)", "nor where there is no epoch"),
    ),
    "phases.decline": (
        ("np.maximum(used.sum(axis=0), 2)", "a line has five snapshots"),
        ("& (uu >= 0)", "which are at several epochs"),
    ),
    "phases.diffusion": (("where=pairs > 1", "each pair is counted twice"),),
    "phases.leveling": (
        ("slope * joint, - ", "any number up to 0 marks a place that is no break"),
        ("ramps**2 / np.maximum(number, 2)", "one snapshot has no ramp"),
        ("np.maximum(number - 2, 2)", "a level and what is before it have more than four snapshots"),
        ("(np.abs(trend) < slope", "no trend is that number to the last bit"),
    ),
    "phases.order": tuple(
        (f'"networks layers"] = {text} +', "ranks are compared with each other alone")
        for text in ("0.55", "0.45", "1.5", "-0.5")
    ),
    "phases.relaxation": (("*others[: 2]", "no two ensembles have the same settings"),),
    "phases.smoothing": (
        ("np.where(measured, values, 1.0)", "what is not measured has no weight"),
        ("np.where(measured, values, -1.0)", "likewise"),
    ),
    "phases.transition": (
        ("(place < top), place, 1)", "three snapshots at least have been measured before"),
        ("len(measured) - 2), axis=0)", "and three after"),
        ("np.where(place < below, integral", "where it is lowest it is not highest"),
        ("2 / LEAST_SNAPSHOTS", "with fewer, three on each side are not found either"),
        ("change >= CERTAINTY * noise", "no sum is that number to the last bit"),
    ),
    "phases.turning": (
        ("heights, - 1.1)", "any negative number marks what is not measured"),
        ("heights, - 0.9)", "any negative number marks what is not measured"),
        ("heights, - 2.0)", "any negative number marks what is not measured"),
        ("np.maximum(2 * pairs.sum(axis=0), 2)", "without a pair there are no steps to divide either"),
        ("(rows < below) & (heights == peak)", "where it falls to, no layer is at its peak"),
    ),
}
"""By module, mutants that do what the module does, each with the reason: by how the changed line goes on."""

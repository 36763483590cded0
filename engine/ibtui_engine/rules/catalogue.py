"""From a rule's name to the rule: the built-in rules with their settings, images, and tables from files.

Settings of the built-in rules: Shwartz-Ziv and Tishby, arXiv:1703.00810, section 3.1 (symmetric) and section
4, Figure 8 (committee), with the numbers of the authors' code.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

import numpy as np
from jaxtyping import Float64

from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.committee import committee_statistic
from ibtui_engine.rules.log_odds import logistic
from ibtui_engine.rules.logistic import Theta, balanced_theta, gamma_for_information, label_log_odds
from ibtui_engine.rules.names import (
    BUILT_IN_SENTENCES,
    RULE_NAMES,
    RuleName,
    parse_rule_name,
)
from ibtui_engine.rules.patterns import binary_patterns
from ibtui_engine.rules.perceptron import perceptron_rule
from ibtui_engine.rules.rule import Rule
from ibtui_engine.rules.sphere import sphere_statistic
from ibtui_engine.rules.table import load_table
from ibtui_engine.rules.tables.options import USUAL, Reading

__all__ = ["BUILT_INS", "RULE_NAMES", "BuiltIn", "load_rule", "with_both_tails"]


@dataclass(frozen=True)
class BuiltIn:
    """A rule over the 4096 patterns of 12 binary inputs: p(y=1|x) = 1 / (1 + exp(-gamma (f(x) - theta)))."""

    name: str
    sentence: str
    """What it is, for people."""
    theta: float
    """Threshold of f, in f's own unit."""
    gamma: float
    """Steepness: one over f's unit; the larger, the closer to hard labels."""
    statistic: Callable[[], Float64[np.ndarray, " patterns"]]
    """Computes f(x) of every pattern."""


def _built_in(
    name: str, theta: float, gamma: float, statistic: Callable[[], Float64[np.ndarray, " patterns"]]
) -> BuiltIn:
    return BuiltIn(name, BUILT_IN_SENTENCES[name], theta, gamma, statistic)


RAREST = 2.0**-53
"""A label that is less likely over all patterns is in no sample: labels are drawn by uniform numbers of 53 bits."""
# The committee's gamma is the one for which I(X;Y) is 0.99 bits.
COMMITTEE_GAMMA = 240.96320970563926

BUILT_INS: Mapping[str, BuiltIn] = MappingProxyType(
    {
        built_in.name: built_in
        for built_in in (
            _built_in("symmetric", 2.3215, 128.0, partial(sphere_statistic, (1.0, 2.0, 0.0))),
            _built_in("symmetric-soft", 5.89, 12.0, partial(sphere_statistic, (2.0, 5.0, 4.0))),
            _built_in("committee", 1.945, COMMITTEE_GAMMA, committee_statistic),
        )
    }
)
"""The built-in rules over binary patterns by name."""


def load_rule(
    name: str,
    *,
    theta: Theta | None = None,
    gamma: float | None = None,
    i_xy: float | None = None,
    reading: Reading = USUAL,
    seed: int = 0,
) -> Rule:
    """Make a rule P(X,Y), or read it from a file.

    Args:
        name: of a built-in rule, `digits`, `mnist:DIR`, `table:FILE`, or the path of a table's file.
        theta: threshold of a built-in rule; "auto": the one for which p(y=1) is 0.5; None: the rule's own.
        gamma: steepness of a built-in rule; None: the rule's own.
        i_xy: I(X;Y) in bits, for which the steepness is chosen; excludes `gamma`.
        reading: how a table is read: its label column, columns that are no inputs, scaling, rows that are held out.
        seed: what the rows are drawn by that are held out.

    Raises:
        InvalidValue: the name is unknown, the rule has no such setting, a setting is out of range, or the file cannot
            be read.
    """
    known = parse_rule_name(name)
    if not known.settable:
        settings = {"theta": theta, "gamma": gamma, "i_xy": i_xy}
        given = [setting for setting, value in settings.items() if value is not None]
        if given:
            raise InvalidValue(f"rule {name!r} has its own labels and no {given[0]}: leave it out")
        return _load_fixed(known, reading, seed)
    _check_settings(theta, gamma, i_xy)
    return _logistic_rule(BUILT_INS[name], theta, gamma, i_xy)


def with_both_tails(rule: Rule) -> Rule:
    """The rule with the log-odds that its name and parameters stand for, where p(y=1|x) alone was kept of it.

    The same rule where it is not a built-in one, or its patterns and p(y=1|x) are not those of that built-in one.
    """
    theta, gamma = rule.parameters.get("theta"), rule.parameters.get("gamma")
    if rule.name not in BUILT_INS or theta is None or gamma is None:
        return rule
    try:
        named = load_rule(rule.name, theta=theta, gamma=gamma)
    except InvalidValue:
        return rule
    same = np.array_equal(named.patterns, rule.patterns) and np.allclose(named.p_y, rule.p_y, rtol=1e-9, atol=1e-12)
    return replace(rule, odds=named.log_odds) if same else rule


def _load_fixed(name: RuleName, reading: Reading, seed: int) -> Rule:
    """A rule that has its own labels."""
    if name.of_table and name.path is not None:
        return load_table(name.path, name.text, reading, seed)
    if not name.of_images:
        return perceptron_rule()
    from ibtui_engine.rules.images import load_digits, load_mnist

    return load_digits() if name.path is None else load_mnist(name.path, name.text)


def _check_settings(theta: Theta | None, gamma: float | None, i_xy: float | None) -> None:
    if gamma is not None and i_xy is not None:
        raise InvalidValue(f"gamma {gamma:g} and i_xy {i_xy:g} both set the steepness: give one of them")
    if theta is not None and theta != "auto" and (isinstance(theta, str) or not math.isfinite(theta)):
        raise InvalidValue(f"theta must be a finite number or 'auto', got {theta!r}")
    if gamma is not None and not (math.isfinite(gamma) and gamma > 0):
        raise InvalidValue(f"gamma must be a finite number above 0, got {gamma!r}")


def _logistic_rule(built_in: BuiltIn, theta: Theta | None, gamma: float | None, i_xy: float | None) -> Rule:
    f = built_in.statistic()
    threshold: Theta = built_in.theta if theta is None else theta
    if i_xy is not None:
        steepness = gamma_for_information(f, threshold, i_xy)
    else:
        steepness = built_in.gamma if gamma is None else gamma
    at = balanced_theta(f, steepness) if threshold == "auto" else float(threshold)
    odds = label_log_odds(f, at, steepness)
    rule = Rule(
        name=built_in.name,
        patterns=binary_patterns(12),
        p_y=logistic(odds),
        parameters={"theta": at, "gamma": float(steepness)},
        odds=odds,
    )
    if min(rule.p_y1, rule.p_y0) < RAREST:
        raise InvalidValue(
            f"theta must be about {f.min():g} to {f.max():g}, got {at:g}, which labels every pattern {rule.p_y1:.0f}"
        )
    return rule

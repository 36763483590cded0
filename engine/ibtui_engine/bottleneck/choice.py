"""Which method finds the IB curve of a rule: the closed form, the certified one of two labels, or Blahut-Arimoto."""

from __future__ import annotations

from ibtui_engine.bottleneck.curve import ERROR, Curve
from ibtui_engine.rules.rule import Rule


def rule_curve(rule: Rule, *, error: float = ERROR) -> Curve:
    """The IB curve of a rule of any number of labels: exact where y is a function of x, else of two labels certified to
    `error` bits, else Blahut-Arimoto's, of which `certified` is False.

    Raises:
        InvalidValue: error is out of range.
    """
    if rule.deterministic:
        from ibtui_engine.bottleneck.deterministic import deterministic_curve

        return deterministic_curve(rule.p_labels, name=rule.name)
    if rule.labels == 2:
        from ibtui_engine.bottleneck.source import Source
        from ibtui_engine.bottleneck.tracing import ib_curve

        return ib_curve(Source.of_rule(rule), error=error, name=rule.name)
    from ibtui_engine.bottleneck.annealing import annealed_curve

    return annealed_curve(rule.p_y, rule.p_x, name=rule.name)


def coarse_curve(rule: Rule) -> Curve:
    """A first IB curve of a rule, in NumPy alone: exact where y is a function of x, of two labels certified to the
    `error` that it states, of more made of few points that can be achieved.
    """
    if rule.deterministic:
        return rule_curve(rule)
    if rule.labels == 2:
        from ibtui_engine.bottleneck.coarse import coarse_binary_curve
        from ibtui_engine.bottleneck.source import Source

        return coarse_binary_curve(Source.of_rule(rule), name=rule.name)
    from ibtui_engine.bottleneck.annealing import COARSE, annealed_curve

    return annealed_curve(rule.p_y, rule.p_x, name=rule.name, effort=COARSE)

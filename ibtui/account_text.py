"""How findings of the account are told, on screens and in tables: marks, colours, and which chart shows a claim."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

STYLES = MappingProxyType({"reproduced": "green", "partly": "yellow", "not": "red", "undecided": "cyan"})
MARK = MappingProxyType({"reproduced": "+", "partly": "~", "not": "-", "undecided": "?"})
"""Marks in front of claims, which distinguish verdicts without colour."""
LINK = MappingProxyType({"reproduced": "Note", "undecided": "Possible"})
"""How the reason follows the verdict, if not as `But`."""
SHOWN_BY = MappingProxyType(
    {
        **dict.fromkeys(("dpi", "two-phases", "fit-order", "endpoints", "data", "order", "corner"), "plane"),
        **dict.fromkeys(("shorter", "one-constant", "sampled-curves", "ib-guided"), "plane"),
        **dict.fromkeys(("more-data", "more-data-middle", "monte-carlo", "noise", "noise-shape"), "plane"),
        **dict.fromkeys(("relu", "random-labels"), "plane"),
        "orbits": "kept",
        **dict.fromkeys(("transition", "coincidence", "leveling", "committee"), "snr"),
        **dict.fromkeys(("large-problem", "large-problem-mnist"), "snr"),
        **dict.fromkeys(("diffusion", "correlations"), "gradients"),
        **dict.fromkeys(("depth", "width", "perceptron", "noise-depth", "sensitivity"), "learning"),
        **dict.fromkeys(
            ("bound", "bound-symmetric", "bound-symmetric-soft", "slopes", "eq-9", "critical-points"), "bound"
        ),
    }
)
"""By the key of a claim, which chart shows what it is about."""


def shown_by(key: str) -> str:
    """Which chart shows a claim, also where it is judged again on other networks (`two-phases-quantised`)."""
    return SHOWN_BY[max((one for one in SHOWN_BY if f"{key}-".startswith(f"{one}-")), key=len)]


def link(verdict: str, reason: str) -> str:
    """The reason, as it follows the verdict."""
    return f"{LINK.get(verdict, 'But')}: {reason}"


def sentences(one: Mapping[str, Any]) -> str:
    """A claim, with its section."""
    return f"{one['claim']} ({one['section']})" if one["section"] != "–" else one["claim"]


def told_of(one: Mapping[str, Any], place: int) -> list[tuple[str, str]]:
    """What is said of a finding, with the style of each line; `place`: which of its ensembles is shown."""
    verdict = one["verdict"]
    firm = f"  ({one['firmness']})" if one["firmness"] else ""
    lines = [(f"{verdict}{firm}", f"bold {STYLES.get(verdict, '')}".strip())]
    if one["reason"]:
        lines.append((f"{link(verdict, one['reason'])}.", ""))
    lines.append(("", ""))
    lines.append((f"Measured: {one['measured']}.", "dim"))
    if one["rule"]:
        lines.append((f"Reproduced: {one['rule']}.", "dim"))
    if one["numbers"]:
        lines.append(("", ""))
        lines.append(("; ".join(number["text"] for number in one["numbers"]), ""))
    if one["ensembles"]:
        there = one["ensembles"][place]
        which = f", {place + 1} of {len(one['ensembles'])} ensembles ([ ])" if len(one["ensembles"]) > 1 else ""
        lines += [("", ""), (f"Shown: {there['session']}, ensemble {there['ensemble']}{which}.", "dim")]
    return lines

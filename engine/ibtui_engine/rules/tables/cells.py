"""Numbers as people and spreadsheets write them: decimal commas, thousands separators, unusual minus signs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

Decimal = Literal[".", ","]

GROUP = "[,.'’\u00a0\u202f\u2009 ]"
"""What stands between groups of three digits."""
PLAIN = {
    decimal: re.compile(rf"[+-]?(\d+([{decimal}]\d*)?|[{decimal}]\d+)([eE][+-]?\d+)?", re.ASCII) for decimal in ".,"
}
GROUPED = {
    decimal: re.compile(rf"[+-]?\d{{1,3}}((?![{decimal}]){GROUP})\d{{3}}(\1\d{{3}})*([{decimal}]\d*)?", re.ASCII)
    for decimal in ".,"
}
ONLY_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3}){2,}(\.\d*)?|[+-]?[1-9]\d{0,2},\d{3}\.\d*", re.ASCII)
"""Commas that can only stand between thousands,"""
EITHER = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
"""or be a decimal sign as well."""
MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "?", "-", ".", "<na>", "nat", "missing"})
"""How programs write that there is no value, in small letters."""
MISSING_LABELS = MISSING - {"none", "-", ".", "missing"}
"""The same for labels, which may well be called none."""


def number(text: str, decimal: Decimal) -> float | None:
    """The number that a text is, None where it is none."""
    text = text.strip().replace("−", "-")
    if PLAIN[decimal].fullmatch(text):
        return float(text.replace(",", "."))
    found = GROUPED[decimal].fullmatch(text)
    if found is None:
        return None
    return float(text.replace(found[1], "").replace(",", "."))


def is_number(text: str, *, commas: bool) -> bool:
    """Whether a text is a number with either decimal sign; `commas`: whether one within a number is possible."""
    return number(text, ".") is not None or (commas and number(text, ",") is not None)


def numbers(texts: np.ndarray, decimal: Decimal) -> np.ndarray | None:
    """The numbers that texts are; None where one of them is none."""
    import pandas

    codes, different = pandas.factorize(texts)
    values = np.empty(len(different))
    for place, text in enumerate(different):
        found = number(text, decimal)
        if found is None:
            return None
        values[place] = found
    return np.asarray(values[codes])


def decimal_sign(texts: Iterable[Sequence[str]], separator: str) -> Decimal:
    """The decimal sign of a table, from its different cells that are no plain numbers.

    Raises:
        ValueError: they contradict each other, or could be read in two ways; the text says which cells.
    """
    comma = thousands = either = ""
    for column in texts:
        for raw in column:
            text = raw.strip().replace("−", "-")
            if "," not in text:
                continue
            if ONLY_THOUSANDS.fullmatch(text):
                thousands = thousands or text
            elif EITHER.fullmatch(text):
                either = either or text
            elif number(text, ",") is not None:
                comma = comma or text
    if comma and thousands:
        raise ValueError(f"has numbers with decimal commas ({comma!r}) and others with decimal points ({thousands!r})")
    if comma:
        return ","
    if either and not thousands and separator not in (",", ";"):
        raise ValueError(
            f"has {either!r}, which may be {either.replace(',', '')} or {either.replace(',', '.')}: write numbers "
            "without thousands separators, or with decimal points"
        )
    return "," if either and not thousands and separator == ";" else "."

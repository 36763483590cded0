"""How a table is to be read, as far as people say so. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

LABEL_KINDS = ("auto", "class", "probability")
SCALES = ("auto", "none", "standard", "unit")
MOST_LABEL_BINS = 256
NO_WEIGHT = "none"
"""In place of a column: no column is a weight."""


def parts_of(text: str | None) -> tuple[str, ...]:
    """What stands between the commas of a text, without blanks around it and without what is empty."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What people say about a table. What they leave open follows from the table."""

    label: str | None = None
    """The label column: its name, its number from 1, or several of them, with commas between, for one-hot labels."""
    ignore: str | None = None
    """Columns that are no inputs: names or numbers, with commas between."""
    label_kind: str = "auto"
    """One of `LABEL_KINDS`: whether the label column holds classes or probabilities of y = 1."""
    label_bins: int | None = None
    """How many classes of equal mass a continuous label is cut into; None: it is not cut."""
    scale: str = "auto"
    """One of `SCALES`: what is done to the inputs. `auto` standardises inputs far outside [−3, 3]."""
    weight: str | None = None
    """The column that p(x) is in proportion to: its name, its number from 1, or `none`; None: one called `weight`."""
    test_fraction: float | None = None
    """Share of the rows that are held out: no network trains on them, and they are measured separately."""
    test: str | None = None
    """A second file, with the same columns, whose rows are held out instead."""

    @property
    def weightless(self) -> bool:
        """Whether every row is equally likely, whatever columns there are."""
        return self.weight is not None and self.weight.strip().lower() == NO_WEIGHT

    @property
    def ignored(self) -> tuple[str, ...]:
        """The columns that are no inputs, one by one."""
        return parts_of(self.ignore)


USUAL = Reading()
"""Everything follows from the table."""

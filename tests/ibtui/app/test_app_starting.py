"""What is said while a run has not measured anything."""

from __future__ import annotations

import pytest

from ibtui.screens import starting
from ibtui.screens.starting import SLOW, SLOW_SECONDS, Starting


@pytest.mark.parametrize(("waited", "why"), [(0.0, ""), (SLOW_SECONDS, ""), (SLOW_SECONDS + 0.1, f": {SLOW}")])
def test_a_start_that_takes_long_says_why_it_may(waited: float, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter((100.0, 100.0 + waited))
    monkeypatch.setattr(starting.time, "monotonic", lambda: next(now))
    assert Starting("a-run")._said() == f"Starting a-run ({waited:.0f} s){why}"

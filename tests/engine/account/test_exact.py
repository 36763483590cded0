"""Claims that are judged again where information is exact: by the same rules, on other presets."""

from __future__ import annotations

from pathlib import Path

import pytest

from ibtui_engine.account.claims import CLAIMS
from ibtui_engine.account.exact import AGAIN, EXACT, KINDS
from ibtui_engine.account.finding import UNKNOWN
from ibtui_engine.account.standard import STANDARD, account
from ibtui_engine.presets import PRESETS
from ibtui_engine.runner import Run, begin


def test_they_differ_in_what_they_are_judged_on_alone() -> None:
    assert len(EXACT) == len(AGAIN) * len(KINDS)
    usual = {claim.key: claim for claim in CLAIMS}
    for one in EXACT:
        key, _, preset = one.key.rpartition("-")
        assert preset in KINDS
        assert preset in PRESETS
        assert one.rests_on == (preset,)
        assert (one.rule, one.measured, one.section) == (usual[key].rule, usual[key].measured, usual[key].section)
        assert one.text == f"{usual[key].text.removesuffix(' (symmetric-soft)')} ({KINDS[preset]})"
    assert not set(EXACT) & set(CLAIMS)  # else every session would be judged twice by them
    assert STANDARD[-len(EXACT) :] == EXACT


@pytest.mark.long
@pytest.mark.parametrize("preset", KINDS)
def test_they_are_judged_on_a_session_of_such_networks(tmp_path: Path, preset: str) -> None:
    path = tmp_path / "exact.ibs"
    Run(begin(path, "exact", PRESETS[preset].quick)).execute()
    found = {one.key: one for one in account({preset: path})}
    dpi = found[f"dpi-{preset}"]
    assert dpi.resampled == {"reproduced": 1.0}  # four networks are too few to say so
    assert [number.value for number in dpi.numbers] == pytest.approx([0.0, 0.0], abs=1e-9)
    for claim in AGAIN:
        assert found[f"{claim.key}-{preset}"].verdict != UNKNOWN

"""The account in the app: claims with their verdicts, and the chart that shows the chosen one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import OptionList

from ibtui.account_text import SHOWN_BY, told_of
from ibtui.commands import Answer
from ibtui.screens import account as module
from ibtui_engine.account.claims import CLAIMS
from ibtui_engine.account.judging import judge
from ibtui_engine.session.history import SessionReader


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Judges in this process what the screen has judged by one beside it; what the command was called with."""
    calls: list[tuple[str, ...]] = []

    async def answer(*arguments: str) -> Answer:
        calls.append(arguments)
        found = []
        for path in (one for one in arguments if one.endswith(".ibs")):
            with SessionReader(Path(path)) as reader:
                found += [one.to_dict() for one in judge(reader.recorded_ensembles(), threads=1)]
        return Answer(0, json.dumps(found).encode(), "")

    monkeypatch.setattr(module, "ask", answer)
    return calls


async def _judged(view: Any) -> None:
    await view.press("a")
    await view.until_screen("AccountScreen")
    await view.until(lambda: view.one("#claims", OptionList).option_count)
    await view.pilot.pause()


async def _choose(view: Any, key: str, verdict: str | None = None) -> None:
    """Highlight the finding of a claim."""
    found = view.screen._found
    place = next(k for k, one in enumerate(found) if one["key"] == key and verdict in (None, one["verdict"]))
    view.one("#claims", OptionList).highlighted = place
    await view.pilot.pause()


async def test_the_marked_sessions_are_judged_and_shown(open_app: Any, have: Any, asked: Any) -> None:
    kept, _ = have("kept"), have("grid")
    async with open_app() as view:
        view.screen._marked = {kept}
        await _judged(view)
        assert asked[0] == ("account", str(kept.absolute()), "--json", "--quiet")
        assert "undecided" in view.said("#status")
        assert "Of kept" in view.said("#status")
        await _choose(view, "corner")
        words = view.said("#words")
        assert "(n 3; " in words
        assert "H(X) − I(X;T1)" in words
        assert "Shown: kept, ensemble 0." in words
        assert "Information plane" in str(view.one("#shown").border_title)
        await _choose(view, "leveling")
        assert "signal to noise" in str(view.one("#shown").border_title).lower() or view.screen.panel == "snr"
        await view.press("o")
        await view.until_screen("SessionScreen")


async def test_ensembles_of_a_claim_one_after_another(open_app: Any, have: Any, asked: Any) -> None:
    grid = have("grid")
    async with open_app() as view:
        view.screen._marked = {grid}
        await _judged(view)
        await _choose(view, "sensitivity", "not applicable")
        shown = []
        for _ in range(3):
            shown.append(view.said("#words").rpartition("Shown: ")[2])
            await view.press("right_square_bracket")
        assert [one.split(",")[1] for one in shown] == [" ensemble 2", " ensemble 0", " ensemble 1"]
        await view.press("left_square_bracket")
        assert "ensemble 1, 2 of 3 ensembles" in view.said("#words")


async def test_the_bound_of_a_claim_about_it(open_app: Any, have: Any, asked: Any) -> None:
    kept = have("kept")
    async with open_app() as view:
        view.screen._marked = {kept}
        await _judged(view)
        await _choose(view, "eq-9")
        await view.until(lambda: "IB curve" in str(view.one("#shown").border_title))
        assert view.one("#shown").spec is not None


async def test_keys_go_from_the_claims_to_the_chart_and_the_words(open_app: Any, have: Any, asked: Any) -> None:
    kept = have("kept")
    async with open_app(size=(80, 24)) as view:
        view.screen._marked = {kept}
        await _judged(view)
        assert not view.one("#shown").display  # there is room for one of both
        for focus, charted in (("shown", True), ("finding", False), ("claims", False)):
            await view.press("tab")
            assert (view.app.focused.id, view.one("#shown").display) == (focus, charted)
        await view.press("escape")
        await view.until_screen("LibraryScreen")


async def test_what_cannot_be_judged_is_said(open_app: Any, have: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*arguments: str) -> Answer:
        return Answer(2, b"", "session 'plain' is damaged")

    have("plain")
    monkeypatch.setattr(module, "ask", refuse)
    async with open_app() as view:
        await view.press("a")
        await view.until_screen("AccountScreen")
        await view.until(lambda: "is damaged" in view.said("#status"))
        await view.press("o", "right_square_bracket", "tab", "tab", "tab", "q")
        await view.until_screen("LibraryScreen")


@pytest.mark.long
async def test_without_sessions_the_examples_are_judged_by_a_process(open_app: Any) -> None:
    async with open_app() as view:
        await _judged(view)
        found = {one["key"]: one for one in view.screen._found}
        assert found["corner"]["ensembles"][0]["session"] == "example-figure-3"
        assert found["bound-symmetric"]["verdict"] == "not measured"
        await _choose(view, "bound-symmetric")
        assert "there is no finished session of figure-6" in view.said("#words")


def test_every_claim_has_a_chart() -> None:
    assert set(SHOWN_BY) == {claim.key for claim in CLAIMS}


def test_a_finding_is_told_with_its_verdict_first() -> None:
    one = {
        "verdict": "partly",
        "firmness": "n 3; 80 % of resamples",
        "reason": "why",
        "measured": "what",
        "rule": "when",
        "numbers": [{"text": "T1 1"}, {"text": "T2 2"}],
        "ensembles": [{"session": "a", "ensemble": 0}, {"session": "b", "ensemble": 4}],
    }
    lines = [text for text, _ in told_of(one, 1)]
    assert lines == [
        "partly  (n 3; 80 % of resamples)",
        "But: why.",
        "",
        "Measured: what.",
        "Reproduced: when.",
        "",
        "T1 1; T2 2",
        "",
        "Shown: b, ensemble 4, 2 of 2 ensembles ([ ]).",
    ]
    assert told_of(one, 1)[0][1] == "bold yellow"

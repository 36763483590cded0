"""Help and the palette know every key; the theme is kept; keys can be changed."""

from __future__ import annotations

import gc
import tomllib
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from ibtui.app import IbtuiApp
from ibtui.screens.help import matching
from ibtui.screens.help_texts import CHARTS
from ibtui.screens.help_texts import SCREENS as SCREEN_TEXTS
from ibtui.screens.new import NewScreen
from ibtui.settings import Settings
from ibtui.start import run_app
from tests.tiers import first


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NewScreen, "_calibrate", lambda self: None)


async def _go(view: Any, screen: str) -> None:
    if screen == "NewScreen":
        await view.press("n")
    elif screen == "SessionScreen":
        await view.press("enter")
    elif screen == "CompareScreen":
        await view.press("c")
    await view.until_screen(screen)
    await view.pilot.pause()


def _described(view: Any) -> dict[str, str]:
    """What keys do on the screen now, by their names in the settings."""
    return {
        active.binding.id: active.binding.tooltip or active.binding.description
        for active in view.screen.active_bindings.values()
        if active.binding.description and active.binding.id and not active.binding.system
    }


SCREENS = ["LibraryScreen", "SessionScreen", "NewScreen", "CompareScreen"]


@pytest.mark.parametrize("screen", first(1, SCREENS))
async def test_help_lists_the_keys_and_the_science(open_app: Any, have: Any, screen: str) -> None:
    have("grid")
    async with open_app() as view:
        await _go(view, screen)
        described = _described(view)
        if screen == "NewScreen":  # there a question mark is typed into a field
            view.one("#presets").focus()
        await view.press("question_mark")
        await view.until_screen("HelpScreen")
        told = [what for rows in view.screen._entries.values() for _, what in rows]
        for what in described.values():
            assert ("Show or hide that layer" if what.startswith("Show or hide layer") else what) in told
        assert any("are 12 bits, H(X)" in what for what in told)
        assert SCREEN_TEXTS[screen][0] in view.screen._entries  # it says what this screen is
        await view.until(lambda: "Keys" in view.text())
        await view.press("down", "pagedown", "question_mark")
        await view.until_screen(screen)


@pytest.mark.long
@pytest.mark.parametrize("chart", ["plane", "gradients", "snr", "learning"])
async def test_help_starts_with_the_focused_chart(open_app: Any, have: Any, chart: str) -> None:
    have("plain")
    async with open_app("plain") as view:
        view.screen.panel = chart
        await view.until(lambda: view.chart(chart).has_focus)
        await view.press("question_mark")
        await view.until_screen("HelpScreen")
        groups = list(view.screen._entries)
        assert groups[:2] == [f"This chart: {CHARTS[chart][0]}", "Keys: this chart"]
        await view.until(lambda: CHARTS[chart][1][0][1][:30] in view.text())


@pytest.mark.long
async def test_f1_opens_help_from_fields_too(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app() as view:
        await view.press("slash", "f1")
        await view.until_screen("HelpScreen")
        assert view.one("#search", Input).value == ""
        await view.press("f1")
        await view.until_screen("LibraryScreen")
        assert view.one("#filter", Input).value == ""
        await view.press("escape")
        await _go(view, "NewScreen")
        view.one("#hidden", Input).focus()
        await view.press("f1")
        await view.until_screen("HelpScreen")
        await view.press("question_mark")
        await view.until_screen("NewScreen")
        assert "?" not in view.one("#hidden", Input).value


@pytest.mark.long
async def test_help_finds_what_has_all_the_words_typed(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain") as view:
        await view.press("question_mark")
        await view.until_screen("HelpScreen")
        every = view.said("#help-keys")
        await view.press(*"PLAY")
        await view.until(lambda: "of " in view.said("#help-keys") and view.said("#help-keys") != every)
        assert "space" in view.text()
        assert "compression" not in view.text()
        assert matching(view.screen._entries, "drift snr") == {
            group: rows
            for group, entries in view.screen._entries.items()
            if (
                rows := [
                    (term, what)
                    for term, what in entries
                    if "drift" in f"{group}{term}{what}".lower() and "snr" in f"{group}{term}{what}".lower()
                ]
            )
        }
        view.one("#search", Input).value = "zebra [b]"
        await view.until(lambda: "Nothing here has all of: zebra [b]" in view.text())
        await view.press("escape")  # empties the search first
        await view.until(lambda: view.one("#search", Input).value == "")
        await view.press("escape")
        await view.until_screen("SessionScreen")


@pytest.mark.long
@pytest.mark.parametrize("screen", SCREENS)
async def test_the_palette_has_everything_that_a_key_does(open_app: Any, have: Any, screen: str) -> None:
    have("grid")
    async with open_app() as view:
        await _go(view, screen)
        offered = {command.title: command for command in view.app.get_system_commands(view.screen)}
        for active in view.screen.active_bindings.values():
            if active.binding.description and not active.binding.system:
                assert active.binding.description in offered
        assert {"Theme", "Quit"} <= set(offered)


@pytest.mark.long
async def test_a_command_of_the_palette_does_what_its_key_does(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain") as view:
        await view.press("ctrl+p")
        await view.until_screen("CommandPalette")
        await view.press(*"Points")
        await view.until(lambda: "Points" in view.text())
        await view.press("down", "enter")
        await view.until(lambda: type(view.screen).__name__ == "SessionScreen" and view.screen.points)


@pytest.mark.long
async def test_the_theme_is_toggled_drawn_and_kept(open_app: Any, have: Any, tmp_path: Path) -> None:
    have("plain")
    file = tmp_path / "config" / "ibtui" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('ascii = false\n\n[keys]\n"session.play" = "x"\n')
    async with open_app("plain") as view:
        dark = view.chart().image
        await view.press("ctrl+t")
        assert view.app.theme == "textual-light"
        await view.pilot.pause()
        assert view.chart().image is not dark
        assert view.chart().image.cells != dark.cells
        await view.until(file.exists)
    kept = tomllib.loads(file.read_text())
    assert kept == {"ascii": False, "keys": {"session.play": "x"}, "theme": "textual-light"}
    async with open_app("plain", settings=Settings(**kept)) as view:
        assert view.app.theme == "textual-light"
        await view.press(*["less_than_sign"] * 4, "space")
        assert not view.screen.playback.playing
        await view.press("x")
        assert view.screen.playback.playing
        await view.press("ctrl+t")
        assert view.app.theme == "textual-dark"


async def test_an_unknown_theme_in_the_settings_is_no_harm(open_app: Any) -> None:
    async with open_app(settings=Settings(theme="no such theme")) as view:
        assert view.app.theme == "textual-dark"


@pytest.mark.long
async def test_ascii_alone(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain", settings=Settings(ascii=True)) as view:
        assert view.chart().text().isascii()
        assert view.one("#timeline").render_line(0).text.isascii()
        await view.press("space")
        assert view.one("#timeline").render_line(0).text.isascii()


async def test_without_colour(open_app: Any, have: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    have("plain")
    monkeypatch.setenv("NO_COLOR", "1")
    async with open_app("plain") as view:
        assert {colour for row in view.chart().image.cells for _, colour in row} == {None}


def test_the_program_has_no_garbage_sought_among_what_it_has_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[IbtuiApp] = []
    monkeypatch.setattr(IbtuiApp, "run", lambda app: begun.append(app))
    run_app(tmp_path)
    try:
        gc.disable()  # as `ibtui` begins
        IbtuiApp(tmp_path)._settle()
        assert not gc.isenabled()  # a part of another program leaves its collector alone
        begun[0]._settle()
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.enable()
        gc.unfreeze()

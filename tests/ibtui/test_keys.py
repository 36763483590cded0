"""Keys of the settings: each does one thing on a screen; the app and `ibtui config show` agree on what can be used."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ibtui.keys import known_keys, require_usable_keys
from ibtui_engine.errors import InvalidValue

Ibtui = Callable[..., subprocess.CompletedProcess[str]]


def test_the_usual_keys_can_be_used() -> None:
    require_usable_keys({name: binding.key for name, binding in known_keys().items()})


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"session.play": "p"}, ("'p'", "session.play", "session.points", "session screen")),
        ({"session.play": "?"}, ("'question_mark'", "session.play", "app.help")),
        ({"session.play": "ctrl+q"}, ("'ctrl+q'", "app.quit", "session.play")),
        ({"library.open": "space,q"}, ("library.mark", "library.open", "'space'")),
        ({"chart.left": "comma"}, ("session.back", "chart.left", "'comma'")),
        ({"compare.overlay": "x", "compare.full": "u,x"}, ("compare.overlay", "compare.full", "compare screen")),
        ({"app.theme": "ctrl+p"}, ("'ctrl+p'", "app.theme", "the command palette")),
        ({"app.quit": "escape"}, ("'escape'", "app.quit")),
    ],
)
def test_a_key_that_does_two_things_on_a_screen_is_refused(keys: Mapping[str, str], told: tuple[str, ...]) -> None:
    with pytest.raises(InvalidValue) as refused:
        require_usable_keys(keys)
    assert all(part in str(refused.value) for part in told), refused.value


@pytest.mark.parametrize(
    "keys",
    [
        {"session.play": "x", "library.new": "x"},  # on different screens
        {"session.play": "p", "session.points": "space", "compare.points": "space"},  # changed with each other
        {
            "app.quit": "ctrl+q,q",
            "session.leave": "escape",
            "compare.leave": "escape",
            "account.leave": "escape",
            "map.leave": "escape",
        },  # both quit the app
        {"session.leave": "x", "chart.no_cursor": "x"},  # as escape, by default
        {"session.play": "space, x , x"},
    ],
)
def test_what_is_clear_is_allowed(keys: Mapping[str, str]) -> None:
    require_usable_keys(keys)


@pytest.mark.long
@pytest.mark.parametrize("text", ['"session.play" = "p"', '"session.play" = "no such key"', '"session.fly" = "x"'])
def test_config_show_refuses_what_the_app_refuses(
    ibtui: Ibtui, command_environment: Mapping[str, str], text: str
) -> None:
    file = Path(command_environment["XDG_CONFIG_HOME"]) / "ibtui" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(f"[keys]\n{text}\n")
    done = ibtui("config", "show")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert ibtui("config", "keys").returncode == 0  # which says what could be written instead

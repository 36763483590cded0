"""The form: every field says its range, and what is wrong as it is typed; starting goes to the new session."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button, Input, OptionList

from ibtui.runs import NICENESS
from ibtui.screens.new import FIELDS, NewScreen, draw_architecture, hint
from ibtui_engine.calibration import Speed
from ibtui_engine.experiment import DEFAULT_RELAX_FROM, Experiment
from ibtui_engine.presets import PRESETS
from ibtui_engine.session.control import send, wait_until
from ibtui_engine.session.summary import read_summary

SPEED = Speed(1e-9, 1e-8)


@pytest.fixture
def calibrated(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if this machine had been measured already."""

    def known(screen: NewScreen) -> None:
        screen._speed = SPEED
        screen._check()

    monkeypatch.setattr(NewScreen, "_calibrate", known)


async def _open(view: Any) -> None:
    await view.press("n")
    await view.until_screen("NewScreen")


def _values(view: Any) -> dict[str, str]:
    return {field.name: view.one(f"#{field.name}", Input).value for field in FIELDS}


@pytest.mark.usefixtures("calibrated")
async def test_every_field_shows_its_range(open_app: Any) -> None:
    async with open_app(size=(160, 60)) as view:
        await _open(view)
        for field in FIELDS:
            assert view.said(f"#hint-{field.name}") == hint(field).plain
            assert field.hint in hint(field).plain
            assert all(value in hint(field).plain for value in field.known)
            assert not view.one(f"#hint-{field.name}").has_class("error")
        assert not view.one("#start", Button).disabled
        assert "ensemble of 40 networks: about" in view.said("#estimate")


BAD = [
    ("rule", "xor", "xor"),
    ("rule", "table:", "table"),
    ("hidden", "", "empty"),
    ("hidden", "10-x", "10-x"),
    ("hidden", "3 3", "twice"),
    ("hidden", "-".join(["2"] * 17), "17 layers"),
    ("hidden", "99999999", "65536"),
    ("activation", "tan", "tanh, relu"),
    ("fraction", "0", "above 0"),
    ("fraction", "1.01", "at most 1"),
    ("fraction", "85%", "no number"),
    ("fraction", "nan", "above 0"),
    ("fraction", "", "empty"),
    ("networks", "0", "from 1"),
    ("networks", "1.5", "no number"),
    ("networks", "", "is empty"),
    ("networks", "9" * 5000, "no number"),
    ("seed", "-1", "from 0"),
    ("epochs", "0", "from 1"),
    ("epochs", "many", "no number"),
    ("optimizer", "rmsprop", "sgd, momentum, adam"),
    ("learning_rate", "0", "allowed is a number from 1.18e-38"),
    ("learning_rate", "inf", "allowed is a number from 1.18e-38"),
    ("batch", "0", "or full"),
    ("batch", "half", "or full"),
    ("bins", "1", "from 2"),
    ("estimator", "guess", "binning, adaptive"),
    ("labels", "odd", "rule, random"),
    ("name", "a/b", "without /"),
    ("name", ".x", "dot"),
    ("name", "a\x1b[2Jb", "printable"),
]


@pytest.mark.usefixtures("calibrated")
async def test_what_is_wrong_is_said_beside_its_field_at_once(open_app: Any) -> None:
    async with open_app(size=(160, 60)) as view:
        await _open(view)
        good = _values(view)
        left = list(BAD)
        while left:
            # one bad value in each field that has one left, all at once
            round_ = {name: (text, reason) for name, text, reason in reversed(left)}
            left = [(name, text, reason) for name, text, reason in left if round_[name] != (text, reason)]
            for name, (text, _) in round_.items():
                view.one(f"#{name}", Input).value = text
            await view.until(lambda: all(view.one(f"#hint-{name}").has_class("error") for name in round_))  # noqa: B023
            for name, (text, reason) in round_.items():
                said = view.said(f"#hint-{name}")
                assert reason in said, (name, text, said)
                assert said.isprintable()
            assert {f.name for f in FIELDS if view.one(f"#hint-{f.name}").has_class("error")} == set(round_)
            assert view.one("#start", Button).disabled
            assert view.said("#estimate") == ""
            for name in round_:
                view.one(f"#{name}", Input).value = good[name]
            await view.until(lambda: not view.one("#start", Button).disabled)
        assert not any(view.one(f"#hint-{f.name}").has_class("error") for f in FIELDS)


@pytest.mark.usefixtures("calibrated")
async def test_wrong_settings_do_not_start(open_app: Any, directory: Path) -> None:
    async with open_app() as view:
        await _open(view)
        await view.write("#networks", "0")
        assert "from 1" in view.said("#hint-networks")
        await view.press("ctrl+s")
        assert any("out of range" in note for note in view.notes())
        assert list(directory.iterdir()) == []


@pytest.mark.usefixtures("calibrated")
async def test_presets_fill_the_form(open_app: Any) -> None:
    async with open_app() as view:
        await _open(view)
        presets = view.one("#presets", OptionList)
        assert presets.has_focus
        for name in PRESETS:
            experiment = PRESETS[name].experiment
            await view.until(lambda e=experiment: _values(view)["hidden"] == FIELDS[1].text(e))
            values = _values(view)
            for field in FIELDS[:-1]:
                assert values[field.name] == field.text(experiment)
            if name == "mnist":  # its files are not here, and that is said beside the rule
                assert view.screen._check() is None
                assert "no train-images-idx3-ubyte" in str(view.one("#hint-rule").render())
            else:
                assert view.screen._check() == experiment
            await view.press("down")
        await view.press("enter")
        await view.until(lambda: view.one("#hidden", Input).has_focus)


@pytest.mark.usefixtures("calibrated")
async def test_going_back_to_the_presets_keeps_what_was_typed(open_app: Any) -> None:
    async with open_app() as view:
        await _open(view)
        await view.press("enter")
        await view.write("#networks", "7")
        view.one("#presets", OptionList).focus()
        await view.pilot.pause()
        assert _values(view)["networks"] == "7"


@pytest.mark.usefixtures("calibrated")
@pytest.mark.long
async def test_the_estimate_follows_the_settings(open_app: Any) -> None:
    async with open_app(size=(80, 24)) as view:
        await _open(view)
        before = view.said("#estimate")
        await view.write("#epochs", "1000000")
        await view.write("#fraction", "0.2, 0.5 0.8")
        assert "3 ensembles of 40 networks" in view.said("#estimate")
        assert view.said("#estimate") != before
        assert "3 ensembles" in view.text()  # in sight even where the form is scrolled
        await view.write("#epochs", "1x")
        assert view.said("#estimate") == ""


async def test_this_machine_is_measured_in_another_process(open_app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    begin, asked = asyncio.create_subprocess_exec, asyncio.Event()

    async def when_asked(*command: Any, **options: Any) -> asyncio.subprocess.Process:
        await asked.wait()
        return await begin(*command, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", when_asked)
    async with open_app() as view:
        await _open(view)
        assert "measuring this machine" in view.said("#estimate")
        asked.set()
        await view.until(lambda: "on this machine" in view.said("#estimate"))


async def test_leaving_while_the_machine_is_measured(open_app: Any) -> None:
    async with open_app() as view:
        await _open(view)
        await view.press("escape")
        await view.until_screen("LibraryScreen")


@pytest.mark.usefixtures("calibrated")
async def test_a_taken_name_is_refused(open_app: Any, have: Any) -> None:
    path = have("plain")
    before = path.read_bytes()
    async with open_app() as view:
        await _open(view)
        await view.write("#name", "plain")
        await view.press("ctrl+s")
        assert any("exists already" in note for note in view.notes())
        assert type(view.screen).__name__ == "NewScreen"
    assert path.read_bytes() == before


@pytest.mark.usefixtures("calibrated")
async def test_start_runs_the_experiment_and_goes_to_its_session(open_app: Any, directory: Path) -> None:
    path = directory / "tiny [b].ibs"
    async with open_app() as view:
        await _open(view)
        for name, text in {"hidden": "3", "networks": "2", "epochs": "5", "bins": "7", "name": "tiny [b]"}.items():
            view.one(f"#{name}", Input).value = text
        await view.pilot.pause()
        await view.press("ctrl+s")
        await view.until(lambda: type(view.screen).__name__ == "SessionScreen")
        assert view.screen.path == path
        await view.until(lambda: "run: finished" in view.said("#status"))
        assert view.screen.playback.epoch == 5
        await view.press("escape")
        await view.until_screen("LibraryScreen")
    experiment = read_summary(path).experiment
    assert (experiment.hidden, experiment.networks, experiment.epochs, experiment.bins) == (((3,),), 2, 5, 7)


@pytest.mark.usefixtures("calibrated")
async def test_a_run_that_cannot_begin_says_why(open_app: Any) -> None:
    async with open_app() as view:
        await _open(view)
        await view.write("#rule", "table:missing.csv")
        await view.press("ctrl+s")
        await view.until(lambda: any("missing.csv" in note for note in view.notes()))
        assert type(view.screen).__name__ == "NewScreen"


@pytest.mark.parametrize("answer", ["stop", pytest.param("leave", marks=pytest.mark.long)])
@pytest.mark.usefixtures("calibrated")
async def test_quitting_while_a_run_started_here_goes_on_asks(open_app: Any, directory: Path, answer: str) -> None:
    path = directory / "long.ibs"
    try:
        async with open_app() as view:
            await _open(view)
            for name, text in {"hidden": "3", "networks": "2", "epochs": "90000000", "name": "long"}.items():
                view.one(f"#{name}", Input).value = text
            await view.pilot.pause()
            await view.press("ctrl+s")
            await view.until(lambda: type(view.screen).__name__ == "SessionScreen")
            await view.press("ctrl+q")
            await view.until_screen("Choice")
            assert "long is running" in view.text()
            await view.pilot.click("#stay")
            await view.until_screen("SessionScreen")
            assert not view.app._exit
            await view.press("ctrl+q")
            await view.until_screen("Choice")
            await view.pilot.click(f"#{answer}")
            await view.until(lambda: view.app._exit)
        if answer == "stop":
            assert wait_until(path, ("stopped",), 30) == "stopped"
        else:
            going = read_summary(path)
            assert going.status == "running"
            assert going.writer is not None
            assert os.getpriority(os.PRIO_PROCESS, going.writer.pid) == NICENESS  # behind the app
            session = Path(f"/proc/{going.writer.pid}/autogroup")
            if session.exists():
                assert session.read_text().endswith(f" nice {NICENESS}\n")
    finally:
        if path.exists() and read_summary(path).live:
            send(path, "stop")


@pytest.mark.parametrize("size", [(60, 20), (200, 60)])
@pytest.mark.usefixtures("calibrated")
async def test_the_form_at_all_sizes(open_app: Any, size: tuple[int, int]) -> None:
    async with open_app(size=size) as view:
        await _open(view)
        assert (view.one("#presets").region.area > 0) == (size[0] >= 100)
        assert view.app.focused is not None
        assert view.app.focused.region.area > 0
        assert "about" in view.text()
        view.one("#start").focus()
        await view.until(lambda: "Start  (ctrl+s)" in view.text())


@pytest.mark.usefixtures("calibrated")
async def test_where_metropolis_begins_is_asked_of_those_who_choose_it(open_app: Any) -> None:
    async with open_app(size=(160, 60)) as view:
        await _open(view)
        row = view.one("#field-relax_from")
        assert not row.display
        view.one("#optimizer", Input).value = "sgd, metropolis"
        await view.until(lambda: row.display)
        assert view.screen._check().relaxation_epoch == DEFAULT_RELAX_FROM
        for text, said in (("-1", "relax-from is -1"), ("soon", "no number")):
            view.one("#relax_from", Input).value = text
            await view.until(lambda said=said: said in view.said("#hint-relax_from"))
            assert view.one("#hint-relax_from").has_class("error")
            assert view.one("#start", Button).disabled
        view.one("#relax_from", Input).value = view.one("#epochs", Input).value
        await view.until(lambda: "before the last epoch" in view.said("#estimate"))
        view.one("#relax_from", Input).value = "120"
        await view.until(lambda: not view.one("#start", Button).disabled)
        assert view.screen._check().relax_from == 120
        view.one("#optimizer", Input).value = "sgd"
        await view.until(lambda: not row.display)
        assert view.screen._check().relax_from is None
        view.screen.fill(PRESETS["monte-carlo"].experiment)
        await view.until(lambda: row.display)
        assert view.screen._check().relax_from == 400


def test_the_drawing_has_each_layers_width_below_its_column() -> None:
    lines = draw_architecture((10, 8, 4000)).splitlines()
    assert lines[-1].split() == ["12", "10", "8", "4000", "1"]
    assert len(lines) <= 14
    columns = [sum(line.count("●") for line in draw_architecture(hidden).splitlines()) for hidden in ((), (3,))]
    assert columns == [13, 16]


def test_where_widths_do_not_fit_below_their_layers_these_move_together() -> None:
    deep = (12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 2)
    lines = draw_architecture(deep, room=38).splitlines()
    assert max(map(len, lines)) <= 38
    assert lines[-1] == "12-12-11-10-9-8-7-6-5-4-3-2-2-1"
    assert sum(line.count("●") for line in lines) == 12 + sum(deep) + 1
    assert draw_architecture(deep, room=55) == draw_architecture(deep)  # 14 layers at 4 columns, less one


@pytest.mark.usefixtures("calibrated")
async def test_a_deep_network_is_drawn_whole_in_a_small_terminal(open_app: Any) -> None:
    async with open_app(size=(80, 24)) as view:
        await _open(view)
        view.one("#hidden", Input).value = "12-11-10-9-8-7-6-5-4-3-2-2"
        await view.until(lambda: "12-12-11-10-9-8-7-6-5-4-3-2-2-1" in view.text())
        assert "● ● ● ● ● ● ●" in view.text()


@pytest.mark.parametrize("experiment", [p.experiment for p in PRESETS.values()] + [Experiment(batch="full")])
def test_fields_read_back_what_they_write(experiment: Experiment) -> None:
    settings = {f.name: f.read(f.text(experiment)) for f in FIELDS if f.name != "name"}
    assert experiment.override(settings) == experiment


@pytest.mark.usefixtures("calibrated")
@pytest.mark.long
async def test_known_values_are_picked_with_the_arrows_or_the_mouse(open_app: Any) -> None:
    async with open_app(size=(160, 60)) as view:
        await _open(view)
        field = view.one("#activation", Input)
        field.focus()
        await view.press("down")
        assert field.value == "relu"
        await view.press("up", "up")
        assert field.value == "linear"
        field.value = "odd"
        await view.press("down")
        assert field.value == "tanh"
        view.one("#name", Input).focus()
        await view.press("down", "up")  # nothing is known: nothing happens
        assert view.one("#name", Input).value == ""
        at = view.said("#hint-rule").index("committee")
        await view.pilot.click("#hint-rule", offset=(at + 2, 0))
        await view.until(lambda: view.one("#rule", Input).value == "committee")


@pytest.mark.usefixtures("calibrated")
@pytest.mark.long
async def test_every_known_value_is_allowed(open_app: Any) -> None:
    async with open_app(size=(160, 60)) as view:
        await _open(view)
        for field in FIELDS:
            for value in field.known:
                view.one(f"#{field.name}", Input).value = value
                await view.pilot.pause()
                assert not view.one(f"#hint-{field.name}").has_class("error"), (field.name, value)


@pytest.mark.usefixtures("calibrated")
@pytest.mark.long
async def test_while_a_run_starts_something_else_can_be_done(open_app: Any, directory: Path, monkeypatch: Any) -> None:
    class Begun:
        ended = False
        complaint = ""

    monkeypatch.setattr("ibtui.runs.start_run", lambda experiment, path: Begun())
    async with open_app() as view:
        await _open(view)
        await view.write("#name", "slow")
        await view.press("ctrl+s")
        await view.until_screen("Starting")
        assert "Starting slow" in view.text()
        await view.press("escape")
        await view.until_screen("NewScreen")
        await view.press("escape")
        await view.until_screen("LibraryScreen")
        (directory / "slow.ibs").write_bytes(b"")
        await view.pilot.pause(0.5)
        assert type(view.screen).__name__ == "LibraryScreen"  # nobody is thrown into it
        Begun.ended = True


@pytest.mark.usefixtures("calibrated")
async def test_where_there_is_little_room_the_field_with_the_focus_is_told_of_beside_the_drawing(open_app: Any) -> None:
    async with open_app(size=(80, 24)) as view:
        await _open(view)
        shown = view.text()
        assert "widths from the" in shown  # of the field with the focus, and of no other
        assert "in each ensemble" not in shown
        assert "●   ●   ●   ●   ●   ●   ●" in shown
        assert "Start  (ctrl+s)" in shown
        await view.press("shift+tab", "shift+tab")
        assert view.screen.focused.id == "preset"
        await view.press("down")
        chosen = view.one("#preset", Input).value
        assert chosen == list(PRESETS)[1]
        await view.until(lambda: _values(view)["networks"] == str(PRESETS[chosen].experiment.networks))
        assert PRESETS[chosen].sentence.split(",")[0].split()[0] in view.text()
        view.one("#networks", Input).value = "none"
        view.one("#networks", Input).focus()
        await view.until(lambda: "'none' is no number" in view.text())
        assert view.one("#label-networks").has_class("error")


@pytest.mark.usefixtures("calibrated")
async def test_where_there_is_room_presets_are_a_list_and_no_field(open_app: Any) -> None:
    async with open_app(size=(120, 40)) as view:
        await _open(view)
        assert view.one("#preset-field").display is False
        assert view.one("#presets", OptionList).display
        for field in FIELDS:
            assert view.one(f"#hint-{field.name}").display

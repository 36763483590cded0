"""The form: every field says its range, and what is wrong as it is typed; starting goes to the new session."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button, Input, OptionList
from typer.main import get_command

from ibtui import commands
from ibtui.cli.application import make_application
from ibtui.runs import NICENESS
from ibtui.screens.form_fields import FIELDS, FIRST, FURTHER, OF_RUN, hint
from ibtui.screens.new import NewScreen, draw_architecture
from ibtui_engine.calibration import Speed
from ibtui_engine.experiment import DEFAULT_RELAX_FROM, Experiment, read_settings
from ibtui_engine.presets import PRESETS
from ibtui_engine.rules.tables.options import Reading
from ibtui_engine.session.control import send, wait_until
from ibtui_engine.session.summary import read_summary
from ibtui_engine.settings import SETTINGS

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
    return {name: view.one(f"#{name}", Input).value for name in FIELDS}


async def _settled(view: Any) -> None:
    """Until the rule in the form has been looked at."""
    await view.until(lambda: view.screen._asked_of_rules()[0] in view.screen._rule_said)


@pytest.mark.long
@pytest.mark.usefixtures("calibrated")
async def test_every_field_shows_its_range(open_app: Any) -> None:
    async with open_app(size=(160, 60)) as view:
        await _open(view)
        await _settled(view)
        assert "4096 patterns of 12 inputs, 2 labels: H(X) 12, I(X;Y) 0.9901 bits" in view.said("#hint-rule")
        for name, field in FIELDS.items():
            assert view.said(f"#hint-{name}").startswith(hint(name, field).plain)
            assert field.hint in hint(name, field).plain
            assert all(value in hint(name, field).plain for value in field.known)
            assert not view.one(f"#hint-{name}").has_class("error")
        assert not view.one("#start", Button).disabled
        assert "ensemble of 40 networks: about" in view.said("#estimate")


BAD = [
    ("rule", "xor", "xor"),
    ("rule", "table:", "table"),
    ("hidden", "", "empty"),
    ("hidden", "10-x", "10-x"),
    ("hidden", "3 3", "twice"),
    ("hidden", "-".join(["2"] * 17), "16 layers, got 17"),
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
    ("optimizer", "rmsprop", "sgd, momentum, adam or metropolis"),
    ("learning_rate", "0", "must be a number from 1.18e-38"),
    ("learning_rate", "inf", "must be a number from 1.18e-38"),
    ("batch", "0", "or full, got 0"),
    ("batch", "half", "or full"),
    ("bins", "1", "from 2"),
    ("estimator", "guess", "binning, adaptive"),
    ("labels", "odd", "rule or random"),
    ("name", "a/b", "without /"),
    ("name", ".x", "dot"),
    ("name", "a\x1b[2Jb", "printable"),
    ("theta", "wide", "no number"),
    ("gamma", "0", "above 0"),
    ("i_xy", "1", "below 1"),
    ("momentum", "1", "below 1"),
    ("init_scale", "0", "must be a number"),
    ("noise", "0", "a variance from"),
    ("measured", "1", "from 2"),
    ("snapshots", "-1", "from 0"),
    ("snapshot_at", "1.5", "no number"),
    ("weights", "some", "no answer"),
    ("trainer", "fast", "auto, fused or torch"),
    ("device", "tpu", "auto, cpu, cuda or mps"),
    ("threads", "0", "from 1 to 1024"),
    ("directory", "nowhere/at/all", "no directory"),
    ("config", "nosuch.toml", "no file"),
    ("save_config", "settings.txt", "ends in .toml"),
]


@pytest.mark.long
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
            assert {name for name in FIELDS if view.one(f"#hint-{name}").has_class("error")} == set(round_)
            assert view.one("#start", Button).disabled
            assert view.said("#estimate") == ""
            for name in round_:
                view.one(f"#{name}", Input).value = good[name]
            await view.until(lambda: not view.one("#start", Button).disabled)
        assert not any(view.one(f"#hint-{name}").has_class("error") for name in FIELDS)


@pytest.mark.long
@pytest.mark.usefixtures("calibrated")
async def test_wrong_settings_do_not_start(open_app: Any, directory: Path) -> None:
    async with open_app() as view:
        await _open(view)
        await view.write("#networks", "0")
        assert "from 1" in view.said("#hint-networks")
        await view.press("ctrl+s")
        assert any("Networks: networks must be a whole number" in note for note in view.notes())
        assert list(directory.iterdir()) == []


@pytest.mark.long
@pytest.mark.usefixtures("calibrated")
async def test_presets_fill_the_form(open_app: Any) -> None:
    async with open_app() as view:
        await _open(view)
        presets = view.one("#presets", OptionList)
        assert presets.has_focus
        for name in PRESETS:
            experiment = PRESETS[name].experiment
            await view.until(lambda e=experiment: _values(view)["hidden"] == SETTINGS["hidden"].text(e.hidden))
            values = _values(view)
            for field, setting in SETTINGS.items():
                assert values[field] == setting.text(getattr(experiment, field))
            if name == "mnist":  # its files are not here, and that is said beside the rule
                assert view.screen._check() is None
                assert "no train-images-idx3-ubyte" in str(view.one("#hint-rule").render())
            else:
                assert view.screen._check() == experiment, (name, view.screen._wrong)
            await view.press("down")
        await view.press("enter")
        await view.until(lambda: view.one("#hidden", Input).has_focus)


@pytest.mark.long
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


@pytest.mark.long
async def test_this_machine_is_measured_in_another_process(open_app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    begin, asked = commands.run_python, asyncio.Event()

    async def when_asked(*arguments: str) -> tuple[int, bytes, str]:
        await asked.wait()
        return await begin(*arguments)

    monkeypatch.setattr("ibtui.screens.new.run_python", when_asked)
    async with open_app() as view:
        await _open(view)
        assert "measuring this machine" in view.said("#estimate")
        asked.set()
        await view.until(lambda: "on this machine" in view.said("#estimate"))


@pytest.mark.long
async def test_leaving_while_the_machine_is_measured(open_app: Any) -> None:
    async with open_app() as view:
        await _open(view)
        await view.press("escape")
        await view.until_screen("LibraryScreen")


@pytest.mark.long
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
        await view.until(lambda: view.screen.playback.epoch == 5)  # it plays through what was measured
        await view.press("escape")
        await view.until_screen("LibraryScreen")
    experiment = read_summary(path).experiment
    assert (experiment.hidden, experiment.networks, experiment.epochs, experiment.bins) == (((3,),), 2, 5, 7)


@pytest.mark.long
@pytest.mark.usefixtures("calibrated")
async def test_a_run_that_cannot_begin_says_why(open_app: Any) -> None:
    async with open_app() as view:
        await _open(view)
        await view.write("#rule", "table:missing.csv")
        await view.press("ctrl+s")
        await view.until(lambda: any("missing.csv" in note for note in view.notes()))
        assert type(view.screen).__name__ == "NewScreen"


@pytest.mark.long
@pytest.mark.parametrize("answer", ["stop", "leave"])
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


@pytest.mark.long
@pytest.mark.parametrize("size", [(60, 20), (200, 60)])
@pytest.mark.usefixtures("calibrated")
async def test_the_form_at_all_sizes(open_app: Any, size: tuple[int, int]) -> None:
    async with open_app(size=size) as view:
        await _open(view)
        assert (view.one("#presets").region.area > 0) == (size[0] >= 100)
        assert view.app.focused is not None
        assert view.app.focused.region.area > 0
        assert "about" in view.text()
        assert "Start  (ctrl+s)" in view.text()
        for name in (*FIRST[:8], "name"):  # wherever the form is scrolled to
            view.one(f"#{name}").focus()
            await view.pilot.pause()
            assert "Start  (ctrl+s)" in view.text()
        await view.press("f2")
        await view.until(lambda: view.app.focused is not None and view.app.focused.id == "theta")
        await view.until(lambda: view.app.focused.region.area > 0 and "Theta" in view.text())
        assert "Start  (ctrl+s)" in view.text()


@pytest.mark.long
@pytest.mark.usefixtures("calibrated")
async def test_where_metropolis_begins_is_asked_of_those_who_choose_it(open_app: Any) -> None:
    async with open_app(size=(160, 60)) as view:
        await _open(view)
        row = view.one("#field-relax_from")
        assert not row.display
        view.one("#optimizer", Input).value = "sgd, metropolis"
        await view.until(lambda: row.display)
        assert view.screen._check().relaxation_epoch == DEFAULT_RELAX_FROM
        for text, said in (("-1", "relax-from must be"), ("soon", "no number")):
            view.one("#relax_from", Input).value = text
            await view.until(lambda said=said: said in view.said("#hint-relax_from"))
            assert view.one("#hint-relax_from").has_class("error")
            assert view.one("#start", Button).disabled
        view.one("#relax_from", Input).value = view.one("#epochs", Input).value
        await view.until(lambda: "before the last epoch" in view.said("#estimate"))
        view.one("#relax_from", Input).value = "120"
        await view.until(lambda: not view.one("#start", Button).disabled)
        assert view.screen._check().relax_from == 120
        assert view.one("#field-relax_prior").display
        view.one("#relax_prior", Input).value = "cube"
        await view.until(lambda: "flat, gauss or sphere" in view.said("#hint-relax_prior"))
        view.one("#relax_prior", Input).value = "gauss"
        await view.until(lambda: not view.one("#start", Button).disabled)
        assert view.screen._check().relax_prior == "gauss"
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


@pytest.mark.long
@pytest.mark.usefixtures("calibrated")
async def test_a_deep_network_is_drawn_whole_in_a_small_terminal(open_app: Any) -> None:
    async with open_app(size=(80, 24)) as view:
        await _open(view)
        view.one("#hidden", Input).value = "12-11-10-9-8-7-6-5-4-3-2-2"
        await view.until(lambda: "12-12-11-10-9-8-7-6-5-4-3-2-2-1" in view.text())
        assert "● ● ● ● ● ● ●" in view.text()


@pytest.mark.long
@pytest.mark.usefixtures("calibrated")
async def test_a_setting_with_several_values_makes_a_grid(open_app: Any) -> None:
    async with open_app(size=(160, 60)) as view:
        await _open(view)
        for name, text in {"learning_rate": "0.02, 0.1", "batch": "128 full", "activation": "relu, tanh"}.items():
            view.one(f"#{name}", Input).value = text
        await view.pilot.pause()
        experiment = view.screen._check()
        assert experiment.varied == ("batch", "learning_rate", "activation")
        assert experiment.batch == (128, "full")
        assert experiment.count == 8
        view.one("#momentum", Input).value = "0.5, 0.9"
        await view.until(lambda: "momentum has several values, and the optimizer sgd uses none" in view.text())


@pytest.mark.long
@pytest.mark.usefixtures("calibrated")
async def test_several_rules_are_each_told_of_and_make_a_grid(open_app: Any) -> None:
    async with open_app(size=(160, 60)) as view:
        await _open(view)
        view.one("#rule", Input).value = "symmetric, committee"
        view.one("#gamma", Input).value = "3, 5"
        await view.until(lambda: all(one in view.screen._rule_said for one in view.screen._asked_of_rules()))
        await view.until(lambda: view.said("#hint-rule").count("4096 patterns of 12 inputs, 2 labels") == 2)
        assert len({line for line in view.said("#hint-rule").splitlines() if "I(X;Y)" in line}) == 2
        assert "4 ensembles of" in view.said("#estimate")
        experiment = view.screen._check()
        assert experiment.rule == ("symmetric", "committee")
        assert experiment.gamma == (3.0, 5.0)
        view.one("#rule", Input).value = "symmetric, nothing"
        await view.until(lambda: view.one("#hint-rule").has_class("error"))
        assert "unknown rule 'nothing'" in view.said("#hint-rule")


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
async def test_while_a_run_starts_something_else_can_be_done(open_app: Any, directory: Path, monkeypatch: Any) -> None:
    class Begun:
        ended = False
        complaint = ""

    monkeypatch.setattr("ibtui.runs.start_run", lambda experiment, path, **_: Begun())
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


@pytest.mark.long
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


@pytest.mark.long
@pytest.mark.usefixtures("calibrated")
async def test_where_there_is_room_presets_are_a_list_and_no_field(open_app: Any) -> None:
    async with open_app(size=(120, 40)) as view:
        await _open(view)
        assert view.one("#preset-field").display is False
        assert view.one("#presets", OptionList).display
        for name in FIELDS:
            assert view.one(f"#hint-{name}").display


OPTIONS_ELSEWHERE = {
    "quick": "version",
    "data": "rule",  # as mnist:DIR
    "out": "directory",  # with the name
    "sessions_dir": "directory",
    "preset": "preset",
}
"""Where the form has options of `ibtui run` under another name."""
FOR_SCRIPTS = {"json", "quiet", "or_resume", "help", "cluster", "trust_network"}
"""What those need that read the output, or run a job again; a taken name is refused by the form."""


@pytest.mark.usefixtures("calibrated")
async def test_everything_the_command_offers_is_in_the_form(open_app: Any) -> None:
    offered = {parameter.name for parameter in get_command(make_application(["run"])).commands["run"].params}
    async with open_app(size=(160, 60)) as view:
        await _open(view)
        assert not view.one("#further").display
        await view.press("f2")
        await view.until(lambda: view.one("#further").display)
        for name in offered - FOR_SCRIPTS:
            assert view.one(f"#{OPTIONS_ELSEWHERE.get(name, name)}", Input)
        assert {*FIRST, *(name for names in FURTHER.values() for name in names)} == {*SETTINGS, *OF_RUN}
        await view.press("f2")
        await view.until(lambda: not view.one("#further").display)


@pytest.mark.long
@pytest.mark.usefixtures("calibrated")
@pytest.mark.usefixtures("calibrated")
async def test_the_estimator_follows_the_activation_bits_until_another_is_chosen(open_app: Any) -> None:
    async with open_app(size=(120, 40)) as view:
        await _open(view)
        bits, estimator = view.one("#activation_bits", Input), view.one("#estimator", Input)
        follows = {"4": "exact", "13": "exact", "none": "binning", "none 4": "binning", "": "binning", "2": "exact"}
        for text, expected in follows.items():
            bits.value = text
            await view.pilot.pause()
            assert estimator.value == expected, text
        assert view.screen._check().estimator == "exact"
        estimator.value = "binning"
        await view.pilot.pause()
        assert (view.screen._check().estimator, view.screen._check().activation_bits) == ("binning", (2,))
        bits.value = "5"
        await view.pilot.pause()
        assert estimator.value == "binning"
        view.one("#activation", Input).value = "relu"
        await view.until(lambda: "where activation-bits rounds it, got 'relu'" in view.text())
        assert view.one("#start", Button).disabled


@pytest.mark.long
async def test_further_settings_that_are_wrong_or_unusual_are_not_hidden(open_app: Any) -> None:
    async with open_app(size=(120, 40)) as view:
        await _open(view)
        view.screen.fill(Experiment(momentum=0.5, device="cpu"))
        await view.until(lambda: "More settings  (f2), 2 set" in view.text())
        view.one("#momentum", Input).value = "1.5"
        await view.until(lambda: view.one("#further").display)
        assert view.one("#start", Button).disabled


@pytest.mark.long
@pytest.mark.usefixtures("calibrated")
async def test_further_settings_reach_the_run(open_app: Any, directory: Path, monkeypatch: Any, tmp_path: Path) -> None:
    begun: list[tuple[Any, Path]] = []
    monkeypatch.setattr(
        "ibtui.runs.start_run", lambda experiment, path, **_: begun.append((experiment, path)) or Begun()
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    wanted = {"momentum": "0.5", "gamma": "3", "snapshot_at": "7, 9", "weights": "no", "device": "cpu", "noise": "0.01",
              "name": "mine", "directory": str(elsewhere), "save_config": str(tmp_path / "mine.toml")}  # fmt: skip
    async with open_app() as view:
        await _open(view)
        for name, text in wanted.items():
            view.one(f"#{name}", Input).value = text
        await view.pilot.pause()
        await view.press("ctrl+s")
        await view.until(lambda: begun)
    experiment, path = begun[0]
    assert path == elsewhere / "mine.ibs"
    assert (experiment.momentum, experiment.gamma, experiment.snapshot_at) == ((0.5,), (3.0,), (7, 9))
    assert (experiment.weights, experiment.device, experiment.noise) == (False, "cpu", 0.01)
    assert Experiment.from_dict(read_settings(tmp_path / "mine.toml")) == experiment
    async with open_app() as view:  # the file fills a form anew, and is not written over
        await _open(view)
        view.one("#config", Input).value = str(tmp_path / "mine.toml")
        await view.until(lambda: _values(view)["momentum"] == "0.5")
        assert view.screen._check() == experiment
        view.one("#save_config", Input).value = str(tmp_path / "mine.toml")
        await view.until(lambda: "exists already" in view.said("#hint-save_config"))


def _noting(begun: list[tuple[Any, Path]]) -> Any:
    def start(experiment: Experiment, path: Path, **_: Any) -> Begun:
        begun.append((experiment, path))
        return Begun()

    return start


class Begun:
    ended = True
    complaint = ""


@pytest.mark.long
@pytest.mark.usefixtures("calibrated")
async def test_the_quick_version_of_a_preset_fills_the_form(open_app: Any) -> None:
    async with open_app(size=(160, 60)) as view:
        await _open(view)
        await view.press("down")
        view.one("#version", Input).value = "quick"
        await view.until(lambda: view.screen._check() == PRESETS["figure-2"].quick)
        view.one("#version", Input).value = "full"
        await view.until(lambda: view.screen._check() == PRESETS["figure-2"].experiment)


@pytest.mark.long
@pytest.mark.usefixtures("calibrated")
async def test_table_files_are_completed_previewed_and_rejected(open_app: Any, tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "good one.csv").write_text("a,b,p_y\n0,0,.2\n0,1,.7\n1,0,.5\n1,1,.1\n")
    (tmp_path / "tables" / "good two.npz").write_bytes(b"")
    (tmp_path / "tables" / "bad.csv").write_text("0,0,.2\n0,?,7\n")
    (tmp_path / "tables" / "notes.txt").write_text("")
    async with open_app(size=(160, 60)) as view:
        await _open(view)
        rule = view.one("#rule", Input)
        rule.focus()
        rule.value = "tab"
        rule.cursor_position = 3
        await view.press("tab")
        assert rule.value == "table:"
        await view.press("t", "tab", "tab")
        assert rule.value == "table:tables/"
        assert rule.has_focus  # which of the files stands beside the field
        await view.press("g", "tab")
        assert rule.value == "table:tables/good "
        await view.until(lambda: "good one.csv, good two.npz" in view.said("#hint-rule"))
        assert view.one("#hint-rule").has_class("error")
        assert view.one("#start", Button).disabled
        await view.press("o", "tab")
        assert rule.value == "table:tables/good one.csv"
        await view.until(lambda: "4 patterns of 2 inputs, 2 labels: H(X) 2, I(X;Y) 0.1864" in view.said("#hint-rule"))
        assert "label p_y (probabilities): 0 (2.5), 1 (1.5)" in view.said("#hint-rule")
        assert "2   10  8   6   4   2   1" in view.said("#drawing")  # the table's own inputs
        assert not view.one("#start", Button).disabled
        await view.press("tab")  # nothing is left to complete
        assert not rule.has_focus
        rule.value = "table:tables/bad.csv"
        await view.until(lambda: view.one("#hint-rule").has_class("error"))
        assert "bad.csv" in view.said("#hint-rule")
        assert view.one("#start", Button).disabled


@pytest.mark.long
async def test_how_a_table_is_read_is_settled_in_the_form(open_app: Any, tmp_path: Path) -> None:
    (tmp_path / "three.csv").write_text("a,b,c,outcome\n0,0,1,1.5\n0,1,1,2.5\n1,0,0,3.5\n1,1,0,4.5\n")
    async with open_app(size=(160, 60)) as view:
        await _open(view)
        rule = view.one("#rule", Input)
        rule.value = "table:three.csv"
        await view.until(lambda: "has a continuous label" in view.said("#hint-rule"))
        view.one("#label", Input).value = "c"
        await view.until(lambda: "label c (classes): 0 (2), 1 (2)" in view.said("#hint-rule"))
        view.one("#ignore", Input).value = "outcome"
        await view.until(lambda: "left out: outcome (as asked for)" in view.said("#hint-rule"))
        assert view.screen._check().reading == Reading(label="c", ignore="outcome")
        view.one("#scale", Input).value = "huge"
        await view.until(lambda: "scale must be auto, none, standard or unit" in view.said("#hint-scale"))
        assert view.one("#start", Button).disabled
        view.one("#scale", Input).value = "unit"
        await view.until(lambda: not view.one("#start", Button).disabled)
        for field in ("#label", "#ignore"):
            view.one(field, Input).value = ""
        view.one("#scale", Input).value = "auto"
        rule.value = "symmetric"
        await view.until(lambda: not view.one("#start", Button).disabled)


@pytest.mark.long
async def test_what_is_wrong_with_an_option_of_a_table_is_said_beside_it(open_app: Any, tmp_path: Path) -> None:
    rows = "".join(f"{k},{k % 7},{k / 3},{k - 1},{['no', 'yes'][k % 2]}\n" for k in range(30))
    (tmp_path / "t.csv").write_text(f"a,b,c,d,label\n{rows}")
    (tmp_path / "other.csv").write_text("a,b,label\n1,2,no\n")
    wrong = (
        ("label", "q", "has no column 'q' for --label: choose 'a', 'b', 'c', 'd', 'label'"),
        ("ignore", "b,z", "has no column 'z' for --ignore"),
        ("ignore", "b,,a,c,d", "has no inputs beside the label"),
        ("label_kind", "probability", "not a number, so neither a probability"),
        ("label_bins", "3", "not a number, so neither a probability"),
        ("weight", "z", "has no column 'z' for --weight"),
        ("weight", "d", "has the weight -1 in row 1 of 'd'"),
        ("test_fraction", "0.001", "holds out none"),
        ("test_fraction", "1", "test-fraction must be above 0 and below 1"),
        ("test", "nowhere.csv", "there is no file 'nowhere.csv'"),
        ("test", "other.csv", "has no column 'c'"),
    )
    async with open_app(size=(160, 60)) as view:
        await _open(view)
        view.one("#rule", Input).value = "table:t.csv"
        await view.until(lambda: "30 patterns of 4 inputs" in view.said("#hint-rule"))
        for name, text, said in wrong:
            beside = "rule" if "inputs beside" in said else name
            view.one(f"#{name}", Input).value = text
            await view.until(lambda beside=beside, said=said: said in view.said(f"#hint-{beside}"))
            assert view.one(f"#hint-{beside}").has_class("error")
            assert beside == "rule" or not view.one("#hint-rule").has_class("error")
            assert view.one("#start", Button).disabled
            view.one(f"#{name}", Input).value = Experiment.__dataclass_fields__[name].default or ""
            await view.until(lambda: not view.one("#start", Button).disabled)
            assert not view.one(f"#hint-{beside}").has_class("error")
        view.one("#test_fraction", Input).value = "0.2"
        await view.until(lambda: "held out: 6 rows (0.2 of the table), drawn by seed 0" in view.said("#hint-rule"))
        view.one("#seed", Input).value = "4"
        await view.until(lambda: "drawn by seed 4" in view.said("#hint-rule"))

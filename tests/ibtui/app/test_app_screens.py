"""Every screen as it looks, at three sizes in three themes, kept as text that a person can review.

`pytest tests/ibtui/app/test_app_screens.py --snapshot-update` renews them.

The sessions are made of formulas (`formulas.py`), but for one that is an example, so the screens are the same on every
machine. What cannot be is held fast: how large files are, how fast the machine is, how long ago something was.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from ibtui.commands import Answer
from ibtui.messages import Compare, OpenSession, ShowMap
from ibtui.screens.new import NewScreen
from ibtui.settings import Settings
from ibtui.widgets.sessions_table import SessionsTable
from ibtui_engine.calibration import Speed
from ibtui_engine.session.liveness import file_number
from tests.ibtui.app.conftest import change
from tests.ibtui.app.formulas import write_session
from tests.ibtui.app.mapped import write_map
from tests.ibtui.app.screen_text import account, read_screen
from tests.ibtui.app.still import still

EXAMPLES = Path(__file__).parents[3] / "sessions"
SIZES = ((80, 24), (120, 40), (200, 60))
IN_COLOUR = {"dark": "textual-dark", "light": "textual-light"}
NO_COLOUR = {"NO_COLOR": "textual-dark"}
ASCII = {"ASCII": "textual-dark"}

# how each screen is come by


async def _library(view: Any) -> None:
    library = view.screen
    await view.until(lambda: library._previewed and not library._working_out and not library._outdated())
    await view.until(lambda: library.query_one(SessionsTable).fits)


async def _empty(view: Any) -> None:
    await view.until(lambda: "no sessions of yours yet" in view.text())


async def _new(view: Any) -> None:
    await view.press("n")
    await view.until_screen("NewScreen")
    await view.until(lambda: view.screen._asked_of_rules()[0] in view.screen._rule_said, patience=90)


def _open(name: str, *keys: str) -> Callable[[Any], Awaitable[None]]:
    async def go(view: Any) -> None:
        view.app.post_message(OpenSession(view.app.directory / f"{name}.ibs"))
        await view.until_screen("SessionScreen")
        await view.until(lambda: view.screen.current is not None)
        await view.press(*keys)

    return go


async def _all(view: Any) -> None:
    await _open("fractions", "a")(view)
    await view.until(lambda: all(view.chart(f"each-{k}").spec for k in range(3)))


async def _compare(view: Any) -> None:
    view.app.post_message(Compare([view.app.directory / "fractions.ibs", view.app.directory / "committee.ibs"]))
    await view.until_screen("CompareScreen")
    await view.until(lambda: view.screen._charts and view.chart("compared-0").spec)


async def _overlay(view: Any) -> None:
    await _compare(view)
    await view.press("right_square_bracket", "k", "o", "tab", "tab")
    await view.until(lambda: view.chart("overlaid").spec)


async def _differences(view: Any) -> None:
    await _compare(view)
    await view.press("shift+tab")
    await view.until(lambda: "Pinned:" in view.text())


async def _help(view: Any) -> None:
    await _open("fractions", "question_mark")(view)
    await view.until_screen("HelpScreen")


async def _bound(view: Any) -> None:
    await _open("recorded")(view)
    view.screen.panel = "bound"
    await view.until(lambda: view.screen._bound.of(0, view.screen.playback.epoch), patience=90)
    await view.until(lambda: "beta*" in view.text() and "finding" not in view.text())


async def _phases(view: Any) -> None:
    await _open("recorded")(view)
    view.screen.panel = "phases"
    await view.until(lambda: view.screen._diffusions._found, patience=90)
    await view.until(lambda: "reading the weights" not in view.text())


async def _lesson(view: Any) -> None:
    await view.press("T")
    await view.until_screen("LessonScreen")
    await view.press("N")
    await view.until(lambda: "stop 2 of 8" in view.text() and view.chart().spec is not None)
    if view.screen._bound_shown:
        place = view.screen.ensemble, view.screen.playback.epoch
        await view.until(lambda: view.screen._bound.of(*place), patience=90)


async def _account(view: Any) -> None:
    await view.press("a")
    await view.until_screen("AccountScreen")
    await view.until(lambda: "Shown: fractions" in view.text())


async def _map(view: Any) -> None:
    view.app.post_message(ShowMap(view.app.directory / "map.ibs"))
    await view.until_screen("MapScreen")
    await view.until(lambda: view.screen.found is not None)
    await view.press("space", "right", "up", "right", "space", "left")


async def _map_of_a_claim(view: Any) -> None:
    await _map(view)
    await view.press("s", *"verdict:two-phases", "enter")
    await view.until_screen("MapScreen")


async def _leave(view: Any) -> None:
    await _library(view)
    view.app._runs[view.app.directory / "running.ibs"] = SimpleNamespace(ended=False, complaint="")
    await view.press("ctrl+q")
    await view.until_screen("Choice")


async def _delete(view: Any) -> None:
    await _library(view)
    await view.press("down", "delete")
    await view.until_screen("Choice")


SCREENS: dict[str, Callable[[Any], Awaitable[None]]] = {
    "library": _library,
    "library-of-a-newcomer": _library,
    "library-of-nothing": _empty,
    "new": _new,
    "session": _open("fractions", "left_square_bracket"),
    "session-of-a-run": _open("running"),
    "session-in-the-middle": _open("fractions", "left_square_bracket", "home", *["full_stop"] * 4, "p"),
    "bound": _bound,
    "phases": _phases,
    "all-ensembles": _all,
    "compare": _compare,
    "compare-overlay": _overlay,
    "compare-differences": _differences,
    "account": _account,
    "map": _map,
    "map-of-a-claim": _map_of_a_claim,
    "lesson": _lesson,
    "help": _help,
    "leaving-a-run": _leave,
    "deleting": _delete,
}
EMPTY = ("library-of-a-newcomer", "library-of-nothing")
RECORDED = ("bound", "phases")
"""They need weights: those of an example, which is a file and the same everywhere."""
OF_THE_TOUR = ("example-figure-3.ibs", "example-figure-4.ibs")
MAPS = ("map", "map-of-a-claim")
IN_ASCII = ("library", "session", "map")
QUICK = {("library", SIZES[0]), ("session", SIZES[1]), ("map", SIZES[0])}
"""What `pytest` looks at each time; `pytest -m long` looks at the rest."""

CASES = [
    pytest.param(
        name,
        size,
        ascii,
        id=f"{name}{'-ascii' if ascii else ''}-{size[0]}x{size[1]}",
        marks=[pytest.mark.long] if ascii or (name, size) not in QUICK else [],
    )
    for ascii, names in ((False, SCREENS), (True, IN_ASCII))
    for name in names
    for size in SIZES
]


class ScreenExtension(SingleFileSnapshotExtension):
    """A file of text for each screen and size."""

    file_extension = "txt"
    _write_mode = WriteMode.TEXT

    def serialize(self, data: Any, **_: Any) -> str:
        return str(data)


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directories `sessions` and `examples`."""
    place = tmp_path_factory.mktemp("written")
    write_session(place / "sessions/fractions.ibs", fraction=(0.05, 0.45, 0.85), days=3.5)
    write_session(place / "sessions/running.ibs", until=1100, status="running", hidden=((8, 6, 4),), days=0.0004)
    write_session(place / "sessions/committee.ibs", rule="committee", networks=3, days=40.5)
    write_session(
        place / "sessions/stopped-early.ibs",
        until=300,
        status="stopped",
        activation="relu",
        hidden=((12, 6), (9,)),
        epochs=2000,
        days=0.4,
    )
    write_map(place / "maps/map.ibs", known=17, running=2)
    write_session(place / "examples/example-figure-4.ibs", networks=5, days=90.5)
    return place


@pytest.fixture
def held_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """What differs between machines and moments."""
    for module in ("screens.library", "widgets.sessions_table"):
        monkeypatch.setattr(f"ibtui.{module}.size", lambda count: "1.23 MB")
    monkeypatch.setattr("ibtui.widgets.sessions_table.age", _age_without_seconds)
    monkeypatch.setattr(NewScreen, "_calibrate", _known_speed)
    monkeypatch.setattr("ibtui.screens.account.ask", _judged)


async def _judged(*arguments: str) -> Answer:
    """What the account says, whatever its claims and rules are: a finding of each verdict, and one that has no data."""
    path = Path(arguments[arguments.index("--sessions-dir") + 1]) / "fractions.ibs"
    three = [{"session": "fractions", "ensemble": k, "path": str(path)} for k in range(3)]

    def finding(key: str, section: str, claim: str, verdict: str, **more: Any) -> dict[str, Any]:
        usual = {"measured": "bits of I(X;T)", "rule": "at least 0.5 bits in all layers", "numbers": [], "reason": ""}
        return {"key": key, "section": section, "claim": claim, "verdict": verdict, **usual, **more}

    told = "n 50; 99.2 % of resamples"
    numbers = [{"text": f"T{k} {k / 7:.3f} ± 0.01{k} bits"} for k in range(1, 6)]
    found = [
        finding("two-phases", "3.3", "Fitting is short; most epochs of SGD are spent on compressing the input",
                "partly", firmness=told, reason="less than 0.5 bits are lost in T1, T2, T3", numbers=numbers,
                ensembles=three),
        finding("perceptron", "4", "A deep network bears more noise than a perceptron", "not measured",
                firmness="", reason="there is no finished session of perceptron", ensembles=[]),
        finding("dpi", "2.4, Eq. 5 and 6", "Information falls from layer to layer, on the input and on the label",
                "reproduced", firmness=told, ensembles=three[2:]),
        finding("leveling", "3.5", "In diffusion, log SNR levels off to a constant", "undecided",
                firmness="n 50; partly 73.6 %, not 26.4 %", reason="partly or not", ensembles=three[2:]),
        finding("eq-9", "3.8", "Converged layers satisfy the IB equations", "not", firmness=told, ensembles=three[2:]),
    ]  # fmt: skip
    return Answer(0, json.dumps(found).encode(), "")


def _age_without_seconds(seconds: float) -> str:
    from ibtui.formatting import age

    return age(seconds) if seconds >= 3600 else "35 s"


def _known_speed(screen: NewScreen) -> None:
    screen._speed = Speed(1e-9, 1e-8)
    screen._check()


@pytest.mark.parametrize(("name", "size", "ascii"), CASES)
@pytest.mark.usefixtures("held_fast")
async def test_screen(
    name: str,
    size: tuple[int, int],
    ascii: bool,
    written: Path,
    tmp_path: Path,
    open_app: Any,
    snapshot: SnapshotAssertion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if name not in EMPTY:
        shutil.copytree(written / "sessions", tmp_path / "sessions", dirs_exist_ok=True)
        if name in MAPS:
            shutil.copytree(written / "maps", tmp_path / "sessions", dirs_exist_ok=True)
        for path in (tmp_path / "sessions").glob("*.ibs"):  # a copy of a running session would know that it is one
            change(path, "UPDATE writer SET file = ?", (file_number(path),))
    if name != "library-of-nothing":
        shutil.copytree(written / "examples", tmp_path / "examples")
    if name in RECORDED:
        shutil.copy(EXAMPLES / "example-figure-4.ibs", tmp_path / "sessions/recorded.ibs")
    if name == "lesson":
        for example in OF_THE_TOUR:
            shutil.copy(EXAMPLES / example, tmp_path / "examples" / example)
    seen = {}
    for themes in (ASCII,) if ascii else (IN_COLOUR, NO_COLOUR):
        if themes is NO_COLOUR:
            monkeypatch.setenv("NO_COLOR", "1")
            monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another state"))  # nothing is remembered
        settings = Settings(ascii=ascii)
        async with asyncio.timeout(180), open_app(size=size, settings=settings, directory=Path("sessions")) as view:
            await SCREENS[name](view)
            for theme, chosen in themes.items():
                view.app.theme = chosen
                seen[theme] = read_screen(await still(view.pilot))
    assert account(seen) == snapshot(extension_class=ScreenExtension)


def test_every_kept_screen_belongs_to_a_test(request: pytest.FixtureRequest) -> None:
    if request.config.option.update_snapshots:
        pytest.skip("they are being renewed")
    kept = {file.name for file in (Path(__file__).parent / "__snapshots__" / Path(__file__).stem).iterdir()}
    assert kept == {f"test_screen[{case.id}].txt" for case in CASES}

"""The page in Chromium, from a file and without a network: it is drawn, plays, is read, and does nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ibtui.locations import find_session, sessions_directory
from ibtui.web.page import page
from tests.ibtui.web.browser import PROGRAM, Browser, chromium
from tests.ibtui.web.test_web_page import hostile, with_rows_held_out
from tests.recordings import LABELS, make_recording

pytestmark = [pytest.mark.long, pytest.mark.skipif(PROGRAM is None, reason="Chromium is needed")]

ENSEMBLE = "document.getElementById('ensemble').value"
NOW = "document.getElementById('now').textContent"
SAID = "document.getElementById('said').textContent"
PLAY = "document.getElementById('play').textContent"
BOX = "document.querySelector('.box:not([hidden])')?.innerText ?? ''"
SECOND = "#charts > figure:nth-of-type(2) .chart"
PLANE = "#charts > figure:nth-of-type(1) .chart"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture(scope="module")
def third(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("page") / "third.html"
    out.write_bytes(page(find_session("example-figure-3", sessions_directory(None))))
    return out


@pytest.fixture
def shown(browser: Browser, third: Path) -> Iterator[Browser]:
    browser.thrown.clear()
    browser.requested.clear()
    browser.open(third)
    yield browser
    assert browser.thrown == []
    assert browser.requested == [third.as_uri()], "it asks for nothing but itself"


def told(browser: Browser) -> dict[str, Any]:
    return json.loads(browser["document.getElementById('contents').textContent"])


def cells(browser: Browser, selector: str) -> list[list[str]]:
    script = (
        f"[...document.querySelectorAll({f'{selector} tr'!r})].map((row) => [...row.cells].map((c) => c.textContent))"
    )
    return browser[script]


def test_it_begins_at_the_end_of_the_ensemble_that_tells_most(shown: Browser) -> None:
    assert shown[NOW] == "epoch 10000"
    assert shown[ENSEMBLE] == "2"
    titles = shown["[...document.querySelectorAll('#charts h2')].map((one) => one.textContent)"]
    assert [title.partition(":")[0] for title in titles] == [
        "Information plane", "Gradients", "Gradient SNR and where drift ends", "Learning", "Layers and the IB curve",
    ]  # fmt: skip
    assert shown[
        "[...document.querySelectorAll('.chart svg')].every((one) => one.getBoundingClientRect().height > 200)"
    ]


def test_a_drawing_has_the_numbers_of_the_session(shown: Browser) -> None:
    one = told(shown)["ensembles"][2]
    rows = cells(shown, "#now-table table")
    assert rows[0][:3] == ["layer", "I(X;T) bits ± sd", "I(T;Y) bits ± sd"]
    for k, row in enumerate(rows[1:]):
        mean, sd = (one["table"]["columns"][0][name][-1][k] for name in ("mean", "sd"))
        assert row[:2] == [one["layers"][k], f"{mean:.3f} ± {sd:.3f}"]
    heads = shown["[...document.querySelectorAll('.head')].map((h) => [+h.getAttribute('cx'), +h.getAttribute('cy')])"]
    assert len(heads) == 6
    h_x = one["plane"]["guides"][0][1]
    frame = shown["(({left, right, top, bottom}) => [left, right, top, bottom])(charts[0].area)"]
    for (x, _), path in zip(heads, one["plane"]["paths"], strict=True):
        across = (path["x"][-1] - 0) / (h_x * 1.05)
        assert x == pytest.approx(frame[0] + across * (frame[1] - frame[0]), abs=0.2)


def test_keys_move_the_epoch(shown: Browser) -> None:
    epochs = told(shown)["ensembles"][2]["epochs"]
    shown.press("Home")
    assert shown[NOW] == "epoch 0"
    assert "before training" in shown[SAID]
    shown.press(".", ".", ",")
    assert shown[NOW] == f"epoch {epochs[1]}"
    shown.press(",", ",")
    assert shown[NOW] == "epoch 0", "there is nothing before"
    shown.press("t")
    end = told(shown)["ensembles"][2]["driftEnd"]
    assert shown[NOW] == f"epoch {min(epochs, key=lambda one: abs(one - end))}"
    shown.press("End", ".")
    assert shown[NOW] == "epoch 10000"
    shown["byId('listen').checked = false"]
    shown.press(",")
    assert shown[NOW] == "epoch 10000", "single keys can be switched off"


def test_it_plays_to_the_end_and_from_the_beginning(shown: Browser) -> None:
    shown.press(*">" * 6)
    assert shown["document.getElementById('speed').value"] == "40"
    shown.press(" ")
    assert shown[PLAY] == "Pause"
    shown.until(f"{NOW} !== 'epoch 10000'")
    assert shown[SAID] == "" or "epoch" not in shown[SAID], "nobody is read every frame"
    shown.until(f"{PLAY} === 'Play'")
    assert shown[NOW] == "epoch 10000"
    assert shown[SAID].startswith("epoch 10000")
    shown.press("<", " ")
    shown.until(f"{NOW} !== 'epoch 10000'")
    shown.press(",")
    assert shown[PLAY] == "Play", "whoever steps wants to look"


def test_buttons_and_the_slider_do_what_keys_do(shown: Browser) -> None:
    shown.click("#first")
    assert shown[NOW] == "epoch 0"
    shown.click("#forward")
    assert shown[NOW] == "epoch 1"
    shown.click("#epoch", 0.5)
    assert shown["state.index"] == pytest.approx(30, abs=2)
    shown.press("ArrowRight")
    shown["document.getElementById('ensemble').focus()"]
    shown.click("#last")
    assert shown[NOW] == "epoch 10000"
    shown.click("#play")
    shown.click("#play")
    assert shown[PLAY] == "Play"


def test_layers_are_hidden_in_all_charts_and_tables(shown: Browser) -> None:
    shown.press("1", "6", "9")
    assert [row[0] for row in cells(shown, "#now-table table")[1:]] == ["T2", "T3", "T4", "T5"]
    assert shown["document.querySelectorAll('.head').length"] == 4
    lines = "document.querySelectorAll('#charts > figure:nth-of-type(2) .line').length"
    assert shown[lines] == 4 * 2 + 1 + 1, "with the noise floor, and its swatch"
    assert shown["document.querySelectorAll('#boxes input:checked').length"] == 4
    shown.click("#none")
    assert shown["document.querySelectorAll('.head').length"] == 0
    shown.click("#all")
    assert shown["document.querySelectorAll('.head').length"] == 6
    shown.click("#boxes label:nth-child(2) input")
    assert shown["document.querySelectorAll('.head').length"] == 5


def test_ensembles_take_turns_at_the_same_epoch(shown: Browser) -> None:
    shown.press("t")
    at = shown[NOW]
    shown.press("]")
    assert shown[ENSEMBLE] == "0"
    assert shown[NOW] == at
    assert "one batch" in shown["document.getElementById('charts').textContent"], "it has no SNR, and says why"
    assert shown["document.getElementById('drift').disabled"]
    assert shown["document.getElementById('strip').hidden"]
    shown.press("t", "[")
    assert shown[ENSEMBLE] == "2"
    assert shown["document.querySelectorAll('#caveats li').length"] == len(
        told(shown)["ensembles"][2]["caveatsAt"][shown["state.index"]]
    )


def test_every_network_and_the_curve_are_drawn_on_demand(shown: Browser) -> None:
    shown.press("p")
    assert shown["document.querySelectorAll('.network').length"] == 60
    assert (
        "One point for each layer of 10 networks" in shown["document.querySelector('#charts figcaption').textContent"]
    )
    shown.point(PLANE, 0.4, 0.4)
    assert re.match(r"epoch 10000, seed \d\n", shown[BOX])
    shown.press("p", "b")
    assert shown["document.querySelectorAll('.network').length"] == 0
    assert shown["document.getElementById('choice-bound').checked"]


def test_the_pointer_reads_every_layer_there(shown: Browser) -> None:
    one = told(shown)["ensembles"][2]
    shown.point(SECOND, 0.5, 0.5)
    found = shown[BOX].splitlines()
    epoch = int(re.match(r"epoch (\d+), 10 networks", found[0])[1])  # type: ignore[index]
    column = one["charts"]["gradients"]["readings"]["columns"][0]
    first = column["mean"][one["epochs"].index(epoch)][0]
    rows = cells(shown, ".box:not([hidden]) table")
    assert [row[-1] for row in rows[1:]] == one["layers"]
    assert float(rows[1][0].partition(" ")[0]) == pytest.approx(first, rel=0.005)
    shown.click(SECOND, 0.4, 0.5)
    assert shown["state.index"] < 61, "a click takes the page there"
    shown.point(PLANE, 0.2, 0.5)
    assert shown[BOX].startswith("epoch ")
    shown.point("h1")
    assert shown[BOX] == ""


def test_arrow_keys_read_a_chart_aloud(shown: Browser) -> None:
    shown[f"document.querySelector({SECOND!r}).focus()"]
    shown.press("ArrowLeft", "ArrowLeft", "ArrowDown")
    assert re.match(r"(T\d|output), epoch \d+, 10 networks: batch mean .*, batch sd ", shown[SAID])
    before = shown[SAID]
    shown.press("ArrowUp")
    assert shown[SAID] != before
    at = int(re.search(r"epoch (\d+)", shown[SAID])[1])  # type: ignore[index]
    shown.press("Enter")
    assert shown[NOW] == f"epoch {at}"
    shown.press("Escape")
    assert shown[BOX] == ""
    shown[f"document.querySelector({PLANE!r}).focus()"]
    shown.press("ArrowLeft")
    assert "I(X;T) bits" in shown[SAID]


def test_tables_say_what_charts_draw(shown: Browser) -> None:
    one = told(shown)["ensembles"][2]
    shown.click("#charts > figure:nth-of-type(2) summary")
    shown.until("document.querySelector('#charts > figure:nth-of-type(2) details table') !== null")
    rows = cells(shown, "#charts > figure:nth-of-type(2) details table")
    assert len(rows) == 1 + len(one["epochs"])
    assert rows[0][1] == "T1 batch mean ± sd"
    assert [row[0] for row in rows[1:]] == [str(epoch) for epoch in one["epochs"]]
    shown.press("1")
    assert cells(shown, "#charts > figure:nth-of-type(2) details table")[0][1] == "T2 batch mean ± sd"
    assert len(cells(shown, "#phases table")) == 2 * 7
    assert len(cells(shown, ".beside table")) == 7


def test_focus_goes_through_the_page_in_order_and_is_seen(shown: Browser) -> None:
    seen = []
    for _ in range(22):
        shown.press("Tab")
        seen.append(shown["document.activeElement.id || document.activeElement.className"])
        assert shown["getComputedStyle(document.activeElement).outlineStyle"] == "solid"
    assert seen[:13] == ["skip", "ensemble", "theme", "first", "back", "play", "forward", "last", "drift", "epoch",
                         "speed", "", ""]  # fmt: skip
    assert seen.index("all") < seen.index("chart")
    named = """[...document.querySelectorAll('button, input, select, [tabindex="0"]')].every((one) =>
        one.ariaLabel || one.labels?.[0]?.textContent.trim() || one.textContent.trim())"""
    assert shown[named]
    assert shown["[...document.querySelectorAll('svg[role=img]')].every((one) => one.getAttribute('aria-label'))"]


@pytest.mark.parametrize("dark", [False, True])
def test_colours_follow_the_system_and_the_switch(browser: Browser, third: Path, dark: bool) -> None:
    browser.open(third, dark=dark)
    ground = "getComputedStyle(document.body).backgroundColor"
    both = ("rgb(255, 255, 255)", "rgb(30, 30, 30)")
    assert browser[ground] == both[dark]
    browser.press("d")
    assert browser[ground] == both[not dark]
    browser["toTheme('')"]
    assert browser[ground] == both[dark]
    browser("Emulation.setEmulatedMedia", media="print")
    assert browser[ground] == both[0], "on paper it is light"
    browser["toTheme('dark')"]
    assert browser[ground] == both[0]
    browser("Emulation.setEmulatedMedia", media="")


@pytest.mark.parametrize("width", [320, 390, 768, 1280, 1900])
def test_nothing_is_wider_than_the_window(browser: Browser, third: Path, width: int) -> None:
    browser.open(third, width=width, height=800)
    browser.click("#keys summary")
    assert browser["document.documentElement.scrollWidth"] <= width
    browser.size(max(width - 60, 320), 800)
    browser.until("charts.every((one) => one.drawnWidth === one.host.clientWidth)")
    assert browser["document.documentElement.scrollWidth"] <= width


def test_it_can_be_printed(shown: Browser) -> None:
    assert shown.printed().startswith(b"%PDF")


def test_names_of_a_hostile_session_are_shown_and_do_nothing(browser: Browser, tmp_path: Path) -> None:
    out = tmp_path / "hostile.html"
    out.write_bytes(page(hostile(tmp_path / "<b>&.ibs")))
    browser.thrown.clear()
    browser.requested.clear()
    browser.open(out)
    browser.press("p", "b", "Home", " ", " ")
    assert browser["document.querySelectorAll('img, b b, script').length"] == 2
    assert browser["document.querySelector('h1').textContent"] == "<b>&"
    assert browser["document.querySelector('#boxes').textContent"].startswith("</script")
    assert "onerror=alert(1)>&amp;<!--\\n" in browser["document.querySelector('#about').textContent"]
    assert browser.thrown == []
    assert browser.requested == [out.as_uri()]


def test_rows_that_are_held_out_are_a_key_away(browser: Browser, tmp_path: Path) -> None:
    out = tmp_path / "own.html"
    out.write_bytes(page(with_rows_held_out(tmp_path / "own.ibs")))
    browser.thrown.clear()
    browser.open(out)
    title = "document.querySelector('#charts h2').textContent"
    assert "held out" not in browser[title]
    browser.press("H", "p", "p", "b")
    assert "rows held out" in browser[title]
    assert browser["document.getElementById('choice-bound')"] is None, "the curve is of the rows that train"
    browser.click("#choice-heldOut")
    assert "held out" not in browser[title]
    assert browser.thrown == []


def test_the_policy_stops_what_is_not_the_page_s_own(browser: Browser, third: Path, tmp_path: Path) -> None:
    out = tmp_path / "changed.html"
    text = third.read_text(encoding="utf-8")
    out.write_text(text.replace("<main>", "<main><img src=x onerror='window.bad=1'><script>window.bad=2</script>"))
    browser.open(out)
    browser.until("document.readyState === 'complete'")
    assert browser["window.bad"] is None
    assert browser[NOW] == "epoch 10000"
    browser.thrown.clear()


@pytest.mark.parametrize(("estimator", "labels"), [("gauss", LABELS), ("probe", LABELS % 2), ("kde", LABELS)])
def test_recordings_are_shown(browser: Browser, tmp_path: Path, estimator: str, labels: Any) -> None:
    out = tmp_path / "own.html"
    out.write_bytes(page(make_recording(tmp_path / "own.ibs", labels=labels, estimator=estimator)))
    browser.thrown.clear()
    browser.open(out)
    browser.press("Home", ".", "t", "]", "[", "p", "p", "1", "1", " ", " ")
    for chart in browser["[...document.querySelectorAll('#charts > figure')].map((_, k) => k + 1)"]:
        browser[f"document.querySelectorAll('#charts .chart')[{chart - 1}]?.focus()"]
        browser.press("ArrowLeft", "ArrowRight", "ArrowDown", "Escape")
    assert browser["document.querySelector('#boxes').textContent"].startswith("[bold]conv\\n1")
    assert browser.thrown == []
    assert browser["document.querySelectorAll('.head').length"] == (0 if estimator == "probe" else 2)

"""Chromium without a window, driven by the DevTools protocol over a pair of pipes: pages, keys, clicks, pictures.

Nothing is installed for it: messages are JSON with a NUL behind each. The network is off: no name has an address, and
requests are counted.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE = 60.0
"""Seconds after which something that should come has not."""
CODES = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38,
         "ArrowRight": 39, "ArrowDown": 40}  # fmt: skip


class Browser:
    """One page, and what it has asked for, said and thrown."""

    def __init__(self, room: Path) -> None:
        assert PROGRAM is not None
        theirs, self._to = os.pipe()
        self._from, ours = os.pipe()

        def as_three_and_four() -> None:
            one, other = os.dup(theirs), os.dup(ours)  # out of the way of 3 and 4
            os.dup2(one, 3)
            os.dup2(other, 4)

        self._process = subprocess.Popen(
            [PROGRAM, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run",
             "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={room / 'profile'}"],
            preexec_fn=as_three_and_four, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(theirs)
        os.close(ours)
        self._rest = b""
        self._number = 0
        self._session = ""
        self.requested: list[str] = []
        self.thrown: list[str] = []
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self._session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self(f"{domain}.enable")

    def __call__(self, method: str, **parameters: Any) -> dict[str, Any]:
        """What the protocol answers to a command."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = os.read(self._from, 1 << 20)
            assert more, "the browser has ended"
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\0")
        message = json.loads(line)
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.requested.append(message["params"]["request"]["url"])
            case "Runtime.exceptionThrown":
                self.thrown.append(str(message["params"]["exceptionDetails"]))
            case "Log.entryAdded":
                self.thrown.append(str(message["params"]["entry"]))
            case "Page.javascriptDialogOpening":
                self.thrown.append("a dialog opens")
        return message

    def open(self, page: Path, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Show a page from a file, and wait for its first picture."""
        self.size(width, height)
        self("Emulation.setEmulatedMedia",
             features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])  # fmt: skip
        self("Page.navigate", url=page.as_uri())
        self.until("document.readyState === 'complete'")

    def size(self, width: int, height: int) -> None:
        """The size of the window, in pixels; narrow ones are of a phone."""
        self("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)

    def __getitem__(self, script: str) -> Any:
        """The value of an expression in the page."""
        found = self("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, script: str) -> None:
        """Wait until an expression in the page is true."""
        end = time.monotonic() + PATIENCE
        while not self[script]:
            assert time.monotonic() < end, script
            time.sleep(0.02)

    def press(self, *keys: str) -> None:
        """Press keys, one after another: a character, or a name such as `ArrowLeft`."""
        for key in keys:
            what: dict[str, Any] = {
                "key": key,
                "code": "Space" if key == " " else key if key in CODES else "",
                "windowsVirtualKeyCode": CODES.get(key, 0),
            }
            if len(key) == 1:
                what["text"] = key
            self("Input.dispatchKeyEvent", type="keyDown", **what)
            self("Input.dispatchKeyEvent", type="keyUp", **{k: v for k, v in what.items() if k != "text"})

    def place(self, selector: str, across: float = 0.5, down: float = 0.5) -> tuple[float, float]:
        """A point of an element, which is scrolled into sight."""
        self[f"document.querySelector({selector!r}).scrollIntoView({{block: 'center'}})"]
        edge = self[f"(({{x, y, width, height}}) => [x, y, width, height])"
                    f"(document.querySelector({selector!r}).getBoundingClientRect())"]  # fmt: skip
        return edge[0] + edge[2] * across, edge[1] + edge[3] * down

    def point(self, selector: str, across: float = 0.5, down: float = 0.5) -> None:
        """Move the pointer there."""
        x, y = self.place(selector, across, down)
        self("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, selector: str, across: float = 0.5, down: float = 0.5) -> None:
        """Click there."""
        x, y = self.place(selector, across, down)
        for kind in ("mousePressed", "mouseReleased"):
            self("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self, out: Path, *, whole: bool = True) -> None:
        """Keep what the page looks like, as PNG."""
        shot = self("Page.captureScreenshot", captureBeyondViewport=whole)
        out.write_bytes(base64.b64decode(shot["data"]))

    def printed(self) -> bytes:
        """The page as PDF."""
        return base64.b64decode(self("Page.printToPDF", printBackground=False)["data"])

    def close(self) -> None:
        """End the browser."""
        self._session = ""
        try:
            self("Browser.close")
        except (AssertionError, OSError):
            self._process.kill()
        self._process.wait(PATIENCE)
        os.close(self._to)
        os.close(self._from)


@contextmanager
def chromium(room: Path) -> Iterator[Browser]:
    """A browser with a profile of its own in a directory."""
    browser = Browser(room)
    try:
        yield browser
    finally:
        browser.close()

"""The page of a session: one HTML file with its style, its script and its numbers inside, which loads nothing.

Its parts are files beside this one: `page.html`, `page.css`, `chart.js` and `page.js`. Texts from a session are escaped
where they stand in HTML; all else of it is JSON that the script shows as text. Beyond that, a policy in the page allows
no script and no style but its own, by their digests, and nothing from anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from html import escape
from pathlib import Path
from string import Template

import ibtui
from ibtui.charts.palette import DARK, LIGHT, RGB, STEPS, Palette
from ibtui.playback import SPEEDS
from ibtui.web.contents import Plain, contents
from ibtui_engine.errors import InvalidValue

HERE = Path(__file__).parent
STYLE, SCRIPT = ("page.css",), ("chart.js", "page.js")
"""The files that the page's style and script are made of, in order."""
LARGEST = 20_000_000
"""Bytes of a page, at most: larger ones take long to open."""
INK: dict[str, dict[str, RGB]] = {
    "light": {"ink": (24, 27, 33), "raised": (244, 245, 247), "edge": (132, 138, 150), "accent": (25, 85, 207)},
    "dark": {"ink": (232, 234, 238), "raised": (43, 45, 49), "edge": (122, 127, 138), "accent": (122, 178, 255)},
}
"""Colours of the page that charts have no need of: text, controls and their edges, what is chosen or has the focus."""


def page(
    path: Path, ensemble: int | None = None, by: str | None = None, tell: Callable[[str], None] = lambda said: None
) -> bytes:
    """A session, or one ensemble of it, as one HTML file. Arguments and errors as of `contents`.

    Raises:
        InvalidValue: likewise, or the page would have more than `LARGEST` bytes.
    """
    found = document(contents(path, ensemble, by, tell)).encode()
    if len(found) > LARGEST:
        raise InvalidValue(
            f"the page must be at most {LARGEST // 10**6} MB, got {len(found) / 1e6:.0f} MB: choose one ensemble with "
            "--ensemble"
        )
    return found


def document(shown: Plain) -> str:
    """The HTML of a page that shows these `contents`."""
    style = "".join([colours(), *map(_text, STYLE)])
    script = "".join(map(_text, SCRIPT))
    allowed = {"style-src": _digest(style), "script-src": _digest(script)}
    policy = {"default-src": "'none'", "base-uri": "'none'", "form-action": "'none'", "img-src": "data:"} | allowed
    return Template(_text("page.html")).substitute(
        policy="; ".join(f"{name} {value}" for name, value in policy.items()),
        generator=escape(f"ibtui {ibtui.__version__}"),
        title=escape(shown["name"]),
        style=style,
        script=script,
        contents=in_script(shown | {"speeds": [*SPEEDS]}),
    )


def in_script(value: Plain) -> str:
    """JSON that no text in it can end: within a script element, `<` begins nothing where it is written as code."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def colours() -> str:
    """The variables of the page's style: the colours of the app's charts (`ibtui.charts.palette`) and `INK`, as the
    system has it, or as was chosen; on paper the light ones.
    """
    light, dark = (_variables(one, INK[name]) for name, one in (("light", LIGHT), ("dark", DARK)))
    return (
        f":root{{color-scheme:light;{light}}}\n"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{color-scheme:dark;{dark}}}}}\n"
        f":root[data-theme=dark]{{color-scheme:dark;{dark}}}\n"
        f"@media print{{:root:root:root{{color-scheme:light;{light}}}}}\n"
    )


def _variables(of: Palette, ink: dict[str, RGB]) -> str:
    named = {"paper": of.background, "muted": of.muted, "frame": of.frame, "guide": of.guide} | ink
    named |= {f"layer-{k}": colour for k, colour in enumerate(of.categories)}
    named |= {f"quantity-{k}": colour for k, colour in enumerate(of.quantities)}
    named |= {f"shade-{k}": of.sequential(k / (STEPS - 1)) for k in range(STEPS)}
    return "".join(f"--{name}:#{bytes(colour).hex()};" for name, colour in named.items())


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")

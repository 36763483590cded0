"""What the documentation site is made of: files of the repository where they lie, and a page for the public names.

mkdocs calls `on_files` (`hooks` in mkdocs.yml). Every page keeps its path in the repository, so that a link from one to
another is the same on the site and wherever the repository is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT = Path(__file__).parents[1]
REFERENCE = "reference.md"
OTHER_FILES = ("CITATION.cff", "LICENSE", "sessions/map-learning.png")
"""Files without a page that pages link to; so are pictures beside pages."""
GIVEN = {
    "What they give": (
        "ibtui_engine.session.summary.Summary",
        "ibtui_engine.session.summary.EnsembleSummary",
        "ibtui_engine.session.columns.LayerHistory",
        "ibtui_engine.session.columns.LearningHistory",
        "ibtui_engine.session.ensemble.LayerFigures",
        "ibtui_engine.phases.summary.Phases",
        "ibtui_engine.bottleneck.curve.Curve",
        "ibtui_engine.bottleneck.fits.LayerFits",
        "ibtui_engine.rules.rule.Rule",
        "ibtui_engine.progress.Progress",
    ),
    "Statistics over networks": ("ibtui_engine.statistics",),
    "What they raise": ("ibtui_engine.errors",),
}
"""What the public names take, give and raise, under the headings of the page."""


def nav_pages() -> list[str]:
    """The paths of all pages in the navigation, in its order."""
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    nav = text.partition("\nnav:\n")[2].partition("\n\n")[0]
    return re.findall(r"^ +- [^:]+: (\S+\.md)$", nav, re.MULTILINE)


def public_names() -> Iterator[tuple[str, str]]:
    """Each public name of `ibtui`, and the name that it has where it is defined."""
    ibtui = import_module("ibtui")
    for name in ibtui.__all__:
        found = getattr(ibtui, name)
        yield name, f"{found.__module__}.{found.__qualname__}"


def reference() -> str:
    """The page of the public names, for mkdocstrings to fill in from their docstrings."""
    lines = [
        "# Reference",
        "",
        "`import ibtui` gives the names of the first part, each loaded when it is first used; "
        "`import ibtui_engine` gives all of them but `open_session`. [The engine, from Python](engine/README.md) shows "
        "how to use them.",
        "",
        "## Public names",
        "",
    ]
    for name, place in public_names():
        lines += [f"::: {place}", "    options:", f"      heading: ibtui.{name}", f"      toc_label: {name}", ""]
    for title, places in GIVEN.items():
        lines += [f"## {title}", ""]
        for place in places:
            lines += [f"::: {place}", ""]
    return "\n".join(lines)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Give mkdocs the pages of the navigation, and what they show and link to."""
    from mkdocs.structure.files import File

    pages = [page for page in nav_pages() if page != REFERENCE]
    shown = (path for ending in ("png", "gif") for path in (ROOT / "tests" / "pictures").glob(f"*.{ending}"))
    pictures = [str(path.relative_to(ROOT)) for path in sorted(shown)]
    for path in (*pages, *pictures, *OTHER_FILES):
        files.append(File.generated(config, path, abs_src_path=str(ROOT / path)))
    files.append(File.generated(config, REFERENCE, content=reference()))
    return files

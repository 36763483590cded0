"""The documentation: links lead somewhere, the navigation has all pages, the reference all public names."""

from __future__ import annotations

import importlib.util
import inspect
import os
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import ibtui
import ibtui_engine

ROOT = Path(__file__).parents[2]
NO_PAGES = {"build", "dist", "site", "venv", "node_modules"}


def hook() -> ModuleType:
    """What mkdocs.yml names as its hook."""
    spec = importlib.util.spec_from_file_location("ibtui_docs_pages", ROOT / "docs" / "pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pages() -> Iterator[str]:
    """Every page of the repository."""
    for folder, below, files in os.walk(ROOT):
        below[:] = [name for name in below if not name.startswith(".") and name not in NO_PAGES]
        yield from (str(Path(folder, name).relative_to(ROOT)) for name in files if name.endswith(".md"))


PAGES = sorted(pages())


def without_blocks(text: str) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(text: str) -> set[str]:
    """What can be linked to in a page: its headings, as both GitHub and the site call them."""
    headings = re.findall(r"^#+ +(.*?) *$", without_blocks(text), re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading.lower())).strip("-") for heading in headings}


def broken_links(page: str, text: str) -> list[str]:
    """The links of a page that lead nowhere, on the site or in the repository."""
    known = {*hook().nav_pages(), *hook().OTHER_FILES}
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", without_blocks(text))):
        if re.match(r"https?://", link):
            continue
        path, _, anchor = link.partition("#")
        target = os.path.normpath(Path(page).parent / path) if path else page
        there = ROOT / target
        found = there.is_file() and (target in known or target.endswith((".png", ".gif")))
        if found and anchor:
            found = anchor in anchors(text if not path else there.read_text(encoding="utf-8"))
        if not found:
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    assert broken_links(page, (ROOT / page).read_text(encoding="utf-8")) == []


def test_links_that_lead_nowhere_are_found() -> None:
    text = "# It\n\n[a](no.md) [b](#it) [c](#nothing) `[d](no.md)` "
    text += "[e](../README.md#install-and-run) [f](../README.md#x)"
    assert broken_links("ibtui/README.md", text) == ["no.md", "#nothing", "../README.md#x"]


def test_the_navigation_names_every_page_once() -> None:
    named = hook().nav_pages()
    assert sorted(named) == sorted([*PAGES, hook().REFERENCE])
    assert len({"README.md", "CONTRIBUTING.md", "tests/benchmarks/README.md"} & set(PAGES)) == 3


def test_the_reference_has_every_public_name() -> None:
    text = hook().reference()
    assert set(ibtui_engine.__all__) < set(ibtui.__all__)
    for name in ibtui.__all__:
        assert f"heading: ibtui.{name}\n" in text
    for place in re.findall(r"^::: (\S+)$", text, re.MULTILINE):
        module, _, name = place.rpartition(".")
        try:
            import_module(place)
        except ModuleNotFoundError:
            assert hasattr(import_module(module), name), place


@pytest.mark.parametrize("name", ibtui.__all__)
def test_public_functions_say_what_they_take_and_raise(name: str) -> None:
    found = getattr(ibtui, name)
    said = inspect.getdoc(found) or ""
    assert said
    if inspect.isclass(found):
        return
    for parameter in inspect.signature(found).parameters:
        assert re.search(rf"^ +{parameter}: ", said.partition("Args:")[2], re.MULTILINE), parameter
    assert "Raises:" in said or name == "phases_of"


def test_the_site_asks_no_other_server_for_anything() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert "\n  font: false" in text
    assert re.findall(r"^  - (\w+):?$", text.partition("\nplugins:\n")[2].partition("\n\n")[0], re.MULTILINE) == [
        "search",
        "mkdocstrings",
    ]

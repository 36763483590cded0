"""What the pages say of keys and commands is so."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from ibtui.cli.application import make_application
from tests.pages import PARTS, Part

ROOT = Path(__file__).parents[2]
PAGES = (
    *("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"),
    *("ibtui/README.md", "sessions/README.md", "engine/README.md", "tests/README.md"),
)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_tables_that_are_made_from_declarations_are_as_these_are(part: Part) -> None:
    page = part.path.read_text(encoding="utf-8")
    assert page == part.renewed(page), "renew it: python -m tests.pages"


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "ARCHITECTURE.md"])
def test_files_and_modules_that_a_page_names_are_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    file = re.compile(r"…?[\w./-]+\.[a-z]{1,5}|…?[\w.-]+/[\w./-]*")  # `ensemble.weight_decay` is none
    spans = {span for span in re.findall(r"`([^`\n]+)`", text) if file.fullmatch(span)}
    assert len(spans) > 5
    for span in sorted(spans):
        places = [ROOT / span, ROOT / "engine" / span, ROOT / "ibtui" / span]
        places.append(ROOT / "engine" / "ibtui_engine" / span.removeprefix("…/"))
        assert any(place.exists() for place in places), span


def commands() -> list[str]:
    """Every command line in the pages that begins with `ibtui`, without what a shell adds."""
    found = set()
    for page in PAGES:
        path = ROOT / page
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        spans = re.findall(r"`(ibtui(?: [^`\n]+)?)`", text)
        spans += [
            part.strip()
            for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
            for part in re.split(r"\n|&&", block)
        ]
        found |= {span for span in spans if span.split()[:1] == ["ibtui"] and "COMMAND" not in span}
    return sorted(found)


@pytest.mark.parametrize("line", commands())
def test_every_command_of_the_pages_is_one(line: str) -> None:
    words = shlex.split(line)[1:]
    command = get_command(make_application())
    context = typer.Context(command, info_name="ibtui")
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        assert words[0] in command.commands, line
        command = command.commands[words[0]]
        context = typer.Context(command, parent=context, info_name=words.pop(0))
    if not words or words[0] in ("--install-completion", "--version", "--help"):  # by its name alone, or without it
        return
    command.make_context(context.info_name, words, parent=context.parent)

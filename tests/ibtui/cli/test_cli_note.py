"""`ibtui note` and the results that `ibtui list` shows on request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.ibtui.cli.conftest import Program


def test_notes_and_tags_are_written_listed_and_taken_away(made: Program) -> None:
    assert made.good("note", "grid", "the main one", "--tag", "keep", "--tag", "paper") == (
        "the main one\ntags: keep, paper\n"
    )
    assert made.good("note", "grid", "--untag", "keep", "--json") == (
        json.dumps({"name": "grid", "note": "the main one", "tags": ["paper"]}, indent=2) + "\n"
    )
    listed = {one["name"]: one for one in json.loads(made.good("list", "--json"))}
    assert (listed["grid"]["note"], listed["grid"]["tags"]) == ("the main one", ["paper"])
    told = made.good("list")
    assert "paper" in told
    assert "the main one" in told
    assert made.good("note", "grid", "--clear") == ""
    assert "paper" not in made.good("list")
    refused = made("note", "grid", "--tag", "a b")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "tag must be 1 to" in refused.stderr


@pytest.mark.long
def test_results_are_listed_on_request(made: Program, tmp_path: Path) -> None:
    cache = {"XDG_CACHE_HOME": str(tmp_path)}
    assert "accuracy" not in made.good("list")
    told = made.good("list", "--results", environment=cache)
    assert "drift ends  bits lost  accuracy" in told
    listed = {one["name"]: one for one in json.loads(made.good("list", "--results", "--json", environment=cache))}
    found = listed["grid"]["results"]
    assert f"{max(found['lost']):.2f}" in told
    assert found["epoch"] == listed["grid"]["epochs_total"]
    again = {one["name"]: one for one in json.loads(made.good("list", "--results", "--json", environment=cache))}
    assert again["grid"]["results"] == found

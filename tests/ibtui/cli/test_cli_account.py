"""`ibtui account`: every claim is told, with what is missing, as text, JSON and Markdown."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ibtui.cli.account import markdown
from ibtui_engine.account.claims import CLAIMS, account
from ibtui_engine.account.evidence import Evidence, experiments
from ibtui_engine.account.finding import UNKNOWN

if TYPE_CHECKING:
    from tests.ibtui.cli.conftest import Program

SHIPPED = Path(__file__).parents[3] / "sessions"


def test_without_sessions_every_claim_says_what_it_lacks(program: Program) -> None:
    done = program("account", "--json")
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert [one["key"] for one in told] == [claim.key for claim in CLAIMS]
    assert {one["verdict"] for one in told} == {UNKNOWN}
    assert done.stderr.startswith(f"no finished session of {', '.join(experiments())}")
    assert "ibtui account --run" in done.stderr


@pytest.mark.long
def test_a_finished_session_of_the_experiment_is_found_and_no_other(program: Program) -> None:
    program.good("run", "full-batch", "--quick", "--name", "whole")
    program.good("run", "full-batch", "--quick", "--networks", "3", "--name", "another")
    done = program("account", "--quick", "--json")
    told = {one["key"]: one for one in json.loads(done.stdout)}
    assert told["noise"]["verdict"] != UNKNOWN
    assert told["relu"]["verdict"] == UNKNOWN
    assert "full-batch" not in done.stderr
    lost = [number["value"] for number in told["noise"]["numbers"]]
    phases = json.loads(program.good("phases", "whole", "--json"))["ensembles"][0]["layers"]
    assert lost == pytest.approx([layer["compression"]["mean"] for layer in phases[:-1]])


def test_the_file_is_a_table_of_all_claims(program: Program) -> None:
    path = program.directory / "account.md"
    program.good("account", "-o", path)
    lines = path.read_text().splitlines()
    assert len(lines) == len(CLAIMS) + 2
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {6}
    assert program("account", "-o", "account.txt").returncode == 2
    for claim, line in zip(CLAIMS, lines[2:], strict=True):
        assert claim.text in line


def test_markdown_has_every_number() -> None:
    findings = account(Evidence({"figure-3": SHIPPED / "example-figure-3.ibs"}))
    written = markdown(findings)
    for one in findings:
        assert f"**{one.verdict}**" in written
        assert all(number.text.replace("|", "\\|") in written for number in one.numbers)

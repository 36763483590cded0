"""`ibtui account`: every claim is told, with what is missing, as text, JSON and Markdown."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ibtui.cli.account import _standard, markdown
from ibtui_engine.account.claims import CLAIMS
from ibtui_engine.account.finding import INAPPLICABLE, UNKNOWN
from ibtui_engine.account.standard import STANDARD, account, experiments

if TYPE_CHECKING:
    from ibtui_engine.experiment import Experiment
    from tests.ibtui.cli.conftest import Program

SHIPPED = Path(__file__).parents[3] / "sessions"


def test_without_sessions_every_claim_says_what_it_lacks(program: Program) -> None:
    done = program("account", "--json")
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert [one["key"] for one in told] == [claim.key for claim in STANDARD]
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
    assert len(lines) == len(STANDARD) + 2
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {6}
    assert program("account", "-o", "account.txt").returncode == 2
    for claim, line in zip(STANDARD, lines[2:], strict=True):
        assert claim.text in line


def test_markdown_has_every_number() -> None:
    findings = account({"figure-3": SHIPPED / "example-figure-3.ibs"})
    written = markdown(findings, {})
    for one in findings:
        assert f"**{one.verdict}**" in written
        assert all(number.text.replace("|", "\\|") in written for number in one.numbers)


def test_any_session_is_judged_by_the_claims_whose_data_it_has(program: Program) -> None:
    told = json.loads(program.good("account", "example-figure-5", "--json"))
    assert list(dict.fromkeys(one["key"] for one in told)) == [claim.key for claim in CLAIMS]
    [depth] = [one for one in told if one["key"] == "depth"]
    assert depth["verdict"] != INAPPLICABLE
    assert [(one["session"], one["ensemble"]) for one in depth["ensembles"]] == [
        ("example-figure-5", k) for k in range(6)
    ]
    assert {Path(one["path"]).name for one in depth["ensembles"]} == {"example-figure-5.ibs"}
    [diffusion] = [one for one in told if one["key"] == "diffusion"]
    assert (diffusion["verdict"], diffusion["numbers"]) == (INAPPLICABLE, [])
    assert "kept weights" in diffusion["reason"]
    assert len([one for one in told if one["key"] == "corner"]) == 6
    text = program.good("account", "example-figure-5")
    assert "all ensembles: needs kept weights (here: none kept)." in " ".join(text.split())
    assert "12-10-8-6-4-2 at 0.8" in text


def test_sessions_that_cannot_be_judged_are_refused_in_one_line(program: Program) -> None:
    for arguments, said in (
        (("example-figure-5", "--quick", "--run"), "--run, --quick choose"),
        (("example-figure-5", "--networks", "3"), "--networks chooses"),
        (("example-figure-5", "--data", "x"), "--data chooses"),
        (("--data", "x"), "data is 'x', which is for --run: give --run, too"),
        (("--run", "--data", "nowhere"), "in 'nowhere': get the files from https://"),
        (("example-figure-5", "example-figure-5"), "each of them can be named once"),
    ):
        done = program("account", *arguments)
        assert done.returncode == 2
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_mnist_is_left_out_where_its_files_are_not_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    made = []

    def have(one: Experiment, *_: object) -> Path:
        made.append(one)
        return SHIPPED / "example-figure-8.ibs"

    monkeypatch.setattr("ibtui.cli.account.have_session", have)
    wanted = {name: one for name, one in experiments().items() if name in ("figure-8", "mnist")}
    found = {one.key: one.verdict for one in _standard(wanted, tmp_path, True, False, None, False)}
    assert made == [wanted["figure-8"]]
    assert found["committee"] != UNKNOWN
    assert found["large-problem-mnist"] == UNKNOWN
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("note: mnist is left out: no train-images-idx3-ubyte, ")
    assert said[1].startswith("no finished session of mnist: ")


def test_the_page_of_what_reproduces_has_the_words_of_the_claims() -> None:
    page = (SHIPPED / "README.md").read_text(encoding="utf-8")
    table = page.partition("<!-- account: begin -->")[2].partition("<!-- account: end -->")[0]
    rows = [re.split(r"(?<!\\) \| ", line) for line in table.splitlines() if line.startswith("|")][2:]
    assert [cells[1] for cells in rows] == [claim.text for claim in STANDARD]
    for cells, claim in zip(rows, STANDARD, strict=True):
        rule = f". Reproduced: {claim.rule}" if claim.rule else ""
        said = f"{claim.measured} ({claim.standard_place}){rule}"
        assert cells[2] == said.replace("|", "\\|"), "python sessions/make_account.py --words renews it"

"""`ibtui account`: what of the paper reproduces, claim by claim, from finished sessions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ibtui.cli.console import output, print_json, tell, write_output
from ibtui.cli.figure import finished_sessions, have_session
from ibtui.cli.options import OUTPUT, Json, Quiet, SessionsDir, Threads
from ibtui.files import require_output
from ibtui.locations import sessions_directory
from ibtui.wording import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ibtui_engine.account.finding import Finding

STYLES = {"reproduced": "green", "partly": "yellow", "not": "red"}
MARK = {"reproduced": "+", "partly": "~", "not": "-"}
"""What stands before a claim, so that verdicts are told apart without colour."""


def account(
    run: Annotated[
        bool,
        typer.Option("--run", help="First run the experiments it needs that are missing (about 15 min on two cores)."),
    ] = False,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Use small, fast versions of the experiments; their verdicts mean little."),
    ] = False,
    networks: Annotated[
        int | None,
        typer.Option(
            "--networks",
            help="Networks per ensemble. [default: as many as the figures have, up to 50]",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE.md",
            help="Write a table in Markdown.",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
    threads: Threads = None,
    sessions_dir: SessionsDir = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check each claim of the paper against finished sessions: what is measured, the numbers, and a verdict."""
    if out is not None:
        require_output(out, (".md",))
    from ibtui_engine.account.claims import account as account_for
    from ibtui_engine.account.evidence import Evidence, experiments

    directory = sessions_directory(sessions_dir)
    wanted = experiments(quick=quick, networks=networks)
    if run:
        there = {name: have_session(one, "", directory, threads, quiet) for name, one in wanted.items()}
    else:
        there = finished_sessions(wanted, directory)
    findings = account_for(Evidence(there))
    missing = [name for name in wanted if name not in there]
    if missing:
        tell(f"no finished session of {', '.join(missing)}: ibtui account --run makes them", quiet=quiet)
    if json:
        print_json([one.to_dict() for one in findings])
    if out is not None:
        write_output(out, markdown(findings).encode())
        tell(f"wrote the account to {out}", quiet=quiet)
    if not json and out is None:
        _print(findings)


def markdown(findings: Sequence[Finding]) -> str:
    """The account as a table."""
    lines = ["| § | claim | measured | numbers | verdict |", "| --- | --- | --- | --- | --- |"]
    for one in findings:
        numbers = "; ".join(number.text for number in one.numbers)
        verdict = f"**{one.verdict}**" + (f". {_linked(one)}" if one.reason else "")
        cells = (one.section, one.claim, _measured(one), numbers, verdict)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _measured(one: Finding) -> str:
    return one.measured + (f". Reproduced: {one.rule}" if one.rule else "")


def _linked(one: Finding) -> str:
    return f"{'Note' if one.verdict == 'reproduced' else 'But'}: {printable(one.reason)}"


def _print(findings: Sequence[Finding]) -> None:
    from rich.padding import Padding
    from rich.text import Text

    console = output()
    for one in findings:
        head = Text(f"{MARK.get(one.verdict, ' ')} ", STYLES.get(one.verdict, ""))
        head.append(f"{one.verdict}: ", f"bold {STYLES.get(one.verdict, '')}".strip())
        head.append(f"{one.claim} ({one.section})" if one.section != "–" else one.claim, "bold")
        console.print(head)
        told = [Text(f"{_measured(one)}.", "dim"), Text("; ".join(number.text for number in one.numbers))]
        told.append(Text(f"{_linked(one)}." if one.reason else ""))
        for text in told:
            if text:
                console.print(Padding(text, (0, 0, 0, 2)))
        console.print()
    console.print(
        "Mean ± standard error (se) over networks; epochs: geometric mean ×/÷ the factor of one standard error. (n 7): "
        "over the 7 networks that have such a number.",
        style="dim",
    )

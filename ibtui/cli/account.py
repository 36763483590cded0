"""`ibtui account`: what of the paper reproduces, claim by claim, from finished sessions or from any that are named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ibtui.account_text import MARK, STYLES, link, sentences
from ibtui.cli import completion
from ibtui.cli.console import output, print_json, tell, write_output
from ibtui.cli.figure import finished_sessions, have_session
from ibtui.cli.options import Json, Quiet, SessionsDir, Threads, output_file
from ibtui.cli.run import with_data
from ibtui.files import require_output
from ibtui.formatting import printable, titles_of
from ibtui.locations import example_file, find_session, sessions_directory
from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.image_files import require_images

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ibtui_engine.account.finding import Finding, Place
    from ibtui_engine.experiment import Experiment
    from ibtui_engine.session.ensemble import RecordedEnsemble

    Titles = Mapping[Place, str]


def account(
    sessions: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SESSION",
            help="Judge these sessions: files, names, or unique beginnings of names. Each claim is judged on all their "
            "ensembles that have the data it needs. [default: finished sessions of the presets that it rests on]",
            show_default=False,
            autocompletion=completion.sessions,
        ),
    ] = None,
    run: Annotated[
        bool,
        typer.Option(
            "--run", help="First run the experiments that are missing (about three quarters of an hour on two cores)."
        ),
    ] = False,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Use small, fast versions of the experiments; their verdicts mean little."),
    ] = False,
    examples: Annotated[
        bool,
        typer.Option(
            "--examples",
            help="Where a session is missing, use the example of that name: fewer networks, so more is undecided.",
        ),
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
        output_file("FILE.md", "Write a table in Markdown."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="DIR",
            help="Directory with the IDX files of MNIST, for --run; without them its claim is left out. "
            "[default: data/mnist]",
            show_default=False,
        ),
    ] = None,
    threads: Threads = None,
    sessions_dir: SessionsDir = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Judge each claim of the paper: what is measured, the numbers, the rule, and the verdict."""
    if out is not None:
        require_output(out, (".md",))
    directory = sessions_directory(sessions_dir)
    if sessions:
        given = {"run": run, "quick": quick, "examples": examples, "networks": networks is not None}
        given["data"] = data is not None
        if any(given.values()):
            named = ", ".join(f"--{option}" for option, there in given.items() if there)
            verb = "choose" if sum(given.values()) > 1 else "chooses"
            raise InvalidValue(f"{named} {verb} among the presets, but sessions are named: leave out one of them")
        findings, titles = _judged(sessions, directory, threads, quiet)
    else:
        if data is not None and not run:
            raise InvalidValue(f"data is {str(data)!r}, which is for --run: give --run, too")
        wanted = experiments_of(quick, networks, data)
        findings, titles = _standard(wanted, directory, run, examples, threads, quiet), {}
    if json:
        print_json([one.to_dict() for one in findings])
    if out is not None:
        write_output(out, markdown(findings, titles).encode())
        tell(f"wrote the account to {out}", quiet=quiet)
    if not json and out is None:
        _print(findings, titles)


def experiments_of(quick: bool, networks: int | None, data: Path | None) -> dict[str, Experiment]:
    """What the account rests on, by name, with MNIST from a directory.

    Raises:
        InvalidValue: the directory does not have it, or the number of networks is outside its range.
    """
    from ibtui_engine.account.standard import experiments

    wanted = experiments(quick=quick, networks=networks)
    if data is not None:
        wanted["mnist"] = with_data(wanted["mnist"], str(data))
        _require_images(wanted["mnist"])
    return wanted


def _standard(
    wanted: Mapping[str, Experiment], directory: Path, run: bool, examples: bool, threads: int | None, quiet: bool
) -> list[Finding]:
    """The claims on the experiments that they rest on."""
    from ibtui_engine.account.standard import account as account_for

    there = finished_sessions(wanted, directory)
    if run:
        for name, one in wanted.items():
            if name in there:
                tell(f"using session {there[name].stem}", quiet=quiet)
                continue
            try:
                _require_images(one)
            except InvalidValue as error:
                tell(f"note: {name} is left out: {error}", quiet=quiet)
                continue
            there[name] = have_session(one, "", directory, threads, quiet)
    else:
        if examples:
            there = {name: path for name in wanted if (path := example_file(name)).is_file()} | there
    findings = account_for(there)
    missing = [name for name in wanted if name not in there]
    if missing:
        tell(f"no finished session of {', '.join(missing)}: ibtui account --run makes them", quiet=quiet)
    return findings


def _require_images(experiment: Experiment) -> None:
    """Raise InvalidValue where the files of MNIST are missing that an experiment learns."""
    for name in experiment.rule_names:
        if name.path is not None:
            require_images(name)


def _judged(sessions: Sequence[str], directory: Path, threads: int | None, quiet: bool) -> tuple[list[Finding], Titles]:
    """The claims on all ensembles of some sessions, and how to call these."""
    paths = [find_session(session, directory) for session in sessions]
    if len(set(paths)) < len(paths):
        raise InvalidValue(f"sessions are {', '.join(sessions)}: each of them can be named once")
    from ibtui.caveats import sample_caveat
    from ibtui_engine.account.finding import place_of
    from ibtui_engine.account.judging import judge
    from ibtui_engine.session.history import SessionReader

    those: list[RecordedEnsemble] = []
    for path in paths:
        with SessionReader(path) as reader, reader.moment():
            summary = reader.summary
            if not any(one.snapshots for one in summary.ensembles):
                raise InvalidValue(f"session {summary.name!r} has measured no epoch yet: there is nothing to judge")
            those += reader.recorded_ensembles()
        if summary.status != "finished":
            so_far = f"{summary.status}, epoch {summary.epochs_done} of {summary.experiment.epochs}"
            tell(f"note: session {summary.name} is {so_far}: judged by what it has measured", quiet=quiet)
        for rule in summary.rules:
            if (said := sample_caveat(rule, summary.experiment)) is not None:
                tell(f"note: session {summary.name}: {said}", quiet=quiet)
    titles = titles_of([(one.summary, one.ensemble) for one in those])
    return judge(those, threads=threads), {place_of(one): title for one, title in zip(those, titles, strict=True)}


def markdown(findings: Sequence[Finding], titles: Titles) -> str:
    """The account as a table."""
    lines = ["| § | claim | measured | numbers | verdict |", "| --- | --- | --- | --- | --- |"]
    for one in findings:
        numbers = "; ".join(number.text for number in one.numbers)
        firm = f" ({one.firmness})" if one.firmness else ""
        verdict = f"**{one.verdict}**{firm}" + (f". {_linked(one)}" if one.reason else "")
        cells = (one.section, one.claim, _measured(one, titles), numbers, verdict)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _measured(one: Finding, titles: Titles) -> str:
    """What is measured, of which ensembles where these are named, and the rule."""
    of = _places(one, titles)
    rule = f". Reproduced: {one.rule}" if one.rule else ""
    return one.measured + (f" ({of})" if of else "") + rule


def _places(one: Finding, titles: Titles) -> str:
    """What a finding is about, where sessions were named."""
    if len(titles) > 1 and len(one.ensembles) == len(titles):
        return "all ensembles"
    return ", ".join(printable(titles[place]) for place in one.ensembles if place in titles)


def _linked(one: Finding) -> str:
    return link(one.verdict, printable(one.reason))


def _print(findings: Sequence[Finding], titles: Titles) -> None:
    from rich.padding import Padding
    from rich.text import Text

    from ibtui_engine.account.finding import INAPPLICABLE

    console = output()
    for one in findings:
        head = Text(f"{MARK.get(one.verdict, ' ')} ", STYLES.get(one.verdict, ""))
        head.append(f"{one.verdict}: ", f"bold {STYLES.get(one.verdict, '')}".strip())
        head.append(sentences({"claim": one.claim, "section": one.section}), "bold")
        console.print(head)
        if one.verdict == INAPPLICABLE:
            told = [Text(f"{_places(one, titles)}: {printable(one.reason)}.", "dim")]
        else:
            told = [Text(f"{_measured(one, titles)}.", "dim"), Text("; ".join(number.text for number in one.numbers))]
            told.append(Text(f"{_linked(one)}." if one.reason else ""))
            told.append(Text(f"{one.firmness}." if one.firmness else "", "dim"))
        for text in told:
            if text:
                console.print(Padding(text, (0, 0, 0, 2)))
        console.print()
    console.print(
        "Mean ± standard error (se) over networks, or median (95 % interval); never: not when training ended. (n 7): "
        "over the 7 networks that have such a number. A verdict stands where the tests of all its parts together are "
        "wrong once in twenty times at most (Holm); else it is undecided. Resamples: of 1000 bootstrap samples of the "
        "networks, how many give that verdict.",
        style="dim",
    )

"""`ibtui run`: train an experiment, measure it, save it as a session, and say what happened."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ibtui.cli import completion
from ibtui.cli.console import tell
from ibtui.cli.options import PLACES, Cluster, Json, Quiet, SessionsDir, Threads, TrustNetwork, with_settings
from ibtui.ending import orderly
from ibtui.files import require_ending, require_new, require_place, write_whole
from ibtui.locations import free_path, require_name, sessions_directory
from ibtui_engine.errors import EngineError, InvalidValue, LockedError, NoLocksError, shown
from ibtui_engine.experiment import Experiment, read_settings
from ibtui_engine.presets import DEFAULT, find_preset, until
from ibtui_engine.rules.image_files import require_images, told_parts
from ibtui_engine.rules.names import BUILT_IN_SENTENCES, MNIST, MNIST_PREFIX
from ibtui_engine.session.format import SUFFIX
from ibtui_engine.setting import WHAT

if TYPE_CHECKING:
    from distributed import Client

    from ibtui_engine.session.writer import SessionWriter

FILES = "Settings files"

RUN_SETTINGS = {
    "preset": (str, "a text"),
    "data": (str, "a text"),
    "quick": (bool, "true or false"),
    "threads": (int, "a whole number from 1 to 1024"),
    "cluster": (str, "a text"),
    "trust_network": (bool, "true or false"),
    "name": (str, "a text"),
    "out": (str, "a text"),
    "sessions_dir": (str, "a text"),
    "or_resume": (bool, "true or false"),
}
"""Settings of a file that are about this run rather than about the experiment, with what each may be."""


def _option(*names: str, help: str, panel: str, metavar: str | None = None) -> Any:
    return typer.Option(*names, help=help, rich_help_panel=panel, metavar=metavar, show_default=False)


@with_settings
def run(
    preset: Annotated[
        str | None,
        typer.Argument(
            metavar="PRESET",
            help="An experiment by name, see `ibtui presets`; options change it. [default: quick]",
            show_default=False,
            autocompletion=completion.presets,
        ),
    ] = None,
    quick: Annotated[
        bool | None,
        _option(
            "--quick/--full",
            help="A version that takes seconds: fewer networks and epochs, unless you set them. [default: full]",
            panel=WHAT,
        ),
    ] = None,
    data: Annotated[
        Path | None,
        _option(
            "--data",
            metavar="DIR",
            help="Directory with the IDX files of the rule mnist, plain or .gz. [default: data/mnist]",
            panel=WHAT,
        ),
    ] = None,
    threads: Threads = None,
    cluster: Cluster = None,
    trust_network: TrustNetwork = False,
    name: Annotated[
        str | None, _option("--name", help="The session's name. [default: made from what runs]", panel=PLACES)
    ] = None,
    out: Annotated[
        Path | None,
        _option(
            "--out",
            "-o",
            metavar="FILE",
            help="Save the session as this file, which must not exist.",
            panel=PLACES,
        ),
    ] = None,
    or_resume: Annotated[
        bool | None,
        _option(
            "--or-resume",
            help="If the session (--name or --out) exists with these settings, resume it, or report that it is "
            "finished. For batch queues that run a job again.",
            panel=PLACES,
        ),
    ] = None,
    sessions_dir: SessionsDir = None,
    config: Annotated[
        Path | None,
        _option(
            "--config",
            metavar="FILE.toml",
            help="Read settings, under the names of these options; options given as well win.",
            panel=FILES,
        ),
    ] = None,
    save_config: Annotated[
        Path | None,
        _option(
            "--save-config",
            metavar="FILE.toml",
            help="Write the settings of this run to a file, then run.",
            panel=FILES,
        ),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    **given: Any,
) -> None:
    """Train an ensemble, measure every layer as it learns, and save a session."""
    settings = read_settings(config) if config is not None else {}
    if given["snapshot_at"]:
        given["snapshot_at"] = parse_epochs(given["snapshot_at"])
    given |= {
        "preset": preset,
        "quick": quick,
        "data": str(data) if data is not None else None,
        "threads": threads,
        "cluster": cluster,
        "trust_network": trust_network or None,
        "name": name,
        "out": str(out) if out is not None else None,
        "sessions_dir": str(sessions_dir) if sessions_dir is not None else None,
        "or_resume": or_resume,
    }
    settings = {key.replace("-", "_"): value for key, value in settings.items()}
    settings.update({key: value for key, value in given.items() if value is not None and value != []})
    of_run = {key: settings.pop(key) for key in RUN_SETTINGS if key in settings}
    for key, value in of_run.items():
        kind, allowed = RUN_SETTINGS[key]
        right = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
        if not right or (kind is int and not 1 <= value <= 1024):
            raise InvalidValue(f"{key} must be {allowed}, got {shown(value)}")
    named = of_run.get("preset", DEFAULT)
    experiment, reduced = chosen_experiment(named, settings, quick=of_run.get("quick", False))
    experiment, lean = without_weights(experiment, settings)
    notes = [note for note in (reduced, lean) if note]
    experiment = with_data(experiment, of_run.pop("data", None))
    repeated = of_run.pop("or_resume", False)
    existing = _existing(experiment, of_run) if repeated else None
    with ExitStack() as until_then:
        trusted = of_run.get("trust_network", False)
        client = joined(until_then, of_run.get("cluster"), trusted=trusted, threads=of_run.get("threads"))
        writer = None
        if existing is None:
            import ibtui_engine.runner  # noqa: F401  an exception that a signal raises in an import may be lost

            try:
                with orderly():  # samples of 100 000 networks take a minute; a session that is half made goes
                    writer = _begin(experiment, of_run, save_config, elsewhere=client is not None)
            except InvalidValue:  # another job may have begun it just now
                existing = _existing(experiment, of_run) if repeated else None
                if existing is None:
                    raise
        if writer is None:
            assert existing is not None
            _go_on(existing, threads=of_run.get("threads"), json=json, quiet=quiet, cluster=client)
            return
        _tell_begun(writer.path, experiment, notes, save_config, quiet=quiet)
        if experiment.large and client is None:
            _tell_cost(writer.path, quiet=quiet)
        work(writer, threads=of_run.get("threads"), json=json, quiet=quiet, cluster=client)


def joined(
    until_then: ExitStack, cluster: str | None, *, trusted: bool = False, threads: int | None = None
) -> Client | None:
    """The cluster to train on, connected until `until_then` is left; None without one.

    Raises:
        InvalidValue: it cannot be used (`ibtui_engine.cluster.connecting.connected`), or is trusted without being one.
        ClusterError: its workers do not answer.
    """
    if cluster is None:
        if trusted:
            raise InvalidValue("--trust-network applies only with --cluster")
        return None
    from ibtui_engine.cluster.connecting import connected

    with orderly():
        return until_then.enter_context(connected(cluster, trusted=trusted, threads=threads))


def _tell_begun(
    path: Path, experiment: Experiment, notes: Sequence[str], save_config: Path | None, *, quiet: bool
) -> None:
    """Say what runs, where that is not what was asked for word for word, and what was read and written."""
    for note in notes:
        tell(note, quiet=quiet)
    if any(name.of_table for name in experiment.rule_names):
        _tell_table(path, quiet=quiet)
    if save_config is not None:
        tell(f"wrote the settings to {save_config}", quiet=quiet)
    for rule in experiment.rule_names:
        if rule.of_images and rule.path is not None:
            tell(told_parts(rule.path), quiet=quiet)


def _tell_cost(path: Path, *, quiet: bool) -> None:
    """Say how long a large grid will take and how to watch it, before it begins."""
    if quiet:
        return
    from ibtui.formatting import duration, size
    from ibtui_engine.calibration import calibrate, estimate
    from ibtui_engine.session.summary import read_summary

    summary = read_summary(path)
    experiment = summary.experiment
    sizes = {one.name: (one.patterns, one.inputs, one.labels) for one in summary.rules}
    cost = estimate(experiment, calibrate(), [sizes[name] for name in experiment.rule])
    tell(
        f"{experiment.count} ensembles, one after the other: about {duration(cost.seconds)} on this machine, "
        f"{size(cost.bytes)} on disk; meanwhile `ibtui map {_handle(path)}` shows those that are finished",
        quiet=quiet,
    )


def _tell_table(path: Path, *, quiet: bool) -> None:
    """Say what was read from the file of each of the session's tables."""
    from ibtui_engine.session.history import SessionReader

    with SessionReader(path) as reader:
        reports = reader.table_reports()
    for report in reports:
        for line in report.lines():
            tell(line, quiet=quiet)


def chosen_experiment(preset: str, settings: dict[str, Any], *, quick: bool) -> tuple[Experiment, str]:
    """A preset, or its quick version, with settings; and what the quick version has less of, empty where nothing.

    Raises:
        InvalidValue: there is no such preset, or a setting is unknown or outside its range.
    """
    known = find_preset(preset)
    if not quick:
        return _replace_pairs(known.experiment, settings), ""
    chosen = _replace_pairs(known.quick, settings)
    whole = until(known.experiment, {k: v for k, v in settings.items() if k in ("networks", "epochs", "snapshots")})
    counts = {
        "networks": (chosen.networks, whole.networks),
        "epochs": (chosen.epochs, whole.epochs),
        "snapshots": (len(chosen.snapshot_epochs), len(whole.snapshot_epochs)),
    }
    told = [f"{less} {name} instead of {usual}" for name, (less, usual) in counts.items() if less < usual]
    return chosen, f"quick: {', '.join(told)}" if told else ""


def without_weights(experiment: Experiment, given: dict[str, Any]) -> tuple[Experiment, str]:
    """A large grid without weights, unless somebody asked for them; and what is to be said of that."""
    if not experiment.large or not experiment.weights or "weights" in given:
        return experiment, ""
    told = f"a grid of {experiment.count} ensembles keeps no weights, unless you give --weights"
    return experiment.override({"weights": False}), told


def with_data(experiment: Experiment, directory: str | None) -> Experiment:
    """The experiment with MNIST from a directory.

    Raises:
        InvalidValue: its rule is another one.
    """
    if directory is None:
        return experiment
    if all(name.short != MNIST for name in experiment.rule_names):
        rules = ", ".join(experiment.rule)
        raise InvalidValue(f"data is {directory!r}: the rule {rules} takes none, only mnist does")
    there = [f"{MNIST_PREFIX}{directory}" if name.short == MNIST else name.text for name in experiment.rule_names]
    return experiment.override({"rule": there})


def _replace_pairs(base: Experiment, settings: dict[str, Any]) -> Experiment:
    """`base` with the settings; gamma and i-xy each take the other's place, and a built-in rule that of `measured`."""
    rules = settings.get("rule", ())
    rules = rules if isinstance(rules, list | tuple) else [rules]
    if rules and all(rule in tuple(BUILT_IN_SENTENCES) for rule in rules):
        settings = {"measured": None} | settings
    if "gamma" in settings and "i_xy" not in settings:
        settings = {**settings, "i_xy": None}
    if "i_xy" in settings and settings["i_xy"] is not None and "gamma" not in settings:
        settings = {**settings, "gamma": None}
    return until(base, settings)


def parse_epochs(texts: Sequence[str]) -> tuple[int, ...]:
    """The epochs of all of these texts, each such as `0,400,9000`: ascending, each once.

    Raises:
        InvalidValue: one is not a whole number.
    """
    epochs: set[int] = set()
    for text in texts:
        parts = [part.strip() for part in text.split(",")]
        if not all(part.isdecimal() and len(part) < 20 for part in parts):
            raise InvalidValue(f"snapshot-at must be epochs such as 0,400,9000, got {text!r}")
        epochs.update(map(int, parts))
    return tuple(sorted(epochs))


def _place(of_run: dict[str, Any]) -> tuple[Path | None, str | None]:
    """The file to save the session as, None where its name is still to be made up; and the name that was given."""
    name = require_name(of_run["name"]) if "name" in of_run else None
    directory = sessions_directory(Path(of_run["sessions_dir"]) if "sessions_dir" in of_run else None)
    if "out" in of_run:
        path = Path(of_run["out"])
        require_ending(path, (SUFFIX,))
        return path, name
    return (directory / f"{name}{SUFFIX}" if name is not None else None), name


def _existing(experiment: Experiment, of_run: dict[str, Any]) -> Path | None:
    """The session that there is already under the name; None where there is none.

    Raises:
        InvalidValue: no name was given, or the session is of other settings.
    """
    from ibtui_engine.session.summary import read_summary

    path, _ = _place(of_run)
    if path is None:
        raise InvalidValue("--or-resume needs the session's name: give --name or --out")
    if not os.path.lexists(path):
        return None
    there = read_summary(path).experiment.to_dict()
    wanted = experiment.to_dict()
    differing = [key for key in {**wanted, **there} if wanted.get(key) != there.get(key)]
    if differing:
        key = differing[0]
        more = f" (and {', '.join(differing[1:])})" if differing[1:] else ""
        raise InvalidValue(
            f"--or-resume: session {path.stem!r} has {key} {there.get(key)!r}, not {wanted.get(key)!r}{more}: choose "
            "another name, or use `ibtui resume` to go further than it was begun for"
        )
    return path


def _go_on(path: Path, *, threads: int | None, json: bool, quiet: bool, cluster: Client | None) -> None:
    """Go on with a session, or say that it is finished."""
    from ibtui_engine.runner import reopen
    from ibtui_engine.session.summary import read_summary

    summary = read_summary(path)
    if summary.status != "finished":
        tell(f"resuming {path} at epoch {summary.epochs_done} of {summary.experiment.epochs}", quiet=quiet)
        with orderly():
            writer = reopen(path, elsewhere=cluster is not None)
        work(writer, threads=threads, json=json, quiet=quiet, cluster=cluster)
        return
    if json:
        from ibtui.cli.report import report

        report(path, json=True)
    tell(f"{path.stem} is finished at epoch {summary.experiment.epochs}; saved as {path}", quiet=quiet)


def _begin(
    experiment: Experiment, of_run: dict[str, Any], save_config: Path | None, *, elsewhere: bool
) -> SessionWriter:
    from ibtui_engine.runner import begin

    for rule in experiment.rule_names:
        require_images(rule)
    path, name = _place(of_run)
    if save_config is not None:
        _require_settings_place(save_config)
    if path is not None:
        writer = begin(path, name or path.stem, experiment, elsewhere=elsewhere)
    else:
        directory = sessions_directory(Path(of_run["sessions_dir"]) if "sessions_dir" in of_run else None)
        writer = begin_unnamed(directory, experiment, elsewhere=elsewhere)
    if save_config is not None:
        import tomli_w

        settings = {**experiment.to_dict(), **{k: v for k, v in of_run.items() if k not in ("preset", "quick")}}
        try:
            _require_settings_place(save_config)  # another run may have written it meanwhile
            write_whole(save_config, tomli_w.dumps(settings).encode())
        except BaseException:
            from ibtui_engine.session.drafting import discard

            writer.close()
            discard(writer.path)
            raise
    return writer


def _require_settings_place(path: Path) -> None:
    require_new(path, ".toml")
    require_place(path)


def begin_unnamed(directory: Path, experiment: Experiment, *, elsewhere: bool = False) -> SessionWriter:
    """Begin a session under the first name that is free, also while others do the same."""
    from ibtui_engine.runner import begin

    while True:
        path = free_path(directory, experiment.title)
        try:
            return begin(path, path.stem, experiment, elsewhere=elsewhere)
        except InvalidValue:
            if path == free_path(directory, experiment.title):  # nobody has taken it: something else is wrong
                raise


def work(writer: SessionWriter, *, threads: int | None, json: bool, quiet: bool, cluster: Client | None = None) -> None:
    """Run a session to its end, with progress, and report; leave with the signal's status if one ended it."""
    from ibtui.cli.report import report

    large = writer.experiment.large
    path = complete(writer, threads=threads, json=json, quiet=quiet, cluster=cluster)
    handle = _handle(path)
    if large and not json:
        from ibtui.cli.heat_maps import summary_of

        summary_of(path)
        tell(f"saved as {path}", quiet=quiet)
        tell(f"see more: ibtui map {handle} --show drift-end; ibtui map {handle} -o map.csv", quiet=quiet)
        return
    report(path, json=json)
    tell(f"saved as {path}", quiet=quiet)
    tell(
        f"see more: ibtui open {handle} replays it; ibtui show {handle}; ibtui export {handle} --what information",
        quiet=quiet or json,
    )


def complete(
    writer: SessionWriter, *, threads: int | None, json: bool, quiet: bool, cluster: Client | None = None
) -> Path:
    """Run a session to its end, with progress; leave with the signal's status if one ended it, and say how to go on."""
    from ibtui.cli.interruption import Interruption
    from ibtui.cli.progress import watcher
    from ibtui_engine.runner import Run

    path = writer.path
    given_up = False
    with Interruption(quiet) as interruption, watcher(quiet) as watch:
        try:
            status = Run(writer, threads=threads).execute(watch, interruption.interrupt, cluster)
        except KeyboardInterrupt:
            if not interruption.status:
                raise
            status, given_up = "stopped", True
        except (LockedError, NoLocksError) as error:  # what was asked to stop does not wait for another program
            if not interruption.status:
                raise
            tell(f"stopped: {error}", quiet=quiet)
            raise typer.Exit(interruption.status) from None
    if status == "finished":
        return path
    from ibtui_engine.session.summary import read_summary

    try:
        summary = read_summary(path)
    except EngineError as error:  # another program may have it locked, which is no reason for another exit status
        tell(f"stopped: {error}", quiet=quiet)
        raise typer.Exit(interruption.status) from None
    if json:
        from ibtui.cli.report import report

        report(path, json=True)
    tell(f"stopped at epoch {summary.epochs_done} of {summary.experiment.epochs}; saved as {path}", quiet=quiet)
    tell(f"resume it with: ibtui resume {_handle(path)}", quiet=quiet)
    if given_up:  # Python would wait for the threads that are still computing
        sys.stdout.flush()
        os._exit(interruption.status)
    raise typer.Exit(interruption.status)


def _handle(path: Path) -> str:
    """What a shell calls the session by."""
    return shlex.quote(path.stem if path.parent == sessions_directory() else str(path))

"""`ibtui resume`: go on where a session was, further, or with more networks."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

import typer

from ibtui.cli.console import tell
from ibtui.cli.options import Cluster, Json, OwnSession, Quiet, SessionsDir, Threads, TrustNetwork
from ibtui.cli.run import joined, work
from ibtui.ending import orderly
from ibtui.locations import find_session, require_own, sessions_directory


def resume(
    session: OwnSession,
    epochs: Annotated[
        int | None,
        typer.Option("--epochs", help="Go on to this epoch. [default: as begun]", show_default=False),
    ] = None,
    networks: Annotated[
        int | None,
        typer.Option(
            "--networks",
            help="Networks per ensemble, more than there are. [default: as begun]",
            show_default=False,
        ),
    ] = None,
    threads: Threads = None,
    cluster: Cluster = None,
    trust_network: TrustNetwork = False,
    sessions_dir: SessionsDir = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Go on with a session: to its end, further, or with more networks.

    A paused run goes on where it is; --epochs trains further, --networks adds networks.
    """
    from ibtui_engine.session.control import send, wait_until
    from ibtui_engine.session.summary import read_summary

    path = require_own(find_session(session, sessions_directory(sessions_dir)))
    if epochs is None and networks is None and read_summary(path).status == "paused":
        send(path, "resume")
        until = ("running", "finished", "stopped", "interrupted")
        status = wait_until(path, until, seconds=10.0, tell=lambda text: tell(text, quiet=quiet))
        tell(f"{path.stem} is {status}", quiet=quiet)
        return
    from ibtui_engine.runner import reopen

    with ExitStack() as until_then:
        client = joined(until_then, cluster, trusted=trust_network, threads=threads)
        with orderly():
            writer = reopen(path, epochs=epochs, networks=networks, elsewhere=client is not None)
        work(writer, threads=threads, json=json, quiet=quiet, cluster=client)

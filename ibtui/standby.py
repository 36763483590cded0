"""The process of a run that has not been started yet: it loads what a run needs, waits, and becomes `ibtui run`.

The app starts it while nobody waits (`ibtui.runs.Standby`), so that a run is seen as soon as it is started. It reads
one line on stdin, `{"arguments": ["run", ...], "given": "..."}`: the command's arguments, and what that command reads
on its own stdin. Where stdin ends without a line the app has ended, and so does it.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from pathlib import Path


def load() -> None:
    """Load the command, and the kernels where they have been compiled: that is never done ahead, it takes a minute."""
    from ibtui.cli.application import make_application, wanted
    from ibtui_engine.compiling.cache import store
    from ibtui_engine.experiment import Experiment
    from ibtui_engine.runner import Run, begin

    make_application(wanted(["run"]))
    kept = store().directory
    if kept is None or not kept.exists():
        return
    tiny = Experiment(hidden=((2,),), networks=1, epochs=2, fraction=(0.01,))
    with tempfile.TemporaryDirectory() as room:
        Run(begin(Path(room) / "tiny.ibs", "tiny", tiny), threads=1).execute()


def become(order: bytes) -> None:
    """Be the command that is ordered, to its end."""
    told = json.loads(order)
    with tempfile.TemporaryFile() as given:
        given.write(told["given"].encode())
        given.seek(0)
        os.dup2(given.fileno(), 0)
    sys.argv = ["ibtui", *told["arguments"]]
    from ibtui.cli import main

    main()


if __name__ == "__main__":
    try:
        load()
    except Exception:  # the run, if there is one, says what is wrong; this is for the log
        traceback.print_exc()
    line = sys.stdin.buffer.readline()
    if line:
        become(line)

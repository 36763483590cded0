"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

PLACES = "Where sessions are"
OUTPUT = "Output"

Session = Annotated[
    str,
    typer.Argument(
        metavar="SESSION",
        help="A session file, or a session's name or the unique beginning of one in the sessions directory.",
        show_default=False,
    ),
]
SessionsDir = Annotated[
    Path | None,
    typer.Option(
        "--sessions-dir",
        help="Directory of sessions. Else $IBTUI_SESSIONS, else ./sessions if there is one, else your data directory.",
        rich_help_panel=PLACES,
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document for programs.", rich_help_panel=OUTPUT)]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress and no messages on stderr.", rich_help_panel=OUTPUT)
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        max=1024,
        help="Threads to compute with; the fused trainer gives the same bits with any. [default: all cores]",
        rich_help_panel="Machine",
        show_default=False,
    ),
]
Estimator = Annotated[
    str | None,
    typer.Option(
        "--estimator",
        metavar="NAME",
        help="binning (on [−1, 1], or the range that occurs where outputs are unbounded), adaptive (on the range that "
        "occurs), quantile (bins of equal mass), kde (bounds under Gaussian noise) or exact (no bins).",
        rich_help_panel="What is measured",
        show_default=False,
    ),
]
Bins = Annotated[
    int | None,
    typer.Option(
        "--bins",
        help="Intervals for a neuron's output; for binning, adaptive and quantile.",
        rich_help_panel="What is measured",
        show_default=False,
    ),
]
Noise = Annotated[
    float | None,
    typer.Option(
        "--noise",
        metavar="VARIANCE",
        help="Variance of the noise that kde adds to each output, in units of activation². [default: 0.001]",
        rich_help_panel="What is measured",
        show_default=False,
    ),
]

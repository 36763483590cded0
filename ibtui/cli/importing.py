"""`ibtui import`: a session from outputs of layers that were stored in .npz files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ibtui.cli import completion
from ibtui.cli.console import tell
from ibtui.cli.counting import counting
from ibtui.cli.options import PLACES, Json, Quiet, SessionsDir, output_file, session_target, setting
from ibtui.files import require_new
from ibtui.locations import free_path, sessions_directory
from ibtui_engine.errors import InvalidValue, either, shown
from ibtui_engine.estimation import SETTING_OF
from ibtui_engine.session.format import SUFFIX
from ibtui_engine.setting import written
from ibtui_engine.settings import ESTIMATORS, SETTINGS

MEASURING = "How it is measured"


def import_arrays(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.npz|DIRECTORY",
            help="An archive of arrays `labels` (or `p_y`) and `EPOCH/LAYER`, or a directory of such archives.",
            show_default=False,
            autocompletion=completion.files(".npz"),
        ),
    ],
    out: Annotated[
        str | None,
        output_file(
            "NAME|FILE",
            "Save under this name, or as this file, which must not exist. [default: the name of the arrays]",
            panel=PLACES,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="What the session is called. [default: as its file]", show_default=False),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option("--data", help="What the networks learned. [default: the name of the arrays]", show_default=False),
    ] = None,
    layers: Annotated[
        list[str] | None,
        typer.Option(
            "--layers",
            metavar="NAME,...",
            help="Only these layers, in this order. Repeat it for more. [default: all, as they come]",
            show_default=False,
        ),
    ] = None,
    keep_inputs: Annotated[bool, typer.Option("--keep-inputs", help="Keep the inputs in the session.")] = False,
    estimator: Annotated[
        str,
        typer.Option(
            "--estimator",
            help=f"{', '.join(ESTIMATORS)}.",
            rich_help_panel=MEASURING,
            autocompletion=completion.known(*ESTIMATORS),
        ),
    ] = "gauss",
    also: Annotated[
        list[str] | None,
        typer.Option(
            "--also",
            metavar="ESTIMATOR[,SETTING=VALUE...]",
            help="Measure by this one, too, with settings of its own, such as kde,noise=0.01. Repeat it for more.",
            rich_help_panel=MEASURING,
            show_default=False,
        ),
    ] = None,
    bins: Annotated[int | None, setting("bins", default=False, panel=MEASURING)] = None,
    noise: Annotated[float | None, setting("noise", default=False, panel=MEASURING)] = None,
    noise_scale: Annotated[str | None, setting("noise_scale", default=False, panel=MEASURING)] = None,
    noise_samples: Annotated[int | None, setting("noise_samples", default=False, panel=MEASURING)] = None,
    kernel_width: Annotated[float | None, setting("kernel_width", default=False, panel=MEASURING)] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            help="Of what the estimator draws. [default: 0]",
            rich_help_panel=MEASURING,
            show_default=False,
        ),
    ] = None,
    activation: Annotated[
        list[str] | None,
        typer.Option(
            "--activation",
            metavar="KIND|LAYER=KIND",
            help="Bounds of the outputs, of all layers or of one: tanh, sigmoid, relu, softsign, linear, or output for "
            "a softmax. Repeat it for more. [default: not known]",
            rich_help_panel=MEASURING,
            show_default=False,
        ),
    ] = None,
    sessions_dir: SessionsDir = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure the layers of any network from their outputs in .npz files, and save that as a session.

    The arrays are `labels` or `p_y`, and for each epoch and layer `EPOCH/LAYER` with a row for each pattern. There may
    be `EPOCH/LAYER/weights`, `EPOCH/LAYER/gradient_mean`, `EPOCH/train_loss` and others, too (engine/README.md).
    """
    from ibtui_engine.recording.archives import named_layers
    from ibtui_engine.recording.importing import import_archives

    directory = sessions_directory(sessions_dir)
    title = source.name.removesuffix(".npz")
    path = free_path(directory, title) if out is None else session_target(out, directory)
    require_new(path, SUFFIX)
    given = {
        "bins": bins,
        "noise": noise,
        "noise_scale": noise_scale,
        "noise_samples": noise_samples,
        "kernel_width": kernel_width,
    }
    for option, value in given.items():
        if value is not None:
            SETTINGS[option].require(option, value)
    settings = {name: given[option] for name, option in SETTING_OF.items()} | {"seed": seed}
    with counting("measuring", quiet) as watch:
        notes = import_archives(
            source,
            path,
            name=name,
            data=data,
            layers=named_layers(layers or ()),
            activations=_activations(activation or ()),
            keep_inputs=keep_inputs,
            watch=watch,
            estimator=estimator,
            also=[_further(text) for text in also or ()],
            **{name: value for name, value in settings.items() if value is not None},
        )
    for note in notes:
        tell(note, quiet=quiet)
    from ibtui.cli.report import report

    report(path, epoch=None, json=json)
    tell(f"saved as {path}", quiet=quiet)


def _further(text: str) -> dict[str, Any]:
    """An estimator with settings: `kde,noise=0.01,noise-scale=layer`."""
    estimator, *pairs = text.split(",")
    options = {written(option): name for name, option in SETTING_OF.items()} | {"seed": "seed"}
    found: dict[str, Any] = {"estimator": estimator}
    for pair in pairs:
        option, _, value = pair.partition("=")
        if option not in options or not value or options[option] in found:
            raise InvalidValue(
                f"also must be ESTIMATOR,SETTING=VALUE with each setting once ({either(options)}), got {shown(text)}"
            )
        name = options[option]
        try:
            found[name] = value if name == "scale" else float(value) if name in ("noise", "width") else int(value)
        except ValueError:
            raise InvalidValue(f"{option} of also must be a number, got {shown(text)}") from None
    return found


def _activations(words: list[str] | tuple[()]) -> str | dict[str, str] | None:
    """The activation of all layers, or of some by name."""
    if len(words) == 1 and "=" not in words[0]:
        return words[0]
    found = dict(word.rpartition("=")[::2] for word in words)
    if "" in found or len(found) < len(words):
        raise InvalidValue(f"activation must be one KIND, or LAYER=KIND once for a layer, got {shown(' '.join(words))}")
    return found or None

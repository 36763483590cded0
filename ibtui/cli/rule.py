"""`ibtui rule`: what a rule is, in numbers and as arrays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ibtui.cli import completion
from ibtui.cli.console import output, print_json, tell
from ibtui.cli.options import Json, Quiet, output_file, with_rule_settings
from ibtui.files import require_output
from ibtui.formatting import printable
from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.names import parse_rule_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ibtui_engine.rules.rule import Rule


def chosen_rule(name: str, given: Mapping[str, Any]) -> Rule:
    """The rule of a name, with the settings of rules that are given; the others are None.

    Raises:
        InvalidValue: there is no such rule, a setting is not allowed, or its file cannot be read.
    """
    from ibtui_engine.experiment import Experiment

    chosen = Experiment().override({"rule": name, **{key: value for key, value in given.items() if value is not None}})
    from ibtui_engine.rules.catalogue import load_rule  # with numpy: only once the settings are known

    made = chosen.rules[0]
    return load_rule(name, theta=made.theta, gamma=made.gamma, i_xy=made.i_xy, reading=chosen.reading, seed=chosen.seed)


@with_rule_settings
def rule(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="symmetric, symmetric-soft, committee, perceptron, digits, mnist:DIR, or table:FILE (.csv, "
            ".tsv, .txt, .parquet, .npz, .npy, .mat, .arff, or .gz of them); without it, all are listed.",
            show_default=False,
            autocompletion=completion.rules,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        output_file(
            "FILE.npz",
            "Write the arrays `patterns`, `p_y` (p(y=1|x), or p(y|x) of more labels) and, of two labels, "
            "`log_odds` to this file.",
        ),
    ] = None,
    json: Json = False,
    answer: Annotated[
        bool, typer.Option("--answer", hidden=True, help="As --json, refusals too, with the setting at fault.")
    ] = False,
    quiet: Quiet = False,
    **given: Any,
) -> None:
    """Tell what a rule is, with p(y=1), entropies and information, or list the rules."""
    if name is None:
        if out is not None:
            raise InvalidValue("--out writes the arrays of one rule: name a rule, such as symmetric")
        _list(json)
        return
    if out is not None:
        require_output(out, (".npz",), source=parse_rule_name(name).path)
    from ibtui_engine.rules.table import save_rule

    try:
        loaded = chosen_rule(name, given)
    except InvalidValue as refused:
        if not answer:
            raise
        print_json({"error": str(refused), "setting": refused.setting})
        return
    if out is not None:
        save_rule(loaded, out)
        tell(f"wrote {len(loaded.p_y)} patterns of {loaded.inputs} inputs to {out}", quiet=quiet)
    figures = {
        "name": loaded.name,
        "patterns": len(loaded.p_y),
        "inputs": loaded.inputs,
        **loaded.parameters,
        "labels": loaded.labels,
        **({"p_y1": loaded.p_y1} if loaded.labels == 2 else {}),
        "h_x": loaded.h_x,
        "h_y": loaded.h_y,
        "i_xy": loaded.i_xy,
        "classes": loaded.classes,
        "digest": loaded.digest,
    }
    if (held := loaded.held_out) is not None:
        figures |= {"held_out": len(held.p_y), "held_out_h_x": held.h_x, "held_out_i_xy": held.i_xy}
    if json or answer:
        print_json(figures | ({"table": loaded.report.to_dict()} if loaded.report is not None else {}))
        return
    for line in loaded.report.lines() if loaded.report is not None else ():
        output().print(printable(line), highlight=False, markup=False)
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    labels = {
        "p_y1": ("p(y=1)", ""),
        "h_x": ("H(X)", " bits"),
        "h_y": ("H(Y)", " bits"),
        "i_xy": ("I(X;Y)", " bits"),
        "classes": ("classes of p(y|x)", ""),
        "held_out": ("held out", " rows"),
        "held_out_h_x": ("held out, H(X)", " bits"),
        "held_out_i_xy": ("held out, I(X;Y)", " bits"),
    }
    teacher = [f"{value:.3g}" for value in loaded.parameters.values()] if loaded.name == "perceptron" else []
    if teacher:
        figures = {key: value for key, value in figures.items() if key not in loaded.parameters}
        figures["teacher's weights"] = ", ".join(teacher)
    for key, value in figures.items():
        label, unit = labels.get(key, (key, ""))
        shown = f"{value:.6g}" if isinstance(value, float) else printable(str(value))
        table.add_row(label, shown + unit)
    output().print(table)


def _list(json: bool) -> None:
    from ibtui_engine.rules.names import RULE_NAMES

    if json:
        print_json([{"name": name, "sentence": sentence} for name, sentence in RULE_NAMES.items()])
        return
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(overflow="fold")
    for name, sentence in RULE_NAMES.items():
        table.add_row(name, sentence)
    output().print(table)

"""`ibtui curve`: the bound that no layer of any network crosses, drawn and as numbers."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ibtui.cli import completion
from ibtui.cli.console import output, print_json, tell, write_output
from ibtui.cli.options import Json, Quiet, Threads, output_file, with_rule_settings
from ibtui.cli.rule import chosen_rule
from ibtui.formatting import printable
from ibtui_engine.errors import InvalidValue

if TYPE_CHECKING:
    from ibtui_engine.bottleneck.curve import Curve, SampledBound
    from ibtui_engine.bottleneck.partitions import Frontier
    from ibtui_engine.rules.rule import Rule

COLUMNS = ("beta", "i_x", "i_y", "gap", "support")
"""Columns of the files. Scripts rely on them: they never change, and new ones are added at the end."""
LISTED = 12
"""Critical betas that are printed; the JSON has all of them."""


@with_rule_settings
def curve(
    name: Annotated[
        str,
        typer.Argument(
            metavar="RULE",
            help="symmetric, symmetric-soft, committee, or table:FILE, with any number of labels.",
            show_default=False,
            autocompletion=completion.rules,
        ),
    ],
    error: Annotated[
        float, typer.Option("--error", metavar="BITS", help="Largest distance to the true curve, 1e-8 to 0.1 bits.")
    ] = 1e-6,
    fraction: Annotated[
        list[float] | None,
        typer.Option(
            "--fraction",
            help="Also the finite-sample bound: what optimal encoders of samples of this share of the patterns, above "
            "0 and at most 1, are worth under the rule. Repeat for several.",
            show_default=False,
        ),
    ] = None,
    samples: Annotated[int, typer.Option("--samples", min=1, max=10_000, help="Samples for each fraction.")] = 20,
    partitions: Annotated[
        bool,
        typer.Option(
            "--partitions",
            help="Also the frontier of hard partitions, which deterministic layers can reach: H(T) against I(T;Y). Of "
            "two labels.",
        ),
    ] = False,
    threads: Threads = None,
    out: Annotated[
        Path | None,
        output_file("FILE", "Write the points to this .csv or .npz file: beta, i_x, i_y, gap, support."),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    **given: Any,
) -> None:
    """Compute a rule's IB curve: the most that T can know of Y for each I(X;T), in bits, with a certificate."""
    from ibtui.files import require_output
    from ibtui_engine.experiment import Experiment
    from ibtui_engine.rules.names import parse_rule_name

    kind = ""
    if out is not None:
        kind = require_output(out, (".csv", ".npz"), source=parse_rule_name(name).path)

    fractions = Experiment().override({"fraction": fraction}).fraction if fraction else ()
    if not 1e-8 <= error <= 0.1:
        raise InvalidValue(f"error must be a number of bits from 1e-08 to 0.1, got {error!r}")
    rule = chosen_rule(name, given)
    from ibtui_engine.bottleneck.kept import find_curve  # with numpy: only once the rule is known

    found = replace(find_curve(rule, error=error), name=name)
    bounds = _sampled(rule, fractions, samples, threads)
    hard = None
    if partitions:
        from ibtui_engine.bottleneck.partitions import hard_frontier

        hard = hard_frontier(rule)
    if out is not None:
        write_output(out, _file(found, kind))
        tell(f"wrote {len(found.beta)} points to {out}", quiet=quiet)
    if json:
        beside = {"sampled": [one.to_dict() for one in bounds], "partitions": hard and hard.to_dict()}
        print_json(found.to_dict() | beside)
    else:
        _print(found, bounds, hard)


def _sampled(rule: Rule, fractions: tuple[float, ...], samples: int, threads: int | None) -> list[SampledBound]:
    """The finite-sample bound of each fraction, from the samples of the seeds 0, 1, ..."""
    if not fractions:
        return []
    from ibtui_engine.bottleneck.sampling import sampled_bound
    from ibtui_engine.threads import Threads as Pool
    from ibtui_engine.threads import usable_cores

    if rule.labels > 2:
        raise InvalidValue("the finite-sample bound is of rules with two labels: leave out --fraction")
    pool = Pool(threads or usable_cores())
    try:
        return [sampled_bound(rule, one, tuple(range(samples)), pool) for one in fractions]
    finally:
        pool.close()


def _file(found: Curve, kind: str) -> bytes:
    import io

    import numpy as np

    if kind == "npz":
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **{column: getattr(found, column) for column in COLUMNS})
        return buffer.getvalue()
    columns = [getattr(found, column).tolist() for column in COLUMNS]
    rows = [
        ",".join("" if isinstance(v, float) and math.isnan(v) else repr(v) for v in row)
        for row in zip(*columns, strict=True)
    ]
    return ("\n".join([",".join(COLUMNS), *rows]) + "\n").encode()


def _print(found: Curve, bounds: list[SampledBound], hard: Frontier | None) -> None:
    from ibtui.charts.bound import bound_chart
    from ibtui.cli.drawing import draw

    console = output()
    console.print(
        printable(
            f"{found.name}: I(X;Y) = {found.i_xy:.6g} bits, H(Y) = {found.h_y:.6g} bits, "
            f"{found.classes} classes of p(y|x) with H = {found.entropy:.6g} bits"
        ),
        style="bold",
    )
    corners = found.corners
    at_x, at_y = found.point_at(found.growing)
    spec = bound_chart(
        corners[:, 0],
        corners[:, 1],
        found.entropy,
        found.i_xy,
        critical_x=at_x.tolist(),
        critical_y=at_y.tolist(),
        sampled={f"{one.fraction:.4g} of the patterns": (one.i_x, one.i_y) for one in bounds},
        hard=None if hard is None else (hard.entropy, hard.i_y),
        title=f"IB curve: {found.name}",
        caption="+: critical betas, where the encoder gains values t." if len(at_x) else "",
    )
    if found.i_xy > 0:
        draw(spec, console.width)
    for line in sentences(found):
        console.print(printable(line))
    if hard is not None:
        console.print(printable(_hard(hard, found)))
    for one in bounds:
        best = int(one.i_y.argmax())
        console.print(
            f"With {one.fraction:.4g} of the patterns: at most I(T;Y) = {one.i_y[best]:.4g} bits, at "
            f"I(X;T) = {one.i_x[best]:.4g}, where the sample promises {one.promised[best]:.4g}; mean over "
            f"{one.samples} sample{'s' if one.samples > 1 else ''}, whose "
            "labels are learned and whose classes of p(y|x) are known."
        )


def _hard(found: Frontier, curve: Curve) -> str:
    """What the frontier says, in words. It is furthest from the curve at one of the curve's corners."""
    below = curve.corners[:, 1] - found.most(curve.corners[:, 0])
    furthest = int(below.argmax())
    some = list(zip(found.cells.tolist(), found.entropy.tolist(), found.i_y.tolist(), strict=True))[1:]
    told = ", ".join(f"({h:.5g}, {i_y:.5g}) with {cells} cells" for cells, h, i_y in some[:3])
    return (
        f"Hard partitions, best for some beta: {len(some)} beside the trivial one, H(T) and I(T;Y) {told}"
        f"{', ...' if len(some) > 3 else ''}; none lies more than {found.error:g} bits above the line through them, "
        f"which is at most {below[furthest]:.3g} bits below the curve, at {curve.corners[furthest, 0]:.3g} bits."
    )


def sentences(found: Curve) -> list[str]:
    """What a curve says, in words."""
    if not found.i_xy > 0:
        return ["X says nothing of Y here: the curve is I(T;Y) = 0."]
    if found.exact:
        return [
            "y is a function of x: no T knows more of Y than of X, and all of that can be had. The curve is "
            f"I(T;Y) = min(I(X;T), H(Y)), exactly; beta 1 holds all of its rise, up to H(Y) = {found.h_y:.6g} bits."
        ]
    lines = [f"{len(found.beta)} betas; {found.method}."]
    if found.certified:
        gap = float(found.gap.max()) if len(found.gap) else 0.0
        lines.append(
            f"The true curve lies at most {found.error:g} bits above the one drawn, and nothing lies above that; "
            f"largest gap of the certificate {gap:.1e} bits."
        )
        how = (
            "where the one decoder splits in two"
            if found.critical >= found.critical_local * (1 - 1e-9)
            else f"where a decoder p(y=1|t) = {found.critical_decoder:.4g} appears; "
            f"the one there is would split at {found.critical_local:.8g}"
        )
        lines.append(f"Critical beta at the origin: {found.critical:.8g}, {how}. For a smaller beta nothing pays.")
    else:
        lines.append("Not certified: the true curve may lie above the one drawn, by how much is not known.")
    for beta, x, y, to_x, to_y in found.segments.tolist():
        lines.append(
            f"A straight piece: beta {beta:.8g} holds all from ({x:.4g}, {y:.4g}) to ({to_x:.4g}, {to_y:.4g}) bits. "
            "Every T on it is as good as any other for that beta; no other beta has a T inside it."
        )
    corner = _corner(found)
    if corner:
        lines.append(corner)
    grown = [(b, s, t) for b, s, t in found.bifurcations.tolist() if t > s]
    if grown:
        told = ", ".join(f"{b:.5g} ({s:.0f} to {t:.0f})" for b, s, t in grown[:LISTED])
        more = f" and {len(grown) - LISTED} more" if len(grown) > LISTED else ""
        lines.append(
            f"The encoder gains values t at beta {told}{more}; located to {found.tolerance:.2g} of beta, "
            "looked for up to 16 values."
            if found.certified
            else f"The encoder gains values t near beta {told}{more}."
        )
    return lines


def _corner(found: Curve) -> str:
    """A sentence for curves that rise like I(X;T) itself and then turn: labels that are all but determined by X."""
    at_h_y = float(found.lower(found.h_y))
    if found.i_xy < 0.9 * found.h_y or at_h_y < 0.97 * found.i_xy or not found.critical < 1.05:
        return ""
    return (
        "The curve is nearly a corner, because X all but determines Y: it rises with slope "
        f"1/{found.critical:.5g} almost as I(T;Y) = I(X;T), and at I(X;T) = H(Y) it already has {at_h_y:.5g} of "
        f"{found.i_xy:.5g} bits. A small range of beta holds all of the rise."
    )

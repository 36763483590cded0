"""What is said of one cell of a map, and what a companion process has worked out of cells that were not known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ibtui.account_text import MARK
from ibtui_engine.maps.cells import VERDICT, Cell, CellNumber, CellVerdict, judged
from ibtui_engine.maps.quantities import QUANTITIES
from ibtui_engine.maps.reading import EARLIER, GIVEN_UP, KNOWN, RUNNING, STOPPED, UNJUDGED, WAITING

if TYPE_CHECKING:
    from ibtui_engine.maps.axes import Slice
    from ibtui_engine.maps.reading import Map, Place

Said = tuple[str, str]
"""A line, and its style."""

STATES = {
    KNOWN: "at epoch {epoch}",
    EARLIER: "of epoch {epoch}, or by earlier definitions",
    RUNNING: "trains: epoch {done}",
    WAITING: "has not begun",
    STOPPED: "stopped at epoch {done}, before it was finished",
    UNJUDGED: "finished at epoch {done}, and not worked out yet",
    GIVEN_UP: "diverged",
}
"""What a cell's state is called."""
TONES = {
    "reproduced": "$text-success",
    "partly": "$text-warning",
    "not": "$text-error",
    "undecided": "$text-accent",
}
WIDTH = 26
"""Columns of a quantity's name."""


def answers(found: Map) -> dict[str, str]:
    """All that a map can show, by its name: quantities, those of layers, verdicts."""
    keys = dict.fromkeys(key for one in found.places.values() if one.cell for key in one.cell.numbers)
    told = {}
    for key, quantity in QUANTITIES.items():
        told[key] = f"{quantity.label}: {quantity.about}"
        layers = [one for one in keys if one.startswith(f"{key}:")]
        told |= {one: f"{quantity.label} of {one.partition(':')[2]}" for one in layers}
    return told | {f"{VERDICT}{claim.key}": f"Verdict on {claim.key}: {claim.text}" for claim in judged()}


def settings_of(laid: Slice, x: int, y: int) -> str:
    """What a cell of a slice is made with: `learning rate 0.02, batch size 128`."""
    told = [f"{laid.x.label.lower()} {laid.x.text(laid.x.values[x])}"]
    if laid.y is not None:
        told.append(f"{laid.y.label.lower()} {laid.y.text(laid.y.values[y])}")
    return ", ".join([*told, laid.title] if laid.title else told)


def state_of(place: Place) -> str:
    """How far a cell is: `10 networks, at epoch 400`."""
    cell = place.cell
    told = STATES[place.state].format(epoch=cell.epoch if cell else 0, done=place.ensemble.epochs_done)
    return f"{place.ensemble.networks} networks, {told}"


def told_of(place: Place, shown: str) -> list[Said]:
    """All that is known of a cell: numbers with their errors, verdicts with the share of bootstrap samples that agree.
    What is shown (`lost`, `lost:T3`, `verdict:dpi`) comes first, a quantity with that of every layer.
    """
    cell = place.cell
    if cell is None:
        return []
    if cell.trouble:
        return [(cell.trouble, "$text-error")]
    first, rest = [], []
    of_layers = shown.partition(":")[0]
    for key, quantity in QUANTITIES.items():
        found = cell.numbers.get(key)
        label = f"{quantity.label}, {found.of}" if found is not None and found.of else quantity.label
        line = _number(label, found, cell.absent.get(key, ""))
        if key != of_layers:
            rest.append(line)
            continue
        layers = [one for name, one in cell.numbers.items() if name.startswith(f"{key}:")]
        first += [line, *(_number(f"  {one.of}", one, "") for one in layers)]
    claims = {claim.key: claim.text for claim in judged()}
    for key, verdict in cell.verdicts.items():
        line = _verdict(claims.get(key, key), verdict)
        (first if shown == f"{VERDICT}{key}" else rest).append(line)
    return first + rest


def _verdict(claim: str, verdict: CellVerdict) -> Said:
    shares = sorted(verdict.shares.items(), key=lambda one: -one[1])
    agreed = f" ({', '.join(f'{one} {100 * share:.0f} %' for one, share in shares)})" if shares else ""
    return f"{MARK.get(verdict.verdict, ' ')} {verdict.verdict}{agreed}: {claim}", TONES.get(verdict.verdict, "dim")


def _number(label: str, number: CellNumber | None, why: str) -> Said:
    name = f"{label:{WIDTH}} "
    if number is None:
        return f"{name}– {why}".rstrip(), "dim"
    if number.value is None:
        return f"{name}– {number.count} of {number.networks} networks", "dim"
    return f"{name}{number.number.text.strip()}", ""


def cells_of(rows: Iterable[Mapping[str, Any]]) -> dict[int, Cell]:
    """Cells by their ensembles, from what `ibtui map --json` says of them."""
    found = {}
    for row in rows:
        if row["measured_epoch"] is not None:
            numbers = {
                key: CellNumber(one["value"], one["error"], one["unit"], one["networks"], row["networks"], one["of"])
                for key, one in row["numbers"].items()
            }
            verdicts = {key: CellVerdict(one["verdict"], one["shares"]) for key, one in row["verdicts"].items()}
            index, epoch, networks = row["ensemble"], row["measured_epoch"], row["networks"]
            found[index] = Cell(index, epoch, networks, numbers, row["absent"], verdicts, row["trouble"])
    return found


def with_cells(found: Map, cells: Mapping[int, Cell]) -> Map:
    """The map with cells that were worked out elsewhere, where it has none of its own of that epoch."""
    places = dict(found.places)
    for index in found.open:
        place, cell = places[index], cells.get(index)
        if cell is not None and place.ensemble.snapshots[-1:] == (cell.epoch,):
            places[index] = replace(place, cell=cell, state=KNOWN)
    return replace(found, places=places)


def summed_up(found: Map) -> str:
    """Of how many cells something is known, and how many are trained: for the head of a screen."""
    states = [one.state for one in found.places.values()]
    told = [f"{sum(one.cell is not None for one in found.places.values())} of {len(states)} cells"]
    counted = ((state, states.count(state)) for state in (RUNNING, WAITING, STOPPED, UNJUDGED, GIVEN_UP))
    return ", ".join([*told, *(f"{count} {state}" for state, count in counted if count)])

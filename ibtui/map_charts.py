"""From the map of a session to the heat map of a quantity or a verdict, and to its table: one text for each cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ibtui.charts.heat_map import KINDS, HeatCell, HeatMap
from ibtui.formatting import printable
from ibtui_engine.errors import InvalidValue
from ibtui_engine.maps.cells import VERDICT
from ibtui_engine.maps.reading import EARLIER, GIVEN_UP, KNOWN, RUNNING, WAITING

if TYPE_CHECKING:
    from ibtui.charts.heat_map import Kind, State
    from ibtui_engine.maps.axes import Slice
    from ibtui_engine.maps.cells import CellNumber, CellVerdict
    from ibtui_engine.maps.quantities import Quantity
    from ibtui_engine.maps.reading import Map, Place

DEFAULT = "lost"
SHORT = {"reproduced": "yes", "partly": "part", "not": "no", "undecided": "?", "–": "–"}


class Shown:
    """What a map shows: a quantity of the ensemble or of one of its layers, or the verdict of a claim."""

    def __init__(self, name: str) -> None:
        """`name`: `lost`, `lost:T3`, or `verdict:two-phases`.

        Raises:
            InvalidValue: there is no such.
        """
        from ibtui_engine.maps.cells import judged
        from ibtui_engine.maps.quantities import QUANTITIES

        self.name = name
        self.claim: str | None = None
        self.quantity: Quantity | None = None
        self.layer = ""
        if name.startswith(VERDICT):
            claims = {claim.key: claim for claim in judged()}
            key = name.removeprefix(VERDICT)
            if key not in claims:
                raise InvalidValue(f"show must be {VERDICT}CLAIM, CLAIM one of {', '.join(claims)}, got {name!r}")
            self.claim, self.title, self.about = key, claims[key].text, claims[key].rule
            return
        key, _, self.layer = name.partition(":")
        if key not in QUANTITIES or (self.layer and not QUANTITIES[key].by_layer):
            layers = ", ".join(one.key for one in QUANTITIES.values() if one.by_layer)
            raise InvalidValue(
                f"show must be one of {', '.join(QUANTITIES)} (of a layer, {layers}: such as lost:T3) or "
                f"{VERDICT}CLAIM, got {name!r}"
            )
        self.quantity = QUANTITIES[key]
        of = f" of {self.layer}" if self.layer else ""
        unit = f" ({self.quantity.unit})" if self.quantity.unit else ""
        self.title = f"{self.quantity.label}{of}{unit}"
        self.about = self.quantity.about if not self.layer else f"of the layer {self.layer}"

    def cell(self, place: Place) -> HeatCell:
        """One ensemble's."""
        if place.state == GIVEN_UP and place.cell is not None:
            return HeatCell(state="absent", text=printable(place.cell.trouble), short="×")
        if place.state == WAITING:
            return HeatCell(state="waiting", text="waits", short="")
        if place.cell is None:
            epoch = place.ensemble.epochs_done
            state: State = "running" if place.state == RUNNING else "absent"
            return HeatCell(state=state, text=f"epoch {epoch}" if epoch else place.state, short=str(epoch or ""))
        if self.claim is not None:
            return _of_verdict(place.cell.verdicts.get(self.claim), place.cell.absent.get(self.name, ""))
        assert self.quantity is not None
        found = place.cell.numbers.get(self.name)
        if found is None or found.value is None:
            why = place.cell.absent.get(self.quantity.key, "")
            none = f"{found.count} of {found.networks} networks" if found is not None else "no such layer"
            return HeatCell(state="absent", text=printable(why) or none, short="–")
        return HeatCell(found.value, _text(found), _short(found.value, self.quantity.unit))


def _of_verdict(found: CellVerdict | None, why: str) -> HeatCell:
    if found is None:
        return HeatCell(state="absent", text=printable(why) or "lacks what the claim needs", short="–")
    text = found.verdict
    if found.shares:
        most = max(found.shares, key=lambda one: found.shares[one])
        which = f"{text}: {most}" if most != found.verdict else text
        text = f"{which} {100 * found.shares[most]:.0f} %"
    kind: Kind = next((one for one in KINDS if one == found.verdict), "")
    state: State = "undecided" if kind == "undecided" else ""
    return HeatCell(found.margin, text, SHORT.get(found.verdict, found.verdict), state, kind)


def _text(found: CellNumber) -> str:
    text = found.number.text.strip()
    text = text.removesuffix(" bits") if found.unit == "bits" else text
    return f"{text} {found.of}" if found.of else text


def _short(value: float, unit: str) -> str:
    if unit == "epoch" or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def heat_map(found: Map, laid: Slice, shown: Shown) -> HeatMap:
    """The heat map of a slice."""
    places = found.places

    def cell(index: int) -> HeatCell:
        return shown.cell(places[index]) if index in places else HeatCell(state="waiting")

    quantity = shown.quantity
    where = f", {laid.title}" if laid.title else ""
    return HeatMap(
        title=f"{shown.title}{where}: {printable(found.summary.name)}",
        x_label=laid.x.label,
        y_label=laid.y.label if laid.y else "",
        x=tuple(map(laid.x.text, laid.x.values)),
        y=tuple(map(laid.y.text, laid.y.values)) if laid.y else ("",),
        cells=tuple(tuple(map(cell, row)) for row in laid.places),
        logarithmic=quantity is not None and quantity.logarithmic,
        verdicts=quantity is None,
        caption=caption(found, shown),
    )


def caption(found: Map, shown: Shown) -> str:
    """What the cells are, of how many networks, and how many are not yet known."""
    from ibtui.formatting import estimate

    networks = sorted({one.ensemble.networks for one in found.places.values()})
    of = f"{networks[0]}" if len(networks) == 1 else f"{networks[0]} to {networks[-1]}"
    about = f"{shown.about[:1].upper()}{shown.about[1:]}"
    told = [f"{about}.", f"{of} networks in each cell.", f"By {estimate(found.summary.experiment)}."]
    if shown.claim is not None:
        told[0] = f"Reproduced: {shown.about}."
        told.insert(1, "Percent: share of 1000 bootstrap samples of the networks with the most frequent verdict.")
    states = [one.state for one in found.places.values()]
    if earlier := states.count(EARLIER):
        told.append(f"{earlier} cells are of an earlier epoch or definition: ibtui map NAME --renew.")
    if missing := sum(one not in (KNOWN, EARLIER, GIVEN_UP) for one in states):
        told.append(f"{missing} of {len(states)} cells are not finished.")
    if lost := states.count(GIVEN_UP):
        told.append(f"{lost} cells have diverged.")
    return " ".join(told)


def rows(found: Map) -> list[dict[str, Any]]:
    """Every ensemble with its settings and all its numbers and verdicts, as plain values: None where there is none."""
    from ibtui_engine.maps.axes import axes_of

    axes = axes_of(found.summary.experiment)
    table = []
    for index, place in found.places.items():
        settings = {axis.name: _plain(axis.of(place.ensemble.settings)) for axis in axes}
        row: dict[str, Any] = {
            "ensemble": index,
            **settings,
            "state": place.state,
            "epochs": place.ensemble.epochs_done,
        }
        cell = place.cell
        row |= {"networks": place.ensemble.networks, "measured_epoch": cell.epoch if cell else None}
        row["numbers"] = {} if cell is None else {key: _number(one) for key, one in cell.numbers.items()}
        row["verdicts"] = {} if cell is None else {key: _verdict(one) for key, one in cell.verdicts.items()}
        row["absent"] = {} if cell is None else dict(cell.absent)
        row["trouble"] = cell.trouble if cell else ""
        table.append(row)
    return table


def _plain(value: Any) -> Any:
    from ibtui_engine.experiment import hidden_text

    return hidden_text(value) if isinstance(value, tuple) else value


def _number(one: CellNumber) -> dict[str, Any]:
    return {"value": one.value, "error": one.error, "unit": one.unit, "networks": one.count, "of": one.of}


def _verdict(one: CellVerdict) -> dict[str, Any]:
    return {"verdict": one.verdict, "margin": one.margin, "shares": dict(one.shares)}


def flat(table: list[dict[str, Any]]) -> tuple[list[str], list[list[Any]]]:
    """The rows as a table of one line each: its headings, and its lines."""
    numbers = list(dict.fromkeys(key for row in table for key in row["numbers"]))
    verdicts = list(dict.fromkeys(key for row in table for key in row["verdicts"]))
    plain = [key for key in (table[0] if table else {}) if key not in ("numbers", "verdicts", "absent")]
    headings = list(plain)
    for key in numbers:
        headings += [key, f"{key} error", f"{key} networks"]
    for key in verdicts:
        headings += [f"{VERDICT}{key}", f"{VERDICT}{key} margin"]
    lines = []
    for row in table:
        line = [row[key] for key in plain]
        for key in numbers:
            one: Mapping[str, Any] = row["numbers"].get(key, {})
            line += [one.get("value"), one.get("error"), one.get("networks")]
        for key in verdicts:
            one = row["verdicts"].get(key, {})
            line += [one.get("verdict"), one.get("margin")]
        lines.append(line)
    return headings, lines

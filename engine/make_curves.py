"""Recompute the IB curves that ship with the engine: `python engine/make_curves.py`, about half a minute."""

from __future__ import annotations

from ibtui_engine.bottleneck.choice import rule_curve
from ibtui_engine.bottleneck.kept import SHIPPED, SHIPPED_RULES, Classes, pack
from ibtui_engine.rules.catalogue import load_rule


def main() -> None:
    """Write the curve of every rule in `SHIPPED_RULES` beside the code that reads it."""
    SHIPPED.mkdir(exist_ok=True)
    for name in SHIPPED_RULES:
        rule = load_rule(name)
        data = pack(Classes.of(rule), rule_curve(rule))
        (SHIPPED / f"{name}.npz").write_bytes(data)
        print(f"{name}: {len(data)} bytes")


if __name__ == "__main__":
    main()

"""Writes the account of what reproduces into README.md: `python sessions/make_account.py [--networks N] [--data DIR]`.

It runs what `ibtui account --run` runs, in the sessions directory, and takes what has been run before. The table is
written from the sessions alone. `--words` renews only what is measured and the rules for the verdicts, from the claims
as they are declared, and runs nothing: after a change of wording. A changed threshold needs the whole account.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from ibtui_engine.account.exact import AGAIN, KINDS, plain
from ibtui_engine.account.standard import STANDARD

HERE = Path(__file__).resolve().parent
PAGE = HERE / "README.md"
BEGIN, END = "<!-- account: begin -->\n", "<!-- account: end -->"
SURVIVE, SURVIVED = "<!-- exact: begin -->\n", "<!-- exact: end -->"
USUAL = {"order": "order", "bound": "bound-symmetric"}
"""Keys of claims as the paper's networks show them, where they are others."""


def main() -> None:
    """Make the account and put it into the page."""
    parser = argparse.ArgumentParser(description="Write the account of what reproduces into sessions/README.md.")
    parser.add_argument("--networks", type=int, metavar="N", help="so many in each ensemble; else as the figures have")
    parser.add_argument("--data", metavar="DIR", help="directory with MNIST's IDX files; its claim is left out without")
    parser.add_argument("--words", action="store_true", help="renew the words of the claims; run nothing")
    chosen = parser.parse_args()
    if chosen.words:
        PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
        return
    networks = chosen.networks
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "account.md"
        command = ["account", "--run", "--json", "--out", str(table)]
        command += ["--networks", str(networks)] if networks is not None else []
        command += ["--data", str(Path(chosen.data).absolute())] if chosen.data is not None else []
        done = subprocess.run(
            [sys.executable, "-m", "ibtui", *command], check=True, cwd=HERE.parent, stdout=subprocess.PIPE
        )
        written = table.read_text(encoding="utf-8")
        verdicts = {one["key"]: one["verdict"] for one in json.loads(done.stdout)}
    rest = f" --networks {networks}" if networks is not None else ""
    of = f"at most {networks} networks" if networks is not None else "up to 50 networks"
    said = f"Made by `python sessions/make_account.py{rest}`, of {of} in each ensemble.\n\n"
    page = _with(PAGE.read_text(encoding="utf-8"), (BEGIN, END), said + written)
    PAGE.write_text(_with(page, (SURVIVE, SURVIVED), surviving(verdicts)), encoding="utf-8")


def _with(page: str, marks: tuple[str, str], text: str) -> str:
    before, _, after = page.partition(marks[0])
    return before + marks[0] + text + marks[1] + after.partition(marks[1])[2]


def surviving(verdicts: dict[str, str]) -> str:
    """A table of the claims that are judged again where information is exact, by the keys of all claims."""
    lines = [f"| claim | tanh, 30 bins | {' | '.join(KINDS.values())} |", "| --- | --- |" + " --- |" * len(KINDS)]
    for claim in AGAIN:
        keys = [USUAL.get(claim.key, claim.key), *(f"{claim.key}-{preset}" for preset in KINDS)]
        lines.append(f"| {plain(claim)} | {' | '.join(verdicts[key] for key in keys)} |")
    return "\n".join(lines) + "\n"


def renewed(page: str) -> str:
    """The page with the words of every claim as they are declared now."""
    before, _, after = page.partition(BEGIN)
    table, _, rest = after.partition(END)
    claims = {claim.text: claim for claim in STANDARD}
    lines = []
    for line in table.splitlines(keepends=True):
        cells = re.split(r"(?<!\\) \| ", line)
        if len(cells) == 5 and cells[1] in claims:
            claim = claims[cells[1]]
            rule = f". Reproduced: {claim.rule}" if claim.rule else ""
            cells[2] = f"{claim.measured} ({claim.standard_place}){rule}".replace("|", "\\|")
        lines.append(" | ".join(cells))
    return before + BEGIN + "".join(lines) + END + rest


if __name__ == "__main__":
    main()

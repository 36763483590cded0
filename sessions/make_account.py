"""Writes the account of what reproduces into README.md here: `python sessions/make_account.py [--networks N]`.

It runs what `ibtui account --run` runs, in the sessions directory, and takes what has been run before. The table is
written from the sessions alone. `--words` renews only what is measured and the rules for the verdicts, from the claims
as they are declared, and runs nothing: after a change of wording. A changed threshold needs the whole account.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from ibtui_engine.account.standard import STANDARD

HERE = Path(__file__).resolve().parent
PAGE = HERE / "README.md"
BEGIN, END = "<!-- account: begin -->\n", "<!-- account: end -->"


def main() -> None:
    """Make the account and put it into the page."""
    parser = argparse.ArgumentParser(description="Write the account of what reproduces into sessions/README.md.")
    parser.add_argument("--networks", type=int, metavar="N", help="so many in each ensemble; else as the figures have")
    parser.add_argument("--words", action="store_true", help="renew the words of the claims; run nothing")
    chosen = parser.parse_args()
    if chosen.words:
        PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
        return
    networks = chosen.networks
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "account.md"
        command = ["account", "--run", "--out", str(table)]
        command += ["--networks", str(networks)] if networks is not None else []
        subprocess.run([sys.executable, "-m", "ibtui", *command], check=True, cwd=HERE.parent)
        written = table.read_text(encoding="utf-8")
    rest = f" --networks {networks}" if networks is not None else ""
    of = f"at most {networks} networks" if networks is not None else "up to 50 networks"
    said = f"Made by `python sessions/make_account.py{rest}`, of {of} in each ensemble.\n\n"
    page = PAGE.read_text(encoding="utf-8")
    before, _, after = page.partition(BEGIN)
    PAGE.write_text(before + BEGIN + said + written + END + after.partition(END)[2], encoding="utf-8")


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

"""Writes the account of what reproduces into README.md here: `python sessions/make_account.py [--networks N]`.

It runs what `ibtui account --run` runs, in the sessions directory, and takes what has been run before. The table is
written from the sessions alone.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE / "README.md"
BEGIN, END = "<!-- account: begin -->\n", "<!-- account: end -->"


def main() -> None:
    """Make the account and put it into the page."""
    parser = argparse.ArgumentParser(description="Write the account of what reproduces into sessions/README.md.")
    parser.add_argument("--networks", type=int, metavar="N", help="so many in each ensemble; else as the figures have")
    networks = parser.parse_args().networks
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


if __name__ == "__main__":
    main()

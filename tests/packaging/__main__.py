"""Builds and checks what people install: `python -m tests.packaging [--out DIR]`."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.packaging.checks import ROOT, faults_of_sdist, faults_of_wheel, renders, tracked


def build(out: Path) -> tuple[Path, Path]:
    """Build the source distribution, and from that the wheel.

    Raises:
        CalledProcessError: one cannot be built; its `stdout` tells why.
    """
    line = [sys.executable, "-m", "build", "--outdir", str(out), str(ROOT)]
    subprocess.run(line, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    (source,) = out.glob("ibtui-*.tar.gz")
    (wheel,) = out.glob("ibtui-*.whl")
    return source, wheel


def main() -> int:
    """Build both, say how large they are and what is wrong with them; 1 where anything is."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.packaging", description="Build the source distribution and the wheel, and check both."
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep them in this directory, which must be empty")
    chosen = parser.parse_args().out
    if chosen is not None and chosen.exists() and (not chosen.is_dir() or any(chosen.iterdir())):
        parser.error(f"out must be an empty directory, or none yet, got {str(chosen)!r}")
    with tempfile.TemporaryDirectory() as place:
        try:
            source, wheel = build(chosen or Path(place))
        except subprocess.CalledProcessError as error:
            print(error.stdout, "cannot be built", sep="\n")
            return 1
        known = tracked()
        faults = faults_of_sdist(source, known) + faults_of_wheel(wheel, known)
        for file in (source, wheel):
            print(f"{file.name}: {file.stat().st_size / 1e6:.1f} MB")
    if not known:
        print("not compared with the files of a repository: this is none")
    if renders("# A page") is None:
        print("README.md was not rendered: pip install 'readme_renderer[md]'")
    print("\n".join(faults) or "nothing is wrong with them")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

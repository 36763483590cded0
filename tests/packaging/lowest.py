"""`python tests/packaging/lowest.py [NAME ...]`: the lowest versions that are allowed, as constraints for pip.

`.ci/run` tests them together, so that what is declared can be installed and works. Without names, all of them; it
reads pyproject.toml alone and can be run before anything is installed.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
DECLARED = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)>=(?P<lowest>\d+(\.\d+)*)(?P<rest>(,<\d+(\.\d+)*)?)")
"""Every requirement has a lower bound, and may have an upper one."""


def requirements() -> list[str]:
    """All requirements of the project and of its extras, as they are declared."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    return [*project["dependencies"], *(one for extra in extras for one in extra)]


def lowest() -> dict[str, str]:
    """The lowest version of each distribution.

    Raises:
        ValueError: a requirement has another form, or two of one distribution differ.
    """
    found: dict[str, str] = {}
    ranges: dict[str, str] = {}
    for requirement in requirements():
        declared = DECLARED.fullmatch(requirement)
        if declared is None:
            raise ValueError(f"{requirement!r} has no lower bound of the form name>=version")
        if ranges.setdefault(declared["name"], requirement) != requirement:
            raise ValueError(f"{requirement!r} and {ranges[declared['name']]!r} differ")
        found[declared["name"]] = declared["lowest"]
    return found


def main() -> None:
    """Print a constraint a line."""
    versions = lowest()
    for name in sys.argv[1:] or versions:
        print(f"{name}=={versions[name]}")


if __name__ == "__main__":
    main()

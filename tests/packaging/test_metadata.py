"""What the project says of itself: requirements, versions, authors, and how to cite it."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import metadata, requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tests.packaging.lowest import lowest, requirements

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
NEXT_MAJOR = {"textual", "plotext", "torch"}


def test_what_is_installed_is_what_the_file_says() -> None:
    """These tests would otherwise be about an older installation."""
    assert version("ibtui") == PROJECT["version"]
    assert {Requirement(one).name for one in requires("ibtui") or ()} == {
        Requirement(one).name for one in requirements()
    }


def test_the_version_has_one_home() -> None:
    written = re.escape(PROJECT["version"])
    places = [*ROOT.glob("*.cff"), *ROOT.glob("*.md"), *ROOT.glob("*/*.md"), *(ROOT / "ibtui").rglob("*.py")]
    places += (ROOT / "engine").rglob("*.py")
    found = {
        place.name for place in places if re.search(rf"(?<![\d.]){written}(?![\d.])", place.read_text(encoding="utf-8"))
    }
    assert found <= {"CHANGELOG.md"}
    assert f"## {PROJECT['version']} (" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_requirement_has_a_lower_bound_and_is_the_same_everywhere() -> None:
    assert set(lowest()) == {Requirement(one).name for one in requirements()}


@pytest.mark.parametrize("line", sorted(set(requirements())))
def test_what_the_tests_run_with_is_allowed(line: str) -> None:
    wanted = Requirement(line)
    assert wanted.specifier.contains(lowest()[wanted.name])
    if wanted.name in (
        "embo",
        "dit",
        "mkdocs-material",
        "mkdocstrings-python",
        "cosmic-ray",
        "keras",
        "lightning",
    ):  # of other extras than `test` alone
        return
    assert wanted.specifier.contains(version(wanted.name))


def test_only_what_breaks_with_new_versions_has_an_upper_bound() -> None:
    upper = {one.name: one.specifier for one in map(Requirement, requirements()) if "<" in str(one.specifier)}
    assert set(upper) == {*NEXT_MAJOR, "numba"}
    for name in NEXT_MAJOR:
        bound = next(Version(one.version) for one in upper[name] if one.operator == "<")
        assert bound == Version(str(Version(lowest()[name]).major + 1)), "a user's newer minor version is not replaced"


def test_no_requirement_names_this_project() -> None:
    assert "ibtui" not in lowest()


def test_the_metadata_is_complete_and_invents_nothing() -> None:
    told = metadata("ibtui")
    assert told["Author"] == told["Maintainer"] == "The ibtui developers"
    assert told["License-Expression"] == "MIT"
    assert told.get_all("Project-URL") is None, "there is no page of the project yet"
    classifiers = set(told.get_all("Classifier") or ())
    assert {f"Programming Language :: Python :: {one}" for one in PYTHONS} <= classifiers
    allowed = SpecifierSet(told["Requires-Python"])
    assert allowed.contains(PYTHONS[0])
    assert not allowed.contains("3.10")
    for begins in ("Development Status", "Environment", "Intended Audience", "Operating System", "Topic", "Typing"):
        assert any(one.startswith(f"{begins} ::") for one in classifiers), begins


def test_the_citation_names_the_software_and_the_paper() -> None:
    told = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    for part in ("cff-version: 1.2.0", "title: ibtui", "- name: The ibtui developers", "license: MIT", "Shwartz-Ziv",
                 "Tishby", "arXiv:1703.00810", "year: 2017"):  # fmt: skip
        assert part in told
    for line in PROJECT["keywords"][:4]:
        assert f"- {line}" in told

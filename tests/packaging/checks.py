"""What must hold of a source distribution and of a wheel: what is in them, how large they are, what they say."""

from __future__ import annotations

import configparser
import subprocess
import tarfile
import tomllib
import warnings
import zipfile
from email.message import Message
from email.parser import HeaderParser
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOT_SHIPPED = {".ci/run", ".gitattributes", ".gitignore"}
EXAMPLES = tuple(f"example-figure-{number}.ibs" for number in (2, 3, 4, 5, 8))
LARGEST = {"wheel": 15_000_000, "sdist": 20_000_000, "file": 5_000_000}
"""Bytes of a distribution, and of one file in it."""


def tracked() -> set[str]:
    """The files of the repository; none where this is not one."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    return {name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()}


def faults_of_sdist(archive: Path, known: set[str]) -> list[str]:
    """What is wrong with a source distribution.

    Args:
        archive: the `.tar.gz`.
        known: the files of the repository; of none, whether all of them are in it is not asked.
    """
    with tarfile.open(archive) as opened:
        members = [member for member in opened.getmembers() if member.isfile()]
        told = opened.extractfile(next(m for m in members if m.name.count("/") == 1 and m.name.endswith("/PKG-INFO")))
        assert told is not None
        metadata = _parsed(told.read())
    sizes = {member.name.partition("/")[2]: member.size for member in members}
    faults = _too_large("sdist", archive, sizes)
    faults += [f"sdist: {name} is missing" for name in _missing(sizes, _NEEDED_SOURCE)]
    if known:
        faults += [f"sdist: {name} is missing" for name in sorted(known - set(sizes) - NOT_SHIPPED)]
        faults += [f"sdist: {name} is no file of the repository" for name in _foreign(sizes, known)]
    return faults + _of_metadata("sdist", metadata)


def faults_of_wheel(archive: Path, known: set[str]) -> list[str]:
    """What is wrong with a wheel.

    Args:
        archive: the `.whl`.
        known: as of `faults_of_sdist`.
    """
    with zipfile.ZipFile(archive) as opened:
        sizes = {one.filename: one.file_size for one in opened.infolist() if not one.is_dir()}
        record = archive.name.removesuffix("-py3-none-any.whl") + ".dist-info"
        texts = {name: opened.read(f"{record}/{name}") for name in ("METADATA", "entry_points.txt", "WHEEL")}
    faults = _too_large("wheel", archive, sizes)
    wanted = {*_NEEDED, f"{record}/licenses/LICENSE", *(f"ibtui/examples/{name}" for name in EXAMPLES)}
    faults += [f"wheel: {name} is missing" for name in _missing(sizes, wanted)]
    inside = {name for name in sizes if not name.startswith(f"{record}/")}
    faults += [
        f"wheel: {name} does not belong in it"
        for name in sorted(inside)
        if not name.startswith(("ibtui/", "ibtui_engine/"))
        or (name.endswith(".ibs") and name not in wanted)
        or name.endswith((".pyc", ".nbc", ".nbi"))
    ]
    if known:
        of_engine = {name.removeprefix("engine/") for name in known if name.startswith("engine/ibtui_engine/")}
        of_app = {name for name in known if name.startswith("ibtui/")}
        faults += [f"wheel: {name} is missing" for name in sorted((of_engine | of_app) - inside)]
        faults += [
            f"wheel: {name} is no file of the repository"
            for name in sorted(inside - of_engine - of_app)
            if name not in wanted and name.startswith(("ibtui/", "ibtui_engine/")) and not name.endswith(".ibs")
        ]
    scripts = configparser.ConfigParser()
    scripts.read_string(texts["entry_points.txt"].decode())
    commands = dict(scripts["console_scripts"]) if scripts.has_section("console_scripts") else {}
    if commands != {"ibtui": "ibtui.cli:main"}:
        faults.append("wheel: the command must be ibtui = ibtui.cli:main alone")
    if _parsed(texts["WHEEL"])["Root-Is-Purelib"] != "true":
        faults.append("wheel: it must be for any platform")
    return faults + _of_metadata("wheel", _parsed(texts["METADATA"]))


_NEEDED = {"ibtui/py.typed", "ibtui_engine/py.typed", "ibtui/app.tcss", "ibtui/tour.toml"}
_NEEDED_SOURCE = {
    *("ibtui/py.typed", "engine/ibtui_engine/py.typed", "tests/conftest.py", "tests/packaging/lowest.py"),
    *("README.md", "engine/README.md", "ibtui/README.md", "sessions/README.md", "tests/README.md"),
    *("LICENSE", "CHANGELOG.md", "CITATION.cff", "pyproject.toml", "PKG-INFO"),
    *(f"sessions/{name}" for name in EXAMPLES),
}


def _parsed(text: bytes) -> Message:
    return HeaderParser().parsestr(text.decode())


def _missing(sizes: dict[str, int], wanted: set[str]) -> list[str]:
    return sorted(wanted - set(sizes))


def _foreign(sizes: dict[str, int], known: set[str]) -> list[str]:
    return sorted(set(sizes) - known - {"PKG-INFO", ".gitignore"})


def _too_large(kind: str, archive: Path, sizes: dict[str, int]) -> list[str]:
    whole = archive.stat().st_size
    faults = [f"{kind}: it has {whole} bytes, more than {LARGEST[kind]}"] if whole > LARGEST[kind] else []
    return faults + [
        f"{kind}: {name} has {size} bytes, more than {LARGEST['file']}"
        for name, size in sizes.items()
        if size > LARGEST["file"]
    ]


def _of_metadata(kind: str, told: Message) -> list[str]:
    """What is wrong with what a distribution says of itself (core metadata 2.4)."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {
        "Name": project["name"],
        "Version": project["version"],
        "Summary": project["description"],
        "License-Expression": "MIT",
        "License-File": "LICENSE",
        "Requires-Python": project["requires-python"],
        "Description-Content-Type": "text/markdown",
    }
    faults = [
        f"{kind}: {name} must be {one!r}, got {told[name]!r}" for name, one in wanted.items() if told[name] != one
    ]
    extras = set(told.get_all("Provides-Extra") or ())
    if extras != set(project["optional-dependencies"]):
        faults.append(f"{kind}: extras must be {sorted(project['optional-dependencies'])}, got {sorted(extras)}")
    plain = [one for one in told.get_all("Requires-Dist") or () if "extra ==" not in one]
    if len(plain) != len(project["dependencies"]):
        faults.append(f"{kind}: {len(project['dependencies'])} requirements must be told, got {len(plain)}")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    if str(told.get_payload()).strip() != readme.strip():
        faults.append(f"{kind}: its description is not README.md")
    if renders(str(told.get_payload())) is False:
        faults.append(f"{kind}: its description cannot be rendered")
    return faults


def renders(text: str) -> bool | None:
    """Whether an index of packages can show a description in Markdown; None where readme_renderer[md] is not there."""
    if find_spec("readme_renderer") is None:
        return None
    with warnings.catch_warnings(action="ignore"):  # what is missing is told by whoever asks
        from readme_renderer.markdown import render, variants

        return bool(render(text)) if variants else None

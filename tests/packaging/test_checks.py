"""The checks of distributions find what they are for: in small archives, right but for one thing."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.packaging import checks
from tests.packaging.checks import EXAMPLES, ROOT, faults_of_sdist, faults_of_wheel, renders

RECORD = "ibtui-0.dist-info"
SCRIPTS = "[console_scripts]\nibtui = ibtui.cli:main\n"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose page and declarations are small."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "README.md").write_text("# A page\n")
    (root / "pyproject.toml").write_text(
        '[project]\nname = "ibtui"\nversion = "0"\ndescription = "What it is"\nrequires-python = ">=3.11"\n'
        'dependencies = ["a"]\n[project.optional-dependencies]\nmore = ["b"]\n'
    )
    monkeypatch.setattr(checks, "ROOT", root)
    return root


def metadata(**changed: str) -> str:
    told = {
        "Name": "ibtui", "Version": "0", "Summary": "What it is", "License-Expression": "MIT",
        "License-File": "LICENSE", "Requires-Python": ">=3.11", "Description-Content-Type": "text/markdown",
        "Provides-Extra": "more", "Requires-Dist": "a",
    }  # fmt: skip
    told |= {name.replace("_", "-"): value for name, value in changed.items() if name != "page"}
    return "".join(f"{key}: {value}\n" for key, value in told.items()) + f"\n{changed.get('page', '# A page')}\n"


def wheel(place: Path, files: dict[str, str | None]) -> Path:
    """A wheel with what it must have, and with these files; without those that are None."""
    needed = {
        "ibtui/py.typed": "", "ibtui_engine/py.typed": "", "ibtui/app.tcss": "", "ibtui/tour.toml": "",
        f"{RECORD}/licenses/LICENSE": "", f"{RECORD}/METADATA": metadata(), f"{RECORD}/entry_points.txt": SCRIPTS,
        f"{RECORD}/WHEEL": "Root-Is-Purelib: true\n", **{f"ibtui/examples/{name}": "" for name in EXAMPLES},
    }  # fmt: skip
    archive = place / "ibtui-0-py3-none-any.whl"
    with zipfile.ZipFile(archive, "w") as opened:
        for name, text in (needed | files).items():
            if text is not None:
                opened.writestr(name, text)
    return archive


def sdist(place: Path, files: dict[str, str | None]) -> Path:
    needed = dict.fromkeys(checks._NEEDED_SOURCE, "") | {"PKG-INFO": metadata()}
    archive = place / "ibtui-0.tar.gz"
    with tarfile.open(archive, "w:gz") as opened:
        for name, text in (needed | files).items():
            if text is not None:
                member = tarfile.TarInfo(f"ibtui-0/{name}")
                member.size = len(text)
                opened.addfile(member, io.BytesIO(text.encode()))
    return archive


def test_where_nothing_is_wrong_nothing_is_found(tmp_path: Path) -> None:
    known = {"ibtui/py.typed", "ibtui/app.tcss", "ibtui/tour.toml", "engine/ibtui_engine/py.typed"}
    assert faults_of_wheel(wheel(tmp_path, {}), known) == []
    assert faults_of_wheel(wheel(tmp_path, {}), set()) == []
    assert faults_of_sdist(sdist(tmp_path, {}), checks._NEEDED_SOURCE | checks.NOT_SHIPPED) == []


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"ibtui/app.tcss": None}, "ibtui/app.tcss is missing"),
        ({"ibtui/examples/example-figure-3.ibs": None}, "ibtui/examples/example-figure-3.ibs is missing"),
        ({f"{RECORD}/licenses/LICENSE": None}, f"{RECORD}/licenses/LICENSE is missing"),
        ({"tests/conftest.py": ""}, "tests/conftest.py does not belong in it"),
        ({"ibtui/examples/mine.ibs": ""}, "ibtui/examples/mine.ibs does not belong in it"),
        ({"ibtui/x.cpython-311.pyc": ""}, "ibtui/x.cpython-311.pyc does not belong in it"),
        ({f"{RECORD}/entry_points.txt": ""}, "the command must be ibtui = ibtui.cli:main alone"),
        ({f"{RECORD}/entry_points.txt": SCRIPTS + "other = a:b\n"}, "the command must be ibtui = ibtui.cli:main alone"),
        ({f"{RECORD}/WHEEL": "Root-Is-Purelib: false\n"}, "it must be for any platform"),
        ({f"{RECORD}/METADATA": metadata(License_Expression="BSD")}, "License-Expression must be 'MIT', got 'BSD'"),
        ({f"{RECORD}/METADATA": metadata(Version="1")}, "Version must be '0', got '1'"),
        ({f"{RECORD}/METADATA": metadata(Provides_Extra="less")}, "extras must be ['more'], got ['less']"),
        ({f"{RECORD}/METADATA": metadata(Requires_Dist="b; extra == 'more'")}, "1 requirements must be told, got 0"),
        ({f"{RECORD}/METADATA": metadata(page="# Another")}, "its description is not README.md"),
    ],
)
def test_each_fault_of_a_wheel_is_found(tmp_path: Path, files: dict[str, str | None], found: str) -> None:
    assert f"wheel: {found}" in faults_of_wheel(wheel(tmp_path, files), set())


def test_files_that_are_not_of_the_repository_are_found(tmp_path: Path) -> None:
    known = {"ibtui/py.typed", "ibtui/app.tcss", "ibtui/tour.toml", "engine/ibtui_engine/py.typed", "ibtui/new.py"}
    found = faults_of_wheel(wheel(tmp_path, {"ibtui/lying_about.py": ""}), known)
    assert found == ["wheel: ibtui/new.py is missing", "wheel: ibtui/lying_about.py is no file of the repository"]
    found = faults_of_sdist(sdist(tmp_path, {"notes.txt": ""}), checks._NEEDED_SOURCE | {"docs/new.md"})
    assert found == ["sdist: docs/new.md is missing", "sdist: notes.txt is no file of the repository"]
    assert faults_of_sdist(sdist(tmp_path, {"LICENSE": None}), set()) == ["sdist: LICENSE is missing"]


def test_sizes_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = wheel(tmp_path, {"ibtui/large.txt": "x" * 5000})
    size = archive.stat().st_size
    for limits, found in (
        ({"wheel": size, "file": 5000}, []),
        ({"wheel": size - 1, "file": 5000}, [f"wheel: it has {size} bytes, more than {size - 1}"]),
        ({"wheel": size, "file": 4999}, ["wheel: ibtui/large.txt has 5000 bytes, more than 4999"]),
    ):
        monkeypatch.setattr(checks, "LARGEST", limits)
        assert faults_of_wheel(archive, set()) == found


def test_the_readme_renders() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    if renders(text) is None:
        pytest.skip("readme_renderer is not installed")
    assert renders(text)

"""Machine code is read only where it is whole, for exactly this code, and cannot have been written by anybody else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui_engine.compiling import store as stores
from ibtui_engine.compiling.store import KEPT, PACKAGE, Store, base_directory, drop_old, kernel_key, source_digest

posix = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="who can write a file is not told by its mode here")
NAME = "module.function-00.kernel"
KEY = "0" * 20


@pytest.fixture
def kept(tmp_path: Path) -> Store:
    """A store with one kernel in it."""
    store = Store(tmp_path / "kernels", KEY)
    store.write(NAME, b"identity", b"machine code")
    assert store.read(NAME, b"identity") == b"machine code"
    return store


def file_of(store: Store) -> Path:
    assert store.directory
    return store.directory / NAME


def test_the_usual_place_is_in_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert base_directory() == tmp_path / "ibtui" / "kernels" or sys.platform != "linux"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NUMBA_CACHE_DIR", "mine")
    assert base_directory() == tmp_path / "mine"


def test_without_a_home_there_is_no_usual_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(stores, "user_cache_path", lambda _: Path("~/.cache/ibtui"))
    assert base_directory() is None


def copy_of_sources(directory: Path) -> Path:
    package = directory / "ibtui_engine"
    for source in PACKAGE.rglob("*.py"):
        target = package / source.relative_to(PACKAGE)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
    return package


def test_the_key_of_a_checkout_covers_every_source(tmp_path: Path) -> None:
    package = copy_of_sources(tmp_path)
    before = source_digest(package)
    assert before == source_digest(package)
    sources = sorted(package.rglob("*.py"))
    assert len(sources) > 60
    for source in sources:
        text = source.read_bytes()
        source.write_bytes(text + b"\n")
        assert source_digest(package) != before, source
        source.write_bytes(text)
    (package / "new.py").touch()
    assert source_digest(package) != before
    (package / "new.py").rename(tmp_path / "new.py")
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "compiled.py").touch()
    assert source_digest(package) == before


def test_the_key_of_an_installed_copy_covers_what_its_installer_recorded(tmp_path: Path) -> None:
    package = copy_of_sources(tmp_path)
    record = tmp_path / "ibtui-0.2.0.dist-info" / "RECORD"
    record.parent.mkdir()
    record.write_text("ibtui_engine/forward.py,sha256=abc,12\n")
    sources = source_digest(copy_of_sources(tmp_path / "without"))
    first = source_digest(package)
    (tmp_path / "other-1.0.dist-info").mkdir()
    assert source_digest(package) == first
    record.write_text("ibtui_engine/forward.py,sha256=abd,12\n")
    assert source_digest(package) != first
    record.unlink()
    assert source_digest(package) == sources  # some distributions keep no record


def test_the_key_covers_the_libraries() -> None:
    assert kernel_key("numba 1") == kernel_key("numba 1") != kernel_key("numba 2")


@given(cut=st.integers(0, 50))
def test_a_truncated_file_counts_as_absent(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    store = Store(tmp_path_factory.mktemp("cut"), KEY)
    store.write(NAME, b"identity", b"machine code")
    whole = file_of(store).read_bytes()
    file_of(store).write_bytes(whole[:cut])
    assert store.read(NAME, b"identity") == (b"machine code" if cut >= len(whole) else None)


def test_any_flipped_bit_makes_a_file_count_as_absent(kept: Store) -> None:
    whole = file_of(kept).read_bytes()
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        file_of(kept).write_bytes(damaged)
        assert kept.read(NAME, b"identity") is None, bit


def test_a_file_serves_what_it_was_written_for_alone(kept: Store) -> None:
    assert kept.read(NAME, b"other") is None
    file_of(kept).rename(file_of(kept).with_name("other"))
    assert kept.read("other", b"identity2") is None


@posix
@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777])
def test_nothing_is_read_or_written_where_others_can_write(
    kept: Store, mode: int, caplog: pytest.LogCaptureFixture
) -> None:
    assert kept.directory
    kept.directory.chmod(mode)
    before = file_of(kept).read_bytes()
    assert kept.read(NAME, b"identity") is None
    kept.write(NAME, b"identity", b"new")
    kept.write("second", b"identity", b"new")
    assert file_of(kept).read_bytes() == before
    assert kept.read(NAME, b"identity") == b"new"  # from a directory of this process
    assert kept.private().directory.parent.stat().st_mode & 0o077 == 0
    assert [record.getMessage() for record in caplog.records] == [
        f"note: compiled kernels cannot be kept in '{kept.directory}' (others can write into it): "
        "every command compiles its own, which takes seconds"
    ]


@posix
def test_a_file_that_others_can_write_is_not_read(kept: Store) -> None:
    file_of(kept).chmod(0o622)
    assert kept.read(NAME, b"identity") is None


@posix
def test_what_belongs_to_somebody_else_is_not_read(kept: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert kept.read(NAME, b"identity") is None
    kept.write(NAME, b"identity", b"new")
    assert file_of(kept).read_bytes().endswith(b"machine code")


@posix
@pytest.mark.parametrize("make", [lambda p, q: p.symlink_to(q), lambda p, _: os.mkfifo(p), lambda p, _: p.mkdir()])
def test_a_file_of_another_kind_is_not_read(kept: Store, make: Callable[[Path, Path], None]) -> None:
    real = file_of(kept).rename(file_of(kept).with_name("real"))
    make(file_of(kept), real)
    assert kept.read(NAME, b"identity") is None


@posix
def test_a_link_in_the_place_of_the_directory_is_not_followed(kept: Store, tmp_path: Path) -> None:
    assert kept.directory
    elsewhere = kept.directory.rename(tmp_path / "elsewhere")
    kept.directory.symlink_to(elsewhere)
    assert kept.read(NAME, b"identity") is None


@posix
def test_the_directory_and_its_files_are_the_users_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = Store(tmp_path / "kernels", KEY)
        store.write(NAME, b"", b"x")
    finally:
        os.umask(before)
    assert store.directory
    assert store.directory.stat().st_mode & 0o777 == 0o700
    assert file_of(store).stat().st_mode & 0o777 == 0o600


def test_a_write_that_fails_leaves_nothing_and_says_so_once(
    kept: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    replace = os.replace

    def full(source: Path, target: Path) -> None:
        if target.parent == kept.directory:
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    for name in ("b", "c"):
        kept.write(name, b"identity", b"new")
        assert kept.read(name, b"identity") == b"new"
    assert kept.directory
    assert os.listdir(kept.directory) == [NAME]
    assert len(caplog.records) == 1
    assert "(No space left on device)" in caplog.text


def test_where_nothing_at_all_can_be_written_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr("tempfile.mkdtemp", lambda **_: (_ for _ in ()).throw(OSError(30, "Read-only file system")))
    for base in (tmp_path / "file" / "kernels", None):
        store = Store(base, KEY)
        store.write(NAME, b"identity", b"x")
        assert store.read(NAME, b"identity") is None
        assert not store.holds("module")
        with pytest.raises(OSError, match="Read-only"):
            store.base_for_others()
    assert len(caplog.records) == 2


def test_code_compiled_from_sources_edited_meanwhile_is_not_kept(kept: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "source_digest", lambda: "edited")
    kept.write("new", b"identity", b"x")
    assert kept.read("new", b"identity") is None


def test_directories_used_last_stay_and_others_are_not_ours_to_remove(tmp_path: Path) -> None:
    old = [tmp_path / f"ibtui-{number:020x}" for number in range(KEPT + 4)]
    for age, path in enumerate(old):
        path.mkdir(mode=0o700)
        (path / "a.kernel").touch()
        os.utime(path, (10**9 + age, 10**9 + age))
    others = [
        tmp_path / name for name in ("measures_3376da42e47b1982a316cffd419b51b43dc8eb5d", "ibtui-mine", "ibtui-0")
    ]
    for path in others:
        path.mkdir()
    used = Store(tmp_path, old[0].name.removeprefix("ibtui-"))
    used.write(NAME, b"", b"x")
    os.utime(old[0], (10**9, 10**9))
    assert Store(tmp_path, used.key).read(NAME, b"") == b"x"  # which makes it one of the newest
    Store(tmp_path, "f" * 20).write(NAME, b"", b"x")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {path.name for path in (old[0], *old[-KEPT + 1 :], *others)} | {"ibtui-" + "f" * 20}
    drop_old(tmp_path / "nowhere" / "ibtui-x")


PROGRAM = """
import os, pathlib, signal, sys, tempfile
from ibtui_engine.compiling.store import Store
store = Store(None, "0" * 20)
store.write("a", b"", b"x")
if os.fork() == 0:
    sys.exit()
os.wait()
print(store.read("a", b""), *pathlib.Path(tempfile.gettempdir()).iterdir(), sep="\\n", flush=True)
if sys.argv[1] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
"""


@posix
def test_a_private_directory_goes_with_its_process(tmp_path: Path) -> None:
    def run(how: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-P", "-c", PROGRAM, how],
            env=os.environ | {"TMPDIR": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert "no home directory" in done.stderr
        return done.stdout.splitlines()

    found = run("ended")
    assert found[0] == "b'x'"
    assert len(found) == 2
    assert os.listdir(tmp_path) == []
    run("killed")
    assert len(os.listdir(tmp_path)) == 1
    assert len(run("ended")) == 2  # what was left behind is gone
    assert os.listdir(tmp_path) == []

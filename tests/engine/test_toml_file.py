"""A settings file of any content is read, or refused in one line that names it; nothing hangs or fills the memory."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from ibtui_engine.errors import InvalidValue
from ibtui_engine.toml_file import LARGEST, read_toml


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"epochs = ", "is not TOML: "),
        (b"\xff\xfe\x00", "is not TOML: "),
        (b"epochs = " + b"9" * 6000, "is not TOML: "),
        (b"a = " + b"[" * 5000, "is not TOML: it is nested too deeply"),
        (b"[" + b"a." * 400_000 + b"a]", "has more than 64 parts"),
        (b"x = {" + b"a . " * 200_000 + b"b = 1}", "has more than 64 parts"),
        (b"#" * (LARGEST + 1), f"must have at most {LARGEST} bytes"),
    ],
    ids=["no value", "not utf-8", "endless digits", "nested lists", "deep table", "deep key", "large"],
)
def test_what_is_no_settings_file_is_refused_in_one_line(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(content)
    with pytest.raises(InvalidValue, match=r"the settings file '.*settings\.toml'") as refused:
        read_toml(path, "the settings file")
    assert reason in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_keys_of_several_parts_are_read_and_dots_elsewhere_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    floats = ", ".join(["0.5"] * 500)
    path.write_text(f"# {'.' * 200}\nfraction = [{floats}]\n[keys]\n'session.play' = 'x'\nsession.next = 'y'\n")
    expected = {"session.play": "x", "session": {"next": "y"}}
    assert read_toml(path, "the settings file") == {"fraction": [0.5] * 500, "keys": expected}


def test_a_pipe_is_read_where_it_may_be_one_and_never_waited_for_elsewhere(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(InvalidValue, match="it is not a plain file"):
        read_toml(pipe, "the settings file")
    writer = threading.Thread(target=pipe.write_text, args=("epochs = 3",))
    writer.start()
    assert read_toml(pipe, "the settings file", pipes=True) == {"epochs": 3}
    writer.join()


def test_a_device_is_refused() -> None:
    with pytest.raises(InvalidValue, match="'/dev/zero': it is not a plain file"):
        read_toml(Path("/dev/zero"), "the settings file", pipes=True)


def test_a_name_that_no_file_can_have_is_refused() -> None:
    with pytest.raises(InvalidValue, match="no file has that name"):
        read_toml(Path("a\0b"), "the settings file")

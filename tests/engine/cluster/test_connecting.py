"""What `--cluster` may say, and one line where it cannot be used."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ibtui_engine.cluster.connecting import Place, connected, place_of
from ibtui_engine.errors import InvalidValue
from tests.engine.test_imports import pulled_in

ALLOWED = r"cluster must be local:N, tcp://HOST:PORT, tls://HOST:PORT or a scheduler file, got "


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("local:1", Place(local=1)),
        ("local:1024", Place(local=1024)),
        ("tcp://10.0.0.1:8786", Place(address="tcp://10.0.0.1:8786")),
        ("tls://ada.example.org:1", Place(address="tls://ada.example.org:1")),
        ("tcp://[::1]:65535", Place(address="tcp://[::1]:65535")),
    ],
)
def test_places_are_read(text: str, place: Place) -> None:
    assert place_of(text) == place


@pytest.mark.parametrize("number", ["0", "1025", "x", "", "-1", "1e3"])
def test_the_number_of_workers_is_held_to_its_range(number: str) -> None:
    with pytest.raises(InvalidValue, match=r"^cluster must be local:1 to local:1024, got 'local:"):
        place_of(f"local:{number}")


@pytest.mark.parametrize("text", ["", "nothing", "udp://a:1", "tcp://a", "tcp://a:0", "tcp://a:65536", "tcp://a b:1"])
def test_other_places_are_refused(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidValue, match=ALLOWED):
        place_of(text)


def test_a_scheduler_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "it.json").write_text('{"address": "tls://10.0.0.1:8786", "workers": {}}')
    assert place_of(str(tmp_path / "it.json")) == Place(address="tls://10.0.0.1:8786")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", "5", "[" * 100_000])
def test_a_broken_scheduler_file_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "it.json").write_text(content)
    with pytest.raises(InvalidValue, match=r"scheduler file '.*' cannot be read: it has no address of a scheduler$"):
        place_of(str(tmp_path / "it.json"))


@pytest.mark.parametrize("address", ["5", '"inproc://a/1"', '"tcp://a:99999"'])
def test_a_scheduler_file_with_another_address_is_refused(address: str, tmp_path: Path) -> None:
    (tmp_path / "it.json").write_text(f'{{"address": {address}}}')
    with pytest.raises(InvalidValue, match=r"must have an address such as tcp://HOST:PORT, got "):
        place_of(str(tmp_path / "it.json"))


@pytest.mark.parametrize(
    ("text", "here"),
    [
        ("tcp://127.0.0.1:1", True),
        ("tcp://127.9.9.9:1", True),
        ("tcp://localhost:1", True),
        ("tcp://[::1]:1", True),
        ("tcp://128.0.0.1:1", False),
        ("tcp://[::2]:1", False),
        ("tcp://localhost.example.org:1", False),
    ],
)
def test_plain_connections_to_other_machines_need_trust(text: str, here: bool) -> None:
    assert place_of(text).on_this_machine == here
    if not here:
        with pytest.raises(InvalidValue, match="is neither encrypted nor on this machine"), connected(text):
            pass


def test_threads_are_given_where_workers_are_started() -> None:
    with pytest.raises(InvalidValue, match=r"^threads can be given"), connected("tcp://127.0.0.1:1", threads=2):
        pass


def test_without_dask_the_command_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    said = r"a cluster needs distributed, which is not installed; install with: "
    with pytest.raises(InvalidValue, match=said), connected("local:1"):
        pass


def test_tls_needs_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    with pytest.raises(InvalidValue, match="needs certificates"), connected("tls://127.0.0.1:1"):
        pass


def test_without_a_cluster_nothing_of_dask_is_loaded() -> None:
    found = pulled_in("ibtui_engine.runner", "ibtui.cli.run", "ibtui.cli.resume")
    assert found.isdisjoint({"dask", "distributed", "tornado"})

"""What steers a run on its master's host steers its workers on other hosts, and nothing else of a message does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gevent
import pytest

from harness.guard import rate, windows
from harness.journeys.hosts import KILL, MARK, FarWorkers, mirrored, shares_folder
from harness.journeys.joining import Secret
from harness.orchestrate.fire_order import FireOrder

OURS, NONCES = Secret(b"ours, and nobody else's"), {"a": "01", "b": "02"}


def order_in(folder: Path) -> FireOrder:
    folder.mkdir()
    return FireOrder("20261126-080000-far-ab12", str(folder), 5, {"tokens": "tokens"}, {"tokens": "t"}, "reg")


@pytest.mark.parametrize("name", [KILL, rate.FILE, windows.FILE])
def test_a_file_by_which_a_run_is_steered_reaches_every_worker(name: str, tmp_path: Path) -> None:
    here, there = order_in(tmp_path / "here"), order_in(tmp_path / "there")
    sent: list[tuple[str, dict[str, Any], str]] = []
    far = FarWorkers(here, OURS, NONCES, {"a": 0, "b": 1}, lambda *told: sent.append(told))
    mirror = gevent.spawn(far.mirror)
    try:
        (tmp_path / "here" / "run.json").write_text("of the master alone")
        for text in ("one", "one and two"):
            (tmp_path / "here" / name).write_text(text)
            until_told(sent, text, name)
            for kind, sealed, client in sent:
                assert kind == "xiu_file"
                told = OURS.opened(NONCES[client], sealed)
                assert told is not None
                mirrored(there, told)
            assert (tmp_path / "there" / name).read_text() == text
            assert {client for _, _, client in sent} == {"a", "b"}
            sent.clear()
    finally:
        mirror.kill()
    assert [path.name for path in (tmp_path / "there").iterdir()] == [name]


def until_told(sent: list[tuple[str, dict[str, Any], str]], text: str, name: str) -> None:
    """Until both workers have been told of the whole file."""
    with gevent.Timeout(30):
        while True:
            opened = [OURS.opened(NONCES[client], sealed) for _, sealed, client in sent]
            if opened.count({"name": name, "text": text}) == 2:
                return
            gevent.sleep(0.01)


@pytest.mark.parametrize("name", ["run.json", "../kill", "/etc/passwd", "", None, "history/manifest.json"])
def test_no_other_file_of_a_worker_is_written(name: object, tmp_path: Path) -> None:
    order = order_in(tmp_path / "there")
    mirrored(order, {"name": name, "text": "x"})
    mirrored(order, {"name": KILL, "text": 7})
    assert list((tmp_path / "there").iterdir()) == []


def test_who_stands_in_the_masters_folder_is_known(tmp_path: Path) -> None:
    here, there = order_in(tmp_path / "here"), order_in(tmp_path / "there")
    far = FarWorkers(here, OURS, NONCES, {"a": 0}, lambda *_: None)
    assert shares_folder(here, far.mark)
    assert not shares_folder(there, far.mark)
    assert not shares_folder(here, "another")
    far.end()
    far.end()
    assert not (tmp_path / "here" / MARK).exists()


def test_stopping_is_the_kill_file(tmp_path: Path) -> None:
    far = FarWorkers(order_in(tmp_path / "here"), OURS, NONCES, {"a": 0}, lambda *_: None)
    far.stop()
    assert (tmp_path / "here" / KILL).exists()

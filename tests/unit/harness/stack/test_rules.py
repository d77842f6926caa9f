"""Ports, back-off, events, folders: the small rules of a stack."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import who
from harness.errors import EnvironmentNotReady
from harness.stack import folder as folders
from harness.stack import ordinary, postgres, spawn
from harness.stack.folder import Folder, last_folder, name_last, new_folder, secret
from harness.stack.keeper import BackOff, PartEvent, how_it_ended
from harness.stack.ports import ABOVE, LOWEST, Ports
from harness.stack.resources import ResourceSampler


def test_ports_lie_below_the_kernels_own_and_differ() -> None:
    with Ports([f"p{k}" for k in range(50)]) as ports:
        found = list(ports.by_name.values())
        assert len(set(found)) == 50
        assert LOWEST <= min(found) <= max(found) < ABOVE


@pytest.mark.skipif(sys.platform != "linux", reason="held on Linux alone")
def test_a_held_port_lets_its_part_in_and_nobody_who_looks_for_a_free_one() -> None:
    with Ports(["mine"]) as ports:
        port = ports.by_name["mine"]
        with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
            stranger.bind(("127.0.0.1", port))
        with socket.create_server(("127.0.0.1", port)) as part:
            assert part.getsockname()[1] == port


def test_two_stacks_with_the_same_luck_get_different_ports() -> None:
    with Ports(["a", "b"], random.Random(1)) as one, Ports(["a", "b"], random.Random(1)) as two:
        assert not set(one.by_name.values()) & set(two.by_name.values())


def test_no_free_port_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.stack.ports.TRIES", 0)
    with pytest.raises(EnvironmentNotReady, match=r"no free port in .* for valkey"):
        Ports(["valkey"])


def test_back_off_is_at_once_then_slower_then_never() -> None:
    back_off = BackOff()
    assert [back_off.next_delay_s(float(k)) for k in range(6)] == [0.0, 0.1, 0.2, 0.4, 0.8, None]


def test_back_off_forgets_old_deaths() -> None:
    back_off = BackOff()
    assert [back_off.next_delay_s(40.0 * k) for k in range(20)] == [0.0] * 20


@pytest.mark.parametrize(("code", "words"), [(-9, "killed by signal 9"), (3, "exit code 3"), (0, "exit code 0")])
def test_how_a_part_ended_in_words(code: int, words: str) -> None:
    assert how_it_ended(code) == words


def test_an_event_reads_well_and_survives_json() -> None:
    event = PartEvent(1.5, "valkey", "died", "exit code 1", ("one", "two"))
    assert str(event) == "valkey died: exit code 1\n    one\n    two"
    assert PartEvent.from_json(json.loads(json.dumps(dataclasses.asdict(event)))) == event


def test_the_newest_folder_is_named_last(tmp_path: Path) -> None:
    assert last_folder(tmp_path) is None
    made = [new_folder(tmp_path) for _ in range(3)]
    assert last_folder(tmp_path) is None, "none has started"
    for path in made:
        name_last(path)
    assert last_folder(tmp_path) == made[-1].resolve()
    assert len(set(made)) == 3


def test_who_holds_the_lock_runs(tmp_path: Path) -> None:
    folder = Folder(new_folder(tmp_path))
    assert not folder.locked
    descriptor = folder.lock()
    assert descriptor is not None
    assert folder.locked
    assert list(folders.running(tmp_path)) == [folder.path]
    os.close(descriptor)
    assert list(folders.running(tmp_path)) == []


def test_a_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    first = secret(tmp_path / "key")
    assert secret(tmp_path / "key") == first
    assert len(bytes.fromhex(first)) == 32
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_the_tail_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.make()
    folder.log("valkey").write_text("".join(f"line {k}\n" for k in range(5000)))
    assert folder.log_tail("valkey", 2) == ["line 4998", "line 4999"]
    assert folder.log_tail("nobody") == []


def test_children_are_started_from_the_main_thread_alone(tmp_path: Path) -> None:
    caught: list[BaseException] = []

    def start() -> None:
        try:
            spawn.start([sys.executable, "-c", ""], env={}, log=tmp_path / "log", cwd=tmp_path)
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "main thread" in str(caught[0])


def test_cpu_adds_up_over_the_lives_of_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = iter([(1.0, 10.0), (2.5, 30.0), (0.5, 20.0), (0.75, 5.0)])
    monkeypatch.setattr("harness.stack.resources.measure", lambda pid, children: next(samples))
    sampler = ResourceSampler()
    for pid in (1, 1, 2, 2):
        sampler.sample({"front-0": pid})
    assert sampler.to_json() == {"front-0": {"cpu_s": 3.25, "rss_mib_max": 30.0}}


@pytest.fixture
def _asked_anew() -> Iterator[None]:
    ordinary.prefix.cache_clear()
    yield
    ordinary.prefix.cache_clear()


def way(monkeypatch: pytest.MonkeyPatch, uid: int, names: list[int], works: str) -> tuple[str, ...]:
    """The command line for this uid on a machine with these accounts, where only one way works."""
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setattr(who, "accounts", lambda: names)
    monkeypatch.setattr(who, "name_of", lambda uid: "somebody" if uid in names else "")
    monkeypatch.setattr(
        ordinary, "_tried", lambda way: None if way[0] == works else f"{way[0]}: Operation not permitted"
    )
    return postgres.as_ordinary_user(("postgres",))


@pytest.mark.usefixtures("_asked_anew")
@pytest.mark.parametrize(
    ("uid", "names", "works", "begins"),
    [
        pytest.param(1000, [1000], "", ("postgres",), id="an ordinary user"),
        pytest.param(0, [1000, 65534], "unshare", ("unshare", "--user", "--map-user=1000"), id="root"),
        pytest.param(0, [3, 65534], "unshare", ("unshare", "--user", "--map-user=3"), id="root without uid 1000"),
        pytest.param(0, [3, 65534], "setpriv", ("setpriv", "--reuid=65534"), id="root without user namespaces"),
        pytest.param(4711, [3], "unshare", ("unshare", "--user", "--map-user=3"), id="a uid without a name"),
    ],
)
def test_postgres_gets_a_user_that_it_takes(
    monkeypatch: pytest.MonkeyPatch, uid: int, names: list[int], works: str, begins: tuple[str, ...]
) -> None:
    argv = way(monkeypatch, uid, names, works)
    assert argv[: len(begins)] == begins
    assert argv[-1] == "postgres"
    assert begins[0] != "setpriv" or "--pdeathsig=keep" in argv, "else it outlives a supervisor that is killed"


@pytest.mark.usefixtures("_asked_anew")
@pytest.mark.parametrize(
    ("uid", "names", "says"),
    [(0, [1000], "refuses root"), (0, [], "refuses root"), (4711, [1000], "uid 4711 has no name")],
)
def test_where_no_way_is_open_the_cause_and_the_ways_out_are_said(
    monkeypatch: pytest.MonkeyPatch, uid: int, names: list[int], says: str
) -> None:
    with pytest.raises(EnvironmentNotReady, match=says) as refused:
        way(monkeypatch, uid, names, "nothing")
    assert "XIU_POSTGRES_URL" in str(refused.value)
    assert "Operation not permitted" in str(refused.value) or not names


def test_who_acts_has_a_name_whatever_the_machine_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999)
    assert who.me() == "uid-3999999"
    monkeypatch.setenv("USER", "a\nc" + "x" * 100)
    assert who.me() == "ac" + "x" * 62

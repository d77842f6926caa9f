"""Where a run's Locust is open to others: addresses are read strictly, and workers of other hosts need a secret."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from harness.errors import BadInput, EnvironmentNotReady
from harness.journeys.joining import FILE_VARIABLE, VARIABLE
from harness.runs.doors import SHUT, Door, LocustDoors, listened_at, read_door, read_doors

SECRET = {VARIABLE: "sixteen characters at least"}


def test_no_door_is_open_unless_one_is_asked_for() -> None:
    assert read_doors(None, None, {}) == SHUT
    assert SHUT.words == ("--headless",)
    assert SHUT.crew_words(2) is None


def test_the_page_is_this_hosts_alone_unless_another_is_named() -> None:
    assert read_doors(None, "8089", {}).words == ("--autostart", "--web-host", "127.0.0.1", "--web-port", "8089")
    assert read_doors(None, "0.0.0.0:8089", {}).page == Door("0.0.0.0", 8089)


def test_who_waits_for_workers_says_how_they_join() -> None:
    told = read_doors("10.0.0.5:5557", None, SECRET).waits_for(3)
    assert told == "waits for 3 workers: on the host of each, xiu plan join 10.0.0.5:5557"
    assert SHUT.waits_for(3) == ""


def test_workers_join_where_they_are_told() -> None:
    words = read_doors("10.0.0.5:5557", None, SECRET).crew_words(3)
    assert words == (
        "--master",
        "--master-bind-host",
        "10.0.0.5",
        "--master-bind-port",
        "5557",
        "--expect-workers",
        "3",
    )
    assert str(read_door("join", "[::1]:5557")) == "[::1]:5557"


@pytest.mark.parametrize(
    "text", ["5557", ":5557", "host", "host:0", "host:65536", "host:5e3", "ho st:5557", "", "a:b:c d:1"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"--workers-at .* is no address; expected HOST:PORT"):
        read_doors(text, None, SECRET)


def test_workers_without_a_secret_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="without a secret"):
        read_doors("10.0.0.5:5557", None, {})
    with pytest.raises(BadInput, match="too short"):
        read_doors("10.0.0.5:5557", None, {VARIABLE: "short"})
    with pytest.raises(BadInput, match="cannot be read"):
        read_doors("10.0.0.5:5557", None, {FILE_VARIABLE: str(tmp_path / "none")})


def test_a_door_that_cannot_be_opened_is_told_before_anything_is_started() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            EnvironmentNotReady, match=rf"--workers-at 127\.0\.0\.1:{port}: cannot be listened at: Address"
        ):
            listened_at(LocustDoors(workers=Door("127.0.0.1", port)))
    listened_at(LocustDoors(workers=Door("127.0.0.1", port)))
    with pytest.raises(EnvironmentNotReady, match=r"--locust-page 192\.0\.2\.7:8089: cannot be listened at: "):
        listened_at(LocustDoors(page=Door("192.0.2.7", 8089)))
    with pytest.raises(EnvironmentNotReady, match="--locust-page"):
        listened_at(LocustDoors(Door("127.0.0.1", port), Door("127.0.0.1", port)))
    listened_at(SHUT)

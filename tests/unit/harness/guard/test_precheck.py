"""The pre-check: whole, nothing is refused; each item broken in turn refuses the start by its name."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

import pytest

from harness.control_client import ControlAway, ControlClient
from harness.errors import EnvironmentNotReady
from harness.guard import precheck as precheck_module
from harness.guard.kill import registered
from harness.guard.leftovers import left, meeting
from harness.guard.precheck import StartRequest, precheck, refuse
from harness.stack.addresses import Addresses
from plans.models.targets import Targets, TargetSystem
from system.contract.api import RoundPublic
from system.contract.switches import defaults


class Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(503 if self.path.startswith("/broken") else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def parts() -> Iterator[str]:
    """An address where every part is ready; under /broken none is."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Ready)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Control:
    """Control's answers, as they are told to be."""

    values: dict[str, int] = field(default_factory=defaults)
    ahead_ms: float = 0.0
    away: bool = False
    rounds: list[RoundPublic] = field(default_factory=list)

    def clock_us(self) -> int:
        return self.now_us()

    def open_rounds(self) -> list[RoundPublic]:
        return self.rounds

    def now_us(self) -> int:
        if self.away:
            raise ControlAway("control is away")
        return int(time.time_ns() / 1000 + self.ahead_ms * 1000)

    def switches(self, lane: str = "live") -> dict[str, int]:
        return self.values


@pytest.fixture
def whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StartRequest]:
    (tmp_path / "ports").write_text(f"1\t{1 << 41}\n")
    monkeypatch.setattr(precheck_module, "PORT_RANGE", tmp_path / "ports")
    with parts() as url:
        at = Addresses.plain("", "", url, (url, url), url, {"live": url, "stress": url})
        yield StartRequest(
            addresses=at, control=cast(ControlClient, Control()), allowed=Targets(kind="targets"), elsewhere=False,
            lane="stress", peak_rps=1000.0, duration_s=60.0, taps=60_000, users=100, connections=100,
            runs=tmp_path / "runs", register=tmp_path / "runs" / ".generators",
        )  # fmt: skip


def entry(ask: StartRequest, rate: float = 1e6, length: float = 3600.0) -> Targets:
    host = (ask.addresses.control_url or "").removeprefix("http://")
    one = TargetSystem.model_construct(id="here", hosts=(host,), rate_max=rate, duration_max=length)
    return Targets.model_construct(kind="targets", targets=(one,))


def at(ask: StartRequest, **changes: object) -> StartRequest:
    known = ask.addresses
    plain = {
        "control_url": known.control_url, "front_urls": known.front_urls, "play_url": known.play_url,
        "credit_metrics_urls": known.credit_metrics_urls,
    }  # fmt: skip
    return replace(ask, addresses=Addresses.plain(**{**plain, **changes}))  # type: ignore[arg-type]


def control(ask: StartRequest, **changes: object) -> StartRequest:
    return replace(ask, control=cast(ControlClient, Control(**changes)))  # type: ignore[arg-type]


def blocked(ask: StartRequest) -> StartRequest:
    """A file stands where the register should be."""
    ask.runs.mkdir()
    ask.register.write_text("")
    return ask


BAD = "http://127.0.0.1:9"
BROKEN: list[tuple[str, Callable[[StartRequest], StartRequest]]] = [
    ("lane", lambda ask: replace(ask, elsewhere=True, lane="live")),
    ("allow-list", lambda ask: at(ask, front_urls=("http://192.0.2.1:80",))),
    ("allow-list", lambda ask: at(ask, front_metrics_urls=("http://192.0.2.1:80",))),
    ("rate limit", lambda ask: replace(ask, allowed=entry(ask, rate=999.0))),
    ("duration limit", lambda ask: replace(ask, allowed=entry(ask, length=59.0))),
    ("front-1", lambda ask: at(ask, front_urls=(ask.addresses.front_urls[0], BAD))),
    ("front-0", lambda ask: at(ask, front_urls=(f"{ask.addresses.control_url}/broken",))),
    ("front", lambda ask: at(ask, front_urls=())),
    ("control", lambda ask: at(ask, control_url=BAD)),
    ("play", lambda ask: at(ask, play_url=BAD)),
    ("play", lambda ask: at(ask, play_url=None)),
    ("credit-stress", lambda ask: at(ask, credit_metrics_urls={"stress": BAD})),
    ("clock", lambda ask: control(ask, ahead_ms=60.0)),
    ("clock", lambda ask: control(ask, ahead_ms=-60.0)),
    ("clock", lambda ask: control(ask, away=True)),
    ("switch draw.award", lambda ask: control(ask, values=defaults() | {"draw.award": 0})),
    ("switch stress.accept", lambda ask: control(ask, values=defaults() | {"stress.accept": 0})),
    ("open files", lambda ask: replace(ask, users=1 << 40, connections=1 << 40)),
    ("disk", lambda ask: replace(ask, taps=1e15)),
    ("kill switch", blocked),
]


def test_whole_nothing_is_refused(whole: StartRequest) -> None:
    found = precheck(whole)
    assert {one.state for one in found} == {"good"}
    refuse(found)


@pytest.mark.parametrize(("item", "hurt"), [pytest.param(i, h, id=f"{i}-{n}") for n, (i, h) in enumerate(BROKEN)])
def test_each_item_broken_refuses_by_name(
    whole: StartRequest, item: str, hurt: Callable[[StartRequest], StartRequest]
) -> None:
    found = precheck(hurt(whole))
    assert [one.item for one in found if one.state == "refused"] == [item]
    with pytest.raises(EnvironmentNotReady, match=f"\n  {item}: ") as caught:
        refuse(found)
    assert caught.value.exit_code == 5


def test_a_prometheus_that_does_not_answer_is_refused(whole: StartRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.guard.precheck.PROMETHEUS_DEADLINE_S", 0.3)
    found = precheck(at(whole, prometheus_url=BAD))
    assert [one.item for one in found if one.state == "refused"] == ["prometheus"]


@pytest.mark.parametrize("key", ["draw.delay_ms", "draw.shed_percent", "credit.pause"])
def test_what_is_degraded_on_purpose_is_a_warning(whole: StartRequest, key: str) -> None:
    found = precheck(control(whole, values=defaults() | {key: 1}))
    assert [(one.item, one.state) for one in found if one.state != "good"] == [(f"switch {key}", "warning")]
    refuse(found)


def test_a_live_run_does_not_need_the_stress_switch(whole: StartRequest) -> None:
    ask = control(replace(whole, lane="live"), values=defaults() | {"stress.accept": 0})
    assert {one.state for one in precheck(ask)} == {"good"}


def left_armed(lane: str, number: int, starts_s: float, state: str = "armed") -> RoundPublic:
    start_us = int((time.time() + starts_s) * 1e6)
    return RoundPublic.model_construct(
        round=number, lane=lane, state=state, start_us=start_us, end_us=start_us + 60_000_000
    )  # type: ignore[arg-type]


def test_what_earlier_runs_left_armed_is_named_with_its_command(whole: StartRequest) -> None:
    rounds = [
        left_armed("stress", 7, -90), left_armed("live", 8, -61), left_armed("live", 9, -5),
        left_armed("stress", 10, -90, "closing"), left_armed("stress", 11, 5),
    ]  # fmt: skip
    found = [one for one in precheck(control(whole, rounds=rounds)) if one.item == "rounds"]
    assert [(one.state, one.says) for one in found] == [
        ("warning", "stress round 7 is over and not closed: xiu round close 7"),
        ("warning", "live round 8 is over and not closed: xiu round close 8"),
        ("warning", "live round 9 is open: xiu round close 9"),
    ]
    refuse(found)
    with registered([whole.register], os.getpid(), "another run", whole.runs / "kill", whole.runs):
        found = [one for one in precheck(control(whole, rounds=rounds)) if one.item == "rounds"]
    assert [one.says.split(" is ")[0] for one in found] == ["stress round 7", "live round 8"], "9 is being played"


def test_too_few_local_ports_are_named_before_anything_is_sent(whole: StartRequest) -> None:
    precheck_module.PORT_RANGE.write_text("20000\t20060\n")
    assert not [one for one in precheck(replace(whole, users=122)) if one.state == "refused"]
    (found,) = [one for one in precheck(replace(whole, users=125, connections=125)) if one.state == "refused"]
    assert found.item == "local ports"
    assert found.says.startswith("61 local ports for 63 connections to a front: widen ")


def test_rounds_that_the_fronts_work_on_meanwhile() -> None:
    rounds = [
        left_armed("live", 1, -90),
        left_armed("live", 2, -5),
        left_armed("live", 3, 30),
        left_armed("live", 4, 300),
    ]
    told = Control(rounds=rounds)
    met = meeting(left(cast(ControlClient, told)), 120)
    assert [str(one) for one in met] == [
        "live round 1 is over and not closed: xiu round close 1",
        "live round 2 is open: xiu round close 2",
        "live round 3 is armed: xiu round close 3",
    ]

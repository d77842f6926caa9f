"""A system that is ready for a run, as the pre-check sees it: processes that answer, a control that is told what to
say, and the request of a start on the stress lane. A test breaks one piece of it.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest

from harness.control_client import ControlAway, ControlClient, ControlError
from harness.errors import EnvironmentNotReady
from harness.guard.precheck import ITEMS, Checked, StartRequest, precheck, refuse
from harness.stack.addresses import Addresses
from harness.stack.places import Directory
from plans.models.targets import Targets, TargetSystem
from system.contract.api import RoundPublic
from system.contract.errors import BadTag
from system.contract.ids import TAG_HEADER
from system.contract.parties import DOUBLE_HEADER, PARTIES, PATH
from system.contract.places import Place
from system.contract.switches import defaults
from system.tokens import sign_tag, tag_expiry, tag_key

KEY = tag_key(b"of the pre-check's own test, 32 b")
BAD = "http://127.0.0.1:9"
"""Nobody answers there."""
METRICS = """\
hongbao_switch{{key="stress.accept",lane="stress"}} 1
hongbao_stream_lag_entries{{lane="stress"}} {lag}
hongbao_requests_total{{lane="live",outcome="lose"}} {live}
hongbao_refusals_total{{code="bad_tag",lane="stress"}} {bad_tags}
hongbao_play_bad_tags_total {bad_tags}
"""
MOODS = ("broken", "deaf", "lax", "strict", "mute", "dull", "mixed", "behind", "real", "posing")
UNKNOWN_ROUND, BAD_TAG, BAD_TOKEN = (404, "unknown_round"), (403, "bad_tag"), (401, "bad_token")


class Parts(BaseHTTPRequestHandler):
    """Every part in one: fronts, control, play, credit, the doubles, Prometheus. Before a path may stand a mood:
    `/broken` (not ready), `/deaf` (loses the tag), `/lax` (takes any), `/strict` (takes none), `/mute` (no figures),
    `/dull` (counts no bad tag), `/mixed` (shows the other lane), `/behind` (awards wait), `/real` (a party itself, no
    double), `/posing` (a double without a mark).
    """

    def do_GET(self) -> None:
        mood, path = self._asked()
        if path == "/metrics":
            bad_tags = 0 if mood == "dull" else self.server.bad_tags  # type: ignore[attr-defined]
            live = int(self.server.live_rps * time.monotonic())  # type: ignore[attr-defined]
            figures = METRICS.format(lag=7 if mood == "behind" else 0, bad_tags=bad_tags, live=live)
            return self._send(200, "" if mood == "mute" else figures)
        if path == "/v1/wallet":
            return self._tagged(mood, (200, ""))
        if path.endswith(PATH) and mood != "real":
            name = path.split("/")[1]
            names = [party.name for party in PARTIES if party.name == name] or ["none"]
            mark = {} if mood == "posing" else {DOUBLE_HEADER: names[0]}
            return self._send(200, json.dumps({"double": names[0]}), **mark)
        if path == "/api/v1/alerts":
            rows = [{"labels": labels, "state": "firing"} for labels in self.server.alerts]  # type: ignore[attr-defined]
            return self._send(200, json.dumps({"data": {"alerts": rows}}))
        if path == "/api/v1/query":
            return self._send(200, json.dumps({"data": {"result": [{"value": [0, "0.5"]}]}}))
        return self._send(503 if mood == "broken" else 200, "")

    def do_POST(self) -> None:
        mood, _ = self._asked()
        self._tagged(mood, UNKNOWN_ROUND)

    def _asked(self) -> tuple[str, str]:
        path = self.path.partition("?")[0]
        first, _, rest = path.removeprefix("/").partition("/")
        return (first, f"/{rest}") if first in MOODS else ("", path)

    def _tagged(self, mood: str, accepted: tuple[int, str]) -> None:
        tag = self.headers.get(TAG_HEADER, "")
        if mood == "deaf":
            status, code = BAD_TOKEN
        else:
            good = mood == "lax" or (mood != "strict" and genuine(tag))
            status, code = accepted if good else BAD_TAG
            self.server.bad_tags += not good  # type: ignore[attr-defined]
        lane = "live" if mood == "mixed" else "stress"
        self._send(status, json.dumps({"error": {"code": code}} if code else {"lane": lane}))

    def _send(self, status: int, text: str, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Says nothing."""


class PartServer(ThreadingHTTPServer):
    """Serves the parts; `alerts`: labels of those that fire; `live_rps`: taps of the public, at each front."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Parts)
        self.alerts: list[dict[str, str]] = []
        self.bad_tags = 0
        self.live_rps = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


def genuine(tag: str) -> bool:
    try:
        return tag_expiry(KEY, tag.encode()) > time.time()
    except BadTag:
        return False


@contextmanager
def parts() -> Iterator[PartServer]:
    """An address where every part is ready."""
    server = PartServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@dataclass
class ToldControl:
    """Control's answers, as they are told to be."""

    values: dict[str, int] = field(default_factory=defaults)
    ahead_ms: float = 0.0
    away: bool = False
    rounds: list[RoundPublic] = field(default_factory=list)
    oldest_tag_s: int = -86_400

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

    def tokens(self, lane: str, first_uid: int, count: int, ttl_s: int = 7200) -> list[str]:
        assert lane == "stress"
        return [f"{uid}.9.ab" for uid in range(first_uid, first_uid + count)]

    def tag(self, run_id: str, ttl_s: int = 7200) -> str:
        if ttl_s < self.oldest_tag_s:
            raise ControlError("ttl_s: input should be greater than or equal to 1", 400)
        return sign_tag(KEY, run_id, int(time.time()) + ttl_s)


def ready(url: str, folder: Path, **changes: Any) -> StartRequest:
    """A start against which nothing stands."""
    at = with_doubles(Addresses.plain("", "", url, (url, url), url, {"live": url, "stress": url}, (url, url)), url)
    whole = StartRequest(
        addresses=at, control=cast(ControlClient, ToldControl()), allowed=Targets(kind="targets"), elsewhere=False,
        lane="stress", peak_rps=1000.0, duration_s=60.0, taps=60_000, users=100, connections=100,
        runs=folder / "runs", register=folder / "runs" / ".generators", taps_rps=900.0, ceiling_rps=1000.0,
        step_rps=500.0, started_by="ann",
        sum_live=lambda: "12 tables", look_at_shadow=tuple, check_lock=lambda: "ab" * 32,
    )  # fmt: skip
    return replace(whole, **changes)


def with_doubles(known: Addresses, url: str | None) -> Addresses:
    """The same, with doubles there."""
    rows = (*known.places, Place("doubles", "doubles", url=url))
    return replace(known, places=Directory(rows))


def at(ask: StartRequest, **changes: Any) -> StartRequest:
    """With other addresses."""
    known = ask.addresses
    plain: dict[str, Any] = {
        "control_url": known.control_url, "front_urls": known.front_urls, "play_url": known.play_url,
        "credit_metrics_urls": known.credit_metrics_urls, "front_metrics_urls": known.front_metrics_urls,
    }  # fmt: skip
    return replace(ask, addresses=with_doubles(Addresses.plain(**(plain | changes)), known.control_url))


def control(ask: StartRequest, **changes: Any) -> StartRequest:
    """With a control that says something else."""
    return replace(ask, control=cast(ControlClient, ToldControl(**changes)))


def entry(ask: StartRequest, rate: float = 1e6, length: float = 3600.0, **more: Any) -> Targets:
    """An allow-list that names the system with these limits."""
    host = (ask.addresses.control_url or "").removeprefix("http://")
    one = TargetSystem.model_construct(id="here", hosts=(host,), rate_max=rate, duration_max=length, **more)
    return Targets.model_construct(kind="targets", targets=(one,))


def left_armed(lane: str, number: int, starts_s: float, state: str = "armed") -> RoundPublic:
    """A round of a minute that begins in so many seconds."""
    start_us = int((time.time() + starts_s) * 1e6)
    return RoundPublic.model_construct(
        round=number, lane=lane, state=state, start_us=start_us, end_us=start_us + 60_000_000
    )


def of(name: str, ask: StartRequest) -> list[Checked]:
    """What one item finds."""
    (item,) = [item for item in ITEMS if item.name == name]
    return precheck(ask, [item])


def states(found: list[Checked]) -> set[str]:
    return {one.state for one in found}


def refusal(ask: StartRequest) -> tuple[set[str], str]:
    """What the whole pre-check refuses, by name, and its words; the start must be refused."""
    found = precheck(ask)
    with pytest.raises(EnvironmentNotReady, match="nothing was sent") as caught:
        refuse(found)
    assert caught.value.exit_code == 5
    return {one.name for one in found if one.state == "refused"}, str(caught.value)

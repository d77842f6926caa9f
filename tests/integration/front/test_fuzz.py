"""A real front process of a real stack under 100,000 requests that must not count: no crash, no win, memory flat."""

from __future__ import annotations

import asyncio
import os
import random
import re
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import psutil
import pytest
import requests
import uvloop
from prometheus_client.parser import text_string_to_metric_families
from valkey import Valkey

from harness.control_client import ControlClient
from harness.stack import Stack, new_folder
from system.contract.api import RoundOrder, SponsorSplit
from system.contract.compiled import VARIABLE
from system.contract.ids import Lane, stream_key
from tests.support.bare_front import statuses
from tests.support.fuzz import Case, Fuzz, Known
from tests.support.stores import wait_until

REQUESTS, WARM_REQUESTS = 100_000, 10_000
PLAIN_REQUESTS = 30_000
AT_ONCE, SLOW, DEAF = 48, 40, 4
USERS = 60
DRIP_S = 0.04
GROWTH_MIB_MAX = 6
ANSWER_S = 30.0
TAPS = re.compile(rb'"won"|"pending"')


@dataclass
class AnswerCounts:
    """What came of the cases."""

    address: tuple[str, int]
    requests: int = 0
    bad: int = 0
    connections: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def check(self, case: Case, got: bytes) -> None:
        self.requests += case.requests
        self.bad += case.bad
        self.connections += 1
        self.kinds[case.kind] += case.requests
        found = [int(word) for word in re.findall(rb"HTTP/1\.1 (\d{3}) ", got)]
        self.statuses.update(found)
        if TAPS.search(got):
            self.wrong.append(f"{case.kind}: a tap was drawn: {case.pieces} -> {got!r}")
        elif case.statuses is not None and statuses(got) != case.statuses:
            self.wrong.append(f"{case.kind}: {statuses(got)}, {case.statuses} expected: {case.pieces} -> {got!r}")


class Client(asyncio.Protocol):
    """One connection; keeps what it got, also when it ends by a reset."""

    def __init__(self) -> None:
        self.got, self.ended = bytearray(), asyncio.Event()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.got += data

    def eof_received(self) -> bool:
        self.ended.set()
        return True  # we go on sending: what the front makes of it is the question

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()
        self.transport = None

    def send(self, data: bytes) -> bool:
        """False once the connection is gone."""
        if self.transport is None or self.transport.is_closing():
            return False
        self.transport.write(data)
        return True

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()


async def connected(seen: AnswerCounts) -> Client:
    _, client = await asyncio.get_running_loop().create_connection(Client, *seen.address)
    return client


async def exchange(seen: AnswerCounts, case: Case, chance: random.Random) -> None:
    """Sends a case, and once more where the front had lost control for a moment and so served nobody."""
    deadline = time.monotonic() + ANSWER_S
    got = await answered(seen, case, chance)
    while case.statuses is not None and 503 in statuses(got) and time.monotonic() < deadline:
        await asyncio.sleep(DRIP_S)
        got = await answered(seen, case, chance)
    seen.check(case, got)


async def answered(seen: AnswerCounts, case: Case, chance: random.Random) -> bytes:
    """Sends a case piece by piece, says no more, reads to the end."""
    client = await connected(seen)
    for piece in case.pieces:
        if not client.send(piece):
            break
        if len(case.pieces) > 1:
            await asyncio.sleep(chance.choice((0, 0, 0.001, 0.005)))
    if client.transport is not None and not client.transport.is_closing():
        client.transport.write_eof()
    try:
        await asyncio.wait_for(client.ended.wait(), ANSWER_S)
    except TimeoutError:
        seen.wrong.append(f"{case.kind}: not ended after {ANSWER_S:g} s: {case.pieces} -> {bytes(client.got)!r}")
    client.abort()
    return bytes(client.got)


async def drip(seen: AnswerCounts, sound: bytes, over: asyncio.Event) -> None:
    """A sound tap, a byte now and then, never the last: 408 after the front's patience, or our own end."""
    while not over.is_set():
        client, at = await connected(seen), 0
        while not client.ended.is_set() and not over.is_set():
            if at < len(sound) - 1:
                client.send(sound[at : at + 1])
                at += 1
            await asyncio.sleep(DRIP_S)
        if client.ended.is_set():
            seen.check(Case("slow", 1, [sound[:at]], [408]), bytes(client.got))
        client.abort()


async def deaf(seen: AnswerCounts, over: asyncio.Event) -> None:
    """Asks for page after page and reads none."""
    page = b"GET /healthz HTTP/1.1\r\nHost: front\r\n\r\n"
    while not over.is_set():
        client = await connected(seen)
        assert client.transport is not None
        client.transport.pause_reading()
        client.send(page * 3000)
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), 1.0)
        client.abort()


async def barrage(seen: AnswerCounts, fuzz: Fuzz, sound: bytes, count: int, seed: int, slow_by_s: float = 0.0) -> None:
    """Cases until `count` bad requests more were sent, some connections slow and some deaf all the while.

    A quick machine is done before a slow request has timed out: then on until one has, for `slow_by_s` at most.
    """
    goal, over, until = seen.bad + count, asyncio.Event(), time.monotonic() + slow_by_s

    async def worker(number: int) -> None:
        chance = random.Random(f"{seed}:{number}")
        while not seen.wrong and (seen.bad < goal or (not seen.kinds["slow"] and time.monotonic() < until)):
            await exchange(seen, fuzz.case(), chance)

    async with asyncio.TaskGroup() as beside:
        for _ in range(SLOW):
            beside.create_task(drip(seen, sound, over))
        for _ in range(DEAF):
            beside.create_task(deaf(seen, over))
        async with asyncio.TaskGroup() as workers:
            for number in range(AT_ONCE):
                workers.create_task(worker(number))
        over.set()


class Target:
    """A stack with one front, three rounds, and what the world knows of its users."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        at = stack.addresses
        self.front = at.front_urls[0]
        self.metrics = f"{at.front_metrics_urls[0]}/metrics"
        self.control = ControlClient.of(stack)
        expired = self._tokens("live", 5000, ttl_s=1)
        self.known = Known(
            live=self._tokens("live", 1),
            stress=self._tokens("stress", 1),
            expired=expired,
            tag=self.control.tag("fuzz").encode(),
            open=self._round("live", 0),
            early=self._round("live", 3_600_000),
            stressed=self._round("stress", 0),
        )
        wait_until(lambda: self.gauges()["hongbao_front_ready_rounds"] == 3, 60, "three rounds ready")
        ends_s = int(expired[0].split(b".")[1])
        wait_until(lambda: self.control.now_us() > ends_s * 1_000_000, 60, "tokens expired")

    def _tokens(self, lane: Lane, first: int, **more: int) -> list[bytes]:
        return [token.encode() for token in self.control.tokens(lane, first, USERS, **more)]

    def _round(self, lane: Lane, starts_in_ms: int) -> int:
        """Whoever taps in it wins."""
        sponsor = SponsorSplit(sponsor=1, name="Fuzz", classes=((100, USERS),))
        order = RoundOrder(
            lane=lane, sponsors=(sponsor,), starts_in_ms=starts_in_ms, duration_ms=3_600_000, release_ms=1
        )
        return self.control.create_round(order).round

    def gauges(self) -> Counter[str]:
        """Values of the front's /metrics, summed over their labels."""
        sums: Counter[str] = Counter()
        for family in text_string_to_metric_families(requests.get(self.metrics, timeout=30).text):
            for sample in family.samples:
                sums[sample.name] += sample.value  # type: ignore[assignment]
        return sums

    def wins(self) -> dict[str, float]:
        """Every trace a win leaves, in front and stream."""
        gauges = self.gauges()
        names = (
            "hongbao_packets_issued_total",
            "hongbao_awarded_fen_total",
            "hongbao_pending_awards",
            "hongbao_appends_total",
        )
        with Valkey.from_url(self.stack.addresses.valkey_url) as valkey:
            known = self.known
            rounds: list[tuple[Lane, int]] = [("live", known.open), ("live", known.early), ("stress", known.stressed)]
            entries = sum(valkey.xlen(stream_key(0, lane, number, 0)) for lane, number in rounds)
        return {name: gauges[name] for name in names} | {"entries": entries}

    def rss_mib(self, pid: int) -> float:
        """Memory of the front, once nobody is connected but the one who asks."""
        wait_until(lambda: self.gauges()["hongbao_front_connections"] <= 1, 60, "connections are gone")
        return float(psutil.Process(pid).memory_info().rss) / (1 << 20)

    def tap(self, token: bytes) -> tuple[int, object]:
        """A sound tap in the open round."""
        url = f"{self.front}/v1/rounds/{self.known.open}/taps"
        answer = requests.post(url, headers={"Authorization": f"Bearer {token.decode()}"}, timeout=30)
        return answer.status_code, answer.json().get("won")

    def win(self, token: bytes) -> bool:
        """Taps until it wins: where the store is slow, a gate is shut for a moment, or a win is told as pending."""
        status, won = self.tap(token)
        assert status in (200, 202), "no tap of this user has counted before"
        wait_until(lambda: won is True or self.tap(token)[1] is True, 30, "every user wins")
        return True


def seeded() -> int:
    """XIU_FUZZ_SEED, or a new one."""
    return int(os.environ.get("XIU_FUZZ_SEED", random.SystemRandom().randrange(1 << 32)))


@pytest.mark.parametrize(
    ("build", "requests_"),
    [pytest.param("", REQUESTS, id="as users run it"), pytest.param("0", PLAIN_REQUESTS, id="the plain source")],
)
def test_a_hundred_thousand_bad_requests_change_nothing(
    build: str,
    requests_: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    seed = seeded()
    monkeypatch.setenv(VARIABLE, build)
    print(f"XIU_FUZZ_SEED={seed}")
    with Stack(new_folder(tmp_path), with_prometheus=False, environment={}) as stack:
        target = Target(stack)
        pid = stack.pid("front-0")
        host, _, port = target.front.removeprefix("http://").partition(":")
        seen, fuzz = AnswerCounts((host, int(port))), Fuzz(seed, target.known)
        sound = b"POST /v1/rounds/%d/taps HTTP/1.1\r\nHost: front\r\nAuthorization: Bearer %b\r\n\r\n" % (
            target.known.open, target.known.live[0],
        )  # fmt: skip

        def fire(count: int, slow_by_s: float = 0.0) -> None:
            uvloop.run(barrage(seen, fuzz, sound, count, seed, slow_by_s))

        before = target.wins()
        fire(WARM_REQUESTS)
        at_first = target.rss_mib(pid)
        began = time.monotonic()
        fire(requests_, slow_by_s=30.0)
        took = time.monotonic() - began
        at_last = target.rss_mib(pid)
        record_property(
            "shown",
            f"{'plain' if build else 'hot path as built'}, XIU_FUZZ_SEED={seed}: "
            f"{seen.requests:,} requests, {seen.bad:,} of them bad, over "
            f"{seen.connections:,} connections, {took:.0f} s; "
            f"kinds {dict(seen.kinds)}; answers {dict(sorted(seen.statuses.items()))}; "
            f"memory {at_first:.1f} MiB, then {at_last:.1f} MiB",
        )
        assert not seen.wrong, "\n".join((f"XIU_FUZZ_SEED={seed}", *seen.wrong))
        assert set(seen.kinds) == {"pipelined", "broken", "mutated", "garbage", "cut", "slow"}
        assert target.wins() == before
        assert stack.pid("front-0") == pid, "the front died"
        assert at_last - at_first <= GROWTH_MIB_MAX
        # The round was open all the while, and nobody's state was touched: every one of the users wins now.
        assert [target.win(token) for token in target.known.live] == [True] * USERS
        target.control.close()
        said = stack.folder.log("front-0").read_text()
    assert "Traceback" not in said
    assert " ERROR " not in said

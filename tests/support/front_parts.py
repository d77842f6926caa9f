"""Parts for tests of the draw path: a clock that stands, a round that awards at once, a wire without a kernel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

from system import tokens
from system.benching.bare_front import BareFront, BareRound, settings_for
from system.contract.ids import Lane
from system.contract.routing import Topology
from system.front.answers import HttpAnswer
from system.front.desk import Desk
from system.front.metrics import TAP_KINDS, FrontMetrics
from system.front.protocol import TapProtocol
from system.front.seam import NEVER, SettledWin, Waiter
from system.settings import FrontSettings

SECRET = bytes(range(32))
NOW_US = 1_800_000_000_000_000
NOW_S = NOW_US // 1_000_000
LIVE, STRESS, SHUT, EARLY, LATE = 1, 2, 3, 4, 5
"""Rounds: open on either lane, closed in the ledger, not begun (2 s to go), ended."""


class InstantRound(BareRound):
    """Awards as many packets as it is given, each settled before `award` returns; remembers who asked."""

    def __init__(self, round_id: int, lane: Lane, start_us: int, end_us: int, packets: int = 0) -> None:
        super().__init__(round_id, lane, start_us, end_us)
        self.packets = packets
        self.asked: list[int] = []
        self.joined: list[Waiter] = []
        self.opening_us = start_us if packets else NEVER

    def award(self, uid: int, now_us: int, waiter: Waiter) -> bool:
        self.asked.append(uid)
        if not self.packets:
            return False
        self.packets -= 1
        win = self.settled[uid] = SettledWin(packet=self.packets, fen=188, sponsor=7, time_us=now_us)
        waiter(win)
        return True

    def join(self, uid: int, waiter: Waiter) -> None:
        self.joined.append(waiter)


class StillFront(BareFront):
    """Five rounds around a clock that only a test moves."""

    def __init__(self, packets: int = 0) -> None:
        second = 1_000_000
        self.now = NOW_US
        self.live = InstantRound(LIVE, "live", NOW_US - second, NOW_US + 60 * second, packets)
        stress = InstantRound(STRESS, "stress", NOW_US - second, NOW_US + 60 * second)
        shut = InstantRound(SHUT, "live", NOW_US - second, NOW_US + 60 * second)
        shut.closed = True
        early = InstantRound(EARLY, "live", NOW_US + 2 * second - 1, NOW_US + 60 * second)
        late = InstantRound(LATE, "live", NOW_US - 60 * second, NOW_US)
        super().__init__([self.live, stress, shut, early, late])

    def now_us(self) -> int:
        return self.now

    @property
    def touched(self) -> bool:
        """Whether any round was asked for, or holds, a win."""
        rounds = cast("list[InstantRound]", list(self.rounds.values()))
        return any(round_.asked or round_.joined or round_.settled or round_.pending for round_ in rounds)


def settings(fronts: int = 1, **changes: Any) -> FrontSettings:
    made = settings_for(SECRET, ("127.0.0.1", 0))
    topology = Topology(tuple(f"http://f{number}" for number in range(fronts)), (0,) * fronts)
    return replace(made, **{"topology": topology, "limiter_slots": 1 << 12, **changes})


def token(uid: int = 42, lane: Lane = "live", expires_s: int = NOW_S + 60) -> bytes:
    return tokens.sign(tokens.token_key(SECRET, lane), str(uid), expires_s).encode()


def tag(run: str = "run-1", expires_s: int = NOW_S + 60) -> bytes:
    return tokens.sign_tag(tokens.tag_key(SECRET), run, expires_s).encode()


def tap(round_id: int | str = LIVE, bearer: bytes | None = None, *lines: bytes, body: bytes = b"") -> bytes:
    """A tap as a client sends it; `lines` are further header lines."""
    head = [f"POST /v1/rounds/{round_id}/taps HTTP/1.1".encode(), b"Host: front", *lines]
    head += [b"Authorization: Bearer " + (token() if bearer is None else bearer)]
    head += [b"Content-Length: %d" % len(body)]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


class Wire:
    """A transport that keeps what was written."""

    def __init__(self) -> None:
        self.sent = b""
        self.ended = self.closed = self.paused = False

    def write(self, data: bytes) -> None:
        assert not self.ended
        self.sent += data

    def write_eof(self) -> None:
        assert not self.ended
        self.ended = True

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        assert not self.paused
        self.paused = True

    def resume_reading(self) -> None:
        assert self.paused
        self.paused = False


class Timers:
    """An event loop's clock and timers, moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.due: list[tuple[float, Callable[..., None], tuple[Any, ...]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, call: Callable[..., None], *args: Any) -> Timers:
        self.due.append((self.now + delay, call, args))
        return self

    def cancel(self) -> None:
        """Handles are not told apart: a closed wire ignores what still fires."""

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        ready = [timer for timer in self.due if timer[0] <= self.now]
        self.due = [timer for timer in self.due if timer[0] > self.now]
        for _, call, args in ready:
            call(*args)


@dataclass
class Client:
    """One connection to a front without a kernel between."""

    front: StillFront
    wire: Wire
    timers: Timers
    metrics: FrontMetrics
    desk: Desk
    protocol: TapProtocol
    partial: dict[TapProtocol, float]

    def send(self, *chunks: bytes) -> None:
        for chunk in chunks:
            self.protocol.data_received(chunk)

    def counted(self, lane: int = 0) -> dict[str, int]:
        """What was counted, by kind, without zeros."""
        return {kind: count for kind, count in zip(TAP_KINDS, self.metrics.taps[lane], strict=True) if count}


def client(front: StillFront, shapes: bool = True, **changes: Any) -> Client:
    limits = settings(**changes)
    metrics, wire, timers = FrontMetrics(), Wire(), Timers()
    desk = Desk(front, limits, metrics, shapes=shapes)
    partial: dict[TapProtocol, float] = {}
    protocol = TapProtocol(desk, cast("asyncio.AbstractEventLoop", timers), {}, partial)
    protocol.connection_made(cast("asyncio.Transport", wire))
    return Client(front, wire, timers, metrics, desk, protocol, partial)


def statuses(sent: bytes) -> list[int]:
    """The statuses of the answers in `sent`; every one of them must be whole."""
    found = []
    while sent:
        head, end, rest = sent.partition(b"\r\n\r\n")
        assert end, sent
        lines = head.split(b"\r\n")
        found.append(int(lines[0].split(b" ")[1]))
        lengths = [int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")]
        length = lengths[0] if lengths else 0
        assert len(rest) >= length, sent
        sent = rest[length:]
    return found


class Replies:
    """A replier that keeps what comes later."""

    def __init__(self) -> None:
        self.got: list[HttpAnswer] = []

    def later(self) -> Callable[[HttpAnswer], None]:
        return self.got.append

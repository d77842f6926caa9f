"""Probes of a link: is it silent, is it slower, does it answer as before? They speak the protocol of its users."""

from __future__ import annotations

import socket
import statistics
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field

from chaos.faults.toxics import Toxics
from chaos.probing import NotSteady, P, Probe, ProbeReading, words
from harness.phrases import sentence
from plans.models.fault import FaultSpec, ProbeSpec
from plans.models.partial import Contradiction, Flag
from plans.models.quantity import Share
from system.contract.links import read_link

ASK_TIMEOUT_S, STEADY_TIMEOUT_S = 0.5, 2.0
"""Seconds for an answer; longer before the fault: one that is late once is no reason to inject nothing, a mute link is.
"""
ROUND_TRIPS = 7
JITTER_MS_MIN = 10
"""Less is what a busy machine shows without any fault."""
BACK_FACTOR, BACK_SLACK_S = 1.2, 0.005
PORTS = {"valkey": 6379, "postgres": 5432}
_START_UP = struct.pack("!I", 196608) + b"user\0xiu\0database\0postgres\0\0"
QUESTIONS = {
    "valkey": b"PING\r\n",
    "postgres": struct.pack("!I", len(_START_UP) + 4) + _START_UP,
    **dict.fromkeys(
        ("control", "doubles", "front", "targets"), b"GET /healthz HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n"
    ),
}


def round_trip_s(url: str, upstream: str, timeout_s: float = ASK_TIMEOUT_S) -> float | None:
    """Seconds for one short question through a link, on a connection of its own; None: refused, cut, or no answer."""
    parts = urlsplit(url)
    where = (parts.hostname or "127.0.0.1", parts.port or PORTS.get(upstream, 80))
    try:
        with socket.create_connection(where, timeout_s) as wire:
            wire.settimeout(timeout_s)
            began = time.perf_counter()
            wire.sendall(QUESTIONS[upstream])
            if not wire.recv(1):
                return None
            return time.perf_counter() - began
    except OSError:
        return None


class _OnLink(ProbeSpec):
    """`alone`: the other links' probes must go on answering; `share`: of the latency that was asked for, by which the
    round trip must rise.
    """

    alone: Flag = False
    share: Annotated[Share, Field(gt=0)] = 0.8


class Silent(_OnLink):
    """Nothing comes back."""

    kind: Literal["link_silent"]


class Rises(_OnLink):
    """The round trip rises by `share` of the latency that was asked for."""

    kind: Literal["round_trip_rises"]

    def blind(self, inject: FaultSpec, targets: tuple[str, ...]) -> Iterator[Contradiction]:
        if isinstance(inject, Toxics) and not inject.latency_ms:
            yield Contradiction((), "round_trip_rises without a latency", "a latency toxic of 1 ms or more")


class Spreads(_OnLink):
    """Round trips differ by `share` of the jitter that was asked for, or more."""

    sees: ClassVar[tuple[str, ...]] = ("toxics",)
    kind: Literal["round_trip_spreads"]

    def blind(self, inject: FaultSpec, targets: tuple[str, ...]) -> Iterator[Contradiction]:
        if not isinstance(inject, Toxics) or inject.jitter_ms < JITTER_MS_MIN:
            expected = f"a latency toxic with a jitter of {JITTER_MS_MIN} ms or more"
            yield Contradiction((), "round_trip_spreads without a jitter", expected)


class Answers(ProbeSpec):
    """The link answers, as fast as before."""

    kind: Literal["link_answers"]


class _LinkProbe(Probe[P]):
    """What they share: the round trip as it was without a fault."""

    base_s = 0.0

    def look(self) -> ProbeReading:
        target = self.at.target
        trips = [self.ask(target, STEADY_TIMEOUT_S) for _ in range(ROUND_TRIPS)]
        answered = [trip for trip in trips if trip is not None]
        if len(answered) < ROUND_TRIPS:
            raise NotSteady(f"{target} answers {len(answered)} of {ROUND_TRIPS} questions, without any fault")
        self.base_s = statistics.median(answered)
        return ProbeReading(True, sentence("link_answers", target=target, took_ms=self.base_s * 1000))

    def ask(self, name: str, timeout_s: float = ASK_TIMEOUT_S) -> float | None:
        """The slowest of its ends; None where one is mute."""
        trips = self.ask_all(name, timeout_s)
        answered = [trip for trip in trips if trip is not None]
        return max(answered) if len(answered) == len(trips) else None

    def ask_all(self, name: str, timeout_s: float = ASK_TIMEOUT_S) -> list[float | None]:
        """Each of its ends, all at once: one of a plain link, several of one of the edge."""
        link, at = read_link(name), self.at.stack.addresses
        assert link is not None, f"{name} is a link: the file was checked"
        urls = [at.links[name]] if link.always else list(at.edge[name].values())
        if len(urls) == 1:
            return [round_trip_s(urls[0], link.upstream, timeout_s)]
        with ThreadPoolExecutor(len(urls)) as pool:
            return list(pool.map(lambda url: round_trip_s(url, link.upstream, timeout_s), urls))


class SilentProbe(_LinkProbe[Silent]):
    """Nothing comes back; with `alone`, from this link only."""

    kind = "link_silent"
    Spec = Silent

    def seen(self) -> ProbeReading:
        target = self.at.target
        if any(trip is not None for trip in self.ask_all(target)):
            return ProbeReading(False, sentence("link_still", target=target))
        if not self.spec.alone:
            return ProbeReading(True, sentence("link_silent", target=target))
        # A link with another fault of the same drill on it is not counted against this fault.
        disturbed = {target, *(detail.get("link") for detail in self.at.others())}
        others = [link for link in self.at.stack.addresses.links if link not in disturbed]
        if silent := [link for link in others if self.ask(link) is None]:
            return ProbeReading(False, sentence("link_not_alone", names=", ".join(silent)))
        return ProbeReading(True, sentence("link_alone", target=target, others=len(others)))


class RisesProbe(_LinkProbe[Rises]):
    """The round trip is longer by most of what was asked for."""

    kind = "round_trip_rises"
    Spec = Rises

    def seen(self) -> ProbeReading:
        inject = self.at.inject
        asked_s = inject.latency_ms / 1000 if isinstance(inject, Toxics) else 0.0
        patience_s = ASK_TIMEOUT_S + asked_s
        trips = [trip for trip in (self.ask(self.at.target, patience_s) for _ in range(3)) if trip is not None]
        rose_s = (statistics.median(trips) if trips else patience_s) - self.base_s
        says = sentence("link_slower", target=self.at.target, rose_ms=rose_s * 1000, asked_ms=asked_s * 1000)
        return ProbeReading(rose_s >= self.spec.share * asked_s, says)


class SpreadsProbe(_LinkProbe[Spreads]):
    """Of seven round trips the longest and the shortest: a jitter of j draws them from a range of twice that."""

    kind = "round_trip_spreads"
    Spec = Spreads

    def seen(self) -> ProbeReading:
        inject = self.at.inject
        assert isinstance(inject, Toxics), "the file was checked"
        asked_s, patience_s = inject.jitter_ms / 1000, ASK_TIMEOUT_S + (inject.latency_ms + inject.jitter_ms) / 1000
        asked = [self.ask(self.at.target, patience_s) for _ in range(ROUND_TRIPS)]
        trips = [trip for trip in asked if trip is not None]
        spread_s = max(trips) - min(trips) if len(trips) > 1 else 0.0
        target, ms, asked_ms = self.at.target, spread_s * 1000, asked_s * 1000
        says = words(
            f"round trips of {target} differ by {ms:.1f} ms, asked for {asked_ms:.0f}",
            f"{target} 的往返时间相差 {ms:.1f} 毫秒，要求 {asked_ms:.0f} 毫秒",
        )
        return ProbeReading(spread_s >= self.spec.share * asked_s, says)


class AnswersProbe(_LinkProbe[Answers]):
    """It answers three times, as fast as before."""

    kind = "link_answers"
    Spec = Answers

    def seen(self) -> ProbeReading:
        target = self.at.target
        trips = [trip for trip in (self.ask(target) for _ in range(3)) if trip is not None]
        if len(trips) < 3:
            return ProbeReading(False, sentence("link_mute", target=target))
        now_s = statistics.median(trips)
        back = now_s <= self.base_s * BACK_FACTOR + BACK_SLACK_S
        return ProbeReading(
            back, sentence("link_back", target=target, took_ms=now_s * 1000, before_ms=self.base_s * 1000)
        )

"""Is the effect there, is it gone again? Asked from outside, over the wire a link's users speak. Changes nothing."""

from __future__ import annotations

import asyncio
import socket
import statistics
import struct
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from chaos.errors import ChaosError
from chaos.faults import process, store
from harness.phrases import said
from harness.stack import LINKS, Stack, probes
from plans.models.fault import Fault, latency_ms

ASK_TIMEOUT_S = 0.5
ROUND_TRIPS = 7
BACK_FACTOR, BACK_SLACK_S = 1.2, 0.005
PORTS = {"valkey": 6379, "postgres": 5432}


class NotSteady(ChaosError):
    """The system was not as it should be before anything was injected."""


class NothingYet(NotSteady):
    """What the fault takes away is brought by the run itself: a rehearsal finds none, and that is as it should be."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a probe found, and in words."""

    yes: bool
    says: str


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


_START_UP = struct.pack("!I", 196608) + b"user\0xiu\0database\0postgres\0\0"
QUESTIONS = {
    "valkey": b"PING\r\n",
    "postgres": struct.pack("!I", len(_START_UP) + 4) + _START_UP,
    "control": b"GET /healthz HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n",
}


def ready_url(stack: Stack, part: str) -> str:
    """Where a part is asked whether it is ready."""
    at = stack.addresses
    if part.startswith("front-"):
        return f"{at.front_urls[int(part.removeprefix('front-'))]}/readyz"
    if part.startswith("credit-"):
        return f"{at.credit_metrics_urls[part.removeprefix('credit-')]}/readyz"
    urls = {
        "control": f"{at.control_url}/readyz", "play": f"{at.play_url}/readyz",
        "toxiproxy": f"{at.toxiproxy_url}/version", "valkey": at.valkey_url, "postgres": at.postgres_url,
    }  # fmt: skip
    url = urls[part]
    return url.replace("postgresql://", "postgres://", 1).replace("redis://", "valkey://", 1)


def part_ready(stack: Stack, part: str) -> bool:
    """Does it run, and say that it is ready?"""
    return part in stack.pids() and asyncio.run(probes.ready(ready_url(stack, part)))


class Probes:
    """The probes of one fault on one target. `look` first, before anything is injected."""

    def __init__(self, stack: Stack, fault: Fault, target: str, detail: dict[str, Any]) -> None:
        self._stack, self._fault, self._target, self._detail = stack, fault, target, detail
        self._base_s = 0.0

    def look(self) -> Seen:
        """The steady state. Raises NotSteady when the effect is there already, or nothing can be seen."""
        if self._target in LINKS:
            trips = [self._ask(self._target) for _ in range(ROUND_TRIPS)]
            answered = [trip for trip in trips if trip is not None]
            if len(answered) < ROUND_TRIPS:
                raise NotSteady(f"{self._target} answers {len(answered)} of {ROUND_TRIPS} questions, without any fault")
            self._base_s = statistics.median(answered)
            return Seen(True, said("link_answers", target=self._target, took_ms=self._base_s * 1000))
        if self._fault.effect_probe.kind == "streams_gone":
            if not self._detail["streams"]:
                raise NothingYet("Valkey has no stream of wins: there is nothing to lose")
            return Seen(True, said("streams", count=len(self._detail["streams"])))
        if not part_ready(self._stack, self._target):
            raise NotSteady(f"{self._target} is not ready, without any fault")
        return Seen(True, said("part_is_ready_pid", target=self._target, pid=self._detail["pid"]))

    def effect(self) -> Seen:
        """Does the symptom show?"""
        return {
            "link_silent": self._link_silent, "round_trip_rises": self._round_trip_rises,
            "process_gone": self._process_gone, "process_frozen": self._process_frozen,
            "streams_gone": self._streams_gone,
        }[self._fault.effect_probe.kind]()  # fmt: skip

    def healed(self) -> Seen:
        """Is the system back?"""
        kind = self._fault.heal_probe.kind
        if kind == "link_answers":
            return self._link_answers()
        if kind == "part_ready":
            return Seen(part_ready(self._stack, self._target), said("part_is_ready", target=self._target))
        fronts = [f"front-{k}" for k in range(len(self._stack.addresses.front_urls))]
        waiting = [front for front in fronts if not part_ready(self._stack, front)]
        fences = bool(waiting) or bool(store.streams(self._stack))
        says = said("fronts_wait", names=", ".join(waiting)) if waiting else said("fronts_ready")
        return Seen(not waiting and fences, says)

    def _ask(self, link: str, timeout_s: float = ASK_TIMEOUT_S) -> float | None:
        return round_trip_s(self._stack.addresses.links[link], LINKS[link], timeout_s)

    def _link_silent(self) -> Seen:
        if self._ask(self._target) is not None:
            return Seen(False, said("link_still", target=self._target))
        if self._fault.effect_probe.alone:
            silent = [link for link in LINKS if link != self._target and self._ask(link) is None]
            if silent:
                return Seen(False, said("link_not_alone", names=", ".join(silent)))
            return Seen(True, said("link_alone", target=self._target, others=len(LINKS) - 1))
        return Seen(True, said("link_silent", target=self._target))

    def _round_trip_rises(self) -> Seen:
        asked_s = latency_ms(self._fault) / 1000
        patience_s = ASK_TIMEOUT_S + asked_s
        trips = [trip for trip in (self._ask(self._target, patience_s) for _ in range(3)) if trip is not None]
        rose_s = (statistics.median(trips) if trips else patience_s) - self._base_s
        says = said("link_slower", target=self._target, rose_ms=rose_s * 1000, asked_ms=asked_s * 1000)
        return Seen(rose_s >= self._fault.effect_probe.share * asked_s, says)

    def _process_gone(self) -> Seen:
        gone = not process.lives(self._detail)
        return Seen(gone, said("part_gone" if gone else "part_there", target=self._target, pid=self._detail["pid"]))

    def _process_frozen(self) -> Seen:
        still = process.frozen(self._detail)
        return Seen(still, said("part_stands" if still else "part_runs", target=self._target, pid=self._detail["pid"]))

    def _streams_gone(self) -> Seen:
        before, now = self._detail["streams"], store.streams(self._stack)
        lost = [key for key, first in before.items() if now.get(key) != first]
        return Seen(bool(lost), said("streams_lost", lost=len(lost), count=len(before)))

    def _link_answers(self) -> Seen:
        trips = [trip for trip in (self._ask(self._target) for _ in range(3)) if trip is not None]
        if len(trips) < 3:
            return Seen(False, said("link_mute", target=self._target))
        now_s = statistics.median(trips)
        back = now_s <= self._base_s * BACK_FACTOR + BACK_SLACK_S
        return Seen(back, said("link_back", target=self._target, took_ms=now_s * 1000, before_ms=self._base_s * 1000))

"""Probe `throughput_falls`: bulk through a link to Valkey takes much longer than before."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from chaos.probing import NotSteady, Probe, ProbeReading, words
from harness.phrases import Sentence
from plans.models.fault import FaultSpec, ProbeSpec
from plans.models.partial import Contradiction
from system.contract.links import read_link

BULK_BYTES = 64 * 1024
TIMEOUT_S = 3.0
ABOVE = 2.0
"""Through a limit of r KB/s a short measurement sees at most this many times r, because buffers are filled at once."""


class ThroughputFalls(ProbeSpec):
    """No more comes through than what the fault leaves."""

    sees: ClassVar[tuple[str, ...]] = ("bandwidth",)
    kind: Literal["throughput_falls"]

    def blind(self, inject: FaultSpec, targets: tuple[str, ...]) -> Iterator[Contradiction]:
        if inject.kind == "bandwidth" and getattr(inject, "rate", 0) * 1024 >= BULK_BYTES * 8:
            yield Contradiction((), "throughput_falls cannot tell so wide a pipe", "a rate below 512 KB/s")
        for target in targets:
            if (link := read_link(target)) is None or link.upstream != "valkey":
                what = f"throughput_falls on {target}: it speaks with Valkey"
                yield Contradiction((), what, "service_rises on client-front, or a probe of your own")


class ThroughputProbe(Probe[ThroughputFalls]):
    """Valkey echoes what PING carries, so the same bytes go both ways."""

    kind = "throughput_falls"
    Spec = ThroughputFalls

    def look(self) -> ProbeReading:
        rate = self._rate_bps()
        if rate <= self._left_bps():
            raise NotSteady(f"{self.at.target} lets {rate / 1024:,.0f} KB/s through, without any fault")
        return ProbeReading(True, self._says(rate))

    def seen(self) -> ProbeReading:
        rate = self._rate_bps()
        return ProbeReading(rate <= self._left_bps(), self._says(rate))

    def _left_bps(self) -> float:
        return ABOVE * 1024 * float(getattr(self.at.inject, "rate", 0))

    def _says(self, rate: float) -> Sentence:
        target, kb = self.at.target, rate / 1024
        return words(f"{target} lets {kb:,.0f} KB/s through", f"{target} 每秒通过 {kb:,.0f} KB")

    def _rate_bps(self) -> float:
        """Bytes per second of one echo; what did not come within the time-out is not counted."""
        parts, got, began = urlsplit(self.at.stack.addresses.links[self.at.target]), 0, time.perf_counter()
        ask = b"*2\r\n$4\r\nPING\r\n$%d\r\n%s\r\n" % (BULK_BYTES, b"x" * BULK_BYTES)
        try:
            with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 6379), TIMEOUT_S) as wire:
                wire.settimeout(TIMEOUT_S)
                wire.sendall(ask)
                while got < BULK_BYTES and time.perf_counter() - began < TIMEOUT_S:
                    if not (part := wire.recv(BULK_BYTES)):
                        break
                    got += len(part)
        except OSError:
            pass
        return got / (time.perf_counter() - began)

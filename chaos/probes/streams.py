"""Probes of Valkey's win log: are its streams gone, have the fronts appended again?"""

from __future__ import annotations

from typing import Literal

from chaos import store
from chaos.probing import NothingYet, Probe, ProbeReading
from chaos.ready import part_ready
from harness.phrases import sentence
from plans.models.fault import ProbeSpec


class StreamsGone(ProbeSpec):
    """Streams of wins lost their first entry."""

    kind: Literal["streams_gone"]


class FrontsReady(ProbeSpec):
    """Every front serves, and streams are there again."""

    kind: Literal["fronts_ready"]


class StreamsGoneProbe(Probe[StreamsGone]):
    """Against the streams as the ledger's line has them."""

    kind = "streams_gone"
    Spec = StreamsGone

    def look(self) -> ProbeReading:
        if not self.at.detail["streams"]:
            raise NothingYet("Valkey has no stream of wins: there is nothing to lose")
        return ProbeReading(True, sentence("streams", count=len(self.at.detail["streams"])))

    def seen(self) -> ProbeReading:
        before, now = self.at.detail["streams"], store.streams(self.at.stack, self.at.target)
        lost = [key for key, first in before.items() if now.get(key) != first]
        return ProbeReading(bool(lost), sentence("streams_lost", lost=len(lost), count=len(before)))


class FrontsReadyProbe(Probe[FrontsReady]):
    """A flushed stream begins anew with what a front appends again."""

    kind = "fronts_ready"
    Spec = FrontsReady

    def seen(self) -> ProbeReading:
        places = self.at.stack.places
        target = places.find(self.at.target)
        log = target if target is not None and target.role == "valkey" else places.of("valkey")[0]
        fronts = [place.name for place in places.of("front", cell=log.cell)]
        waiting = [name for name in fronts if not part_ready(self.at.stack, name)]
        fences = bool(waiting) or bool(store.streams(self.at.stack, log.name))
        says = sentence("fronts_wait", names=", ".join(waiting)) if waiting else sentence("fronts_ready")
        return ProbeReading(not waiting and fences, says)

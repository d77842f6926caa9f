"""Kind `bandwidth`: limits a link to Valkey, or of the edge, to so many KB per second, each way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from chaos.links import LinkKind
from chaos.toxiproxy import ToxicState
from plans.models.fault import FaultSpec, Fits
from plans.models.partial import Contradiction
from plans.models.quantity import Count
from system.contract.links import read_link


class Bandwidth(FaultSpec):
    """At most `rate` KB/s in each direction."""

    on = "link"
    FITS: ClassVar = {"bandwidth": Fits(("remove_toxics",), ("throughput_falls",), ("link_answers",))}
    kind: Literal["bandwidth"]
    rate: Annotated[Count, Field(ge=1)]

    def misplaced(self, targets: tuple[str, ...]) -> Iterator[Contradiction]:
        for target in targets:
            if (link := read_link(target)) is None or (link.always and link.upstream != "valkey"):
                yield Contradiction(("inject",), f"bandwidth on {target}", "a link to Valkey, or of the edge")


class BandwidthKind(LinkKind[Bandwidth]):
    """One toxic a direction."""

    kind = "bandwidth"
    Spec = Bandwidth

    def toxics(self, spec: Bandwidth) -> Iterable[ToxicState]:
        for stream in ("upstream", "downstream"):
            yield ToxicState("", "bandwidth", stream, 1.0, {"rate": spec.rate})

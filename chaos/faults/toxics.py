"""Kind `toxics`: any of toxiproxy's toxics on a link's proxy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from chaos.links import LinkKind
from chaos.toxiproxy import ToxicState
from plans.models.fault import FaultSpec, Fits
from plans.models.partial import Contradiction, PlanModel, check
from plans.models.quantity import Count, Share

TOXIC_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "latency": ("latency", "jitter"),
    "bandwidth": ("rate",),
    "slow_close": ("delay",),
    "timeout": ("timeout",),
    "reset_peer": ("timeout",),
    "slicer": ("average_size", "size_variation", "delay"),
    "limit_data": ("bytes",),
}


class Toxic(PlanModel):
    """One toxic of toxiproxy 2.12. `toxicity` is drawn per connection."""

    type: Literal["latency", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data"]
    stream: Literal["upstream", "downstream"]
    attributes: dict[str, Count]
    toxicity: Annotated[Share, Field(gt=0)] = 1.0

    @check
    def _known(self) -> Iterator[Contradiction]:
        known = TOXIC_ATTRIBUTES[self.type]
        for name in self.attributes:
            if name not in known:
                yield Contradiction(("attributes", name), f"{self.type} has no attribute {name}", ", ".join(known))


class Toxics(FaultSpec):
    """On a link's proxy."""

    on = "link"
    FITS: ClassVar = {"toxics": Fits(("remove_toxics",), ("link_silent", "round_trip_rises"), ("link_answers",))}
    kind: Literal["toxics"]
    toxics: tuple[Toxic, ...] = Field(min_length=1)

    @property
    def in_words(self) -> str:
        return "; ".join(
            f"{toxic.type} {toxic.stream} " + ", ".join(f"{key} {value}" for key, value in toxic.attributes.items())
            for toxic in self.toxics
        )

    @property
    def jitter_ms(self) -> int:
        """By how much a round trip is to be longer or shorter than that."""
        return sum(toxic.attributes.get("jitter", 0) for toxic in self.toxics if toxic.type == "latency")

    @property
    def latency_ms(self) -> int:
        """By how much a round trip is to rise: latencies of both directions."""
        return sum(toxic.attributes.get("latency", 0) for toxic in self.toxics if toxic.type == "latency")


class ToxicsKind(LinkKind[Toxics]):
    """The toxics as the file has them."""

    kind = "toxics"
    Spec = Toxics

    def toxics(self, spec: Toxics) -> Iterable[ToxicState]:
        for toxic in spec.toxics:
            yield ToxicState("", toxic.type, toxic.stream, toxic.toxicity, dict(toxic.attributes))

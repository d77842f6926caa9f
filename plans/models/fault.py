"""A fault template: what is broken, how its effect is seen, how it is healed and the healing seen. Refuses one that
has no way back, or that nothing would notice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, field_validator

from plans.models.errors import closest
from plans.models.forecast import Words
from plans.models.partial import Contradiction, Flag, PlanModel, check
from plans.models.quantity import Count, Duration, Share
from system.contract.links import LINKS, links_of, read_link
from system.contract.places import ALONE, front, read_place, system

FaultId = Annotated[str, Field(pattern=r"^[A-Z][0-9]{1,3}[a-z]?$", description="Its number in the catalogue: N15, P1.")]
Code = Annotated[str, Field(pattern=r"^([SL])([1-9]|1[0-2])$", description="An invariant of docs/money.md.")]
LINK_IDS = tuple(link.id for link in links_of())
PARTS = tuple(place.name for place in system())
"""Of a system of one front and one cell; larger ones have more, by the rules of `system.contract.places`."""
_ROLES = ("valkey", "front", "credit", *ALONE)


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


TOXIC_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "latency": ("latency", "jitter"),
    "bandwidth": ("rate",),
    "slow_close": ("delay",),
    "timeout": ("timeout",),
    "reset_peer": ("timeout",),
    "slicer": ("average_size", "size_variation", "delay"),
    "limit_data": ("bytes",),
}


class Toxics(PlanModel):
    """On a link's proxy."""

    kind: Literal["toxics"]
    toxics: tuple[Toxic, ...] = Field(min_length=1)


class Refuse(PlanModel):
    """The link's proxy disabled: connections are closed, new ones refused."""

    kind: Literal["refuse"]


class Signal(PlanModel):
    """A signal to a part's process. `stays_down`: the stack does not start it again until the heal."""

    kind: Literal["signal"]
    signal: Literal["KILL", "STOP"]
    stays_down: Flag = False


class Flush(PlanModel):
    """FLUSHALL on Valkey, as an operator's slip does it. Nothing takes it back: the fronts append again."""

    kind: Literal["flush"]


Inject = Annotated[Toxics | Refuse | Signal | Flush, Field(discriminator="kind")]


class EffectProbe(PlanModel):
    """The symptom that must appear. `alone`: the other links' probes must go on answering; `share`: of the latency
    that was asked for, by which the round trip must rise.
    """

    kind: Literal["link_silent", "round_trip_rises", "process_gone", "process_frozen", "streams_gone"]
    within: Duration = Field(gt=0)
    alone: Flag = False
    share: Annotated[Share, Field(gt=0)] = 0.8


class Heal(PlanModel):
    """How it is taken back. Behind the first try stands the ladder of chaos/heal.py."""

    kind: Literal["remove_toxics", "enable", "restart", "continue", "appended_again"]


class HealProbe(PlanModel):
    """What must be seen afterwards."""

    kind: Literal["link_answers", "part_ready", "fronts_ready"]
    within: Duration = Field(gt=0)


class Fault(PlanModel):
    """The whole file."""

    kind: Literal["fault"]
    id: FaultId
    title: Words
    about: str = ""
    aims: tuple[Code, ...] = Field(min_length=1)
    requires: tuple[Literal["toxiproxy"], ...] = ()
    targets: tuple[str, ...] = Field(min_length=1, description=f"Links ({LINK_IDS[0]}) or parts ({front(0).name}).")
    inject: Inject
    effect_probe: EffectProbe
    heal: Heal
    heal_probe: HealProbe
    expires: Duration = Field(default=120.0, gt=0, description="A process of its own heals it after this, always.")

    @field_validator("targets")
    @classmethod
    def _targets(cls, targets: tuple[str, ...]) -> tuple[str, ...]:
        for target in targets:
            check_target(target)
        return targets

    @check
    def _on_targets(self) -> Iterator[Contradiction]:
        if isinstance(self.inject, Flush) and self.targets != ("valkey",):
            yield Contradiction(("targets",), f"flush on {', '.join(self.targets)}", "valkey alone")
            return
        on_link = self.inject.kind in ("toxics", "refuse")
        for target in self.targets:
            if on_link != is_link(target):
                yield Contradiction(
                    ("inject",), f"{self.inject.kind} on {target}", f"a {'link' if on_link else 'part'}"
                )

    @check
    def _seen(self) -> Iterator[Contradiction]:
        yield from self._fits("effect_probe", "cannot see", _fits(self.inject).effects)
        if self.effect_probe.kind == "round_trip_rises" and isinstance(self.inject, Toxics) and not latency_ms(self):
            yield Contradiction(
                ("effect_probe",), "round_trip_rises without a latency", "a latency toxic of 1 ms or more"
            )

    @check
    def _undone(self) -> Iterator[Contradiction]:
        yield from self._fits("heal", "does not undo", _fits(self.inject).heals)

    @check
    def _seen_healed(self) -> Iterator[Contradiction]:
        yield from self._fits("heal_probe", "does not show the end of", _fits(self.inject).healed)

    def _fits(self, key: str, does: str, known: tuple[str, ...]) -> Iterator[Contradiction]:
        kind = getattr(self, key).kind
        if kind not in known:
            yield Contradiction((key,), f"{kind} {does} {_way(self.inject)}", ", ".join(known))


class Fits(NamedTuple):
    """What goes with a way of injecting."""

    heals: tuple[str, ...]
    effects: tuple[str, ...]
    healed: tuple[str, ...]


FITS = {
    "toxics": Fits(("remove_toxics",), ("link_silent", "round_trip_rises"), ("link_answers",)),
    "refuse": Fits(("enable",), ("link_silent",), ("link_answers",)),
    "KILL": Fits(("restart",), ("process_gone",), ("part_ready",)),
    "STOP": Fits(("continue",), ("process_frozen",), ("part_ready",)),
    "flush": Fits(("appended_again",), ("streams_gone",), ("fronts_ready",)),
}


def _way(inject: Inject) -> str:
    return inject.signal if isinstance(inject, Signal) else inject.kind


def _fits(inject: Inject) -> Fits:
    return FITS[_way(inject)]


def latency_ms(fault: Fault) -> int:
    """By how much a round trip is to rise: latencies of both directions."""
    toxics = fault.inject.toxics if isinstance(fault.inject, Toxics) else ()
    return sum(toxic.attributes.get("latency", 0) for toxic in toxics if toxic.type == "latency")


def is_link(target: str) -> bool:
    """Is it a link that is always in the path, in a system of any size?"""
    link = read_link(target)
    return link is not None and link.always


def check_target(target: str) -> str:
    """Raises ValueError for what is no link and no part."""
    known = (*LINK_IDS, *PARTS)
    place = read_place(target)
    if is_link(target) or (place is not None and place.role in _ROLES):
        return target
    near = closest(target, known)
    kind = "link" if any(target.endswith(f"-{link.upstream}") for link in LINKS) or near in LINK_IDS else "link or part"
    hint = f"; did you mean {near}?" if near else ""
    raise ValueError(f"no {kind} {target}; expected one of {', '.join(known)}{hint}")

"""A fault template: what is broken, how its effect is seen, how it is healed and the healing seen. Refuses one that
has no way back, or that nothing would notice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from plans.models.errors import closest
from plans.models.forecast import Words
from plans.models.partial import Contradiction, PlanModel, check
from plans.models.quantity import Count, Duration, Share
from system.contract.links import LINKS

FaultId = Annotated[str, Field(pattern=r"^[A-Z][0-9]{1,3}[a-z]?$", description="Its number in the catalogue: N15, P1.")]
Code = Annotated[str, Field(pattern=r"^([SL])([1-9]|1[0-2])$", description="An invariant of docs/money.md.")]
LINK_IDS = tuple(link.id for link in LINKS if link.always)
PARTS = ("valkey", "postgres", "toxiproxy", "control", "front-0", "credit-live", "credit-stress", "play")
_FRONT = re.compile(r"front-\d+")


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
    stays_down: bool = False


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
    alone: bool = False
    share: Share = 0.8


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
    targets: tuple[str, ...] = Field(min_length=1, description="Links (front-valkey) or parts (front-0).")
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

    @field_validator("inject")
    @classmethod
    def _on_targets(cls, inject: Inject, info: ValidationInfo) -> Inject:
        on_link = inject.kind in ("toxics", "refuse")
        for target in info.data.get("targets", ()):
            if on_link != (target in LINK_IDS):
                raise ValueError(f"{inject.kind} on {target}; expected a {'link' if on_link else 'part'}")
        return inject

    @field_validator("effect_probe")
    @classmethod
    def _sees(cls, probe: EffectProbe, info: ValidationInfo) -> EffectProbe:
        inject = info.data.get("inject")
        if inject is not None and probe.kind not in FITS[inject.kind][1]:
            raise ValueError(f"{probe.kind} cannot see {inject.kind}; expected {', '.join(FITS[inject.kind][1])}")
        return probe

    @field_validator("heal")
    @classmethod
    def _undoes(cls, heal: Heal, info: ValidationInfo) -> Heal:
        inject = info.data.get("inject")
        if inject is not None and heal.kind not in FITS[inject.kind][0]:
            raise ValueError(f"{heal.kind} does not undo {inject.kind}; expected {', '.join(FITS[inject.kind][0])}")
        return heal


FITS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "toxics": (("remove_toxics",), ("link_silent", "round_trip_rises")),
    "refuse": (("enable",), ("link_silent",)),
    "signal": (("restart", "continue"), ("process_gone", "process_frozen")),
    "flush": (("appended_again",), ("streams_gone",)),
}
"""Way of injecting → ways of healing that undo it, effect probes that can see it."""


def check_target(target: str) -> str:
    """Raises ValueError for what is no link and no part."""
    known = (*LINK_IDS, *PARTS)
    if target in known or _FRONT.fullmatch(target):
        return target
    near = closest(target, known)
    kind = "link" if any(target.endswith(f"-{link.upstream}") for link in LINKS) or near in LINK_IDS else "link or part"
    hint = f"; did you mean {near}?" if near else ""
    raise ValueError(f"no {kind} {target}; expected one of {', '.join(known)}{hint}")

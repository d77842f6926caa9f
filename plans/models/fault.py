"""The envelope of a fault file: what every fault says, whatever its kind. Owns the checks between envelope and spec.

What a kind of fault or probe may say is its own `Spec`, in `chaos/`; the reader of fault files passes the specs in
(`fault_model`). A file without a heal, or with a fault that no probe could see, is refused.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import Field, create_model, field_validator

from plans.models.errors import closest
from plans.models.forecast import Words
from plans.models.partial import Contradiction, PlanModel, check
from plans.models.quantity import Duration
from system.contract.audit import INVARIANTS
from system.contract.links import EDGE, LINKS, links_of, read_link
from system.contract.places import ALONE, Role, front, read_place, system

FaultId = Annotated[str, Field(pattern=r"^[A-Z][0-9]{1,3}[a-z]?$", description="Its number in the catalogue: N15, P1.")]
_RULES = "|".join(code.removeprefix("S") for code in INVARIANTS)
Code = Annotated[
    str,
    Field(
        pattern=rf"^(S({_RULES})|L[1-9])$",
        description="A rule that an audit judges (docs/money.md, docs/season.md), or an aim of liveness.",
    ),
]
LINK_IDS = tuple(link.id for link in (*links_of(), *EDGE))
WATCHERS: tuple[Role, ...] = ("alertmanager", "prometheus")
"""Parts that watch the system, and may be disturbed as well."""
PARTS = (*(place.name for place in system()), *WATCHERS)
"""Targets of a system of one front and one cell; larger ones have more, by the rules of `system.contract.places`."""
HOST = "host"
"""The machine itself, as a target."""
SORTS = ("link", "part", HOST)
"""What a kind of fault may be `on`."""
_ROLES = ("valkey", "front", "credit", *ALONE, *WATCHERS)


class Fits(NamedTuple):
    """What fits a way of breaking something: heals, probes that see the effect, probes that see its end."""

    heals: tuple[str, ...]
    effects: tuple[str, ...]
    healed: tuple[str, ...]


class FaultSpec(PlanModel):
    """What a fault kind lets `inject` say. Each kind has its own, in `chaos/faults/`."""

    on: ClassVar[Literal["link", "part", "host"]] = "part"
    FITS: ClassVar[dict[str, Fits]]
    """By `way`; a kind with one way has one row."""
    kind: str

    @property
    def way(self) -> str:
        """The way's name in messages; the row of FITS."""
        return self.kind

    @property
    def in_words(self) -> str:
        """What is done, as `xiu fault show` prints it."""
        return " ".join(f"{key} {value}" for key, value in self.model_dump().items() if key != "kind") or self.kind

    def misplaced(self, targets: tuple[str, ...]) -> Iterator[Contradiction]:
        """The targets on which this kind cannot be used."""
        for target in targets:
            if self.on != sort_of(target):
                yield Contradiction(("inject",), f"{self.kind} on {target}", f"a {self.on}")


class ProbeSpec(PlanModel):
    """What a probe kind lets a file say. Each kind has its own, in `chaos/probes/`."""

    anywhere: ClassVar[bool] = False
    """Fits every fault, as effect, steady state and heal: the author of the file chooses what it looks at."""
    sees: ClassVar[tuple[str, ...]] = ()
    """Ways whose effect it sees, beside those whose own FITS name it."""
    kind: str
    within: Duration = Field(gt=0)

    def blind(self, inject: FaultSpec, targets: tuple[str, ...]) -> Iterator[Contradiction]:
        """Why it could not see this fault on these targets, though it fits its kind."""
        yield from ()


class HealSpec(PlanModel):
    """How a fault is taken back. If the first try fails, the ladder of its kind follows."""

    kind: str


class Fault(PlanModel):
    """The whole file."""

    kind: Literal["fault"]
    id: FaultId
    title: Words
    about: str = ""
    aims: tuple[Code, ...] = Field(min_length=1)
    requires: tuple[str, ...] = ()
    targets: tuple[str, ...] = Field(min_length=1, description=f"Links ({LINK_IDS[0]}) or parts ({front(0).name}).")
    inject: FaultSpec
    steady_probe: ProbeSpec | None = None
    effect_probe: ProbeSpec
    heal: HealSpec
    heal_probe: ProbeSpec
    expires: Duration = Field(default=120.0, gt=0, description="A process of its own heals it after this, always.")

    @field_validator("targets")
    @classmethod
    def _targets(cls, targets: tuple[str, ...]) -> tuple[str, ...]:
        for target in targets:
            check_target(target)
        if twice := [target for k, target in enumerate(targets) if target in targets[:k]]:
            raise ValueError(f"{twice[0]} stands twice; expected each target once")
        return targets

    @check
    def _on_targets(self) -> Iterator[Contradiction]:
        yield from self.inject.misplaced(self.targets)

    @check
    def _seen(self) -> Iterator[Contradiction]:
        if self.inject.way not in self.effect_probe.sees:
            yield from self._probe_fits("effect_probe", "cannot see", self._fits.effects)
        for found in self.effect_probe.blind(self.inject, self.targets):
            yield found._replace(loc=("effect_probe", *found.loc))

    @check
    def _undone(self) -> Iterator[Contradiction]:
        known, kind = self._fits.heals, self.heal.kind
        if kind not in known:
            yield Contradiction(("heal",), f"{kind} does not undo {self.inject.way}", ", ".join(known))

    @check
    def _seen_healed(self) -> Iterator[Contradiction]:
        yield from self._probe_fits("heal_probe", "does not show the end of", self._fits.healed)

    @check
    def _seen_steady(self) -> Iterator[Contradiction]:
        if self.steady_probe is not None:
            yield from self._probe_fits("steady_probe", "does not show what is without", self._fits.healed)

    @property
    def _fits(self) -> Fits:
        return self.inject.FITS[self.inject.way]

    def _probe_fits(self, key: str, does: str, known: tuple[str, ...]) -> Iterator[Contradiction]:
        probe: ProbeSpec = getattr(self, key)
        if not probe.anywhere and probe.kind not in known:
            yield Contradiction((key,), f"{probe.kind} {does} {self.inject.way}", ", ".join(known))


def fault_model(
    kinds: Sequence[type[FaultSpec]], probes: Sequence[type[ProbeSpec]], needs: Iterable[str]
) -> type[Fault]:
    """The model of a fault file with these kinds and probes. `needs`: what `requires` may name."""
    heals = dict.fromkeys(heal for spec in kinds for fits in spec.FITS.values() for heal in fits.heals)
    heal = create_model("Heal", __base__=HealSpec, __doc__=HealSpec.__doc__, kind=(_literal(heals), ...))
    probe = _one_of(probes)
    model: type[Fault] = create_model(
        "Fault",
        __base__=Fault,
        __doc__=Fault.__doc__,
        requires=(_many(_literal(needs)), ()),
        inject=(_one_of(kinds), ...),
        steady_probe=(probe | None, None),
        effect_probe=(probe, ...),
        heal=(heal, ...),
        heal_probe=(probe, ...),
    )
    return model


def _literal(words: Iterable[str]) -> Any:
    return Literal[tuple(words)]


def _many(kind: Any) -> Any:
    return tuple[kind, ...]


def _one_of(specs: Sequence[type[PlanModel]]) -> Any:
    union: Any = reduce(operator.or_, specs)
    return Annotated[union, Field(discriminator="kind")] if len(specs) > 1 else union


def sort_of(target: str) -> str:
    """`link`, `host` or `part`."""
    return "link" if is_link(target) else HOST if target == HOST else "part"


def is_link(target: str) -> bool:
    """Is it a link, in a system of any size?"""
    return read_link(target) is not None


def check_target(target: str) -> str:
    """Raises ValueError for what is neither a link nor a part."""
    known = (*LINK_IDS, *PARTS, HOST)
    place = read_place(target)
    if is_link(target) or target == HOST or (place is not None and place.role in _ROLES):
        return target
    near = closest(target, known)
    kind = "link" if any(target.endswith(f"-{link.upstream}") for link in LINKS) or near in LINK_IDS else "link or part"
    hint = f"; did you mean {near}?" if near else ""
    raise ValueError(f"no {kind} {target}; expected one of {', '.join(known)}{hint}")

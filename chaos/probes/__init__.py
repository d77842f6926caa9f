"""The probes, found by their `kind`, and those of one fault on one target together.

A probe of one's own stands in a folder that `XIU_PROBES` names (several: with `:` between).
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from chaos.kinds import Detail
from chaos.probing import Probe, ProbeAim, ProbeReading, Use
from chaos.registry import survey
from harness.stack import Stack
from plans.models.fault import Fault, ProbeSpec
from system.contract.found import own_folders

__path__.extend(own_folders(os.environ.get("XIU_PROBES", "")))


@cache
def probes() -> dict[str, type[Probe[Any]]]:
    """Every kind of probe, those in the files of fault kinds too. Raises PlanError for one that stands twice."""
    return survey(Probe, __name__, "chaos.faults").checked()  # type: ignore[type-abstract]


def make(spec: ProbeSpec, at: ProbeAim, use: Use) -> Probe[Any]:
    """The probe that a file asks for."""
    return probes()[spec.kind](spec, at, use)


def probes_lack(stack: Stack, fault: Fault, target: str) -> str | None:
    """What a probe of the fault needs and does not have, in words."""
    at = ProbeAim(stack, fault.inject, target, {})
    each = (make(fault.effect_probe, at, "effect"), make(fault.heal_probe, at, "healed"))
    steady = (make(fault.steady_probe, at, "steady"),) if fault.steady_probe else ()
    return next((lack for probe in (*steady, *each) if (lack := probe.lacks())), None)


class FaultProbes:
    """The probes of one fault on one target. `look` first, before anything is injected."""

    def __init__(self, stack: Stack, fault: Fault, target: str, detail: Detail) -> None:
        at = ProbeAim(stack, fault.inject, target, detail)
        self._steady = make(fault.steady_probe, at, "steady") if fault.steady_probe else None
        self._effect = make(fault.effect_probe, at, "effect")
        self._healed = make(fault.heal_probe, at, "healed")

    def look(self) -> ProbeReading:
        """The steady state. Raises NotSteady when the effect is there already, or nothing can be seen."""
        each = (self._steady, self._effect, self._healed)
        found = [seen for probe in each if probe is not None and (seen := probe.look()) is not None]
        return found[0] if found else self._healed.seen()

    def effect(self) -> ProbeReading:
        """Does the symptom show?"""
        return self._effect.seen()

    def healed(self) -> ProbeReading:
        """Is the system back?"""
        return self._healed.seen()

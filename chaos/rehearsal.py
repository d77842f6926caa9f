"""A drill's dry run: the probes of each fault run, the faults do not."""

from __future__ import annotations

from collections.abc import Iterable

from chaos.drill_verdict import Decided
from chaos.facts import Timed
from chaos.faults import kinds
from chaos.probes import FaultProbes
from chaos.probing import NothingYet, NotSteady
from harness.errors import HarnessError
from harness.stack import Stack
from harness.verdict import Reason


def rehearse(stack: Stack, faults: Iterable[Timed]) -> tuple[Decided, list[str]]:
    """The verdict of the first probe that is not as it should be, and what was seen."""
    notes: list[str] = []
    for timed in faults:
        wrong = _rehearse(stack, timed, notes)
        if wrong is not None:
            return wrong, notes
    return Decided("PASS", 0, ()), notes


def _rehearse(stack: Stack, timed: Timed, notes: list[str]) -> Decided | None:
    try:
        detail = kinds()[timed.fault.inject.kind].prepare(stack, timed.fault.inject, timed.target)
        probes = FaultProbes(stack, timed.fault, timed.target, detail)
        steady = probes.look()
        effect, healed = probes.effect(), probes.healed()
    except NothingYet as exc:
        notes += [str(exc), f"would inject {timed.fault.id} on {timed.target} at {timed.at_s:g} s"]
        return None
    except NotSteady as exc:
        return _dry("UNKNOWN", str(exc))
    except HarnessError as exc:
        return _dry("HARNESS_FAULT", str(exc))
    notes += [
        f"steady: {steady.says}", f"effect probe: {effect.says}", f"heal probe: {healed.says}",
        f"would inject {timed.fault.id} on {timed.target} at {timed.at_s:g} s for {timed.for_s:g} s",
    ]  # fmt: skip
    if effect.yes:
        return _dry("UNKNOWN", f"the effect is there without the fault: {effect.says}")
    if not healed.yes:
        return _dry("UNKNOWN", f"the heal probe fails without a fault: {healed.says}")
    return None


def _dry(verdict: str, text: str) -> Decided:
    return Decided(verdict, 10, (Reason(code=verdict.lower(), text=text),))

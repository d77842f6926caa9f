"""The limiting resource: what ran full at the last stair, with its evidence, and what that means in words. Pure.

A part is one process, and most of them one thread: their limit is one core. The machine is looked at as a part, too.
What runs out (a core, a disk, connections) comes before what waits, for the wait may be its doing. Where nothing speaks
there is no suspect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from harness.capacity.looks import StairLook
from harness.phrases import Sentence, sentence
from harness.runs.capacity import LimitSign, PartLoad, SaidInWords

MACHINE = "machine"
"""All cores of this host, whoever used them."""
MANY = ("postgres", "prometheus", "toxiproxy", "alertmanager", "grafana")
"""Parts of several threads or processes: their limit is the machine's cores."""
Cores = Callable[[float, float], Mapping[str, float]]
FULL = 0.85
"""Of a part's limit; above it there is no room for a burst, and a sample of a second hides shorter waits."""


def loads_of(stairs: Sequence[StairLook], used: Cores, cores: int) -> tuple[PartLoad, ...]:
    """Every part that told what it used at the last stair, the fullest first. `used(from_s, to_s)`: part → cores that
    were busy then.
    """
    if not stairs:
        return ()
    last, below = stairs[-1], stairs[-2] if len(stairs) > 1 else None
    before = used(below.begins_s, below.ends_s) if below is not None else {}
    found = [
        PartLoad(
            part=part,
            cores=round(busy, 3),
            most=_most(part, cores),
            rate_rps=last.rate_rps,
            cores_before=round(before[part], 3) if part in before else None,
            before_rps=below.rate_rps if below is not None and part in before else None,
        )
        for part, busy in used(last.begins_s, last.ends_s).items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.cores / one.most, one.part)))


def _most(part: str, cores: int) -> float:
    several = part == MACHINE or part.startswith(MANY)
    return float(cores) if several else 1.0


def suspect_of(parts: Sequence[PartLoad], *, red: bool, signs: Sequence[LimitSign] = ()) -> SaidInWords:
    """The top suspect. `red`: the climb met its end; else it is what would be next."""
    own = [one for one in parts if one.part != MACHINE]
    if not own and not signs:
        return SaidInWords(text=sentence("suspect_unknown"))
    first, machine = own[0] if own else None, next((one for one in parts if one.part == MACHINE), None)
    if first is not None and first.cores >= FULL * first.most:
        return SaidInWords(text=_full(first, red=red))
    speaking = [one for one in signs if one.speaks]
    runs_out = next((one for one in speaking if not one.wait), None)
    if runs_out is not None:
        return SaidInWords(text=_sign(runs_out, red=red))
    if first is not None and machine is not None and machine.cores >= FULL * machine.most:
        text = sentence("suspect_machine", cores=machine.cores, most=machine.most, part=first.part, used=first.cores)
        return SaidInWords(text=text)
    if speaking:
        return SaidInWords(text=_sign(speaking[0], red=red))
    return SaidInWords(text=_nobody(first, signs, red=red))


def _nobody(first: PartLoad | None, signs: Sequence[LimitSign], *, red: bool) -> Sentence:
    """Nothing that was looked at speaks."""
    cpu = None if first is None else {"part": first.part, "cores": first.cores, "most": first.most}
    if cpu is not None and not (red and signs):
        return sentence("suspect_waits" if red else "suspect_next", **cpu)
    nearest = [] if cpu is None else [sentence("near_cpu", **cpu)]
    nearest += [_near(one) for one in signs[: 2 - len(nearest)]]
    both = nearest[0] if len(nearest) == 1 else sentence("near_both", one=nearest[0], other=nearest[1])
    return sentence("suspect_nobody" if red else "suspect_none_near", count=len(signs) + (cpu is not None), near=both)


def _near(one: LimitSign) -> Sentence:
    what = sentence(f"sign_{one.what}", part=one.part)
    return sentence("near_sign", what=what, value=one.value, unit=one.unit, bound=one.bound)


def _sign(one: LimitSign, *, red: bool) -> Sentence:
    data = {"value": one.value, "unit": one.unit, "bound": one.bound, "rps": one.rate_rps}
    what = {"what": sentence(f"sign_{one.what}", part=one.part), **data}
    if one.before is None or one.before_rps is None:
        return sentence("suspect_sign" if red else "suspect_sign_next", **what)
    more = {"before": one.before, "before_rps": one.before_rps}
    return sentence("suspect_sign_from" if red else "suspect_sign_next_from", **what, **more)


def _full(one: PartLoad, *, red: bool) -> Sentence:
    what = {"part": one.part, "cores": one.cores, "most": one.most, "rps": one.rate_rps}
    if one.cores_before is None or one.before_rps is None:
        return sentence("suspect_full" if red else "suspect_nearly", **what)
    more = {"before": one.cores_before, "before_rps": one.before_rps}
    return sentence("suspect_full_from" if red else "suspect_nearly_from", **what, **more)

"""The limiting resource: which part was busiest at the last stair, and what that means in words. Pure.

A part is one process, and most of them one thread: their limit is one core. The machine is looked at as a part, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from harness.capacity.looks import StairLook
from harness.phrases import Sentence, sentence
from harness.runs.capacity import PartLoad, SaidInWords

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


def suspect_of(parts: Sequence[PartLoad], *, red: bool) -> SaidInWords:
    """The top suspect. `red`: the climb met its end; else it is what would be next."""
    own = [one for one in parts if one.part != MACHINE]
    if not own:
        return SaidInWords(text=sentence("suspect_unknown"))
    first, machine = own[0], next((one for one in parts if one.part == MACHINE), None)
    if first.cores >= FULL * first.most:
        return SaidInWords(text=_full(first, red=red))
    if machine is not None and machine.cores >= FULL * machine.most:
        text = sentence("suspect_machine", cores=machine.cores, most=machine.most, part=first.part, used=first.cores)
        return SaidInWords(text=text)
    what = {"part": first.part, "cores": first.cores, "most": first.most}
    return SaidInWords(text=sentence("suspect_waits" if red else "suspect_next", **what))


def _full(one: PartLoad, *, red: bool) -> Sentence:
    what = {"part": one.part, "cores": one.cores, "most": one.most, "rps": one.rate_rps}
    if one.cores_before is None or one.before_rps is None:
        return sentence("suspect_full" if red else "suspect_nearly", **what)
    more = {"before": one.cores_before, "before_rps": one.before_rps}
    return sentence("suspect_full_from" if red else "suspect_nearly_from", **what, **more)

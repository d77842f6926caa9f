"""What a drill does about the links of the edge that it is aimed at: has them led through the second toxiproxy while
its arms are played, both alike, and led back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from chaos import fault_ledger
from chaos.detour import KIND, DetourKind, DetourSpec
from chaos.fault_ledger import FaultLedgerEntry
from chaos.heal import heal
from chaos.kinds import until
from harness.stack import Stack
from system.contract.links import EDGE as LINKS
from system.contract.places import EDGE

LASTS_S = 900.0
"""Both arms of a drill, and their repetitions, are over within this; then a watchdog leads back."""
READY_S = 30.0


def of_the_edge(targets: Iterable[str]) -> tuple[str, ...]:
    """Those of the targets that are links of the edge, each once."""
    there = {*targets}
    return tuple(link.id for link in LINKS if link.id in there)


@contextmanager
def through_the_edge(stack: Stack, drill: str, targets: Iterable[str]) -> Iterator[None]:
    """While the block lasts those of the targets that are links of the edge go through the second toxiproxy.

    Raises ChaosError where a link cannot be led there; NotHealed where it cannot be led back, and a watchdog tries on.
    """
    links = of_the_edge(targets)
    if not links:
        yield
        return
    kind, folder = DetourKind(), stack.folder.path
    detail = kind.prepare(stack, DetourSpec(kind="detour"), ", ".join(links))
    entry = FaultLedgerEntry(KIND, ", ".join(links), KIND, LASTS_S, LASTS_S, detail, drill)
    mine = fault_ledger.enter(folder, entry)
    try:
        kind.inject(stack, detail)
        until(lambda: kind.in_force(stack, detail), READY_S, f"{entry.target} led through {EDGE}")
        yield
    finally:
        heal(folder, {mine.key})

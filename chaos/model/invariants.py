"""S1 to S12 over one state. Owns what counts as broken; looks only at what actors have done.

S7 (amounts), S8 (the window) and S11 (tokens) are outside the model: docs/model.md says why.
"""

from __future__ import annotations

from chaos.model.ghosts import newest
from chaos.model.rules import HANG
from chaos.model.state import BLOCKED, CLOSED, Config, State, kept, packets_in
from chaos.model.store import wins

NOTHING: frozenset[str] = frozenset()


def broken(s: State, c: Config) -> frozenset[str]:
    """The names of the invariants that do not hold here."""
    found: list[str] = []
    stream = wins(s.ops)
    if s.posted & s.suspended or packets_in(s.posted, c) & s.held:
        found.append("S1")
    if s.posted & ~s.awarded:
        found.append("S2" if s.posted.bit_count() > s.awarded.bit_count() else "S6")
    if c.clash[(stream | s.posted) & ~s.back]:
        found.append("S3")
    if _changed(s, c):
        found.append("S10")
    if s.round == CLOSED:
        paid = s.posted | s.suspended
        if s.shown & ~kept(s, c) & ~s.back:
            found.append("S4")
        if stream & ~paid & ~s.back:
            found.append("S5")
    if not found:
        return s.broken
    return s.broken | frozenset(found)


def _changed(s: State, c: Config) -> bool:
    """A settled win, shown or posted, to which the newest instance gives another answer, or of which there are two."""
    told = s.shown | s.posted
    if not told:
        return False
    told &= ~s.back
    if c.users_clash[told]:
        return True
    front = newest(s)
    if front is None or not front.known or s.round == CLOSED:
        return False
    # A user with a settled win who is missing in memory loses with the next tap, or wins again.
    for mine in c.users_of:
        settled = told & mine
        if settled and not settled & front.wins and not s.back & mine:
            return True
    return False


def hangs(s: State) -> frozenset[str]:
    """Of a state in which nothing but a fault can happen: it is closed, or a person was asked for a reason."""
    return NOTHING if ended(s) else frozenset((HANG,))


def ended(s: State) -> bool:
    """Closed; or data came back, and a person has been asked."""
    return s.round == CLOSED or bool(s.back and any(f.phase == BLOCKED for f in s.fronts))

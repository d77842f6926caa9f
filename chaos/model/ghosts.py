"""What no single actor knows: wins shown, wins lost within the declared limit. Never read by an actor.

Owns the declared limit: Valkey's tail *and* the front (dead or superseded) before credit.
"""

from __future__ import annotations

from chaos.model.state import Config, Front, State
from chaos.model.store import wins


def newest(s: State) -> Front | None:
    """The newest instance, if it lives."""
    return s.fronts[-1] if s.fronts and s.fronts[-1].instance == s.newest else None


def note(s: State, c: Config) -> State:
    """Shows what can be shown, and takes back from `shown` what is lost within the limit. A show costs no step: a
    user may tap at any moment, and being shown more can only break more.
    """
    shown, front = s.shown, newest(s)
    memory = front.wins if front else 0
    if s.vanished:
        shown &= ~(s.vanished & ~(memory | s.posted | s.suspended | wins(s.ops)))
    if front is not None and front.known:
        shown |= front.settled if c.rules.after_ok else front.wins
    return s if shown == s.shown else s._replace(shown=shown)


def lose(s: State, ops: tuple[object, ...], var: int) -> State:
    """The store has lost something, or has something back."""
    after = s._replace(ops=ops, var=var)  # type: ignore[arg-type]
    before, now = wins(s.ops), wins(after.ops)
    front = newest(s)
    memory = front.wins if front else 0
    returned = now & ~before
    back = s.back | (returned & s.vanished & ~(memory | s.posted | s.suspended))
    return after._replace(vanished=(s.vanished | (before & ~now)) & ~now, back=back)

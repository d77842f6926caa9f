"""Gift × combine × the season's end, of one user's cards of two kinds. Source: docs/season.md, Five Blessings.

User A has a card of each kind, B has the second. Gifts give A's first card to B; A and B combine both kinds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from chaos.model.explore import Machine
from chaos.model.season.rules import RulesInForce

NEW, LISTED, LOCKED, DONE = "new", "listed", "locked", "done"
OPEN, ENDED = "open", "ended"
Cards = tuple[int, int]


class Actor(NamedTuple):
    """`gift`, `A` or `B` (who combines), `end`. `seen`: the cards it counted; `rows`: the blessings it listed."""

    what: str
    phase: str = NEW
    seen: Cards = (0, 0)
    open: bool = True
    rows: tuple[str, ...] = ()


class CardState(NamedTuple):
    """Cards of A and B, blessings, cards put into blessings; the list that the end committed."""

    actors: tuple[Actor, ...]
    a: Cards = (1, 1)
    b: Cards = (0, 1)
    blessings: tuple[str, ...] = ()
    used: Cards = (0, 0)
    season: str = OPEN
    rows: tuple[str, ...] = ()


Steps = Iterator[tuple[str, CardState]]


def machine(whats: tuple[str, ...], held: RulesInForce) -> Machine[CardState]:
    """These actors at once."""
    start = CardState(tuple(Actor(what) for what in whats))
    return Machine(start, lambda s: acts(s, held), lambda s: iter(()), broken, hangs)


def acts(s: CardState, held: RulesInForce) -> Steps:
    """Everything that may happen next."""
    for at, one in enumerate(s.actors):
        yield from (_end if one.what == "end" else _move)(s, at, one, held)


def _end(s: CardState, at: int, one: Actor, held: RulesInForce) -> Steps:
    if one.phase == NEW:
        yield "the end begins", _put(s, at, one._replace(phase=LISTED, rows=s.blessings))
    elif one.phase == LISTED and not (held.season_shared and _phase(s, LOCKED)):
        yield "the end locks the season", _put(s, at, one._replace(phase=LOCKED))
    elif one.phase == LOCKED:
        rows = s.blessings if held.list_after_lock else one.rows
        yield (
            "the end commits its list",
            _put(s, at, one._replace(phase=DONE, rows=()))._replace(season=ENDED, rows=rows),
        )


def _move(s: CardState, at: int, one: Actor, held: RulesInForce) -> Steps:
    giver = "B" if one.what == "B" else "A"
    has = s.b if giver == "B" else s.a
    if one.phase == NEW:
        ends = held.season_shared and any(o.what == "end" and o.phase == LOCKED for o in s.actors)
        others = held.cards_locked and any(
            o.phase == LOCKED and o.what != "end" and other != at for other, o in enumerate(s.actors)
        )
        if not ends and not others:
            locked = one._replace(phase=LOCKED, seen=has, open=s.season == OPEN or not held.season_shared)
            yield f"{one.what} {at} locks, counts", _put(s, at, locked)
    elif one.phase == LOCKED:
        done = _put(s, at, one._replace(phase=DONE, seen=(0, 0), open=True))
        needs = one.seen[0] if one.what == "gift" else min(one.seen) if held.all_or_none else max(one.seen)
        if not one.open or needs < 1:
            yield f"{one.what} {at} is refused", done
        else:
            yield f"{one.what} {at} commits", _apply(done, one.what, has)


def _apply(s: CardState, what: str, has: Cards) -> CardState:
    if what == "gift":
        return s._replace(a=(has[0] - 1, has[1]), b=(s.b[0] + 1, s.b[1]))
    taken = (1, 1) if min(has) > 0 or max(has) < 1 else (has[0] > 0, has[1] > 0)
    left = (has[0] - int(taken[0]), has[1] - int(taken[1]))
    used = (s.used[0] + int(taken[0]), s.used[1] + int(taken[1]))
    s = s._replace(blessings=tuple(sorted((*s.blessings, what))), used=used)
    return s._replace(b=left) if what == "B" else s._replace(a=left)


def _put(s: CardState, at: int, one: Actor) -> CardState:
    return s._replace(actors=(*s.actors[:at], one, *s.actors[at + 1 :]))


def _phase(s: CardState, phase: str) -> bool:
    return any(one.phase == phase for one in s.actors)


def broken(s: CardState) -> frozenset[str]:
    """S14: every card is somewhere, once. S15: a blessing is a set of all kinds; the list is all of them, for good."""
    out = set[str]()
    if min(*s.a, *s.b) < 0 or any(s.a[k] + s.b[k] + s.used[k] != (1, 2)[k] for k in (0, 1)):
        out.add("S14")
    if s.used != (len(s.blessings), len(s.blessings)) or (s.season == ENDED and s.rows != s.blessings):
        out.add("S15")
    return frozenset(out)


def hangs(s: CardState) -> frozenset[str]:
    """Nobody waits for ever."""
    return frozenset() if all(one.phase == DONE for one in s.actors) else frozenset({"hang"})

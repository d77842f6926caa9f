"""Cards that are drawn: one ticket under two keys × other tickets × a transaction undone. Source: docs/season.md.

Each client redeems a ticket, named by a letter, signed with the key of that number. The season has two cards.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from chaos.model.explore import Machine
from chaos.model.season.rules import RulesInForce

NEW, LOOKED, LOCKED, DONE = "new", "looked", "locked", "done"
CARDS = 2


class DrawingClient(NamedTuple):
    """`n`: the number that it read under the counter's lock; `found`: its key was there then."""

    ticket: str
    phase: str = NEW
    n: int = 0
    found: bool = False


class DrawingState(NamedTuple):
    """`next`: the counter; `drawn`: (n, key) of each card; `undone`: so many transactions may be undone yet."""

    clients: tuple[DrawingClient, ...]
    undone: int
    next: int = 0
    drawn: tuple[tuple[int, str], ...] = ()


Steps = Iterator[tuple[str, DrawingState]]


def machine(tickets: tuple[str, ...], undone: int, held: RulesInForce) -> Machine[DrawingState]:
    """These tickets at once, letter and key number each; so many transactions are undone before their COMMIT."""
    start = DrawingState(tuple(DrawingClient(ticket) for ticket in tickets), undone)
    return Machine(start, lambda s: acts(s, held), faults, broken, hangs)


def acts(s: DrawingState, held: RulesInForce) -> Steps:
    """Everything that may happen next, faults left out."""
    for at, one in enumerate(s.clients):
        key = one.ticket[0] if held.no_key_id else one.ticket
        if one.phase == NEW:
            found = _has(s, key)
            yield f"client {at} looks its key up", _put(s, at, one._replace(phase=DONE if found else LOOKED))
        elif one.phase == LOOKED and not (held.counter_locked and any(o.phase == LOCKED for o in s.clients)):
            locked = _put(s, at, one._replace(phase=LOCKED, n=s.next, found=_has(s, key)))
            yield f"client {at} locks the counter", locked if held.counter_row else locked._replace(next=s.next + 1)
        elif one.phase == LOCKED and one.found:
            yield f"client {at} finds its card", _put(s, at, _done(one))
        elif one.phase == LOCKED and held.as_minted and one.n >= CARDS:
            yield f"client {at} comes after the last card", _put(s, at, _done(one))
        elif one.phase == LOCKED:
            made = _put(s, at, _done(one))._replace(drawn=tuple(sorted((*s.drawn, (one.n, key)))))
            yield f"client {at} commits", made._replace(next=one.n + 1) if held.counter_row else made


def faults(s: DrawingState) -> Steps:
    """A transaction is undone; its client sends it again."""
    for at, one in enumerate(s.clients):
        if s.undone and one.phase == LOCKED:
            again = one._replace(phase=NEW, n=0, found=False)
            yield f"client {at}'s transaction is undone", _put(s, at, again)._replace(undone=s.undone - 1)


def _has(s: DrawingState, key: str) -> bool:
    return any(under == key for _, under in s.drawn)


def _done(one: DrawingClient) -> DrawingClient:
    return one._replace(phase=DONE, n=0, found=False)


def _put(s: DrawingState, at: int, one: DrawingClient) -> DrawingState:
    return s._replace(clients=(*s.clients[:at], one, *s.clients[at + 1 :]))


def broken(s: DrawingState) -> frozenset[str]:
    """S14: the cards drawn are the first of the season, each once, none that was not minted. Once: a card a ticket."""
    out = set[str]()
    if [n for n, _ in s.drawn] != list(range(len(s.drawn))) or len(s.drawn) > CARDS:
        out.add("S14")
    tickets = [key[0] for _, key in s.drawn]
    if len(set(tickets)) < len(tickets):
        out.add("once")
    return frozenset(out)


def hangs(s: DrawingState) -> frozenset[str]:
    """Nobody waits for ever, and as long as there are cards a ticket is one."""
    if any(one.phase != DONE for one in s.clients):
        return frozenset({"hang"})
    wanted = len({one.ticket[0] for one in s.clients})
    return frozenset({"S14"}) if len(s.drawn) < min(wanted, CARDS) else frozenset()

"""Spend × spend × credit × repeat × lost COMMIT × reversal, of one user's money. As in system/ledger/transfer.py.

Orders: `a` is asked twice at once, `b` beside it, `A` is another request under the key of `a`; `r` and `s` reverse
`a` under two keys. Each client sends until it knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from chaos.model.explore import Machine
from chaos.model.season.rules import TOLD, RulesInForce

NEW, LOOKED, KEYED, LOCKED, UNSURE, DONE = "new", "looked", "keyed", "locked", "unsure", "done"
KEYS = {"A": "a"}
REVERSALS = "rs"


class SpendingClient(NamedTuple):
    """One client. `found`, `money`: as its statements read them; `fresh`: it took a new key."""

    order: str
    phase: str = NEW
    found: bool = False
    money: int = 0
    reversed: bool = False
    fresh: bool = False
    word: str = ""


class SpendingState(NamedTuple):
    """`made`: (order, client, its key) of each transfer; `flying`: clients whose COMMIT is on its way, locks held."""

    clients: tuple[SpendingClient, ...]
    posted: int
    to_post: int
    lost: int
    holding: int = 0
    made: tuple[tuple[str, int, str], ...] = ()
    flying: tuple[int, ...] = ()


Steps = Iterator[tuple[str, SpendingState]]


def machine(orders: str, posted: int, to_post: int, lost: int, held: RulesInForce) -> Machine[SpendingState]:
    """These orders at once; `posted` fen are there, `to_post` still come; so many COMMITs may be lost."""
    start = SpendingState(tuple(SpendingClient(order) for order in orders), posted, to_post, lost)
    return Machine(start, lambda s: acts(s, held), lambda s: faults(s), lambda s: broken(s), lambda s: hangs(s))


def key(client: SpendingClient, at: int) -> str:
    """Under which key it sends."""
    return f"new {at}" if client.fresh else KEYS.get(client.order, client.order)


def fen(order: str) -> int:
    """What the order takes from the user; a reversal gives it back."""
    return -1 if order in REVERSALS else 2 if order == "A" else 1


def acts(s: SpendingState, held: RulesInForce) -> Steps:
    """Everything that may happen next, faults left out."""
    if s.to_post:
        yield "credit posts a fen", s._replace(posted=s.posted + 1, to_post=s.to_post - 1)
    for at, one in enumerate(s.clients):
        mine = key(one, at)
        if one.phase == NEW:
            yield f"client {at} looks its key up", _looked(s, at, one, mine, held)
        elif one.phase == LOOKED and not (held.key_lock and _locks(s, at, mine, (KEYED, LOCKED))):
            found = _has(s, mine) if held.look_under_lock else one.found
            yield f"client {at} locks its key, looks it up", _put(s, at, one._replace(phase=KEYED, found=found))
        elif one.phase == KEYED and one.found:
            yield f"client {at} is answered", _put(s, at, _answered(s, one, mine, held))
        elif one.phase == KEYED and not (held.account_lock and _locks(s, at, None, (LOCKED,))):
            locked = one._replace(phase=LOCKED, money=s.posted + s.holding, reversed=_undone(s))
            yield f"client {at} locks the account", _put(s, at, locked)
        elif one.phase == LOCKED:
            yield from _commit(s, at, one, mine, held)
        elif one.phase == UNSURE:
            yield f"client {at} sends again", _put(s, at, _again(one, held))
    for at in s.flying:
        yield f"client {at}'s COMMIT lands", _apply(s._replace(flying=_without(s.flying, at)), at, "")


def faults(s: SpendingState) -> Steps:
    """A COMMIT is sent and no answer comes: it lands later, or the server undoes it."""
    for at, one in enumerate(s.clients):
        if one.phase == LOCKED and s.lost and _would(s, one):
            lost = _put(s, at, one._replace(phase=UNSURE, found=False))._replace(lost=s.lost - 1)
            yield f"client {at}'s COMMIT is on its way", lost._replace(flying=(*s.flying, at))
            yield f"client {at}'s COMMIT is lost", lost
    for at in s.flying:
        yield f"client {at}'s COMMIT is undone", s._replace(flying=_without(s.flying, at))


def _looked(s: SpendingState, at: int, one: SpendingClient, mine: str, held: RulesInForce) -> SpendingState:
    if _has(s, mine):
        return _put(s, at, _answered(s, one, mine, held))
    if one.word == "asked again" and not held.not_found:
        return _put(s, at, one._replace(phase=DONE, word="nothing was done"))
    return _put(s, at, one._replace(phase=LOOKED, found=False))


def _answered(s: SpendingState, one: SpendingClient, mine: str, held: RulesInForce) -> SpendingClient:
    same = any(order == one.order for order, _, under in s.made if under == mine)
    return one._replace(phase=DONE, word="done" if same or not held.request else "another request")


def _would(s: SpendingState, one: SpendingClient, floor: bool = True) -> bool:
    """Whether its transaction comes to its COMMIT."""
    if one.order in REVERSALS:
        return _has(s, "a") and not one.reversed
    return not floor or one.money >= fen(one.order)


def _commit(s: SpendingState, at: int, one: SpendingClient, mine: str, held: RulesInForce) -> Steps:
    if not _would(s, one if held.reverse_once else one._replace(reversed=False), held.floor):
        yield f"client {at} is refused", _put(s, at, one._replace(phase=DONE, word="refused"))
    elif held.key_lock and held.look_under_lock and _has(s, mine):
        yield f"client {at} finds its key taken", _put(s, at, one._replace(phase=NEW))
    else:
        yield f"client {at} commits", _apply(s, at, "done")


def _again(one: SpendingClient, held: RulesInForce) -> SpendingClient:
    return one._replace(phase=NEW, fresh=one.fresh or not held.same_key, word="asked again")


def _apply(s: SpendingState, at: int, word: str) -> SpendingState:
    one = s.clients[at]
    made = tuple(sorted((*s.made, (one.order, at, key(one, at)))))
    s = s._replace(made=made, holding=s.holding - fen(one.order))
    return _put(s, at, one._replace(phase=DONE, word=word)) if word else s


def _put(s: SpendingState, at: int, one: SpendingClient) -> SpendingState:
    if one.phase == DONE:
        one = one._replace(found=False, money=0, reversed=False)
    return s._replace(clients=(*s.clients[:at], one, *s.clients[at + 1 :]))


def _has(s: SpendingState, mine: str) -> bool:
    return any(under == mine for _, _, under in s.made)


def _undone(s: SpendingState) -> bool:
    return any(order in REVERSALS for order, _, _ in s.made)


def _locks(s: SpendingState, at: int, mine: str | None, phases: tuple[str, ...]) -> bool:
    """Whether another session holds the key's lock (or, `mine` None, the account's)."""
    return any(
        mine is None or key(one, other) == mine
        for other, one in enumerate(s.clients)
        if (other != at and one.phase in phases) or other in s.flying
    )


def _without(flying: tuple[int, ...], at: int) -> tuple[int, ...]:
    return tuple(other for other in flying if other != at)


def broken(s: SpendingState) -> frozenset[str]:
    """What does not hold in this state."""
    out = set[str]()
    orders = [order for order, _, _ in s.made]
    if s.posted + s.holding < 0 or s.holding != -sum(fen(order) for order in orders):
        out.add("S18")
    if sum(order in REVERSALS for order in orders) > 1:
        out.add("S18")
    if any(orders.count(order) > 1 for order in orders):
        out.add("once")
    for at, one in enumerate(s.clients):
        mine = [order for order, _, under in s.made if under == key(one, at)]
        if one.word == "done" and one.order not in mine:
            out.add(TOLD)
        if one.word == "nothing was done" and any(who == at for _, who, _ in s.made):
            out.add(TOLD)
    return frozenset(out)


def hangs(s: SpendingState) -> frozenset[str]:
    """Nobody waits for ever."""
    return frozenset() if all(one.phase == DONE for one in s.clients) else frozenset({"hang"})

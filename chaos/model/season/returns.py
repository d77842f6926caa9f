"""A round's money for shares: opened from × paid in × taken back × returned, killed anywhere. Source: docs/season.md.

Sponsors A and B have paid two fen each; a share is one fen. Actors: `open`, `pay` (B, one fen more), `take` (an
operator takes A's funding back), `undo` (an operator takes the share's fen back), `hand` (a fen of A's that comes by a
hand, at any time), `return` (a process that gives back what is left, again and again).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from chaos.model.explore import Machine
from chaos.model.season.rules import TOLD, RulesInForce

NEW, LOOKED, LOCKED, DONE = "new", "looked", "locked", "done"
NONE, OPEN, EMPTY, SETTLED = "none", "open", "empty", "settled"
A, B = 0, 1
PAID = (2, 2)
Paid = tuple[int, int]


class ReturnActor(NamedTuple):
    """`over`: as it read the time. Of a return: what is left, what each sponsor has in it, its number."""

    what: str
    phase: str = NEW
    over: bool = False
    left: int = 0
    paid: Paid = (0, 0)
    number: int = 0


class ReturnState(NamedTuple):
    """`left`: the round's money that is in no share; `paid`: what each sponsor has in it, `gross`: what he ever paid;
    `claimed`: fen that users have; `numbers`: of the returns; `early`: a share was open at a return, or came after it;
    `told`: a return was counted, and its money lies there.
    """

    actors: tuple[ReturnActor, ...]
    deaths: int
    left: int = sum(PAID)
    paid: Paid = PAID
    gross: Paid = PAID
    share: str = NONE
    claimed: int = 0
    numbers: tuple[int, ...] = ()
    over: bool = False
    early: bool = False
    told: bool = False


Steps = Iterator[tuple[str, ReturnState]]


def machine(whats: tuple[str, ...], deaths: int, held: RulesInForce) -> Machine[ReturnState]:
    """These actors at once; so many deaths of what returns, anywhere."""
    start = ReturnState(tuple(ReturnActor(what) for what in whats), deaths)
    return Machine(start, lambda s: acts(s, held), faults, broken, hangs)


def acts(s: ReturnState, held: RulesInForce) -> Steps:
    """Everything that may happen next, deaths left out."""
    if not s.over:
        yield "the time for shares is over", s._replace(over=True)
    if s.share == OPEN:
        yield "the share is claimed", s._replace(share=SETTLED, claimed=s.claimed + 1)
        yield "the share is refunded", s._replace(share=SETTLED, left=s.left + 1)
    elif s.share == EMPTY:
        yield "the empty share is settled", s._replace(share=SETTLED)
    for at, one in enumerate(s.actors):
        if one.what == "return":
            yield from _return(s, at, one, held)
        elif one.what in ("open", "pay"):
            yield from _move(s, at, one, held)
        elif one.phase == NEW:
            yield f"{one.what} {at} is done", _by_operator(_put(s, at, one._replace(phase=DONE)), one.what)


def _move(s: ReturnState, at: int, one: ReturnActor, held: RulesInForce) -> Steps:
    if one.phase == NEW:
        yield f"{one.what} {at} begins", _put(s, at, one._replace(phase=LOOKED, over=s.over))
    elif one.phase == LOOKED and not (held.return_alone and _phase(s, ("return",))):
        over = s.over if held.over_under_lock else one.over
        yield f"{one.what} {at} holds the round's money", _put(s, at, one._replace(phase=LOCKED, over=over))
    elif one.phase == LOCKED:
        done = _put(s, at, one._replace(phase=DONE))
        if one.over or (one.what == "open" and s.left < 1):
            yield f"{one.what} {at} is refused", done
        elif one.what == "open":
            early = done.early or bool(s.numbers)
            yield f"{one.what} {at} commits", done._replace(left=s.left - 1, share=OPEN, early=early)
        else:
            yield f"{one.what} {at} commits", _paid(done, B, 1)


def _by_operator(s: ReturnState, what: str) -> ReturnState:
    """One transaction; the holdings' locks and floors alone protect it."""
    if what == "hand":
        return _paid(s, A, 1)
    if what == "undo":
        return s._replace(share=EMPTY, left=s.left + 1) if s.share == OPEN else s
    if s.left < PAID[A]:
        return s
    return s._replace(left=s.left - PAID[A], paid=(s.paid[A] - PAID[A], s.paid[B]))


def _return(s: ReturnState, at: int, one: ReturnActor, held: RulesInForce) -> Steps:
    if one.phase == NEW and _due(s, held):
        yield f"return {at} sees that it is due", _put(s, at, one._replace(phase=LOOKED))
    elif one.phase == LOOKED and not (held.return_alone and _phase(s, ("return", "open", "pay"))):
        read = one._replace(
            phase=LOCKED, left=s.left, paid=s.paid if held.as_paid else s.gross,
            number=len(s.numbers) if held.next_number else 0,
        )  # fmt: skip
        yield f"return {at} locks, reads", _put(s, at, read if _due(s, held) else _idle(one))
    elif one.phase == LOCKED:
        idle = _put(s, at, _idle(one))
        if one.number in s.numbers:
            yield f"return {at} finds its number", idle._replace(told=s.told or s.left > 0)
        elif held.return_floor and s.left < one.left:
            yield f"return {at} is refused", idle
        else:
            parts = _parts(one.left, one.paid)
            yield (
                f"return {at} commits",
                idle._replace(
                    left=s.left - one.left, paid=(s.paid[A] - parts[A], s.paid[B] - parts[B]),
                    numbers=(*s.numbers, one.number), early=s.early or s.share in (OPEN, EMPTY),
                ),
            )  # fmt: skip


def faults(s: ReturnState) -> Steps:
    """What returns dies wherever it is; whoever comes next begins anew."""
    for at, one in enumerate(s.actors):
        if s.deaths and one.what == "return" and one.phase != NEW:
            yield f"return {at} dies, {one.phase}", _put(s, at, _idle(one))._replace(deaths=s.deaths - 1)


def _due(s: ReturnState, held: RulesInForce) -> bool:
    return s.over and s.left > 0 and not (held.all_settled and s.share in (OPEN, EMPTY))


def _parts(left: int, paid: Paid) -> Paid:
    """As `system.play.fission.returns.parts_of`."""
    first = left * paid[A] // sum(paid)
    return first, left - first


def _paid(s: ReturnState, who: int, fen: int) -> ReturnState:
    more = (fen, 0) if who == A else (0, fen)
    return s._replace(
        left=s.left + fen, paid=(s.paid[A] + more[A], s.paid[B] + more[B]),
        gross=(s.gross[A] + more[A], s.gross[B] + more[B]),
    )  # fmt: skip


def _idle(one: ReturnActor) -> ReturnActor:
    return ReturnActor(one.what)


def _put(s: ReturnState, at: int, one: ReturnActor) -> ReturnState:
    return s._replace(actors=(*s.actors[:at], one, *s.actors[at + 1 :]))


def _phase(s: ReturnState, whats: tuple[str, ...]) -> bool:
    """Whether one of these has the lock. What asks for it has it not."""
    return any(one.phase == LOCKED and one.what in whats for one in s.actors)


def broken(s: ReturnState) -> frozenset[str]:
    """S13: no share open at a return nor after it, nobody gets more than he has in it, and every fen is somewhere."""
    out = {TOLD} if s.told else set[str]()
    wrong = s.early or s.left < 0 or min(s.paid) < 0
    if wrong or sum(s.paid) != s.left + (s.share == OPEN) + s.claimed:
        out.add("S13")
    return frozenset(out)


def hangs(s: ReturnState) -> frozenset[str]:
    """Nobody waits for ever, and in the end nothing of it lies there."""
    if any(one.phase != (NEW if one.what == "return" else DONE) for one in s.actors):
        return frozenset({"hang"})
    return frozenset({"S13"}) if s.left else frozenset()

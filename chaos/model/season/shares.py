"""Claim × expiry × refund × repeat × lost COMMIT, of one share with two parts. Source: docs/season.md, Fission.

User 0 is the owner; user 1 asks twice. Two sweeps run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from chaos.model.explore import Machine
from chaos.model.season.rules import TOLD, RulesInForce

NEW, LOOKED, LOCKED, UNSURE, DONE = "new", "looked", "locked", "unsure", "done"
PARTS = 2
OWNER = 0


class ShareClient(NamedTuple):
    """A claim, or (uid -1) a sweep. What it read: claims so far, whether its own is there, whether it is over."""

    uid: int
    phase: str = NEW
    parts: int = 0
    own: bool = False
    over: bool = False
    word: str = ""


class ShareState(NamedTuple):
    """`claims`: who has a part, as often; `refunds`: parts paid back, each time; `flying`: COMMITs on their way."""

    clients: tuple[ShareClient, ...]
    lost: int
    claims: tuple[int, ...] = ()
    refunds: tuple[int, ...] = ()
    over: bool = False
    flying: tuple[int, ...] = ()


Steps = Iterator[tuple[str, ShareState]]


def machine(uids: tuple[int, ...], sweeps: int, lost: int, held: RulesInForce) -> Machine[ShareState]:
    """These users at once, so many sweeps; so many COMMITs may be lost."""
    clients = tuple(ShareClient(uid) for uid in (*uids, *(-1,) * sweeps))
    return Machine(
        ShareState(clients, lost),
        lambda s: acts(s, held),
        lambda s: faults(s, held),
        lambda s: broken(s),
        lambda s: hangs(s),
    )


def acts(s: ShareState, held: RulesInForce) -> Steps:
    """Everything that may happen next, faults left out."""
    if not s.over:
        yield "the share expires", s._replace(over=True)
    for at, one in enumerate(s.clients):
        if one.phase == NEW and one.uid >= 0:
            if held.own_first and one.uid in s.claims:
                yield f"client {at} finds its claim", _put(s, at, one._replace(phase=DONE, word="has a part"))
            else:
                looked = one._replace(phase=LOOKED, over=s.over, parts=len(s.claims), own=one.uid in s.claims)
                yield f"client {at} looks, finds nothing", _put(s, at, looked)
        elif one.phase == NEW and s.over:
            yield f"sweep {at} looks", _put(s, at, one._replace(phase=LOOKED, over=True, parts=len(s.claims)))
        elif one.phase == LOOKED and not (held.share_lock and _locked(s, at)):
            yield f"client {at} locks the share, reads", _put(s, at, _read(s, one, held))
        elif one.phase == LOCKED:
            yield f"client {at} comes to its end", _end(s, at, one, held)
        elif one.phase == UNSURE:
            yield f"client {at} sends again", _put(s, at, one._replace(phase=NEW))
    for at in s.flying:
        yield f"client {at}'s COMMIT lands", _apply(s._replace(flying=_without(s.flying, at)), s.clients[at])


def faults(s: ShareState, held: RulesInForce) -> Steps:
    """A COMMIT is sent and no answer comes."""
    for at, one in enumerate(s.clients):
        if one.phase == LOCKED and s.lost and _refusal(s, one, held) is None:
            lost = _put(s, at, one._replace(phase=UNSURE))._replace(lost=s.lost - 1)
            yield f"client {at}'s COMMIT is on its way", lost._replace(flying=(*s.flying, at))
            yield f"client {at}'s COMMIT is lost", lost
    for at in s.flying:
        yield f"client {at}'s COMMIT is undone", s._replace(flying=_without(s.flying, at))


def _read(s: ShareState, one: ShareClient, held: RulesInForce) -> ShareClient:
    read = one._replace(phase=LOCKED, own=one.uid in s.claims)
    if held.share_lock:
        read = read._replace(parts=len(s.claims))
    return read._replace(over=s.over) if held.clock_under_lock else read


def _refusal(s: ShareState, one: ShareClient, held: RulesInForce) -> str | None:
    """Why its transaction moves nothing; None if it moves."""
    if one.uid < 0:
        return "swept" if (held.refund_once and s.refunds) or one.parts >= PARTS else None
    if one.own and held.one_claim:
        return "has a part" if held.own_first else "gone"
    if one.over or one.parts >= PARTS:
        return "gone"
    return "the owner" if one.uid == OWNER and held.not_the_owner else None


def _end(s: ShareState, at: int, one: ShareClient, held: RulesInForce) -> ShareState:
    word = _refusal(s, one, held)
    after = s if word else _apply(s, one)
    return _put(after, at, one._replace(phase=DONE, word=word or ("swept" if one.uid < 0 else "has a part")))


def _apply(s: ShareState, one: ShareClient) -> ShareState:
    if one.uid < 0:
        return s._replace(refunds=(*s.refunds, PARTS - one.parts))
    return s._replace(claims=tuple(sorted((*s.claims, one.uid))))


def _put(s: ShareState, at: int, one: ShareClient) -> ShareState:
    if one.phase == DONE:
        one = one._replace(parts=0, own=False, over=False)
    return s._replace(clients=(*s.clients[:at], one, *s.clients[at + 1 :]))


def _locked(s: ShareState, at: int) -> bool:
    return bool(s.flying) or any(one.phase == LOCKED for other, one in enumerate(s.clients) if other != at)


def _without(flying: tuple[int, ...], at: int) -> tuple[int, ...]:
    return tuple(other for other in flying if other != at)


def broken(s: ShareState) -> frozenset[str]:
    """What does not hold in this state."""
    out = set[str]()
    if len(s.claims) + sum(s.refunds) > PARTS or len(set(s.claims)) < len(s.claims) or OWNER in s.claims:
        out.add("S13")
    for one in s.clients:
        if (one.word == "has a part" and one.uid not in s.claims) or (one.word == "gone" and one.uid in s.claims):
            out.add(TOLD)
    return frozenset(out)


def hangs(s: ShareState) -> frozenset[str]:
    """Everybody is answered; what nobody claimed is paid back."""
    if any(one.phase != DONE for one in s.clients):
        return frozenset({"hang"})
    swept = any(one.uid < 0 for one in s.clients)
    return frozenset({"S13"}) if swept and len(s.claims) + sum(s.refunds) < PARTS else frozenset()

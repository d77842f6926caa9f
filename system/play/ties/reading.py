"""Reads the relation chain: friends, the strongest ties, the score of a pair with its explanation, growth. Writes
nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, get_args

import numpy as np

from system.contract.errors import BadRequest, Conflict, Degraded, NotFound, StoreRefused, StoreUnknown
from system.contract.ids import INT8_MAX, Lane
from system.contract.numbers import shown, whole_number
from system.ledger.access import Pool
from system.ledger.interactions import pair
from system.ledger.statements import statement
from system.play.ties import models
from system.play.ties.monitoring import shift
from system.play.ties.strength import STRONG, Strengths, TieSums, shares, strengths, weights

LOOKED_AT_MAX = 20_000
"""Ties of a user that are compared: of those with larger uids first."""
ASKINGS_MAX = 200
THROUGH: tuple[models.Through, ...] = get_args(models.Through)
"""By the number in the ledger."""
Rows = Sequence[tuple[Any, ...]]


class TopBesideFriend(Conflict):
    """The strongest are asked for, and one tie alone."""

    code = "top_beside_friend"


class NoTie(NotFound):
    """The two have no tie."""

    code = "no_tie"


async def _read(pool: Pool, lane: Lane, name: str, params: dict[str, Any]) -> Rows:
    """Rows of one statement, as binary. Raises Degraded on any error: reading changes nothing."""
    try:
        async with pool.connection(name) as conn:
            return await (await conn.execute(statement(name, lane), params, binary=True)).fetchall()
    except (StoreUnknown, StoreRefused) as exc:
        raise Degraded("the ledger does not answer; nothing is lost, ask again") from exc


def sums_of(book: Sequence[int], mutual: Sequence[int], counters: Sequence[list[float] | None]) -> TieSums:
    """What a score needs, of columns of ties; counters are None where nothing passed yet."""
    none = [0.0] * 10
    sums = np.array([none if each is None else each for each in counters], dtype=np.float64).reshape(-1, 10)
    bits = np.array(book, dtype=np.int64)
    return TieSums(sums, (bits & 1) + (bits >> 1), np.array(mutual, dtype=np.int64))


async def relations(
    pool: Pool, lane: Lane, uid: int, *, top: int, friend: int | None, explain: bool
) -> models.Relations:
    """The `top` strongest ties of the user, strongest first, or the one with `friend`.

    Raises SelfTie, NoTie, Degraded.
    """
    if friend is None:
        rows = await _read(pool, lane, "ties_of_user", {"uid": uid, "limit": LOOKED_AT_MAX})
    else:
        lo, hi = pair(uid, friend)
        rows = await _read(pool, lane, "ties_of_pair", {"lo": lo, "hi": hi})
        if not rows:
            raise NoTie(f"users {uid} and {friend} have no tie")
    at_us, given = time.time_ns() // 1000, weights()
    found: tuple[models.Relation, ...] = ()
    if rows:
        los, his, through, book, mutual, counters = zip(*rows, strict=True)
        friends = np.where(np.array(los) == uid, his, los)
        made = strengths(given, sums_of(book, mutual, counters), at_us)
        # The strongest first, and of equal ones the smaller uid.
        order = np.lexsort((friends, -made.scores))[:top]
        found = tuple(_relation(made, k, int(friends[k]), THROUGH[through[k]], explain) for k in order)
    return models.Relations(
        uid=uid, lane=lane, weights=given.version, at_us=at_us, looked_at=len(rows), relations=found
    )


def _relation(made: Strengths, which: int, friend: int, through: models.Through, explain: bool) -> models.Relation:
    score = int(made.scores[which])
    terms = None
    if explain:
        base = models.ScoreTerm(term="base", adds=made.base, value=1.0)
        parts = zip(models.TERMS, shares(made, which), made.values[which], strict=True)
        terms = (base, *(models.ScoreTerm(term=name, adds=adds, value=round(float(v), 4)) for name, adds, v in parts))
    return models.Relation(friend=friend, score=score, strong=score >= STRONG, through=through, terms=terms)


async def friends(pool: Pool, lane: Lane, uid: int, after: str | None, limit: int) -> models.Friends:
    """A page of friends beyond the cursor `after`. Raises BadRequest, Degraded."""
    beyond = -1 if after is None else whole_number(after, INT8_MAX)
    if beyond is None:
        raise BadRequest(f"after={shown(after)}; expected the `next` of the page before")
    rows = await _read(pool, lane, "ties_page", {"uid": uid, "after": beyond, "limit": limit})
    found = tuple(
        models.Friend(
            friend=friend, made_us=made_us, made_by_me=made_by == uid, through=THROUGH[through],
            book=int(book).bit_count(),
        )
        for friend, made_us, made_by, through, book in rows
    )  # fmt: skip
    return models.Friends(uid=uid, lane=lane, friends=found, next=str(rows[-1][0]) if len(rows) == limit else None)


async def askings(pool: Pool, lane: Lane, uid: int) -> models.Askings:
    """Who waits for the user. Raises Degraded."""
    rows = await _read(pool, lane, "ties_requests", {"uid": uid, "limit": ASKINGS_MAX})
    return models.Askings(uid=uid, lane=lane, askings=tuple(models.Asking(uid=who, at_us=at) for who, at in rows))


def _forecast(row: tuple[Any, ...]) -> models.GrowthForecast:
    name, expected, gained = row
    return models.GrowthForecast(programme=name, expected=expected, gained_2016=gained)


async def growth(pool: Pool, lane: Lane) -> models.Growth:
    """How the relation chain grew. Raises Degraded."""
    lines = await _read(pool, lane, "ties_growth", {})
    told = await _read(pool, lane, "ties_forecast", {})
    days = await _read(pool, lane, "ties_days", {})
    view = models.Growth(
        lane=lane,
        ties=sum(ties for _, ties in lines),
        forecast=_forecast(told[0]) if told else None,
        lines=tuple(models.GrowthLine(through=THROUGH[through], ties=ties) for through, ties in lines),
    )
    if not days:
        return view
    day, _, jump_max, jump_uid, makers = days[0]
    return view.model_copy(
        update={
            "day": day,
            "makers": tuple(models.Maker(uid=uid, ties=ties) for uid, ties in makers or ()),
            "psi": shift(days),
            "jump_uid": jump_uid,
            "jump_points": jump_max,
        }
    )

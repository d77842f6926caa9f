"""Making friends: who asks is noted, and when both have asked there is a tie, with one contact from the first to the
second. Owns the order of the steps in the transaction, and what to say while a COMMIT's fate is unknown.

The pair is the key: asking again, for whatever reason, is the same request.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Literal

from system.contract.errors import Degraded, StoreRefused, StoreUnknown
from system.contract.ids import Lane
from system.ledger.access import Connection, Pool
from system.ledger.interactions import interact, pair
from system.ledger.statements import statement
from system.play.ties.ingest import HI_HAS_LO, LO_HAS_HI
from system.play.ties.models import FriendAnswer
from system.play.ties.neighbours import in_common, neighbours

AGAIN_S = 0.05
log = logging.getLogger("xiu.play")


async def ask(pool: Pool, lane: Lane, uid: int, friend: int, *, patience_s: float = 3.0) -> FriendAnswer:
    """`uid` adds `friend`. Raises SelfTie, Degraded (nothing was sent)."""
    pair(uid, friend)
    until, sent = time.monotonic() + patience_s, False
    while True:
        try:
            async with pool.transaction("friend") as conn:
                state = await _asked(conn, lane, uid, friend)
            return FriendAnswer(friend=friend, state=state)
        except (StoreUnknown, StoreRefused) as exc:
            sent = sent or isinstance(exc, StoreUnknown)
            if not sent:
                raise Degraded("the ledger does not answer; nothing was changed, ask again") from exc
            if time.monotonic() >= until:
                log.warning("friend unsettled: %s", exc, extra={"event": "friend_unsettled"})
                return FriendAnswer(friend=friend, state="pending")
        await asyncio.sleep(AGAIN_S)


async def _asked(conn: Connection, lane: Lane, uid: int, friend: int) -> Literal["asked", "tied"]:
    lo, hi = pair(uid, friend)
    both = {"lo": lo, "hi": hi}
    await conn.execute(statement("ties_lock_pair", lane), both)
    await conn.execute(statement("ties_ask", lane), {"uid": uid, "friend": friend})
    asked = await (await conn.execute(statement("ties_asked", lane), both)).fetchall()
    made = False
    if len(asked) == 2:
        (first, _), (second, at_us) = asked
        change = await interact(conn, lane, "contact", first, second, at_us, f"contact:{lo}:{hi}")
        made = bool(change.made)
    bits = sum(LO_HAS_HI if each == lo else HI_HAS_LO for each, _ in asked)
    noted = await (await conn.execute(statement("ties_note_book", lane), both | {"bits": bits})).fetchone()
    if made:
        (mutual,) = in_common(await neighbours(conn, lane, (lo, hi)), ((lo, hi),))
        await conn.execute(statement("ties_note_mutual", lane), both | {"mutual": mutual})
    return "asked" if noted is None else "tied"

"""The claims of one lane in one process, gathered: one transaction for all who wait at the same link.

Owns who waits, in which order links are served, and what is remembered of shares that are settled: who comes late is
answered from memory, without a lock. Refuses to say what it does not know: a lost COMMIT is *pending* for all in it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from itertools import islice

from system.contract.errors import Degraded, Refused, StoreRefused, StoreUnknown, XiuError
from system.contract.ids import Lane
from system.ledger.access import Pool
from system.ledger.transfer import AGAIN_S, Insufficient, Pending, undone
from system.play.fission import claims, figures
from system.play.fission.claims import ClaimedPart, SettledShare
from system.play.fission.links import ShareLink

BATCH_MAX = 256
"""Most claims of one commit: a transaction stays short."""
SERVED_AT_ONCE = 2
"""Links of a lane that are served at the same time; the pool's other connections are for everybody else."""
ATTEMPTS_MAX = 5
PATIENCE_S = 8.0
REMEMBERED_CLAIMS_MAX = 200_000

log = logging.getLogger("xiu.play")

Told = ClaimedPart | Callable[[], Exception]


class ClaimDesk:
    """Takes claims of any link; `run` serves them, until it is cancelled."""

    def __init__(self, pool: Pool, lane: Lane, *, patience_s: float = PATIENCE_S, batch_max: int = BATCH_MAX) -> None:
        self._pool, self._lane, self._patience_s, self._batch_max = pool, lane, patience_s, batch_max
        self._waiting: dict[ShareLink, dict[int, asyncio.Future[Told]]] = {}
        self._turns: asyncio.Queue[ShareLink] = asyncio.Queue()
        self._settled: OrderedDict[ShareLink, SettledShare] = OrderedDict()
        self._remembered = 0

    async def claim(self, link: ShareLink, uid: int) -> ClaimedPart:
        """The user's part of the share of a genuine link.

        Raises OwnShare, ShareExhausted, ShareExpired, ShareReversed, NoSuchLink, Insufficient, Degraded (nothing was
        sent), Pending.
        """
        told = await self._told(link, uid)
        if isinstance(told, ClaimedPart):
            return told
        raise told()

    async def _told(self, link: ShareLink, uid: int) -> Told:
        known = self._settled.get(link)
        if known is not None:
            return known.outcome(uid)
        first = uid not in self._waiting.get(link, {})
        told = await self._waited(link, uid)
        # One claim in the ledger, whoever asked beside it: the part is given to the first, and shown to the others.
        return told if first or not isinstance(told, ClaimedPart) else told._replace(again=True)

    async def _waited(self, link: ShareLink, uid: int) -> Told:
        there = self._waiting.get(link)
        if there is None:
            there = self._waiting[link] = {}
            self._turns.put_nowait(link)
        future = there.get(uid)
        if future is None:
            future = there[uid] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._patience_s):
                return await asyncio.shield(future)
        except TimeoutError:
            if future.done():
                return future.result()
            if self._waiting.get(link, {}).get(uid) is not future:
                return lambda: Pending(f"claim:{link.award}:{uid}")
            # Not its turn yet: nothing was sent.
            del self._waiting[link][uid]
            future.set_result(_busy)
            return _busy

    async def run(self) -> None:
        """Serves whoever waits, a few links at once, each link by one transaction after the other."""
        async with asyncio.TaskGroup() as group:
            for number in range(SERVED_AT_ONCE):
                group.create_task(self._serve(), name=f"claims {self._lane} {number}")

    async def _serve(self) -> None:
        while True:
            link = await self._turns.get()
            waiting = self._waiting[link]
            asked = {uid: waiting.pop(uid) for uid in list(islice(waiting, self._batch_max))}
            told: Mapping[int, Told] = {}
            try:
                if asked:
                    told = await self._decided(link, list(asked))
            except Exception as exc:
                log.exception("claims broke", extra={"event": "claims_broke"})
                told = dict.fromkeys(asked, _again(exc))
            finally:
                for uid, future in asked.items():
                    if not future.done():
                        future.set_result(told.get(uid, _stopped))
                if waiting:
                    self._turns.put_nowait(link)
                else:
                    del self._waiting[link]

    async def _decided(self, link: ShareLink, uids: list[int]) -> dict[int, Told]:
        """What each of them is told."""
        known = self._settled.get(link)
        if known is not None:
            return {uid: known.outcome(uid) for uid in uids}
        # First, and without a lock: who has a part is told so, whatever has ended since.
        try:
            share = await claims.seen(self._pool, self._lane, link.award, uids)
        except (StoreUnknown, StoreRefused) as exc:
            log.info("claims: %s", exc, extra={"event": "ledger_silent"})
            return dict.fromkeys(uids, _silent)
        if share is None or share.key_id != link.key_id:
            return dict.fromkeys(uids, claims.no_such_link)
        told: dict[int, Told] = {**share.parts}
        if share.owner in uids:
            told[share.owner] = claims.own_share
        left = [uid for uid in uids if uid not in told]
        over = share.settled
        if left and not over:
            over = await self._take(link, left, told)
        if over and (remembered := await self._remember(link, share.owner)) is not None:
            told |= {uid: remembered.outcome(uid) for uid in left if uid not in told}
        return {uid: told.get(uid, _silent) for uid in uids}

    async def _take(self, link: ShareLink, uids: list[int], told: dict[int, Told]) -> bool:
        """Parts for those who have none; whether the share is settled."""
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                async with self._pool.transaction("claims") as conn:
                    taken = await claims.take(conn, self._lane, link.award, uids)
            except StoreUnknown as exc:
                log.warning("claims unsettled: %s", exc, extra={"event": "claims_unsettled"})
                told |= {uid: _pending(link, uid) for uid in uids}
                return False
            except StoreRefused as exc:
                if undone(exc) and attempt < ATTEMPTS_MAX:
                    await asyncio.sleep(AGAIN_S)
                    continue
                log.warning("claims refused: %s", exc, extra={"event": "claims_refused"})
                told |= dict.fromkeys(uids, _silent)
                return False
            except Insufficient as exc:
                if attempt < ATTEMPTS_MAX:
                    continue  # taken back between the share's lock and the money's: now it is seen
                told |= dict.fromkeys(uids, _again(exc))
                return False
            told |= taken.outcomes
            if taken.made:
                figures.COMMITS.labels(self._lane).inc()
                figures.CLAIMS.labels(self._lane, "claimed").inc(taken.made)
            if taken.filled:
                figures.SHARES.labels(self._lane, "exhausted").inc()
            return taken.settled
        return False

    async def _remember(self, link: ShareLink, owner: int) -> SettledShare | None:
        """Reads a settled share into the memory; the oldest ones leave it. None: the ledger does not answer."""
        known = self._settled.get(link)
        if known is not None:
            return known
        try:
            share = await claims.settled(self._pool, self._lane, link.award, owner)
        except (StoreUnknown, StoreRefused) as exc:
            log.info("a settled share: %s", exc, extra={"event": "ledger_silent"})
            return None
        self._settled[link] = share
        self._remembered += 1 + len(share.parts)
        while self._remembered > REMEMBERED_CLAIMS_MAX and len(self._settled) > 1:
            _, oldest = self._settled.popitem(last=False)
            self._remembered -= 1 + len(oldest.parts)
        return share


def _busy() -> Exception:
    return Degraded("too many claims wait; nothing was changed, ask again")


def _silent() -> Exception:
    return Degraded("the ledger does not answer; nothing was changed, ask again")


def _stopped() -> Exception:
    return StoreUnknown("play stops; ask again")


def _pending(link: ShareLink, uid: int) -> Callable[[], Exception]:
    return lambda: Pending(f"claim:{link.award}:{uid}")


def _again(exc: Exception) -> Callable[[], Exception]:
    """The same error, made anew for each who is told."""
    return lambda: type(exc)(str(exc)) if isinstance(exc, Refused) else XiuError("internal error; see the log")

"""The relation chain's routes: adding a friend, friends, and the one query for scores: the strongest, a pair, why."""

from __future__ import annotations

import numpy as np
from aiohttp import web

from system.contract.errors import Degraded, StoreRefused, StoreUnknown
from system.contract.ids import INT8_MAX
from system.contract.numbers import number_pattern, shown
from system.contract.web import read_model
from system.ledger.interactions import SelfTie
from system.play.parameters import LANE, NumberParameter, TextParameter
from system.play.route import POOLS, Route, user_of
from system.play.ties import asking, models, reading
from system.play.ties.ingest import ingest
from system.web import answer

PAGE_MAX = 200
TOP_MAX = 50
AFTER = TextParameter("after", "`next` of the page before", f"^{number_pattern(INT8_MAX)}$")
LIMIT = NumberParameter("limit", "friends of a page", 1, PAGE_MAX, 50)
TOP = NumberParameter("top", "how many of the strongest", 1, TOP_MAX, 20)
FRIEND = NumberParameter("friend", "a uid: that tie alone", 0, INT8_MAX, -1)
EXPLAIN = NumberParameter("explain", "1: what each term adds", 0, 1, 0)


async def add(request: web.Request) -> web.Response:
    """Adds a friend: a tie once both have asked. 202 while nobody knows what became of it: ask again."""
    lane, uid = user_of(request)
    order = await read_model(request, models.FriendRequest)
    view = await asking.ask(request.app[POOLS][lane], lane, uid, order.friend)
    return answer(view, 202 if view.state == "pending" else 200)


async def friends(request: web.Request) -> web.Response:
    """The user's friends, a page at a time."""
    lane, uid = user_of(request)
    pool = request.app[POOLS][lane]
    return answer(await reading.friends(pool, lane, uid, AFTER.of(request), LIMIT.of(request)))


async def askings(request: web.Request) -> web.Response:
    """Who asked the user, and waits to be asked back."""
    lane, uid = user_of(request)
    return answer(await reading.askings(request.app[POOLS][lane], lane, uid))


async def relations(request: web.Request) -> web.Response:
    """The user's strongest ties, or the one with `friend`; with `explain=1` what each term adds to the score."""
    lane, uid = user_of(request)
    query = request.query
    if "top" in query and "friend" in query:
        raise reading.TopBesideFriend(f"top={shown(query['top'])} beside friend; expected one of the two")
    friend = FRIEND.of(request) if "friend" in query else None
    return answer(
        await reading.relations(
            request.app[POOLS][lane], lane, uid, top=TOP.of(request), friend=friend,
            explain=bool(EXPLAIN.of(request)),
        )
    )  # fmt: skip


async def growth(request: web.Request) -> web.Response:
    """How the relation chain grew: by what, by whom, and how the scores moved in the last day."""
    lane = LANE.of(request)
    return answer(await reading.growth(request.app[POOLS][lane], lane))


async def import_pairs(request: web.Request) -> web.Response:
    """Makes ties of an address book's pairs; the same pairs again change nothing."""
    order = await read_model(request, models.ImportRequest)
    pairs = np.array(order.pairs, dtype=np.int64)
    try:
        async with request.app[POOLS][order.lane].transaction("import of ties") as conn:
            made = await ingest(conn, order.lane, pairs)
    except StoreRefused as exc:
        raise Degraded("the ledger does not answer; nothing was changed, ask again") from exc
    except StoreUnknown as exc:
        raise StoreUnknown("the ledger did not answer; the import may be in: ask again, it changes nothing") from exc
    return answer(models.ImportAnswer(lane=order.lane, pairs=len(pairs), made=made))


ROUTES: tuple[Route, ...] = (
    Route(
        "POST", "/v1/friends", add, models.FriendAnswer, "user", body=models.FriendRequest, errors=(SelfTie,),
        pending=True,
    ),
    Route("GET", "/v1/friends", friends, models.Friends, "user", (AFTER, LIMIT)),
    Route("GET", "/v1/friends/requests", askings, models.Askings, "user"),
    Route(
        "GET", "/v1/relations", relations, models.Relations, "user", (TOP, FRIEND, EXPLAIN),
        errors=(reading.TopBesideFriend, SelfTie, reading.NoTie),
    ),
    Route("GET", "/v1/relations/growth", growth, models.Growth, "operator", (LANE,)),
    Route(
        "POST", "/v1/relations/import", import_pairs, models.ImportAnswer, "operator", body=models.ImportRequest,
        errors=(SelfTie,),
    ),
)  # fmt: skip

"""The relation chain's routes: adding a friend, friends, and the one query for scores: the strongest, a pair, why."""

from __future__ import annotations

import time

import numpy as np
from aiohttp import web

from system.contract.errors import BadRequest, Degraded, StoreRefused, StoreUnknown
from system.contract.ids import INT8_MAX
from system.contract.numbers import shown
from system.contract.web import read_model
from system.play.route import POOLS, Route, asked_lane, need_operator, user_of
from system.play.ties import asking, models, reading
from system.play.ties.ingest import ingest
from system.web import answer, query_number

PAGE_MAX = 200
TOP_MAX = 50


async def add(request: web.Request) -> web.Response:
    """Adds a friend: a tie once both have asked. 202 while nobody knows what became of it: ask again."""
    lane, uid = user_of(request)
    order = await read_model(request, models.FriendRequest)
    view = await asking.ask(request.app[POOLS][lane], lane, uid, order.friend)
    return answer(view, 202 if view.state == "pending" else 200)


async def friends(request: web.Request) -> web.Response:
    """The user's friends, a page at a time."""
    lane, uid = user_of(request)
    limit = query_number(request, "limit", 50, 1, PAGE_MAX)
    return answer(await reading.friends(request.app[POOLS][lane], lane, uid, request.query.get("after"), limit))


async def askings(request: web.Request) -> web.Response:
    """Who asked the user, and waits to be asked back."""
    lane, uid = user_of(request)
    return answer(await reading.askings(request.app[POOLS][lane], lane, uid))


async def relations(request: web.Request) -> web.Response:
    """The user's strongest ties, or the one with `friend`; with `explain=1` what each term adds to the score."""
    lane, uid = user_of(request)
    query = request.query
    if "top" in query and "friend" in query:
        raise BadRequest(f"top={shown(query['top'])} beside friend; expected one of the two")
    friend = query_number(request, "friend", 0, 0, INT8_MAX) if "friend" in query else None
    return answer(
        await reading.relations(
            request.app[POOLS][lane], lane, uid, top=query_number(request, "top", 20, 1, TOP_MAX), friend=friend,
            explain=bool(query_number(request, "explain", 0, 0, 1)),
        )
    )  # fmt: skip


async def growth(request: web.Request) -> web.Response:
    """How the relation chain grew: by what, by whom, and how the scores moved in the last day."""
    need_operator(request)
    lane = asked_lane(request)
    return answer(await reading.growth(request.app[POOLS][lane], lane))


async def import_pairs(request: web.Request) -> web.Response:
    """Makes ties of an address book's pairs; the same pairs again change nothing."""
    need_operator(request)
    order = await read_model(request, models.ImportRequest)
    pairs = np.array(order.pairs, dtype=np.int64)
    try:
        async with request.app[POOLS][order.lane].transaction("import of ties") as conn:
            made = await ingest(conn, order.lane, pairs, time.time_ns() // 1000)
    except StoreRefused as exc:
        raise Degraded("the ledger does not answer; nothing was changed, ask again") from exc
    except StoreUnknown as exc:
        raise StoreUnknown("the ledger did not answer; the import may be in: ask again, it changes nothing") from exc
    return answer(models.ImportAnswer(lane=order.lane, pairs=len(pairs), made=made))


ROUTES: tuple[Route, ...] = (
    Route("POST", "/v1/friends", add, models.FriendAnswer, "user", body=models.FriendRequest,
          errors=(400, 401, 403, 503), pending=True),
    Route("GET", "/v1/friends", friends, models.Friends, "user",
          (("after", "`next` of the page before"), ("limit", "friends of a page, 1 to 200, 50 if not given")),
          errors=(400, 401, 403, 503)),
    Route("GET", "/v1/friends/requests", askings, models.Askings, "user", errors=(401, 403, 503)),
    Route("GET", "/v1/relations", relations, models.Relations, "user",
          (("top", "how many of the strongest, 1 to 50, 20 if not given"), ("friend", "a uid: that tie alone"),
           ("explain", "1: what each term adds; 0 if not given")),
          errors=(400, 401, 403, 404, 503)),
    Route("GET", "/v1/relations/growth", growth, models.Growth, "operator", (("lane", "live or stress"),)),
    Route("POST", "/v1/relations/import", import_pairs, models.ImportAnswer, "operator", body=models.ImportRequest),
)  # fmt: skip

"""Fission's routes: a sponsor pays, a winner opens a share, everybody with the link claims."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

from system.contract.errors import XiuError
from system.contract.ids import Lane
from system.contract.web import read_model
from system.ledger.transfer import Pending
from system.play.fission import figures, models, shares
from system.play.fission.desk import ClaimDesk
from system.play.fission.links import verified
from system.play.route import POOLS, SETTINGS, Route, asked_lane, need_operator, user_of
from system.web import answer, path_number

DESKS: web.AppKey[Mapping[Lane, ClaimDesk]] = web.AppKey("claim desks", Mapping)


def setup(app: web.Application) -> None:
    """A desk for each lane."""
    app[DESKS] = {lane: ClaimDesk(pool, lane) for lane, pool in app[POOLS].items()}


async def desks(app: web.Application) -> None:
    """The desks' work, until cancelled."""
    async with asyncio.TaskGroup() as group:
        for lane, desk in app[DESKS].items():
            group.create_task(desk.run(), name=f"claims {lane}")


async def fund_fission(request: web.Request) -> web.Response:
    """A sponsor pays for shares of a round: once for a key. 202 while nobody knows what became of it: ask again."""
    need_operator(request)
    number = path_number(request, "round")
    order = await read_model(request, models.FissionFunding)
    view = await shares.fund(request.app[POOLS][order.lane], number, order)
    return answer(view, 202 if view.state == "pending" else 200)


async def fission(request: web.Request) -> web.Response:
    """Where a round's money for shares is."""
    need_operator(request)
    lane, number = asked_lane(request), path_number(request, "round")
    return answer(await shares.books(request.app[POOLS][lane], lane, number))


async def open_share(request: web.Request) -> web.Response:
    """Opens the share of an award of the user's, once, or shows it again. 202 while nobody knows: ask again."""
    lane, uid = user_of(request)
    order = await read_model(request, models.ShareOrder)
    pool, secret = request.app[POOLS][lane], request.app[SETTINGS].secret
    view, again = await shares.open_share(pool, lane, secret, uid, order.award)
    if view.state != "pending" and not again:
        figures.SHARES.labels(lane, "opened").inc()
    return answer(view, 202 if view.state == "pending" else 200)


async def show_share(request: web.Request) -> web.Response:
    """The share that a link leads to. Others' amounts are shown once it is settled."""
    lane, uid = user_of(request)
    pool, secret = request.app[POOLS][lane], request.app[SETTINGS].secret
    return answer(await shares.show(pool, lane, secret, uid, request.query.get("link", "")))


async def claim_share(request: web.Request) -> web.Response:
    """One part of the share that a link leads to, or the part one has. 202 while nobody knows: ask again."""
    lane, uid = user_of(request)
    order = await read_model(request, models.ClaimOrder)
    count = figures.CLAIMS
    try:
        link = verified(request.app[SETTINGS].secret, lane, order.link)
        part = await request.app[DESKS][lane].claim(link, uid)
    except Pending:
        count.labels(lane, "pending").inc()
        return answer(models.ClaimView(award=link.award, state="pending"), 202)
    except XiuError as exc:
        count.labels(lane, exc.code).inc()
        raise
    count.labels(lane, "again" if part.again else "claimed").inc()
    view = models.ClaimView(award=link.award, state="claimed", fen=part.fen, at_us=part.at_us, again=part.again)
    return answer(view)


ROUTES: tuple[Route, ...] = (
    Route(
        "POST", "/v1/rounds/{round}/fission", fund_fission, models.FundingView, "operator", body=models.FissionFunding,
        errors=(400, 401, 404, 409, 503), pending=True,
    ),
    Route(
        "GET", "/v1/rounds/{round}/fission", fission, models.FissionView, "operator", (("lane", "live or stress"),),
        errors=(400, 401, 404, 409, 503),
    ),
    Route(
        "POST", "/v1/shares", open_share, models.ShareView, "user", body=models.ShareOrder,
        errors=(400, 401, 403, 404, 409, 503), pending=True,
    ),
    Route(
        "GET", "/v1/shares", show_share, models.ShareView, "user", (("link", "the link, as the owner was told it"),),
        errors=(400, 401, 403, 404, 503),
    ),
    Route(
        "POST", "/v1/shares/claim", claim_share, models.ClaimView, "user", body=models.ClaimOrder,
        errors=(400, 401, 403, 404, 409, 410, 503), pending=True,
    ),
)  # fmt: skip

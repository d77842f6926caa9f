"""Fission's routes: a sponsor pays, a winner opens a share, everybody with the link claims."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

from system.contract.errors import NoBudget, UnknownRound, XiuError
from system.contract.ids import ROUND_MAX, Lane
from system.contract.people import NoRealName, need_real_name
from system.contract.web import read_model
from system.ledger.transfer import Insufficient, KeyReused, Pending
from system.play.fission import figures, models, refusals, shares
from system.play.fission.desk import ClaimDesk
from system.play.fission.links import LINK_CHARS_MAX, verified
from system.play.parameters import LANE, NumberParameter, TextParameter
from system.play.route import POOLS, SETTINGS, Route, user_of
from system.web import answer

ROUND = NumberParameter("round", "a round's number", 0, ROUND_MAX)
LINK = TextParameter("link", "the link, as the owner was told it", f"^[!-~]{{1,{LINK_CHARS_MAX}}}$", required=True)
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
    order = await read_model(request, models.FissionFunding)
    view = await shares.fund(request.app[POOLS][order.lane], ROUND.of(request), order)
    return answer(view, 202 if view.state == "pending" else 200)


async def fission(request: web.Request) -> web.Response:
    """Where a round's money for shares is."""
    lane, number = LANE.of(request), ROUND.of(request)
    return answer(await shares.books(request.app[POOLS][lane], lane, number))


async def open_share(request: web.Request) -> web.Response:
    """Opens the share of an award of the user's, once, or shows it again. 202 while nobody knows: ask again."""
    lane, uid = user_of(request)
    order = await read_model(request, models.ShareOrder)
    pool, secret = request.app[POOLS][lane], request.app[SETTINGS].secret
    view, _ = await shares.open_share(pool, lane, secret, uid, order.award)
    return answer(view, 202 if view.state == "pending" else 200)


async def show_share(request: web.Request) -> web.Response:
    """The share that a link leads to. Others' amounts are shown once it is settled."""
    lane, uid = user_of(request)
    pool, secret = request.app[POOLS][lane], request.app[SETTINGS].secret
    return answer(await shares.show(pool, lane, secret, uid, LINK.need(request)))


async def claim_share(request: web.Request) -> web.Response:
    """One part of the share that a link leads to, or the part one has. 202 while nobody knows: ask again."""
    lane, uid = user_of(request)
    order = await read_model(request, models.ClaimOrder)
    count = figures.CLAIMS
    try:
        link = verified(request.app[SETTINGS].secret, lane, order.link)
        need_real_name(uid)
        part = await request.app[DESKS][lane].claim(link, uid)
    except Pending:
        count.labels(lane, "pending").inc()
        return answer(models.ClaimView(award=link.award, state="pending"), 202)
    except XiuError as exc:
        count.labels(lane, exc.code).inc()
        raise
    if part.again:  # what was claimed, the desk counts: once for what the ledger did
        count.labels(lane, "again").inc()
    view = models.ClaimView(award=link.award, state="claimed", fen=part.fen, at_us=part.at_us, again=part.again)
    return answer(view)


ROUTES: tuple[Route, ...] = (
    Route(
        "POST", "/v1/rounds/{round}/fission", fund_fission, models.FundingView, "operator", (ROUND,),
        body=models.FissionFunding, pending=True,
        errors=(
            NoBudget, refusals.ShareTooSmall, UnknownRound, refusals.NotASponsor, refusals.TermsDiffer,
            refusals.FissionOver, KeyReused,
        ),
    ),
    Route(
        "GET", "/v1/rounds/{round}/fission", fission, models.FissionView, "operator", (ROUND, LANE),
        errors=(UnknownRound, refusals.NotFunded),
    ),
    Route(
        "POST", "/v1/shares", open_share, models.ShareView, "user", body=models.ShareOrder, pending=True,
        errors=(
            UnknownRound, refusals.NoAward, refusals.ForeignAward, refusals.AwardProcessing, refusals.AwardHeld,
            refusals.NotFunded, refusals.BudgetSpent, refusals.FissionOver, KeyReused, Insufficient,
        ),
    ),
    Route("GET", "/v1/shares", show_share, models.ShareView, "user", (LINK,), errors=(refusals.NoSuchLink,)),
    Route(
        "POST", "/v1/shares/claim", claim_share, models.ClaimView, "user", body=models.ClaimOrder, pending=True,
        errors=(
            NoRealName, refusals.NoSuchLink, refusals.OwnShare, refusals.ShareExhausted, refusals.ShareExpired,
            refusals.ShareReversed, Insufficient,
        ),
    ),
)  # fmt: skip

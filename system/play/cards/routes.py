"""The routes of the cards: seasons for operators and everybody, cards for their users."""

from __future__ import annotations

from functools import lru_cache

from aiohttp import web

from system.contract.errors import NoBudget, SeasonEnded, UnknownSeason
from system.contract.ids import INT8_MAX, ROUND_MAX
from system.contract.web import read_model
from system.ledger.interactions import SelfTie
from system.ledger.transfer import Insufficient, KeyReused, Pending
from system.play.cards import errors, models, moving, seasons
from system.play.parameters import NumberParameter
from system.play.route import POOLS, SETTINGS, Route, user_of
from system.tickets import TicketForged, TicketOffice
from system.web import answer

SEASON = NumberParameter("season", "a season's number", 1, ROUND_MAX)
FIRST = NumberParameter("after", "`next` of the page before", 0, INT8_MAX)
office = lru_cache(maxsize=4)(TicketOffice)


async def open_season(request: web.Request) -> web.Response:
    """Opens a season: its cards are minted, its pot is paid in, its seed is committed to. 202: ask again."""
    order = await read_model(request, models.SeasonOrder)
    pool = request.app[POOLS][order.lane]
    try:
        return answer(await seasons.open_season(pool, order))
    except Pending:
        return answer(await seasons.season_after(pool, order.lane, order.season), 202)


async def end_season(request: web.Request) -> web.Response:
    """Ends a season: who has combined shares the pot. The pot is paid from then on, without a request."""
    number = SEASON.of(request)
    order = await read_model(request, models.SeasonEnd)
    return answer(await seasons.end_season(request.app[POOLS][order.lane], order.lane, number))


async def list_seasons(request: web.Request) -> web.Response:
    """Every season of the user's lane."""
    lane, _ = user_of(request)
    return answer(await seasons.season_list(request.app[POOLS][lane], lane))


async def show_season(request: web.Request) -> web.Response:
    """A season: its cards, its pot, its commitment, and after its end the seed that proves every card."""
    lane, _ = user_of(request)
    return answer(await seasons.season_view(request.app[POOLS][lane], lane, SEASON.of(request)))


async def issued_cards(request: web.Request) -> web.Response:
    """The kinds of a season's cards in the order in which they were drawn."""
    lane, _ = user_of(request)
    number = SEASON.of(request)
    first = FIRST.of(request)
    return answer(await seasons.issued(request.app[POOLS][lane], lane, number, first))


async def cards(request: web.Request) -> web.Response:
    """The user's cards and blessings, and what friends ask for."""
    lane, uid = user_of(request)
    return answer(await moving.cards_of(request.app[POOLS][lane], lane, uid))


async def redeem_ticket(request: web.Request) -> web.Response:
    """A card for a ticket, as long as there are cards. 202 while nobody knows what became of it: ask again."""
    lane, uid = user_of(request)
    order = await read_model(request, models.Redeeming)
    own = office(request.app[SETTINGS].secret)
    return _moved(await moving.redeem(request.app[POOLS][lane], own, lane, uid, order.ticket))


async def tie_card(request: web.Request) -> web.Response:
    """A card for a tie that was made in this season, once for each of the two. 202: ask again."""
    lane, uid = user_of(request)
    order = await read_model(request, models.TieCard)
    return _moved(await moving.for_tie(request.app[POOLS][lane], lane, uid, order))


async def give_card(request: web.Request) -> web.Response:
    """Gives a card to family or a friend, once for a key. 202: ask again."""
    lane, uid = user_of(request)
    order = await read_model(request, models.Gift)
    return _moved(await moving.give(request.app[POOLS][lane], lane, uid, order))


async def ask_for_card(request: web.Request) -> web.Response:
    """Asks a friend for a card of a kind."""
    lane, uid = user_of(request)
    order = await read_model(request, models.CardAsk)
    return answer(await moving.ask(request.app[POOLS][lane], lane, uid, order))


async def combine_cards(request: web.Request) -> web.Response:
    """Five cards, one of each kind, become a blessing, once a season. 202: ask again."""
    lane, uid = user_of(request)
    order = await read_model(request, models.Combining)
    return _moved(await moving.combine(request.app[POOLS][lane], lane, uid, order))


def _moved(moved: models.CardMoved) -> web.Response:
    return answer(moved, 202 if moved.state == "pending" else 200)


_SEASON = (UnknownSeason, SeasonEnded)
ROUTES: tuple[Route, ...] = (
    Route(
        "POST", "/v1/seasons", open_season, models.SeasonView, "operator", body=models.SeasonOrder, pending=True,
        errors=(NoBudget, UnknownSeason, errors.SeasonTaken, errors.SeasonUnpaid, Insufficient),
    ),
    Route(
        "POST", "/v1/seasons/{season}/end", end_season, models.SeasonView, "operator", (SEASON,),
        body=models.SeasonEnd, errors=(UnknownSeason,),
    ),
    Route("GET", "/v1/seasons", list_seasons, models.SeasonList, "user"),
    Route("GET", "/v1/seasons/{season}", show_season, models.SeasonView, "user", (SEASON,), errors=(UnknownSeason,)),
    Route(
        "GET", "/v1/seasons/{season}/cards", issued_cards, models.IssuedCards, "user", (SEASON, FIRST),
        errors=(UnknownSeason,),
    ),
    Route("GET", "/v1/cards", cards, models.Cards, "user"),
    Route(
        "POST", "/v1/cards/redeem", redeem_ticket, models.CardMoved, "user", body=models.Redeeming, pending=True,
        errors=(
            *_SEASON, TicketForged, errors.TicketForeign, errors.TicketOtherLane, errors.NoCardsLeft, KeyReused,
            Insufficient,
        ),
    ),
    Route(
        "POST", "/v1/cards/tie", tie_card, models.CardMoved, "user", body=models.TieCard, pending=True,
        errors=(*_SEASON, SelfTie, errors.TieMissing, errors.NoCardsLeft, KeyReused, Insufficient),
    ),
    Route(
        "POST", "/v1/cards/gift", give_card, models.CardMoved, "user", body=models.Gift, pending=True,
        errors=(
            *_SEASON, errors.GiftToOneself, errors.CardNotOwned, errors.UnknownAsk, errors.AskAnswered,
            errors.AskMismatch, KeyReused,
        ),
    ),
    Route(
        "POST", "/v1/cards/ask", ask_for_card, models.AskView, "user", body=models.CardAsk,
        errors=(*_SEASON, errors.AskedOneself),
    ),
    Route(
        "POST", "/v1/cards/combine", combine_cards, models.CardMoved, "user", body=models.Combining, pending=True,
        errors=(*_SEASON, errors.KindsMissing, errors.CombinedAlready),
    ),
)  # fmt: skip

"""The sponsors' routes: a statement, as data, as CSV or as a page."""

from __future__ import annotations

from aiohttp import web

from system.play.parameters import LANE, ChoiceParameter, NumberParameter, TextParameter
from system.play.route import POOLS, Route
from system.play.sponsors import papers, reading
from system.play.sponsors.models import SponsorStatement
from system.web import answer

PAGE_MAX = 200
SPONSOR = NumberParameter("sponsor", "a sponsor's number", 0, (1 << 16) - 1)
AFTER = TextParameter("after", "`next` of the page before", reading.PLACE)
LIMIT = NumberParameter("limit", "lines of a page", 2, PAGE_MAX, 50)
FORMAT = ChoiceParameter("format", "how it is written; the last two without pages", ("json", "csv", "html"))


async def sponsor(request: web.Request) -> web.Response:
    """A sponsor's accounts: what it paid in, what each round still holds, and the lines that made it so, to the fen.

    As JSON a page at a time; as CSV and as a page whole.
    """
    lane, number, after, form = LANE.of(request), SPONSOR.of(request), AFTER.of(request), FORMAT.of(request)
    before = reading.SponsorPlace() if after is None else reading.place_of(after)
    pool = request.app[POOLS][lane]
    if form == "json":
        return answer(await reading.statement(pool, lane, number, before, LIMIT.of(request)))
    whole = await reading.whole_statement(pool, lane, number)
    if form == "html":
        return web.Response(text=papers.as_page(whole), content_type="text/html")
    head = {"Content-Disposition": f'attachment; filename="sponsor-{number}.csv"'}
    return web.Response(text=papers.as_csv(whole), content_type="text/csv", headers=head)


ROUTES: tuple[Route, ...] = (
    Route(
        "GET", "/v1/sponsors/{sponsor}/statement", sponsor, SponsorStatement, "operator",
        (SPONSOR, LANE, AFTER, LIMIT, FORMAT), also=("text/csv", "text/html"),
        errors=(reading.StatementTooLong,),
    ),
)  # fmt: skip

"""The sponsors' routes: a statement, as data, as CSV or as a page."""

from __future__ import annotations

from aiohttp import web

from system.contract.errors import BadRequest
from system.contract.numbers import shown
from system.play.route import POOLS, Route, asked_lane, need_operator
from system.play.sponsors import papers, reading
from system.play.sponsors.models import SponsorStatement
from system.web import answer, path_number, query_number

PAGE_MAX = 200
FORMATS = ("json", "csv", "html")


async def sponsor(request: web.Request) -> web.Response:
    """A sponsor's accounts: what it paid in, what each round still holds, and the lines that made it so, to the fen.

    As JSON a page at a time; as CSV and as a page whole.
    """
    need_operator(request)
    lane = asked_lane(request)
    number = path_number(request, "sponsor", (1 << 16) - 1)
    limit = query_number(request, "limit", 50, 2, PAGE_MAX)
    after = request.query.get("after")
    before = reading.SponsorPlace() if after is None else reading.place_of(after)
    form = request.query.get("format", "json")
    if form not in FORMATS:
        raise BadRequest(f"format={shown(form)}; expected one of {', '.join(FORMATS)}")
    pool = request.app[POOLS][lane]
    if form == "json":
        return answer(await reading.statement(pool, lane, number, before, limit))
    whole = await reading.statement(pool, lane, number, reading.SponsorPlace(), reading.WHOLE_LINES_MAX)
    if form == "html":
        return web.Response(text=papers.as_page(whole), content_type="text/html")
    head = {"Content-Disposition": f'attachment; filename="sponsor-{number}.csv"'}
    return web.Response(text=papers.as_csv(whole), content_type="text/csv", headers=head)


ROUTES: tuple[Route, ...] = (
    Route(
        "GET", "/v1/sponsors/{sponsor}/statement", sponsor, SponsorStatement, "operator",
        (
            ("lane", "live or stress"), ("after", "`next` of the page before"),
            ("limit", "lines of a page, 2 to 200"), ("format", "json, csv or html; the last two without pages"),
        ),
        errors=(400, 401, 404, 503), also=("text/csv", "text/html"),
    ),
)  # fmt: skip

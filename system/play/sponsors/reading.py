"""Answers about sponsors, made from the ledger of one lane. Reads, never writes."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

from system.contract.errors import BadRequest, Conflict, Degraded, StoreRefused, StoreUnknown
from system.contract.ids import INT8_MAX, Lane
from system.contract.numbers import number_pattern, shown, whole_number
from system.ledger.access import Connection, Pool, read_again
from system.ledger.statements import statement as sql
from system.play.sponsors.models import SponsorLine, SponsorStatement, SponsorTotals

log = logging.getLogger("xiu.play")

WHOLE_LINES_MAX = 200_000
"""Lines of a statement that is not read by pages."""
STATEMENTS = 5
"""Read in one transaction, each with the time that a statement has."""


PLACE = f"^{number_pattern(INT8_MAX)}-[01]-{number_pattern(INT8_MAX)}$"
"""How `next` of a page looks."""


class StatementTooLong(Conflict):
    """A statement of more lines than are written at once."""

    code = "statement_too_long"


class SponsorPlace(NamedTuple):
    """A place in a sponsor's lines: lines before it are older."""

    before_us: int = INT8_MAX
    before_source: int = 2
    before_number: int = INT8_MAX

    def __str__(self) -> str:
        return f"{self.before_us}-{self.before_source}-{self.before_number}"


def place_of(text: str) -> SponsorPlace:
    """The `next` of the page before. Raises BadRequest."""
    parts = [whole_number(part, INT8_MAX) for part in text.split("-")]
    match parts:
        case [int(us), 0 | 1 as source, int(number)]:
            return SponsorPlace(us, source, number)
    raise BadRequest(f"after={shown(text)}; expected the `next` of the page before")


async def whole_statement(pool: Pool, lane: Lane, sponsor: int) -> SponsorStatement:
    """Every line of a sponsor's accounts. Raises StatementTooLong, never a part of them; Degraded."""
    whole = await statement(pool, lane, sponsor, SponsorPlace(), WHOLE_LINES_MAX)
    if whole.next is not None:
        raise StatementTooLong(f"more than {WHOLE_LINES_MAX:,} lines; expected format=json, a page at a time")
    return whole


async def statement(pool: Pool, lane: Lane, sponsor: int, before: SponsorPlace, limit: int) -> SponsorStatement:
    """A sponsor's accounts and a page of their lines, all of one moment; what one batch moved is never cut in two.

    Raises Degraded.
    """
    name = "sponsor statement"

    async def once() -> SponsorStatement:
        async with pool.transaction(name, timeout_s=STATEMENTS * pool.timeout_s) as conn:
            # Money moves meanwhile: balances, lines and totals of different moments would not close.
            await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            return await _statement(conn, lane, sponsor, before, limit)

    try:
        return await read_again(once)
    except (StoreUnknown, StoreRefused) as exc:
        log.info("%s: %s", name, exc, extra={"event": "ledger_silent"})
        raise Degraded("the ledger does not answer; nothing is lost, ask again") from exc


async def _statement(conn: Connection, lane: Lane, sponsor: int, before: SponsorPlace, limit: int) -> SponsorStatement:
    async def rows_of(name: str, **more: int) -> list[tuple[Any, ...]]:
        return await (await conn.execute(sql(name, lane), {"sponsor": sponsor, **more})).fetchall()

    balances = await rows_of("sponsor_balance")
    rows = await rows_of("sponsor_lines", **before._asdict(), limit=limit + 1)
    following: str | None = None
    if len(rows) > limit:
        cut = rows[-1][:3]
        rows = [row for row in rows if row[:3] != cut] or rows[:limit]
        following = str(SponsorPlace(*rows[-1][:3]))
    named = await rows_of("sponsor_name")
    return SponsorStatement(
        sponsor=sponsor,
        name=named[0][0] if named else "",
        lane=lane,
        exposures=(await rows_of("sponsor_shown"))[0][0],
        balances=dict(balances),
        totals=totals_of(await rows_of("sponsor_totals")),
        lines=tuple(_line(row) for row in rows),
        next=following,
    )


def _line(row: tuple[Any, ...]) -> SponsorLine:
    at_us, source, number, kind, round_id, account, fen, credits, balance = row
    return SponsorLine(
        batch=number if source == 0 else None, transfer=number if source else None, kind=kind, round=round_id,
        account=account, fen=fen, balance_fen=balance, credits=credits, committed_us=at_us,
    )  # fmt: skip


def totals_of(rows: list[tuple[Any, ...]]) -> SponsorTotals:
    """Rows of sponsor_totals, (kind, on the own account, on budgets), added up. The two sides of funding and refunds
    stand on different accounts: a fen that is on one alone is residue.
    """
    own, budgets = ({row[0]: int(row[side]) for row in rows} for side in (1, 2))
    paid_in, refunded = -own.get("fund", 0), own.get("refund", 0)
    # Credit holds money, too, in the batch of the records beside it: what is held is known by the rows.
    suspense = own.get("held", 0)
    credited = -budgets.get("credit", 0) - budgets.get("set_aside", 0) - suspense
    open_fen = sum(budgets.values())
    return SponsorTotals(
        paid_in_fen=paid_in,
        credited_fen=credited,
        suspense_fen=suspense,
        refunded_fen=refunded,
        open_fen=open_fen,
        residue_fen=paid_in - credited - suspense - refunded - open_fen,
        plays_fen=-own.get("*", 0),
    )

"""Shares on a real ledger: a round that is paid for, users who claim, and whether everything adds up afterwards."""

from __future__ import annotations

from typing import Any

import psycopg

from system.contract.ids import Lane
from tests.support.play import ADMIN, Caller, fill, token

OWNER = 5
"""Has the awards 1-0, 1-1 and 1-2."""
FUNDING = {"key": "first", "sponsor": 7, "fen": 100_000, "share_fen": 1_000, "parts": 4, "lifetime_s": 3600}
_SPONSORS = '[{"sponsor": 7, "name": "Seven", "classes": [[100, 10]]}]'

# What must hold of shares and of transfers, each as a statement that finds what breaks it.
_RULES = {
    "paid in = claimed + open + refunded": """
        SELECT s.award FROM {lane}.share s
        LEFT JOIN {lane}.holding h ON h.account = 'share:' || s.award
        WHERE (SELECT sum(p) FROM unnest(s.parts) p) <> (
            SELECT sum(l.amount) FROM {lane}.leg l JOIN {lane}.transfer t USING (transfer)
            WHERE l.account = 'share:' || s.award AND t.kind = 'share')
        OR h.amount IS DISTINCT FROM CASE WHEN s.settled_us IS NOT NULL THEN 0 ELSE
            (SELECT coalesce(sum(p), 0) FROM unnest(s.parts[s.claimed + 1:]) p) END""",
    "claims are the first parts, once each": """
        SELECT s.award FROM {lane}.share s LEFT JOIN {lane}.claim c USING (award) GROUP BY s.award
        HAVING count(c.uid) <> s.claimed OR bool_or(c.fen <> s.parts[c.part]) OR max(c.part) > s.claimed
        OR bool_or(c.uid = s.uid) OR bool_or(c.at_us >= s.expires_us)""",
    "a claim is a transfer": """
        SELECT c.award, c.uid FROM {lane}.claim c FULL JOIN
            (SELECT t.key, l.amount, l.account FROM {lane}.transfer t JOIN {lane}.leg l USING (transfer)
             WHERE t.kind = 'claim' AND l.amount > 0) t
        ON t.key = 'claim:' || c.award || ':' || c.uid
        WHERE t.amount IS DISTINCT FROM c.fen OR t.account IS DISTINCT FROM 'user:' || c.uid""",
    "a claim is an interaction with the owner, and with each there is a tie": """
        SELECT c.award, c.uid FROM {lane}.claim c JOIN {lane}.share s USING (award) FULL JOIN
            (SELECT i.* FROM {lane}.interaction i JOIN {lane}.tie ON lo = least(from_uid, to_uid)
             AND hi = greatest(from_uid, to_uid) WHERE kind = 4) i
        ON i.key = 'claim:' || c.award || ':' || c.uid
        WHERE (i.from_uid, i.to_uid, i.at_us) IS DISTINCT FROM (c.uid, s.uid, c.at_us)""",
    "a refund at most, and only of what is over": """
        SELECT t.key FROM {lane}.transfer t LEFT JOIN {lane}.share s ON t.key = 'refund:' || s.award
        WHERE t.kind = 'refund' AND (s.settled_us IS NULL OR t.at_us < s.expires_us)""",
    "legs add up": "SELECT transfer FROM {lane}.leg GROUP BY transfer, currency HAVING sum(amount) <> 0",
    "a holding is the sum of its legs": """
        SELECT h.account FROM {lane}.holding h WHERE h.amount <> coalesce((SELECT sum(amount) FROM {lane}.leg l
        WHERE (l.account, l.currency) = (h.account, h.currency)), 0)
        OR (h.amount < 0 AND h.account NOT LIKE 'user:%')""",
}


def broken(dsn: str, lane: Lane = "live") -> dict[str, list[Any]]:
    """Which rules do not hold, and for what."""
    with psycopg.connect(dsn) as conn:
        found = {rule: conn.execute(text.replace("{lane}", lane).encode()).fetchall() for rule, text in _RULES.items()}
    return {rule: rows for rule, rows in found.items() if rows}


def execute(dsn: str, text: str, *params: Any) -> list[tuple[Any, ...]]:
    """One statement as the ledger's owner; its rows."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        cursor = conn.execute(text.encode(), params)
        return cursor.fetchall() if cursor.description else []


def expire(dsn: str, award: str) -> None:
    """The share's time is over, right after its last claim: read under its lock, as claims are."""
    with psycopg.connect(dsn) as conn:
        conn.execute("SELECT 1 FROM live.share WHERE award = %s FOR UPDATE", (award,))
        conn.execute(
            "UPDATE live.share s SET expires_us = 1 + greatest(opened_us, (SELECT max(at_us) FROM live.claim c"
            " WHERE c.award = s.award)) WHERE award = %s",
            (award,),
        )


def closed_long_ago(dsn: str, seconds: int, round_id: int = 1) -> None:
    """The round was closed so long ago, by PostgreSQL's clock."""
    execute(
        dsn,
        "UPDATE live.round SET state = 'closed', closed_us ="
        " ((extract(epoch FROM clock_timestamp()) - %s) * 1000000)::bigint WHERE round = %s",
        seconds, round_id,
    )  # fmt: skip


def code(answer: tuple[int, Any]) -> tuple[int, str]:
    """Status and code of a refusal; its effect is none."""
    status, body = answer
    assert body["error"]["effect"] == "none", body
    return status, body["error"]["code"]


def played(dsn: str) -> None:
    """Rounds 1 and 2 of sponsor 7, with postings of the owner's."""
    fill(dsn)
    execute(dsn, f"UPDATE live.round SET sponsors = '{_SPONSORS}'")


async def funded(play: Caller, dsn: str, **terms: Any) -> None:
    """Round 1's shares are paid for; `terms` in place of FUNDING's."""
    played(dsn)
    answer = await play.call("/v1/rounds/1/fission", ADMIN, FUNDING | terms)
    assert answer[0] == 200, answer


async def opened(play: Caller, award: str = "1-0") -> str:
    """The link of the owner's share."""
    status, share = await play.call("/v1/shares", token(OWNER), {"award": award})
    assert (status, share["state"]) == (200, "open"), share
    return str(share["link"])


async def claim(play: Caller, uid: int, link: str) -> tuple[int, Any]:
    """One claim."""
    return await play.call("/v1/shares/claim", token(uid), {"link": link})

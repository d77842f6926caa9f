"""S13 on a real ledger: shares add up; whatever a hand changed is found, counted, and named."""

from __future__ import annotations

import asyncio

import pytest

from system.audit.close import audit
from system.audit.judging import Judge
from system.audit.season.shares import judge
from system.audit.snapshot import Snapshot
from system.contract.audit import Finding
from system.ledger.access import Pool, open_url
from system.ledger.migrate import migrate
from system.ledger.transfer import Order, Transfers
from system.play.fission import claims, shares
from system.play.fission.models import FissionFunding
from system.play.fission.sweeps import sweep
from tests.support.fission import FUNDING, OWNER, broken, execute, expire, played
from tests.support.play import SECRET
from tests.support.stores import PostgresServer, ValkeyServer

TABLES = frozenset({"share", "claim", "leg", "transfer"})
RETURN = (
    "INSERT INTO live.transfer (kind, key, request, at_us) VALUES ('return', 'return:1:0', '{\"round\": 1}', %s);"
    "INSERT INTO live.leg SELECT max(transfer), '%s', 'fen', -10 FROM live.transfer;"
    "INSERT INTO live.leg SELECT max(transfer), '%s', 'fen', 10 FROM live.transfer"
)
NEVER = 1 << 62


def s13(dsn: str, valkey: str) -> Finding:
    # Round 1 has no real books: only what the season's rules find is asked for.
    report = asyncio.run(audit(dsn, valkey, SECRET, "live"))
    return next(finding for finding in report.findings if finding.code == "S13")


def shared(dsn: str) -> None:
    """Three shares of 1,000 fen in 4 parts: full, expired after 1 claim, open with 2."""

    async def go() -> None:
        await migrate(dsn, SECRET)
        played(dsn)
        pool = Pool(dsn, "xiu_live", SECRET)
        await shares.fund(pool, 1, FissionFunding.model_validate(FUNDING))
        for award, uids in (("1-0", range(11, 15)), ("1-1", range(21, 22)), ("1-2", range(31, 33))):
            await shares.open_share(pool, "live", SECRET, OWNER, award)
            async with pool.transaction() as conn:
                await claims.take(conn, "live", award, list(uids))
        expire(dsn, "1-1")
        assert await sweep(pool, "live") == 1
        await pool.close()

    asyncio.run(go())
    execute(dsn, "DELETE FROM live.posting; DELETE FROM live.suspense; DELETE FROM live.lease; DELETE FROM live.stream")


@pytest.fixture(scope="module")
def shared_dsn(postgres_server: PostgresServer) -> str:
    dsn = postgres_server.create_database("shares_that_add_up")
    shared(dsn)
    return dsn


def test_shares_add_up(shared_dsn: str, valkey_server: ValkeyServer) -> None:
    assert broken(shared_dsn) == {}
    found = s13(shared_dsn, valkey_server.url)
    assert (found.valid, found.first, found.residue_fen, found.counted) == (True, "", 0, 3 + 7)
    (rest,), (left,) = execute(
        shared_dsn,
        "SELECT (SELECT sum(p) FROM unnest(s.parts[s.claimed + 1:]) p)::int FROM live.share s WHERE award <> '1-0'"
        " ORDER BY award",
    )
    assert found.figure == (
        f"shares 3, claims 7, paid in fen 3,000, claimed fen {3000 - rest - left:,}, open fen {left},"
        f" refunded fen {rest}"
    )


@pytest.mark.parametrize(
    ("text", "says", "off"),
    [
        ("UPDATE live.leg SET amount = amount - 5 WHERE account = 'share:1-0' AND amount < 0",
         "share 1-0: paid in", 20),
        ("UPDATE live.share SET claimed = 1 WHERE award = '1-2'", "share 1-2: its claims are not", None),
        ("UPDATE live.claim SET fen = fen + 7 WHERE uid = 31", "share 1-2: the claim of user 31", 7),
        ("DELETE FROM live.claim WHERE uid = 31", "share 1-2: its claims are not", None),
        ("DELETE FROM live.claim WHERE uid = 14; UPDATE live.share SET claimed = 3 WHERE award = '1-0'",
         "share 1-0: paid in", None),
        ("UPDATE live.share SET uid = 32 WHERE award = '1-2'", "share 1-2: claimed by user 32, its owner", 0),
        ("UPDATE live.claim SET at_us = at_us + 10000000000 WHERE uid = 31",
         "share 1-2: claimed by user 31 after the expiry", 0),
        ("UPDATE live.share SET settled_us = NULL WHERE award = '1-1'", "share 1-1: paid in", None),
        ("UPDATE live.share SET settled_us = 1 WHERE award = '1-2'", "share 1-2: paid in", None),
        (RETURN % (NEVER, "fission:1", "sponsor:7"), "return:1:0: share 1-2 was open then", 0),
        (RETURN % (1, "fission:1", "sponsor:7"), "return:1:0: share 1-0 was open then, or opened later", 0),
        (RETURN % (1, "fission:1", "sponsor:9"), "return:1:0: share 1-0 was open", 10),
        (RETURN % (1, "sponsor:7", "fission:1"), "return:1:0: share 1-0 was open", 20),
        ("UPDATE live.leg l SET account = 'user:99' FROM live.transfer t WHERE t.transfer = l.transfer"
         " AND t.kind = 'refund' AND l.account = 'fission:1'", "share 1-1: opened from, or paid back to", None),
        ("UPDATE live.leg l SET account = 'fission:2' FROM live.transfer t WHERE t.transfer = l.transfer"
         " AND t.key = 'share:1-0' AND l.account = 'fission:1'", "share 1-0: opened from", 1000),
    ],
)  # fmt: skip
def test_what_a_hand_changed_is_named(shared_dsn: str, text: str, says: str, off: int | None) -> None:
    """Judged inside the transaction that changed it, which is then undone."""

    async def go() -> Finding:
        async with await open_url(shared_dsn) as conn, conn.transaction(force_rollback=True):
            await conn.execute(text.encode())
            mine = Judge("S13")
            await judge({"S13": mine}, Snapshot(conn, "live", TABLES).rows)
            return mine.finding()

    found = asyncio.run(go())
    assert found.valid is False
    assert says in found.first
    assert found.violations >= 1
    if off is not None:
        assert found.residue_fen == off


def test_an_operator_who_takes_back_breaks_nothing(
    postgres_dsn: str, valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A claim of a share that is full, and of one that is open, which an older program let him take back: their
    reversals are no difference.
    """
    monkeypatch.setattr("system.ledger.transfer.FINAL_KINDS", frozenset())
    shared(postgres_dsn)

    async def go() -> None:
        pool = Pool(postgres_dsn, "xiu_live", SECRET)
        for key in ("claim:1-0:11", "claim:1-2:31"):
            ((number,),) = execute(postgres_dsn, "SELECT transfer FROM live.transfer WHERE key = %s", key)
            await Transfers(pool, "live").send(Order("reverse", f"reverse:{number}", {}, reverses=number))
        expire(postgres_dsn, "1-2")
        assert await sweep(pool, "live") == 1
        await pool.close()

    asyncio.run(go())
    found = s13(postgres_dsn, valkey_server.url)
    assert (found.valid, found.first) == (True, "")

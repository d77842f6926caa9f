"""`python -m system.audit.shadow [--json]`: what a stress run needs of the stores before it starts, and after it.

The stress lane's tables are the live lane's, column by column; the stress role may write them, and no lane's role may
write the other lane's; every cell's Valkey takes a write. Beside it the live lane is summed up, and the records of one
lane that credit met in the other are counted, for the comparison after the run. Writes one key of the stress lane,
which it removes. Exit codes: 0 done · 2 bad input · 5 stores not reachable.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Coroutine, Iterator, Mapping, Sequence

from system.audit.checksum import TIMEOUT_S, checksum
from system.audit.look import shown
from system.contract.audit import ShadowReport
from system.contract.errors import StoreRefused
from system.contract.ids import LANES, Lane
from system.contract.records import OTHER_LANE, SAYS_LANE
from system.ledger.access import Connection, connect, lane_role
from system.ledger.statements import statement
from system.ledger.translate import translated
from system.settings import AuditSettings
from system.winlog import WinLogs, WinLogStore

WRITES = ("audit_may_post", "audit_may_transfer")
NAMED_MAX = 5
"""Columns that are told one by one."""
KEY, KEY_S = "rehearsal:stress", 10


async def shadow(
    postgres_url: str, valkey_urls: str | Mapping[int, str], secret: bytes, apart: int | None = None
) -> ShadowReport:
    """The live lane's sum (without what belongs to round `apart`), and what is wrong.

    Raises StoreUnknown, StoreRefused when the stores cannot be read.
    """
    problems: list[str] = []
    leaked: dict[Lane, int] = {}
    for lane in LANES:
        conn = await connect(postgres_url, lane_role(lane), secret, timeout_s=TIMEOUT_S)
        async with conn:
            if lane == "stress":
                problems += await _apart(conn)
            for other in LANES:
                problems += await _rights(conn, lane, other)
            leaked[lane] = await _leaked(conn, lane)
    async with WinLogs(valkey_urls, timeout_s=TIMEOUT_S) as logs:
        for store in logs:
            problems += await _taken(store)
    live = await checksum(postgres_url, valkey_urls, secret, "live", apart)
    return ShadowReport(live=live, problems=tuple(problems), into_live=leaked["live"], into_stress=leaked["stress"])


async def _apart(conn: Connection) -> list[str]:
    """Columns that only one of the lanes has."""
    with translated("compare the lanes"):
        rows = await (await conn.execute(statement("audit_lanes_apart", "stress"))).fetchall()
    told = [f"only the {lane} lane has {name}.{field} ({kind})" for lane, name, field, kind in rows[:NAMED_MAX]]
    return told + ([f"and {len(rows) - NAMED_MAX} columns more"] if len(rows) > NAMED_MAX else [])


async def _leaked(conn: Connection, lane: Lane) -> int:
    """Records and streams of the other lane that credit met in this one."""
    (other,) = (each for each in LANES if each != lane)
    reasons = {"reason": OTHER_LANE, "stopped": f"%{SAYS_LANE.format(lane=other)}%"}
    with translated("count leaks"):
        rows = await conn.execute(statement("audit_leaked", lane), reasons)
        row = await rows.fetchone()
    assert row is not None
    return int(row[0])


async def _rights(conn: Connection, role: Lane, schema: Lane) -> list[str]:
    """What a lane's role may do in a lane's schema beside what it should."""
    if role == "live" == schema:
        return []  # the public's own business
    for name in WRITES:
        try:
            with translated("write nothing"):
                await conn.execute(statement(name, schema))
        except StoreRefused as exc:
            if role == schema:
                return [f"the {role} role cannot write the {schema} lane: {exc}"]
            continue
        if role != schema:
            return [f"the {role} role may write the {schema} lane"]
    return []


async def _taken(store: WinLogStore) -> list[str]:
    """A key is written, read back, and removed."""
    try:
        await store.command("SET", KEY, "1", "EX", KEY_S)
        there = await store.command("GET", KEY)
        await store.command("DEL", KEY)
    except StoreRefused as exc:
        return [f"the win log takes no write: {exc}"]
    return [] if there == b"1" else ["the win log does not hold what was written"]


def _lines(done: ShadowReport) -> Iterator[str]:
    yield from done.problems or ("nothing stands against a stress run",)
    yield f"records of the other lane: {done.into_live} in live, {done.into_stress} in stress"
    yield f"{done.live.lane:<45}  {done.live.checksum}"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m system.audit.shadow",
        description="Looks at the stress lane's stores before a run, and sums up the live lane.",
        epilog="Example: --json",
    )

    parser.add_argument("--apart", type=int, metavar="ROUND", help="the live lane's sum without this round of it")

    def look(settings: AuditSettings, args: argparse.Namespace) -> Coroutine[None, None, ShadowReport]:
        return shadow(settings.postgres_url, settings.valkey_urls, settings.secret, args.apart)

    return shown(parser, argv, look, _lines)


if __name__ == "__main__":
    sys.exit(main())

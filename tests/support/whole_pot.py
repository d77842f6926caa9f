"""The pot of 2016 paid whole on a real ledger: 215 million yuan among 791,405 people, 271.66 yuan each (press).

By hand, for it takes minutes: `python -m tests.support.whole_pot`. One in 316 of them is in `make test`
(`tests/integration/play/test_cards.py`). Every blessing's card is dealt without the counter; all else is play's own.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg

from system.ledger.access import Pool, lane_role
from system.ledger.migrate import migrate
from system.play.cards import seasons
from system.play.cards.models import SeasonOrder
from system.play.cards.pot import pay_some
from tests.support.fission import execute
from tests.support.play import SECRET
from tests.support.stores import PostgresServer

USERS, POT_FEN, EACH_FEN, REST_FEN = 791_405, 21_500_000_000, 27_166, 691_770
SEASON = 3
assert EACH_FEN * USERS + REST_FEN == POT_FEN


def pot_of(users: int) -> int:
    """Fen of a pot that gives so many of the people the same."""
    return POT_FEN * users // USERS


async def paid(dsn: str, users: int) -> str:
    """Opens a season, gives each user a blessing, ends it, pays it; what that took. Raises AssertionError."""
    await migrate(dsn, SECRET)
    pool = Pool(dsn, lane_role("live"), SECRET, timeout_s=120.0)
    try:
        order = SeasonOrder(season=SEASON, lane="live", cards=(1, 1, 1, 1, 1), pot_fen=pot_of(users), sponsor=7)
        await seasons.open_season(pool, order)
        with psycopg.connect(dsn) as conn:
            blessed = "INSERT INTO live.holding SELECT 'user:' || u, 'blessing', 1 FROM generate_series(1, %s) u"
            conn.execute(blessed, (users,))
        began = time.monotonic()
        over = await seasons.end_season(pool, "live", SEASON)
        frozen = time.monotonic()
        assert (over.blessings, over.each_fen) == (users, EACH_FEN)
        while await pay_some(pool, "live"):
            pass
        done = time.monotonic()
    finally:
        await pool.close()
    rest = pot_of(users) - users * EACH_FEN
    held = execute(dsn, "SELECT account, amount FROM live.holding WHERE account ~ '^(pot|rounding):' ORDER BY 1")
    assert held == [(f"pot:{SEASON}", 0), (f"rounding:{SEASON}", rest)], held
    rows = execute(
        dsn,
        "SELECT currency, amount, count(*) FROM live.holding WHERE account LIKE 'user:%%' GROUP BY 1, 2 ORDER BY 1",
    )
    assert rows == [("blessing", 0, users), ("fen", EACH_FEN, users)], rows
    assert execute(dsn, "SELECT state FROM live.season") == [("paid",)]
    legs = "SELECT count(*), sum(amount) FROM live.leg WHERE account LIKE 'user:%%' AND currency = 'fen'"
    assert execute(dsn, legs) == [(users, users * EACH_FEN)]
    batches = execute(dsn, "SELECT count(*) FROM live.transfer WHERE kind = 'pot'")[0][0]
    return (
        f"{users:,} people, {EACH_FEN / 100} yuan each, {rest:,} fen over, in {batches} transfers;"
        f" list frozen in {frozen - began:.1f} s, paid in {done - frozen:.1f} s"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """One line when every fen is where it belongs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=USERS, help="so many of the people, with their part of the pot")
    users = parser.parse_args(argv).users
    with tempfile.TemporaryDirectory(prefix="xiu-whole-pot-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = PostgresServer(folder / "postgres")
        try:
            server.init()
            server.start()
            print(asyncio.run(paid(server.create_database("pot"), users)), flush=True)
        finally:
            server.discard()
    return 0


if __name__ == "__main__":
    sys.exit(main())

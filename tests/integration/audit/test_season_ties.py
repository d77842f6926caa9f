"""S16 on a real ledger: every interaction once in its tie; whatever a hand changed is found, counted, and named."""

from __future__ import annotations

import asyncio

import numpy as np
import psycopg
import pytest

from system.contract.audit import Finding
from system.contract.ids import Lane
from system.ledger.access import Pool
from system.ledger.interactions import LANDMARK_US, Interaction, interact_all
from system.play.ties.ingest import ingest
from tests.support.books import SECRET
from tests.support.finding import finding
from tests.support.stores import ValkeyServer

NOW = LANDMARK_US + 10**13


def s16(dsn: str, valkey: str, lane: Lane = "live") -> Finding:
    return finding("S16", dsn, valkey, lane)


def met(dsn: str) -> None:
    """Ties 1-2 and 2-3 by what passed, 3-4 imported; five interactions, two of them of the same kind and direction."""
    passed = [
        Interaction("claim:1-1:1", "claim", 1, 2, NOW), Interaction("claim:1-2:1", "claim", 1, 2, NOW + 10**10),
        Interaction("gift:2:a", "card", 2, 1, NOW + 1), Interaction("contact:2:3", "contact", 3, 2, NOW),
        Interaction("bill:4:a", "transfer", 4, 3, NOW + 5),
    ]  # fmt: skip

    async def go() -> None:
        pool = Pool(dsn, "xiu_live", SECRET)
        async with pool.transaction("test") as conn:
            await ingest(conn, "live", np.array([[3, 4]]), NOW)
        for each in passed:
            async with pool.transaction("test") as conn:
                await interact_all(conn, "live", [each, each])
        await pool.close()

    asyncio.run(go())


@pytest.fixture
def chain(ledger_dsn: str) -> str:
    met(ledger_dsn)
    return ledger_dsn


def test_what_passed_is_counted_and_nothing_passed_is_not_evaluated(chain: str, valkey_server: ValkeyServer) -> None:
    found = s16(chain, valkey_server.url)
    assert (found.valid, found.first, found.counted) == (True, "", 3 + 5)
    assert found.figure == "ties 3, interactions 5"
    idle = s16(chain, valkey_server.url, "stress")
    assert (idle.valid, idle.counted) == (None, 0)


ROWS = [
    pytest.param(
        "UPDATE live.tie SET counts[4] = 3 WHERE (lo, hi) = (1, 2)",
        "tie 1-2: claim from 1 to 2 counts 3, 2 happened", 1, id="a claim counted twice",
    ),
    pytest.param(
        "DELETE FROM live.interaction WHERE key = 'gift:2:a'",
        "tie 1-2: card from 2 to 1 counts 1, 0 happened", 1, id="a gift that nobody gave",
    ),
    pytest.param(
        "UPDATE live.tie SET weights[4] = weights[4] * 1.001 WHERE (lo, hi) = (1, 2)",
        "tie 1-2: claim from 1 to 2 has another weight than what happened", 1, id="a heavier claim",
    ),
    pytest.param(
        "UPDATE live.interaction SET from_uid = 2, to_uid = 1 WHERE key = 'claim:1-2:1'",
        "tie 1-2: claim from 1 to 2 counts 2, 1 happened", 2, id="the other direction",
    ),
    pytest.param(
        "DELETE FROM live.tie WHERE (lo, hi) = (2, 3)",
        "tie 2-3: contact from 3 to 2 counts 0, 1 happened", 2, id="a tie gone",
    ),
    pytest.param(
        "INSERT INTO live.tie (lo, hi, made_us, made_by, through) VALUES (8, 9, 1, 9, 4);"
        "INSERT INTO live.tie_growth VALUES (4, 0, 1)",
        "tie 8-9: nothing by user 9 made it", 1, id="a tie that nothing made",
    ),
    pytest.param(
        "UPDATE live.tie_growth SET ties = ties + 2 WHERE through = 0",
        "1 ties were made by import, growth counts 3", 2, id="growth of ties that are not there",
    ),
    pytest.param(
        "INSERT INTO live.transfer (kind, key, request, at_us) VALUES ('claim', 'claim:1-9:7', '{}', 1);"
        "INSERT INTO live.leg VALUES (currval('live.transfer_transfer_seq'), 'share:1-9', 'fen', -1),"
        " (currval('live.transfer_transfer_seq'), 'user:7', 'fen', 1)",
        "transfer claim:1-9:7 is in no tie", 1, id="a claim without its interaction",
    ),
    pytest.param(
        "INSERT INTO live.transfer (kind, key, request, at_us) VALUES ('present', 'present:1:k', '{}', 1);"
        "INSERT INTO live.leg VALUES (currval('live.transfer_transfer_seq'), 'user:1', 'fen', -1),"
        " (currval('live.transfer_transfer_seq'), 'user:2', 'fen', 1)",
        "transfer present:1:k is in no tie", 1, id="money given without its interaction",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("change", "first", "violations"), ROWS)
def test_what_a_hand_changed_is_found(
    chain: str, valkey_server: ValkeyServer, change: str, first: str, violations: int
) -> None:
    with psycopg.connect(chain) as conn:
        for text in change.split(";"):
            conn.execute(text.encode())
    found = s16(chain, valkey_server.url)
    assert (found.valid, found.first, found.violations) == (False, first, violations)

"""How PostgreSQL looks a balance up: by the index, also in a table that it knows nothing about yet.

In its first minute a round's postings are not analyzed. A balance that reads them all would be slow just when everybody
asks for his.
"""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from system.ledger.statements import statement

PLACE = {"uid": 777, "limit": 51, "award_us": 1 << 62, "round": (1 << 31) - 1, "transfer": 1 << 62}
LEGS = {"accounts": ["user:777"], "currencies": ["fen"], "amounts": [-1], "uids": [777]}


@pytest.mark.parametrize(
    ("name", "params", "index"),
    [
        pytest.param("balances", {"uids": [777, 778]}, "posting_round_account", id="balances"),
        pytest.param("statement", PLACE, "posting_round_account", id="statement"),
        pytest.param("transfer_move", LEGS, "posting_round_account", id="move"),
        pytest.param("transfer_lock_holdings", LEGS, "holding_pkey", id="lock"),
    ],
)
def test_a_balance_is_found_by_the_index_before_anything_was_analyzed(
    ledger_dsn: str, name: str, params: dict[str, Any], index: str
) -> None:
    with psycopg.connect(ledger_dsn, cursor_factory=psycopg.ClientCursor) as conn:
        for number in (1, 2, 3):
            conn.execute(
                f"INSERT INTO live.posting SELECT g * 7, {number}, g, 100, 1, 0, g, 1 FROM generate_series(1, 40000) g"
            )
        conn.execute("INSERT INTO live.holding SELECT 'user:' || g * 7, 'fen', 0 FROM generate_series(1, 20000) g")
        text = conn.cursor().mogrify(statement(name, "live"), params)
        plan = "\n".join(row[0] for row in conn.execute(b"EXPLAIN " + text.encode()).fetchall())
        conn.rollback()
    assert index in plan
    assert "Seq Scan on posting" not in plan
    assert "Seq Scan on holding" not in plan

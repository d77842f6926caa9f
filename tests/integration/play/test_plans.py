"""How PostgreSQL looks a balance up: by the index, also in a table that it knows nothing about yet.

In its first minute a round's postings are not analyzed. A balance that reads them all would be slow just when everybody
asks for his.
"""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from system.ledger.access import ONE_PLAN
from system.ledger.statements import statement

PLACE = {"uid": 777, "limit": 51, "award_us": 1 << 62, "round": (1 << 31) - 1, "transfer": 1 << 62}
LEGS = {"accounts": ["user:777"], "currencies": ["fen"], "amounts": [-1], "uids": [777]}


@pytest.mark.parametrize("known_empty", [False, True], ids=["nothing is known", "known to be empty"])
def test_the_one_plan_of_the_balances_is_by_the_index_also_if_it_was_made_when_nobody_had_anything(
    ledger_dsn: str, known_empty: bool
) -> None:
    with psycopg.connect(ledger_dsn, cursor_factory=psycopg.ClientCursor, autocommit=True) as conn:
        if known_empty:
            conn.execute("VACUUM (ANALYZE) live.posting, live.holding")
        for name, value in ONE_PLAN.items():
            conn.execute(f"SET {name} = {value}")
        conn.execute(b"PREPARE balances AS " + statement("balances", "live").replace(b"%(uids)s", b"$1"))
        plan = "\n".join(row[0] for row in conn.execute("EXPLAIN EXECUTE balances ('{777,778}')").fetchall())
        conn.execute("EXECUTE balances ('{777,778}')")
        counted = conn.execute("SELECT generic_plans, custom_plans FROM pg_prepared_statements").fetchall()
    assert counted == [(2, 0)], "one plan for all users"
    assert {"posting_round_account", "holding_pkey"} <= set(plan.replace("\n", " ").split())
    assert "Seq Scan" not in plan


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
    postgres_dsn: str, name: str, params: dict[str, Any], index: str
) -> None:
    with psycopg.connect(postgres_dsn, cursor_factory=psycopg.ClientCursor) as conn:
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

"""How PostgreSQL looks ties up: by both indexes, also in a table that it knows nothing about yet. In a database of its
own, for PostgreSQL remembers what it has seen of a table, also when that is emptied.
"""

from __future__ import annotations

import re
from typing import Any

import psycopg
import pytest

from system.ledger.statements import statement


@pytest.mark.parametrize(
    ("name", "params", "indexes"),
    [
        pytest.param("ties_of_user", {"uid": 777, "limit": 200}, ("tie_pkey", "tie_hi"), id="the strongest"),
        pytest.param("ties_of_pair", {"lo": 777, "hi": 778}, ("tie_(pkey|hi)",), id="a pair"),
        pytest.param("ties_page", {"uid": 777, "after": -1, "limit": 50}, ("tie_pkey", "tie_hi"), id="friends"),
        pytest.param("cards_ties", {"uid": 777, "limit": 200}, ("tie_pkey", "tie_hi", "card_key"), id="worth a card"),
        pytest.param("ties_neighbours", {"uids": [777, 778], "limit": 10}, ("tie_pkey", "tie_hi"), id="in common"),
    ],
)
def test_ties_are_found_by_the_indexes_before_anything_was_analyzed(
    postgres_dsn: str, name: str, params: dict[str, Any], indexes: tuple[str, ...]
) -> None:
    with psycopg.connect(postgres_dsn, cursor_factory=psycopg.ClientCursor) as conn:
        conn.execute(
            "INSERT INTO live.tie (lo, hi, made_us, made_by, through)"
            " SELECT g, g + 1 + g % 7, 1, g, 0 FROM generate_series(1, 60000) g"
        )
        text = conn.cursor().mogrify(statement(name, "live"), params)
        plan = "\n".join(row[0] for row in conn.execute(b"EXPLAIN " + text.encode()).fetchall())
        conn.rollback()
    # By the index row by row, or a page at a time.
    assert all(re.search(rf"(using|Index Scan on) {index}", plan) for index in indexes), plan
    assert "Seq Scan" not in plan.replace("Seq Scan on season", ""), plan  # seasons are few

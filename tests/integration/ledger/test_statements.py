"""Every statement of both lanes is prepared by a real PostgreSQL: its tables, columns and parameters are there."""

from __future__ import annotations

import itertools
import re

import psycopg
import pytest

from system.contract.ids import LANES, Lane
from system.ledger.statements import statement, statements


def prepared(text: str) -> str:
    """The statement with `$1`, `$2`, … for psycopg's parameters."""
    numbers: dict[str, str] = {}
    count = itertools.count(1)

    def numbered(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        name = match[1] or f"place {next(count)}"
        return numbers.setdefault(name, f"${len(numbers) + 1}")

    return re.sub(r"%%|%\((\w+)\)s|%s", numbered, text)


PREPARABLE = {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "COPY"}
"""The others change or lock a table as such: they are carried out, in their file's order (what one takes away, a later
one puts back)."""


def word(text: str) -> str:
    """The first word of a statement, its comment left out."""
    return next(line for line in text.splitlines() if not line.startswith("--")).lstrip("(").split()[0]


@pytest.mark.parametrize("lane", LANES)
def test_every_statement_is_prepared(migrated_dsn: str, lane: Lane) -> None:
    wrong = []
    with psycopg.connect(migrated_dsn, autocommit=True) as conn:
        for name, one in statements().items():
            text = statement(name, lane).decode()
            try:
                if word(text) not in PREPARABLE:
                    with conn.transaction():
                        conn.execute(text.encode())
                    continue
                if "COPY" in text:
                    refused = pytest.raises(psycopg.errors.BadCopyFileFormat)
                    with conn.cursor() as cursor, refused, cursor.copy(text.encode()) as copy:
                        copy.write(b"not a copy's head, 19")
                    continue
                conn.execute(f"PREPARE one AS {prepared(text)}".encode())
                conn.execute("DEALLOCATE one")
            except psycopg.Error as exc:
                wrong.append(f"{one.place}: {name}: {exc}")
    assert wrong == []


def test_a_column_that_is_not_there_is_seen(migrated_dsn: str) -> None:
    with psycopg.connect(migrated_dsn, autocommit=True) as conn, pytest.raises(psycopg.errors.UndefinedColumn):
        conn.execute(f"PREPARE one AS {prepared('SELECT nothing FROM live.round WHERE round = %(round)s')}".encode())

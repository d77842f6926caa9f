"""Brings a database to the ledger's shape: roles, then each step once, then rights. Run by control at its start.

Each step is a transaction that also notes it, with its checksum: killed in the middle, it is applied whole or not at
all. So a statement that PostgreSQL does not run in a transaction cannot be a step. Touches the schemas control, live
and stress alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg import sql

from system.contract.errors import SettingsError
from system.contract.ids import LANES
from system.ledger.access import ROLES, Connection, deadline, open_url, role_password, transaction
from system.ledger.statements import lane_rights
from system.ledger.steps import AppliedStep, MigrationStep, refuse_contradictions, shown, steps
from system.ledger.translate import translated

_WRONG_CLASSES = frozenset({"0A", "22", "23", "42", "P0"})
"""Classes of SQLSTATE that say that the step is wrong, whenever it is run: its syntax, its names, its data."""
_NO_RIGHT = "42501"
"""Somebody may grant it meanwhile."""
_LOCK = 0x786975  # one migration at a time in a database
_BOOKKEEPING = b"""
CREATE SCHEMA IF NOT EXISTS control;
CREATE TABLE IF NOT EXISTS control.migration (
    number int PRIMARY KEY, name text NOT NULL, at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE control.migration ADD COLUMN IF NOT EXISTS checksum text;
"""
_CONTROL_RIGHTS = b"""
REVOKE ALL ON SCHEMA control FROM PUBLIC;
GRANT USAGE ON SCHEMA control TO xiu_control;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA control TO xiu_control;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA control TO xiu_control;
"""


async def migrate(
    url: str, secret: bytes, *, timeout_s: float = 30.0, known: Sequence[MigrationStep] | None = None
) -> None:
    """Takes the steps that are missing, as the superuser of `url`; passwords of the roles are set anew from `secret`.

    Raises SettingsError where the ledger took other steps than these, or in another order, and for a step that is
    wrong; StoreRefused (no connection, no right), StoreUnknown: safe to run again after either.
    """
    known = steps() if known is None else known
    conn = await open_url(url, timeout_s=timeout_s, name="xiu-migrate")
    async with conn:
        with translated("migrate"), deadline(conn, timeout_s):
            await _begin(conn, secret, known)
        for step in known:
            with translated(f"migrate: {shown(step.file)}"), deadline(conn, timeout_s):
                await _take(conn, step, known)
        with translated("migrate"), deadline(conn, timeout_s):
            await _rights(conn)


async def _begin(conn: Connection, secret: bytes, known: Sequence[MigrationStep]) -> None:
    """Roles and the list of steps; those of a ledger without checksums are noted as they stand now."""
    async with transaction(conn):
        await conn.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        await _roles(conn, secret)
        await conn.execute(_BOOKKEEPING)
        taken = await _taken(conn)
        refuse_contradictions(known, taken)
        for step in known:
            if step.number in taken:
                await conn.execute(
                    "UPDATE control.migration SET checksum = %s WHERE number = %s AND checksum IS NULL",
                    (step.checksum, step.number),
                )
        if taken and known[0].number not in taken:
            await _note(conn, known[0])


async def _take(conn: Connection, step: MigrationStep, known: Sequence[MigrationStep]) -> None:
    """The step and its note, if the ledger does not have it; another process may be taking it too."""
    async with transaction(conn):
        await conn.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        taken = await _taken(conn)
        refuse_contradictions(known, taken)
        if step.number in taken:
            return
        if step.number == 0:
            for lane in LANES:
                await conn.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(lane)))
        for text in step.texts():
            try:
                await conn.execute(text)
            except psycopg.Error as exc:
                state = exc.sqlstate or ""
                if state[:2] in _WRONG_CLASSES and state != _NO_RIGHT:
                    raise SettingsError(_refused(step, text, exc)) from exc
                raise
        await _note(conn, step)


def _refused(step: MigrationStep, text: bytes, exc: psycopg.Error) -> str:
    """What is wrong with a step, at the line that PostgreSQL names; the next attempt would end alike."""
    at = exc.diag.statement_position
    line = 1 if at is None else 1 + text.decode()[: int(at) - 1].count("\n")
    return f"{shown(step.file)}:{line}: PostgreSQL refuses the step: {exc.diag.message_primary or exc}"


async def _taken(conn: Connection) -> dict[int, AppliedStep]:
    rows = await (await conn.execute("SELECT number, name, checksum FROM control.migration ORDER BY number")).fetchall()
    return {row[0]: AppliedStep(*row) for row in rows}


async def _note(conn: Connection, step: MigrationStep) -> None:
    await conn.execute(
        "INSERT INTO control.migration (number, name, checksum) VALUES (%s, %s, %s)",
        (step.number, step.name, step.checksum),
    )


async def _rights(conn: Connection) -> None:
    async with transaction(conn):
        await conn.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        await conn.execute(_CONTROL_RIGHTS)
        for lane in LANES:
            await conn.execute(lane_rights(lane))


async def _roles(conn: Connection, secret: bytes) -> None:
    found = {row[0] for row in await (await conn.execute("SELECT rolname FROM pg_roles")).fetchall()}
    for role in ROLES:
        # Hashed here, so that the password itself never crosses the wire nor stands in a server's log.
        hashed = conn.pgconn.encrypt_password(role_password(secret, role).encode(), role.encode(), b"scram-sha-256")
        verb = "ALTER" if role in found else "CREATE"
        await conn.execute(
            sql.SQL(verb + " ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}").format(
                sql.Identifier(role), sql.Literal(hashed.decode())
            )
        )

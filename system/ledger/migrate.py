"""Brings a database to the ledger's shape: schemas, tables, roles, rights. Idempotent; run by control at start.

Refuses: touching anything outside the schemas control, live, stress; taking a column or a row away.
"""

from __future__ import annotations

from psycopg import sql

from system.contract.ids import LANES
from system.ledger.access import ROLES, Connection, deadline, open_url, role_password, transaction
from system.ledger.statements import control_schema, lane_rights, lane_schema, migrations
from system.ledger.translate import translated

_LOCK = 0x786975  # one migration at a time in a database
_CONTROL_RIGHTS = b"""
REVOKE ALL ON SCHEMA control FROM PUBLIC;
GRANT USAGE ON SCHEMA control TO xiu_control;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA control TO xiu_control;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA control TO xiu_control;
"""


async def migrate(url: str, secret: bytes, *, timeout_s: float = 30.0) -> None:
    """Makes what is missing, as the superuser of `url`; passwords of the roles are set anew from `secret`.

    Raises StoreRefused (no connection, no right), StoreUnknown; safe to run again after either.
    """
    conn = await open_url(url, timeout_s=timeout_s, name="xiu-migrate")
    async with conn:
        with translated("migrate"), deadline(conn, timeout_s):
            await _all(conn, secret)


async def _all(conn: Connection, secret: bytes) -> None:
    async with transaction(conn):
        await conn.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        await _roles(conn, secret)
        await conn.execute(control_schema())
        await _numbered(conn)
        await conn.execute(_CONTROL_RIGHTS)
        for lane in LANES:
            await conn.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(lane)))
            await conn.execute(lane_schema(lane))
            await conn.execute(lane_rights(lane))


async def _numbered(conn: Connection) -> None:
    """Each step of `migrations/` once, in order, in the transaction that notes it."""
    rows = await (await conn.execute("SELECT number FROM control.migration")).fetchall()
    taken = {number for (number,) in rows}
    for number, name, text in migrations():
        if number not in taken:
            await conn.execute(text)
            await conn.execute("INSERT INTO control.migration (number, name) VALUES (%s, %s)", (number, name))


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

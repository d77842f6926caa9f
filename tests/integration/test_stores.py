"""The stores of the tests themselves: durable settings on, restart keeps data, kill leaves nothing behind."""

from __future__ import annotations

import psycopg

from tests.support.stores import PostgresServer, ValkeyServer


def test_valkey_syncs_every_write(valkey_server: ValkeyServer) -> None:
    assert b"always" in valkey_server.command_line("CONFIG GET appendfsync")
    assert b"yes" in valkey_server.command_line("CONFIG GET appendonly")
    assert valkey_server.port < 32768


def test_valkey_killed_keeps_what_it_answered(valkey_server: ValkeyServer) -> None:
    assert valkey_server.command_line("SET stores:kept 1") == b"+OK\r\n"
    valkey_server.restart(kill=True)
    assert valkey_server.command_line("GET stores:kept") == b"$1\r\n1\r\n"


def test_postgres_is_durable_and_restarts(postgres_server: PostgresServer) -> None:
    dsn = postgres_server.create_database("stores")
    with psycopg.connect(dsn) as conn:
        conn.execute("CREATE TABLE kept (fen bigint)")
        conn.execute("INSERT INTO kept VALUES (7)")
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            row = conn.execute("SELECT current_setting(%s)", (setting,)).fetchone()
            assert row == ("on",)
    postgres_server.restart()
    with psycopg.connect(dsn) as conn:
        assert conn.execute("SELECT fen FROM kept").fetchone() == (7,)

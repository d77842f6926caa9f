"""The tests' own PostgreSQL: killed and started again, it has the port that clients know, whoever still holds on."""

from __future__ import annotations

import os
import signal
import threading

import psycopg

from tests.support.stores import PostgresServer, wait_until


def test_a_session_that_outlives_its_server_costs_it_no_port(own_postgres: PostgresServer) -> None:
    port, held = own_postgres.port, "shared memory block"
    with psycopg.connect(own_postgres.dsn()) as session:
        pid = session.info.backend_pid
        os.kill(pid, signal.SIGSTOP)
        own_postgres.kill()

        def let_go() -> None:
            try:
                wait_until(lambda: held in own_postgres.log.read_text(errors="replace"), 60, "a start refused")
            finally:
                os.kill(pid, signal.SIGKILL)

        letting_go = threading.Thread(target=let_go)
        letting_go.start()
        try:
            own_postgres.start()
        finally:
            letting_go.join()
    assert held in own_postgres.log.read_text(errors="replace")
    assert own_postgres.port == port
    assert own_postgres.answers()

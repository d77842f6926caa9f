"""Fixtures every test may use: the real stores, one set per test worker, started on first use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stores import PostgresServer, ValkeyServer


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what a test has to show, `record_property("shown", text)`, also when it ran in another process."""
    reports = [report for several in terminalreporter.stats.values() for report in several]
    for report in reports:
        for name, text in getattr(report, "user_properties", ()):
            if name == "shown" and report.when == "call":
                terminalreporter.section(report.nodeid)
                terminalreporter.write_line(text)


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """A running Valkey (append-only file, fsync always). Tests own their keys; a test that restarts it leaves it up."""
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A running PostgreSQL; take a database of your own with `create_database(name)`."""
    server = PostgresServer(tmp_path_factory.mktemp("postgres"))
    try:
        server.init()
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def postgres_dsn(postgres_server: PostgresServer, request: pytest.FixtureRequest) -> str:
    """The dsn of an empty database made for this one test."""
    return postgres_server.create_database("t_" + str(abs(hash(request.node.nodeid))))

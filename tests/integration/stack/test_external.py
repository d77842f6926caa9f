"""A service named by `XIU_*_URL` belongs to somebody: used as it is, never killed, never changed."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import valkey

from harness.errors import BadInput, EnvironmentNotReady
from harness.stack import Stack, last_folder, tools
from tests.support.stack_parts import child, get
from tests.support.stores import PostgresServer, ValkeyServer

Make = Callable[..., Stack]


def test_an_external_valkey_is_used_through_the_links_and_left_alone(make: Make, valkey_server: ValkeyServer) -> None:
    url = f"valkey://127.0.0.1:{valkey_server.port}/3"
    with valkey.Valkey.from_url(url) as client:
        client.set("theirs", "1")
        before = (client.config_get("*"), client.info("server")["process_id"])
        with make(environment={"XIU_VALKEY_URL": url}, system=[child("front-0")], with_prometheus=False) as stack:
            assert stack.addresses.valkey_url == url
            assert "valkey" not in stack.pids()
            assert stack.externals == {"valkey": url}
            assert any("XIU_VALKEY_URL" in note for note in stack.notes)
            with valkey.Valkey.from_url(stack.addresses.links["front-valkey"]) as through:
                assert through.get("theirs") == b"1"
                assert through.client_info()["db"] == 3
            for touch in (stack.restart, stack.suspend_restart, stack.resume_restart, stack.kill):
                with pytest.raises(BadInput, match=r"external|does not run"):
                    touch("valkey")
        assert (client.config_get("*"), client.info("server")["process_id"]) == before
        assert client.get("theirs") == b"1"
        client.delete("theirs")


def test_an_external_postgres_is_used_through_the_links_and_left_alone(
    make: Make, postgres_server: PostgresServer
) -> None:
    url = postgres_server.create_database("external_to_the_stack")

    def settings() -> list[tuple[object, ...]]:
        with psycopg.connect(url, autocommit=True) as connection:
            rows = connection.execute("SELECT name, setting FROM pg_settings WHERE context <> 'user' ORDER BY 1")
            return [*rows.fetchall(), *connection.execute("SELECT pg_postmaster_start_time()").fetchall()]

    before = settings()
    dsn = psycopg.conninfo.conninfo_to_dict(url)
    address = f"postgresql://{dsn['user']}:{dsn.get('password', '')}@{dsn['host']}:{dsn['port']}/{dsn['dbname']}"
    with make(environment={"XIU_POSTGRES_URL": address}, system=[child("front-0")], with_prometheus=False) as stack:
        assert "postgres" not in stack.pids()
        assert not stack.folder.data("postgres").exists()
        with psycopg.connect(stack.addresses.links["credit-postgres"]) as through:
            assert through.execute("SELECT current_database()").fetchone() == ("external_to_the_stack",)
        with pytest.raises(BadInput, match="external"):
            stack.restart("postgres")
    assert settings() == before


@pytest.mark.skipif(tools.find("toxiproxy-server") is None, reason="no toxiproxy here")
def test_an_external_toxiproxy_serves_the_links_it_has_and_gets_none(make: Make) -> None:
    with make(system=[], with_prometheus=False) as theirs:
        at = theirs.addresses
        before = get(f"{at.toxiproxy_url}/proxies")
        environment = {
            "XIU_TOXIPROXY_URL": str(at.toxiproxy_url),
            "XIU_VALKEY_URL": at.valkey_url,
            "XIU_POSTGRES_URL": at.postgres_url,
        }
        with make(environment=environment, system=[child("control")], with_prometheus=False) as stack:
            assert set(stack.pids()) == {"control"}
            assert stack.addresses.links["front-valkey"] == at.links["front-valkey"]
            assert any("front-control" in note and "direct" in note for note in stack.notes)
        assert get(f"{at.toxiproxy_url}/proxies") == before


@pytest.mark.parametrize("scheme", ["valkey", "redis", "postgresql"])
def test_a_store_that_is_not_there_is_said_before_anything_is_started(make: Make, scheme: str) -> None:
    name = "XIU_POSTGRES_URL" if scheme == "postgresql" else "XIU_VALKEY_URL"
    with closed_port() as port:
        stack = make(environment={name: f"{scheme}://me:hidden@127.0.0.1:{port}/0"}, system=[])
        with pytest.raises(
            EnvironmentNotReady, match=re.escape(f"{name}: {scheme}://me:…@127.0.0.1:{port}/0 does not answer")
        ):
            stack.start()
    assert not stack.folder.plan.exists()


@pytest.mark.parametrize("part", ["prometheus", "alertmanager"])
def test_an_observer_that_is_not_there_is_said_before_anything_is_started(make: Make, part: str) -> None:
    with closed_port() as port:
        stack = make(environment={f"XIU_{part.upper()}_URL": f"http://me:hidden@127.0.0.1:{port}"}, system=[])
        said = f"XIU_{part.upper()}_URL: http://me:…@127.0.0.1:{port} does not answer as {part}: "
        with pytest.raises(EnvironmentNotReady, match=re.escape(said)) as caught:
            stack.start()
    assert "hidden" not in str(caught.value)
    assert not stack.folder.plan.exists()


def test_a_store_that_may_lose_what_it_confirmed_is_refused_or_said(make: Make, valkey_server: ValkeyServer) -> None:
    environment = {"XIU_VALKEY_URL": f"valkey://127.0.0.1:{valkey_server.port}/3"}
    with valkey.Valkey.from_url(environment["XIU_VALKEY_URL"]) as client:
        client.config_set("appendfsync", "everysec")
        try:
            with pytest.raises(EnvironmentNotReady, match=r"may lose .*appendfsync is everysec, not always"):
                make(environment=environment, system=[], with_prometheus=False).start()
            accepted = {**environment, "XIU_EXTERNAL_NOT_DURABLE": "accepted"}
            with make(environment=accepted, system=[], with_prometheus=False) as stack:
                assert any("appendfsync is everysec" in note and "accepted" in note for note in stack.notes)
        finally:
            client.config_set("appendfsync", "always")


def test_a_ledger_that_may_lose_what_it_confirmed_is_refused(make: Make, postgres_server: PostgresServer) -> None:
    url = postgres_server.create_database("careless")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER DATABASE careless SET synchronous_commit = off")
    with pytest.raises(EnvironmentNotReady, match="synchronous_commit is off, not on"):
        make(environment={"XIU_POSTGRES_URL": url}, system=[], with_prometheus=False).start()


def test_a_valkey_on_ipv6_is_used_through_the_links(make: Make, valkey_server: ValkeyServer) -> None:
    with valkey.Valkey.from_url(valkey_server.url) as client:
        try:
            client.config_set("bind", "127.0.0.1 ::1")
        except valkey.ResponseError:
            pytest.skip("no IPv6 on this host")
        try:
            url = f"valkey://[::1]:{valkey_server.port}/3"
            with (
                make(environment={"XIU_VALKEY_URL": url}, system=[child("front-0")], with_prometheus=False) as stack,
                valkey.Valkey.from_url(stack.addresses.links["front-valkey"]) as through,
            ):
                assert through.client_info()["db"] == 3
        finally:
            client.config_set("bind", "127.0.0.1")


@contextmanager
def closed_port() -> Iterator[int]:
    """A port that is taken and listens to nobody."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("XIU_VALKEY_URL", "127.0.0.1:6379", id="no scheme"),
        pytest.param("XIU_POSTGRES_URL", "http://127.0.0.1:5432", id="another service's scheme"),
        pytest.param("XIU_TOXIPROXY_URL", "http://", id="no host"),
    ],
)
def test_a_wrong_address_is_named_with_what_was_expected(make: Make, name: str, value: str) -> None:
    with pytest.raises(BadInput, match=rf"{name}.*expected"):
        make(environment={name: value}).start()


def test_a_start_that_is_refused_leaves_no_folder_and_hides_no_last_stack(make: Make, var: Path) -> None:
    with make(parts="stores") as before:
        pass
    with pytest.raises(BadInput):
        make(environment={"XIU_POSTGRES_URL": "postgresql://h:port/x"}).start()
    assert last_folder(var) == before.folder.path.resolve()
    assert [path.name for path in var.iterdir() if not path.is_symlink()] == [before.folder.path.name]


def test_a_password_is_not_repeated_in_an_error(make: Make) -> None:
    with pytest.raises(BadInput) as caught:
        make(environment={"XIU_POSTGRES_URL": "http://me:hidden@127.0.0.1:5432/x"}).start()
    assert "hidden" not in str(caught.value)

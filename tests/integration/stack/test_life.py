"""A stack starts, is ready, is kept running, and stops in order."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import valkey

from harness.errors import BadInput, EnvironmentNotReady
from harness.stack import LINKS, Part, PartFailed, Stack, tools
from harness.stack.addresses import Addresses
from harness.stack.ports import ABOVE
from tests.support.stack_parts import DEADLINE_S, Received, child, everybody, get, listening, wait_gone
from tests.support.stores import wait_until

Make = Callable[..., Stack]


def put(url: str, key: str, value: str) -> None:
    with valkey.Valkey.from_url(url) as client:
        client.set(key, value)


def read(url: str, key: str) -> bytes | None:
    with valkey.Valkey.from_url(url) as client:
        return client.get(key)  # type: ignore[no-any-return]


def ask(url: str, question: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(question.encode())
        return cursor.fetchall() if cursor.description else []


def test_every_part_starts_answers_through_its_proxy_and_stops(make: Make) -> None:
    stack = make(system=[child("control", after=("valkey", "postgres", "toxiproxy")), child("doubles")])
    with stack:
        at = stack.addresses
        assert set(at.links) == set(LINKS)
        assert {
            link for link, url in at.links.items() if url in (at.valkey_url, at.postgres_url, at.control_url)
        } == set()
        for link, behind in LINKS.items():
            if behind == "valkey":
                put(at.links[link], "through", link)
                assert read(at.valkey_url, "through") == link.encode()
            elif behind == "postgres":
                assert ask(at.links[link], "SELECT current_user, current_database()") == [("xiu", "xiu")]
            else:
                assert get(at.links[link])["XIU_STACK"] == stack.folder.path.name
        ports = json.loads(stack.folder.config.joinpath("toxiproxy.json").read_text())
        assert {row["name"] for row in ports} == set(LINKS)
        processes = everybody(stack)
        assert {"valkey", "postgres", "toxiproxy", "control"} <= set(stack.pids())
        ports = listening(processes)
        assert ports
        assert max(ports) < ABOVE
    wait_gone(processes)
    wait_until(lambda: not stack.folder.locked, DEADLINE_S, "the folder is free")


def test_stores_keep_what_an_answer_promised(make: Make) -> None:
    with make(parts="stores") as stack:
        with valkey.Valkey.from_url(stack.addresses.valkey_url) as client:
            assert client.config_get("append*")["appendfsync"] == "always"
            assert client.config_get("append*")["appendonly"] == "yes"
        settings = {
            name: ask(stack.addresses.postgres_url, f"SHOW {name}")[0][0]
            for name in ("fsync", "synchronous_commit", "full_page_writes")
        }
        assert settings == {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


@pytest.mark.parametrize("name", ["valkey", "postgres", "toxiproxy", "front-0"])
def test_a_part_that_is_killed_is_named_and_back_at_once_with_its_data(make: Make, name: str) -> None:
    stack = make(system=[child("front-0", "--say", "the last words")], with_prometheus=False)
    heard = Received(stack)
    with stack:
        at = stack.addresses
        put(at.links["front-valkey"], "kept", "1")
        ask(at.links["play-postgres"], "CREATE TABLE kept AS SELECT 1 AS n")
        old = stack.kill(name)
        died = heard.wait(name, "died")
        back = heard.wait(name, "restarted")
        assert died.detail == "killed by signal 9"
        assert died.log_tail or name == "toxiproxy"
        assert name in str(died)
        if name == "front-0":
            assert died.log_tail[-1] == "the last words"
        assert back.at - died.at < 5
        assert stack.pid(name) != old
        assert read(at.links["front-valkey"], "kept") == b"1"
        assert ask(at.links["play-postgres"], "SELECT n FROM kept") == [(1,)]
        assert stack.addresses == at


def test_a_part_whose_restart_is_suspended_stays_dead_until_resumed(make: Make) -> None:
    stack = make(system=[child("front-0")], with_prometheus=False)
    heard = Received(stack)
    with stack:
        stack.suspend_restart("front-0")
        stack.kill("front-0")
        heard.wait("front-0", "died")
        with pytest.raises(BadInput, match="front-0 does not run"):
            stack.pid("front-0")
        assert stack.folder.read_state()["parts"]["front-0"] == "suspended"
        stack.resume_restart("front-0")
        heard.wait("front-0", "restarted")
        assert stack.pid("front-0") > 0


def test_a_restart_that_was_asked_for_is_no_death(make: Make) -> None:
    stack = make(parts="stores")
    heard = Received(stack)
    with stack:
        put(stack.addresses.valkey_url, "kept", "1")
        old = stack.pid("valkey")
        assert stack.restart("valkey") not in (old, 0)
        heard.wait("valkey", "restarted")
        assert heard.of("valkey", "died") == []
        assert read(stack.addresses.valkey_url, "kept") == b"1"


def test_a_part_that_only_dies_is_given_up_and_can_be_called_back(make: Make) -> None:
    stack = make(system=[child("front-0", "--die", "0.3")], with_prometheus=False)
    heard = Received(stack)
    with stack:
        gave_up = heard.wait("front-0", "gave_up")
        assert "died 6 times" in gave_up.detail
        assert "front-0" not in stack.pids()
        assert stack.restart("front-0") > 0


def test_a_frozen_part_is_stopped_all_the_same(make: Make) -> None:
    with make(parts="stores") as stack:
        processes = everybody(stack)
        stack.kill("valkey", signal.SIGSTOP)
        stack.kill("postgres", signal.SIGSTOP)
        began = time.monotonic()
    wait_gone(processes)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("part", "says"),
    [
        pytest.param(child("front-0", "--say", "no such round", "--die", "0"), "front-0 ended at once", id="dies"),
        pytest.param(
            child("front-0", "--ready-after", "60", ready_deadline_s=0.5),
            "front-0 was not ready within 0.5 s",
            id="never ready",
        ),
    ],
)
def test_a_part_that_does_not_come_up_ends_the_start_by_name_and_leaves_nothing(
    make: Make, part: object, says: str
) -> None:
    stack = make(system=[part], with_prometheus=False)
    with pytest.raises(EnvironmentNotReady, match=says):
        stack.start()
    wait_until(lambda: not stack.folder.locked, DEADLINE_S, "the folder is free")
    assert stack.folder.read_state()["pids"] == {}


def test_two_stacks_side_by_side_share_nothing(make: Make) -> None:
    with make(parts="stores") as one, make(parts="stores") as two:
        put(one.addresses.valkey_url, "mine", "1")
        assert read(two.addresses.valkey_url, "mine") is None
        assert one.addresses.postgres_url != two.addresses.postgres_url
        with pytest.raises(psycopg.OperationalError, match="password"):
            ask(two.addresses.postgres_url.replace(password(two), password(one)), "SELECT 1")


def password(stack: Stack) -> str:
    return (stack.folder.secret / "postgres").read_text()


def test_the_system_gets_proxied_addresses_its_core_and_its_secrets(make: Make) -> None:
    env = {
        "XIU_VALKEY_URL": "{front_valkey_url}",
        "XIU_TOPOLOGY": "{topology}",
        "XIU_SECRET_FILE": "{folder}/secret/key",
    }
    parts = [child("front-0", env=env, core=0, nice=0), child("play", nice=5)]
    with make(system=parts, with_prometheus=False) as stack:
        seen = get(stack.addresses.front_urls[0])
        assert seen["XIU_VALKEY_URL"] == stack.addresses.links["front-valkey"]
        assert json.loads(seen["XIU_TOPOLOGY"]) == {"fronts": list(stack.addresses.front_urls), "cells": [0]}
        assert len(bytes.fromhex(Path(seen["XIU_SECRET_FILE"]).read_text())) == 32
        assert len(seen["CORES"]) == 1
        other = get(f"{stack.addresses.play_url}/env")
        assert other["NICE"] - seen["NICE"] == 5
        modes = {path.name: path.stat().st_mode & 0o777 for path in stack.folder.secret.iterdir()}
        assert set(modes) == {"key", "admin", "postgres", "token"}
        assert set(modes.values()) == {0o600}
        use = stack.resources()
        assert use["front-0"]["rss_mib_max"] > 1
        assert use["postgres"]["cpu_s"] > 0
    assert stack.resources()["front-0"]["cpu_s"] > 0


@pytest.mark.skipif(tools.find("prometheus") is None, reason="no Prometheus here")
def test_prometheus_scrapes_every_second_and_alerts_reach_alertmanager(make: Make) -> None:
    with make(system=[child("control")]) as stack:
        at = stack.addresses
        assert at.prometheus_url
        assert at.alertmanager_url

        def up() -> set[str]:
            answer = get(f"{at.prometheus_url}/api/v1/query?query=up")
            return {row["metric"]["part"] for row in answer["data"]["result"] if row["value"][1] == "1"}

        wait_until(lambda: {"toxiproxy", "prometheus", "alertmanager", "stores"} <= up(), DEADLINE_S, "targets up")

        def stores() -> dict[str, str]:
            """Each store as it was last seen: one that answers late is down for that look."""
            rows = get(f"{at.prometheus_url}/api/v1/query?query=hongbao_store_up")["data"]["result"]
            return {row["metric"]["store"]: row["value"][1] for row in rows}

        def managers() -> list[bool]:
            """Found by Prometheus some seconds after its start."""
            rows = get(f"{at.prometheus_url}/api/v1/alertmanagers")["data"]["activeAlertmanagers"]
            return [row["url"].startswith(at.alertmanager_url) for row in rows]

        wait_until(lambda: stores() == {"valkey": "1", "postgres": "1"}, DEADLINE_S, "both stores up")
        wait_until(lambda: managers() == [True], DEADLINE_S, "the one Alertmanager")
        groups = get(f"{at.prometheus_url}/api/v1/rules")["data"]["groups"]
        assert groups
        assert all(group["interval"] == 1 for group in groups)
        named = {alert["labels"]["alertname"] for alert in get(f"{at.alertmanager_url}/api/v2/alerts")}
        wait_until(
            lambda: (
                "Watchdog" in named
                or bool(named.update(a["labels"]["alertname"] for a in get(f"{at.alertmanager_url}/api/v2/alerts")))
            ),
            DEADLINE_S,
            "Watchdog",
        )


def test_a_part_that_nobody_needs_may_not_start_and_the_stack_is_ready(make: Make) -> None:
    broken = Part("broken", ("/bin/false",), "http://127.0.0.1:{broken_port}/", ports=("broken",), needed=False)
    stack = make(system=[child("control")], more=(broken,), with_prometheus=False)
    with stack:
        # Another part's event writes the state down, too: this one's may still be on its way.
        wait_until(lambda: '"gave_up"' in stack.folder.events.read_text(), DEADLINE_S, "given up, and said")
        told = [json.loads(line) for line in stack.folder.events.read_text().splitlines()]
        assert [row["detail"] for row in told if row["kind"] == "gave_up"] == [
            "broken ended at once (exit code 1); the last lines of its log: (empty)"
        ]
        wait_until(lambda: stack.folder.read_state()["parts"]["broken"] == "gave_up", DEADLINE_S, "given up")


def test_addresses_survive_json() -> None:
    at = Addresses.plain(
        "valkey://h:1", "postgresql://h:2/x", "http://h:3", ("http://h:4",), links={"front-valkey": "valkey://h:5"}
    )
    assert Addresses.from_json(json.loads(json.dumps(at.to_json()))) == at


def test_a_failed_part_is_an_environment_that_is_not_ready() -> None:
    assert PartFailed("x").exit_code == 5

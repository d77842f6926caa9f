"""The engine's HTTP: the webhook as Alertmanager sends it, orders by hand, the operators' token."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from chaos.playbook.engine import Alert
from chaos.playbook.web import Pages, alerts_of
from tests.support.playbook_rig import Rig

TOKEN = "operators"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def webhook(name: str = "Slow", status: str = "firing", **labels: str) -> dict[str, Any]:
    """What Alertmanager 0.28 sends, as far as it matters here."""
    one = {
        "status": status,
        "labels": {"alertname": name, "severity": "page", **labels},
        "annotations": {},
        "startsAt": "2026-11-24T12:47:25.384Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": "00aa",
    }
    return {"version": "4", "status": status, "receiver": "api", "alerts": [one]}


def asked(tmp_path: Path, talk: Callable[[TestClient[Any, Any], Rig], Awaitable[None]]) -> Rig:
    rig = Rig(tmp_path)

    async def run() -> None:
        async with asyncio.TaskGroup() as group:
            rig.engine.resume(group)
            pages = Pages(rig.engine, CollectorRegistry(), TOKEN)
            async with TestClient(TestServer(pages.app())) as client:
                await talk(client, rig)
                rig.engine.let_go()

    asyncio.run(run())
    return rig


def test_a_webhook_twice_is_one_run(tmp_path: Path) -> None:
    async def talk(client: TestClient[Any, Any], rig: Rig) -> None:
        answers = [await client.post("/alerts", json=webhook(lane="live"), headers=BEARER) for _ in range(2)]
        assert [answer.status for answer in answers] == [200, 200]
        first, second = [await answer.json() for answer in answers]
        assert (len(first["runs"]), second["runs"]) == (1, [])
        other = webhook(lane="live")
        other["alerts"][0]["startsAt"] = "2026-11-24T12:50:00Z"
        assert (await client.post("/alerts", json=other, headers=BEARER)).status == 503, "to be asked again"
        order = await client.post("/v1/runs", json={"playbook": "slow", "lane": "live"}, headers=BEARER)
        assert order.status == 409
        assert (await order.json())["error"]["code"] == "conflict"
        shown = await (await client.get("/v1/runs")).json()
        assert [one["run"] for one in shown["runs"]] == first["runs"]

    assert asked(tmp_path, talk).states().count("triggered") == 1


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        pytest.param("/alerts", webhook(), {}, 401, id="a webhook without the token"),
        pytest.param("/v1/runs", {"playbook": "slow"}, {"Authorization": "Bearer x"}, 401, id="a wrong one"),
        pytest.param("/alerts", {"alerts": [{}]}, BEARER, 400, id="not what Alertmanager sends"),
        pytest.param("/alerts", [], BEARER, 400, id="a list"),
        pytest.param("/alerts", webhook("Unknown"), BEARER, 200, id="an alert nobody waits for"),
        pytest.param("/alerts", webhook(status="resolved"), BEARER, 200, id="an end starts and ends nothing"),
        pytest.param("/v1/runs", {"playbook": "nothing"}, BEARER, 404, id="no such playbook"),
        pytest.param("/v1/runs", {"playbook": "n" * 150}, BEARER, 404, id="a long name"),
        pytest.param("/v1/runs", {"playbook": "n" * 9_000}, BEARER, 400, id="a name without end"),
        pytest.param("/v1/runs", {"playbook": "slow", "lane": "live", "who": "a\0b"}, BEARER, 400, id="a NUL"),
        pytest.param("/v1/runs", {"playbook": "slow", "lane": "live", "who": "\udc00"}, BEARER, 400, id="half a pair"),
        pytest.param("/v1/runs", ["slow"], BEARER, 400, id="an order that is a list"),
        pytest.param("/v1/runs", {"playbook": "slow"}, {"Authorization": "Bearer \udcff"}, 401, id="no UTF-8"),
        pytest.param("/alerts", webhook("\ud800", lane="live"), BEARER, 400, id="an alert of half a pair"),
        pytest.param("/v1/runs", {"playbook": "slow", "lane": "dream"}, BEARER, 409, id="no such lane"),
    ],
)  # fmt: skip
def test_what_starts_nothing(tmp_path: Path, path: str, body: Any, headers: dict[str, str], status: int) -> None:
    async def talk(client: TestClient[Any, Any], rig: Rig) -> None:
        answer = await client.post(path, json=body, headers=headers)
        assert answer.status == status
        assert (set((await answer.json()).get("error", {})) == {"code", "message", "effect"}) is (status != 200)
        assert (await client.get("/healthz")).status == 200
        assert (await client.get("/readyz")).status == 200
        assert (await client.get("/nothing")).status == 404
        assert (await (await client.put("/alerts")).json())["error"]["code"] == "method_not_allowed"

    assert asked(tmp_path, talk).states() == []


def test_every_answer_is_counted_by_its_route(tmp_path: Path) -> None:
    async def talk(client: TestClient[Any, Any], rig: Rig) -> None:
        await client.post("/alerts", data=b"[", headers=BEARER)
        await client.get("/nothing/of/the/kind")
        await client.get("/v1/runs")
        told = await (await client.get("/metrics")).text()
        for labels in ('route="/alerts",status="4xx"', 'route="unknown",status="4xx"', 'route="/v1/runs",status="2xx"'):
            assert f"drill_http_requests_total{{{labels}}} 1.0" in told
        assert 'drill_http_request_duration_seconds_count{route="/alerts"} 1.0' in told

    asked(tmp_path, talk)


@pytest.mark.parametrize(
    ("data", "headers"),
    [
        pytest.param(b"[" * 200_000, {}, id="brackets without end"),
        pytest.param(b"{}", {"Content-Type": "application/json; charset=nope"}, id="a character set nobody knows"),
        pytest.param(b"\xff\xfe", {}, id="no text"),
    ],
)
def test_a_body_nobody_can_read_is_the_sender_s_fault(tmp_path: Path, data: bytes, headers: dict[str, str]) -> None:
    async def talk(client: TestClient[Any, Any], rig: Rig) -> None:
        answer = await client.post("/alerts", data=data, headers=BEARER | headers)
        assert answer.status == 400
        assert (await answer.json())["error"]["effect"] == "none"

    assert asked(tmp_path, talk).states() == []


def test_the_alert_s_lane_and_time_are_taken_over() -> None:
    since_s = 1795524445.384
    assert alerts_of(webhook(lane="stress")) == ([Alert("Slow", "stress", since_s, f"00aa@{since_s:.3f}")], [])


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"startsAt": "soon"}, id="no time"),
        pytest.param({"startsAt": "9999-12-31T23:59:59+00:00" * 400}, id="a time without end"),
        pytest.param({"labels": None}, id="no labels"),
        pytest.param({"labels": ["lane"]}, id="labels that are none"),
    ],
)
def test_an_alert_that_cannot_be_read_keeps_no_other_from_being_heard(tmp_path: Path, broken: dict[str, Any]) -> None:
    async def talk(client: TestClient[Any, Any], rig: Rig) -> None:
        both = webhook(lane="live")
        both["alerts"].insert(0, {**both["alerts"][0], **broken})
        answer = await (await client.post("/alerts", json=both, headers=BEARER)).json()
        assert len(answer["runs"]) == 1
        (unread,) = answer["unread"]
        assert unread.startswith("alert 1: ")
        assert len(unread) < 300

    assert asked(tmp_path, talk).states().count("triggered") == 1


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        pytest.param({"lane": "strss"}, "lane 'strss' is none", id="unknown"),
        pytest.param({}, "no lane is named", id="none"),
        pytest.param({"lane": ""}, "no lane is named", id="empty"),
        pytest.param({"lane": "LIVE"}, "lane 'LIVE' is none", id="another case"),
    ],
)
def test_an_alert_whose_lane_is_not_known_acts_on_no_lane(tmp_path: Path, labels: dict[str, str], says: str) -> None:
    """Alone, and beside one that names its lane: that one acts."""

    async def talk(client: TestClient[Any, Any], rig: Rig) -> None:
        alone = await client.post("/alerts", json=webhook(**labels), headers=BEARER)
        assert alone.status == 200, "asking again would not help"
        answer = await alone.json()
        assert answer["runs"] == []
        assert says in answer["not_now"]["slow"]
        assert rig.engine.runs == {}
        both = webhook(**labels)
        both["alerts"].append({**webhook(lane="live")["alerts"][0], "fingerprint": "00bb"})
        answer = await (await client.post("/alerts", json=both, headers=BEARER)).json()
        assert len(answer["runs"]) == 1
        fared = [(one["lane"], len(one["runs"])) for one in answer["alerts"]]
        assert fared == [(labels.get("lane", ""), 0), ("live", 1)]
        assert says in answer["alerts"][0]["not_now"]["slow"]
        assert rig.facts().lane == "live"

    assert asked(tmp_path, talk).states().count("triggered") == 1


def test_an_order_without_a_lane_acts_on_no_lane(tmp_path: Path) -> None:
    async def talk(client: TestClient[Any, Any], rig: Rig) -> None:
        answer = await client.post("/v1/runs", json={"playbook": "slow"}, headers=BEARER)
        assert answer.status == 409
        assert "no lane is named" in (await answer.json())["not_now"]["slow"]

    assert asked(tmp_path, talk).states() == []

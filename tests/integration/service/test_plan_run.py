"""`xiu plan run` against a small service of somebody's own: no stack, no money, an honest verdict."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.support.command import INVALID, Xiu, valid_or_late
from tests.support.own_service import PASSWORD, own_service, trusted
from tests.support.stores import free_port

SHOP = """\
kind: stress
id: shop
title: Shop
target:
  url: {url}
  tls: {{ca: ca.pem}}
  login: {{path: /login, json: {{user: $user, password: "${{SHOP_PASSWORD}}"}}, data: users.csv, token: session.token}}
  requests:
    - {{request: browse, path: /hello, weight: 3, expect: {{status: 200, contains: world}}}}
    - {{request: order, path: /orders, method: POST, headers: {{Authorization: Bearer $token}}, data: orders.jsonl,
       expect: 201, response_p99: 2s}}
rate: 80/s
warm_up: {{duration: 1s, share: 50%}}
steps: [{{kind: constant, share: 100%, duration: 3s}}]
objectives: {{response_p99: 2s}}
forecast:
  prometheus: {prometheus}
  indicators:
    - {{indicator: error_share, low: 0, mid: 0, high: 0}}
    - {{indicator: response_p99_ms, request: order, low: 0, mid: 1500, high: 2000}}
    - {{indicator: cpu_cores, query: "rate(cpu[$window])", low: 0.1, mid: 0.2, high: 0.3}}
"""
WRONG = """\
kind: stress
id: wrong
title: Wrong
target: {{url: "{url}/nowhere"}}
rate: 50/s
warm_up: {{duration: 0s, share: 100%}}
steps: [{{kind: constant, share: 100%, duration: 60s}}]
stop: [{{signal: error_share, above: 50%, window: 1s, min_samples: 20}}]
objectives: {{response_p99: 2s}}
"""


@pytest.fixture
def xiu(tmp_path: Path) -> Xiu:
    return Xiu(tmp_path)


def test_several_requests_behind_a_login_over_tls(xiu: Xiu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "users.csv").write_text("user\nann\nbob\n")
    (tmp_path / "orders.jsonl").write_text('{"sku": 1}\n{"sku": 2}\n{"sku": 3}\n')
    monkeypatch.setenv("SHOP_PASSWORD", PASSWORD)
    with own_service(trusted(tmp_path)) as shop, own_service() as prometheus:
        (tmp_path / "shop.yaml").write_text(SHOP.format(url=shop.url, prometheus=prometheus.url))
        done = xiu.valid("plan", "run", "shop.yaml", "--progress", "none")
    assert xiu.runs(), done.stderr
    record = xiu.record()
    assert valid_or_late(record), done.stdout + done.stderr
    assert record["service"] == "url"
    load, each = record["load"], {one["journey"]: one for one in record["traffic"]}
    assert load["scheduled"] == load["sent"] == load["outcomes"]["good"] == 280
    assert (each["browse"]["sent"], each["order"]["sent"]) == (210, 70)
    runs = len(xiu.runs())
    assert (shop.asked["/hello"], shop.asked["/orders"], shop.asked["/login"]) == (210 * runs, 70 * runs, 2 * runs)
    # Three rows and two tokens take turns, each on its own.
    assert set(shop.users) == {"ann", "bob"}
    assert set(shop.skus) == {1, 2, 3}
    assert prometheus.asked["rate(cpu[3s])"] == runs
    states = {row["indicator"]: row["state"] for row in record["forecast"]}
    assert states["cpu_cores"] == states["error_share"] == states["response_p99_ms_of_order"] == "PASS"
    assert set(record["money"].values()) == set(record["wins"].values()) == {None}
    assert record["invariants"] == []
    assert json.loads((xiu.runs()[-1] / "ledger.json").read_text())["closes"] is True
    secrets = (PASSWORD.encode(), b"secret-of-")
    held = [file for file in (tmp_path / "runs").rglob("*") if file.is_file()
            and any(secret in file.read_bytes() for secret in secrets)]  # fmt: skip
    assert held == [], "a secret stands in a file of the run"


def test_what_is_not_as_expected_stops_the_run_and_fails_it(xiu: Xiu, tmp_path: Path) -> None:
    with own_service() as service:
        (tmp_path / "wrong.yaml").write_text(WRONG.format(url=service.url))
        done = xiu.valid("plan", "run", "wrong.yaml", "--progress", "none")
    record = xiu.record()
    codes = {reason["code"] for reason in record["reasons"]}
    assert "stop_rule" in codes
    # On a machine too busy for the generator that comes first: what was fired is no measurement, and no success.
    assert done.returncode == (INVALID if "generator_limited" in codes else 99), done.stdout + done.stderr
    load = record["load"]
    assert load["outcomes"]["refused"] == load["sent"] > 0
    assert load["scheduled"] == load["sent"] + load["dropped"] + load["unsent"]
    assert os.listdir(tmp_path / "runs" / ".generators") == []


def test_nobody_there_is_told_before_the_start(xiu: Xiu, tmp_path: Path) -> None:
    gone = f"http://127.0.0.1:{free_port()}"  # held: nobody else listens there either
    (tmp_path / "wrong.yaml").write_text(WRONG.format(url=gone))
    done = xiu("plan", "run", "wrong.yaml", "--progress", "none")
    assert done.returncode == 5
    assert "service: the service cannot be reached: wrong.yaml:" in done.stderr
    assert "takes no connection" in done.stderr

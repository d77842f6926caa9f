"""Real runs, watched, stopped and settled: rules see their signals, no round stays armed."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
import requests

from harness.stack import Stack
from tests.support.attempts import attempts
from tests.support.command import INVALID, PLANS, Xiu, long_slice, wait

pytestmark = pytest.mark.serial

RULES = str(PLANS / "all-rules.yaml")


def play(xiu: Xiu, plan: str) -> dict[str, Any]:
    """One run on the stack that runs, at its own scale; its record."""
    xiu.valid("plan", "run", plan, "--scale", "1", "--progress", "none")
    return xiu.record()


def codes(record: dict[str, Any]) -> set[str]:
    return {reason["code"] for reason in record["reasons"]}


def rounds(xiu: Xiu) -> list[str]:
    return [one["state"] for one in json.loads(xiu("round", "list", "--json").stdout)["rounds"]]


def test_on_a_stack_that_runs(xiu: Xiu, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    every_rule_sees_its_signal(xiu, monkeypatch)
    out_of_balance(xiu, stack)


def every_rule_sees_its_signal(xiu: Xiu, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is meant for a Locust of one's own changes nothing."""
    monkeypatch.setenv("LOCUST_USERS", "10")
    monkeypatch.setenv("LOCUST_RUN_TIME", "2s")
    monkeypatch.setenv("HOME", str(xiu.folder / "home"))
    (xiu.folder / "home").mkdir()
    for place in (xiu.folder / "locust.conf", xiu.folder / "home" / ".locust.conf"):
        place.write_text("users = 5\nrun-time = 2s\n")
    record = play(xiu, RULES)
    assert record["verdict"] in ("PASS", "WARN"), record["reasons"]
    assert not codes(record) & {"stop_rule_blind", "lane_unbalanced"}
    assert record["load"]["scheduled"] == record["load"]["sent"] == 1500
    every_kind_of_shot(xiu, record)


def every_kind_of_shot(xiu: Xiu, record: dict[str, Any]) -> None:
    """A read of a wallet for every five taps, and orders of the plays: counts that close and percentiles of their own,
    and no tap in the books.
    """
    taps, reads, *orders = record["traffic"]
    assert [(one["round"], one["journey"], one["shot"]) for one in (taps, reads)] == [
        (1, "tap", "tap"), (1, "balances", "wallet"),
    ]  # fmt: skip
    assert {name: taps[name] for name in ("scheduled", "sent", "dropped", "unsent", "outcomes")} == {
        name: record["load"][name] for name in ("scheduled", "sent", "dropped", "unsent", "outcomes")
    }
    assert taps["latency_ms"] == record["latency_ms"]
    assert reads["scheduled"] == 300 == reads["sent"] + reads["dropped"] + reads["unsent"]
    assert reads["sent"] == sum(reads["outcomes"].values())
    assert reads["outcomes"]["empty"] + reads["outcomes"]["funded"] > 0, reads["outcomes"]
    assert reads["latency_ms"]["response"]["p95"] is not None
    assert reads["latency_ms"] != taps["latency_ms"], "one percentile may be the same, not all of them"
    # Nobody has opened a season in this lane, or a share: that is answered, too.
    answered = {
        "friend": {"asked", "tied"}, "claim": {"forged"}, "gift": {"closed"}, "combine": {"closed"},
        "spend": {"spent", "again", "empty", "unnamed"},
    }  # fmt: skip
    assert [one["shot"] for one in orders] == list(answered)
    for one in orders:
        assert one["sent"] == sum(one["outcomes"].values()) > 0
        assert sum(one["outcomes"][name] for name in answered[one["shot"]]) > 0, one["outcomes"]
    ledger = json.loads((xiu.runs()[-1] / "ledger.json").read_text())
    assert ledger["closes"]
    assert next(line["left"] for line in ledger["lines"] if line["code"] == "schedule") == 1500
    assert "balances" in (xiu.runs()[-1] / "report.html").read_text()


def out_of_balance(xiu: Xiu, stack: Stack) -> None:
    """777 fen too many in an earlier round's legs, once taps are sent: stopped by the rule. Before that, no run begins
    where an alert says it.
    """
    plan = long_slice(xiu.folder, "all-rules.yaml")
    for _ in attempts():
        wait(lambda: "LedgerImbalance" not in alerts(stack), 60, lambda: alerts(stack))
        if (code := stopped_by_777_fen(xiu, stack, plan)) != INVALID:
            break
    record = xiu.record()
    assert (record["verdict"], record["exit_code"], code) == ("FAIL", 99, 99), record["reasons"]
    assert any("imbalance_fen 777 above 0" in reason["text"] for reason in record["reasons"]), record["reasons"]
    assert record["load"]["sent"] < record["load"]["scheduled"]
    assert {"lane_unbalanced", "invariant_S1"} <= codes(record), "without the rule it is no PASS either"
    assert set(rounds(xiu)) == {"closed"}


def stopped_by_777_fen(xiu: Xiu, stack: Stack, plan: str) -> int:
    """The exit code of a run that meets them."""
    known = len(xiu.runs())
    process = xiu.start("plan", "run", plan, "--scale", "1", "--progress", "none")
    wait(lambda: len(xiu.runs()) > known and "measured" in phases(xiu), 90, xiu.output)
    with psycopg.connect(stack.addresses.postgres_url, autocommit=True) as conn:
        conn.execute("INSERT INTO stress.entry SELECT min(batch), 'sponsor:7', 777 FROM stress.batch")
        try:
            return process.wait(120)
        finally:
            conn.execute("DELETE FROM stress.entry WHERE fen = 777")


def phases(xiu: Xiu) -> list[str]:
    return [event["text"] for event in xiu.events() if event["kind"] == "phase"]


def alerts(stack: Stack) -> set[str]:
    """Names of what fires, or is about to."""
    answer = requests.get(f"{stack.addresses.prometheus_url}/api/v1/alerts", timeout=30).json()
    return {alert["labels"]["alertname"] for alert in answer["data"]["alerts"]}

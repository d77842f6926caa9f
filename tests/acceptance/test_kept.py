"""A demo with its bad minute, kept: judged, shown on every panel, followed by a thin run on the same stack. Then, when
all is stopped: audited, tampered with, found out.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import psycopg
import pytest
import valkey

from harness.stack import Stack, last_stores, tools
from system.contract.audit import OF_PLAYS
from tests.support.attempts import attempts
from tests.support.command import INVALID, SLICE, Xiu, not_sound, plan_with
from tests.support.grafana_stub import TOKEN, serving
from tests.support.panels import agrees_with

pytestmark = [
    pytest.mark.serial,
    pytest.mark.skipif(
        tools.find("prometheus") is None or tools.find("alertmanager") is None,
        reason="nobody to alert; `xiu doctor` names the command that brings Prometheus and Alertmanager",
    ),
]

MINUTE = (
    ("round: {opens: 0s, duration: 7s, release: 60%}", "round: {opens: 0s, duration: 42s, release: 80%}"),
    ("share: 100%, duration: 5s}", "share: 100%, duration: 40s}"),
    ("round: {full: 7s, short: 7s", "round: {full: 42s, short: 42s"),
    ("packets: {low: 40, mid: 40, high: 40", "packets: {low: 400, mid: 400, high: 400"),
    ("audience: {low: 225, mid: 250, high: 275", "audience: {low: 1_800, mid: 2_000, high: 2_200"),
    ("tapping_at_once: {low: 45%, mid: 50%, high: 55%", "tapping_at_once: {low: 6%, mid: 6.25%, high: 7%"),
    ("budget: 20元", "budget: 100元"),
    # Some 75 losing taps have a ticket. One family of nearly all who have one lacks a kind in one of 50,000 evenings.
    ("collectors: {low: 0%, mid: 3%, high: 6%", "collectors: {low: 20%, mid: 50%, high: 70%"),
    ("family_givers: {low: 30%, mid: 40%, high: 50%", "family_givers: {low: 5%, mid: 7%, high: 10%"),
)

FILES = [
    "run.json", "forecast.lock.json", "verdict.json", "ledger.json", "events.jsonl", "report.html", "junit.xml",
    "environment.json", "timeline.json", "history/manifest.json", "metrics",
]  # fmt: skip
FIELDS = [
    "run_id", "plan", "target", "lane", "seed", "started_at", "ended_at", "steps", "scale", "verdict", "exit_code",
    "reasons", "load", "latency_ms", "generator", "money", "wins", "credit_delay_s", "forecast", "invariants", "drills",
    "playbooks", "resources",
]  # fmt: skip


def test_a_demo_that_is_kept_and_what_follows_on_its_stack(xiu: Xiu, monkeypatch: pytest.MonkeyPatch) -> None:
    """One stack for all of it."""
    record = played(xiu)
    disturbed_in_mid_round_and_answered(xiu, record)
    its_season_was_played_whole(record)
    told = shown(xiu)
    assert told["run"] == record["run_id"]
    agrees_with(record, told["panels"])
    pushed(xiu, record, monkeypatch)

    again = thin_run(xiu)
    assert again["run_id"] != record["run_id"]
    assert again["stack"] == record["stack"], "the second run of the same stack"
    second = shown(xiu)
    assert second["run"] == again["run_id"]
    agrees_with(again, second["panels"])
    agrees_with(record, shown(xiu, "--run", record["run_id"])["panels"])

    assert xiu("down").returncode == 0
    agrees_with(again, shown(xiu, "--run", "last")["panels"])
    xiu.all_gone()
    closes_to_the_fen(xiu, again)
    tamper(xiu, again["rounds"][0]["round"])


def played(xiu: Xiu) -> dict[str, Any]:
    """Its record."""
    for _ in attempts():  # not `valid`: each of these leaves a stack running
        ran = xiu("demo", "--plan", plan_with(xiu.folder, *MINUTE), "--scale", "1", "--keep", "--json")
        if ran.returncode != INVALID:
            break
        xiu("down")
    record: dict[str, Any] = json.loads(ran.stdout)
    assert ran.returncode == 0, record["reasons"]
    assert re.fullmatch(r"took [0-9]+ s", ran.stderr.splitlines()[-1]), "a plan of one's own has no promise"
    return record


def its_season_was_played_whole(record: dict[str, Any]) -> None:
    """From the ticket to the pot: cards redeemed, asked for by kind, given, combined; the pot paid to who combined."""
    season = record["season"]
    done = {one["operation"]: one["outcomes"] for one in season["operations"]}
    assert done.keys() >= {
        "share", "claim", "friend", "tie_card", "redeem", "ask", "gift", "combine", "wallet", "spend", "purchase",
    }  # fmt: skip
    assert all(outcomes.keys() <= {"done", "again"} for outcomes in done.values()), done
    assert done["redeem"]["done"] > 30
    assert done["gift"]["done"] == done["ask"]["done"] >= 4
    blessings = done["combine"]["done"]
    assert (season["state"], season["blessings"], season["each_fen"]) == ("paid", blessings, 100 // blessings)
    looked = {row["code"]: row["counted"] for row in record["invariants"]}
    assert min(looked.values()) >= 1
    assert looked["S15"] == blessings + 1, "each combination, and a pot that was paid"


def shown(xiu: Xiu, *which: str) -> dict[str, Any]:
    """What every panel shows."""
    checked = xiu("dash", "check", *which, "--json")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    told: dict[str, Any] = json.loads(checked.stdout)
    return told


def disturbed_in_mid_round_and_answered(xiu: Xiu, record: dict[str, Any]) -> None:
    """Credit cut off, alert, playbook, heal; the books closed all the same."""
    assert record["verdict"] in ("PASS", "WARN"), record["reasons"]
    (drill,) = record["drills"]
    assert drill["verdict"] == "PASS"
    assert drill["injected_s"] < drill["effect_s"] < drill["alert_s"] < drill["healed_s"] <= drill["heal_seen_s"]
    assert drill["drain_s"] <= 10
    mine = [each for each in record["playbooks"] if each["id"] == "credit-stalled"]
    assert [each["state"] for each in mine] == ["closed"]
    assert mine[0]["times"]["t4"] - mine[0]["times"]["t2"] <= 2
    kinds = [event["kind"] for event in xiu.events()]
    order = ["fault_injected", "effect_seen", "alert", "healed", "heal_seen", "drained", "closed"]
    assert [kind for kind in kinds if kind in order] == order
    assert "playbook" in kinds
    assert record["credit_delay_s"]["in_faults"]["count"] > 0
    assert record["money"]["residue_fen"] == 0
    assert [row for row in record["invariants"] if row["valid"] is not True] == []
    page = (xiu.runs()[-1] / "report.html").read_text()
    assert "CreditStalled" in page
    assert "credit-stalled" in page


def pushed(xiu: Xiu, record: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """To somebody's Grafana, with the run chosen."""
    with serving() as grafana:
        monkeypatch.setenv("XIU_GRAFANA_URL", grafana.url)
        monkeypatch.setenv("XIU_GRAFANA_TOKEN", TOKEN)
        push = xiu("dash", "push")
        assert push.returncode == 0, push.stderr
        assert f"var-run={record['run_id']}" in push.stdout
        state = json.loads(xiu("status", "--json").stdout)
        assert grafana.datasources["xiu-prometheus"]["url"] == state["addresses"]["prometheus_url"]


def thin_run(xiu: Xiu) -> dict[str, Any]:
    """Through every part: verdict, files, books. Its record."""
    done = xiu.valid("plan", "run", SLICE, "--scale", "1", "--json")
    record: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == record["exit_code"] == 0, record["reasons"]
    assert record["verdict"] in ("PASS", "WARN")
    assert all(field in record for field in FIELDS)
    assert all((xiu.runs()[-1] / name).exists() for name in FILES)
    assert record["money"]["residue_fen"] == 0
    assert record["money"]["credited_fen"] + record["money"]["refunded_fen"] == record["money"]["budget_fen"] == 2400
    assert record["wins"] == {"seen": 40, "logged": 40, "posted": 40, "suspended": 0, "residue": 0}
    load = record["load"]
    assert load["scheduled"] == load["sent"] + load["dropped"] + load["unsent"] == 1500
    assert load["sent"] == sum(load["outcomes"].values())
    by_code = {row["code"]: row for row in record["invariants"]}
    assert list(by_code) == [f"S{n}" for n in range(1, 19)]
    draw = [row for code, row in by_code.items() if code not in OF_PLAYS]
    assert all(row["valid"] is True and row["counted"] > 0 for row in draw)
    assert not_sound(record) == []
    assert record["season"] is None, "a plan that is run plays the draw alone"
    assert record["resources"]["cannon"]["cpu_s"] > 0
    before = [event for event in xiu.events() if event["kind"] in ("lock", "pre_check", "round")]
    assert [event["t_s"] < 0 for event in before] == [True] * 3, "locked before the first tap"
    return record


def closes_to_the_fen(xiu: Xiu, record: dict[str, Any]) -> None:
    """By the audit of all that the stores hold, of the run, and by the lottery alone."""
    said = xiu("audit")
    assert said.returncode == 0, said.stdout + said.stderr
    whole = xiu("audit", "--run", "last")
    assert whole.returncode == 0
    assert "not evaluated" not in whole.stdout, "the demo before this run played every play"
    verified = xiu("round", "verify", str(record["rounds"][0]["round"]))
    assert verified.returncode == 0, verified.stdout + verified.stderr


def audit(stack: Stack) -> tuple[int, str]:
    """Exit code and text of the audit on a stack's stores."""
    at = stack.addresses
    env = {
        "XIU_POSTGRES_URL": at.postgres_url,
        "XIU_VALKEY_URL": at.valkey_url,
        "XIU_SECRET_FILE": str(stack.folder.secret / "key"),
        "PATH": "",
    }
    argv = [sys.executable, "-m", "system.audit", "--lane", "live"]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=600)
    return done.returncode, " ".join((done.stdout + done.stderr).split())  # as if the lines were not folded


def tamper(xiu: Xiu, round_id: int) -> None:
    """One fen in the ledger, then one record of the stream: each found and named, each mended again."""
    stack = last_stores(xiu.folder / "var").start()
    try:
        with psycopg.connect(stack.addresses.postgres_url, autocommit=True) as ledger:
            row = ledger.execute(
                "SELECT uid, packet, fen FROM live.posting WHERE round = %s ORDER BY packet LIMIT 1", (round_id,)
            ).fetchone()
            assert row is not None
            uid, packet, fen = row
            change = "UPDATE live.posting SET fen = fen + %s WHERE (round, packet) = (%s, %s)"
            ledger.execute(change, (1, round_id, packet))
            code, text = audit(stack)
            assert code == 99
            says = f"posting of award {round_id}-{packet}, user {uid}: {fen + 1} fen posted, {fen} by the lottery"
            assert says in text
            ledger.execute(change, (-1, round_id, packet))
        assert audit(stack)[0] == 0
        with valkey.Valkey.from_url(stack.addresses.valkey_url.replace("valkey://", "redis://")) as log:
            key = next(key for key in log.scan_iter("win:*:live:*"))
            entry = log.xrange(key)[3][0]
            log.xdel(key, entry)
        code, text = audit(stack)
        assert code == 99
        assert "S5 BROKEN" in text
        assert "not in the win log" in text
    finally:
        stack.stop()

"""The thinnest run through every part: verdict, files, books; what is tampered with afterwards is named."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import valkey

from harness.stack import Stack, last_stores
from tests.support.command import SLICE, Xiu

FILES = [
    "run.json", "forecast.lock.json", "verdict.json", "ledger.json", "events.jsonl", "report.html", "junit.xml",
    "environment.json", "timeline.json", "history/manifest.json", "metrics",
]  # fmt: skip
FIELDS = [
    "run_id", "plan", "target", "lane", "seed", "started_at", "ended_at", "steps", "scale", "verdict", "exit_code",
    "reasons", "load", "latency_ms", "generator", "money", "wins", "credit_delay_s", "forecast", "invariants", "drills",
    "playbooks", "resources",
]  # fmt: skip


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


@pytest.mark.serial
def test_a_thin_run_closes_to_the_fen_and_tampering_is_named(xiu: Xiu) -> None:
    done = xiu.valid("demo", "--plan", SLICE, "--scale", "1", "--json")
    record = json.loads(done.stdout)
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
    assert list(by_code) == [f"S{n}" for n in range(1, 13)]
    assert all(row["valid"] is True and row["counted"] > 0 for row in by_code.values())
    assert record["resources"]["cannon"]["cpu_s"] > 0
    before = [event for event in xiu.events() if event["kind"] in ("lock", "pre_check", "round")]
    assert [event["t_s"] < 0 for event in before] == [True] * 3, "locked before the first tap"
    assert xiu.processes() == []

    said = xiu("audit")
    assert said.returncode == 0, said.stdout + said.stderr
    whole = xiu("audit", "--run", "last")
    assert whole.returncode == 0
    assert "not evaluated" not in whole.stdout
    verified = xiu("round", "verify", "1")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    tamper(xiu)


def tamper(xiu: Xiu) -> None:
    """One fen in the ledger, then one record of the stream: each found and named, each mended again."""
    stack = last_stores(xiu.folder / "var").start()
    try:
        with psycopg.connect(stack.addresses.postgres_url, autocommit=True) as ledger:
            row = ledger.execute("SELECT uid, packet, fen FROM live.posting ORDER BY packet LIMIT 1").fetchone()
            assert row is not None
            ledger.execute("UPDATE live.posting SET fen = fen + 1 WHERE packet = %s", (row[1],))
            code, text = audit(stack)
            assert code == 99
            assert (
                f"posting of award 1-{row[1]}, user {row[0]}: {row[2] + 1} fen posted, {row[2]} by the lottery" in text
            )
            ledger.execute("UPDATE live.posting SET fen = fen - 1 WHERE packet = %s", (row[1],))
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


def test_the_forecast_may_not_change_between_lock_and_judgement(xiu: Xiu) -> None:
    assert xiu("demo", "--plan", SLICE, "--scale", "1").returncode in (0, 10)
    path: Path = xiu.runs()[-1] / "forecast.lock.json"
    path.write_text(path.read_text().replace('"expected": 40', '"expected": 39', 1))
    judged = xiu("forecast", "judge", "last")
    assert judged.returncode == 2
    assert "changed after it was locked" in judged.stderr

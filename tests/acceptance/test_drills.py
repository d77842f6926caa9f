"""Drills as a user runs them: rehearsed, aimed at somebody's part. Killed, halted: test_busy.py. Played: standing/."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import valkey

from tests.support.command import Xiu, drill
from tests.support.stores import ValkeyServer


def test_a_rehearsal_has_a_stack_of_its_own_where_none_runs_and_stops_it(xiu: Xiu) -> None:
    rehearsed, document = drill(xiu, "valkey-slow", "--dry-run")
    assert (rehearsed, document["verdict"], document["arms"]) == (0, "PASS", {})
    assert any("would inject N1 on front-valkey" in note for note in document["notes"])
    xiu.all_gone()


def test_a_flush_aimed_at_somebody_s_valkey_is_skipped(
    xiu: Xiu, valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"valkey://127.0.0.1:{valkey_server.port}/5"
    monkeypatch.setenv("XIU_VALKEY_URL", url)
    with valkey.Valkey.from_url(url) as client:
        client.set("theirs", "1")
        code, document = drill(xiu, "flush")
        assert (code, document["verdict"]) == (5, "SKIPPED")
        assert document["reasons"][0]["code"] == "external"
        assert document["arms"] == {}
        assert client.get("theirs") == b"1"
        client.flushdb()
    assert not (xiu.folder / "var").exists()


def test_words_about_files(xiu: Xiu) -> None:
    faults = json.loads(xiu("fault", "list", "--json").stdout)["faults"]
    assert {"N1", "N15", "P1", "V13"} <= {fault["id"] for fault in faults}
    assert "FAULT_NOT_EFFECTIVE" in xiu("fault", "show", "N15").stdout
    wrong = xiu("fault", "show", "n15")
    assert (wrong.returncode, "did you mean N15?" in wrong.stderr) == (2, True)
    drills = json.loads(xiu("drill", "list", "--json").stdout)["drills"]
    assert {"credit-cut", "front-killed", "valkey-slow", "flush"} <= {one["id"] for one in drills}
    spoilt = xiu.folder / "my.yaml"
    spoilt.write_text("kind: drill\nid: my\ntitle: {zh: a, en: a}\nplan: none.yaml\n"
                      "fault: {id: N15, target: credit-postgress, at: 1s, for: 1s}\n")  # fmt: skip
    checked = xiu("drill", "check", str(spoilt))
    assert checked.returncode == 2
    assert f"{spoilt}:5: " in checked.stderr
    assert "did you mean credit-postgres?" in checked.stderr
    healed = xiu("heal")
    assert (healed.returncode, "no stack runs under" in healed.stderr) == (5, True)
    assert xiu("schema", "fault").returncode == xiu("schema", "drill").returncode == 0
    assert Path(spoilt).exists()

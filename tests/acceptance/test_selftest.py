"""The whole self-test as a user calls it: real runs spoilt on purpose, nothing red, nothing left behind."""

from __future__ import annotations

import json

import pytest

from tests.acceptance.conftest import Xiu, wait

pytestmark = pytest.mark.serial


def test_each_verdict_comes_out_with_its_exit_code(xiu: Xiu) -> None:
    done = xiu("selftest", "--json", timeout_s=400)
    rows = json.loads(done.stdout)["cases"]
    # A run that a busy machine made INVALID twice is told as such, and shows nothing else.
    wrong = [row for row in rows if not row["good"] and row["came"] != "BUSY"]
    assert wrong == []
    assert done.returncode == (0 if all(row["good"] for row in rows) else 5), done.stderr
    real = {row["why"]: row["exit_code"] for row in rows if row["took_s"] > 5}
    assert {99, 3}.issubset({row["exit_code"] for row in rows if row["how"] == "command"}), real
    wait(lambda: xiu.processes() == [], 20, xiu.processes)

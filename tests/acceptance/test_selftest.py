"""The self-test as a user calls it; its quick part, for the rest plays runs that other tests here play as well."""

from __future__ import annotations

import json

from tests.support.command import Xiu
from xiu.commands._gates import quick


def test_each_verdict_comes_out_with_its_exit_code(xiu: Xiu) -> None:
    done = xiu("selftest", "--quick", "--json")
    rows = json.loads(done.stdout)["cases"]
    assert [row for row in rows if not row["good"]] == []
    assert [(row["word"], row["exit_code"]) for row in rows] == [(each.word, each.exit_code) for each in quick()]
    assert done.returncode == 0, done.stderr
    assert {row["exit_code"] for row in rows} == {0, 1, 2, 3, 4, 5, 10, 99}
    xiu.all_gone()

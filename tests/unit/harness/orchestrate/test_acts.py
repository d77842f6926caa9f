"""A run's lines in the audit log."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import EnvironmentNotReady
from harness.guard.audit_log import FILE, read
from harness.guard.precheck import Checked
from harness.orchestrate import acts
from harness.runs.order import RunOrder, order_of
from harness.who import me
from plans.models import find, load_plan
from tests.support.sample_run import record as sample_record


def order(runs: Path, **more: object) -> RunOrder:
    return order_of(load_plan(find("gala-share", "stress")), runs, lane="stress", approved_by="bob", **more)


def test_a_run_from_its_start_to_its_end(tmp_path: Path) -> None:
    one, record = order(tmp_path), sample_record()
    acts.burst(one, 1234.4, 3.0)
    sha = acts.started(one, one.share(), record.run_id, "ab" * 32)
    acts.ended(one, record)
    burst, started, ended = read(tmp_path)
    assert {line.who for line in (burst, started, ended)} == {me()}
    assert (burst.act, burst.about["lane"], burst.about["peak_rps"]) == ("burst", "stress", 1234)
    assert (started.act, started.sha256) == ("started", sha)
    assert started.about.items() >= {
        "run": record.run_id, "plan": "gala-share", "target": "own stack", "lane": "stress", "approved_by": "bob",
        "peak_rps": 35_000, "rounds": 1, "forecast_sha256": "ab" * 32,
    }.items()  # fmt: skip
    assert 0 < started.about["step_rps"] <= 35_000
    assert (ended.act, ended.about["verdict"], ended.about["sent"]) == ("ended", record.verdict, record.load.sent)


def test_a_start_that_was_refused_names_the_items(tmp_path: Path) -> None:
    found = [Checked("good", "", "", 1, "lane"), Checked("refused", "no room", "", 18, "disk")]
    acts.refused(order(tmp_path), "r1", found)
    (line,) = read(tmp_path)
    assert (line.act, line.about["items"]) == ("refused", ["18. disk"])


def test_what_cannot_be_recorded_is_not_begun_and_ends_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / FILE).mkdir()
    one = order(tmp_path)
    with pytest.raises(EnvironmentNotReady, match="cannot be written: Is a directory; nothing was sent"):
        acts.started(one, one.share(), "r1", "")
    with pytest.raises(EnvironmentNotReady, match="nothing was sent"):
        acts.burst(one, 1.0, 3.0)
    acts.ended(one, sample_record())
    assert capsys.readouterr().err == f"xiu: {tmp_path / FILE} does not tell of this: Is a directory\n"

"""Every panel's query on a real Prometheus that holds every metric: each has a value, and none has one once a metric of
it is renamed.
"""

from __future__ import annotations

import copy
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.grafana import check, lint, render
from dashboards.grafana.promql import Selector, parts
from harness.stack import tools
from harness.watch.prom import Prometheus
from tests.support.prometheus_history import RUN, SPAN, VALUES
from xiu.cli import main

BOARDS = render.rendered()
QUERIES = [(board, panel["title"], t) for board in BOARDS.values() for panel, t in lint.targets(board)]


@pytest.fixture(scope="module")
def asker(url: str) -> Iterator[Prometheus]:
    with Prometheus(url) as one:
        yield one


def test_every_query_has_a_value_where_every_metric_has(asker: Prometheus) -> None:
    answers = check.check(asker, BOARDS.values(), SPAN)
    assert len(answers) == len(QUERIES)
    assert [a for a in answers if a.state != "value"] == []


def test_the_values_are_those_of_the_history(asker: Prometheus) -> None:
    """A counter grows by one a second; two numerators that were exchanged would show here."""
    found = {(a.board, a.panel, a.ref): a for a in check.check(asker, BOARDS.values(), SPAN)}
    assert found["xiu-live", "Planned, sent, dropped", "B"].value == pytest.approx(1)
    assert found["xiu-live", "Taps answered, by outcome", "A"].series == len(VALUES["outcome"])
    assert found["xiu-live", "Alerts firing", "A"].value == 1
    assert found["xiu-live", "Ledger out of balance", "A"].value == 0
    assert found["xiu-live", "Money on its way", "A"].value == -1, "awarded 1, credited 1, suspense 1"
    assert found["xiu-live", "Money awarded and credited", "A"].value == pytest.approx(0.01)
    assert found["xiu-live", "Money per second", "A"].value == pytest.approx(0.01)
    assert found["xiu-live", "Append p99", "A"].value == pytest.approx(0.0005, rel=0.02)
    assert found["xiu-forecast", "预测兑现了吗？ · Did the forecast hold?", "A"].value == 1
    assert found["xiu-forecast", "对账差额 · Money unaccounted for", "A"].value == 1
    assert found["xiu-forecast", "每家赞助商的钱 · Each sponsor's money", "D"].value == pytest.approx(0.01)


EITHER = {"drill_run_verdict": {("对账差额 · Money unaccounted for", "A")}}
"""A metric's queries that have a value without it: it stands there for a run under way, the other for one that is over.
"""


def renamed(expr: str, metric: str) -> str:
    return re.sub(rf"\b{metric}\b", f"{metric}_renamed", expr)


@pytest.mark.parametrize("board", BOARDS.values(), ids=list(BOARDS))
def test_a_renamed_metric_turns_every_panel_of_it_red(asker: Prometheus, board: dict[str, Any]) -> None:
    """As if the code renamed it and the dashboard did not, and the other way about: the query finds nothing."""
    names = {p.metric for _, t in lint.targets(board) for p in parts(t["expr"]) if isinstance(p, Selector)}
    assert len(names) > 5
    for name in sorted(names):
        changed = copy.deepcopy(board)
        touched = set()
        for panel, target in lint.targets(changed):
            expr = renamed(target["expr"], name)
            if expr != target["expr"]:
                target.update(expr=expr)  # type: ignore[attr-defined]
                touched.add((panel["title"], target["refId"]))
        titles = {title for title, _ in touched}
        changed["panels"] = [panel for panel in changed["panels"] if panel["title"] in titles]
        answers = check.check(asker, [changed], SPAN, RUN)
        silent = {(a.panel, a.ref) for a in answers if a.state in ("empty", "excused")}
        assert silent == touched - EITHER.get(name, set()), name
        assert any(f"{name}_renamed" in line for line in lint.lint(changed)), name


@pytest.mark.parametrize("name", ["job", "instance"])
def test_a_shared_prometheus_shows_the_chosen_system_alone(asker: Prometheus, name: str) -> None:
    """Of another job or instance nothing is shown, but for alerts, which have neither."""
    text = json.dumps(list(BOARDS.values())).replace(f"${name}", "of-another-system")
    answers = check.check(asker, json.loads(text), SPAN, RUN)
    assert {answer.panel for answer in answers if answer.state == "value"} == {"Alerts", "Alerts firing"}


@pytest.mark.parametrize("change", [("$lane", "$nobody"), ('"$lane"', '"other"')], ids=["variable", "label value"])
def test_a_wrong_label_turns_the_check_red(asker: Prometheus, change: tuple[str, str]) -> None:
    text = json.dumps(BOARDS["xiu-live"]).replace(*(json.dumps(one)[1:-1] for one in change))
    answers = check.check(asker, [json.loads(text)], SPAN)
    assert len([a for a in answers if a.red]) > 20


def test_promtool_of_the_stacks_version_reads_every_expression(tmp_path: Path) -> None:
    promtool = tools.find("promtool")
    if promtool is None:
        pytest.skip("promtool is not here; `xiu doctor` names the command that brings it")
    words = SPAN.words() | {"lane": "live", "run": RUN, "job": ".+", "instance": ".+"}
    exprs = [check.filled(target["expr"], words) for _, _, target in QUERIES]
    exprs += [one["expr"] for board in BOARDS.values() for one in board["annotations"]["list"] if "expr" in one]
    rules = [{"record": f"panel:{k}", "expr": expr} for k, expr in enumerate(exprs)]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run([str(promtool), "check", "rules", str(file)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("here")
def test_the_command_tells_every_panel_and_is_red_without_data(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The history lies years back, so nothing of it shows in the last five minutes."""
    code = main(["dash", "check", "--prometheus", url])
    out, err = capsys.readouterr()
    assert code == 10
    assert all(title in out for _, title, _ in QUERIES)
    assert "empty with a reason" in out
    assert "holds nothing of that time" in err
    code = main(["dash", "check", "--prometheus", url, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert code == 10
    assert told["wrong"] == []
    assert {row["state"] for row in told["panels"]} == {"empty", "excused"}


@pytest.mark.usefixtures("here")
def test_without_a_stack_the_command_says_how_to_get_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dash", "check"]) == 5
    assert "xiu up --detach" in capsys.readouterr().err
    assert main(["dash", "check", "--prometheus", "http://127.0.0.1:9"]) == 5
    assert "does not answer" in capsys.readouterr().err

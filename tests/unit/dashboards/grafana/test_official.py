"""Each of the official linter's rules is seen to fail on a mutation; what stays is listed with a reason."""

from __future__ import annotations

import copy
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dashboards.grafana import official, render
from dashboards.grafana.board import Board
from dashboards.grafana.shelf import boards

BOARDS = render.rendered()
LIVE = BOARDS["xiu-live"]


def panel(board: dict[str, Any], title: str = "Append p99") -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in board["panels"] if one["title"] == title)
    return found


def variable(board: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in board["templating"]["list"] if one["name"] == name)
    return found


def without(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda board: board["templating"].update(
        list=[one for one in board["templating"]["list"] if one["name"] != name]
    )


def asks(expr: str) -> Callable[[dict[str, Any]], object]:
    return lambda board: panel(board)["targets"][0].update(expr=expr)


SCOPE = 'job=~"$job",instance=~"$instance"'


def test_what_stays_is_listed_and_what_is_listed_is_found() -> None:
    assert official.lint(BOARDS.values(), official.entries()) == []


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("template-datasource-rule", without("datasource")),
        ("template-datasource-rule", lambda b: variable(b, "datasource").update(name="prometheus")),
        ("template-datasource-rule", lambda b: variable(b, "datasource").update(label="Prometheus")),
        ("template-job-rule", without("job")),
        ("template-job-rule", lambda b: variable(b, "job").update(multi=False)),
        ("template-job-rule", lambda b: variable(b, "job").update(label="Jobs")),
        ("template-instance-rule", lambda b: variable(b, "instance").update(allValue=".*")),
        ("template-instance-rule", lambda b: variable(b, "instance")["datasource"].update(uid="P1")),
        ("template-label-promql-rule", lambda b: variable(b, "lane").update(query="lanes")),
        ("template-on-time-change-reload-rule", lambda b: variable(b, "lane").update(refresh=1)),
        ("uneditable-dashboard-rule", lambda b: b.update(editable=True)),
        ("panel-datasource-rule", lambda b: panel(b)["datasource"].update(uid="P1")),
        ("panel-title-description-rule", lambda b: panel(b).update(description="")),
        ("panel-no-targets-rule", lambda b: panel(b).update(targets=[])),
        ("panel-units-rule", lambda b: panel(b)["fieldConfig"]["defaults"].update(unit="seconds")),
        ("target-promql-rule", asks("sum(up")),
        ("target-job-rule", asks('up{instance=~"$instance"}')),
        ("target-job-rule", asks('up{job="$job",instance=~"$instance"}')),
        ("target-instance-rule", asks('up{job=~"$job"} and up{job=~"$job",instance=~"$instance"}')),
        ("target-rate-interval-rule", asks(f"rate(hongbao_credits_total{{{SCOPE}}}[5m])")),
        ("target-counter-agg-rule", asks(f"hongbao_credits_total{{{SCOPE}}}")),
    ],
)
def test_a_mutation_is_found_by_its_rule(rule: str, change: Callable[[dict[str, Any]], object]) -> None:
    board = copy.deepcopy(LIVE)
    change(board)
    before = {(one.rule, one.panel) for one in official.findings(LIVE)}
    after = {(one.rule, one.panel) for one in official.findings(board)}
    assert rule in {found for found, _ in after - before}
    assert official.lint([board, BOARDS["xiu-forecast"]], official.entries()) != []


def test_a_unit_is_not_asked_for_where_every_value_is_a_word() -> None:
    board = copy.deepcopy(LIVE)
    panel(board, "Targets down")["fieldConfig"]["defaults"].update(unit="nothing")
    assert {one.panel for one in official.findings(board)} == {one.panel for one in official.findings(LIVE)}


def test_an_entry_excuses_its_panel_alone_and_not_for_nothing() -> None:
    listed = official.entries()
    assert all(len(one.reason) > 20 and one.dashboard for one in listed)
    other = official.LintExclusion("panel-units-rule", "it went away long ago", LIVE["title"], "Append p99")
    (told,) = official.lint(BOARDS.values(), [*listed, other])
    assert "Append p99: panel-units-rule: excused in .lint, and not found" in told
    less = [one for one in listed if one.panel != "Alerts"]
    assert [line.split(": ")[2] for line in official.lint(BOARDS.values(), less)] == ["0", "0"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("exclusions: {target-job-rule: }", id="a whole rule"),
        pytest.param("exclusions: {target-job-rule: {reason: it is so}}", id="no entries"),
        pytest.param("exclusions: {target-job-rule: {entries: [{dashboard: x}]}}", id="no reason"),
    ],
)
def test_nothing_is_excused_as_a_whole_or_without_a_reason(tmp_path: Path, text: str) -> None:
    file = tmp_path / ".lint"
    file.write_text(text)
    with pytest.raises(ValueError, match="target-job-rule: no reason, or no entries"):
        official.entries(file)


@pytest.mark.parametrize("board", boards(), ids=[board.uid for board in boards()])
def test_the_official_linter_itself_is_content(board: Board) -> None:
    program = shutil.which("dashboard-linter")
    if program is None:
        pytest.skip("dashboard-linter is not on PATH; its rules are asked by official.py (docs/grafana.md says how)")
    argv = [program, "lint", "--strict", "--verbose", "-c", str(official.FILE), str(render.file_of(board))]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr

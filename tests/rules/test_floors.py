"""What an alert promises is kept: its arithmetic is in the docs, and promtool sees it fire in that time."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from plans.models.alerts import RULES, rules_of
from plans.models.floors import SOURCES_S, AlertFloor, floors, seconds, table
from tests.support.promtool import promtool

ROOT = RULES.parents[1]
EFFECT_S = 20
"""The last second at which all is well."""
FLOORS = {floor.alert: floor for floor in floors()}
QUICK, SLOW = "0+20x20 400x60", "0+20x80"
BEGINS, ENDS, GROWS = "0x20 1x60", "1x20 0x60", "0x20 1+1x60"
GONE = "1x20 stale _x59"
EFFECTS: dict[str, dict[str, str]] = {
    "TargetDown": {'up{job="front",instance="f0",part="front-0"}': ENDS},
    "NoFrontData": {'hongbao_clock_trusted{instance="f0"}': GONE},
    "NoCreditData": {'hongbao_stream_lag_entries{lane="live"}': GONE},
    "LedgerImbalance": {'hongbao_ledger_imbalance_fen{lane="live"}': BEGINS},
    "MoneyInSuspense": {'hongbao_credits_total{lane="live",outcome="suspense"}': BEGINS},
    "CreditStreamStopped": {'hongbao_credit_stopped_streams{lane="live"}': BEGINS},
    "CreditBacklogOld": {'hongbao_stream_oldest_age_seconds{lane="live"}': GROWS},
    "CreditStalled": {
        'hongbao_credit_progress_age_seconds{lane="live"}': GROWS,
        'hongbao_rounds{lane="live",state="open"}': "1x80",
    },
    "CreditSlow": {
        'hongbao_credit_delay_seconds_bucket{lane="live",le="1.0"}': QUICK,
        'hongbao_credit_delay_seconds_count{lane="live"}': SLOW,
    },
    "ClockNotTrusted": {'hongbao_clock_trusted{instance="f0"}': ENDS},
    "AwardsStuck": {
        'hongbao_appends_total{lane="live",verdict="ok"}': QUICK,
        'hongbao_pending_awards{lane="live"}': "0x20 3x60",
    },
    "AppendsSlow": {
        'hongbao_append_duration_seconds_bucket{lane="live",le="0.1"}': QUICK,
        'hongbao_append_duration_seconds_count{lane="live"}': SLOW,
    },
    "RoundBlocked": {'hongbao_front_blocked_rounds{lane="live"}': BEGINS},
    "EpochChurn": {'hongbao_epochs_granted_total{lane="live"}': GROWS},
    "StrengthShifted": {'hongbao_strength_psi{lane="live"}': "0.01x20 0.3x60"},
    "StrengthJumped": {'hongbao_strength_user_jump_points{lane="live"}': "900x20 12000x60"},
    "StrengthSnapshotOld": {'hongbao_strength_snapshot_time_seconds{lane="live"}': "0x20 -259300x60"},
    "PlayFailing": {
        'hongbao_http_requests_total{job="play",route="r",status="5xx"}': GROWS,
        'hongbao_http_requests_total{job="play",route="r",status="2xx"}': "0+9x80",
    },
    "ClaimsPending": {
        'hongbao_fission_claims_total{lane="live",outcome="pending"}': GROWS,
        'hongbao_fission_claims_total{lane="live",outcome="claimed"}': "0+9x80",
    },
    "PotStuck": {
        'hongbao_pot_batches_waiting{lane="live"}': BEGINS,
        'hongbao_pot_paid_fen_total{lane="live"}': "700x80",
    },
    "PayoutsWaiting": {'hongbao_payouts_oldest_age_seconds{lane="live"}': GROWS},
    "OutsideAstray": {'hongbao_outside_calls_total{party="bank",lane="live",outcome="denied"}': GROWS},
    "RoundMissed": {'hongbao_programme_rounds{lane="live",state="missed"}': BEGINS},
    "CountingStopped": {
        'hongbao_requests_total{lane="live",outcome="lose"}': "0+100x80",
        'hongbao_participations_total{lane="live"}': "0+100x20 2000x60",
    },
    "TransfersImbalance": {'hongbao_transfers_imbalance{lane="live"}': BEGINS},
    "PlaybookNeedsPerson": {'drill_playbook_step_state{playbook="p",lane="live",step="run",state="changed"}': BEGINS},
    "PlaybookFileRefused": {"drill_playbook_files_refused": BEGINS},
    "GeneratorSaturated": {"drill_generator_saturated": BEGINS},
    "ForecastShortfall": {
        "drill_requests_planned_total": "0+35000x80",
        "drill_requests_sent_total": "0+35000x20 700000x60",
        'drill_phase{phase="measured"}': "1x80",
    },
}


def fires(folder: Path, alert: str, series: dict[str, str], at_s: dict[float, bool]) -> str:
    """What promtool says if the alert does not fire exactly at these moments; empty if it does."""
    query = f'max(ALERTS{{alertname="{alert}",alertstate="firing"}})'
    checks = [
        {"expr": query, "eval_time": f"{round(at * 1000)}ms", "exp_samples": [{"labels": "{}", "value": 1}] * yes}
        for at, yes in at_s.items()
    ]
    told = {
        "rule_files": [str(file) for file in sorted(RULES.glob("*.yml"))],
        "evaluation_interval": "1s",
        "tests": [{
            "interval": "1s",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "promql_expr_test": checks,
        }],
    }  # fmt: skip
    file = folder / f"{alert}.test.yml"
    file.write_text(yaml.safe_dump(told), encoding="utf-8")
    done = subprocess.run([promtool(), "test", "rules", str(file)], capture_output=True, text=True, timeout=60)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("alert", FLOORS)
def test_an_alert_fires_within_its_floor(tmp_path: Path, alert: str) -> None:
    """The series are figures of the process already: what it takes for them itself is not waited for here."""
    floor = FLOORS[alert]
    late = fires(tmp_path, alert, EFFECTS[alert], {EFFECT_S: False, EFFECT_S + floor.total_s - floor.source_s: True})
    assert not late, late


@pytest.mark.parametrize("alert", FLOORS)
def test_an_alert_promises_no_less_than_its_arithmetic(alert: str) -> None:
    floor = FLOORS[alert]
    assert floor.promise_s is not None, f"{alert}: no annotation detects_within"
    assert floor.total_s <= floor.promise_s, floor


def test_the_table_of_the_docs_is_what_the_rules_say() -> None:
    text = (ROOT / "docs" / "playbooks.md").read_text(encoding="utf-8")
    assert table(floors()) in text, "python -m plans.models.floors prints it"


def test_a_playbook_s_alert_comes_within_5_s() -> None:
    """What docs/playbooks.md asks of an alert that starts one."""
    text = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "plans" / "playbooks").glob("*.yaml"))
    started = re.findall(r"alert: (\w+)", text)
    assert started
    assert {name: FLOORS[name].total_s for name in started if FLOORS[name].total_s > 5.0} == {}


def test_every_alert_has_a_page_of_its_own() -> None:
    """`runbook_url` names a heading that is there."""
    for rule in rules_of():
        if "alert" not in rule:
            continue
        page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        heads = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
        assert anchor in {head.lower().replace(" ", "-") for head in heads}, rule["alert"]
        assert anchor == rule["alert"].lower()


RULE = """
groups:
  - name: g
    interval: {interval}
    rules:
      - record: lane:x:rate30s
        expr: rate(x_total[30s])
      - alert: A
        expr: {expr}
        for: {for_}
        annotations: {{detects_within: 5s}}
"""


@pytest.mark.parametrize(
    ("expr", "for_", "interval", "total_s"),
    [
        pytest.param('max by (lane) (p) > 0 and on (lane) sum by (lane) (rate(a_total{verdict="ok"}[5s])) == 0', "3s",
                     "1s", 10.0, id="a window that has to empty, then a wait: AwardsStuck as it was"),
        pytest.param("x > 0", "0s", "1s", 2.0, id="a scrape and an evaluation"),
        pytest.param("x > 0", "1m30s", "5s", 96.0, id="an evaluation of the group's own"),
        pytest.param("x_age_seconds > 2", "0s", "1s", 4.0, id="a figure that grows with time"),
        pytest.param('max by (lane) (x_age_seconds{lane="a"}) > 2.5', "0s", "1s", 4.5, id="the same, summed up"),
        pytest.param("lane:x:rate30s > 0.01", "0s", "1s", 33.0, id="a recorded series"),
        pytest.param("up == 0 and max_over_time(up[10m]) == 1", "3s", "1s", 6.0, id="a window that only keeps"),
    ],
)  # fmt: skip
def test_the_arithmetic(tmp_path: Path, expr: str, for_: str, interval: str, total_s: float) -> None:
    quoted = "'" + expr + "'"
    (tmp_path / "r.yml").write_text(RULE.format(expr=quoted, for_=for_, interval=interval), encoding="utf-8")
    (found,) = floors(tmp_path)
    assert isinstance(found, AlertFloor)
    assert (found.total_s, found.promise_s) == (total_s, 5.0)


def test_a_duration_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one like 5s"):
        seconds("5")


def test_what_a_figure_takes_by_itself_is_what_its_process_does() -> None:
    from chaos.playbook.__main__ import LOOK_S
    from harness.stack.config import SCRAPE_INTERVAL
    from system.control.background import BALANCE_INTERVAL_S, VIEW_INTERVAL_S
    from system.front.link import CALL_TIMEOUT_S
    from system.front.sync import CLOCK_INTERVAL_S
    from system.play.ties.tasks import LOOK_S as LOOK_AT_SNAPSHOT_S

    assert {
        "hongbao_ledger_imbalance_fen": BALANCE_INTERVAL_S,
        "hongbao_transfers_imbalance": BALANCE_INTERVAL_S,
        "hongbao_programme_rounds": VIEW_INTERVAL_S,
        "hongbao_clock_trusted": CLOCK_INTERVAL_S + CALL_TIMEOUT_S,
        "hongbao_strength_psi": LOOK_AT_SNAPSHOT_S,
        "hongbao_strength_user_jump_points": LOOK_AT_SNAPSHOT_S,
        "hongbao_strength_snapshot_time_seconds": LOOK_AT_SNAPSHOT_S,
        "drill_playbook_files_refused": LOOK_S,
        "up": seconds(SCRAPE_INTERVAL),
        "absent": seconds(SCRAPE_INTERVAL),
    } == SOURCES_S


def starting(up: str, age: str = "") -> dict[str, str]:
    series = {'up{job="front",instance="f0",part="front-0"}': up}
    return series | ({'process_start_time_seconds{job="prometheus",instance="p"}': age} if age else {})


YOUNG, AGED = "0x80", "-100x80"
"""Prometheus began with the test's first second, or long before."""


@pytest.mark.parametrize(
    ("series", "at_s"),
    [
        pytest.param(starting("0x9 1x70", YOUNG), {8: False, 12: False, 40: False}, id="up after ten seconds"),
        pytest.param(starting("0x80", YOUNG), {28: False, 36: True}, id="never up"),
        pytest.param(starting("1x9 0x70", YOUNG), {9: False, 15: True}, id="was up, and died while the others start"),
        pytest.param(starting("0x80", AGED), {5: True}, id="a new target of a Prometheus that is not young"),
        pytest.param(starting("0x80"), {5: True}, id="whether Prometheus is young nobody knows"),
    ],
)
def test_a_target_is_not_down_while_its_stack_starts(
    tmp_path: Path, series: dict[str, str], at_s: dict[float, bool]
) -> None:
    told = fires(tmp_path, "TargetDown", series, at_s)
    assert not told, told


@pytest.mark.parametrize(
    ("alert", "series"),
    [
        ("NoFrontData", 'hongbao_clock_trusted{instance="f0"}'),
        ("NoCreditData", 'hongbao_stream_lag_entries{lane="live"}'),
    ],
)
def test_what_did_not_report_yet_is_not_missed_while_its_stack_starts(tmp_path: Path, alert: str, series: str) -> None:
    age = {'process_start_time_seconds{job="prometheus",instance="p"}': YOUNG}
    late = fires(tmp_path, alert, age | {series: "_x15 1x60"}, {14: False, 20: False, 50: False})
    assert not late, late
    never = fires(tmp_path, alert, age, {28: False, 42: True})
    assert not never, never
    first = {'process_start_time_seconds{job="prometheus",instance="p"}': "_x6 0x70"}
    blind = fires(tmp_path, alert, first | {series: "_x15 1x60"}, {6: False, 9: False, 12: False, 20: False})
    assert not blind, f"nothing is scraped in the first seconds: {blind}"
    gone = fires(tmp_path, alert, age | {series: "1x5 stale _x60"}, {5: False, 18: True})
    assert not gone, gone


def test_a_front_that_starts_may_ask_for_the_time_first(tmp_path: Path) -> None:
    trusted = 'hongbao_clock_trusted{instance="f0"}'
    began = {'process_start_time_seconds{job="front",instance="f0"}': "0x80"}
    told = fires(tmp_path, "ClockNotTrusted", began | {trusted: "0x4 1x60"}, {4: False, 8: False, 20: False})
    assert not told, told
    told = fires(tmp_path, "ClockNotTrusted", began | {trusted: "0x80"}, {9: False, 14: True})
    assert not told, told

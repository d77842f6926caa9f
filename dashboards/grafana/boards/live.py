"""The SRE's dashboard of a round under way, from the load to the switches. A missing figure never looks healthy."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.grafana import machinery
from dashboards.grafana.board import RUNBOOKS, Board, LintExcuse, MayBeEmpty, RawCounter, other_boards, page
from dashboards.grafana.machinery import RATE, TAPS, p99
from dashboards.grafana.pieces import (
    ALERTS,
    BLUE,
    FAULTS,
    FEN,
    GREEN,
    GREY,
    NO_UNIT_OF_MONEY,
    RED,
    YUAN,
    Annotation,
    DataLink,
    Panel,
    PanelQuery,
    StateText,
    Tile,
    address_variable,
    annotation,
    datasource_variable,
    figure,
    lines,
    note,
    query_variable,
    scope_variables,
    states,
)
from dashboards.grafana.plays import EXCUSES as OF_PLAYS
from dashboards.grafana.plays import plays
from dashboards.grafana.runbooks import AWAY, runbooks
from plans.metrics import PLAYBOOK_STATES
from system.contract.people import SMALLER_CITIES_SHARE

YES = {"0": StateText("✓ no", GREEN), "1": StateText("✕ yes", RED)}
NO_DATA = StateText("? no data", GREY)
PHASE = {"1": StateText("▶ now", BLUE)}
ACTIVE = {"1": StateText("✕ injected", RED), "0": StateText("✓ not injected", GREEN)}
FIRING = {"1": StateText("! firing", RED)}
NEEDS_A_PERSON = frozenset(("refused", "read_back_failed", "verify_timeout", "rollback_failed", "changed", "halted"))


def drawn_over() -> list[Annotation]:
    """Faults and alerts over every panel, by their names."""
    return [
        annotation("Faults", FAULTS, "{{experiment}}", "on {{target}}", RED, "experiment,target"),
        annotation("Alerts", ALERTS, "{{alertname}}", "firing", "orange", "alertname"),
    ]


def panels() -> Iterator[Panel]:
    """In reading order; each row of the grid is 24 columns wide."""
    yield from _first_glance()
    yield from _load()
    yield from _times()
    yield from _money()
    yield from _backlog()
    yield from _generator()
    yield from _states()
    yield from plays()
    yield from machinery.inside()
    yield from machinery.stores()
    yield from machinery.processes()
    yield note(
        "How to read this",
        "Where the figures come from.",
        "Percentiles come from histograms and are known to their bucket. Rates look back at least four scrapes. "
        "An empty panel is *no data*, never *all is well*. Faults and alerts are drawn over every panel.",
    )


def _first_glance() -> Iterator[Panel]:
    alerts = 'count(ALERTS{alertstate="firing"}) - count(ALERTS{alertstate="firing",alertname="Watchdog"})'
    yield figure(
        Tile(
            "Alerts firing",
            "Without the watchdog, which always fires: no figure means that no rule runs.",
            width=6,
            height=4,
        ),
        PanelQuery(alerts),
        words={"0": StateText("✓ none", GREEN)},
        none=NO_DATA,
        edges=[(None, GREEN), (1, RED)],
    )
    yield figure(
        Tile(
            "Targets down", "Scraped processes that do not answer; a finished run's own is left out.", width=6, height=4
        ),
        PanelQuery('count(up{part!="run"}) - count(up{part!="run"} == 1)'),
        words={"0": StateText("✓ none", GREEN)},
        none=NO_DATA,
        edges=[(None, GREEN), (1, RED)],
    )
    yield figure(
        Tile(
            "Ledger out of balance",
            "Sum over all ledger entries in fen; anything but 0 is a broken book.",
            "none",
            6,
            4,
        ),
        PanelQuery(f"max(abs(hongbao_ledger_imbalance_fen{{{TAPS}}}))"),
        words={"0": StateText("✓ 0 fen", GREEN)},
        none=NO_DATA,
        edges=[(None, GREEN), (1, RED)],
    )
    yield figure(
        Tile(
            "Generator is the limit",
            "Yes makes the run INVALID: what is measured then is the generator.",
            width=6,
            height=4,
        ),
        PanelQuery("max(drill_generator_saturated)"),
        words=YES,
        none=NO_DATA,
    )


def _load() -> Iterator[Panel]:
    yield lines(
        Tile("Taps answered, by outcome", "As the fronts count them.", "reqps"),
        PanelQuery(f"sum by (outcome) (rate(hongbao_requests_total{{{TAPS}}}{RATE}))", "{{outcome}}"),
    )
    yield lines(
        Tile("Taps refused, by reason", "too_fast is the limiter at work; degraded is a refusal on purpose.", "reqps"),
        PanelQuery(f"sum by (code) (rate(hongbao_refusals_total{{{TAPS}}}{RATE}))", "{{code}}"),
    )
    yield lines(
        Tile(
            "Planned, sent, dropped",
            "The schedule's taps: sent below planned is the generator, dropped the system.",
            "reqps",
        ),
        PanelQuery(f"sum(rate(drill_requests_planned_total{{{TAPS}}}{RATE}))", "planned"),
        PanelQuery(f"sum(rate(drill_requests_sent_total{{{TAPS}}}{RATE}))", "sent"),
        PanelQuery(f"sum(rate(drill_requests_dropped_total{{{TAPS}}}{RATE}))", "dropped"),
    )


def _times() -> Iterator[Panel]:
    yield lines(
        Tile(
            "Response p99 at the client",
            "From the intended start, so that a stall cannot hide; service beside it.",
            "s",
        ),
        PanelQuery(p99("drill_client_response_seconds", where=TAPS), "response"),
        PanelQuery(p99("drill_client_service_seconds", where=TAPS), "service"),
        objective=0.1,
    )
    yield lines(
        Tile("Append p99", "A win sent to the win log until it is durable.", "s"),
        PanelQuery(p99("hongbao_append_duration_seconds", "lane, le", TAPS), "{{lane}}"),
        objective=0.1,
    )
    yield lines(
        Tile("Appends, by verdict", "Anything but ok is a fence, a conflict or an answer that never came.", "ops"),
        PanelQuery(f"sum by (verdict) (rate(hongbao_appends_total{{{TAPS}}}{RATE}))", "{{verdict}}"),
    )


def _money() -> Iterator[Panel]:
    def of_run(place: str) -> str:
        return f'sum(drill_money_fen{{{TAPS},place="{place}"}})'

    def flow(metric: str) -> str:
        return f"sum(rate({metric}{{{TAPS}}}{RATE})) / 100"

    yield lines(
        Tile(
            "Money awarded and credited",
            "Of the run's round alone: credited follows awarded and never passes it. In the end as audited.",
            YUAN, 6,
        ),
        PanelQuery(f"{of_run('awarded')} / 100", "awarded"),
        PanelQuery(f"{of_run('credited')} / 100", "credited"),
        PanelQuery(f"{of_run('suspense')} / 100", "in suspense"),
        PanelQuery(f"{of_run('budget')} / 100", "budget"),
    )  # fmt: skip
    yield lines(
        Tile(
            "Money on its way",
            "Of the run's round: awarded, neither credited nor in suspense yet; 0 in the end. "
            "Unknown once a front began anew, until the audit.",
            FEN, 6,
        ),
        PanelQuery(f"{of_run('awarded')} - {of_run('credited')} - {of_run('suspense')}", "on its way"),
    )  # fmt: skip
    yield lines(
        Tile("Money per second", "Of all rounds of the stack, with a run or without.", YUAN, 6),
        PanelQuery(flow("hongbao_awarded_fen_total"), "awarded"),
        PanelQuery(flow("hongbao_credited_fen_total"), "credited"),
        PanelQuery(flow("hongbao_suspense_fen_total"), "into suspense"),
    )
    yield lines(
        Tile(
            "Packets won, records posted",
            "Per second: what the rounds release, wins made durable, and what credit made of them.",
            "ops",
            6,
        ),
        PanelQuery(f"sum(rate(hongbao_packets_issued_total{{{TAPS}}}{RATE}))", "won"),
        PanelQuery(f"sum(hongbao_round_release_packets_per_second{{{TAPS}}})", "released by the rounds"),
        PanelQuery(f"sum by (outcome) (rate(hongbao_credits_total{{{TAPS}}}{RATE}))", "{{outcome}}"),
    )
    yield from _homes()


def _homes() -> Iterator[Panel]:
    def posted(where: str = "") -> str:
        return f"sum(rate(hongbao_credits_by_home_total{{{TAPS}{where}}}{RATE}))"

    yield lines(
        Tile("Packets posted, by city", "Per second, by the tier of the city the user lives in or near.", "ops"),
        PanelQuery(f"sum by (tier) (rate(hongbao_credits_by_home_total{{{TAPS}}}{RATE}))", "tier {{tier}}"),
    )
    yield lines(
        Tile(
            "Packets of smaller cities and of the country",
            "Of all posted; the line is the share of third- and fourth-tier cities in 2016. None while nothing is "
            "posted.",
            "percentunit",
        ),
        PanelQuery(f"""{posted(',tier=~"3|4"')} / ({posted()} > 0)""", "third and fourth tier"),
        PanelQuery(f"""{posted(',area="country"')} / ({posted()} > 0)""", "in the country"),
        objective=SMALLER_CITIES_SHARE,
    )
    yield lines(
        Tile("Money fund and gifts", "Per second: into the fund, out of it, to friends; by the user's home.", YUAN),
        PanelQuery(f"sum by (way, area) (rate(hongbao_fund_fen_total{{{TAPS}}}{RATE})) / 100", "{{way}}, {{area}}"),
        PanelQuery(f"sum by (area) (rate(hongbao_presents_fen_total{{{TAPS}}}{RATE})) / 100", "gift, {{area}}"),
    )  # fmt: skip


def _backlog() -> Iterator[Panel]:
    lag = f"sum by (lane) (hongbao_stream_lag_entries{{{TAPS}}})"
    yield lines(
        Tile("Backlog of credit", "Awards in the win log that are not posted yet.", "short", 6),
        PanelQuery(lag, "{{lane}}"),
    )
    yield lines(
        Tile(
            "Oldest award not posted",
            "CreditBacklogOld fires above the line. Progress: credit finished anything.",
            "s",
            6,
        ),
        PanelQuery(f"max by (lane) (hongbao_stream_oldest_age_seconds{{{TAPS}}})", "{{lane}}"),
        PanelQuery(f"max by (lane) (hongbao_credit_progress_age_seconds{{{TAPS}}})", "{{lane}}, since progress"),
        objective=3,
    )
    yield lines(
        Tile("Win to balance p99", "Award until its posting is committed.", "s", 6),
        PanelQuery(p99("hongbao_credit_delay_seconds", "lane, le", TAPS), "{{lane}}"),
        objective=1,
    )
    yield lines(
        Tile("Seconds to drain", "Backlog over the speed at which credit posts; none while nothing is posted.", "s", 6),
        PanelQuery(
            f'{lag} / (sum by (lane) (rate(hongbao_credits_total{{{TAPS},outcome="posted"}}{RATE})) > 0)', "{{lane}}"
        ),
        objective=10,
    )


def _generator() -> Iterator[Panel]:
    yield lines(
        Tile("Pacer behind its schedule, p99", "The generator's own fault; above 10 ms a second is not valid.", "s"),
        PanelQuery(p99("drill_schedule_lag_seconds"), "lag"),
        objective=0.01,
    )
    yield lines(
        Tile(
            "CPU of the busiest generator",
            "Used and waited for; above the line the generator is the limit.",
            "percentunit",
        ),
        PanelQuery("max(drill_generator_cpu_ratio)", "of a core"),
        objective=0.9,
    )
    yield lines(
        Tile(
            "Outcomes at the client",
            "Unknown may have happened: a time-out or a reset is never counted as failed.",
            "reqps",
        ),
        PanelQuery(f"sum by (outcome) (rate(drill_requests_total{{{TAPS}}}{RATE}))", "{{outcome}}"),
    )


def _states() -> Iterator[Panel]:
    yield states(
        Tile("Phase of the run", "What the run is doing: only measured counts.", width=12, height=6),
        PanelQuery("max by (phase) (drill_phase) == 1", "{{phase}}"),
        words=PHASE,
    )
    yield states(
        Tile("Alerts", "Firing, without the watchdog.", width=12, height=6),
        PanelQuery('max by (alertname) (ALERTS{alertstate="firing",alertname!="Watchdog"})', "{{alertname}}"),
        words=FIRING,
        leads=runbooks(),
    )
    yield states(
        Tile("Faults injected", "From a drill's fault ledger, from injection to heal.", width=12, height=6),
        PanelQuery("max by (experiment, target) (drill_chaos_active)", "{{experiment}} on {{target}}"),
        words=ACTIVE,
    )
    yield states(
        Tile("Playbooks", "State of each playbook's newest run, and of each of its actions.", width=12, height=8),
        PanelQuery(f"max by (playbook, lane, step) ({_numbered()})", "{{playbook}} · {{lane}} · {{step}}"),
        words={str(k): StateText(_step_word(name), _step_color(name)) for k, name in enumerate(PLAYBOOK_STATES)},
    )
    yield lines(
        Tile("Playbook runs ended", "Since the engine began, by how they ended.", "short", 12, 8),
        PanelQuery("sum by (playbook, end) (drill_playbook_runs_total)", "{{playbook}} · {{end}}"),
    )
    yield states(
        Tile(
            "Switches", "Run-time settings as the processes see them; a playbook may change them.", width=12, height=8
        ),
        PanelQuery("max by (key, lane) (hongbao_switch)", "{{key}} · {{lane}}"),
    )
    yield states(
        Tile("Rounds, by state", "Rounds there are in each state.", width=12, height=8),
        PanelQuery(f"sum by (lane, state) (hongbao_rounds{{{TAPS}}})", "{{lane}} · {{state}}"),
    )


def _numbered() -> str:
    """A playbook step's state as its number in the catalogue."""
    return " or ".join(
        f'{k} * (drill_playbook_step_state{{state="{name}"}} == 1)' for k, name in enumerate(PLAYBOOK_STATES)
    )


def _step_word(name: str) -> str:
    sign = "✕" if name in NEEDS_A_PERSON else "·" if name == "idle" else "▶"
    return f"{sign} {name.replace('_', ' ')}"


def _step_color(name: str) -> str:
    return RED if name in NEEDS_A_PERSON else GREY if name == "idle" else BLUE


NO_ENGINE = "this stack has no playbook engine"
OF_RULES = "An alert has the labels of its rule's expression, and most rules sum over jobs and instances."
BOARD = Board(
    uid="xiu-live",
    title="xiu · SRE live",
    description=(
        "A round as it happens: load, times, money, backlog, generator, alerts, switches, faults and playbooks."
    ),
    panels=panels,
    excuses=(
        *OF_PLAYS,
        MayBeEmpty("Faults injected", "a run without a drill injects nothing", undisturbed=True),
        MayBeEmpty("Alerts", "on a good day nothing fires", undisturbed=True),
        MayBeEmpty("Seconds to drain", "nothing was posted lately, so there is no speed to divide by"),
        MayBeEmpty("Packets of smaller cities and of the country", "nothing was posted lately"),
        MayBeEmpty("Playbooks", NO_ENGINE, without_job="playbook"),
        MayBeEmpty("Playbook runs ended", NO_ENGINE, without_job="playbook"),
        RawCounter(
            "Playbook runs ended", "drill_playbook_runs_total", "a handful of runs: extrapolated they mean nothing"
        ),
        LintExcuse("target-job-rule", ("Alerts firing", "Alerts"), OF_RULES),
        LintExcuse("target-instance-rule", ("Alerts firing", "Alerts"), OF_RULES),
        LintExcuse(
            "panel-units-rule",
            ("Money awarded and credited", "Money on its way", "Money per second", "Money fund and gifts"),
            NO_UNIT_OF_MONEY,
        ),
        LintExcuse(
            "target-counter-agg-rule",
            ("Playbook runs ended",),
            "A handful of playbook runs; what increase extrapolates from them is no number of runs.",
        ),
    ),
    variables=lambda: [
        datasource_variable(),
        *scope_variables(),
        query_variable("lane", "Lane", "hongbao_requests_total", "lane", every=True),
        address_variable(RUNBOOKS, "Runbooks at"),
    ],
    drawn_over=drawn_over,
    links=lambda: [other_boards("咻 · 预测与实际 · Forecast against actual"), page(DataLink("Runbooks", AWAY))],
    rank=10,
)

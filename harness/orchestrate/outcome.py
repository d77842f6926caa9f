"""What a run gathered, and the record and verdict that follow. Pure but for reading the history."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.forecast import judge
from harness.forecast.lock import Lock
from harness.orchestrate import figures
from harness.orchestrate.chosen import Chosen
from harness.orchestrate.hooks import NemesisReport
from harness.phrases import Said, said
from harness.runs.order import RunOrder
from harness.runs.quantile_bounds import bounds_of
from harness.runs.record import About, Environment, Generator, Latency, Load, Resource, RunRecord, Scale, Step, Title
from harness.runs.state import Money, RunState
from harness.runs.traffic import traffic_of
from harness.verdict import PROMETHEUS_MISSING, SMALLER_SHARE, Evidence, Reason, decide
from system.contract.api import RoundMoney, RoundPublic
from system.contract.audit import INVARIANTS, AuditReport, Finding, RoundBooks

GONE = "stack_gone"
OF_THE_WHOLE = frozenset({"offered_rps", "answered_rps", "refused_share", "pool_lasts_s", "wins", "drain_s"})
"""Indicators that only a plan played to its end can show, beside each sponsor's money."""


@dataclass(slots=True)
class Gathered:
    """Filled in as the run goes on; what is missing stays None."""

    round: RoundPublic | None = None
    account: dict[str, Any] | None = None
    samples: list[tuple[float, Money]] = field(default_factory=list)
    report: AuditReport | None = None
    aborted: Reason | None = None
    invalid: list[Reason] = field(default_factory=list)
    failures: list[Reason] = field(default_factory=list)
    no_data: list[Reason] = field(default_factory=list)
    resources: dict[str, dict[str, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    stopped: str | None = None
    told: RoundMoney | None = None
    """The round's money as control tells it, where the stores are out of reach."""
    nemesis: NemesisReport = field(default_factory=NemesisReport)
    """What was done to the system meanwhile."""
    stack: Path | None = None
    """Folder of the stack that was played on."""
    unsettled: int | None = None
    """Users without a definite answer in the end; None: nobody could ask them."""
    closed: bool = False
    blind: list[str] = field(default_factory=list)
    """Signals of stop rules that nothing could be read for."""
    rated: bool = False
    """The rate was changed by hand: what was offered is no longer what was forecast."""

    @property
    def gone(self) -> bool:
        """The stack went away under the run."""
        return self.aborted is not None and self.aborted.code == GONE

    @property
    def books(self) -> RoundBooks | None:
        """The round's books, if the audit gave any."""
        if self.report is None or self.round is None:
            return None
        return next((books for books in self.report.rounds if books.round == self.round.round), None)


def record(
    order: RunOrder,
    chosen: Chosen,
    sealed: Lock,
    state: RunState,
    got: Gathered,
    folder: Path,
    started: datetime,
    where: Environment,
) -> RunRecord:
    """The whole record with its verdict."""
    plan, account, books = order.loaded.plan, got.account, got.books
    peak = figures.peak_rates(account, chosen.share.peak_rps, plan.warm_up.duration) if account else (None, None)
    seen, last_win_s = _wins_seen(got, folder)
    wins = figures.wins_of(seen, books, got.report)
    money, delay = figures.money_of(books), figures.delay_of(books)
    if got.told is not None:
        money, wins = figures.money_told(got.told), wins.model_copy(update={"posted": got.told.postings})
    actuals = _actuals(order, chosen, got, peak, last_win_s)
    actuals |= {
        "wins": wins.posted,
        "residue_fen": money.residue_fen,
        "wins_residue": wins.residue,
        "credit_delay_p99_s": delay.p99 if delay.p99 is not None else delay.max,
    }
    actuals |= {f"sponsor_{one.sponsor}_fen": one.credited_fen for one in figures.sponsors_of(books)}
    judged = judge(sealed, actuals, not_evaluated=_not_evaluated(sealed, got, actuals), sha256=state.forecast_sha256)
    findings = got.report.findings if got.report else _unread() if got.told else ()
    decision = decide(
        Evidence(
            indicators=judged,
            invariants=findings,
            aborted=None if _by_rule(got) else got.aborted,
            invalid=[*got.invalid, *_invalid(account)],
            failures=[*_by_rule(got), *got.failures, *_unbalanced(order, got)],
            no_data=[*got.no_data, *_blind(got)],
            warnings=[*_warnings(chosen, got.notes), *got.nemesis.warnings],
        ),
        strict=order.strict,
    )
    return RunRecord(
        run_id=state.run_id,
        plan=plan.id,
        target=order.on or "own stack",
        lane=order.lane,
        seed=order.seed,
        started_at=started.isoformat(timespec="milliseconds"),
        ended_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        steps=_steps(order, chosen, account),
        scale=Scale(factor=state.scale, why=chosen.why),
        verdict=decision.verdict,
        exit_code=decision.exit_code,
        reasons=decision.reasons,
        generator=_generator(account, chosen),
        **_fired(account, peak),
        about=_about(sealed, chosen),
        traffic=tuple(traffic_of(account).values()),
        money=money,
        wins=wins,
        credit_delay_s=delay,
        forecast=tuple(judged),
        invariants=findings,
        drills=got.nemesis.drills,
        playbooks=got.nemesis.playbooks,
        resources={name: Resource(**used) for name, used in got.resources.items()},
        environment=where,
        forecast_sha256=sealed.sha256,
        stack=None if got.stack is None else os.path.relpath(got.stack, folder.resolve()),
    )


def _actuals(
    order: RunOrder, chosen: Chosen, got: Gathered, peak: tuple[float | None, float | None], last_win_s: float | None
) -> dict[str, float | int | None]:
    account, plan = got.account, order.loaded.plan
    if account is None:
        return {}
    open_s = account["start_ns"] / 1e9 + plan.round.opens
    end_s = plan.warm_up.duration + plan.measured_s * plan.stretch(chosen.share.duration_s)
    return {
        "offered_rps": peak[0],
        "answered_rps": peak[1],
        "refused_share": figures.refused_share(account),
        "response_p99_ms": figures.p99_or_more(account["latency_ms"]["response"]),
        "errors": figures.errors_of(account, plan.probes.total),
        "pool_lasts_s": None if last_win_s is None else last_win_s - open_s,
        "drain_s": figures.drain_of(got.samples, end_s),
    }


def _wins_seen(got: Gathered, folder: Path) -> tuple[int | None, float | None]:
    """How many packets were shown as won, and when the last was; nothing is known without the generator's history."""
    if got.account is None or got.round is None:
        return None, None
    try:
        seen, last_s = figures.wins_seen(folder / "history", got.round.round)
    except (OSError, ValueError) as exc:
        got.invalid.append(Reason(code="history_damaged", text=said("history_damaged", detail=exc)))
        return None, None
    return len(seen), last_s


def _not_evaluated(sealed: Lock, got: Gathered, actuals: Mapping[str, float | int | None]) -> set[str]:
    """What this run was not meant to show: of stores out of reach, of a plan that was not played to its end, and demand
    that a hand changed.
    """
    names: set[str] = set()
    all_ = {target.indicator for target in sealed.targets}
    sponsors = {name for name in all_ if name.startswith("sponsor_")}
    if got.told is not None:
        names |= sponsors | {"credit_delay_p99_s", "wins_residue"}
        if all(money.backlog_entries is None for _, money in got.samples):
            names.add("drain_s")  # its credit worker is out of reach as well
    if got.stopped is not None:
        names |= sponsors | OF_THE_WHOLE | {name for name in all_ if actuals.get(name) is None}
        if got.unsettled != 0:
            names.add("wins_residue")  # a win behind an answer that nobody could ask for again is not missing
    if got.rated:
        names |= {target.indicator for target in sealed.targets if target.cls == "demand"}
    return names


def _blind(got: Gathered) -> list[Reason]:
    """A stop rule that could not watch: the run was not as safe as its plan says."""
    text = said("rules_blind", names=", ".join(got.blind))
    return [Reason(code="stop_rule_blind", text=text)] if got.blind else []


def _unbalanced(order: RunOrder, got: Gathered) -> list[Reason]:
    """By control's last look; the audit finds which batch it is."""
    told = [money.imbalance_fen for _, money in got.samples if money.imbalance_fen is not None]
    if not told or not told[-1]:
        return []
    return [Reason(code="lane_unbalanced", text=said("lane_unbalanced", lane=order.lane, fen=told[-1]))]


def _unread() -> tuple[Finding, ...]:
    """Each invariant, not evaluated: nobody here may read the stores."""
    return tuple(
        Finding(code=code, says=says, valid=None, counted=0, violations=0, figure="stores out of reach")
        for code, says in INVARIANTS.items()
    )


def _by_rule(got: Gathered) -> list[Reason]:
    """A stop rule that fired is a failure of the system, unless the generator was the limit; nobody interrupted."""
    return [got.aborted] if got.aborted is not None and got.aborted.code == "stop_rule" else []


def _invalid(account: dict[str, Any] | None) -> list[Reason]:
    if account is None or account["generator"]["valid"]:
        return []
    own = account["generator"]
    told = own.get("said") or [{}] * len(own["reasons"])
    return [Reason(code="generator_limited", text=text, **more)
            for text, more in zip(own["reasons"], told, strict=True)]  # fmt: skip


def _warnings(chosen: Chosen, notes: tuple[str, ...]) -> list[Reason]:
    found = [Reason(code=SMALLER_SHARE, text=chosen.why)] if chosen.smaller else []
    missing = [note for note in notes if note.startswith(("prometheus is missing", "alertmanager is missing"))]
    return found + [Reason(code=PROMETHEUS_MISSING, text=said("tool_missing", detail=note)) for note in missing]


def _generator(account: dict[str, Any] | None, chosen: Chosen) -> Generator:
    ceiling = chosen.calibration.get("ceiling_rps")
    if account is None:
        return Generator(valid=False, ceiling_rps=ceiling)
    own = account["generator"]
    return Generator(valid=own["valid"], ceiling_rps=ceiling, cpu_max=own["cpu_max"], late=own["late"])


def _about(sealed: Lock, chosen: Chosen) -> About:
    """What was played, in words that the forecast and the plan brought."""
    forecast, plan = sealed.models()
    why = chosen.why if isinstance(chosen.why, Said) else None
    return About(
        plan=Title(zh=plan.title.zh, en=plan.title.en),
        event=Title(zh=forecast.title.zh, en=forecast.title.en),
        full_s=forecast.round.full,
        played_s=sealed.duration_s,
        users=chosen.share.users,
        share_says=why.says if why else "",
        share_data=why.data if why else {},
    )


def _fired(account: dict[str, Any] | None, peak: tuple[float | None, float | None]) -> dict[str, Any]:
    """What the generator counted and timed."""
    if account is None:
        return {"load": _no_load(), "latency_ms": Latency()}
    return {
        "load": figures.load_of(account, peak),
        "latency_ms": figures.latency_of(account),
        "quantile_bounds_ms": bounds_of(account),
    }


def _no_load() -> Load:
    return Load(
        scheduled=0,
        sent=0,
        dropped=0,
        unsent=0,
        outcomes={},
        offered_rps=None,
        achieved_rps=None,
        users=0,
        connections=0,
    )


def _steps(order: RunOrder, chosen: Chosen, account: dict[str, Any] | None) -> tuple[Step, ...]:
    """Each segment with what the seconds that lie in it wholly or partly counted."""
    rows = account["seconds"] if account else []
    found: list[Step] = []
    at_s = 0.0
    for segment in order.loaded.plan.segments(chosen.share.peak_rps, chosen.share.duration_s):
        length = sum(value for name, value in segment.items() if name.endswith("_s"))
        rates = [value for name, value in segment.items() if name.endswith("_rps")]
        mine = [row for row in rows if at_s <= row["second"] < at_s + length]
        found.append(
            Step(
                kind=segment["kind"],
                phase="warm-up" if segment["phase"] == 0 else "measured",
                starts_s=round(at_s, 3),
                duration_s=round(length, 3),
                from_rps=rates[0],
                to_rps=rates[-1],
                scheduled=sum(row["scheduled"] for row in mine) if mine else None,
                sent=sum(row["sent"] for row in mine) if mine else None,
                response_p99_ms=max((row["response_p99_ms"] or 0.0 for row in mine), default=None),
            )
        )
        at_s += length
    return tuple(found)

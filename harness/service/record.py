"""The record of a run against one's own service, with its verdict. Money, wins and invariants are null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from harness.engine.schedule import pieces_of
from harness.forecast import judge
from harness.forecast.judge import Judged
from harness.forecast.lock import Lock
from harness.orchestrate import figures, outcome
from harness.orchestrate.account import RunAccount
from harness.orchestrate.climbed import played_segments, reasons_of, stairs_seen
from harness.orchestrate.climbing import ClimbLeader
from harness.orchestrate.merge import all_journeys
from harness.orchestrate.rounds import no_load
from harness.phrases import sentence
from harness.runs.guarded import RunGuard
from harness.runs.quantile_bounds import bounds_of
from harness.runs.record import (
    About,
    CreditDelay,
    Environment,
    JourneyResult,
    Latency,
    Money,
    Resource,
    RunRecord,
    Scale,
    Title,
    Wins,
)
from harness.runs.state import RunState
from harness.runs.steps import Step
from harness.runs.traffic import traffic_of
from harness.service.climbing import answered, played_s
from harness.service.closed import result_of
from harness.service.judging import LINK, actuals_of
from harness.service.order import ServiceOrder
from harness.verdict import Evidence, Reason, decide
from harness.who import me
from plans.models.service import ServicePlan
from plans.models.target_service import UrlTarget

OF_THE_WHOLE = frozenset(("offered_rps", "answered_rps"))
"""Indicators that only a plan played to its end can show."""


def whole_of(got: RunAccount) -> dict[str, Any] | None:
    """Everything that was sent, all requests added up."""
    account = figures.fired_of(got)
    return None if account is None else all_journeys(account)


def record(
    order: ServiceOrder,
    sealed: Lock,
    state: RunState,
    got: RunAccount,
    asked: dict[str, float | None],
    closed: Mapping[str, Any] | None,
    started: datetime,
    where: Environment,
) -> RunRecord:
    """The whole record. `asked`: what one's own Prometheus said; `closed`: the account of a closed loop beside.
    Raises LockBroken.
    """
    plan, whole, raw = order.plan, whole_of(got), figures.fired_of(got)
    actuals = {**actuals_of(plan, whole), **asked}
    judged = judge(sealed, actuals, _not_evaluated(sealed, got, actuals), state.forecast_sha256)
    traffic = tuple(traffic_of(raw).values())
    climb = reasons_of(got.climb, plan.rate, got.stopped, raw)
    by_rule = [got.aborted] if got.aborted is not None and got.aborted.code == "stop_rule" else []
    decision = decide(
        Evidence(
            indicators=judged,
            aborted=None if by_rule else got.aborted,
            invalid=[*got.invalid, *outcome.invalid_of(raw), *climb.invalid],
            failures=[*by_rule, *got.failures, *_slow(plan, got, traffic), *climb.failures],
            no_data=[*got.no_data, *_blind(got), *climb.no_data],
            warnings=[*got.warnings, *got.nemesis.warnings, *climb.warnings, *outcome.steal_of(raw), *_unasked(raw)],
        ),
        strict=order.strict,
    )
    first = whole or {}
    return RunRecord(
        run_id=state.run_id,
        plan=plan.id,
        target=order.name,
        lane="stress",
        seed=plan.seed,
        started_at=started.isoformat(timespec="milliseconds"),
        ended_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        steps=_steps(plan, got.climb if raw is not None else None, first.get("seconds", ())),
        scale=Scale(factor="1", why=sentence("share_told")),
        verdict=decision.verdict,
        exit_code=decision.exit_code,
        reasons=decision.reasons,
        load=figures.load_of(whole, _rates(judged)) if whole else no_load(),
        latency_ms=figures.latency_of(whole) if whole else Latency(),
        quantile_bounds_ms=bounds_of(whole) if whole else {},
        generator=outcome.generator_of(raw),
        money=Money(),
        wins=Wins(),
        credit_delay_s=CreditDelay(),
        forecast=tuple(judged),
        invariants=(),
        resources={name: Resource(**used) for name, used in outcome.generators(got).items()},
        environment=where,
        forecast_sha256=sealed.sha256,
        about=About(
            plan=Title(zh=plan.title.zh, en=plan.title.en),
            event=Title(zh=plan.title.zh, en=plan.title.en),
            full_s=played_s(got.climb, plan),
            played_s=played_s(got.climb, plan),
            users=first.get("connections", 0),
        ),
        traffic=traffic,
        closed_loop=result_of(closed, whole),
        capacity=answered(got.climb, plan),
        guard=_guard(order, got),
        service="url" if isinstance(plan.target, UrlTarget) else "locustfile",
    )


def _guard(order: ServiceOrder, got: RunAccount) -> RunGuard:
    """Who began the run, and who approved of it; there is no public's lane."""
    return RunGuard(
        started_by=me(),
        approved_by=order.approved_by,
        audit_sha256=got.audit_sha256,
        silent_s=got.silent_s,
        stop=got.stop,
        requests=(figures.fired_of(got) or {}).get("requests"),
    )


def _not_evaluated(sealed: Lock, got: RunAccount, actuals: dict[str, float | int | None]) -> set[str]:
    names: set[str] = set()
    if got.stopped is not None:
        names |= OF_THE_WHOLE | {one.indicator for one in sealed.targets if actuals.get(one.indicator) is None}
    if got.rated or got.climb is not None:
        names |= OF_THE_WHOLE
    if not _to_the_top(got):
        # It went on until they were beyond; stair by stair they are judged.
        names |= {one.indicator for one in sealed.targets if one.link == LINK}
    return names


def _to_the_top(got: RunAccount) -> bool:
    """Did it end where the plan ends? Not a climb that met its end below."""
    return got.climb is None or got.climb.climb.state.end == "finish"


def _rates(judged: Sequence[Judged]) -> tuple[float | None, float | None]:
    by_name = {row.indicator: row.actual for row in judged}
    return by_name.get("offered_rps"), by_name.get("answered_rps")


def _blind(got: RunAccount) -> list[Reason]:
    text = sentence("rules_blind", names=", ".join(got.blind))
    return [Reason(code="stop_rule_blind", text=text)] if got.blind else []


def _unasked(account: Mapping[str, Any] | None) -> list[Reason]:
    """A service that sends what nobody asked for: the next request may have been given another one's answer."""
    count = account["surprises"] if account is not None else 0
    return [Reason(code="unasked_answers", text=sentence("unasked_answers", count=count))] if count else []


def _slow(plan: ServicePlan, got: RunAccount, traffic: Sequence[JourneyResult]) -> list[Reason]:
    """Requests whose response is above an objective of their own."""
    if not isinstance(plan.target, UrlTarget) or not _to_the_top(got):
        return []
    found: list[Reason] = []
    bounds = {one.request: one.response_p99 for one in plan.target.each}
    for one in traffic:
        bound, actual = bounds.get(one.journey), figures.p99_or_more(one.latency_ms.response.model_dump())
        if bound is not None and actual is not None and actual > bound * 1000:
            text = sentence("journey_slow", journey=one.journey, p99_ms=actual, bound_ms=bound * 1000)
            found.append(Reason(code="journey_slow", text=text))
    return found


def _steps(plan: ServicePlan, climb: ClimbLeader | None, rows: Sequence[dict[str, Any]]) -> tuple[Step, ...]:
    """Each segment with what the seconds that lie in it counted; of a climb those that were played."""
    found: list[Step] = []
    segments = plan.segments()
    seen, at_s = iter(stairs_seen(climb)), 0.0
    for segment in segments if climb is None else played_segments(climb, segments):
        pieces = pieces_of([segment])
        stair = next(seen, {}) if segment["phase"] else {}
        length = sum(piece.duration_s for piece in pieces)
        mine = [row for row in rows if at_s <= row["second"] < at_s + length]
        found.append(
            Step(
                kind="climb" if stair else segment["kind"],
                phase="warm-up" if segment["phase"] == 0 else "measured",
                starts_s=round(at_s, 3),
                duration_s=round(length, 3),
                from_rps=pieces[0].start_rps,
                to_rps=segment.get("peak_rps", pieces[-1].end_rps),
                scheduled=sum(row["scheduled"] for row in mine) if mine else None,
                sent=sum(row["sent"] for row in mine) if mine else None,
                response_p99_ms=max((row["response_p99_ms"] or 0.0 for row in mine), default=None),
                **stair,
            )
        )
        at_s += length
    return tuple(found)

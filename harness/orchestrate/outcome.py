"""The record and the verdict that follow from a run's account. Pure but for reading the history."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.engine.schedule import pieces_of
from harness.forecast.lock import Lock
from harness.orchestrate import figures, rounds
from harness.orchestrate.account import RunAccount
from harness.orchestrate.chosen import Chosen
from harness.orchestrate.climbed import answered, played_segments, reasons_of, stairs_seen
from harness.orchestrate.fronts import fronts_of
from harness.orchestrate.public import public_of, public_touched
from harness.phrases import Sentence, sentence
from harness.runs.guarded import PublicProof, RunGuard
from harness.runs.order import RunOrder
from harness.runs.quantile_bounds import bounds_of
from harness.runs.record import About, Environment, Generator, Latency, Resource, RunRecord, Scale, Title
from harness.runs.state import RunState
from harness.runs.steps import Step
from harness.runs.traffic import Traffic, traffic_of
from harness.verdict import CPU_STEAL, PROMETHEUS_MISSING, SMALLER_SHARE, Evidence, Reason, decide
from harness.who import me
from system.contract.audit import INVARIANTS, Finding

STEAL_SHARE = 0.01
"""Of the measured time: as much as a p99 leaves out."""


def record(
    order: RunOrder,
    chosen: Chosen,
    sealed: Lock,
    state: RunState,
    got: RunAccount,
    folder: Path,
    started: datetime,
    where: Environment,
) -> RunRecord:
    """The whole record with its verdict."""
    plan, account = order.loaded.plan, figures.fired_of(got)
    played = rounds.Played(order, chosen, sealed, state.forecast_sha256, folder)
    each = rounds.rounds_of(played, got)
    peak = rounds.peak_of(each)
    judged = rounds.forecast_of(each) if each else rounds.nothing_armed(played, got)
    traffic = {key: result for one in got.rounds for key, result in traffic_of(one.fired, one.number).items()}
    findings = got.report.findings if got.report else _unread() if got.money_is_controls else ()
    climb = reasons_of(got.climb, chosen.share.peak_rps, got.stopped, account)
    public = public_of(got, traffic)
    failed = [*got.failures, *public_touched(public)]
    decision = decide(
        Evidence(
            indicators=judged,
            invariants=findings,
            aborted=None if _by_rule(got) else got.aborted,
            invalid=[*got.invalid, *invalid_of(account), *climb.invalid],
            failures=[*_by_rule(got), *_unbalanced(order, got), *_slow(order, traffic), *climb.failures, *failed],
            no_data=[*got.no_data, *_blind(got), *climb.no_data],
            warnings=[*_warnings(chosen, got.missing), *got.nemesis.warnings, *climb.warnings, *steal_of(account)],
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
        steps=tuple(step for one in got.rounds for step in _steps(order, chosen, got, one.fired, one.begins_s))
        or _steps(order, chosen, got, None, 0.0),
        scale=Scale(factor=state.scale, why=chosen.why),
        verdict=decision.verdict,
        exit_code=decision.exit_code,
        reasons=decision.reasons,
        generator=generator_of(account, chosen.calibration.get("ceiling_rps")),
        **_fired(account, peak),
        about=_about(sealed, chosen),
        traffic=tuple(traffic.values()),
        money=rounds.money_of(each),
        wins=rounds.wins_of(each, figures.wins_apart(got.report)),
        credit_delay_s=rounds.delay_of(each),
        forecast=tuple(judged),
        invariants=findings,
        drills=got.nemesis.drills,
        playbooks=got.nemesis.playbooks,
        resources={name: Resource(**used) for name, used in got.resources.items()},
        environment=where,
        forecast_sha256=sealed.sha256,
        stack=None if got.stack is None else os.path.relpath(got.stack, folder.resolve()),
        season=figures.season_of_run(got),
        capacity=answered(got.climb, plan, chosen.share, got.cells, where.cores, order.lane),
        guard=_guard(order, got, public),
        fronts=fronts_of(got, folder),
        rounds=each,
    )


def _guard(order: RunOrder, got: RunAccount, public: PublicProof | None) -> RunGuard:
    """Who began the run, who approved of it, and what it left behind."""
    return RunGuard(
        started_by=me(),
        approved_by=order.approved_by,
        audit_sha256=got.audit_sha256,
        silent_s=got.silent_s,
        stop=got.stop,
        live_lane=got.live_lane,
        public=public,
    )


def generators(got: RunAccount) -> dict[str, dict[str, float]]:
    """What the cannons used, under their name among a run's resources; empty where they do not tell."""
    account = figures.fired_of(got)
    return {"cannon": account["resources"]} if account is not None and account["resources"] else {}


def _blind(got: RunAccount) -> list[Reason]:
    """Stop rules without data: the run was not as safe as its plan says."""
    text = sentence("rules_blind", names=", ".join(got.blind))
    return [Reason(code="stop_rule_blind", text=text)] if got.blind else []


def _unbalanced(order: RunOrder, got: RunAccount) -> list[Reason]:
    """By control's last reading; the audit finds the batch."""
    imbalances = [money.imbalance_fen for _, money in got.samples if money.imbalance_fen is not None]
    if not imbalances or not imbalances[-1]:
        return []
    return [Reason(code="lane_unbalanced", text=sentence("lane_unbalanced", lane=order.lane, fen=imbalances[-1]))]


def _slow(order: RunOrder, traffic: Traffic) -> list[Reason]:
    """Journeys beside the taps whose response is above their objective; the taps' is judged with the forecast."""
    found: list[Reason] = []
    bounds = {one.name: one.response_p99 for one in order.loaded.plan.beside}
    for (_, name), one in traffic.items():
        bound, actual = bounds.get(name), figures.p99_or_more(one.latency_ms.response.model_dump())
        if bound is not None and actual is not None and actual > bound * 1000:
            text = sentence("journey_slow", journey=name, p99_ms=actual, bound_ms=bound * 1000)
            found.append(Reason(code="journey_slow", text=text))
    return found


def _unread() -> tuple[Finding, ...]:
    """Each invariant, not evaluated, because the stores are out of reach."""
    return tuple(
        Finding(code=code, says=says, valid=None, counted=0, violations=0, figure="stores out of reach")
        for code, says in INVARIANTS.items()
    )


def _by_rule(got: RunAccount) -> list[Reason]:
    """A stop rule that fired is a failure of the system, unless the generator was the limit; nobody interrupted."""
    return [got.aborted] if got.aborted is not None and got.aborted.code == "stop_rule" else []


def invalid_of(account: dict[str, Any] | None) -> list[Reason]:
    """Why the generator was the limit, if it was."""
    if account is None or account["generator"]["valid"]:
        return []
    own = account["generator"]
    sentences = own.get("said") or [{}] * len(own["reasons"])
    return [Reason(code="generator_limited", text=text, **more)
            for text, more in zip(own["reasons"], sentences, strict=True)]  # fmt: skip


def _warnings(chosen: Chosen, missing: tuple[str, ...]) -> list[Reason]:
    found = [Reason(code=SMALLER_SHARE, text=chosen.why)] if chosen.smaller else []
    return found + [Reason(code=PROMETHEUS_MISSING, text=sentence("tool_missing", tool=tool)) for tool in missing]


def steal_of(account: dict[str, Any] | None) -> list[Reason]:
    """That the machine's host took so much of it that a p99 may be the host's."""
    own = generator_of(account)
    if own.steal is None or own.steal <= STEAL_SHARE:
        return []
    return [Reason(code=CPU_STEAL, text=sentence("cpu_steal", mean=own.steal, most=own.steal_max or own.steal))]


def generator_of(account: dict[str, Any] | None, ceiling_rps: float | None = None) -> Generator:
    """Was it the limit? Not valid without an account."""
    if account is None:
        return Generator(valid=False, ceiling_rps=ceiling_rps)
    names = ("valid", "cpu_max", "late", "steal", "steal_max")
    return Generator(ceiling_rps=ceiling_rps, **{name: account["generator"][name] for name in names})


def _about(sealed: Lock, chosen: Chosen) -> About:
    """What was played, in the words of forecast and plan."""
    forecast, plan = sealed.models()
    why = chosen.why if isinstance(chosen.why, Sentence) else None
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
        return {"load": rounds.no_load(), "latency_ms": Latency()}
    return {
        "load": figures.load_of(account, peak),
        "latency_ms": figures.latency_of(account),
        "quantile_bounds_ms": bounds_of(account),
    }


def _steps(
    order: RunOrder, chosen: Chosen, got: RunAccount, account: dict[str, Any] | None, begins_s: float
) -> tuple[Step, ...]:
    """Each segment of a round with what the seconds that lie in it wholly or partly counted; of a climb those that were
    played.
    """
    segments = order.loaded.plan.segments(chosen.share.peak_rps, chosen.share.duration_s)
    if got.climb is not None and account is not None:
        segments = played_segments(got.climb, segments)
    rows = account["seconds"] if account else []
    seen = iter(stairs_seen(got.climb) if account is not None else ())
    found: list[Step] = []
    at_s = 0.0
    for segment in segments:
        pieces = pieces_of([segment])
        length = sum(piece.duration_s for piece in pieces)
        # Of a countdown the peak is told, whether it fades or not.
        last_rps = segment.get("peak_rps", pieces[-1].end_rps)
        stair = next(seen, {}) if segment["phase"] else {}
        mine = [row for row in rows if at_s <= row["second"] < at_s + length]
        slow_ms = [row["response_p99_ms"] for row in mine if row["response_p99_ms"] is not None]
        found.append(
            Step(
                kind="climb" if stair else segment["kind"],
                phase="warm-up" if segment["phase"] == 0 else "measured",
                starts_s=round(at_s + round(begins_s), 3),
                duration_s=round(length, 3),
                from_rps=pieces[0].start_rps,
                to_rps=last_rps,
                scheduled=sum(row["scheduled"] for row in mine) if mine else None,
                sent=sum(row["sent"] for row in mine) if mine else None,
                response_p99_ms=max(slow_ms, default=None),
                **stair,
            )
        )
        at_s += length
    return tuple(found)

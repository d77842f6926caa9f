"""The last runs of one plan, each beside the one before it that was measured alike. Pure; judges as `compare` does."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from harness.runs.compare import NothingToCompare, compare, obstacles
from harness.runs.record import RunRecord


class Point(BaseModel):
    """One run of the plan. `against`: the earlier run it was compared with; None: none was measured alike.

    `worse`: the figures that are worse beyond noise than in that one; None: not compared.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    id: str
    started_at: str
    verdict: str
    scale: str
    commit: str
    answered_rps: float | None
    response_p99_ms: float | None
    credit_delay_p99_s: float | None
    unknown: int | None
    residue_fen: int | None
    against: str | None = None
    worse: tuple[str, ...] | None = None


def trend(runs: Sequence[RunRecord]) -> list[Point]:
    """One point for each, in the given order (oldest first)."""
    return [_point(run, runs[:number]) for number, run in enumerate(runs)]


def _point(run: RunRecord, earlier: Sequence[RunRecord]) -> Point:
    against, worse = None, None
    for other in reversed(earlier):
        if obstacles(other, run):
            continue
        try:
            worse = compare(other, run).regressions
        except NothingToCompare:
            continue
        against = other.run_id
        break
    delay = run.credit_delay_s
    return Point(
        id=run.run_id,
        started_at=run.started_at,
        verdict=run.verdict,
        scale=run.scale.factor,
        commit=run.environment.commit if run.environment else "",
        answered_rps=run.load.achieved_rps,
        response_p99_ms=run.latency_ms.response.p99,
        credit_delay_p99_s=delay.p99 if delay.p99 is not None else delay.max,
        unknown=run.load.outcomes.get("unknown"),
        residue_fen=run.money.residue_fen,
        against=against,
        worse=worse,
    )

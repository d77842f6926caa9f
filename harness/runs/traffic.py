"""Results of a run by (round, journey): from the accounts of its cannons. Pure.

An account has at its top the plan's own journey, the taps, and under `beside` the others, each in the same shape
(`harness.engine.results`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.runs.percentiles import Percentiles
from harness.runs.record import JourneyResult, Latency

Key = tuple[int, str]
"""(round, from 1 on; journey)"""
Traffic = Mapping[Key, JourneyResult]
TIMES = ("response", "service", "lag", "queued")


def each(account: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The journeys of an account, or of a message of counts: the plan's own first."""
    yield account
    yield from account.get("beside", ())


def traffic_of(account: Mapping[str, Any] | None, number: int = 1) -> dict[Key, JourneyResult]:
    """The results of each journey of round `number`; nothing where there is no account."""
    if account is None:
        return {}
    found = [_journey(one, number) for one in each(account)]
    return {(one.round, one.journey): one for one in found}


def _journey(account: Mapping[str, Any], number: int) -> JourneyResult:
    load = account["load"]
    counts = {name: load[name] for name in ("scheduled", "sent", "dropped", "unsent")}
    return JourneyResult(
        round=number,
        journey=account.get("journey", "tap"),
        shot=account.get("shot", "tap"),
        **counts,
        unfed=load.get("unfed", 0),
        outcomes=dict(load["outcomes"]),
        refused_by_status=dict(load.get("refused_by_status", {})),
        offered_rps=load.get("offered_rps"),
        achieved_rps=load.get("achieved_rps"),
        connections=account.get("connections"),
        latency_ms=Latency(**{name: Percentiles(**account["latency_ms"][name]) for name in TIMES}),
    )

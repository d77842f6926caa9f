"""Forecast against actual: one state for each indicator. Pure; missing data is always NO_DATA."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

from harness.forecast.lock import Lock, check_lock
from harness.forecast.target import TOLERANCE, Target
from plans.models.forecast import Words

State = Literal["PASS", "WARN", "FAIL", "NO_DATA", "NOT_EVALUATED"]


class Judged(BaseModel):
    """One row of `run.json`'s `forecast`: the band, what came, and the state. `actual` is null without data."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    indicator: str
    link: str
    lower: float
    expected: float
    upper: float
    actual: float | None
    state: State
    cls: Literal["demand", "delivery", "quality", "invariant"] = "demand"
    unit: str = ""
    why: str = ""
    name: Words | None = None
    """What a sponsor is called; None for what is not of one sponsor."""

    @model_validator(mode="before")
    @classmethod
    def _older(cls, given: Any) -> Any:
        """A record that was written before there was the field: `why` of a sponsor began with the name."""
        if isinstance(given, dict) and "name" not in given and str(given.get("indicator")).startswith("sponsor_"):
            zh, _, en = str(given.get("why", "")).split(":", 1)[0].partition(" ")
            return {**given, "name": {"zh": zh, "en": en or zh}} if zh else given
        return given


def state_of(target: Target, actual: float | None) -> State:
    """The state of one indicator.

    Demand: inside the band PASS, up to 2 % outside WARN. Delivery: inside or FAIL. Quality: up to what is expected
    PASS, between that and the band's far edge WARN. Invariant: exact.
    """
    if actual is None or not math.isfinite(actual):
        return "NO_DATA"
    if target.cls == "invariant":
        return "PASS" if actual == target.expected else "FAIL"
    if target.cls == "quality":
        if actual <= target.expected:
            return "PASS"
        return "WARN" if actual <= target.upper else "FAIL"
    if target.lower <= actual <= target.upper:
        return "PASS"
    near = target.lower * (1 - TOLERANCE) <= actual <= target.upper * (1 + TOLERANCE)
    return "WARN" if target.cls == "demand" and near else "FAIL"


def judge(
    lock: Lock,
    actuals: Mapping[str, float | int | None],
    not_evaluated: Collection[str] = (),
    sha256: str | None = None,
) -> list[Judged]:
    """Every locked indicator with its actual figure; `actuals` by indicator, absent or None is NO_DATA.

    `not_evaluated`: indicators that this run was not meant to show. `sha256`: the hash with which the run began. Raises
    LockBroken if the lock changed, ValueError for an actual without a forecast.
    """
    check_lock(lock, sha256)
    unknown = set(actuals) - {target.indicator for target in lock.targets}
    if unknown:
        raise ValueError(f"actuals without a forecast: {', '.join(sorted(unknown))}")
    out: list[Judged] = []
    for target in lock.targets:
        actual = actuals.get(target.indicator)
        state: State = "NOT_EVALUATED" if target.indicator in not_evaluated else state_of(target, actual)
        fields = target.model_dump()
        out.append(Judged(**fields, actual=actual if state != "NO_DATA" else None, state=state))
    return out

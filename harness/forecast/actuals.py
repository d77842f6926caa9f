"""The figures of a run, under the names of the forecast's indicators. Pure; what was not measured stays None."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from harness.engine.schedule import pieces_of
from plans.models.steps import Segment


class Counted(Protocol):
    """One second of a run (`harness.runs.record.Second`)."""

    @property
    def second(self) -> int: ...
    @property
    def offered(self) -> int: ...
    @property
    def answered(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Actuals:
    """One value for each indicator. `sponsor_fen`: credited by sponsor id. `errors` leaves expected refusals out."""

    offered_rps: float | None = None
    answered_rps: float | None = None
    refused_share: float | None = None
    response_p99_ms: float | None = None
    errors: int | None = None
    credit_delay_p99_s: float | None = None
    drain_s: float | None = None
    wins: int | None = None
    pool_lasts_s: float | None = None
    residue_fen: int | None = None
    wins_residue: int | None = None
    sponsor_fen: Mapping[int, int] = field(default_factory=dict)

    def by_indicator(self) -> dict[str, float | int | None]:
        """As `judge` takes it."""
        names = [name for name in self.__dataclass_fields__ if name != "sponsor_fen"]
        out: dict[str, float | int | None] = {name: getattr(self, name) for name in names}
        out.update({f"sponsor_{sponsor}_fen": fen for sponsor, fen in self.sponsor_fen.items()})
        return out


def peak_seconds(segments: Sequence[Segment]) -> list[int]:
    """Whole seconds, from the first intended tap on, in which the plan stays at its highest rate all the time."""
    spans: list[tuple[float, float, float]] = []
    at = 0.0
    for piece in pieces_of(segments):
        if piece.start_rps == piece.end_rps:
            spans.append((at, at + piece.duration_s, piece.start_rps))
        at += piece.duration_s
    top = max((rate for _, _, rate in spans), default=0.0)
    return [
        second
        for start, end, rate in spans
        if rate >= top * (1 - 1e-9)
        for second in range(math.ceil(start - 1e-9), math.floor(end + 1e-9))
    ]


def peak_rates(seconds: Sequence[Counted], segments: Sequence[Segment]) -> tuple[float | None, float | None]:
    """(offered, answered) taps a second, mean over the plan's peak seconds; None where a run has none of them."""
    wanted = set(peak_seconds(segments))
    rows = [row for row in seconds if row.second in wanted]
    if not rows:
        return None, None
    return sum(row.offered for row in rows) / len(rows), sum(row.answered for row in rows) / len(rows)

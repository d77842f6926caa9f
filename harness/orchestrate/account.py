"""The one typed account of a run: what its phases gathered, round by round. Pure data; judges nothing.

None means *not known*, never zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.forecast.season import SeasonShare
from harness.orchestrate.climbing import ClimbLeader
from harness.orchestrate.hooks import NemesisReport
from harness.runs.guarded import LiveLaneProof, StopRecord
from harness.runs.state import MoneySample
from harness.season.operating import SeasonSums
from harness.verdict import Reason
from plans.signals.shape import QueryAnswers
from system.contract.api import RoundMoney, RoundPublic
from system.contract.audit import AuditReport, RoundBooks
from system.contract.routing import Topology

GONE = "stack_gone"
Samples = list[tuple[float, MoneySample]]


@dataclass(slots=True)
class SeasonAccount:
    """What was played beside the draw after one round. `before`: the lane's sums when the round was armed.

    `outcomes`: operation → outcome → orders. `actuals`: by the forecast's indicator, as play and the ledger tell them;
    empty where nothing was played. `state`, `blessings`, `each_fen`: of the season at its end, None before it.
    """

    season: int
    played: SeasonShare
    before: SeasonSums
    outcomes: dict[str, dict[str, int]] = field(default_factory=dict)
    repeats: int = 0
    actuals: dict[str, int | None] = field(default_factory=dict)
    state: str | None = None
    blessings: int | None = None
    each_fen: int | None = None


@dataclass(slots=True)
class RoundAccount:
    """One round of a run. `number` counts from 1; `begins_s`: its first intended tap, in run seconds."""

    number: int = 1
    begins_s: float = 0.0
    duration_s: float = 0.0
    round: RoundPublic | None = None
    fired: dict[str, Any] | None = None
    """The generator's account, of all workers together."""
    samples: Samples = field(default_factory=list)
    asked: list[QueryAnswers] = field(default_factory=list)
    """What Prometheus told of the queries of stop rules."""
    control_money: RoundMoney | None = None
    """The round's money as control reports it, where the stores are out of reach."""
    unsettled: int | None = None
    """Users without a definite answer in the end; None: they could not be asked."""
    closed: bool = False
    season: SeasonAccount | None = None
    public: RoundPublic | None = None
    """The public's round of the live lane, over the same seconds; None where no journey is the public's."""


@dataclass(slots=True)
class RunAccount:
    """Filled in by the phases as the run goes on."""

    rounds: list[RoundAccount] = field(default_factory=list)
    first_wall_ns: int | None = None
    """Unix time of the run's first intended tap."""
    report: AuditReport | None = None
    aborted: Reason | None = None
    invalid: list[Reason] = field(default_factory=list)
    failures: list[Reason] = field(default_factory=list)
    no_data: list[Reason] = field(default_factory=list)
    warnings: list[Reason] = field(default_factory=list)
    """Of a run against one's own service."""
    resources: dict[str, dict[str, float]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    topology: Topology | None = None
    """Of the system, as it was when the first round was armed."""
    public: AuditReport | None = None
    """The live lane's books of the public's round; None where there is none, or they could not be read."""
    stopped: str | None = None
    nemesis: NemesisReport = field(default_factory=NemesisReport)
    """What was done to the system meanwhile."""
    stack: Path | None = None
    """Folder of the stack that was played on."""
    blind: list[str] = field(default_factory=list)
    """Signals of stop rules that never had a value."""
    audit_sha256: str | None = None
    """Of the line in the audit log with which the run began."""
    stop: StopRecord | None = None
    """The stop rule that ended the run."""
    silent_s: float | None = None
    """From a pressed stop button to the last request sent."""
    live_lane: LiveLaneProof | None = None
    """Of a run on the stress lane, whose stores are within reach."""
    rated: bool = False
    """The rate was changed by hand, so the offered load is no longer the one of the forecast."""

    cells: int = 1
    """Of the system that was played on."""
    climb: ClimbLeader | None = None
    """Who led the climb, of a plan that is one."""

    @property
    def first_tap_s(self) -> float | None:
        """Unix time of the run's first intended tap."""
        return None if self.first_wall_ns is None else self.first_wall_ns / 1e9

    @property
    def gone(self) -> bool:
        """The stack ended during the run."""
        return self.aborted is not None and self.aborted.code == GONE

    @property
    def unsettled(self) -> int | None:
        """Over all rounds; None where users could not be asked in one of them, or no round was armed."""
        counts = [one.unsettled for one in self.rounds]
        known = [count for count in counts if count is not None]
        return sum(known) if known and len(known) == len(counts) else None

    @property
    def samples(self) -> Samples:
        """Of all rounds, one after the other."""
        return [sample for one in self.rounds for sample in one.samples]

    @property
    def fired(self) -> bool:
        """Did a generator send its account?"""
        return any(one.fired is not None for one in self.rounds)

    @property
    def all_books(self) -> list[RoundBooks]:
        """Those of every round that the audit has books of."""
        return [books for one in self.rounds if (books := self.books(one)) is not None]

    @property
    def money_is_controls(self) -> bool:
        """Is the money of a round from control, its stores being out of reach?"""
        return any(one.control_money is not None for one in self.rounds)

    def of(self, one: RoundAccount) -> RunAccount:
        """The run as far as this round is concerned; a round that another followed was not stopped."""
        last = one is self.rounds[-1]
        return replace(self, rounds=[one], stopped=self.stopped if last else None)

    def books(self, one: RoundAccount) -> RoundBooks | None:
        """A round's books, if the audit gave any."""
        if self.report is None or one.round is None:
            return None
        return next((books for books in self.report.rounds if books.round == one.round.round), None)

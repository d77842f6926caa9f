"""What kept a run within bounds, as data of `run.json`: who began and approved it, and that the public's lane was left
alone.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from harness.phrases import kept
from harness.runs.base import Record


class OutsideProof(Record):
    """What the system said to parties outside during a run on the stress lane, by its own counts.

    `calls`: of that lane, to doubles. `denied`: not sent, for the address was no double's. `into_party`: stress calls
    that were answered by no double; `into_double`: live ones that a double answered.
    """

    calls: int
    denied: int
    into_party: int
    into_double: int

    @property
    def astray(self) -> int:
        """Calls that went, or nearly went, to the wrong one."""
        return self.denied + self.into_party + self.into_double


class LiveLaneProof(Record):
    """The live lane before and after a run on the stress lane: one checksum over every table and stream of it.

    `after` null: it could not be read again; `changed`: the tables and streams that differ. `into_live`, `into_stress`:
    records of the other lane that credit met in a lane meanwhile; null where that is not known.
    """

    tables: int
    streams: int
    before: str
    after: str | None = None
    changed: tuple[str, ...] = ()
    into_live: int | None = None
    into_stress: int | None = None
    outside: OutsideProof | None = None
    """Null: not every process told what it said to parties outside."""


class PublicProof(Record):
    """The public's own round, played on the live lane beside a stress run: what its users saw, and what the live lane's
    books say of it. `doubtful`: answers that leave open what happened; `broken`: rules of the books that do not hold.
    """

    round: int
    sent: int
    refused: int
    doubtful: int
    wins_seen: int
    wins_posted: int
    budget_fen: int
    credited_fen: int
    refunded_fen: int
    residue_fen: int
    broken: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Is every win that was posted one that its users saw, but for doubtful answers, and nothing missing?"""
        apart = self.wins_posted - self.wins_seen
        return not self.broken and self.residue_fen == 0 and 0 <= apart <= self.doubtful


class StopRecord(Record):
    """The stop rule that ended a run: `at_s`, seconds from the first intended tap; `recovered_s`: from then until its
    signal was within its bound again, null where that was not seen before the books were closed. `text`, `says`,
    `data`: how that is known, as of a reason.
    """

    signal: str
    at_s: float
    recovered_s: float | None = None
    text: str
    says: str = ""
    data: dict[str, Any] = Field(default_factory=dict)

    _kept = model_validator(mode="before")(kept)


class RunGuard(Record):
    """`started_by`, `approved_by`: by name; `audit_sha256`: of the run's first line in the audit log (`audit.jsonl`).

    `silent_s`: seconds from a pressed stop button to the last request sent; null where none was pressed. `live_lane`:
    null for a run on the live lane, and where the stores are out of reach.
    """

    started_by: str
    approved_by: str | None = None
    audit_sha256: str | None = None
    silent_s: float | None = None
    live_lane: LiveLaneProof | None = None
    public: PublicProof | None = None
    """Where a journey of the plan was the public's; null of any other."""
    requests: int | None = None
    """What the tasks of a locustfile sent, by Locust's word: the guard knew of one for each. Null of any other plan."""
    stop: StopRecord | None = None
    """Where a stop rule ended the run."""

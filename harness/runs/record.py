"""A finished run as data: `run.json` and the files beside it, field by field. Refuses unknown fields.

None means *not known*, never zero.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import Field, model_validator

from harness.forecast.judge import Judged
from harness.phrases import kept
from harness.runs.base import Record
from harness.runs.closed_loop import ClosedLoopResult
from harness.runs.guarded import RunGuard
from harness.runs.percentiles import Percentiles
from harness.runs.steps import Capacity, FrontResult, Step
from harness.verdict import Reason, Verdict
from system.contract.audit import Finding

Lane = Literal["live", "stress"]


SCHEMA_VERSION = 2
"""Of `run.json`. 1: written before there was a number. A field that is added keeps it, a changed meaning raises it."""


class Scale(Record):
    """`factor` is exact, such as `1/10000`; `why` says who chose it: forecast, user, or this machine's limits."""

    factor: str
    why: str


class Load(Record):
    """`scheduled = sent + dropped + unsent`, `sent = Σ outcomes`. Rates are those at the peak."""

    scheduled: int
    sent: int
    dropped: int
    unsent: int
    outcomes: dict[str, int]
    offered_rps: float | None
    achieved_rps: float | None
    users: int
    connections: int


class Latency(Record):
    """response = done − intended, service = done − sent, lag = reached − intended, queued = sent − reached."""

    response: Percentiles = Percentiles()
    service: Percentiles = Percentiles()
    lag: Percentiles = Percentiles()
    queued: Percentiles = Percentiles()


class Generator(Record):
    """Was the generator the limit? `late`: taps reached more than 10 ms late; `cpu_max`: 1 is a whole core; `steal`:
    share of its machine's CPU time that the machine's own host took in the measured seconds, and in the worst of them.
    """

    valid: bool
    ceiling_rps: float | None = None
    cpu_max: float | None = None
    late: int = 0
    steal: float | None = None
    steal_max: float | None = None


class Money(Record):
    """In fen; null while the books are not closed."""

    budget_fen: int | None = None
    awarded_fen: int | None = None
    credited_fen: int | None = None
    suspense_fen: int | None = None
    refunded_fen: int | None = None
    residue_fen: int | None = None


class Wins(Record):
    """Distinct award ids: seen by the generator, in the win log, in the ledger. `residue`: not in all of them.

    `suspended`: in the ledger as suspense, beside `posted`.
    """

    seen: int | None = None
    logged: int | None = None
    posted: int | None = None
    residue: int | None = None
    suspended: int | None = None


class Delay(Record):
    """Seconds from win to balance."""

    p50: float | None = None
    p99: float | None = None
    max: float | None = None
    count: int | None = None


class CreditDelay(Record):
    """Outside of declared fault windows, and inside of them beside."""

    p50: float | None = None
    p99: float | None = None
    max: float | None = None
    in_faults: Delay = Delay()


class Resource(Record):
    """What one process used."""

    cpu_s: float | None
    rss_mib_max: float | None


class Environment(Record):
    """Where the run took place; two runs are compared only if `same_machine` holds of them."""

    cores: int
    memory_mib: int
    cpu: str = ""
    machine: str = ""
    system: str = ""
    python: str = ""
    versions: dict[str, str] = Field(default_factory=dict)
    commit: str = ""
    hot_path: str = ""
    """Which build of the front ran here: `compiled`, or `plain` with the reason; empty in records of before."""
    slice_us: int | None = None
    """Time slice of play and of what it asks, in microseconds; None: the kernel's own, because it gives no other."""
    scale_factor: str = ""
    calibration: dict[str, Any] = Field(default_factory=dict)
    detours: dict[str, float | None] = Field(default_factory=dict)
    """Link that a drill led through a second toxiproxy → the proxy's own share of a round trip, ms; None: not known."""


class Title(Record):
    """A name in both languages."""

    zh: str
    en: str


class RoundRecord(Record):
    """One round of a run: what the fields of the same names in `run.json` say of all rounds together.

    `number` counts from 1, `round` is the system's id of it; `begins_s`: its first intended tap, in run seconds.
    """

    number: int
    round: int
    begins_s: float
    closed: bool
    load: Load
    latency_ms: Latency
    money: Money
    wins: Wins
    credit_delay_s: CreditDelay
    forecast: tuple[Judged, ...]


class About(Record):
    """What was played, in words: the plan, the event it is a share of, how long of how long, and how many users.

    `share_says`, `share_data`: `scale.why` as an id of `harness.phrases` with its data.
    """

    plan: Title
    event: Title
    full_s: float
    played_s: float
    users: int
    share_says: str = ""
    share_data: dict[str, Any] = Field(default_factory=dict)


class JourneyResult(Record):
    """One journey of one round: `scheduled = sent + dropped + unfed + unsent`, `sent = Σ outcomes`. Rates are those of
    the measured part, `outcomes` those of the `shot`. `round`: from 1 on. `unfed`: slots of a follow-up that came due
    while no answer had left anything to follow.
    """

    round: int
    journey: str
    shot: str
    scheduled: int
    sent: int
    dropped: int
    unsent: int
    unfed: int = 0
    outcomes: dict[str, int]
    refused_by_status: dict[str, int] = Field(default_factory=dict)
    offered_rps: float | None = None
    achieved_rps: float | None = None
    connections: int | None = None
    latency_ms: Latency = Latency()

    @property
    def closes(self) -> bool:
        """Is every request accounted for?"""
        left = self.scheduled - self.sent - self.dropped - self.unfed - self.unsent
        return left == 0 and self.sent == sum(self.outcomes.values())


class SeasonOperation(Record):
    """What people did of one kind. `outcomes`: `done`, `again`, `unknown`, `unsent`, or the code of a refusal."""

    operation: str
    outcomes: dict[str, int]


class SeasonRecord(Record):
    """The plays beside the draw, of all rounds. `repeats`: orders that were sent again. `state`, `blessings`,
    `each_fen`: as the season ended; null where it did not.
    """

    season: int
    operations: tuple[SeasonOperation, ...] = ()
    repeats: int = 0
    pot_fen: int
    state: str | None = None
    blessings: int | None = None
    each_fen: int | None = None


class RunRecord(Record):
    """`run.json`. `environment` repeats `environment.json`; `forecast_sha256` is the lock's hash at the start;
    `stack` is the folder of the stack that was played on, seen from the run's own folder (None: none of this host).
    """

    schema_version: int = SCHEMA_VERSION
    run_id: str
    plan: str
    target: str
    lane: Lane
    seed: int
    started_at: str
    ended_at: str
    steps: tuple[Step, ...]
    scale: Scale
    verdict: Verdict
    exit_code: int
    reasons: tuple[Reason, ...]
    load: Load
    latency_ms: Latency
    generator: Generator
    money: Money
    wins: Wins
    credit_delay_s: CreditDelay
    forecast: tuple[Judged, ...]
    invariants: tuple[Finding, ...]
    drills: tuple[dict[str, Any], ...] = ()
    playbooks: tuple[dict[str, Any], ...] = ()
    resources: dict[str, Resource] = Field(default_factory=dict)
    environment: Environment | None = None
    forecast_sha256: str | None = None
    stack: str | None = None
    quantile_bounds_ms: dict[str, dict[str, tuple[float, float]]] = Field(default_factory=dict)
    """Of each percentile of `latency_ms`, where the true one lies: 99 of 100 times (`harness.runs.quantile_bounds`)."""
    about: About | None = None
    traffic: tuple[JourneyResult, ...] = ()
    """Each journey of each round. `load` and `latency_ms` are the taps' alone."""
    season: SeasonRecord | None = None
    """What was played beside the draw; null where nothing was."""
    capacity: Capacity | None = None
    """Of a climb; null of any other plan."""
    service: Literal["url", "locustfile"] | None = None
    """Set where the target is no red-packet system but somebody's own service: no money, no win, no invariant then."""
    fronts: tuple[FrontResult, ...] = ()
    """Of a system of several fronts, in their order."""
    closed_loop: ClosedLoopResult | None = None
    """What plain Locust told beside the schedule; null where the plan asks for none, or nothing came of it."""
    guard: RunGuard | None = None
    """Who began it, and what became of the public's lane; null in records of before."""
    rounds: tuple[RoundRecord, ...] = ()
    """Every round that was armed, in their order. Counts and money above are their sums, percentiles are those of all
    their answers; an indicator of `forecast` and `credit_delay_s` are those of the round that did worst.
    """

    @property
    def lasted_s(self) -> float | None:
        """Seconds from start to end, None where the labels do not say: also where the clock went back meanwhile."""
        since, until = moment(self.started_at), moment(self.ended_at)
        if since is None or until is None or until < since:
            return None
        return (until - since).total_seconds()


def moment(label: str) -> datetime | None:
    """A time as it stands in a record, UTC where it names no zone; None where it is none."""
    try:
        at = datetime.fromisoformat(label)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def started(record: RunRecord) -> datetime:
    """When a run began by its own word; the beginning of time where it does not say."""
    return moment(record.started_at) or datetime.min.replace(tzinfo=UTC)


class Second(Record):
    """One intended second of a run. Counts are of that second; backlog and sums are as they stood at its end."""

    second: int
    offered: int
    answered: int
    wins: int = 0
    refused: int = 0
    p99_response_ms: float | None = None
    p99_service_ms: float | None = None
    backlog_entries: int | None = None
    credited_fen: int | None = None
    awarded_fen: int | None = None


class Event(Record):
    """Something that happened, on the run's time base (seconds from the first intended tap)."""

    t_s: float
    kind: str
    text: str
    says: str = ""
    data: dict[str, Any] = Field(default_factory=dict)
    """Id and data of the text, see `harness.phrases`; empty where it is only text."""

    _kept = model_validator(mode="before")(kept)


class Timeline(Record):
    """`timeline.json`."""

    per_second: tuple[Second, ...] = ()
    events: tuple[Event, ...] = ()


class VerdictFile(Record):
    """`verdict.json`."""

    run_id: str
    verdict: Verdict
    exit_code: int
    reasons: tuple[Reason, ...]
    indicators: tuple[Judged, ...]
    invariants: tuple[Finding, ...]
    forecast_sha256: str | None


class SponsorBooks(Record):
    """One sponsor's money."""

    sponsor: int
    name: str
    budget_fen: int
    credited_fen: int
    suspense_fen: int = 0
    refunded_fen: int = 0
    residue_fen: int = 0


class LedgerLine(Record):
    """One line of the chain from schedule to fen: what should equal what, both figures, and what is left over."""

    code: str
    says: str
    left: int | None
    right: int | None
    residue: int | None


class LedgerFile(Record):
    """`ledger.json`: the chain, and the money by sponsor."""

    run_id: str
    lines: tuple[LedgerLine, ...]
    sponsors: tuple[SponsorBooks, ...] = ()
    closes: bool
    """True only if every line is known and its residue 0."""

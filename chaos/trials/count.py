"""What a kill hit: wins before, in flight and after, and how soon each part worked again. Pure: history and ledger in.

A win counts as acknowledged when its user first saw it. It was in flight at the kill if the front had drawn it (the
time in its record, by control's clock, lies before) and its user had no answer yet: its append, or its answer, was on
the way. Only wins that the ledger has are counted, so nothing in flight is invented.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from system.contract.history import Outcome
from system.contract.ids import Lane
from system.contract.places import Place, Role, of_role, read_place, system
from system.contract.routing import Topology, fronts_of

Ints = npt.NDArray[np.int64]
Records = np.ndarray[tuple[int, ...], np.dtype[np.void]]
NS, US = 1_000_000_000, 1_000_000

LANE: Lane = "live"
LIMIT_S: dict[Role, float] = {"front": 2.0, "credit": 2.0, "valkey": 10.0, "postgres": 10.0}
"""How soon after its kill a part of this role must do its work again; the others have no limit of their own."""
WORK: dict[Role, str] = {
    "front": "serves", "credit": "posts", "valkey": "wins", "postgres": "posts", "toxiproxy": "wins",
    "control": "ready",
}  # fmt: skip
"""What going on means for each role, a name of `Recovery`."""


def killed(places: Iterable[Place]) -> tuple[Place, ...]:
    """The parts that are killed in turn, role by role; whose they are is not looked at."""
    rows = tuple(places)
    return tuple(place for role in WORK for place in of_role(rows, role, lane=LANE))


PARTS = tuple(place.name for place in killed(system()))
"""Of a system of one front and one cell."""
OTHERS_MAX = 0.3
"""If other work used more cores than this, a part that comes back late is not blamed."""
APPENDERS: frozenset[Role] = frozenset({"front", "valkey", "toxiproxy"})
"""Parts through which an append goes: a kill hits one that is in flight, or its answer on the way to the user."""
BATCHERS: frozenset[Role] = frozenset({"credit", "postgres"})
"""Who may have a batch open."""
PERHAPS = "COMMIT?"
"""A hit that is not proven, and not counted."""


@dataclass(frozen=True, slots=True)
class KillMark:
    """One kill as it was carried out. Monotonic ns of this host; `wall_us` is the kill on control's clock.

    `batch`: what credit had open in PostgreSQL when last looked at, frozen where it could be; empty: nothing.
    """

    part: str
    round: int
    from_ns: int
    kill_ns: int
    wall_us: int
    until_ns: int
    ready_s: float | None
    batch: str = ""
    others: float = 0.0
    """Cores that were busy with other work than ours until it was back."""
    gone_ns: int = 0
    """When the killed process had ended; 0: at once."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """Seconds from the kill until: the part was ready, a tap was answered, a win was shown, a win was posted."""

    ready: float | None
    serves: float | None
    wins: float | None
    posts: float | None


@dataclass(frozen=True, slots=True)
class Trial:
    """One kill, counted. `hit`: `append`, `batch`, `COMMIT`, `COMMIT?`, or empty; `at_s`: seconds since the trial's
    own start.
    """

    part: str
    round: int
    at_s: float
    before: int
    in_flight: int
    after: int
    hit: str
    back: Recovery
    others: float = 0.0
    closed: bool = False
    """The audit of its round, with the history, closed."""

    @property
    def counts(self) -> bool:
        """A kill without wins before and after it is no trial."""
        return self.before > 0 and self.after > 0

    @property
    def proven(self) -> bool:
        """Something was in flight; `COMMIT?` may have been over by then."""
        return self.hit not in ("", PERHAPS)

    @property
    def crowded(self) -> bool:
        """Other work had the cores: a late return says nothing about the part. Its money is judged all the same."""
        return self.others > OTHERS_MAX

    @property
    def back_s(self) -> float | None:
        """Seconds until the killed part did its own work again."""
        value: float | None = getattr(self.back, WORK[role_of(self.part)])
        return value

    @property
    def excused(self) -> bool:
        """Late, while other work had the cores. A part that never came back is late in any case."""
        return not self.in_time and self.crowded and self.back_s is not None

    @property
    def in_time(self) -> bool:
        """Within its limit; a part without one must only come back."""
        return self.back_s is not None and self.back_s <= LIMIT_S.get(role_of(self.part), float("inf"))

    def __str__(self) -> str:
        back = "never" if self.back_s is None else f"{self.back_s:.2f} s"
        hit = f", {self.hit} in flight" if self.proven else ", COMMIT in flight or just over" if self.hit else ""
        if not self.counts:
            hit += "  (does not count: repeated)"
        elif self.excused:
            hit += f"  (late: not judged, {self.others:.1f} cores were busy with other work)"
        return (
            f"{self.part:11} at {self.at_s:5.2f} s: {self.before:5} wins before, {self.in_flight:3} in flight, "
            f"{self.after:5} after; {WORK[role_of(self.part)]} again after {back}{hit}"
        )

    def to_json(self) -> dict[str, Any]:
        """As plain JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Trial:
        """Back from `to_json`."""
        return cls(**{**data, "back": Recovery(**data["back"])})


@dataclass(frozen=True, slots=True)
class Postings:
    """The ledger's wins of a round, equal lengths: user, time of the award, time of its batch's commit."""

    uid: Ints
    award_us: Ints
    committed_us: Ints


def role_of(part: str) -> Role:
    """The role of a part that was killed."""
    place = read_place(part)
    return "other" if place is None else place.role


def fronts_behind(part: str, cells: Sequence[int]) -> tuple[int, ...]:
    """Numbers of the fronts whose users a kill of the part concerns: its own, its cell's, or all. `cells`: of each."""
    place = read_place(part)
    if place is not None and place.role == "front":
        return (place.number,)
    return tuple(k for k, cell in enumerate(cells) if place is None or place.cell in (None, cell))


ONE = Topology(("",), (0,))


def count(marks: Sequence[KillMark], records: Records, postings: Postings, topology: Topology = ONE) -> list[Trial]:
    """The trials of one round, in order. A kill is counted over the users whose taps or money it concerns."""
    trials = []
    for mark in marks:
        concerned = fronts_behind(mark.part, topology.cells)
        ours = np.isin(fronts_of(postings.uid.astype(np.uint64), topology), concerned)
        of_ours = Postings(postings.uid[ours], postings.award_us[ours], postings.committed_us[ours])
        trials += _count([mark], records[np.isin(fronts_of(records["uid"], topology), concerned)], of_ours)
    return trials


def _count(marks: Sequence[KillMark], records: Records, postings: Postings) -> list[Trial]:
    uid, shown_ns = _wins_shown(records)
    # When each posted win was shown to its user; never: later than everything.
    place = np.searchsorted(uid, postings.uid)
    known = place < len(uid)
    known[known] = uid[place[known]] == postings.uid[known]
    shown_at_ns = np.full(len(postings.uid), np.iinfo(np.int64).max)
    shown_at_ns[known] = shown_ns[place[known]]
    served = np.isin(records["outcome"], (Outcome.WIN, Outcome.LOSE, Outcome.REPEAT, Outcome.PENDING))
    served_sent, served_done = records["sent_ns"][served], records["done_ns"][served]
    trials = []
    for mark in marks:
        from_us = mark.wall_us - (mark.kill_ns - mark.from_ns) // 1000
        drawn_after = postings.award_us > mark.wall_us
        open_ = (postings.award_us >= from_us) & ~drawn_after & (shown_at_ns > mark.kill_ns)
        after = drawn_after & (shown_at_ns > mark.kill_ns) & (shown_at_ns <= mark.until_ns)
        in_flight = int(open_.sum())
        trials.append(
            Trial(
                part=mark.part,
                round=mark.round,
                at_s=round((mark.kill_ns - mark.from_ns) / NS, 3),
                before=int(((shown_ns >= mark.from_ns) & (shown_ns < mark.kill_ns)).sum()),
                in_flight=in_flight,
                after=int(after.sum()),
                hit=_hit(mark, in_flight),
                back=Recovery(
                    ready=mark.ready_s,
                    serves=_first(served_done[served_sent > max(mark.kill_ns, mark.gone_ns)], mark.kill_ns, NS),
                    wins=_first(shown_at_ns[drawn_after & (shown_at_ns < np.iinfo(np.int64).max)], mark.kill_ns, NS),
                    posts=_first(postings.committed_us[drawn_after], mark.wall_us, US),
                ),
                others=mark.others,
            )
        )
    return trials


def _hit(mark: KillMark, in_flight: int) -> str:
    role = role_of(mark.part)
    if role in APPENDERS:
        return "append" if in_flight else ""
    if role == "postgres" and mark.batch == "COMMIT":
        # The worker was not frozen: open when last looked at, its COMMIT may have come through before the signal.
        return PERHAPS
    return mark.batch if role in BATCHERS else ""


def _wins_shown(records: Records) -> tuple[Ints, Ints]:
    """Users who saw a win, ascending, and when each saw it first."""
    seen = records[np.isin(records["outcome"], (Outcome.WIN, Outcome.REPEAT)) & (records["done_ns"] > 0)]
    order = np.argsort(seen["done_ns"], kind="stable")
    uid, first = np.unique(seen["uid"][order].astype(np.int64), return_index=True)
    return uid, seen["done_ns"][order][first].astype(np.int64)


def _first(times: Ints, since: int, unit: int) -> float | None:
    return round(float(times.min() - since) / unit, 3) if len(times) else None

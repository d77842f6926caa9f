"""The fronts of a run, one by one: how many taps each had, and how long they took, by the generator's own records.
Which users take part so that fronts are uneven. Pure but for reading the history.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np

from harness.engine.histogram import Histogram
from harness.engine.recorder import HistoryFolderError, segments
from harness.errors import EnvironmentNotReady
from harness.forecast.share import apportion
from harness.orchestrate.account import RunAccount
from harness.runs.percentiles import Percentiles
from harness.runs.steps import FrontResult
from system.contract.history import Kind, Outcome
from system.contract.routing import Topology, front_of
from system.contract.routing import fronts_of as owners_of

AT_A_TIME = 10_000
TAPS = (Kind.TAP, Kind.TOO_FAST)


def uneven_tokens(ask: Callable[[int, int], list[str]], first: int, users: int, last: float, to: Topology) -> list[str]:
    """Tokens of so many users, of whom the part `last` belongs to the last front, and the others evenly to the others.

    `ask(first, count)` gives those of a range of users. Raises EnvironmentNotReady where there is one front alone.
    """
    fronts = len(to.fronts)
    if fronts < 2:
        raise EnvironmentNotReady("this system has one front; expected two, for a `last_front`: xiu up --fronts 2")
    part = Fraction(last).limit_denominator(10_000)
    wanted = apportion(users, [*[(1 - part) / (fronts - 1)] * (fronts - 1), part])
    found: list[str] = []
    while any(wanted):
        for uid, token in enumerate(ask(first, AT_A_TIME), first):
            front = front_of(uid, to)
            if wanted[front]:
                wanted[front] -= 1
                found.append(token)
        first += AT_A_TIME
    return found


def fronts_of(account: RunAccount, folder: Path) -> tuple[FrontResult, ...]:
    """Of a run in its folder; nothing where it left no history that can be read: whoever audits it says so."""
    if account.topology is None:
        return ()
    try:
        return fronts_seen(folder / "history", account.topology)
    except (HistoryFolderError, OSError):
        return ()


def fronts_seen(history: Path, topology: Topology) -> tuple[FrontResult, ...]:
    """Each front's part of the measured taps; nothing where there is one front. Raises HistoryFolderError, OSError."""
    count = len(topology.fronts)
    if count < 2:
        return ()
    times = [Histogram() for _ in range(count)]
    sent, wins, unknown = (np.zeros(count, np.int64) for _ in range(3))
    users: list[set[int]] = [set() for _ in range(count)]
    for _, records in segments(history, check=False):
        chosen = (records["phase"] == 1) & np.isin(records["kind"], TAPS) & (records["journey"] == 0)
        # By column: a copy of whole records costs more than everything that is asked of them.
        uid, outcome, done, intended = (records[name][chosen] for name in ("uid", "outcome", "done_ns", "intended_ns"))
        owner = owners_of(uid, topology)
        for front in range(count):
            mine = owner == front
            answered = mine & (done > 0)
            times[front].record_ns(done[answered] - intended[answered])
            sent[front] += int(mine.sum())
            wins[front] += int((outcome[mine] == Outcome.WIN).sum())
            unknown[front] += int((outcome[mine] == Outcome.UNKNOWN).sum())
            users[front].update(np.unique(uid[mine]).tolist())
    return tuple(
        FrontResult(
            front=front, users=len(users[front]), sent=int(sent[front]), wins=int(wins[front]),
            unknown=int(unknown[front]), response_ms=Percentiles(**times[front].summary_ms()),
        )
        for front in range(count)
    )  # fmt: skip

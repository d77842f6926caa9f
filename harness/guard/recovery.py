"""After a stop rule has ended a run: when what it guards was within its bound again. Pure.

A level is read as it stands. A share, a percentile or a multiple is read over the answers of a second or more; where
nothing is left to be answered, nothing waits any more, and that is when it was over. What nobody told is not known.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.guard.stop import read_by, signal_of, subject
from harness.phrases import sentence
from harness.runs.guarded import StopRecord
from plans.models.stress import StopRule
from plans.signals import Reading, Signal

SPAN_S = 0.8
"""Of the answers that are looked at: about a second, as readings come."""


LASTING = ("imbalance_fen",)
"""Books that are wrong stay so until somebody puts them right."""


def still_told(rule: StopRule) -> bool:
    """Does somebody else than the generator, which is silent, go on telling this signal, and may it get better?"""
    signal = signal_of(rule)
    return (signal.level or bool(signal.needs)) and signal.name not in LASTING


def stop_of(rule: StopRule, readings: Sequence[Reading]) -> StopRecord:
    """`readings`: in order of time, first the one on which the rule fired, last the one when the books were closed."""
    fired, signal = readings[0], signal_of(rule)
    what = {"signal": subject(rule)}
    for number, now in enumerate(readings[1:], 1):
        if (found := _back(rule, signal, readings[:number], now)) is not None:
            at_s, says = found
            after_s = round(max(0.0, at_s - fired.t_s), 3)
            text = sentence(says, **what, after_s=after_s)
            return StopRecord(signal=subject(rule), at_s=round(fired.t_s, 3), recovered_s=after_s, text=text)
    watched_s = round(readings[-1].t_s - fired.t_s, 3)
    text = sentence("recovered_unseen", **what, watched_s=watched_s)
    return StopRecord(signal=subject(rule), at_s=round(fired.t_s, 3), text=text)


def _back(rule: StopRule, signal: Signal, before: Sequence[Reading], now: Reading) -> tuple[float, str] | None:
    """When, and by what, the rule was kept again at this reading; None where it was not, or nobody knows."""
    mine, fired = read_by(rule, now), before[0]
    if mine is None:
        return None
    if signal.level:
        value, taken_s = signal.read(mine, mine), signal.taken_s(now)
        at_s = now.t_s if taken_s is None else taken_s
        good = value is not None and value.value <= rule.above and at_s > fired.t_s
        return (at_s, "recovered_seen") if good else None
    first = next((one for one in reversed(before) if one.t_s <= now.t_s - SPAN_S), None)
    since = None if first is None else read_by(rule, first)
    value = None if since is None else signal.read(since, mine)
    if value is not None and value.value <= rule.above:
        return now.t_s, "recovered_seen"
    if "live_append" in signal.needs:
        # The public may go on: between two of its wins nothing waits either.
        idle = first is not None and value is None and _no_win_waits(first, now)
    else:
        idle = _nothing_waits(signal, now)
    return (now.t_s, "recovered_idle") if idle else None


def _no_win_waits(before: Reading, now: Reading) -> bool:
    """Has every win of the public had its answer, by a sample that is newer than the one before?"""
    was_s, at_s = before.money.at_s, now.money.at_s
    return now.money.live_pending == 0 and was_s is not None and at_s is not None and at_s > was_s


def _nothing_waits(signal: Signal, now: Reading) -> bool:
    """Is there nothing left that could come late?"""
    if not signal.needs:
        return now.flying <= 0
    return "credit_delay" in signal.needs and now.money.backlog_entries == 0

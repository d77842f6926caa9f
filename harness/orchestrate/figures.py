"""From accounts, samples and books to the figures of a run record. Pure; what is not known stays None."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.engine.recorder import segments
from harness.engine.schedule import per_second, pieces_of
from harness.forecast.share import Share
from harness.orchestrate.account import RunAccount
from harness.orchestrate.merge import one_after_the_other
from harness.runs.percentiles import Percentiles
from harness.runs.record import (
    CreditDelay,
    Delay,
    Latency,
    Load,
    RunRecord,
    SeasonOperation,
    SeasonRecord,
    Second,
    SponsorBooks,
    Wins,
)
from harness.runs.record import Money as RecordMoney
from harness.runs.state import MoneySample
from harness.watch.saved_queries import Moments
from plans.models.stress import StressPlan
from plans.signals.shape import PROBE_STATUS
from system.contract.api import RoundMoney
from system.contract.audit import AuditReport, RoundBooks
from system.contract.history import NO_PACKET, Outcome

AT_PEAK = 0.985


def load_of(account: dict[str, Any], peak: tuple[float | None, float | None]) -> Load:
    """Counts of the whole plan; rates are those at the peak."""
    load = account["load"]
    return Load(
        scheduled=load["scheduled"],
        sent=load["sent"],
        dropped=load["dropped"],
        unsent=load["unsent"],
        outcomes=dict(load["outcomes"]),
        offered_rps=peak[0],
        achieved_rps=peak[1],
        users=load["users"],
        connections=account["connections"],
    )


def latency_of(account: dict[str, Any]) -> Latency:
    """The four times, in milliseconds."""
    return Latency(
        **{name: Percentiles(**account["latency_ms"][name]) for name in ("response", "service", "lag", "queued")}
    )


def held_rps(plan: StressPlan, share: Share) -> float:
    """The rate of the plan's busiest whole second: its peak, unless the plan (a replay) stays there for less."""
    planned = per_second(pieces_of(plan.segments(share.peak_rps, share.duration_s)))
    return min(share.peak_rps, float(planned.max(initial=0.0))) or share.peak_rps


def peak_rates(account: dict[str, Any], peak_rps: float, first_s: float) -> tuple[float | None, float | None]:
    """Taps offered and answered a second, mean over the whole measured seconds in which the plan stands at its peak."""
    rows = _at_peak(account, peak_rps, first_s)
    if not rows:
        return None, None
    offered = sum(row["scheduled"] for row in rows) / len(rows)
    return offered, sum(row["sent"] - row["unknown"] for row in rows) / len(rows)


def peak_span(account: dict[str, Any], peak_rps: float, first_s: float) -> tuple[float, float] | None:
    """From when to when the plan stood at its peak, without a break, in seconds from the first intended tap."""
    found = [row["second"] for row in _at_peak(account, peak_rps, first_s)]
    unbroken = bool(found) and found[-1] - found[0] + 1 == len(found)
    return (float(found[0]), float(found[-1] + 1)) if unbroken else None


def _at_peak(account: dict[str, Any], peak_rps: float, first_s: float) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = account["seconds"]
    return [row for row in rows if row["second"] >= first_s and row["scheduled"] >= AT_PEAK * peak_rps]


def errors_of(account: dict[str, Any], probes: int) -> int:
    """Measured taps without a right answer: unknown, and refusals that were not planned."""
    measured = account["load"]["measured"]
    refused = measured["refused_by_status"]
    at_probes = sum(count for status, count in refused.items() if status in PROBE_STATUS)
    others = sum(count for status, count in refused.items() if status not in (*PROBE_STATUS, "429"))
    return int(measured["outcomes"]["unknown"] + others + max(0, at_probes - probes))


def p99_or_more(block: dict[str, float | None]) -> float | None:
    """The p99; where too few samples lie beyond it, the largest value, which bounds it."""
    return block["p99"] if block["p99"] is not None else block["max"]


def refused_share(account: dict[str, Any]) -> float | None:
    """Share of the measured taps that the limit per client refused."""
    measured = account["load"]["measured"]
    return measured["refused_by_status"].get("429", 0) / measured["sent"] if measured["sent"] else None


def wins_seen(history: Path, round_id: int) -> tuple[set[int], float | None]:
    """Packets that answers showed as won, and when the last of them was first shown (CLOCK_MONOTONIC seconds)."""
    packets, last_ns = set[int](), 0
    for _, records in segments(history):
        won = (
            (records["round"] == round_id)
            & (records["packet"] != NO_PACKET)
            & np.isin(records["outcome"], (Outcome.WIN, Outcome.REPEAT))
        )
        packets.update(records["packet"][won].tolist())
        last_ns = max(last_ns, int(records["sent_ns"][won & (records["outcome"] == Outcome.WIN)].max(initial=0)))
    return packets, last_ns / 1e9 if last_ns else None


def money_of(books: RoundBooks | None) -> RecordMoney:
    """The round's money; unknown without books."""
    if books is None:
        return RecordMoney()
    return RecordMoney(
        budget_fen=books.budget_fen,
        awarded_fen=books.awarded_fen,
        credited_fen=books.credited_fen,
        suspense_fen=books.suspense_fen,
        refunded_fen=books.refunded_fen,
        residue_fen=books.residue_fen,
    )


def money_of_control(money: RoundMoney) -> RecordMoney:
    """The round's money as control tells it; what was awarded stands in the win log alone."""
    spent = money.credited_fen + money.suspense_fen + money.refunded_fen
    return RecordMoney(
        budget_fen=money.budget_fen,
        credited_fen=money.credited_fen,
        suspense_fen=money.suspense_fen,
        refunded_fen=money.refunded_fen,
        residue_fen=money.budget_fen - spent if money.state == "closed" else None,
    )


def money_at_close(sampled: MoneySample, record: RunRecord) -> MoneySample:
    """The last sample, with the record's figures where known: a counter of a process is not the books."""
    money, logged = record.money, record.wins.logged
    both = money.credited_fen is not None and money.suspense_fen is not None
    return replace(
        sampled,
        budget_fen=sampled.budget_fen if money.budget_fen is None else money.budget_fen,
        awarded_fen=sampled.awarded_fen if money.awarded_fen is None else money.awarded_fen,
        credited_fen=(money.credited_fen or 0) + (money.suspense_fen or 0) if both else sampled.credited_fen,
        suspense_fen=money.suspense_fen if both else sampled.suspense_fen,
        issued_packets=sampled.issued_packets if logged is None else logged,
    )


def wins_apart(report: AuditReport | None) -> int:
    """Differences of sets of wins, as the audit found them over all rounds that it looked at."""
    by = {finding.code: finding for finding in report.findings} if report else {}
    return sum(by[code].violations for code in ("S4", "S5", "S6") if code in by)


def wins_of(seen: int | None, books: RoundBooks | None, apart: int) -> Wins:
    """Wins by place; `seen` None: the generator left no history. The residue counts differences of sets (`apart`)
    beside those of the counts.
    """
    if books is None:
        return Wins(seen=seen)
    posted = books.wins_posted + books.wins_suspended
    # A store that lost entries that were posted already need not hold them again: S5 judges postings without their log.
    known = max(books.wins_logged, posted)
    residue = None if seen is None else max(apart, abs(seen - known), known - posted)
    return Wins(
        seen=seen,
        logged=books.wins_logged,
        posted=books.wins_posted,
        suspended=books.wins_suspended,
        residue=residue,
    )


def delay_of(books: RoundBooks | None) -> CreditDelay:
    """Win to balance, outside of declared fault windows and inside of them."""
    if books is None or books.delay_s is None:
        return CreditDelay()
    inside = books.delay_in_faults_s
    return CreditDelay(
        p50=books.delay_s.p50,
        p99=books.delay_s.p99,
        max=books.delay_s.max,
        in_faults=Delay() if inside is None else Delay(**inside.model_dump()),
    )


def sponsors_of(rounds: Sequence[RoundBooks]) -> tuple[SponsorBooks, ...]:
    """Each sponsor's money over these rounds, with what is not in one of its places."""
    found: dict[int, SponsorBooks] = {}
    for one in (sponsor for books in rounds for sponsor in books.sponsors):
        before = found.get(one.sponsor, SponsorBooks(sponsor=one.sponsor, name=one.name, budget_fen=0, credited_fen=0))
        found[one.sponsor] = SponsorBooks(
            sponsor=one.sponsor,
            name=one.name,
            budget_fen=before.budget_fen + one.budget_fen,
            credited_fen=before.credited_fen + one.credited_fen,
            suspense_fen=before.suspense_fen + one.suspense_fen,
            refunded_fen=before.refunded_fen + one.refunded_fen,
            residue_fen=before.residue_fen + one.budget_fen - one.credited_fen - one.suspense_fen - one.refunded_fen,
        )
    return tuple(found.values())


def season_of_run(account: RunAccount) -> SeasonRecord | None:
    """What was played beside the draw, of all rounds; None where nothing was."""
    seasons = [one.season for one in account.rounds if one.season is not None]
    if not seasons:
        return None
    last = seasons[-1]
    summed: dict[str, Counter[str]] = {}
    for operation, outcomes in (item for one in seasons for item in one.outcomes.items()):
        summed.setdefault(operation, Counter()).update(outcomes)
    return SeasonRecord(
        season=last.season,
        operations=tuple(SeasonOperation(operation=name, outcomes=dict(each)) for name, each in sorted(summed.items())),
        repeats=sum(one.repeats for one in seasons),
        pot_fen=last.played.pot_fen,
        state=last.state,
        blessings=last.blessings,
        each_fen=last.each_fen,
    )


def fired_of(account: RunAccount) -> dict[str, Any] | None:
    """The generator's account of the whole run: of all rounds that were fired, one after the other."""
    fires = [(one.begins_s, one.fired) for one in account.rounds if one.fired is not None]
    return one_after_the_other(fires) if fires else None


def drain_of(samples: Sequence[tuple[float, MoneySample]], end_s: float) -> float | None:
    """Seconds from the last intended tap to the first sample without backlog; None if there was none."""
    for at_s, money in samples:
        if at_s >= end_s and money.backlog_entries == 0:
            return max(0.0, at_s - end_s)
    return None


def timeline_of(account: RunAccount) -> tuple[Second, ...]:
    """The run second by second, the seconds of all its rounds; money as the last sample of the second had it."""
    whole = fired_of(account)
    return seconds_of(whole, {int(at_s): money for at_s, money in account.samples if at_s >= 0}) if whole else ()


def seconds_of(whole: dict[str, Any], by_second: Mapping[int, MoneySample]) -> tuple[Second, ...]:
    """Of a generator's account; `by_second`: the money at each second's end, where there is any."""
    rows: list[Second] = []
    for row in whole["seconds"]:
        money = by_second.get(row["second"], MoneySample())
        rows.append(
            Second(
                second=row["second"],
                offered=row["scheduled"],
                answered=row["sent"] - row["unknown"],
                wins=row.get("win", 0),
                refused=row.get("refused", 0),
                p99_response_ms=row["response_p99_ms"],
                p99_service_ms=row["service_p99_ms"],
                backlog_entries=money.backlog_entries,
                credited_fen=money.credited_fen,
                awarded_fen=money.awarded_fen,
            )
        )
    return tuple(rows)


def moments_of(plan: StressPlan, share: Share, account: RunAccount, duration_s: float) -> Moments | None:
    """The times that queries look back at, on the wall clock; None if nothing was sent. Of several rounds the first
    one's opening and peak, and the end of the last.
    """
    first_s, fired = account.first_tap_s, account.rounds[0].fired if account.rounds else None
    if first_s is None or fired is None:
        return None
    measured_s = plan.warm_up.duration
    span = peak_span(fired, held_rps(plan, share), measured_s)
    return Moments(
        first_s=first_s,
        opens_s=first_s + plan.round.opens,
        measured_s=first_s + measured_s,
        last_s=first_s + duration_s,
        peak_s=None if span is None else (first_s + span[0], first_s + span[1]),
    )

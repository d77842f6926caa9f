"""Each round of a run as its record has it, and the sums over all rounds. Pure but for reading the history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.forecast import judge
from harness.forecast.judge import Judged
from harness.forecast.lock import Lock
from harness.orchestrate import figures
from harness.orchestrate.account import RoundAccount, RunAccount
from harness.orchestrate.chosen import Chosen
from harness.phrases import sentence
from harness.runs.order import RunOrder
from harness.runs.record import CreditDelay, Latency, Load, Money, RoundRecord, Wins
from harness.verdict import Reason

OF_THE_WHOLE = frozenset({"offered_rps", "answered_rps", "refused_share", "pool_lasts_s", "wins", "drain_s"})
"""Indicators that only a plan played to its end can show, beside each sponsor's money."""
Rates = tuple[float | None, float | None]
WORST = ("FAIL", "NO_DATA", "WARN", "PASS", "NOT_EVALUATED")


@dataclass(frozen=True, slots=True)
class Played:
    """The input from which a run's rounds are judged."""

    order: RunOrder
    chosen: Chosen
    sealed: Lock
    sha256: str
    folder: Path


def rounds_of(played: Played, got: RunAccount) -> tuple[RoundRecord, ...]:
    """Every round that was armed, judged by the forecast on its own."""
    return tuple(_round(played, got, one) for one in got.rounds if one.round is not None)


def nothing_armed(played: Played, got: RunAccount) -> list[Judged]:
    """The indicators of a run that armed no round: none has an actual."""
    return judge(played.sealed, {}, not_evaluated=not_evaluated(played.sealed, got, {}), sha256=played.sha256)


def _round(played: Played, got: RunAccount, one: RoundAccount) -> RoundRecord:
    assert one.round is not None
    plan, books, mine = played.order.loaded.plan, got.books(one), got.of(one)
    peak: Rates = (None, None)
    if one.fired is not None:
        held_rps = figures.held_rps(plan, played.chosen.share)
        peak = figures.peak_rates(one.fired, held_rps, plan.warm_up.duration)
    seen, last_win_s = _wins_seen(got, one, played.folder)
    alone = len(got.rounds) == 1  # the audit's findings are of all rounds together
    wins = figures.wins_of(seen, books, figures.wins_apart(got.report) if alone else 0)
    money, delay = figures.money_of(books), figures.delay_of(books)
    if one.control_money is not None:
        money, wins = (
            figures.money_of_control(one.control_money),
            wins.model_copy(update={"posted": one.control_money.postings}),
        )
    actuals = _actuals(played, one, peak, last_win_s) | {
        "wins": wins.posted,
        "residue_fen": money.residue_fen,
        "wins_residue": wins.residue,
        "credit_delay_p99_s": delay.p99 if delay.p99 is not None else delay.max,
    }
    sponsors = figures.sponsors_of([books] if books else [])
    actuals |= {f"sponsor_{sponsor.sponsor}_fen": sponsor.credited_fen for sponsor in sponsors}
    actuals |= {} if one.season is None else one.season.actuals
    unjudged = not_evaluated(played.sealed, mine, actuals)
    return RoundRecord(
        number=one.number,
        round=one.round.round,
        begins_s=round(one.begins_s, 3),
        closed=one.closed,
        load=no_load() if one.fired is None else figures.load_of(one.fired, peak),
        latency_ms=Latency() if one.fired is None else figures.latency_of(one.fired),
        money=money,
        wins=wins,
        credit_delay_s=delay,
        forecast=tuple(judge(played.sealed, actuals, not_evaluated=unjudged, sha256=played.sha256)),
    )


def _actuals(played: Played, one: RoundAccount, peak: Rates, last_win_s: float | None) -> dict[str, float | int | None]:
    account, plan = one.fired, played.order.loaded.plan
    if account is None:
        return {}
    open_s = account["start_ns"] / 1e9 + plan.round.opens
    end_s = plan.warm_up.duration + plan.measured_s * plan.stretch(played.chosen.share.duration_s)
    return {
        "offered_rps": peak[0],
        "answered_rps": peak[1],
        "refused_share": figures.refused_share(account),
        "response_p99_ms": figures.p99_or_more(account["latency_ms"]["response"]),
        "errors": figures.errors_of(account, plan.probes.total),
        "pool_lasts_s": None if last_win_s is None else last_win_s - open_s,
        "drain_s": figures.drain_of(one.samples, one.begins_s + end_s),
    }


def _wins_seen(got: RunAccount, one: RoundAccount, folder: Path) -> tuple[int | None, float | None]:
    """How many packets were shown as won, and when the last was; nothing is known without the generator's history."""
    if one.fired is None or one.round is None:
        return None, None
    try:
        seen, last_s = figures.wins_seen(folder / "history", one.round.round)
    except (OSError, ValueError) as exc:
        got.invalid.append(Reason(code="history_damaged", text=sentence("history_damaged", detail=exc)))
        return None, None
    return len(seen), last_s


def not_evaluated(sealed: Lock, got: RunAccount, actuals: Mapping[str, float | int | None]) -> set[str]:
    """Indicators that this run was not meant to show: of stores out of reach, of a plan that was not played to its end,
    and demand whose rate a person changed.
    """
    names: set[str] = set()
    all_ = {target.indicator for target in sealed.targets}
    sponsors = {name for name in all_ if name.startswith("sponsor_")}
    if got.money_is_controls:
        names |= sponsors | {"credit_delay_p99_s", "wins_residue"}
        if all(money.backlog_entries is None for _, money in got.samples):
            names.add("drain_s")  # its credit worker is out of reach as well
    if got.stopped is not None:
        names |= sponsors | OF_THE_WHOLE | {name for name in all_ if actuals.get(name) is None}
        if got.unsettled != 0:
            names.add("wins_residue")  # a win behind an answer that could not be asked for again is not missing
    if got.climb is not None:
        names |= sponsors | OF_THE_WHOLE  # how far it went was the question
        if got.climb.climb.state.end != "finish":
            names |= {"response_p99_ms", "errors"}  # it went on until they were beyond; stair by stair they are judged
    if got.rated or got.climb is not None:
        names |= {target.indicator for target in sealed.targets if target.cls == "demand"}
    return names


def no_load() -> Load:
    """Nothing was fired."""
    return Load(
        scheduled=0,
        sent=0,
        dropped=0,
        unsent=0,
        outcomes={},
        offered_rps=None,
        achieved_rps=None,
        users=0,
        connections=0,
    )


# -- all of them together


def forecast_of(rounds: Sequence[RoundRecord]) -> list[Judged]:
    """Each indicator, from the round with its worst value."""
    by_round = [{row.indicator: row for row in one.forecast} for one in rounds]
    return [
        min((rows[name] for rows in by_round), key=lambda row: WORST.index(row.state)) for name in by_round[0]
    ]  # fmt: skip


def peak_of(rounds: Sequence[RoundRecord]) -> Rates:
    """Rates at the peak, mean over the rounds that show theirs."""
    return _mean([one.load.offered_rps for one in rounds]), _mean([one.load.achieved_rps for one in rounds])


def money_of(rounds: Sequence[RoundRecord]) -> Money:
    """Sums; not known where one of them is not."""
    return Money(**{name: _sum([getattr(one.money, name) for one in rounds]) for name in Money.model_fields})


def wins_of(rounds: Sequence[RoundRecord], apart: int) -> Wins:
    """Sums; `apart`: differences of sets over all rounds, as the audit found them."""
    sums = {name: _sum([getattr(one.wins, name) for one in rounds]) for name in Wins.model_fields}
    if sums["residue"] is not None:
        sums["residue"] = max(sums["residue"], apart)
    return Wins(**sums)


def delay_of(rounds: Sequence[RoundRecord]) -> CreditDelay:
    """That of the round whose money took longest; percentiles of several rounds cannot be added."""
    delays = [one.credit_delay_s for one in rounds]
    return max(delays, key=lambda delay: delay.p99 or delay.max or -1.0, default=CreditDelay())


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None

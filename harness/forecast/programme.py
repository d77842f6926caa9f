"""A programme file as an order to control: at a scale, from a moment on, at a pace. Exact to the packet and the fen.

Pure; the clock comes in as an argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as time_of_day
from fractions import Fraction

from pydantic import ValidationError

from harness.forecast.share import MOST_PACKETS, ShareError, apportion, budget_classes
from plans.models.programme import Programme, ProgrammeRound, ProgrammeSponsor
from system.contract.api import RoundOrder, SponsorSplit
from system.contract.ids import Lane
from system.contract.programme import ARM_AHEAD_MS_MAX, ProgrammeItem, ProgrammeOrder, TiesForecast

LASTS_MS_MIN = 1_000


@dataclass(frozen=True, slots=True)
class Staging:
    """How an evening is played: what share of it, on which lane, how many times as fast, under which name, with tickets
    of which season.
    """

    scale: Fraction
    lane: Lane = "live"
    pace: Fraction = Fraction(1)
    name: str = ""
    season: int | None = None


def begins_us(programme: Programme, day: date) -> int:
    """The first round's start on that day of the programme's zone, in microseconds since 1970."""
    midnight = datetime.combine(day, time_of_day(), programme.timezone)
    return (round(midnight.timestamp()) + programme.rounds[0].at) * 1_000_000


def programme_order(programme: Programme, staging: Staging, first_us: int) -> ProgrammeOrder:
    """The order to control; its first round starts at `first_us`. Raises ShareError where the scale is too small."""
    money = _money(programme, staging.scale)
    items = tuple(_item(programme, one, staging, first_us, money[one.id]) for one in programme.rounds)
    held, ties = programme.ties, None
    if held is not None:
        ties = TiesForecast(expected=round(held.expected * staging.scale), gained=round(held.gained * staging.scale))
    try:
        return ProgrammeOrder(programme=staging.name or programme.id, lane=staging.lane, rounds=items, ties=ties)
    except ValidationError as exc:
        raise ShareError(exc.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")) from exc


def _money(programme: Programme, scale: Fraction) -> Mapping[str, dict[int, int]]:
    """Fen of each sponsor in each round, {round: {sponsor: fen}}; what a scale leaves of the whole is kept to the
    fen.
    """
    budgets = apportion(round(programme.budget_fen * scale), [Fraction(s.budget) for s in programme.sponsors])
    found: dict[str, dict[int, int]] = {one.id: {} for one in programme.rounds}
    for sponsor, budget_fen in zip(programme.sponsors, budgets, strict=True):
        parts = apportion(budget_fen, [Fraction(str(part)) for part in sponsor.rounds.values()])
        for name, fen in zip(sponsor.rounds, parts, strict=True):
            found[name][sponsor.id] = fen
    return found


def _item(
    programme: Programme, one: ProgrammeRound, staging: Staging, first_us: int, money: Mapping[int, int]
) -> ProgrammeItem:
    lasts_ms = max(LASTS_MS_MIN, round(Fraction(str(one.lasts)) * 1000 / staging.pace))
    after_us = round((one.at - programme.rounds[0].at) * 1_000_000 / staging.pace)
    ahead_ms = min(ARM_AHEAD_MS_MAX, max(1, round(Fraction(str(programme.arm_ahead)) * 1000 / staging.pace)))
    order = RoundOrder(
        lane=staging.lane,
        sponsors=_splits(programme, one, staging.scale, money),
        start_us=first_us + after_us,
        duration_ms=lasts_ms,
        season=staging.season,
    )
    return ProgrammeItem(name=one.id, title=one.both_titles, closes=one.closes, arm_ahead_ms=ahead_ms, order=order)


def _splits(
    programme: Programme, one: ProgrammeRound, scale: Fraction, money: Mapping[int, int]
) -> tuple[SponsorSplit, ...]:
    """Packets by money: in one round every sponsor's packets have about the same mean."""
    packets = round(one.packets * scale)
    if packets > MOST_PACKETS:
        raise ShareError(f"{packets:,} packets in {one.id}; expected at most {MOST_PACKETS:,}")
    payers = [sponsor for sponsor in programme.sponsors if sponsor.id in money]
    counts = apportion(packets, [Fraction(max(1, money[sponsor.id])) for sponsor in payers])
    return tuple(_split(one, who, money[who.id], number) for who, number in zip(payers, counts, strict=True))


def _split(one: ProgrammeRound, who: ProgrammeSponsor, fen: int, packets: int) -> SponsorSplit:
    if packets < 1 or fen < packets:
        what = f"{packets} packets and {fen} fen for sponsor {who.id} in {one.id}"
        raise ShareError(f"this scale leaves {what}; expected a larger scale")
    try:
        return SponsorSplit(sponsor=who.id, name=who.both_names, classes=budget_classes(fen, packets))
    except ValidationError as exc:
        raise ShareError(f"sponsor {who.id}: {exc.errors(include_url=False)[0]['msg']}") from exc

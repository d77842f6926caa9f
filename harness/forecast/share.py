"""A share of an event: what one machine plays of a forecast at a scale. Exact to the packet and the fen; no I/O.

Dimensionless numbers (taps per client, odds, peak factor) and times stay; people, packets and money are divided.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from pydantic import ValidationError

from plans.models import Forecast, StressPlan
from plans.models.forecast import Sponsor
from system.contract.api import SponsorSplit

SPREAD = ((Fraction(1, 2), Fraction(6, 10)), (Fraction(1), Fraction(3, 10)))
"""(of the mean, of the packets): how a budget is dealt; the last tenth of the packets shares what is left."""

MOST_PACKETS = 1 << 31


class ShareError(ValueError):
    """A share too small to be played (a sponsor without a packet, a packet without a fen)."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Share:
    """What is played. Rates per second, money in fen, times in seconds."""

    scale: Fraction
    duration_s: float
    peak_rps: float
    users: int
    tapping_at_once: int
    packets: int
    sponsors: tuple[SponsorSplit, ...]
    release_s: float
    too_fast_share: float
    """Of those who tap at once: users who tap faster than the limit, `too_fast_factor` times as often as the others."""
    too_fast_factor: int

    @property
    def budget_fen(self) -> int:
        return sum(sponsor.budget_fen for sponsor in self.sponsors)

    @property
    def wins_per_s(self) -> float:
        return self.packets / self.duration_s

    @property
    def taps_per_win(self) -> float:
        """Taps at the peak for one packet: 1,750 at the gala."""
        return self.peak_rps / self.wins_per_s


def apportion(total: int, weights: Sequence[Fraction]) -> list[int]:
    """`total` split by weights into whole numbers that add up to it (largest remainder, first wins a tie)."""
    whole = sum(weights)
    exact = [total * weight / whole for weight in weights]
    out = [math.floor(part) for part in exact]
    order = sorted(range(len(out)), key=lambda i: (out[i] - exact[i], i))
    for i in order[: total - sum(out)]:
        out[i] += 1
    return out


def budget_classes(budget_fen: int, packets: int) -> tuple[tuple[int, int], ...]:
    """Amount classes of `packets` packets whose sum is `budget_fen` to the fen; each amount at least one fen."""
    if budget_fen < packets:
        raise ShareError(f"{budget_fen} fen for {packets} packets; expected at least one fen each")
    mean = Fraction(budget_fen, packets)
    classes: dict[int, int] = {}
    left_packets, left_fen = packets, budget_fen
    for multiple, part in SPREAD:
        number = math.floor(packets * part)
        amount = max(1, math.floor(mean * multiple))
        # Never promise so much that the remaining packets cannot have a fen each.
        if number and left_packets - number >= 1 and left_fen - amount * number >= left_packets - number:
            classes[amount] = classes.get(amount, 0) + number
            left_packets, left_fen = left_packets - number, left_fen - amount * number
    low, more = divmod(left_fen, left_packets)
    for amount, number in ((low, left_packets - more), (low + 1, more)):
        if number:
            classes[amount] = classes.get(amount, 0) + number
    return tuple(sorted(classes.items()))


def _split(sponsor: Sponsor, packets: int, part: Fraction) -> SponsorSplit:
    """Raises ShareError where control would refuse the split (an amount or a name too large)."""
    if sponsor.classes is not None:
        counts = apportion(packets, [Fraction(str(item.share)) for item in sponsor.classes])
        classes = tuple((c.amount, n) for c, n in zip(sponsor.classes, counts, strict=True) if n)
    else:
        classes = budget_classes(round((sponsor.budget or 0) * part), packets)
    try:
        return SponsorSplit(sponsor=sponsor.id, name=sponsor.both_names, classes=classes)
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        raise ShareError(f"sponsor {sponsor.id}: {first['msg'].removeprefix('Value error, ')}") from exc


def share_of(forecast: Forecast, plan: StressPlan, scale: Fraction, duration_s: float | None = None) -> Share:
    """What is played at `scale` (of the event) for a round of `duration_s` (the plan's own if None).

    Raises ShareError where the scale leaves a sponsor without a packet.
    """
    inputs = forecast.inputs
    duration = duration_s or plan.round.duration
    part = scale * Fraction(str(duration)) / Fraction(str(forecast.round.full))
    packets = max(1, round(inputs.packets.mid * part))
    if packets > MOST_PACKETS:
        raise ShareError(f"{packets:,} packets at scale {scale}; expected at most {MOST_PACKETS:,} in one round")
    split = apportion(packets, [Fraction(str(sponsor.weight)) for sponsor in forecast.sponsors])
    for sponsor, number in zip(forecast.sponsors, split, strict=True):
        if number < 1:
            raise ShareError(f"scale {scale} leaves sponsor {sponsor.id} without a packet; expected a larger scale")
    at_once = max(1, round(inputs.audience.mid * inputs.tapping_at_once.mid * scale))
    return Share(
        scale=scale,
        duration_s=duration,
        peak_rps=float(inputs.audience.mid * Fraction(str(inputs.tapping_at_once.mid)) * scale)
        * inputs.taps_per_client.mid,
        users=max(at_once, round(inputs.audience.mid * scale)),
        tapping_at_once=at_once,
        packets=packets,
        sponsors=tuple(_split(s, n, part) for s, n in zip(forecast.sponsors, split, strict=True)),
        # What is released after the last tap is nobody's; in a short round the margin is longer than the rest.
        release_s=min(plan.round.release * duration, plan.last_tap_s(duration)),
        too_fast_share=inputs.too_fast_clients.mid,
        too_fast_factor=max(2, round(inputs.too_fast_taps.mid / inputs.taps_per_client.mid)),
    )

"""A season beside one round: how much of it is played at a share, and what is expected of it. Pure, exact; no draws."""

from __future__ import annotations

from dataclasses import dataclass

from harness.forecast.share import Share
from harness.forecast.target import Class, Target
from plans.models import Forecast
from plans.models.forecast import SeasonInputs

KINDS = 5
GIFTS = KINDS - 1
"""Whoever gathers a family's cards has one, and is given the others."""


@dataclass(frozen=True, slots=True)
class SeasonShare:
    """What is played of a season after one round. Money in fen; everything else is counted.

    `ties`: all that are gained, those of claims, gifts and friends among them. `friends`: pairs that ask each other.
    `tickets`: how many are redeemed, at most one a user. `family`: users who gather their cards together.
    """

    claims: int
    parts: int
    share_fen: int
    ties: int
    friends: int
    tickets: int
    family: int
    cards: tuple[int, ...]
    pot_fen: int
    spenders: int
    buyers: int

    @property
    def shares(self) -> int:
        """Shares with at least one claim; the last one may have open parts."""
        return -(-self.claims // self.parts)

    @property
    def fission_fen(self) -> int:
        """What a sponsor pays in for all of them."""
        return max(1, self.shares) * self.share_fen

    @property
    def drawn(self) -> int:
        """Cards: one for a ticket, one for each of the two of a new tie."""
        return self.tickets + 2 * self.friends


def season_of(inputs: SeasonInputs, share: Share, full_s: float) -> SeasonShare:
    """What is played at a share of the event; `full_s`: how long the event's whole round lasts."""
    tickets = round(share.tapping_at_once * inputs.collectors.mid)
    friends = round(share.packets * inputs.friends.mid)
    common = max(1, tickets + 2 * friends)
    rare = max(1, round(common * inputs.rare.mid))
    return SeasonShare(
        claims=round(share.packets * inputs.claims.mid),
        parts=inputs.parts,
        share_fen=max(inputs.parts, inputs.parts * inputs.claim.mid),
        ties=round(_people(share, full_s) * inputs.ties.mid),
        friends=friends,
        tickets=tickets,
        family=max(2, round(GIFTS / inputs.family_givers.mid)),
        cards=(*(common for _ in range(GIFTS)), rare),
        pot_fen=max(1, round(inputs.pot.mid * share.scale)),
        spenders=round(share.packets * inputs.spenders.mid),
        buyers=round(share.packets * inputs.buyers.mid * (1 + inputs.buyers_more.mid)),
    )


def season_targets(forecast: Forecast, share: Share) -> tuple[Target, ...]:
    """The season's indicators with a band each; none where the forecast has no season."""
    inputs = forecast.season
    if inputs is None:
        return ()
    played = season_of(inputs, share, forecast.round.full)
    people, packets, at_once = _people(share, forecast.round.full), share.packets, share.tapping_at_once
    audience, friends, tickets = forecast.inputs.audience, inputs.friends, inputs.collectors
    usual, more = inputs.buyers, inputs.buyers_more
    return (
        _target(
            "participants", "client-front", "demand", "people",
            audience.low * float(share.scale), share.users, audience.high * float(share.scale),
            "the round's audience × scale: each of them taps, one after the other",
        ),
        _target(
            "claims", "play-postgres", "delivery", "claims",
            packets * inputs.claims.low, played.claims, packets * inputs.claims.high,
            "parts of shares that friends claim, for each packet won; each is given once",
        ),
        _target(
            "ties", "play-postgres", "delivery", "pairs",
            people * inputs.ties.low, played.ties, people * inputs.ties.high,
            "pairs gained for each of the round's people; from as few as were expected to more than were gained",
        ),
        _target(
            "cards", "play-postgres", "delivery", "cards",
            at_once * tickets.low + 2 * packets * friends.low, played.drawn,
            at_once * tickets.high + 2 * packets * friends.high,
            "a card for each ticket that is redeemed, and two for a tie that was made by hand",
        ),
        _target(
            "purchases", "play-postgres", "delivery", "purchases",
            packets * usual.low * (1 + more.low), played.buyers, packets * usual.high * (1 + more.high),
            "winners who buy the money fund: as many as on an ordinary day, and so many more in the festival",
        ),
    )  # fmt: skip


def _people(share: Share, full_s: float) -> float:
    """Of the event's whole round, the part that is played."""
    return share.users * min(1.0, share.duration_s / full_s)


def _target(
    indicator: str, link: str, cls: Class, unit: str, lower: float, expected: float, upper: float, why: str
) -> Target:
    """Never a band that leaves out what is expected: whole things are counted, bounds are not whole."""
    return Target(
        indicator=indicator, link=link, cls=cls, unit=unit, why=why,
        lower=min(lower, expected), expected=expected, upper=max(upper, expected),
    )  # fmt: skip

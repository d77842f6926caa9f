"""What comes of one packet beside the draw, as a forecast's season says: how many shares, claims, cards … Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from plans.models.forecast import Forecast, Inputs, SeasonInputs

FanOut = Literal["shares", "claims", "friends", "spenders", "buyers", "tickets", "gifts"]
FAMILY_GIVES = 4
"""Of a family of five, those who give their card away."""


def _tickets(inputs: Inputs, season: SeasonInputs) -> float:
    return inputs.audience.mid * inputs.tapping_at_once.mid * season.collectors.mid / max(1, inputs.packets.mid)


_EACH: dict[FanOut, Callable[[Inputs, SeasonInputs], float]] = {
    "shares": lambda _, season: season.claims.mid / season.parts,
    "claims": lambda _, season: season.claims.mid,
    "friends": lambda _, season: season.friends.mid,
    "spenders": lambda _, season: season.spenders.mid,
    "buyers": lambda _, season: season.buyers.mid * (1 + season.buyers_more.mid),
    "tickets": _tickets,
    "gifts": lambda inputs, season: _tickets(inputs, season) * FAMILY_GIVES / (FAMILY_GIVES + 1),
}


def per_packet(forecast: Forecast, what: FanOut) -> float:
    """So many for each packet of the full event. Raises ValueError where the forecast has no season."""
    if forecast.season is None:
        raise ValueError(f"the forecast {forecast.id} has no season, which says how many {what} there are")
    return _EACH[what](forecast.inputs, forecast.season)

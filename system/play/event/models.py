"""What the event page is told: rounds with the server's clock, a front's answer to a tap, a session of development."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from system.contract.api import Model
from system.contract.fields import Whole

EventState = Literal["announced", "armed", "open", "closing", "closed", "missed"]
"""As a programme has them (docs/season.md). `announced`, `missed`: no front knows the round, a tap is a 404. How many
packets are left is nobody's to know, so a round whose packets are all won is `open` here until it closes."""


class EventSponsor(Model):
    """Who pays packets of a round."""

    sponsor: int
    name: str


class EventRound(Model):
    """A round as the page shows it; `state`: at the answer's `now_us`."""

    round: int
    title: str = ""
    state: EventState
    packets: int
    start_us: int
    end_us: int
    sponsors: tuple[EventSponsor, ...]


class EventView(Model):
    """Rounds to come, open and just over, the soonest first; `now_us` is the ledger's clock. `plays`: which there are.

    `sign_in`: this system gives a token to whoever asks, for development.
    """

    now_us: int
    rounds: tuple[EventRound, ...]
    plays: tuple[str, ...]
    sign_in: bool


class TapAnswer(BaseModel):
    """What the user's front answered, as it is: a win with its amount, a losing tap, or (202) `pending`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    won: bool | None = None
    next_ms: int | None = None
    """A user who waits so long is never refused for tapping too fast."""
    award: str | None = None
    fen: int | None = None
    sponsor: int | None = None
    repeat: bool | None = None
    pending: Literal[True] | None = None


class SignIn(Model):
    """Body of `POST /v1/event/sign-in`, where the system allows it."""

    uid: Whole


class EventSession(Model):
    """A token of a user, for development. `expires_s`: seconds since 1970."""

    uid: int
    token: str
    expires_s: int = Field(ge=0)

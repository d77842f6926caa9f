"""What a kind of request is: a `Shot`. Owns the shape; each shot is a file of its own (`harness.engine.shots`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from harness.engine.answers import ParsedAnswer

Target = Literal["fronts", "play"]
"""Where a request goes: to each user's own front, or to play."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What the requests of a run have in common: the Host, the round, and the tag of the stress lane (None: live).

    `season`: the one that the round carries; 1 where it carries none. `sponsor`: the first one of the round.
    """

    host: str
    round: int
    tag: str | None
    season: int = 1
    sponsor: int = 1


@dataclass(frozen=True, slots=True)
class People:
    """Whom the requests of a journey are of: a token for each, in an order that all journeys share."""

    aim: Aim
    tokens: Sequence[bytes]

    def other(self, place: int, step: int) -> int:
        """The place of somebody else, `step` further on in a circle."""
        return (place + step) % len(self.tokens)


Following = tuple[int, bytes]
"""Whose request it is (a place among the people), and all its bytes."""


@runtime_checkable
class FollowUp(Protocol):
    """A shot that makes its requests of what another's answer said. One without it follows with the same user's own
    request.
    """

    def follow(self, people: People, place: int, note: str, each: int) -> list[Following]:
        """At most `each` requests after an answer to the user at `place`; `note`: what the answer said."""
        ...


class Shot(Protocol):
    """A kind of request. Its requests are made before the first one is due, never while the plan is sent.

    `name` is the name of its file. `method`, `route`: its name in statistics, numbers replaced by {braces}. `outcomes`:
    the possible results of a request; the first is *unknown*: no answer, it may have happened. An outcome named
    *refused* (a definite no) is counted by HTTP status as well. `good`: the outcomes that are a right answer.

    It may say more: `taps = True` (its requests are taps, so that the books count them), `who = "operator"` (it has the
    operators' token, not users') or `"public"` (it has tokens of the live lane, and the public's round),
    `plays = "season"` or `"shares"` (what has to be opened before it has an effect),
    `noted = True` (as a follow-up it needs what the answer said, and follows no answer that says nothing).
    """

    name: str
    at: Target
    method: str
    route: str
    outcomes: tuple[str, ...]
    good: frozenset[str]

    def requests(self, aim: Aim, tokens: Sequence[bytes]) -> list[bytes]:
        """The whole bytes of each user's request, in the order of the tokens. Called once, at load."""
        ...

    def understand(self, status: int, body: bytes) -> ParsedAnswer:
        """The meaning of a complete answer. Never guesses: what is not certain is *unknown*."""
        ...

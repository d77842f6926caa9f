"""What a kind of request is: a `Shot`. Owns the shape; each shot is a file of its own (`harness.engine.shots`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from harness.engine.answers import ParsedAnswer

Target = Literal["fronts", "play"]
"""Where a request goes: to each user's own front, or to play."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What the requests of a run have in common: the Host, the round, and the tag of the stress lane (None: live).

    `season`: the one that the round carries; 1 where it carries none.
    """

    host: str
    round: int
    tag: str | None
    season: int = 1


class Shot(Protocol):
    """A kind of request. Its requests are made before the first one is due, never while the plan is sent.

    `name` is the name of its file. `method`, `route`: its name in statistics, numbers replaced by {braces}. `outcomes`:
    the possible results of a request; the first is *unknown*: no answer, it may have happened. An outcome named
    *refused* (a definite no) is counted by HTTP status as well. `good`: the outcomes that are a right answer.
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

"""Requests that were prepared before the run: for a service that is no part of this project. A `PreparedShot` is the
shot of one journey of them. Owns the meaning of their answers and the file in which their bytes stand.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.engine.answers import UNKNOWN, ParsedAnswer, code_of
from harness.engine.shot import Aim, Target

NAME = "request"
"""Name of the shot, whatever the request is; its journey has the request's name."""
OUTCOMES = ("unknown", "good", "refused", "wrong")
GOOD, REFUSED, WRONG = 1, 2, 3
REMEMBERED_MAX = 2048
"""Bytes of the longest body whose answer is remembered as a whole."""
AT_ONCE_MAX = 16 << 10
"""Bytes of a request that a socket takes at once, whatever it holds."""


@dataclass(frozen=True, slots=True)
class PreparedJourney:
    """One journey of prepared requests. `requests`: a file, the bytes of one request a line (base64), sent one after
    the other, again and again. `status`: of the right answer, none: 200 to 299; `contains`: what stands in its body.
    """

    journey: str
    method: str
    route: str
    requests: str
    status: tuple[int, ...] = ()
    contains: str = ""

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> PreparedJourney:
        return cls(**{**data, "status": tuple(data["status"])})


@dataclass(frozen=True, slots=True)
class TlsTrust:
    """TLS to every address. `ca`: file of one's own authorities; none: those of this host. `host`: the name checked."""

    host: str
    ca: str | None = None


class PreparedShot:
    """*good*: as expected. *refused*: another status of 400 and above. *wrong*: any other answer."""

    name = NAME
    at: Target = "play"
    outcomes: tuple[str, ...] = OUTCOMES
    good = frozenset(("good",))
    failures = ("unknown", "refused", "wrong")

    def __init__(self, prepared: PreparedJourney) -> None:
        self.method, self.route, self.prepared = prepared.method, prepared.route, prepared
        self._text = prepared.contains.encode()

    def requests(self, aim: Aim, tokens: Sequence[bytes]) -> list[bytes]:
        """They stand in the file, whoever asks."""
        return read_requests(Path(self.prepared.requests))

    def understand(self, status: int, body: bytes) -> ParsedAnswer:
        """By status and body alone, so the same bytes always mean the same."""
        wanted = self.prepared.status
        expected = status in wanted if wanted else 200 <= status < 300
        outcome = (GOOD if self._text in body else WRONG) if expected else REFUSED if status >= 400 else WRONG
        return ParsedAnswer(code_of(outcome if status else UNKNOWN, status), plain=len(body) <= REMEMBERED_MAX)


def write_requests(requests: Sequence[bytes]) -> str:
    """The text of a file of requests."""
    return "".join(base64.b64encode(request).decode() + "\n" for request in requests)


def read_requests(path: Path, worker: int = 0, workers: int = 1) -> list[bytes]:
    """Back from `write_requests`. Worker k of N has the lines k mod N; all of them where there are fewer
    than workers.
    """
    lines = path.read_bytes().split()
    mine = lines[worker::workers] if len(lines) >= workers else lines
    return [base64.b64decode(line) for line in mine]

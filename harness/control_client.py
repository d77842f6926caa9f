"""The operators' side of control and play over HTTP, synchronous: rounds, tokens, tags, switches, money, wallets.

Errors of the other side are raised as ControlError with its own words. A connection that breaks, and an answer that
makes no sense (half of one, or another program's on that port), is ControlAway. A call is never repeated here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar
from urllib.parse import urlsplit

import requests

from harness import loopback
from harness.errors import EnvironmentNotReady, HarnessError
from harness.stack import Addresses
from system.contract.api import RoundMoney, RoundOrder, RoundPublic
from system.contract.counts import Participation
from system.contract.ids import Lane
from system.contract.routing import Topology

TIMEOUT_S = 10.0
TOKENS_A_CALL = 100_000

T = TypeVar("T")


class ControlError(HarnessError):
    """Control refused, in its own words. Exit code 2 where the order was wrong, 5 where it was not.

    `status`: of HTTP. `effect`: `none` where certainly nothing changed, else `unknown`. `ends_in_ms`: of a close that
    came before the round's end, the time left; else None.
    """

    def __init__(self, message: str, status: int, effect: str = "none", ends_in_ms: int | None = None) -> None:
        super().__init__(message)
        self.exit_code = 2 if status < 500 else 5
        self.status, self.effect, self.ends_in_ms = status, effect, ends_in_ms


class ControlAway(EnvironmentNotReady):
    """Control did not answer: the request may or may not have been carried out."""


class Operated(Protocol):
    """A stack, or a system elsewhere: what has addresses and an operator's token."""

    @property
    def addresses(self) -> Addresses: ...

    @property
    def admin_token(self) -> str: ...


@dataclass(frozen=True, slots=True)
class CreditedWin:
    """A posting as the wallet shows it."""

    uid: int
    packet: int
    fen: int


class ControlClient:
    """Calls of an operator. `admin_token` is the stack's operator credential, never a signing key."""

    def __init__(self, control_url: str, play_url: str, admin_token: str, timeout_s: float = TIMEOUT_S) -> None:
        self._control = control_url.rstrip("/")
        self._play = play_url.rstrip("/")
        self.admin_token = admin_token
        self._session = loopback.session(timeout_s)
        self._session.headers["Authorization"] = f"Bearer {admin_token}"

    @property
    def play_url(self) -> str:
        """The address of play. Raises EnvironmentNotReady where none is known."""
        if not self._play:
            raise EnvironmentNotReady("this system has no play: there are no wallets to read")
        return self._play

    @classmethod
    def of(cls, system: Operated, timeout_s: float = TIMEOUT_S) -> Self:
        """Raises EnvironmentNotReady when the stack has no control."""
        at = system.addresses
        if at.control_url is None:
            raise EnvironmentNotReady("this stack has no control: only its stores run")
        return cls(at.control_url, at.play_url or "", system.admin_token, timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives the connections back."""
        self._session.close()

    def call(self, method: str, path: str, body: object = None) -> requests.Response:
        """One request to control, as data or text as the caller reads it. Raises ControlError, ControlAway."""
        return self._ask(method, self._control + path, body)

    def document(self, method: str, path: str, needs: str, body: object = None) -> dict[str, Any]:
        """One request to control whose answer is a JSON object with field `needs`. Raises ControlError, ControlAway."""

        def whole(answer: requests.Response) -> dict[str, Any]:
            found: dict[str, Any] = answer.json()
            return found | {needs: found[needs]}

        return _read(self.call(method, path, body), whole)

    def _ask(self, method: str, url: str, body: Any = None) -> requests.Response:
        try:
            answer = self._session.request(method, url, json=body)
        except requests.RequestException as exc:
            doubt = "" if method == "GET" else "; unknown whether it happened"
            raise ControlAway(f"{method} {url} does not answer{doubt}: {exc}") from exc
        if answer.status_code >= 400:
            raise _refusal(method, answer)
        return answer

    def now_us(self) -> int:
        """Control's clock, corrected by half the round trip: likely, and perhaps ahead of the true time."""
        before = time.monotonic_ns()
        now = self.clock_us()
        return now + (time.monotonic_ns() - before) // 2000

    def clock_us(self) -> int:
        """Control's clock as control gave it. That moment is past, however long the answer took; for *is it over?*."""
        return _read(self.call("GET", "/v1/clock"), lambda answer: int(answer.json()["now_us"]))

    def topology(self) -> Topology:
        """The fronts and their cells."""

        def topology(answer: requests.Response) -> Topology:
            data = answer.json()
            return Topology(tuple(data["fronts"]), tuple(data["cells"]), data.get("version", 1))

        return _read(self.call("GET", "/v1/topology"), topology)

    def create_round(self, order: RoundOrder) -> RoundPublic:
        """Arms a round; its commitment is published with the answer."""
        body = order.model_dump(mode="json")
        return _read(self.call("POST", "/v1/rounds", body), _round)

    def round(self, round_id: int) -> RoundPublic:
        """The round as everybody may see it."""
        return _read(self.call("GET", f"/v1/rounds/{round_id}"), _round)

    def ask_close(self, round_id: int, before_end: bool = False) -> RoundPublic:
        """Starts the close; it goes on by itself. `before_end`: at any time. Returns the round as it is from then on.

        Without it, raises ControlError 409 before the end, with `ends_in_ms`: the time left, by control's own clock.
        """
        path = f"/v1/rounds/{round_id}/close"
        return _read(self.call("POST", path, {"before_end": True} if before_end else None), _round)

    def money(self, round_id: int) -> RoundMoney:
        """Where the round's money is, and what a close waits for."""
        answer = self.call("GET", f"/v1/rounds/{round_id}/money")
        return _read(answer, lambda answer: RoundMoney.model_validate_json(answer.text))

    def tokens(self, lane: Lane, first_uid: int, count: int, ttl_s: int = 7200) -> list[str]:
        """One token a user for [first_uid, first_uid + count)."""
        found: list[str] = []
        while len(found) < count:
            part = min(TOKENS_A_CALL, count - len(found))
            body = {"lane": lane, "first_uid": first_uid + len(found), "count": part, "ttl_s": ttl_s}
            found += self.call("POST", "/v1/tokens", body).text.split()
        return found

    def tag(self, run_id: str, ttl_s: int = 7200) -> str:
        """A stress tag for a run."""
        answer = self.call("POST", "/v1/tags", {"run_id": run_id, "ttl_s": ttl_s})
        return _read(answer, lambda answer: str(answer.json()["tag"]))

    def set_switch(self, key: str, value: int, who: str, why: str, lane: Lane | None = None) -> None:
        """Changes a run-time switch, of one lane or of both."""
        body = {"value": value, "who": who, "why": why}
        self.call("PUT", f"/v1/switches/{key}", body | ({"lane": lane} if lane else {}))

    def switches(self, lane: Lane = "live") -> dict[str, int]:
        """Every run-time switch and its value in a lane. A control of an older version has one value for both."""

        def table(answer: requests.Response) -> dict[str, int]:
            body = answer.json()
            found = body["lanes"][lane] if "lanes" in body else body["switches"]
            return {str(key): int(value) for key, value in found.items()}

        return _read(self.call("GET", "/v1/switches"), table)

    def open_rounds(self) -> list[RoundPublic]:
        """Every round that is not closed, of both lanes."""

        def rounds(answer: requests.Response) -> list[RoundPublic]:
            every = answer.json()["rounds"]
            # As JSON text: the strict model reads its tuples from arrays there.
            return [RoundPublic.model_validate_json(json.dumps(one)) for one in every if one["state"] != "closed"]

        return _read(self.call("GET", "/v1/rounds"), rounds)

    def busy(self, lane: Lane) -> list[int]:
        """Rounds of a lane that are not closed: their traces are not those of a run on the other lane."""

        def numbers(answer: requests.Response) -> list[int]:
            return [int(one["round"]) for one in answer.json()["rounds"] if one["state"] != "closed"]

        return _read(self.call("GET", f"/v1/rounds?lane={lane}"), numbers)

    def round_numbers(self, lane: Lane) -> list[int]:
        """Every round of a lane."""

        def numbers(answer: requests.Response) -> list[int]:
            return [int(one["round"]) for one in answer.json()["rounds"]]

        return _read(self.call("GET", f"/v1/rounds?lane={lane}"), numbers)

    def participation(self, lane: Lane, round_id: int) -> Participation:
        """Taps, people and shown sponsors of a round, as fronts counted them."""
        answer = self._ask("GET", f"{self.play_url}/v1/participation?lane={lane}&round={round_id}")
        return _read(answer, lambda answer: Participation.model_validate_json(answer.text))

    def at_play(self, method: str, path: str, body: object = None) -> requests.Response:
        """One operator's request to play: opens a season, pays for shares, reads sums. Raises as `call`."""
        return self._ask(method, self.play_url + path, body)

    def credited(self, lane: Lane, round_id: int, uids: Sequence[int]) -> list[CreditedWin]:
        """The last wallet read: what each of these users was credited in a round."""
        found: list[CreditedWin] = []
        for at in range(0, len(uids), 5000):
            body = {"lane": lane, "round": round_id, "uids": list(uids[at : at + 5000])}
            found += _read(self._ask("POST", f"{self._play}/v1/wallets/bulk", body), _wins)
        return found


def _read(answer: requests.Response, of: Callable[[requests.Response], T]) -> T:
    """The content of an answer. Raises ControlAway where it makes no sense: half of one, or another program's."""
    try:
        return of(answer)
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as exc:
        what = f"{answer.request.method} {answer.url}: an answer without sense ({type(exc).__name__})"
        raise ControlAway(what + ("" if answer.request.method == "GET" else "; unknown whether it happened")) from exc


def _round(answer: requests.Response) -> RoundPublic:
    return RoundPublic.model_validate_json(answer.text)


def _wins(answer: requests.Response) -> list[CreditedWin]:
    return [CreditedWin(row["uid"], row["packet"], row["fen"]) for row in answer.json()["wins"]]


def _refusal(method: str, answer: requests.Response) -> ControlError:
    """A refusal in the other side's words. One that leaves in doubt whether it happened says so, and is never
    *failed*.
    """
    status, ends_in_ms = answer.status_code, None
    try:
        body = answer.json()
        says, effect, ends_in_ms = str(body["error"]["message"]), str(body["error"]["effect"]), body.get("ends_in_ms")
    except (ValueError, KeyError, TypeError, AttributeError):
        says, effect = answer.text[:300], "none" if status < 500 else "unknown"
    doubt = "unknown whether it happened: " if effect != "none" and method != "GET" else ""
    message = f"{doubt}{says} ({method} {urlsplit(answer.url).path}: {status})"
    return ControlError(message, status, effect, ends_in_ms if isinstance(ends_in_ms, int) else None)

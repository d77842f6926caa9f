"""An order is sent until its answer is definite; what is not known in the end is unknown, never failed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from harness.season import asking
from harness.season.asking import SeasonAsker, understood

LOST: tuple[int, dict[str, Any]] = (0, {})


def refusal(code: str, effect: str = "none") -> dict[str, Any]:
    return {"error": {"code": code, "message": "x", "effect": effect}}


@pytest.mark.parametrize(
    ("status", "document", "outcome"),
    [
        pytest.param(200, {"state": "done"}, "done", id="done"),
        pytest.param(200, {"state": "done", "again": True}, "again", id="done before"),
        pytest.param(202, {"state": "pending"}, None, id="its COMMIT is on its way"),
        pytest.param(409, refusal("own_share"), "own_share", id="a refusal"),
        pytest.param(409, refusal("award_processing"), None, id="credit is on its way"),
        pytest.param(410, refusal("share_expired"), "share_expired", id="too late"),
        pytest.param(429, refusal("too_fast"), None, id="too many requests"),
        pytest.param(404, {}, "404", id="a refusal that gives no code"),
        pytest.param(503, refusal("degraded"), None, id="the ledger is away"),
        pytest.param(500, refusal("internal", "unknown"), None, id="it may have happened"),
        pytest.param(*LOST, None, id="no answer"),
    ],
)
def test_what_an_answer_says(status: int, document: dict[str, Any], outcome: str | None) -> None:
    assert understood(status, document) == outcome


class Answer:
    """As aiohttp has it."""

    def __init__(self, status: int, document: object) -> None:
        self.status, self._document = status, document

    async def json(self) -> object:
        return self._document


class Session:
    """Gives the answers in their order, the last one for ever; status 0 is a broken connection."""

    def __init__(self, answers: Sequence[tuple[int, object]]) -> None:
        self.answers, self.sent = list(answers), []  # type: ignore[var-annotated]

    @asynccontextmanager
    async def request(self, method: str, url: str, **more: Any) -> AsyncIterator[Answer]:
        self.sent.append((method, url, more["json"], more["headers"]))
        status, document = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if not status:
            raise aiohttp.ClientConnectionError
        yield Answer(status, document)


def asked(answers: Sequence[tuple[int, object]], rounds: int = 99, tag: str | None = None) -> tuple[Any, Any, Any]:
    """The answer of one order, the asker, the session. The time is over after so many looks at it."""
    session, looks = Session(answers), iter([False] * rounds)

    async def run() -> tuple[dict[str, Any], SeasonAsker]:
        asker = SeasonAsker(session, "http://play/", {7: "7.9.ff"}, tag, lambda: next(looks, True))  # type: ignore[arg-type]
        return await asker.ask("gift", 7, "/v1/cards/gift", {"key": "k"}), asker

    answer, asker = asyncio.run(run())
    return answer, asker, session


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PAUSE_S", 0.0)


def test_the_same_order_again_until_it_is_definite() -> None:
    answer, asker, session = asked([LOST, (202, {}), (429, {}), (503, {}), (200, {"state": "done", "kind": 3})])
    assert answer["kind"] == 3
    assert (asker.outcomes, asker.repeats) == ({"gift": {"done": 1}}, 4)
    order = ("POST", "http://play/v1/cards/gift", {"key": "k"}, {"Authorization": "Bearer 7.9.ff"})
    assert session.sent == [order] * 5


def test_a_refusal_is_counted_by_its_code_and_no_answer() -> None:
    answer, asker, _ = asked([(409, refusal("card_not_owned"))])
    assert (answer, asker.outcomes, asker.repeats) == ({}, {"gift": {"card_not_owned": 1}}, 0)


@pytest.mark.parametrize(
    ("rounds", "outcome"), [(0, "unsent"), (3, "unknown")], ids=["it was never sent", "nobody ever knew"]
)
def test_when_the_time_is_over(rounds: int, outcome: str) -> None:
    answer, asker, session = asked([(202, {})], rounds)
    assert (answer, asker.outcomes, len(session.sent)) == ({}, {"gift": {outcome: 1}}, rounds)


def test_an_answer_without_sense_is_none() -> None:
    _, asker, _ = asked([(200, "x"), (200, {"state": "done"})])
    assert (asker.outcomes, asker.repeats) == ({"gift": {"done": 1}}, 1)


def test_the_stress_lanes_users_carry_its_tag() -> None:
    _, _, session = asked([(200, {})], tag="run-1.9.ff")
    assert session.sent[0][3] == {"Authorization": "Bearer 7.9.ff", "X-Xiu-Tag": "run-1.9.ff"}

"""Every answer is whole HTTP with the body interface.md gives it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from system.contract.metrics import REFUSAL_CODES, TAP_OUTCOMES
from system.front import answers
from system.front.answers import HttpAnswer
from system.front.metrics import TAP_KINDS
from system.front.seam import SettledWin

WIN = SettledWin(packet=17, fen=188, sponsor=3, time_us=1)


def parts(raw: bytes) -> tuple[int, dict[str, str], Any]:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ") for line in lines)
    assert int(headers["Content-Length"]) == len(body)
    return int(first.split(" ")[1]), headers, json.loads(body)


@pytest.mark.parametrize(
    ("answer", "status", "body", "kind"),
    [
        pytest.param(answers.lose(143), 200, {"won": False, "next_ms": 143}, "lose", id="lose"),
        pytest.param(
            answers.won(9, WIN, repeat=False),
            200,
            {"won": True, "award": "9-17", "fen": 188, "sponsor": 3, "repeat": False},
            "win",
            id="win",
        ),
        pytest.param(
            answers.won(9, WIN, repeat=True),
            200,
            {"won": True, "award": "9-17", "fen": 188, "sponsor": 3, "repeat": True},
            "repeat",
            id="shown again",
        ),
        pytest.param(answers.PENDING, 202, {"pending": True}, "pending", id="pending: no amount, no promise"),
    ],
)
def test_answers_to_taps(answer: HttpAnswer, status: int, body: dict[str, object], kind: str) -> None:
    assert parts(answer.keep)[::2] == (status, body)
    assert parts(answer.close)[::2] == (status, body)
    assert TAP_KINDS[answer.kind] == kind


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (answers.BAD_REQUEST, 400, "bad_request"),
        (answers.BAD_TOKEN, 401, "bad_token"),
        (answers.BAD_TAG, 403, "bad_tag"),
        (answers.UNKNOWN_ROUND, 404, "unknown_round"),
        (answers.ALLOW_POST, 405, "method_not_allowed"),
        (answers.ALLOW_GET, 405, "method_not_allowed"),
        (answers.REQUEST_TIMEOUT, 408, "request_timeout"),
        (answers.not_open(1), 409, "not_open"),
        (answers.ROUND_OVER, 410, "round_over"),
        (answers.TOO_LARGE, 413, "too_large"),
        (answers.FOREIGN_USER, 421, "foreign_user"),
        (answers.TOO_FAST, 429, "too_fast"),
        (answers.HEADERS_TOO_LARGE, 431, "headers_too_large"),
        (answers.DEGRADED, 503, "degraded"),
    ],
)
def test_refusals_say_that_nothing_happened(answer: HttpAnswer, status: int, code: str) -> None:
    got, headers, body = parts(answer.close)
    assert got == status
    assert body["error"].keys() == {"code", "message", "effect"}
    assert (body["error"]["code"], body["error"]["effect"]) == (code, "none")
    assert headers["Connection"] == "close"
    assert "Connection" not in parts(answer.keep)[1]
    assert TAP_KINDS[answer.kind] == code


def test_every_refusal_and_outcome_of_the_catalogue_can_be_counted() -> None:
    assert set(TAP_KINDS) == (set(TAP_OUTCOMES) | set(REFUSAL_CODES)) - {"refused"}


@pytest.mark.parametrize(("us", "ms"), [(1, 1), (1000, 1), (1001, 2), (2_000_000, 2000)])
def test_not_open_rounds_up(us: int, ms: int) -> None:
    assert parts(answers.not_open(us).keep)[2]["starts_in_ms"] == ms


@pytest.mark.parametrize(
    ("answer", "header"),
    [
        (answers.TOO_FAST, ("Retry-After", "1")),
        (answers.ALLOW_POST, ("Allow", "POST")),
        (answers.BAD_TOKEN, ("WWW-Authenticate", "Bearer")),
    ],
)
def test_headers(answer: HttpAnswer, header: tuple[str, str]) -> None:
    assert header in parts(answer.keep)[1].items()

"""Answers: each kind's meaning, split and surplus bytes, and never a guess."""

from __future__ import annotations

import httptools
import pytest

from harness.engine import answers
from harness.engine.answers import EFFECT_NONE_BIT, STATUS_MASK, AnswerParser
from harness.engine.shots.tap import SHOT as TAP
from system.contract.history import NO_PACKET, Outcome

NONE = b'{"error":{"code":"x","message":"x","effect":"none"}}'
MAYBE = b'{"error":{"code":"x","message":"x","effect":"unknown"}}'
WON = b'{"won":true,"award":"7-42","fen":188,"sponsor":3,"repeat":%s}'


@pytest.mark.parametrize(
    ("status", "body", "outcome", "packet", "fen"),
    [
        pytest.param(200, b'{"won":false,"next_ms":143}', Outcome.LOSE, NO_PACKET, 0, id="a losing tap"),
        pytest.param(200, WON % b"false", Outcome.WIN, 42, 188, id="a win"),
        pytest.param(200, WON % b"true", Outcome.REPEAT, 42, 188, id="a win shown again"),
        pytest.param(200, b'{"won":true}', Outcome.UNKNOWN, NO_PACKET, 0, id="a win without award is not believed"),
        pytest.param(200, b"<html>", Outcome.UNKNOWN, NO_PACKET, 0, id="not JSON"),
        pytest.param(202, b'{"pending":true}', Outcome.PENDING, NO_PACKET, 0, id="pending"),
        pytest.param(429, NONE, Outcome.REFUSED, NO_PACKET, 0, id="too fast"),
        pytest.param(401, b"", Outcome.REFUSED, NO_PACKET, 0, id="a definite 4xx without body"),
        pytest.param(409, MAYBE, Outcome.UNKNOWN, NO_PACKET, 0, id="a 4xx that says it may have happened"),
        pytest.param(503, NONE, Outcome.REFUSED, NO_PACKET, 0, id="degraded on purpose"),
        pytest.param(503, MAYBE, Outcome.UNKNOWN, NO_PACKET, 0, id="a store that did not answer"),
        pytest.param(500, b"", Outcome.UNKNOWN, NO_PACKET, 0, id="a crash"),
        pytest.param(302, b"", Outcome.UNKNOWN, NO_PACKET, 0, id="a status nobody promised"),
    ],
)
def test_meaning(status: int, body: bytes, outcome: Outcome, packet: int, fen: int) -> None:
    answer = TAP.understand(status, body)
    assert (answer.code >> 10 & 7) - 1 == outcome
    assert answer.code & STATUS_MASK == status
    assert (answer.packet, answer.fen) == (packet, fen)
    assert bool(answer.code & EFFECT_NONE_BIT) is (body == NONE)
    assert answer.plain is (outcome in (Outcome.LOSE, Outcome.REFUSED))


def test_a_losing_tap_with_a_ticket_is_a_losing_tap_whose_bytes_are_not_worth_remembering() -> None:
    answer = TAP.understand(200, b'{"won":false,"next_ms":143,"ticket":"live.3.17.42.1790000000.1.00"}')
    assert answer.ticket == "live.3.17.42.1790000000.1.00"
    assert TAP.understand(200, b'{"won":false,"next_ms":143}').ticket == ""
    assert TAP.understand(200, b'{"won":false,"ticket":7}').ticket == "", "no text is no ticket"
    assert ((answer.code >> 10 & 7) - 1, answer.packet, answer.fen) == (Outcome.LOSE, NO_PACKET, 0)
    assert not answer.plain


RAW = b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"won":false}'


@pytest.mark.parametrize("cut", range(1, len(RAW)))
def test_an_answer_split_anywhere(cut: int) -> None:
    parser = AnswerParser()
    assert not parser.feed(RAW[:cut])
    assert parser.feed(RAW[cut:])
    assert (parser.status, parser.body, parser.surplus) == (200, b'{"won":false}', False)


def test_a_second_answer_nobody_asked_for_is_noticed_and_not_mixed_in() -> None:
    parser = AnswerParser()
    assert parser.feed(RAW + RAW.replace(b"200 OK", b"500 Oh"))
    assert (parser.status, parser.body, parser.surplus) == (200, b'{"won":false}', True)


def test_a_connection_that_ends_is_noticed() -> None:
    parser = AnswerParser()
    assert parser.feed(RAW.replace(b"\r\nContent", b"\r\nConnection: close\r\nContent"))
    assert not parser.keep_alive


@pytest.mark.parametrize("status", [100, 102, 103])
@pytest.mark.parametrize("cut", [0, 10, 40, 47, 50, 90])
def test_an_interim_answer_is_read_over(status: int, cut: int) -> None:
    whole = b"HTTP/1.1 %d Wait\r\nLink: </a>; rel=preload\r\n\r\n" % status + RAW
    parser = AnswerParser()
    assert not parser.feed(whole[:cut])
    assert parser.feed(whole[cut:])
    assert (parser.status, parser.body, parser.surplus) == (200, b'{"won":false}', False)


def test_a_body_without_an_end_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "LONGEST", 100)
    parser = AnswerParser()
    assert not parser.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n" + b"." * 100)
    with pytest.raises(httptools.HttpParserError, match="a body of more than 100 bytes"):
        parser.feed(b".")

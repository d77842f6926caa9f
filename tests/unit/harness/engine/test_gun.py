"""What the gun keeps of an answer that it does not know by its bytes: a losing tap's ticket, once."""

from __future__ import annotations

import numpy as np
import pytest

from harness.engine.gun import ClientConnection, Gun
from harness.engine.tape import Tape

TAPS = 4


def fired() -> tuple[Gun, ClientConnection]:
    """A gun with taps of one user, and its connection."""
    places = np.zeros(TAPS, np.int32)
    tape = Tape.of(np.arange(TAPS, dtype=np.int64), places, places, np.zeros(TAPS, np.uint8), np.ones(TAPS, np.uint8))
    gun = Gun(tape, [b""], [[]], 3)
    connection = ClientConnection(gun, 0)
    gun.connections.append(connection)
    return gun, connection


def answer(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def test_tickets_of_losing_taps_are_kept_and_their_answers_are_not_learnt() -> None:
    gun, connection = fired()
    ticket, plain = answer(b'{"won":false,"ticket":"live.1.7.5.9.1.ff"}'), answer(b'{"won":false}')
    for tap, data in enumerate((ticket, plain, ticket, plain)):
        connection.tap = tap
        connection.data_received(data)
    assert list(gun.tape.tickets) == ["live.1.7.5.9.1.ff"]
    assert list(connection.known) == [plain]
    assert len(gun.finished) == TAPS


def fed(*bodies: bytes) -> Gun:
    """A gun that got these answers, one a tap."""
    gun, connection = fired()
    for tap, body in enumerate(bodies):
        connection.tap = tap
        connection.data_received(answer(body))
    return gun


def test_another_ticket_of_a_known_length_is_read_without_a_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = b'{"won":false,"ticket":"live.1.7.5.9.1.ff"}', b'{"won":false,"ticket":"live.1.7.6.9.1.0a"}'
    gun, connection = fired()
    connection.tap = 0
    connection.data_received(answer(first))
    monkeypatch.setattr("harness.engine.gun.AnswerParser", None)
    for tap in (1, 2):
        connection.tap = tap
        connection.data_received(answer(second))
    assert list(gun.tape.tickets) == ["live.1.7.5.9.1.ff", "live.1.7.6.9.1.0a"]
    assert len(set(gun.tape.code[:3])) == 1
    assert not connection.known
    assert list(gun.finished) == [0, 1, 2]


@pytest.mark.parametrize(
    ("body", "tickets"),
    [
        pytest.param(b'{"won":false,"ticket":"li","ticket":"1.1.f"}', ["1.1.f"], id="a second field"),
        pytest.param(b'{"won":false,"ticket":"live\\u002e5.9.1.ff"}', ["live.5.9.1.ff"], id="an escape"),
        pytest.param(b'{"won":false,"ticket":"live.1.7.5 9.1.ff"}', ["live.1.7.5 9.1.ff"], id="a blank"),
        pytest.param(b'{"won":true ,"ticket":"live.1.7.5.9.1.ff"}', [], id="won without an award: unknown"),
    ],
)
def test_what_is_as_long_and_is_more_than_another_ticket_is_parsed(body: bytes, tickets: list[str]) -> None:
    known = b'{"won":false,"ticket":"live.1.7.5.9.1.ff"}'.ljust(len(body))
    gun, alone = fed(known, body), fed(body)
    assert list(gun.tape.tickets)[1:] == tickets if tickets != ["live.1.7.5.9.1.ff"] else True
    assert gun.tape.code[1] == alone.tape.code[0]

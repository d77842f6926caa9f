"""What the gun keeps of an answer that it does not know by its bytes: a losing tap's ticket, once."""

from __future__ import annotations

import numpy as np

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

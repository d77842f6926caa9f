"""Follow-ups: an answer decides what the next slot sends, never when; a slot with nothing to follow is unfed."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest

from harness.engine import shots
from harness.engine.answers import UNANSWERED, UNFED, outcomes_of
from harness.engine.followers import Follower, feed, outcomes_named
from harness.engine.gun import HUNGRY, ClientConnection, Gun
from harness.engine.results import counts
from harness.engine.shot import Aim, People
from harness.engine.tally import Tally
from harness.engine.tape import Tape
from system.contract.history import Kind

TOKENS = [b"100.9.aa", b"101.9.bb", b"102.9.cc"]
AIM = Aim("play:1", 7, None)
NS = 1_000_000_000
MINE = len(TOKENS)
"""Index of the first user of the journey that follows."""


class Rig:
    """Two journeys on one tape: taps at 0, 2, 4, …, their follow-ups at 1, 3, 5, …; what is sent goes into a pipe."""

    def __init__(self, shot: str, on: tuple[str, ...], each: int = 1, patience_s: float | None = None) -> None:
        slots = 8
        journey = np.arange(slots, dtype=np.uint8) % 2
        users = np.where(journey == 0, 1, MINE).astype(np.int32)
        kinds = np.where(journey == 0, Kind.TAP, Kind.OTHER).astype(np.uint8)
        places = journey.astype(np.int32)
        tape = Tape.of(np.arange(slots, dtype=np.int64), places, users, kinds, np.ones(slots, np.uint8), journey)
        tap, other = shots.find("tap"), shots.find(shot)
        requests = [*tap.requests(AIM, TOKENS), *other.requests(AIM, TOKENS)]
        self.gun = Gun(tape, requests, [[], []], None, (tap, other), following=(1,))
        self.reads, self.writes = os.pipe()
        for number in range(2):
            connection = ClientConnection(self.gun, number, number)
            connection.tap, connection.fd = connection.rest, self.writes
            self.gun.connections.append(connection)
        self.tally = Tally(self.gun, ("tap", "follow"))
        owner = np.full(len(TOKENS), 1, np.int32)
        self.follower = Follower(
            self.gun, 1, 0, People(AIM, TOKENS), (0, MINE), owner, requests[MINE:], outcomes_named(tap, on), each,
            patience_s,
        )  # fmt: skip

    def send(self) -> bytes:
        """Everything that is due."""
        self.gun.pace()
        os.set_blocking(self.reads, False)
        try:
            return os.read(self.reads, 1 << 16)
        except BlockingIOError:
            return b""

    def answered(self, body: bytes, status: bytes = b"200 OK") -> None:
        """The tap that waits is answered, and what follows is put by."""
        data = b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)
        self.gun.connections[0].data_received(data)
        self.fed()

    def fed(self, now: int = 0) -> None:
        feed([self.follower], self.tally.take(), now)


@pytest.fixture
def rig() -> Iterator[Rig]:
    one = Rig("wallet", ("win",))
    yield one
    os.close(one.reads)
    os.close(one.writes)


WIN = b'{"won":true,"award":"7-42","fen":5}'


def test_a_slot_with_nothing_to_follow_is_unfed_and_the_counts_close(rig: Rig) -> None:
    rig.gun.end = 4
    assert b"/v1/wallet" not in rig.send()
    tape = rig.gun.tape
    assert outcomes_of(tape.codes())[[1, 3]].tolist() == [UNFED, UNFED]
    assert rig.gun.connections[1].tap == HUNGRY
    assert tape.sent[1] == 0
    assert tape.reached[1] > 0
    own = counts(tape.codes()[[1, 3]], tape.times(tape.sent)[[1, 3]], 2, shots.find("wallet"))
    assert (own["scheduled"], own["sent"], own["unfed"], own["unsent"]) == (2, 0, 2, 0)
    assert not any(own["residues"].values())
    rig.fed()
    told = rig.tally.cumulative()["beside"][0]
    assert (told["sent"], told["unfed"], told["answered"]) == (0, 2, 0)
    assert told["response_us"] == []


def test_the_next_slot_sends_what_an_answer_left_for_the_user_of_that_answer(rig: Rig) -> None:
    rig.gun.end = 2
    rig.send()
    rig.answered(WIN)
    rig.gun.end = 4
    sent = rig.send()
    assert b"GET /v1/wallet?award=7-42 HTTP/1.1" in sent
    assert b"Bearer 101.9.bb" in sent
    assert rig.gun.tape.user[3] == MINE + 1
    assert rig.gun.tape.notes == {}


def test_an_answer_of_another_outcome_leaves_nothing(rig: Rig) -> None:
    rig.gun.end = 2
    rig.send()
    rig.answered(b'{"won":false}')
    rig.gun.end = 4
    assert b"/v1/wallet" not in rig.send()


def test_a_slot_that_waits_for_its_connection_takes_from_the_pool_when_it_is_free(rig: Rig) -> None:
    rig.gun.end = 1
    rig.send()
    rig.answered(WIN)
    rig.gun.end = 4  # the slot at 1 is sent, the one at 3 waits
    rig.send()
    assert len(rig.gun.connections[1].queue) == 1
    rig.gun.connections[1].data_received(b'HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{"balance_fen": 5}')
    assert outcomes_of(rig.gun.tape.codes())[3] == UNFED
    assert rig.gun.waiting == 0
    assert rig.gun.connections[1].tap == HUNGRY


def test_a_probe_has_no_follow_up(rig: Rig) -> None:
    rig.gun.tape.kinds[0] = Kind.FORGED
    rig.gun.end = 1
    rig.send()
    rig.answered(WIN)
    assert not rig.gun.journeys[1].pool(1)


def test_who_has_no_answer_in_time_is_followed_once() -> None:
    one = Rig("again", ("refused",), patience_s=1.0)
    one.gun.end = 1
    one.send()
    one.fed(NS // 2)
    assert not one.gun.journeys[1].pool(1)
    one.fed(2 * NS)
    one.fed(3 * NS)
    ((who, request),) = one.gun.journeys[1].pool(1)
    assert (who, request[:22]) == (MINE + 1, b"POST /v1/rounds/7/taps")
    one.gun._finish(0, UNANSWERED, 4 * NS)
    one.fed(5 * NS)
    assert len(one.gun.journeys[1].pool(1)) == 1
    os.close(one.reads)
    os.close(one.writes)


def test_claims_follow_a_share_for_so_many_friends_none_of_them_the_owner() -> None:
    made = shots.find("claim").follow(People(AIM, TOKENS), 1, "the-link", 2)  # type: ignore[attr-defined]
    assert [who for who, _ in made] == [2, 0]
    assert all(b'{"link":"the-link"}' in request for _, request in made)
    assert shots.find("claim").follow(People(AIM, TOKENS), 1, "", 2) == []  # type: ignore[attr-defined]


def test_an_outcome_that_the_followed_shot_has_not_is_named() -> None:
    with pytest.raises(ValueError, match="outcomes won of tap; expected of"):
        outcomes_named(shots.find("tap"), ("won",))

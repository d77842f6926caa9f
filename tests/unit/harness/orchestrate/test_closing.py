"""A round is closed when control says that it is over: no estimated clock is asked, and *not yet* is asked again."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from harness.control_client import ControlAway, ControlClient, ControlError
from harness.orchestrate import closing

SLOW_S = 0.04
"""The way out takes so long, the way back next to nothing."""


@dataclass
class Rounds:
    """What control would know: when each round ends (µs), which are closed, what it refused."""

    ends_us: dict[int, int] = field(default_factory=dict)
    closed: set[int] = field(default_factory=set)
    refused: int = 0
    away: int = 0
    """So many requests get no answer."""
    broken: bool = False
    cannot: int = 0
    """So many questions are answered 503: control's ledger is away."""
    babbles: int = 0
    """So many are answered 200 with what says nothing."""


class Handler(BaseHTTPRequestHandler):
    rounds: Rounds
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one piece: else the way back takes 40 ms, too

    def hindered(self) -> bool:
        rounds = self.rounds
        if rounds.cannot:
            rounds.cannot -= 1
            self.answer(503, {"error": {"message": "the ledger is away", "effect": "none"}})
            return True
        if rounds.babbles:
            rounds.babbles -= 1
            self.answer(200, [None, {"now_us": "soon"}, {"switches": 7}, "half of"][rounds.babbles % 4])
            return True
        return False

    def do_GET(self) -> None:
        if self.hindered():
            return
        if self.path == "/v1/clock":
            threading.Event().wait(SLOW_S)
            self.answer(200, {"now_us": time.time_ns() // 1000})
            return
        number = int(self.path.split("/")[3])
        state = "closed" if number in self.rounds.closed else "armed"
        zero = dict.fromkeys(
            ("budget_fen", "credited_fen", "suspense_fen", "refunded_fen", "leased_packets", "postings", "suspended"), 0
        )
        self.answer(200, {"round": number, "state": state, "waiting_for": ["front 0"], **zero})

    def do_POST(self) -> None:
        number, now_us = int(self.path.split("/")[3]), time.time_ns() // 1000
        if self.hindered():
            return
        if self.rounds.away:
            self.rounds.away -= 1
            self.close_connection = True
            return
        if self.rounds.broken:
            self.answer(404, {"error": {"message": "no such round"}})
        elif now_us < self.rounds.ends_us[number]:
            self.rounds.refused += 1
            self.answer(409, {"error": {"message": f"round {number} ends later; close it then"}})
        else:
            self.rounds.closed.add(number)
            public = dict.fromkeys(("packets", "budget_fen", "start_us", "end_us", "release_ms"), 1)
            self.answer(200, {"round": number, "lane": "live", "state": "closing", "sponsors": [], **public,
                              "commitment": ""})  # fmt: skip

    def answer(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def rounds() -> Rounds:
    return Rounds()


@pytest.fixture
def control(rounds: Rounds) -> Iterator[ControlClient]:
    handler = type("Here", (Handler,), {"rounds": rounds})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    client = ControlClient(f"http://127.0.0.1:{server.server_address[1]}", "", "token")
    try:
        yield client
    finally:
        client.close()
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_slow_way_to_controls_clock_closes_no_round_too_early(control: ControlClient, rounds: Rounds) -> None:
    for number in range(1, 13):
        rounds.ends_us[number] = time.time_ns() // 1000 + 20_000 + 5_000 * number
        assert closing.over(control, rounds.ends_us[number], 30)
        assert closing.close(control, number, 30) == ""
    assert rounds.closed == set(rounds.ends_us)
    assert rounds.refused == 0


def test_not_over_yet_and_no_answer_are_asked_again(control: ControlClient, rounds: Rounds) -> None:
    rounds.ends_us[1] = time.time_ns() // 1000 + 60_000_000
    rounds.away = 1

    def asked() -> None:
        """Over once it was refused, however late that was."""
        if rounds.refused:
            rounds.ends_us[1] = 0
        control.ask_close(1)

    assert closing.close(control, 1, 30, ask=asked) == ""
    assert (rounds.away, rounds.refused) == (0, 1)


@pytest.mark.parametrize("ill", ["cannot", "babbles"])
def test_a_control_that_cannot_now_or_says_nothing_is_asked_again(
    control: ControlClient, rounds: Rounds, ill: str
) -> None:
    setattr(rounds, ill, 4)
    rounds.ends_us[1] = time.time_ns() // 1000
    assert closing.over(control, rounds.ends_us[1], 30)
    setattr(rounds, ill, 5)
    assert closing.close(control, 1, 30) == ""
    setattr(rounds, ill, 1_000_000)
    assert closing.close(control, 1, 0.2) != ""


def test_an_answer_without_sense_is_no_answer(control: ControlClient, rounds: Rounds) -> None:
    rounds.babbles = 1_000_000
    for _ in range(4):
        for ask in (
            control.clock_us,
            control.switches,
            control.topology,
            control.open_rounds,
            lambda: control.money(1),
        ):
            with pytest.raises(ControlAway, match="without sense"):
                ask()
        with pytest.raises(ControlAway, match="unknown whether it happened"):
            control.ask_close(1)


def test_what_is_missing_at_the_deadline_is_told(control: ControlClient, rounds: Rounds) -> None:
    rounds.ends_us[1] = time.time_ns() // 1000 + 60_000_000
    assert "ends later; close it then" in closing.close(control, 1, 0.1)
    assert not closing.over(control, rounds.ends_us[1], 0.1)
    assert not closing.over(control, rounds.ends_us[1], 5, give_up=lambda: True)
    rounds.broken = True
    with pytest.raises(ControlError, match="no such round"):
        closing.close(control, 1, 5)


def test_a_question_is_insisted_on_until_its_deadline(control: ControlClient, rounds: Rounds) -> None:
    rounds.cannot = 3
    assert closing.insist(control.clock_us, time.monotonic() + 30) > 0
    rounds.cannot = 1_000_000
    with pytest.raises(ControlError, match="the ledger is away"):
        closing.insist(control.clock_us, time.monotonic() + 0.1)

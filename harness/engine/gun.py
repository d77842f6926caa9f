"""The hot loop: paces taps, writes requests, takes answers. Allocates next to nothing, and sends late requests too.

A tap whose connection is busy or down waits in that connection's queue: the wait is the system's (*queued*), never the
generator's (*lag*). One request is in flight on a connection.
"""

from __future__ import annotations

import asyncio
import os
from array import array
from collections import deque
from collections.abc import Callable, Collection, Sequence
from time import monotonic_ns
from typing import Any, TypeVar, cast

import httptools

from harness.engine import shots
from harness.engine.answers import DROPPED, KNOWN_MAX, UNANSWERED, UNFED, AnswerParser, ParsedAnswer, code_of
from harness.engine.shot import Shot
from harness.engine.tape import NEVER, Tape
from system.contract.history import NO_PACKET

IDLE, DOWN, HUNGRY = -1, -2, -3
"""HUNGRY: idle, of a journey whose requests are made of what earlier answers left."""
BATCH = 128  # taps paced before answers are looked at again
POOL_MAX = 50_000
"""Follow-ups that wait at most; beyond that the one that waited longest is forgotten."""
STARVED_NS = 200_000  # overdue by this much, the next answer paces without waiting for the tick
Meaning = TypeVar("Meaning")
_NOTHING_KNOWN: dict[bytes, int] = {}
Pool = deque[tuple[int, bytes]]
"""User and whole request of each follow-up that waits for its slot."""


class GunJourney:
    """The gun's data of one journey: its shot, and the meaning of answers whose bytes it has seen.

    ``pools``: of a journey that follows another, by front: user and whole request of each follow-up that waits for its
    slot. ``keeps``: do others follow it, so that what its answers say is kept?
    """

    __slots__ = ("abandoned", "keeps", "known", "pools", "settled", "shot", "ticketed")

    def __init__(self, shot: Shot, follows: bool = False) -> None:
        self.shot = shot
        self.pools: dict[int, Pool] | None = {} if follows else None
        self.keeps = False
        self.known: dict[bytes, int] = {}
        self.settled: dict[bytes, tuple[int, int]] = {}  # a settled win's answer → its code, the award's place
        self.ticketed: dict[int, tuple[bytes, bytes, int]] = {}  # length → what is around a ticket, the answer's code
        self.abandoned = 0  # reached, but never sent because sending had stopped

    def pool(self, front: int) -> Pool:
        """Of the follow-ups for that front."""
        assert self.pools is not None
        return self.pools.setdefault(front, deque(maxlen=POOL_MAX))


class ClientConnection(asyncio.Protocol):
    """One keep-alive connection of one journey: at most one tap in flight (``tap``), the rest in ``queue``.

    ``front``: index of its address among all that the gun sends to.
    """

    __slots__ = (
        *("code", "done", "fd", "finished", "front", "gun", "journey", "known", "parser", "pool", "queue"),
        *("rest", "tap", "transport"),
    )

    def __init__(self, gun: Gun, front: int, journey: int = 0) -> None:
        self.gun, self.front, self.journey = gun, front, gun.journeys[journey]
        self.done, self.code, self.finished = gun.tape.done, gun.tape.code, gun.finished.append
        self.known = self.journey.known
        self.pool = None if self.journey.pools is None else self.journey.pool(front)
        self.rest = IDLE if self.pool is None else HUNGRY
        self.parser: AnswerParser | None = None
        self.queue: deque[int] = deque()
        self.tap = DOWN
        self.fd: Any = -1  # what `gun.write` writes to
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.tap = cast(asyncio.Transport, transport), self.rest
        self.fd = self.gun.way_out(self.transport)
        self.gun.next_of(self)

    def data_received(self, data: bytes) -> None:
        now = monotonic_ns()
        code = self.known.get(data)
        tap = self.tap
        if code is None or tap < 0:
            self.gun.unfamiliar(self, data, now)
            return
        self.done[tap] = now
        self.code[tap] = code
        self.finished(tap)
        if self.queue:
            self.gun.next_of(self)
        else:
            self.tap = self.rest
        if now > self.gun.starved:
            self.gun.pace()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.transport is not None:
            self.gun.broken(self)


def _socket_of(transport: asyncio.Transport) -> int:
    number: int = transport.get_extra_info("socket").fileno()
    return number


def _itself(transport: asyncio.Transport) -> asyncio.Transport:
    return transport


def _written(transport: asyncio.Transport, data: bytes) -> None:
    transport.write(data)


def _remember(answers: dict[bytes, Meaning], data: bytes, meaning: Meaning) -> None:
    if len(answers) >= KNOWN_MAX:
        answers.clear()
    answers[data] = meaning


def _learn_around(journey: GunJourney, data: bytes, answer: ParsedAnswer) -> None:
    before, ticket, after = data.partition(answer.ticket.encode())
    if ticket not in after and before.endswith(b'"') and after.startswith(b'"'):
        journey.ticketed[len(data)] = before, after, answer.code


def _ticket_in(journey: GunJourney, data: bytes) -> str:
    """The ticket of an answer that equals one seen before in all but the ticket; else empty.

    The same length, the same head, and between two quotation marks letters, digits and dots alone: whoever parses it
    finds the same answer with another ticket.
    """
    around = journey.ticketed.get(len(data))
    if around is None or not data.startswith(around[0]) or not data.endswith(around[1]):
        return ""
    ticket = data[len(around[0]) : -len(around[1])]
    return ticket.decode() if ticket.replace(b".", b"").isalnum() else ""


class Gun:
    """Fires one tape. ``requests``: bytes of each user's request, by user index; each journey's users are its own.

    ``fired``: the shot of each journey; journey 0 taps. ``raw``: requests are small, and the sockets plain.
    ``following``: journeys that follow others.
    """

    def __init__(
        self,
        tape: Tape,
        requests: list[bytes],
        reserve: list[list[int]],
        taps_after_win: int | None,
        fired: Sequence[Shot] = (),
        raw: bool = True,
        following: Collection[int] = (),
    ) -> None:
        self.tape, self.requests, self.reserve, self.taps_after_win = tape, requests, reserve, taps_after_win
        # A whole small request goes into a plain socket at once; any other is asyncio's to cut, or to encrypt.
        self.way_out: Callable[[asyncio.Transport], Any] = _socket_of if raw else _itself
        self.write: Callable[[Any, bytes], object] = os.write if raw else _written
        self.journeys = [
            GunJourney(shot, number in following) for number, shot in enumerate(fired or (shots.find(shots.TAP),))
        ]
        self.connections: list[ClientConnection] = []
        self.down: deque[ClientConnection] = deque()
        self.wake: Callable[[], None] = lambda: None
        self.finished: array[int] = array("i")  # taps with an outcome, in the order they came; the tally empties it
        self.next = 0
        self.end = len(tape)
        self.starved = NEVER
        self.now_of: list[int] = list(range(len(requests)))  # user planned → user now, after winners were replaced
        self.planned_of: dict[int, int] = {}
        self.after_win: dict[int, int] = {}
        self.waiting = 0  # taps in the queues of all connections
        self.surprises = 0
        self.breaks = 0

    def open_fire(self) -> None:
        self.starved = self.tape.intended[self.next] + STARVED_NS

    def cease_fire(self, until: int | None = None) -> None:
        """No further tap is paced or sent; what is in flight may still be answered."""
        self.end = min(self.end, self.next if until is None else until)
        self.starved = NEVER
        if until is None:
            self._abandon()

    def _abandon(self) -> None:
        for connection in self.connections:
            connection.journey.abandoned += len(connection.queue)
            connection.queue.clear()
        self.waiting = 0

    def pace(self) -> None:
        """Sends or queues what is due, at most BATCH taps."""
        tape, connections, now_of, requests = self.tape, self.connections, self.now_of, self.requests
        tap, end = self.next, min(self.end, tape.dealt, self.next + BATCH)
        intended, reached, sent, user, carrier = tape.intended, tape.reached, tape.sent, tape.user, tape.connection
        clock, write = monotonic_ns, self.write
        while tap < end:
            now = clock()
            if intended[tap] > now:
                break
            reached[tap] = now
            connection = connections[carrier[tap]]
            if connection.tap == IDLE:
                who = now_of[user[tap]]
                user[tap] = who
                connection.tap = tap
                sent[tap] = now
                try:
                    write(connection.fd, requests[who])
                except OSError:
                    self.broken(connection)
            elif connection.tap == HUNGRY:
                self._follow(connection, tap)
            else:
                connection.queue.append(tap)
                self.waiting += 1
            tap += 1
        self.next = tap
        self.starved = intended[tap] + STARVED_NS if tap < self.end else NEVER

    def _follow(self, connection: ClientConnection, tap: int) -> None:
        """Sends what an earlier answer left; where nothing is left the slot stays empty, and is counted as that."""
        pool = connection.pool
        if not pool:
            self._finish(tap, code_of(UNFED, 0), monotonic_ns())
            return
        self.tape.user[tap], request = pool.popleft()
        connection.tap = tap
        self.tape.sent[tap] = monotonic_ns()
        try:
            self.write(connection.fd, request)
        except OSError:
            self.broken(connection)

    def send(self, connection: ClientConnection, tap: int) -> None:
        tape = self.tape
        who = self.now_of[tape.user[tap]]
        tape.user[tap] = who
        connection.tap = tap
        tape.sent[tap] = monotonic_ns()
        try:
            self.write(connection.fd, self.requests[who])
        except OSError:
            self.broken(connection)

    def next_of(self, connection: ClientConnection) -> None:
        """Sends the connection's next waiting tap, if there is one."""
        queue = connection.queue
        connection.tap = connection.rest
        while queue and connection.tap == HUNGRY:
            self.waiting -= 1
            self._follow(connection, queue.popleft())
        if queue and connection.tap == IDLE:
            self.waiting -= 1
            self.send(connection, queue.popleft())

    def unfamiliar(self, connection: ClientConnection, data: bytes, now: int) -> None:
        """An answer that the lookup does not know: new, split, with an award in it, or not asked for."""
        if connection.tap < 0:
            self.surprises += 1
            self.broken(connection)
            return
        whole = connection.parser is None
        tap, journey = connection.tap, connection.journey
        if whole and (again := journey.settled.get(data)) is not None:
            code, self.tape.award[tap] = again
            self._finish(tap, code, now)
            self._retire(self.tape.user[tap], connection.front)
            self.next_of(connection)
            return
        if whole and (ticket := _ticket_in(journey, data)):
            self._finish(tap, journey.ticketed[len(data)][2], now)
            self.tape.saw(ticket)
            if journey.keeps:
                self.tape.notes[tap] = ticket
            self.next_of(connection)
            return
        parser = connection.parser or AnswerParser()
        try:
            complete = parser.feed(data)
        except httptools.HttpParserError:
            self.surprises += 1
            self.broken(connection)
            return
        if not complete:
            connection.parser, connection.known = parser, _NOTHING_KNOWN
            return
        connection.parser, connection.known = None, journey.known
        answer = journey.shot.understand(parser.status, parser.body)
        self._finish(tap, answer.code, now)
        if answer.note and journey.keeps:
            self.tape.notes[tap] = answer.note
        place = 0
        if answer.packet != NO_PACKET:
            place = self.tape.award_place(tap, (answer.packet, answer.fen))
            self._retire(self.tape.user[tap], connection.front)
        elif answer.ticket:
            self.tape.saw(answer.ticket)
        if parser.surplus or not parser.keep_alive:
            self.surprises += parser.surplus
            connection.tap = IDLE
            self.broken(connection)
            return
        if answer.plain and whole:
            _remember(journey.known, data, answer.code)
        elif answer.settled and whole:
            _remember(journey.settled, data, (answer.code, place))
        elif answer.ticket and whole:
            _learn_around(journey, data, answer)
        self.next_of(connection)

    def _finish(self, tap: int, code: int, now: int) -> None:
        self.tape.done[tap] = now
        self.tape.code[tap] = code
        self.finished.append(tap)

    def _retire(self, user: int, front: int) -> None:
        """A winner is shown the win a few times more, and then a user of the reserve takes the place."""
        if self.taps_after_win is None:
            return
        left = self.after_win.get(user, self.taps_after_win)
        if left > 0:
            self.after_win[user] = left - 1
        elif self.reserve[front]:
            planned = self.planned_of.pop(user, user)
            heir = self.reserve[front].pop()
            self.now_of[planned] = heir
            self.planned_of[heir] = planned
            self.after_win.pop(user, None)

    def broken(self, connection: ClientConnection) -> None:
        """The connection is gone: what was in flight is unknown; what waits goes on waiting for the next connection."""
        tap, transport = connection.tap, connection.transport
        connection.tap, connection.transport, connection.fd = DOWN, None, -1
        connection.parser, connection.known = None, connection.journey.known
        if tap >= 0:
            self._finish(tap, UNANSWERED, monotonic_ns())
        if transport is not None:
            transport.abort()
        self.breaks += 1
        self.down.append(connection)
        self.wake()

    def expire(self, connections: list[ClientConnection], now: int, timeout_ns: int, queue_timeout_ns: int) -> None:
        """Gives up what was sent too long ago, and drops what has waited too long to be sent at all."""
        for connection in connections:
            if connection.tap >= 0 and self.tape.sent[connection.tap] + timeout_ns < now:
                self.broken(connection)
            queue = connection.queue
            while queue and self.tape.reached[queue[0]] + queue_timeout_ns < now:
                self.waiting -= 1
                self._finish(queue.popleft(), code_of(DROPPED, 0), now)

    def give_up(self) -> None:
        """End of the drain: what is still in flight is unknown, at its age."""
        now = monotonic_ns()
        for connection in self.connections:
            if connection.tap >= 0:
                self._finish(connection.tap, UNANSWERED, now)
                connection.tap = DOWN
        self._abandon()

    @property
    def abandoned(self) -> int:
        """Reached, but never sent because sending had stopped."""
        return sum(journey.abandoned for journey in self.journeys)

    @property
    def idle(self) -> bool:
        return not self.waiting and all(connection.tap < 0 for connection in self.connections)

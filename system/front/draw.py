"""The draw: what becomes of a tap whose sender is known, steps 3 to 9 of a tap.

Never awaits; a losing tap costs lookups alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Protocol

from system.contract.ids import LANES
from system.contract.switches import Tables
from system.front import answers
from system.front.answers import HttpAnswer
from system.front.glimpse import Glimpse
from system.front.limiter import Limiter
from system.front.seam import DrawRound, FrontContext, SettledWin
from system.front.tickets import TicketBook
from system.settings import FrontSettings
from system.tickets import TicketOffice

MINUTE_US = 60_000_000
_MIX = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1
_BOOKS_MAX = 64


class Replier(Protocol):
    """Takes an answer that is not known yet."""

    def later(self) -> Callable[[HttpAnswer], None]:
        """Keeps the answer's place in the order of answers; the function that it returns takes the answer, once."""
        ...


class Draw:
    """The rules of a tap over the rounds of one front."""

    __slots__ = (
        "_accept_stress",
        "_award",
        "_book",
        "_book_round",
        "_books",
        "_fronts",
        "_limiter",
        "_lose",
        "_me",
        "_next_ms",
        "_office",
        "_round_id",
        "_seen",
        "_shed_percent",
        "_shown",
        "_switches",
        "_taps",
        "_ticket_key",
        "_too_fast",
        "_until_us",
        "_users",
        "delay_s",
        "front",
        "stopping",
        "tickets",
    )

    def __init__(self, front: FrontContext, settings: FrontSettings, tickets: list[int] | None = None) -> None:
        """`tickets`: how many were given, by lane, added to here."""
        self.front = front
        self.tickets = tickets if tickets is not None else [0 for _ in LANES]
        self.stopping = False
        self.delay_s: tuple[float, ...] = ()
        """By lane, as LANES has them; empty while no lane is delayed."""
        self._me = settings.front
        self._fronts = len(settings.topology.fronts)
        self._limiter = Limiter(settings.limiter_rate_per_s, settings.limiter_burst, settings.limiter_slots)
        self._next_ms = -(-1000 // settings.limiter_rate_per_s)
        self._lose = answers.lose(self._next_ms)
        self._office = TicketOffice(settings.secret)
        self._books: dict[int, TicketBook] = {}
        self._book: TicketBook | None = None
        self._book_round = -1
        self._ticket_key: tuple[int, ...] = ()
        self._switches: Tables = {}
        self._award: tuple[bool, ...] = ()
        self._shed_percent: tuple[int, ...] = ()
        self._accept_stress = True
        # What was seen of one round in one minute; `_turn` puts it aside at the first tap of another.
        self._round_id = -1
        self._until_us = 0
        self._taps = 0
        self._too_fast = 0
        self._users: list[int] = []
        self._shown: dict[int, int] = {}
        self._seen: list[Glimpse] = []
        self.follow_switches()

    def follow_switches(self) -> None:
        """Takes over the front's switches, by lane, prepared so that a tap needs one lookup and no comparison."""
        switches = self._switches = self.front.switches
        self._award = tuple(switches[lane]["draw.award"] == 1 for lane in LANES)
        self._accept_stress = switches["stress"]["stress.accept"] == 1
        self._shed_percent = tuple(switches[lane]["draw.shed_percent"] for lane in LANES)
        self._ticket_key = tuple(switches[lane]["cards.ticket_key"] for lane in LANES)
        self._books.clear()
        self._book, self._book_round = None, -1
        delays_s = tuple(switches[lane]["draw.delay_ms"] / 1000 for lane in LANES)
        self.delay_s = delays_s if any(delays_s) else ()

    def tap(self, round_id: int, lane: int, uid: int, now_us: int, replier: Replier) -> HttpAnswer | None:
        """The answer, or None when `replier.later()` was called for it. `lane` is the index in LANES.

        The comments count the steps of a tap (`system/__init__.py`): steps 1 and 2 are done, step 10 is in `award`.
        """
        front = self.front
        if front.switches is not self._switches:
            self.follow_switches()
        # 3 The front serves, the round is known on this lane, the user is ours. A front that does not serve yet answers
        # 503.
        if not front.serving:
            return answers.DEGRADED
        round_ = front.rounds.get(round_id)
        if round_ is None:
            return answers.UNKNOWN_ROUND if front.knows(round_id) else answers.DEGRADED
        if round_.lane != LANES[lane]:
            return answers.UNKNOWN_ROUND
        if self._fronts > 1 and ((uid * _MIX & _MASK) >> 32) % self._fronts != self._me:
            return answers.FOREIGN_USER
        if self.stopping or (lane and not self._accept_stress):
            return answers.DEGRADED
        # 4 A user who won, or whose win is being written, gets the same answer until the round is closed.
        if round_.closed:
            return answers.ROUND_OVER
        if uid in round_.settled:
            win = round_.settled[uid]
            self._count(round_id, uid, now_us)
            self.show(round_id, win, now_us)
            return answers.won(round_id, win, repeat=True)
        if uid in round_.pending:
            self._count(round_id, uid, now_us)
            self._join(round_, uid, replier)
            return None
        # 5 The window, half open, on control's clock.
        if not round_.start_us <= now_us < round_.end_us:
            return answers.not_open(round_.start_us - now_us) if now_us < round_.start_us else answers.ROUND_OVER
        if self._shed_percent[lane] and random.random() * 100 < self._shed_percent[lane]:
            return answers.DEGRADED
        if round_id != self._round_id or now_us >= self._until_us:
            self._turn(round_id, now_us)
        # 6 The limiter comes last, so that a tap refused for another reason does not count against it.
        limiter = self._limiter
        if not limiter.allow(uid << 1 | lane, now_us):
            self._too_fast += 1
            return answers.TOO_FAST
        self._taps += 1
        if limiter.first:
            self._users.append(uid)
        # 7 The gate, 8 the loser, 9 the winner.
        if now_us < round_.opening_us or not self._award[lane]:
            return self._loser(round_, round_id, lane, uid, now_us) if round_.season else self._lose
        return self._take(round_, lane, uid, now_us, replier)

    def _loser(self, round_: DrawRound, round_id: int, lane: int, uid: int, now_us: int) -> HttpAnswer:
        book = self._book
        if book is None or round_id != self._book_round:
            book = self._open_book(round_, round_id, lane)
        answer = book.answer(uid, now_us)
        if answer is None:
            return self._lose
        self.tickets[lane] += 1
        return answer

    def _open_book(self, round_: DrawRound, round_id: int, lane: int) -> TicketBook:
        """The tickets of that round, which the next tap is likely to ask for, too."""
        book = self._books.get(round_id)
        if book is None:
            if len(self._books) >= _BOOKS_MAX:
                self._books.clear()
            key_id = self._ticket_key[lane]
            book = TicketBook(self._office, round_.lane, round_.season, round_id, key_id, self._next_ms)
            self._books[round_id] = book
        self._book, self._book_round = book, round_id
        return book

    def _count(self, round_id: int, uid: int, now_us: int) -> None:
        """A tap that never meets the limiter takes part all the same."""
        if round_id != self._round_id or now_us >= self._until_us:
            self._turn(round_id, now_us)
        self._taps += 1
        self._users.append(uid)

    def show(self, round_id: int, win: SettledWin, now_us: int) -> None:
        """A win is shown with its sponsor, in the minute of its answer: one that is over gets no more counts."""
        if round_id != self._round_id or now_us >= self._until_us:
            self._turn(round_id, now_us)
        self._shown[win.sponsor] = self._shown.get(win.sponsor, 0) + 1

    def _turn(self, round_id: int, now_us: int) -> None:
        """Another round, or another minute: from now on every user is new."""
        self._put_aside()
        self._round_id, self._until_us = round_id, (now_us // MINUTE_US + 1) * MINUTE_US
        self._limiter.look_anew(now_us)

    def _put_aside(self) -> None:
        if self._taps or self._too_fast or self._shown:
            minute_us = self._until_us - MINUTE_US
            self._seen.append(Glimpse(self._round_id, minute_us, self._taps, self._too_fast, self._users, self._shown))
            self._taps = self._too_fast = 0
            self._users, self._shown = [], {}

    def take(self) -> list[Glimpse]:
        """What was seen since the last call, in the order it was seen; a user of a minute may stand in it twice."""
        self._put_aside()
        seen, self._seen = self._seen, []
        return seen

    def _join(self, round_: DrawRound, uid: int, replier: Replier) -> None:
        # The tap that took the packet is the win; one that shares its append shows it again.
        waiting = _Waiting(self, round_.round_id, repeat=True)
        round_.join(uid, waiting)
        waiting.reply_to(replier.later())

    def _take(self, round_: DrawRound, lane: int, uid: int, now_us: int, replier: Replier) -> HttpAnswer | None:
        waiting = _Waiting(self, round_.round_id, repeat=False)
        if not round_.award(uid, now_us, waiting):
            return self._loser(round_, round_.round_id, lane, uid, now_us) if round_.season else self._lose
        waiting.reply_to(replier.later())
        return None


class _Waiting:
    """A waiter of the award path; the place for its answer is taken only once it is certain that one will come."""

    __slots__ = ("_draw", "_early", "_repeat", "_reply", "_round_id")

    def __init__(self, draw: Draw, round_id: int, repeat: bool) -> None:
        self._draw = draw
        self._round_id = round_id
        self._repeat = repeat
        self._reply: Callable[[HttpAnswer], None] | None = None
        self._early: HttpAnswer | None = None

    def __call__(self, win: SettledWin | None) -> None:
        if win is None:
            answer = answers.PENDING
        else:
            answer = answers.won(self._round_id, win, self._repeat)
            self._draw.show(self._round_id, win, self._draw.front.now_us())
        if self._reply is None:
            self._early = answer
        else:
            self._reply(answer)

    def reply_to(self, reply: Callable[[HttpAnswer], None]) -> None:
        self._reply = reply
        if self._early is not None:
            reply(self._early)

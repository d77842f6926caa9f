"""Who does what in a season: by seed, from a round's winners and the tickets that were seen. Pure; sends nothing.

Whoever moves money gave his real name, so no order here is one that a rule refuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.forecast.season import GIFTS, KINDS, SeasonShare
from system.contract import people
from system.contract.ids import INT8_MAX
from system.contract.numbers import whole_number

Uids = npt.NDArray[np.int64]
Pair = tuple[int, int]
SALT = 0x5EA5
PART_OF_A_WIN = 4
"""A spending and a purchase are each so small a part of what was won that both fit into it."""


@dataclass(frozen=True, slots=True)
class SeenWin:
    """A packet that an answer showed as won."""

    uid: int
    packet: int
    fen: int

    @property
    def part_fen(self) -> int:
        """What the winner spends, or buys for."""
        return max(1, self.fen // PART_OF_A_WIN)


@dataclass(frozen=True, slots=True)
class PlannedShare:
    """A win whose share is opened, and the friends who claim a part each."""

    win: SeenWin
    friends: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TicketHolder:
    """A user with a ticket of a losing tap."""

    uid: int
    ticket: str


@dataclass(frozen=True, slots=True)
class CardGift:
    """A card of that kind, from one of a family to the one who gathers."""

    giver: int
    kind: int


@dataclass(frozen=True, slots=True)
class SeasonScript:
    """All that people do. `friends`: pairs who ask each other; `book`: (who, whom he has in his address book)."""

    shares: tuple[PlannedShare, ...] = ()
    friends: tuple[Pair, ...] = ()
    book: tuple[Pair, ...] = ()
    families: tuple[tuple[TicketHolder, ...], ...] = ()
    spenders: tuple[SeenWin, ...] = ()
    buyers: tuple[SeenWin, ...] = ()


def script_of(
    played: SeasonShare, wins: Sequence[SeenWin], tickets: Iterable[str], first_uid: int, users: int, seed: int
) -> SeasonScript:
    """`first_uid`, `users`: the audience, of whom all are who take part. Where there are fewer winners, tickets or
    people than are to, fewer do.
    """
    random = np.random.default_rng(np.random.SeedSequence([seed, SALT]))
    audience = range(first_uid, first_uid + users)
    crowd, wins = np.array(audience, np.int64), [win for win in wins if win.uid in audience]
    named = crowd[people.traits(crowd).real_name]
    able = [win for win in _shuffled(wins, random) if win.fen > 1 and people.traits_of(win.uid).real_name]
    shares = tuple(_shares(played, _shuffled(wins, random), named, random))
    friends = tuple(_friends([win.uid for win in wins[: played.friends]], crowd, random))
    families = tuple(_families(played, (ticket for ticket in tickets if ticket_uid(ticket) in audience)))
    known = {_tie(share.win.uid, friend) for share in shares for friend in share.friends}
    known |= {_tie(*pair) for pair in friends}
    gifts = sum(min(GIFTS, len(family) - 1) for family in families)
    return SeasonScript(
        shares=shares,
        friends=friends,
        book=tuple(_book(max(0, played.ties - len(known) - gifts), crowd, known, random)),
        families=families,
        spenders=tuple(able[: played.spenders]),
        buyers=tuple(able[::-1][: played.buyers]),
    )


def gifts_of(cards: Sequence[tuple[int, int]]) -> tuple[CardGift, ...]:
    """Of a family's cards, (user, kind): what the first one lacks, each from the first of the others who has it."""
    missing = set(range(1, KINDS + 1)) - {kind for _, kind in cards[:1]}
    found: list[CardGift] = []
    for uid, kind in cards[1:]:
        if kind in missing:
            missing.discard(kind)
            found.append(CardGift(uid, kind))
    return tuple(found)


def _shuffled(wins: Sequence[SeenWin], random: np.random.Generator) -> list[SeenWin]:
    return [wins[place] for place in random.permutation(len(wins))]


def _shares(
    played: SeasonShare, wins: Sequence[SeenWin], named: Uids, random: np.random.Generator
) -> Iterable[PlannedShare]:
    """Every share of parts for `parts` friends, none of them the owner; the last one of what is left."""
    left = played.claims
    for win in wins:
        size = min(left, played.parts, len(named) - 1)
        if size < 1:
            return
        some = random.choice(named, size + 1, replace=False)
        yield PlannedShare(win, tuple(int(uid) for uid in some if uid != win.uid)[:size])
        left -= size


def _friends(winners: Sequence[int], crowd: Uids, random: np.random.Generator) -> Iterable[Pair]:
    """Each winner and somebody of the crowd, each pair once: an odd and an even one, as no address book has them."""
    seen: set[Pair] = set()
    even, odd = (crowd[crowd % 2 == parity] for parity in range(2))
    for uid, place in zip(winners, random.random(len(winners)).tolist(), strict=True):
        others = even if uid % 2 else odd
        if not len(others):
            continue
        friend = int(others[int(place * len(others))])
        pair = _tie(uid, friend)
        if pair not in seen:
            seen.add(pair)
            yield uid, friend


def _book(count: int, crowd: Uids, known: set[Pair], random: np.random.Generator) -> Iterable[Pair]:
    """Pairs of the crowd, each once, none of them `known`; fewer where the crowd is too small for so many.

    Two odd or two even ones: whom another round makes friends must not have a tie that was imported, for it is no card.
    """
    seen, misses = set(known), 0
    while count and misses < len(crowd):
        for who, whom in random.choice(crowd, (count, 2)).tolist():
            pair = _tie(who, whom)
            if (who + whom) % 2:
                continue
            if who == whom or pair in seen:
                misses += 1
                continue
            seen.add(pair)
            count -= 1
            yield who, whom


def _families(played: SeasonShare, tickets: Iterable[str]) -> Iterable[tuple[TicketHolder, ...]]:
    """Holders of tickets, one ticket each, in families; the last one is as large as it comes."""
    holders: dict[int, TicketHolder] = {}
    for ticket in tickets:
        uid = ticket_uid(ticket)
        if uid is not None and len(holders) < played.tickets:
            holders.setdefault(uid, TicketHolder(uid, ticket))
    every = list(holders.values())
    for first in range(0, len(every), played.family):
        yield tuple(every[first : first + played.family])


def ticket_uid(ticket: str) -> int | None:
    """Whose a ticket is, by its text (docs/season.md, "Tickets"); None for a text of another shape."""
    parts = ticket.split(".")
    return whole_number(parts[3], INT8_MAX) if len(parts) == 7 else None


def _tie(one: int, other: int) -> Pair:
    return (one, other) if one < other else (other, one)

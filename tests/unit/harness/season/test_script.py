"""Who does what in a season: by seed, nobody twice, nobody whom a rule refuses; and what a family gives."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.forecast.season import SeasonShare
from harness.season.script import CardGift, SeenWin, gifts_of, script_of, ticket_uid
from system.contract import people
from system.tickets import Ticket, TicketOffice

FIRST, USERS = 1_000_000, 3_000
PLAYED = SeasonShare(
    claims=52, parts=5, share_fen=50, ties=900, friends=12, tickets=30, family=13, cards=(54, 54, 54, 54, 20),
    pot_fen=10_000, spenders=9, buyers=11,
)  # fmt: skip
WINS = [SeenWin(FIRST + 7 * number, number, 1 + number) for number in range(120)]
OFFICE = TicketOffice(b"s" * 32)


def ticket(uid: int, second: int = 5) -> str:
    return OFFICE.write(Ticket("live", 3, 9, uid, second, 1))


TICKETS = [ticket(FIRST + number) for number in range(40)]


def test_the_same_seed_plays_the_same_season() -> None:
    once, again = (script_of(PLAYED, WINS, TICKETS, FIRST, USERS, 7) for _ in range(2))
    assert once == again
    assert script_of(PLAYED, WINS, TICKETS, FIRST, USERS, 8) != once


def test_as_many_of_everything_as_the_share_says() -> None:
    script = script_of(PLAYED, WINS, TICKETS, FIRST, USERS, 7)
    assert [len(share.friends) for share in script.shares] == [5] * 10 + [2]
    assert (len(script.friends), len(script.spenders), len(script.buyers)) == (12, 9, 11)
    assert [len(family) for family in script.families] == [13, 13, 4]
    pairs = [tuple(sorted(pair)) for pair in (*script.friends, *script.book)]
    pairs += [tuple(sorted((share.win.uid, friend))) for share in script.shares for friend in share.friends]
    gifts = 4 + 4 + 3
    assert len(set(pairs)) == len(pairs) == PLAYED.ties - gifts, "each tie once, those of the gifts come with them"
    assert all(one != other for one, other in pairs)


@pytest.mark.parametrize("seed", range(8))
def test_nobody_is_sent_where_a_rule_refuses_him(seed: int) -> None:
    script = script_of(PLAYED, WINS, TICKETS, FIRST, USERS, seed)
    for share in script.shares:
        assert share.win.uid not in share.friends, "no owner claims his own share"
        assert len(set(share.friends)) == len(share.friends)
        assert all(people.traits_of(uid).real_name for uid in share.friends)
    assert len({share.win for share in script.shares}) == len(script.shares), "a win is shared once"
    movers = [*script.spenders, *script.buyers]
    assert all(people.traits_of(win.uid).real_name and 2 * win.part_fen <= win.fen for win in movers)
    everybody = {uid for pair in (*script.friends, *script.book) for uid in pair}
    assert everybody <= set(range(FIRST, FIRST + USERS))


def test_who_becomes_a_friend_stands_in_no_round_s_address_book() -> None:
    """A tie that an earlier round of the season has brought gives no card."""
    scripts = [script_of(PLAYED, WINS, TICKETS, FIRST, 60, seed) for seed in range(8)]
    friends = {tuple(sorted(pair)) for script in scripts for pair in script.friends}
    books = {tuple(sorted(pair)) for script in scripts for pair in script.book}
    assert friends
    assert books
    assert not friends & books


def test_fewer_people_play_less() -> None:
    empty = script_of(PLAYED, [], [], FIRST, USERS, 1)
    assert (empty.shares, empty.friends, empty.families, empty.spenders, empty.buyers) == ((), (), (), (), ())
    assert len(empty.book) == PLAYED.ties
    tiny = script_of(PLAYED, WINS[:1], TICKETS[:1], FIRST, 4, 1)
    assert len(tiny.book) + len(tiny.friends) <= 6, "four people have six pairs"
    assert [len(family) for family in tiny.families] == [1]
    assert sum(len(share.friends) for share in tiny.shares) <= 3


def test_who_is_not_of_the_audience_takes_no_part() -> None:
    script = script_of(PLAYED, [SeenWin(FIRST - 1, 0, 99)], [ticket(FIRST + USERS)], FIRST, USERS, 1)
    assert (script.shares, script.friends, script.families, script.buyers) == ((), (), (), ())


def test_one_ticket_a_user() -> None:
    many = [ticket(FIRST + number % 3, number) for number in range(30)]
    (family,) = script_of(PLAYED, WINS, [*many, "no ticket"], FIRST, USERS, 1).families
    assert [holder.uid for holder in family] == [FIRST, FIRST + 1, FIRST + 2]
    few = script_of(replace(PLAYED, tickets=2), WINS, many, FIRST, USERS, 1)
    assert sum(len(family) for family in few.families) == 2


@pytest.mark.parametrize(
    ("text", "uid"),
    [(ticket(42), 42), ("", None), ("live.1.2.x.4.1.ff", None), ("live.1.2.007.4.1.ff", None), ("1.2.3", None)],
)
def test_whose_a_ticket_is(text: str, uid: int | None) -> None:
    assert ticket_uid(text) == uid


@pytest.mark.parametrize(
    ("cards", "given"),
    [
        pytest.param([], [], id="nobody"),
        pytest.param([(1, 3)], [], id="alone"),
        pytest.param([(1, 3), (2, 3)], [], id="what he has"),
        pytest.param([(1, 3), (2, 1), (3, 1), (4, 5)], [(2, 1), (4, 5)], id="each kind from the first who has it"),
        pytest.param([(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)], [(2, 2), (3, 3), (4, 4), (5, 5)], id="all five"),
    ],
)
def test_a_family_gives_what_its_first_lacks(cards: list[tuple[int, int]], given: list[tuple[int, int]]) -> None:
    assert gifts_of(cards) == tuple(CardGift(*one) for one in given)

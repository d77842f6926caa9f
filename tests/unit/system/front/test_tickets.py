"""Which losing taps have a ticket: at most one in a hundred, the same for a whole second, none without a season."""

from __future__ import annotations

import json
import random

import pytest

from system.benching.bare_front import BareRound
from system.contract.switches import tables
from system.front.answers import HttpAnswer
from system.front.draw import Draw
from system.front.tickets import TicketBook
from system.tickets import ONE_IN, TicketOffice
from tests.support.front_parts import LIVE, NOW_US, STRESS, Replies, StillFront, settings

OFFICE = TicketOffice(settings().secret)
START_US = 1_790_000_000_000_000
USERS, SECONDS = 4_000, 25
OTHER = 99


def book(office: TicketOffice = OFFICE, round_id: int = 17, key_id: int = 1) -> TicketBook:
    return TicketBook(office, "live", 3, round_id, key_id, 143)


def body(answer: HttpAnswer) -> dict[str, object]:
    head, _, text = answer.keep.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(text)}\r\n".encode() in head + b"\r\n"
    return dict(json.loads(text))


@pytest.mark.parametrize(
    "base",
    [0, 1 << 40, (1 << 60) - 4 * USERS, (1 << 63) - 4 * USERS],
    ids=["small ids", "large ids", "ids of 60 bits", "largest ids"],
)
def test_at_most_one_tap_in_a_hundred_has_one_whoever_taps(base: int) -> None:
    one, by_user = book(), [0] * USERS
    for second in range(SECONDS):
        for user in range(USERS):
            by_user[user] += one.answer(base + 3 * user, START_US + second * 1_000_000) is not None
    share = sum(by_user) / (USERS * SECONDS)
    assert 0.9 / ONE_IN < share < 0.01
    assert max(by_user) <= 6, "nobody is luckier than others"


def test_one_second_one_answer_whichever_front_and_whenever_asked() -> None:
    one, other, taps = book(), book(TicketOffice(settings().secret)), random.Random(1)
    lucky = next(uid for uid in range(10_000) if one.answer(uid, START_US) is not None)
    first = one.answer(lucky, START_US)
    for _ in range(20):
        one.answer(taps.randrange(1 << 40), START_US + taps.randrange(1_000_000))
        assert one.answer(lucky, START_US + taps.randrange(1_000_000)) == first
        assert other.answer(lucky, START_US + taps.randrange(1_000_000)) == first
    one.answer(lucky, START_US + 1_000_000)
    assert one.answer(lucky, START_US) == first
    ticket = OFFICE.read(str(body(first)["ticket"]))  # type: ignore[arg-type]
    assert (ticket.uid, ticket.round, ticket.season, ticket.second) == (lucky, 17, 3, START_US // 1_000_000)


def test_seconds_rounds_and_secrets_have_lucky_users_of_their_own() -> None:
    def lucky(one: TicketBook, second: int = 0) -> set[int]:
        return {uid for uid in range(5_000) if one.answer(uid, START_US + second * 1_000_000) is not None}

    sets = [lucky(book()), lucky(book(), 1), lucky(book(round_id=18)), lucky(book(TicketOffice(bytes(64))))]
    assert all(len(one & other) < 10 for k, one in enumerate(sets) for other in sets[:k])
    assert lucky(book(key_id=2)) == sets[0], "another key is no second chance"


def losing(draw: Draw, round_id: int, lane: int, users: int = 3_000) -> list[str]:
    texts = []
    for uid in range(users):
        answer = draw.tap(round_id, lane, uid, NOW_US, Replies())
        assert answer is not None
        told = body(answer)
        assert (told["won"], told["next_ms"]) == (False, 143)
        texts += [str(told["ticket"])] if "ticket" in told else []
    return texts


def test_a_round_with_a_season_gives_tickets_of_its_lane_and_counts_them() -> None:
    front = StillFront()
    draw = Draw(front, settings(limiter_slots=1 << 16))
    assert losing(draw, LIVE, 0) == []
    front.rounds[LIVE].season = front.rounds[STRESS].season = 3
    live, stress = losing(draw, LIVE, 0, 6_000), losing(draw, STRESS, 1)
    tickets = [OFFICE.read(text) for text in live]
    assert {(each.lane, each.season, each.round, each.key_id) for each in tickets} == {("live", 3, LIVE, 1)}
    assert {OFFICE.read(text).lane for text in stress} == {"stress"}
    assert draw.tickets == [len(live), len(stress)]

    front.switches = tables(each={"live": {"cards.ticket_key": 2}})
    assert [OFFICE.read(text).key_id for text in losing(draw, LIVE, 0, 6_000)] == [2] * len(live)


def test_rounds_that_are_tapped_by_turns_have_each_their_own_tickets() -> None:
    def lucky(draw: Draw, rounds: tuple[int, ...]) -> dict[int, list[str]]:
        texts: dict[int, list[str]] = {LIVE: [], OTHER: []}
        for uid in range(2_000):
            for number in rounds:
                answer = draw.tap(number, 0, uid, NOW_US, Replies())
                assert answer is not None
                texts[number] += [str(body(answer)["ticket"])] if b"ticket" in answer.keep else []
        return texts

    def drawn() -> Draw:
        front = StillFront()
        front.rounds[OTHER] = BareRound(OTHER, "live", 0, NOW_US + 1_000_000, season=4)
        front.rounds[LIVE].season = 3
        return Draw(front, settings(limiter_slots=1 << 16))

    by_turns, live, other = lucky(drawn(), (LIVE, OTHER)), lucky(drawn(), (LIVE,)), lucky(drawn(), (OTHER,))
    assert by_turns == {LIVE: live[LIVE], OTHER: other[OTHER]}
    assert min(len(texts) for texts in by_turns.values()) > 0
    assert {OFFICE.read(text).season for text in by_turns[OTHER]} == {4}

"""The statement's cursor: every line once, whatever comes between two pages; and no cursor but our own."""

from __future__ import annotations

import base64
import random
import re

import pytest

from system.contract.errors import BadRequest
from system.contract.ids import INT8_MAX, ROUND_MAX
from system.play.wallet.models import Line
from system.play.wallet.paging import CURSOR, StatementPlace, StatementRow, decode, encode, page


def credit(award_us: int, number: int) -> StatementRow:
    return StatementRow("credit", 10, award_us, award_us + 5, number, 3, 7, None, None)


def moved(at_us: int, number: int) -> StatementRow:
    return StatementRow("spend", -4, at_us, at_us, None, None, None, number, "tea")


def asked(rows: list[StatementRow], place: StatementPlace, limit: int) -> list[StatementRow]:
    """As the ledger answers: of each source, the first `limit` + 1 behind the place."""
    credits = [row for row in rows if row.transfer is None and (row.told_us, row.round or 0) < place[:2]]
    others = [row for row in rows if row.transfer is not None and row.transfer < place.transfer]
    credits.sort(key=lambda row: (row.told_us, row.round or 0), reverse=True)
    others.sort(key=lambda row: row.transfer or 0, reverse=True)
    return credits[: limit + 1] + others[: limit + 1]


def told(lines: tuple[Line, ...]) -> list[tuple[str, int]]:
    return [(line.kind, line.transfer if line.transfer is not None else line.round or 0) for line in lines]


def test_both_sources_are_one_list_newest_first() -> None:
    rows = [credit(100, 1), moved(150, 1), credit(200, 2), moved(250, 2)]
    lines, following = page(asked(rows, StatementPlace(), 10), StatementPlace(), 10)
    assert told(lines) == [("spend", 2), ("credit", 2), ("spend", 1), ("credit", 1)]
    assert following is None
    spent, won = lines[0], lines[1]
    assert (spent.fen, spent.award, spent.credited_us, spent.awarded_us, spent.what) == (-4, None, 250, None, "tea")
    assert (won.fen, won.award, won.awarded_us, won.credited_us, won.transfer) == (10, "2-3", 200, 205, None)


@pytest.mark.parametrize("seed", range(20))
def test_every_line_is_told_once_while_new_ones_come(seed: int) -> None:
    """Clocks are those of several machines, and one of them is set back in between."""
    rng = random.Random(seed)
    rows = [credit(rng.randrange(1000), number) for number in range(rng.randrange(9))]
    rows += [moved(rng.randrange(1000), number) for number in range(1, rng.randrange(2, 30))]
    known = {*told(page(asked(rows, StatementPlace(), 99), StatementPlace(), 99)[0])}
    assert len(known) == len(rows)
    seen: list[tuple[str, int]] = []
    place: StatementPlace | None = StatementPlace()
    newest = 100
    while place is not None:
        limit = rng.randrange(1, 5)
        lines, following = page(asked(rows, place, limit), place, limit)
        assert 0 < len(lines) <= limit or not known
        seen += told(lines)
        place = None if following is None else decode(encode(following))
        newest += 1
        rows += [moved(rng.randrange(2000), newest), credit(2000 + newest, newest)]
    assert len(seen) == len(set(seen))
    assert known <= set(seen)


def test_a_full_last_page_says_that_it_is_the_last() -> None:
    rows = [credit(100, 1), credit(200, 2)]
    assert page(asked(rows, StatementPlace(), 2), StatementPlace(), 2)[1] is None
    assert page([], StatementPlace(), 2) == ((), None)


@pytest.mark.parametrize(
    "place", [StatementPlace(), StatementPlace(0, 0, 0), StatementPlace(1_700_000_000_000_000, 7, 12)], ids=str
)
def test_a_cursor_comes_back_as_it_was(place: StatementPlace) -> None:
    assert decode(encode(place)) == place
    assert encode(place).replace("-", "a").replace("_", "a").isalnum()


@pytest.mark.parametrize(
    "text",
    [
        "", "1", "-", "1-", "-1", "a-b", "1-2-3", f"{1 << 63}-1", f"1-{1 << 31}", "²-1", "1-2", "x", "Ä", "=" * 28,
        "A" * 28, encode(StatementPlace())[:-1], encode(StatementPlace()) + "AAAA",
        encode(StatementPlace(INT8_MAX + 1)), encode(StatementPlace(round=ROUND_MAX + 1)),
        " " + encode(StatementPlace()),
    ],
    ids=ascii,
)  # fmt: skip
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="expected the `next` of the page before"):
        decode(text)


def test_the_pattern_of_the_description_is_what_is_read() -> None:
    rng = random.Random(7)
    for _ in range(500):
        place = StatementPlace(*(rng.choice((0, most, rng.randrange(most + 1))) for most in StatementPlace()))
        assert re.fullmatch(CURSOR.strip("^$"), encode(place)), place
    for _ in range(500):
        text = base64.urlsafe_b64encode(bytes((rng.choice((0, 1, 1, 1, 2)), *rng.randbytes(20)))).decode()
        try:
            decode(text)
            read = True
        except BadRequest:
            read = False
        assert read == (re.fullmatch(CURSOR.strip("^$"), text) is not None), text

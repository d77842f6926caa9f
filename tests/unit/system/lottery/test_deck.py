"""The deck of a season: a bijection over all cards, committed to, verified after."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from system.lottery.deck import Deck, wrong_cards
from system.lottery.errors import HistogramError

DECK = Deck(7, (40, 30, 20, 9, 1), bytes(range(32)))


def test_every_card_of_the_deck_is_issued_once() -> None:
    kinds = [DECK.kind(n) for n in range(DECK.size)]
    assert Counter(kinds) == {1: 40, 2: 30, 3: 20, 4: 9, 5: 1}
    assert DECK.kinds(DECK.size) == kinds
    assert kinds != sorted(kinds)
    assert [replace(DECK, seed=bytes(32)).kind(n) for n in range(DECK.size)] != kinds


def test_no_card_beyond_the_last() -> None:
    for n in (-1, DECK.size):
        with pytest.raises(IndexError):
            DECK.kind(n)
    with pytest.raises(IndexError):
        DECK.kinds(DECK.size + 1)


@pytest.mark.parametrize(
    ("cards", "seed", "says"),
    [
        ((1, 1, 1, 1), bytes(32), "expected 5 counts"), ((1, 1, 1, 1, 0), bytes(32), "each ≥ 1"),
        ((1 << 31, 1, 1, 1, 1), bytes(32), r"at most 2\^31"), ((1,) * 5, bytes(31), "32 bytes"),
    ],
    ids=["four kinds", "a kind without a card", "too many", "a short seed"],
)  # fmt: skip
def test_a_deck_that_cannot_be(cards: tuple[int, ...], seed: bytes, says: str) -> None:
    with pytest.raises(HistogramError, match=says):
        Deck(1, cards, seed)


def test_the_seed_does_not_show() -> None:
    assert DECK.seed.hex() not in repr(DECK)
    assert "seed" not in repr(DECK)


ISSUED = [(n, DECK.kind(n)) for n in range(60)]


def test_what_was_drawn_is_what_was_committed_to() -> None:
    assert wrong_cards(DECK, DECK.commitment(), ISSUED) == []
    assert wrong_cards(DECK, DECK.commitment().upper(), list(reversed(ISSUED))) == []
    assert wrong_cards(DECK, DECK.commitment(), []) == []


@pytest.mark.parametrize(
    ("deck", "issued", "says"),
    [
        pytest.param(replace(DECK, seed=bytes(32)), [], "not those committed to", id="another seed"),
        pytest.param(replace(DECK, cards=(41, 29, 20, 9, 1)), [], "not those committed to", id="other counts"),
        pytest.param(replace(DECK, season=8), [], "not those committed to", id="another season"),
        pytest.param(DECK, ISSUED[:3] + ISSUED[4:], "card 4 stands where card 3 was expected", id="a gap"),
        pytest.param(DECK, [*ISSUED, ISSUED[9]], "card 9 stands where card 10 was expected", id="twice"),
        pytest.param(DECK, [(0, ISSUED[0][1] % 5 + 1)], "the permutation says", id="another kind"),
        pytest.param(DECK, [(n, DECK.kind(n % 100)) for n in range(101)], "card 100 of a deck of 100", id="too many"),
    ],
)
def test_what_was_not_is_named(deck: Deck, issued: list[tuple[int, int]], says: str) -> None:
    assert says in " ".join(wrong_cards(deck, DECK.commitment(), issued))

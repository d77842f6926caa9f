"""Leases: at most two, refilled at half, each number once, none of an older epoch."""

from __future__ import annotations

from system.front.lease import Drawn, LeaseBook


def book(epoch: int = 3) -> LeaseBook:
    made = LeaseBook()
    made.reset(epoch)
    return made


def test_without_an_epoch_nothing_is_asked_for() -> None:
    assert LeaseBook().wanted() is None
    assert LeaseBook().take() is None


def test_indexes_come_in_order_and_refill_is_asked_for_at_half() -> None:
    made = book()
    assert made.wanted() == 1
    assert made.accept(3, 1, 100, 110)
    drawn = []
    while made.wanted() is None:
        drawn.append(made.take())
    assert drawn == [Drawn(100 + n, 3, 1) for n in range(5)]
    assert made.remaining == 5
    assert made.wanted() == 2


def test_two_are_held_at_most() -> None:
    made = book()
    made.accept(3, 1, 0, 10)
    for _ in range(5):
        made.take()
    assert made.accept(3, 2, 40, 42)
    assert made.wanted() is None
    for _ in range(5):
        made.take()
    assert made.wanted() is None, "a whole lease is left"
    assert made.take() == Drawn(40, 3, 2)
    assert made.wanted() == 3


def test_an_answer_delivered_twice_counts_once() -> None:
    made = book()
    assert made.accept(3, 1, 0, 10)
    assert not made.accept(3, 1, 0, 10)
    assert made.remaining == 10


def test_an_answer_of_another_epoch_or_number_is_refused() -> None:
    made = book()
    assert not made.accept(2, 1, 0, 10)
    assert not made.accept(3, 2, 0, 10)
    assert made.wanted() == 1


def test_an_empty_lease_means_the_pool_is_empty_for_good() -> None:
    made = book()
    made.accept(3, 1, 0, 2)
    made.take()
    assert made.accept(3, 2, 2, 2)
    assert made.dry
    assert made.take() == Drawn(1, 3, 1)
    assert made.take() is None
    assert made.wanted() is None


def test_a_new_epoch_abandons_what_was_held() -> None:
    made = book()
    made.accept(3, 1, 0, 10)
    made.reset(4)
    assert made.take() is None
    assert made.wanted() == 1

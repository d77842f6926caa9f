"""Who taps: sequences of users on connections, too-fast fingers, probes, more fronts than one."""

from __future__ import annotations

import numpy as np
import pytest

from harness.engine.population import Mix, Population, PopulationError, populate

TAP, FAST, FORGED, EXPIRED = 0, 1, 2, 3


def _populate(taps: int, users: int, mix: Mix, fronts: int = 1, seed: int = 1) -> Population:
    owner = (np.arange(users) % fronts).astype(np.int32)
    return populate(taps, owner, fronts, mix, seed, (TAP, FAST))


def test_every_user_has_its_turn_and_no_slot_has_two_at_once() -> None:
    people = _populate(taps=4_000, users=200, mix=Mix(slots=50, connections=50))
    assert people.sessions == 4
    assert set(people.user.tolist()) == set(range(200))
    for connection in range(50):
        line = people.user[people.connection == connection]
        changes = np.flatnonzero(np.diff(line))
        assert len(changes) == 3, "a user who made room does not come back"


def test_room_for_a_changed_plan_takes_no_user_and_no_probe_away() -> None:
    owner = np.zeros(200, np.int32)
    mix = Mix(slots=50, connections=50, probes=((FORGED, 40),))
    people = populate(5_000, owner, 1, mix, 1, (TAP, FAST), planned=4_000)
    kind, user = people.kind[:4_000], people.user[:4_000]
    assert int((kind == FORGED).sum()) == 40
    assert set(user[kind == TAP].tolist()) == set(range(200))


def test_taps_of_a_user_are_evenly_spaced() -> None:
    people = _populate(taps=700, users=10, mix=Mix(slots=10, connections=10))
    assert np.diff(np.flatnonzero(people.user == 3)).tolist() == [10] * 69


def test_slots_share_connections() -> None:
    people = _populate(taps=3_200, users=160, mix=Mix(slots=160, connections=20))
    assert [len(set(people.user[people.connection == c].tolist())) for c in range(20)] == [8] * 20


def test_users_beyond_the_last_full_turn_are_the_reserve() -> None:
    people = _populate(taps=1_000, users=23, mix=Mix(slots=10, connections=10))
    assert people.reserve == ((20, 21, 22),)
    assert people.user.max() == 19


def test_too_fast_fingers_tap_as_many_times_as_asked_and_evenly() -> None:
    people = _populate(taps=12_000, users=100, mix=Mix(100, 100, too_fast_share=0.1, too_fast_factor=3))
    counts = np.bincount(people.user)
    fast = np.flatnonzero(np.bincount(people.user[people.kind == FAST], minlength=100))
    assert len(fast) == 10
    assert set(counts[fast].tolist()) == {300}
    assert set(np.delete(counts, fast).tolist()) == {100}
    gaps = np.diff(np.flatnonzero(people.user == fast[0]))
    assert gaps.max() <= 1.2 * gaps.mean()


def test_probes_are_spread_over_the_plan_exactly_as_many_as_ordered() -> None:
    people = _populate(10_000, 100, Mix(100, 100, probes=((FORGED, 120), (EXPIRED, 80))))
    assert (people.kind == FORGED).sum() == 120
    assert (people.kind == EXPIRED).sum() == 80
    assert sorted(people.user[people.kind >= FORGED].tolist()) == list(range(100, 300))
    assert (people.kind[people.user >= 220] == EXPIRED).all()
    places = np.flatnonzero(people.kind >= FORGED)
    assert np.histogram(places, 10, (0, 10_000))[0].tolist() == [20] * 10


def test_a_users_taps_go_to_its_own_front() -> None:
    people = _populate(3_000, 90, Mix(30, 12), fronts=3)
    assert (people.front_of_connection[people.connection] == people.user % 3).all()
    assert np.bincount(people.front_of_connection).tolist() == [4, 4, 4]


def test_same_seed_same_people() -> None:
    mix = Mix(20, 20, too_fast_share=0.2, probes=((FORGED, 30),))
    one, two, other = (_populate(1_000, 100, mix, seed=seed) for seed in (5, 5, 6))
    assert one.user.tobytes() == two.user.tobytes()
    assert one.user.tobytes() != other.user.tobytes()


@pytest.mark.parametrize(
    ("taps", "users", "mix", "words"),
    [
        pytest.param(10, 5, Mix(6, 6), "5 users for 6 slots", id="fewer users than slots"),
        pytest.param(10, 50, Mix(5, 5, probes=((FORGED, 11),)), "11 probes", id="more probes than taps"),
    ],
)
def test_contradictions_are_refused(taps: int, users: int, mix: Mix, words: str) -> None:
    with pytest.raises(PopulationError, match=words):
        _populate(taps, users, mix)


def test_more_connections_than_slots_are_refused() -> None:
    with pytest.raises(PopulationError, match="6 connections for 5 slots"):
        Mix(5, 6)


def test_any_part_is_dealt_as_it_is_in_the_whole() -> None:
    mix = Mix(20, 7, too_fast_share=0.2, probes=((FORGED, 30), (EXPIRED, 11)))
    people = _populate(1_000, 100, mix, fronts=2).sent_abroad(np.arange(200) % 2, FORGED, 5)
    parts = [people.part(first, min(first + 77, 1_000)) for first in range(0, 1_000, 77)]
    for name in ("connection", "user", "kind"):
        assert np.array_equal(np.concatenate([getattr(part, name) for part in parts]), getattr(people, name))
    forged = people.kind == FORGED
    assert (people.front_of_connection[people.connection[forged]] != people.user[forged] % 2).all()

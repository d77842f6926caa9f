"""Bench `tickets` in small: a real front and the generator's gun on one core, the same taps each time."""

from __future__ import annotations

import os
import time

from harness.bench import tickets, volley


def test_it_fires_as_many_taps_at_both_rounds_and_says_how_sure_it_is() -> None:
    cores, said = os.sched_getaffinity(0), list[str]()
    document = tickets.run(said.append, pairs=6, turns=2, taps=100, connections=10, users=4_000).document()
    assert (document["bench"], document["unit"], document["pairs"]) == ("tickets", "taps/CPU-s", 6)
    assert document["interval"][0] <= document["ratio"] <= document["interval"][1]
    assert document["generator"]["pairs"] == document["control"]["pairs"] == 6
    assert 0 < document["tickets_seen"] < 0.05 * 3_200, "of the taps at the round with a season alone"
    given, plain = document["front_calls_a_tap"]
    assert 1.9 < plain < 2.5, "a read and a write"
    assert abs(given - plain) < 0.2, "a ticket costs no call of its own"
    assert os.sched_getaffinity(0) == cores


def test_the_cpu_of_a_process_is_its_own_clock_to_the_microsecond() -> None:
    before = time.process_time_ns()
    seen = volley.cpu_ns(os.getpid())
    assert before <= seen <= time.process_time_ns()

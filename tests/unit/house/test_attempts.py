"""Another attempt waits for free cores, and not for ever."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack

from tests.support.attempts import ATTEMPTS, attempts, cores_are_free
from tests.support.children import started

HOG = "import os, sys\nos.sched_setaffinity(0, {int(sys.argv[1])})\nprint(flush=True)\nwhile True: pass"


def test_another_attempt_begins_when_the_cores_are_free() -> None:
    looks = iter([False, False, True])
    tries = attempts(lambda: next(looks))
    assert [next(tries), next(tries)] == [1, 2]
    assert list(looks) == [], "three looks before the second attempt, none before the first"


def test_cores_that_are_never_free_cost_a_wait_and_no_attempt() -> None:
    assert list(attempts(lambda: False, wait_s=0.01)) == list(range(1, ATTEMPTS + 1))


def test_cores_that_others_use_are_not_free() -> None:
    with ExitStack() as stack:
        for core in sorted(os.sched_getaffinity(0)) * 2:
            hog = stack.enter_context(started([sys.executable, "-c", HOG, str(core)], stdout=-1))
            stack.callback(hog.kill)
            assert hog.stdout
            assert hog.stdout.readline() == b"\n"
        assert not cores_are_free(0.5)

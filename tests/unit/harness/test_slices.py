"""Time slices: what the kernel granted is read back, and a machine that has none says so."""

from __future__ import annotations

import os
import threading

import pytest

from harness import slices

SHORT = pytest.mark.skipif(slices.shortest() is None, reason="this kernel has one time slice for all (Linux 6.12)")


@SHORT
def test_a_thread_has_the_slice_it_asked_for_and_others_keep_theirs() -> None:
    before, found = slices.granted(), []

    def ask() -> None:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        slices.ask_for(300)
        found.append(slices.granted())

    asker = threading.Thread(target=ask)
    asker.start()
    asker.join(30)
    assert found == [300]
    assert slices.granted() == before != 300


@pytest.mark.parametrize(
    ("place", "value"),
    [
        pytest.param("CALLS", None, id="a machine whose calls are not known"),
        pytest.param("_libc", None, id="no Linux"),
        pytest.param("_read", lambda pid: (48, 0, 0, 0, 0, 0, 0, 0), id="a kernel that takes it and does nothing"),
    ],
)
def test_a_machine_without_slices_says_so_and_asking_does_nothing(
    monkeypatch: pytest.MonkeyPatch, place: str, value: object
) -> None:
    before = slices.granted()
    monkeypatch.setattr(slices, place, value)
    assert slices.shortest.__wrapped__() is None
    assert slices.granted() is None
    monkeypatch.undo()
    assert slices.granted() == before

"""Item *disk*: the run's records fit."""

from __future__ import annotations

import shutil
from collections import namedtuple
from dataclasses import replace

import pytest

from harness.guard.precheck import StartRequest
from harness.guard.precheck.disk import BYTES_BESIDE
from system.contract.history import OP_DTYPE
from tests.support.start_request import of

Usage = namedtuple("Usage", "total used free")


@pytest.mark.parametrize(("short", "state"), [(0, "good"), (1, "refused")])
@pytest.mark.parametrize(("taps", "each"), [(1000, OP_DTYPE.itemsize), (2_000_000, OP_DTYPE.itemsize + 44)])
def test_room_for_every_tap_and_what_stands_beside(
    whole: StartRequest, monkeypatch: pytest.MonkeyPatch, short: int, state: str, taps: int, each: int
) -> None:
    """Of a long run the tape lies on the disk, too, until the records are written."""
    needed = taps * each + BYTES_BESIDE
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(needed, 0, needed - short))
    (found,) = of("disk", replace(whole, taps=float(taps)))
    assert found.state == state
    assert str(whole.runs) in found.says
    assert whole.runs.is_dir()

"""Item *disk*: the run's records fit."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from harness.engine.spool import SPOOLED_FROM, TAPE_BYTES
from harness.guard.precheck.shape import Checked, LoadItem, LoadRequest, checked
from system.contract.history import OP_DTYPE

BYTES_BESIDE = 64 << 20
"""Logs, report and metrics of a run beside its operation records."""


def look(ask: LoadRequest) -> Iterator[Checked]:
    ask.runs.mkdir(parents=True, exist_ok=True)
    # A long run's tape lies beside its records until they are written.
    tape = TAPE_BYTES if ask.taps > SPOOLED_FROM else 0
    needed = int(ask.taps * (OP_DTYPE.itemsize + tape)) + BYTES_BESIDE
    free = shutil.disk_usage(ask.runs).free
    says = f"{free >> 20:,} MiB free for {needed >> 20:,} MiB of records in {ask.runs}"
    yield checked(free >= needed, says)


ITEM = LoadItem(
    18, "disk", "free space in the folder of the runs, beside a record for every tap", "the disk has too little room",
    look,
)  # fmt: skip

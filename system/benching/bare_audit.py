"""What the audit does with the records of a run, for benchmarks: ``python -m system.benching.bare_audit HISTORY``.

Reads and checks them, and joins those of round 1 with books in which nothing was won; no store is asked. Prints the
seconds as a line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

from system.audit import promises
from system.audit.books import LEASE, POSTING, Books
from system.audit.history import read_history
from system.audit.judging import Judge
from system.audit.matching import match
from system.contract.audit import INVARIANTS
from system.lottery import AmountCount, PacketHistogram, Round

ROUND = 1


def judged(history: Path) -> None:
    """Raises HistoryError."""
    lottery = Round(ROUND, (PacketHistogram(1, (AmountCount(100, 1),)),), bytes(32))
    books = Books(
        "stress", ROUND, "closed", 1, 100, 0, 1, 0, lottery, "", np.zeros(0, POSTING), [], {}, [], [],
        np.zeros(0, LEASE), [],
    )  # fmt: skip
    judges = {code: Judge(code) for code in INVARIANTS}
    ops = read_history(history).ops
    promises.probes(judges["S11"], ops)
    mine = ops["round"] == ROUND
    promises.of_round(judges, books, match(books), ops if mine.all() else ops[mine])


if __name__ == "__main__":
    before = time.monotonic()
    judged(Path(sys.argv[1]))
    print(json.dumps({"seconds": round(time.monotonic() - before, 3)}))

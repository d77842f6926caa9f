"""What the bank's double has decided, kept in a file: an order is decided once, also after its process was killed.

Lines of JSON, written before the answer. A line that was cut short by a kill was not answered, and is left out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from system.contract.api import Model
from system.contract.ids import Lane
from system.contract.parties import BankOrder, BankWord


class BankEntry(Model):
    """One order, as it was decided. `lane`: whose traffic it was for."""

    lane: Lane
    order: BankOrder
    word: BankWord


class BankBooks:
    """By the order's name. `folder` is made if it is not there."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "bank.jsonl"
        self._known = {entry.word.order: entry for entry in self._read()}
        self._out = self._file.open("ab")

    def _read(self) -> Iterator[BankEntry]:
        if not self._file.exists():
            return
        whole, mark, _ = self._file.read_bytes().rpartition(b"\n")
        for line in whole.splitlines():
            yield BankEntry.model_validate_json(line)
        with self._file.open("r+b") as file:
            file.truncate(len(whole) + len(mark))

    def find(self, name: str) -> BankEntry | None:
        """What was decided of an order of that name."""
        return self._known.get(name)

    def decide(self, entry: BankEntry) -> None:
        """Once for each name. Raises OSError where it cannot be kept: then nothing was decided."""
        self._out.write(json.dumps(entry.model_dump()).encode() + b"\n")
        self._out.flush()
        self._known[entry.word.order] = entry

    def paid_fen(self) -> Counter[Lane]:
        """By lane."""
        paid: Counter[Lane] = Counter()
        for entry in self._known.values():
            if entry.word.state == "paid":
                paid[entry.lane] += entry.order.fen
        return paid

    def close(self) -> None:
        """Lets the file go."""
        self._out.close()

"""The fault ledger: on the disk before the fault, whole after a crash, oldest first."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import psutil

from chaos import fault_ledger
from chaos.fault_ledger import FILE, FaultLedgerEntry, injected

CUT = FaultLedgerEntry(
    "N15", "credit-postgres", "toxics", 5.0, 60.0, {"link": "credit-postgres", "toxics": []}, "credit-cut"
)


def test_what_is_entered_is_injected_until_it_is_closed(tmp_path: Path) -> None:
    first, second = fault_ledger.enter(tmp_path, CUT), fault_ledger.enter(tmp_path, replace(CUT, fault="N1"))
    assert injected(tmp_path) == [first, second]
    assert (first.until - first.at, first.expires - first.at) == (5.0, 60.0)
    assert 4.0 < first.left_s() <= 5.0
    fault_ledger.rung(tmp_path, second.key, "remove held")
    fault_ledger.close(tmp_path, first.key, "remove")
    assert injected(tmp_path) == [second]
    fault_ledger.close(tmp_path, second.key, "remove")
    assert injected(tmp_path) == []
    assert [row["do"] for row in fault_ledger.rows(tmp_path)] == ["inject", "inject", "rung", "healed", "healed"]


def test_no_ledger_is_nothing_injected(tmp_path: Path) -> None:
    assert injected(tmp_path) == []


def test_a_line_cut_off_by_a_crash_hides_no_other(tmp_path: Path) -> None:
    first = fault_ledger.enter(tmp_path, CUT)
    path = tmp_path / FILE
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])
    assert injected(tmp_path) == [first]
    second = fault_ledger.enter(tmp_path, CUT)
    assert injected(tmp_path) == [first, second]


def test_a_spoilt_line_is_told_by_its_number_and_hides_no_other(tmp_path: Path) -> None:
    first = fault_ledger.enter(tmp_path, CUT)
    path = tmp_path / FILE
    entered = path.read_bytes()
    spoilt = [b"{}", b"7", b'{"do": "inject", "key": "x"}', b'{"do": "healed"}',
              entered.strip().replace(b'"kind": "toxics"', b'"kind": 7', 1)]  # fmt: skip
    path.write_bytes(b"\n".join([*spoilt, entered]))
    assert injected(tmp_path) == [first]
    assert fault_ledger.unreadable(tmp_path) == [1, 2, 3, 4, 5]


def test_the_owner_is_a_process_not_a_number(tmp_path: Path) -> None:
    mine = fault_ledger.enter(tmp_path, CUT)
    assert mine.owner_pid == os.getpid()
    assert mine.owner_lives()
    assert not replace(mine, owner_created=psutil.Process().create_time() - 100).owner_lives()
    assert replace(mine, until=time.time() - 3).left_s() < -2

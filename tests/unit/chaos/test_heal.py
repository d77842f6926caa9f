"""`xiu heal` over several ledgers: one that cannot be read keeps no other fault in force."""

from __future__ import annotations

from pathlib import Path

from chaos import fault_ledger
from chaos.fault_ledger import FILE, Entry, injected
from chaos.heal import heal_everything


def test_a_spoilt_ledger_keeps_no_other_fault_in_force(tmp_path: Path) -> None:
    spoilt, unreadable, mine = (tmp_path / name for name in ("a", "b", "c"))
    for folder in (spoilt, unreadable, mine):
        folder.mkdir()
    (spoilt / FILE).write_text('{}\n{"do": "inject", "key": "x"}\n')
    (unreadable / FILE).mkdir()
    fault_ledger.enter(mine, Entry("N15", "credit-postgres", "toxics", 5.0, 60.0, {"link": "credit-postgres"}))
    done, left = heal_everything(tmp_path)
    assert injected(mine) == []
    assert [line for line in done if "cannot be read" in line and "/a/faults.jsonl:2" in line]
    assert len(left) == 1
    assert "Is a directory" in left[0]

"""The disk filler: a small tmpfs alone; full, and empty again by the ledger's line alone."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chaos.faults import disk_full
from chaos.faults.disk_full import DiskFull, DiskFullKind
from tests.support.disks import on_small_disk

SCRIPT = r"""
import sys
from pathlib import Path
from types import SimpleNamespace
from chaos.faults.disk_full import DiskFull, DiskFullKind, has_room
stack = SimpleNamespace(folder=SimpleNamespace(path=Path(sys.argv[1])))
kind, spec = DiskFullKind(), DiskFull(kind="disk_full")
print("lacks", kind.lacks(stack, spec, "host"))
detail = kind.prepare(stack, spec, "host")
print("before", has_room(detail), kind.in_force(stack, detail))
kind.inject(stack, detail)
print("filled", has_room(detail), kind.in_force(stack, detail))
DiskFullKind().undo(stack, detail)
print("undone", has_room(detail), kind.undone(stack, detail), list(Path(sys.argv[1]).iterdir()))
"""


def test_a_small_tmpfs_is_filled_and_emptied(tmp_path: Path) -> None:
    done = on_small_disk(tmp_path / "disk", "4m", SCRIPT)
    assert done.stdout.splitlines() == [
        "lacks None", "before True False", "filled False True", "undone True True []",
    ], done.stderr  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "total", "says"),
    [
        pytest.param("ext4", 1 << 20, "fills a tmpfs alone", id="a disk of the machine"),
        pytest.param("tmpfs", 24 << 30, "fills 1 GiB at most", id="a large tmpfs"),
    ],
)
def test_anything_else_is_lacking(
    tmp_path: Path, kind: str, total: int, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = cast(Any, SimpleNamespace(folder=SimpleNamespace(path=tmp_path)))
    monkeypatch.setattr(disk_full, "_file_system", lambda folder: kind)
    monkeypatch.setattr(disk_full.psutil, "disk_usage", lambda path: SimpleNamespace(total=total))
    assert says in str(DiskFullKind().lacks(stack, DiskFull(kind="disk_full"), "host"))

"""A line is whole on the disk, or not in the file and said so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from harness.runs.durable import append_line

FULL = """
import resource, signal, sys
from pathlib import Path
from harness.runs.durable import append_line
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    append_line(Path(sys.argv[1]), b"y" * 80)
except OSError as exc:
    print(f"refused: {exc.strerror}")
"""


def test_lines_follow_each_other_also_behind_a_torn_one(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    append_line(path, b"one")
    with path.open("ab") as torn:
        torn.write(b"to")
    append_line(path, b"three")
    assert path.read_bytes() == b"one\nto\nthree\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_disk_that_takes_a_part_has_taken_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    append_line(path, b"x" * 60)
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "refused: File too large\n"
    assert path.read_bytes() == b"x" * 60 + b"\n"

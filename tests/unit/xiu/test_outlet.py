"""The outlets of a command, closed or full; `acceptance/test_outlet.py` closes and fills them in a shell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from harness.children import for_children
from xiu import outlet


def test_what_is_closed_is_not_the_next_file_opened() -> None:
    code = (
        "import os; os.close(1); from xiu.outlet import open_what_is_closed as o; o();"
        "f = open('/dev/null'); assert f.fileno() > 2; assert os.readlink('/proc/self/fd/1') == '/dev/null'"
    )
    assert subprocess.run([sys.executable, "-c", code], env=for_children(), check=False, timeout=60).returncode == 0


class Failing:
    """A stream that is full from the second word on."""

    encoding = "utf-8"

    def __init__(self, file: Path) -> None:
        self.file = file.open("w", encoding="utf-8")
        self.fileno, self.words = self.file.fileno, 0

    def write(self, text: str) -> int:
        self.words += 1
        if self.words > 1:
            raise OSError(28, "No space left on device")
        return self.file.write(text)

    def flush(self) -> None:
        self.file.flush()


def test_the_first_failure_of_an_outlet_is_kept_and_nothing_is_raised(tmp_path: Path) -> None:
    full = Failing(tmp_path / "out")
    out = outlet.Outlet(full)  # type: ignore[arg-type]
    for word in ("one", "two", "three"):
        assert out.write(word) == len(word)
    out.flush()
    full.file.close()
    assert out.failure is not None
    assert out.failure.strerror == "No space left on device"

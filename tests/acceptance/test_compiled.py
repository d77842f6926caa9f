"""The front's tests on the compiled hot path, which is what users run: same source, same answers."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.children import for_children
from system.contract import compiled

FRONT = compiled.ROOT / "tests" / "unit" / "system" / "front"


@pytest.mark.skipif(not compiled.folder().is_dir(), reason="no compiled hot path here: no C compiler")
def test_what_holds_for_the_plain_front_holds_for_the_compiled_one() -> None:
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(FRONT)]
    env = for_children({compiled.VARIABLE: "1"})
    done = subprocess.run(argv, cwd=compiled.ROOT, env=env, capture_output=True, encoding="utf-8", timeout=170)
    assert done.returncode == 0, done.stdout[-4000:]

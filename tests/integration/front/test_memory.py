"""A million users seen: the front stays within 300 MiB."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.support.bare_front import SECRET

USERS = 1_000_000
RSS_MIB_MAX = 300
SCRIPT = """
import resource, sys
from pathlib import Path
from system import tokens
from system.benching.bare_front import BareFront, BareRound, settings_for
from system.front.desk import Desk
from system.front.metrics import FrontMetrics

secret, users = bytes.fromhex(sys.argv[1]), int(sys.argv[2])
round_ = BareRound(1, "live", 0, 1 << 60, win_every=0)
front, metrics = BareFront([round_]), FrontMetrics()
desk = Desk(front, settings_for(secret, ("127.0.0.1", 0)), metrics)
kinds = set()
for uid in range(users):
    answer = desk.tap(1, 0, uid, 1_000_000 + uid, None)
    kinds.add(answer.status)
pages = int(Path("/proc/self/statm").read_text().split()[1])
print(kinds, desk.draw._limiter.full, pages * resource.getpagesize() >> 20)
"""


def test_a_million_users() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, SECRET.hex(), str(USERS)],
        capture_output=True, text=True, check=True, timeout=300, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    found = re.fullmatch(r"(.*) (\d+) (\d+)\n", done.stdout)
    assert found is not None
    assert (found[1], found[2]) == ("{200}", "0")
    assert 20 < int(found[3]) <= RSS_MIB_MAX

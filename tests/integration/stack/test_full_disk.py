"""With the disk of its folder full a stack is kept on: what dies is brought back, and nobody is told of a ready part
that has no process.
"""

from __future__ import annotations

from pathlib import Path

from tests.support.disks import on_small_disk

SCRIPT = """
import json, subprocess, sys, time
from pathlib import Path
from harness.stack import Stack, new_folder
from harness.stack.spawn import lives
from tests.support.disks import fill
from tests.support.stack_parts import child
from tests.support.stores import wait_until

disk = Path(sys.argv[1])
marks = disk / "marks"

def xiu(*words):
    argv = [sys.executable, "-m", "xiu.cli", *words, "--var", str(disk / "var")]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)

def truth(stack):
    state = stack.state()
    for part, doing in state["parts"].items():
        if doing == "ready" and not lives(pid := state["pids"][part]):
            # It may have died behind that look; whoever looks from now on must not be told so.
            now = stack.state()
            assert now["parts"][part] != "ready" or now["pids"][part] != pid, state
    return state

parts = [child("front-0"), child("play", "--write", str(marks))]
with Stack(new_folder(disk / "var"), with_prometheus=False, system=parts) as stack:
    filler = fill(disk)
    old = {name: stack.pid(name) for name in ("front-0", "play")}
    marks.unlink()
    filler = fill(disk)
    for name in old:
        stack.kill(name)
    # What needs no disk is back while there is none; what does is tried more often than a crash loop lasts.
    wait_until(lambda: truth(stack)["pids"].get("front-0", old["front-0"]) != old["front-0"], 20, "front-0 again")
    seen, deaths = set(), 0
    until = time.monotonic() + 30
    while deaths < 7 and time.monotonic() < until:
        pid = truth(stack)["pids"].get("play")
        deaths += pid is not None and pid not in seen
        seen.add(pid)
    assert deaths >= 7, deaths
    assert truth(stack)["parts"]["play"] != "gave_up"
    told = json.loads(xiu("status", "--json").stdout)
    assert told["parts"]["play"] != "ready" or lives(told["pids"]["play"]), told
    filler.unlink()
    wait_until(lambda: truth(stack)["parts"]["play"] == "ready", 20, "play again")
    # Behind the space comes what could not be written.
    wait_until(lambda: {"front-0", "play"} <= set(stack.deaths()), 20, "the deaths written down")
    wait_until(lambda: stack.folder.read_state()["parts"]["play"] == "ready", 20, "its state written down")
print("good")
"""


def test_what_dies_on_a_full_disk_is_brought_back_and_status_tells_the_truth(tmp_path: Path) -> None:
    done = on_small_disk(tmp_path / "disk", "500m", SCRIPT, 150)
    assert done.stdout.strip().endswith("good"), done.stdout + done.stderr[-3000:]

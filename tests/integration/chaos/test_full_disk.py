"""With the ledger's disk full faults are taken back all the same, each of them; the ledger is put right afterwards."""

from __future__ import annotations

from pathlib import Path

from tests.support.disks import on_small_disk

SCRIPT = r'''
import signal, subprocess, sys
from pathlib import Path
from chaos.fault_ledger import injected
from chaos import links
from harness.stack import Stack, new_folder
from harness.stack.table import watchdog
from tests.support.disks import fill
from tests.support.stack_parts import child
from tests.support.stores import wait_until

OWNER = """
import sys, time
from pathlib import Path
from chaos import fault_ledger
from chaos.fault_ledger import FaultLedgerEntry
from chaos.faults import kinds
from harness.stack import Stack
from chaos.library import load_faults
way = kinds()["toxics"]
stack = Stack.attach(Path(sys.argv[1]))
for fault, target in (("N1", "front-valkey"), ("N15", "credit-postgres")):
    detail = way.prepare(stack, load_faults()[fault].inject, target)
    fault_ledger.enter(stack.folder.path, FaultLedgerEntry(fault, target, "toxics", 60.0, 60.0, detail))
    way.inject(stack, detail)
print("injected", flush=True)
time.sleep(600)
"""
disk = Path(sys.argv[1])

def toxics(stack):
    return [toxic.name for proxy in links.api(stack).proxies().values() for toxic in proxy.toxics]

def owner_dies_on_a_full_disk(stack):
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(stack.folder.path)], stdout=subprocess.PIPE)
    assert owner.stdout.readline() == b"injected\n"
    assert len(toxics(stack)) == 3
    ledger = stack.folder.path / "faults.jsonl"
    with ledger.open("ab") as out:  # to the end of its page: a disk gives room by pages
        out.write(b"\n" * (-ledger.stat().st_size % 4096))
    filler = fill(disk)
    owner.kill()
    owner.wait()
    return filler

with Stack(new_folder(disk / "var"), with_prometheus=False, system=[child("front-0"), watchdog()]) as stack:
    folder = stack.folder.path
    stack.suspend_restart("watchdog")
    stack.kill("watchdog")
    wait_until(lambda: "watchdog" not in stack.pids(), 10, "no watchdog")
    filler = owner_dies_on_a_full_disk(stack)
    argv = [sys.executable, "-m", "xiu.cli", "heal", "--var", str(disk / "var")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("not written down (No space left on device)") == 2, done.stdout
    assert (toxics(stack), len(injected(folder))) == ([], 2)

    filler.unlink()
    stack.resume_restart("watchdog")
    wait_until(lambda: injected(folder) == [], 20, "the ledger put right")
    filler = owner_dies_on_a_full_disk(stack)
    wait_until(lambda: toxics(stack) == [], 20, "both healed by the stack's watchdog")
    assert len(injected(folder)) == 2
    filler.unlink()
    wait_until(lambda: injected(folder) == [], 30, "the ledger put right again")
print("good")
'''


def test_two_faults_of_a_dead_owner_are_healed_with_the_disk_full(tmp_path: Path) -> None:
    done = on_small_disk(tmp_path / "disk", "500m", SCRIPT, 150)
    assert done.stdout.strip().endswith("good"), done.stdout + done.stderr[-3000:]

"""A process that serves leaves what it was built of out of the garbage collector's rounds."""

from __future__ import annotations

import subprocess
import sys

from system.contract.memory import YOUNG_MAX

SERVES = """
import asyncio, gc, os, signal
from system.contract.web import application, serve

async def main():
    served = asyncio.create_task(serve(application(lambda *_: None), ("127.0.0.1", 0)))
    async with asyncio.timeout(10):
        while not gc.get_freeze_count():
            await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGTERM)
    await served

asyncio.run(main())
print(gc.get_freeze_count() > 10_000, gc.get_threshold()[0])
"""


def test_who_serves_settles_its_memory() -> None:
    done = subprocess.run([sys.executable, "-c", SERVES], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["True", str(YOUNG_MAX)]

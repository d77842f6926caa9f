"""A process that holds a stack, to be killed: `stack_holder.py FOLDER` starts stores and a child, waits."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from harness.stack import Stack
from tests.support.stack_parts import child

if __name__ == "__main__":
    with Stack(Path(sys.argv[1]), system=[child("front-0"), child("control")], with_prometheus=False):
        print("ready", flush=True)
        threading.Event().wait()

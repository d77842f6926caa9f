"""Item *open files*: the limit of this process leaves room for the generator's connections."""

from __future__ import annotations

import resource
from collections.abc import Iterator

from harness.guard.precheck.shape import Checked, LoadItem, LoadRequest, checked

FILES_BESIDE = 64
"""Open files of a generator beside its connections."""


def look(ask: LoadRequest) -> Iterator[Checked]:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = min(ask.connections, ask.users) + FILES_BESIDE
    enough = soft == resource.RLIM_INFINITY or soft >= needed
    yield checked(enough, f"the limit is {soft:,}, {needed:,} are needed: ulimit -n {needed}")
    if ask.connections < ask.users:
        says = f"the open-file limit leaves {ask.connections:,} connections for {ask.users:,} users at once"
        yield checked(False, says, "connections", "warning")


ITEM = LoadItem(
    16, "open files", "the open-file limit, beside the connections that the load needs",
    "the open-file limit is too low", look,
)  # fmt: skip

"""A demo and what a person does beside it: `down` leaves its stack alone, and a stack that goes ends its run."""

from __future__ import annotations

import re

from harness.stack import Stack, find_running
from tests.support.command import Xiu, long_slice, wait


def test_a_demos_stack_is_its_own_and_the_demo_ends_when_it_is_gone(xiu: Xiu) -> None:
    process = xiu.start("demo", "--plan", long_slice(xiu.folder), "--scale", "1")
    # Without a posting there is nothing for S5 to look at.
    wait(lambda: re.search(r"credited_yuan=(?!0\.00)", xiu.output()) is not None, 90, xiu.output)
    refused = xiu("down")
    assert refused.returncode == 2
    assert f"private to process {process.pid}" in refused.stderr
    stack = Stack.attach(find_running(xiu.folder / "var")[0])
    stack.down()
    assert process.wait(60) == 3, xiu.output()
    record = xiu.record()
    assert (record["verdict"], record["reasons"][0]["code"]) == ("ABORTED", "stack_gone")
    assert record["load"]["unsent"] > 0, "the fire ceased"
    xiu.all_gone()
    # The books can be closed afterwards: of that stack, though nothing of it runs.
    audit = xiu("audit", "--run", "last")
    assert audit.returncode in (0, 10), audit.stdout + audit.stderr  # S4 is unknown where a probe was not sent yet
    assert "BROKEN" not in audit.stdout
    assert "S5   valid" in audit.stdout

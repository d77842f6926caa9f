"""Is a part ready? Asked at its own address."""

from __future__ import annotations

import asyncio

from harness.errors import BadInput
from harness.stack import Stack, places, probes


def ready_url(stack: Stack, part: str) -> str:
    """The address at which a part is asked whether it is ready. Raises BadInput for a part that has none."""
    url = places.ready_url(stack.places.place(part))
    if url is None:
        raise BadInput(f"nobody answers for {part}", expected="a part that says whether it is ready")
    return url


def part_ready(stack: Stack, part: str) -> bool:
    """Does it run, and say that it is ready?"""
    return part in stack.pids() and asyncio.run(probes.ready(ready_url(stack, part)))

"""Is a part ready? Asked from outside, at the address where it says so."""

from __future__ import annotations

import asyncio

from harness.stack import Stack, probes


def ready_url(stack: Stack, part: str) -> str:
    """Where a part is asked whether it is ready."""
    at = stack.addresses
    if part.startswith("front-"):
        return f"{at.front_urls[int(part.removeprefix('front-'))]}/readyz"
    if part.startswith("credit-"):
        return f"{at.credit_metrics_urls[part.removeprefix('credit-')]}/readyz"
    urls = {
        "control": f"{at.control_url}/readyz", "play": f"{at.play_url}/readyz",
        "toxiproxy": f"{at.toxiproxy_url}/version", "valkey": at.valkey_url, "postgres": at.postgres_url,
    }  # fmt: skip
    url = urls[part]
    return url.replace("postgresql://", "postgres://", 1).replace("redis://", "valkey://", 1)


def part_ready(stack: Stack, part: str) -> bool:
    """Does it run, and say that it is ready?"""
    return part in stack.pids() and asyncio.run(probes.ready(ready_url(stack, part)))

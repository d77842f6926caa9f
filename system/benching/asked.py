"""The far end of a bench's child: a line on standard input asks for a measure, a line of JSON is the answer."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping


async def answer_lines(measure: Callable[[str], Awaitable[Mapping[str, object]]]) -> None:
    """Until an empty line, or the end of the input.

    A line that `measure` does not know may raise: who asks and who answers are of one checkout.
    """
    while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
        print(json.dumps(await measure(line)), flush=True)


async def answer_rates(measures: Mapping[str, Callable[[], Awaitable[float]]]) -> None:
    """Each measure by its name; its rate per second under `rate`."""

    async def measured(name: str) -> Mapping[str, object]:
        return {"rate": await measures[name]()}

    await answer_lines(measured)

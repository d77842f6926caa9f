"""What a run sees and may do: figures of Prometheus, switches by way of control, and their value in every process.

A figure without data is None, never a number. The only change is that of a switch.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from typing import Any, Protocol

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from harness.stack.addresses import Addresses
from system.contract.ids import LANES, Lane
from system.contract.switches import SWITCHES

ASK_TIMEOUT_S = 2.0
_READERS = {switch.key: switch.readers for switch in SWITCHES}
_GARBAGE = (
    aiohttp.ClientError, OSError, TimeoutError, ValueError, LookupError, TypeError, ArithmeticError, RecursionError,
)  # fmt: skip
"""What a part that is away, broken, or something else can raise: each means no data."""


def _lanes(lane: Lane | None) -> tuple[Lane, ...]:
    return LANES if lane is None else (lane,)


class Away(Exception):
    """Control did not take the order, or nobody knows whether it did. May be repeated: a switch is set to a value."""


class World(Protocol):
    """The interface between a run and everything outside it. A switch is named by its key, its lane (None: both at
    once) and its cell (None: every cell that has no value of its own).
    """

    def known(self, name: str) -> tuple[str, ...]:
        """What there is of a sort: every `lane`, `cell` or `front`, by name."""
        ...

    async def figure(self, query: str) -> float | None:
        """The one value of an instant query; None: no answer, no sample, several, or not a number."""
        ...

    async def control_value(self, key: str, lane: Lane | None, cell: int | None = None) -> int | None:
        """The switch as control has it; None: not known."""
        ...

    async def seen(self, key: str, lane: Lane | None, cell: int | None = None) -> Mapping[str, int | None]:
        """process → the switch as that process shows it, for every process that reads it; None: not known."""
        ...

    async def set(self, key: str, lane: Lane | None, value: int, why: str, cell: int | None = None) -> None:
        """Sets the switch. Raises Away."""
        ...


class StackWorld:
    """A running stack. An async context manager."""

    def __init__(self, addresses: Addresses, admin_token: str) -> None:
        self._at = addresses
        self._bearer = {"Authorization": f"Bearer {admin_token}"}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> StackWorld:
        # Everything asked is on this host or was named by its owner: a proxy of the environment is not used.
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ASK_TIMEOUT_S))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    def known(self, name: str) -> tuple[str, ...]:
        """See `World`."""
        places = self._at.places
        fronts = tuple(place.name for place in places.of("front"))
        return {"lane": LANES, "cell": tuple(map(str, range(places.cells))), "front": fronts}[name]

    def readers(
        self, key: str, lane: Lane, cell: int | None = None, but: frozenset[int] = frozenset()
    ) -> dict[str, str]:
        """process → address, of every process that reads the switch for this lane; `but`: without those of cells."""
        found = [place for reader in _READERS[key] for place in self._at.places.switch_readers(reader, lane, cell)]
        return {place.name: place.metrics_url for place in found if place.metrics_url and place.cell not in but}

    async def figure(self, query: str) -> float | None:
        """See `World`."""
        try:
            body = await self._json("POST", f"{self._at.prometheus_url}/api/v1/query", data={"query": query})
            found = body["data"]["result"]
            value = float(found[0]["value"][1]) if len(found) == 1 else math.nan
        except _GARBAGE:
            return None
        return value if math.isfinite(value) else None

    async def control_value(self, key: str, lane: Lane | None, cell: int | None = None) -> int | None:
        """See `World`; where both lanes are meant and differ, it is not known."""
        try:
            of_cell = "" if cell is None else f"?cell={cell}"
            tables = (await self._json("GET", f"{self._at.control_url}/v1/switches{of_cell}"))["lanes"]
            values = {int(tables[each][key]) for each in _lanes(lane)}
        except _GARBAGE:
            return None
        return values.pop() if len(values) == 1 else None

    async def seen(self, key: str, lane: Lane | None, cell: int | None = None) -> dict[str, int | None]:
        """See `World`; all are asked at once."""
        own = await self._own(key) if cell is None else {}
        asked = {
            name if lane else f"{name} ({each})": (url, each)
            for each in _lanes(lane)
            for name, url in self.readers(key, each, cell, own.get(each, frozenset())).items()
        }
        values = await asyncio.gather(*(self._shown(url, key, each) for url, each in asked.values()))
        return dict(zip(asked, values, strict=True))

    async def _own(self, key: str) -> dict[Lane, frozenset[int]]:
        """lane → the cells that have a value of their own, and do not follow it; none where control does not tell."""
        try:
            body = await self._json("GET", f"{self._at.control_url}/v1/switches")
            cells = body["cells"]
            return {lane: frozenset(int(cell) for cell, own in cells[lane].items() if key in own) for lane in cells}
        except _GARBAGE:
            return {}

    async def set(self, key: str, lane: Lane | None, value: int, why: str, cell: int | None = None) -> None:
        """See `World`."""
        body: dict[str, object] = {"value": value, "who": "playbook", "why": why} | ({"lane": lane} if lane else {})
        body |= {} if cell is None else {"cell": cell}
        url = f"{self._at.control_url}/v1/switches/{key}"
        try:
            answer = await self._json("PUT", url, json=body, headers=self._bearer)
        except _GARBAGE as exc:
            raise Away(f"control did not set {key}: {exc or type(exc).__name__}") from exc
        if not isinstance(answer, dict) or answer.get("value") != value:
            raise Away(f"control did not set {key}: {answer}")

    async def _json(self, method: str, url: str, **more: Any) -> Any:
        assert self._session is not None
        async with self._session.request(method, url, **more) as answer:
            answer.raise_for_status()
            return await answer.json(content_type=None)

    async def _shown(self, url: str, key: str, lane: Lane) -> int | None:
        """The switch's gauge on one process's own /metrics: its present value, not that of the last scrape."""
        assert self._session is not None
        try:
            async with self._session.get(f"{url}/metrics") as answer:
                answer.raise_for_status()
                text = await answer.text()
            # One line of a long page; the parser is slow on the rest.
            lines = [line for line in text.splitlines() if line.startswith("hongbao_switch{")]
            samples = [s for family in text_string_to_metric_families("\n".join(lines)) for s in family.samples]
            return next((int(s.value) for s in samples if s.labels == {"key": key, "lane": lane}), None)
        except _GARBAGE:
            return None

"""What a run sees and may do: figures of Prometheus, switches by way of control, and their value in every process.

A figure nobody tells is None, never a number. Refuses every change but that of a switch.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from typing import Any, Protocol

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from harness.stack.addresses import Addresses
from system.contract.switches import SWITCHES

ASK_TIMEOUT_S = 2.0
_READERS = {switch.key: switch.readers for switch in SWITCHES}


class Away(Exception):
    """Control did not take the order, or nobody knows whether it did. To be repeated: a switch is set to a value."""


class World(Protocol):
    """The seam between a run and everything outside it."""

    async def figure(self, query: str) -> float | None:
        """The one value of an instant query; None: no answer, no sample, several, or not a number."""
        ...

    async def told(self, key: str) -> int | None:
        """The switch as control has it; None: not known."""
        ...

    async def seen(self, key: str) -> Mapping[str, int | None]:
        """process → the switch as that process shows it, for every process that reads it; None: not known."""
        ...

    async def set(self, key: str, value: int, why: str) -> None:
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

    def readers(self, key: str) -> dict[str, str]:
        """process → address, of every process that reads the switch."""
        places = {
            "front": {f"front-{k}": url for k, url in enumerate(self._at.front_metrics_urls)},
            "credit": {f"credit-{lane}": url for lane, url in self._at.credit_metrics_urls.items()},
        }
        return {name: url for reader in _READERS[key] for name, url in places[reader].items()}

    async def figure(self, query: str) -> float | None:
        """See `World`."""
        try:
            body = await self._json("POST", f"{self._at.prometheus_url}/api/v1/query", data={"query": query})
            found = body["data"]["result"]
            value = float(found[0]["value"][1]) if len(found) == 1 else math.nan
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError, IndexError):
            return None
        return value if math.isfinite(value) else None

    async def told(self, key: str) -> int | None:
        """See `World`."""
        try:
            return int((await self._json("GET", f"{self._at.control_url}/v1/switches"))["switches"][key])
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError):
            return None

    async def seen(self, key: str) -> dict[str, int | None]:
        """See `World`; all are asked at once."""
        readers = self.readers(key)
        values = await asyncio.gather(*(self._shown(url, key) for url in readers.values()))
        return dict(zip(readers, values, strict=True))

    async def set(self, key: str, value: int, why: str) -> None:
        """See `World`."""
        body = {"value": value, "who": "playbook", "why": why}
        url = f"{self._at.control_url}/v1/switches/{key}"
        try:
            answer = await self._json("PUT", url, json=body, headers=self._bearer)
        except (aiohttp.ClientError, TimeoutError, ValueError) as exc:
            raise Away(f"control did not set {key}: {exc or type(exc).__name__}") from exc
        if not isinstance(answer, dict) or answer.get("value") != value:
            raise Away(f"control did not set {key}: {answer}")

    async def _json(self, method: str, url: str, **more: Any) -> Any:
        assert self._session is not None
        async with self._session.request(method, url, **more) as answer:
            answer.raise_for_status()
            return await answer.json(content_type=None)

    async def _shown(self, url: str, key: str) -> int | None:
        """The switch's gauge on one process's own /metrics: the truth of that process, not of the last scrape."""
        assert self._session is not None
        try:
            async with self._session.get(f"{url}/metrics") as answer:
                answer.raise_for_status()
                text = await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            return None
        # One line of a long page; the parser is slow on the rest.
        lines = [line for line in text.splitlines() if line.startswith("hongbao_switch{")]
        try:
            samples = [s for family in text_string_to_metric_families("\n".join(lines)) for s in family.samples]
        except ValueError:
            return None
        return next((int(s.value) for s in samples if s.labels.get("key") == key), None)

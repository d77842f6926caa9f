"""A lane's run-time switches, read from control once a second. While control is down the last known values hold."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

import aiohttp

from system.contract.ids import Lane
from system.contract.switches import SWITCHES, checked

log = logging.getLogger(__name__)
INTERVAL_S = 1.0
MINE = tuple(switch.key for switch in SWITCHES if "credit" in switch.readers)


class Switches:
    """The switches credit of a lane obeys. Defaults until control has answered once."""

    def __init__(self, control_url: str, key: str, lane: Lane, *, cell: int = 0, timeout_s: float = 1.0) -> None:
        self._lane = lane
        self._url = f"{control_url}/v1/switches?cell={cell}"
        self._headers = {"X-Xiu-Key": key}
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self.values: dict[str, int] = {switch.key: switch.default for switch in SWITCHES if switch.key in MINE}
        self._answered = True
        self.known = asyncio.Event()
        """Set once control has answered."""

    @property
    def paused(self) -> bool:
        return self.values["credit.pause"] == 1

    @property
    def batch_max(self) -> int:
        return self.values["credit.batch_max"]

    async def follow(self) -> None:
        """Asks for ever."""
        async with aiohttp.ClientSession(timeout=self._timeout, headers=self._headers) as session:
            while True:
                await self._ask(session)
                await asyncio.sleep(INTERVAL_S)

    async def _ask(self, session: aiohttp.ClientSession) -> None:
        try:
            async with session.get(self._url) as answer:
                answer.raise_for_status()
                self.take(await answer.json())
        except Exception as exc:
            # Whatever the driver or the answer raised: the last known values stay.
            if self._answered:
                log.warning("switches unknown: %s", exc or type(exc).__name__, extra={"event": "switches_unknown"})
            self._answered = False
        else:
            self._answered = True
            self.known.set()

    def take(self, body: object) -> None:
        """Takes over control's answer, `{"lanes": {lane: {key: value}}}`, or `{"switches": {key: value}}` of a control
        that knows no lanes. Raises BadRequest, ValueError: nothing changed.
        """
        lanes = body.get("lanes") if isinstance(body, dict) else None
        found = lanes.get(self._lane) if isinstance(lanes, Mapping) else None
        if lanes is None and isinstance(body, dict):
            found = body.get("switches")
        if not isinstance(found, Mapping):
            raise ValueError("control's answer names no switches")
        self.values = {**self.values, **{key: checked(key, found[key]) for key in MINE if key in found}}

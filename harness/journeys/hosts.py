"""The workers of other hosts, as their master serves them: what happens to the run's folder here happens to theirs
(stop, another rate, a climb's next window), and what they measured is put into it.

Runs in the master's Locust process, where sleeping is gevent's.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gevent

from harness.guard import rate, windows
from harness.journeys.clocks import HostClock
from harness.journeys.courier import Inbox
from harness.journeys.joining import Secret
from harness.orchestrate.fire_order import FireOrder
from harness.phrases import sentence

KILL = "kill"
MIRRORED = (KILL, rate.FILE, windows.FILE)
"""Files of a run's folder by which whoever conducts it steers its generators."""
MARK = ".master"
"""In the folder of a run: who reads the same mark there stands on the master's host, in its very folder."""
LOOK_S = 0.05


@dataclass(slots=True)
class FarWorkers:
    """Of one fire. `send(kind, data, client)` sends a message of the master's."""

    order: FireOrder
    secret: Secret
    nonces: dict[str, str]
    places: dict[str, int]
    send: Callable[[str, dict[str, Any], str], None]
    mark: str = field(default_factory=lambda: secrets.token_hex(8))
    inboxes: dict[str, Inbox] = field(default_factory=dict)
    _seen: dict[str, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (Path(self.order.folder) / MARK).write_text(self.mark)

    def take(self, client: str, data: object) -> None:
        """A piece of what a worker measured; how many have come is confirmed."""
        place = self.places.get(client)
        if place is None:
            return
        if client not in self.inboxes:
            self.inboxes[client] = Inbox(self.order, place, len(self.places), self.secret, self.nonces[client])
        self.send("xiu_got", {"taken": self.inboxes[client].take(data)}, client)

    def finished(self, client: str, account: dict[str, Any], clock: HostClock | None) -> dict[str, Any]:
        """A worker's account in short, as it counts: one of which something is missing is a failed one."""
        inbox = self.inboxes.get(client)
        if inbox is None:
            return account
        why = inbox.finish(int(account.get("pieces") or 0), lambda text: with_clock(text, clock))
        return {**account, "failed": account.get("failed") or why} if why else account

    def mirror(self) -> None:
        """Sends what changed in the run's folder, for as long as the run lasts."""
        folder = Path(self.order.folder)
        while True:
            for name in MIRRORED:
                try:
                    now = (folder / name).stat()
                    if self._seen.get(name) == (now.st_mtime_ns, now.st_size):
                        continue
                    text = (folder / name).read_text(encoding="utf-8")
                except OSError:
                    continue  # it is not there
                self._seen[name] = now.st_mtime_ns, now.st_size
                for client, nonce in self.nonces.items():
                    self.send("xiu_file", self.secret.seal(nonce, {"name": name, "text": text}), client)
            gevent.sleep(LOOK_S)

    def stop(self) -> None:
        """All workers stop sending, in order."""
        with suppress(OSError):
            (Path(self.order.folder) / KILL).touch()

    def end(self) -> None:
        """Safe to repeat."""
        (Path(self.order.folder) / MARK).unlink(missing_ok=True)


def shares_folder(order: FireOrder, mark: object) -> bool:
    """Does this process stand in the very folder of its master?"""
    try:
        return (Path(order.folder) / MARK).read_text(encoding="utf-8") == mark
    except OSError:
        return False


def mirrored(order: FireOrder, told: dict[str, Any]) -> None:
    """Puts a file of the master's folder into this host's. Another name than those of a run's steering is ignored."""
    name, text = told.get("name"), told.get("text")
    if name not in MIRRORED or not isinstance(text, str):
        return
    folder = Path(order.folder)
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{name}.told"
    draft.write_text(text, encoding="utf-8")
    draft.replace(folder / name)


def amended(account: dict[str, Any], clock: HostClock) -> dict[str, Any]:
    """A worker's account with its clock in it: INVALID where that was too far from the master's."""
    told = {
        "offset_ms": round(1000 * clock.offset_s, 3), "within_ms": round(1000 * clock.within_s, 3),
        "worst_ms": round(1000 * clock.worst_s, 3), "readings": clock.readings,
    }  # fmt: skip
    own = account["generator"]
    if clock.beyond:
        text = sentence("clock_apart", worker=account["worker"], apart_s=clock.worst_s)
        own = own | {
            "valid": False, "reasons": [*own["reasons"], str(text)],
            "said": [*own.get("said", ()), {"says": text.says, "data": text.data}],
        }  # fmt: skip
    return account | {"generator": own, "clock": told}


def with_clock(text: bytes, clock: HostClock | None) -> bytes:
    """An account's text, amended."""
    return text if clock is None else json.dumps(amended(json.loads(text), clock)).encode()

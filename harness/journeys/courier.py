"""What a worker on another host brings to its master: the cannon's messages while it fires, and afterwards history and
account, in numbered pieces. The master keeps them as files of the run, under the names that its own workers use.

A piece carries the proof of the run's secret, and the master takes each number once and in order: what is missing is
known, and an account of which a piece is missing counts for nothing. Names of files are made here, never read from a
message. Times of a worker are moved to the master's monotonic clock, by the two hosts' wall clocks.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gevent

from harness.engine.recorder import MANIFEST, enter, moved, segment_name
from harness.errors import HarnessError
from harness.journeys.joining import Secret
from harness.orchestrate.fire_order import FireOrder

PIECE_BYTES = 1 << 18
AHEAD = 32
"""Pieces on their way that the master has not confirmed yet, at most."""
PATIENCE_S = 30.0
"""Without any confirmation for so long the master is lost."""
SAME_CLOCK_NS = 10_000_000


def base_ns() -> int:
    """Wall clock - monotonic clock of this host."""
    return time.time_ns() - time.monotonic_ns()


def _mac(secret: Secret, nonce: str, number: int, kind: str, data: bytes) -> str:
    return secret.signed(nonce, str(number), kind, hashlib.sha256(data).hexdigest())


@dataclass(slots=True)
class Courier:
    """The worker's side. `send` takes a message's data; `lost()`: is the master lost?"""

    secret: Secret
    nonce: str
    send: Callable[[dict[str, Any]], None]
    lost: Callable[[], bool]
    sent: int = 0
    confirmed: int = 0

    def bring(self, kind: str, data: bytes) -> None:
        """One piece; waits while too many are on their way. Raises HarnessError where the master is lost."""
        until = time.monotonic() + PATIENCE_S
        before = self.confirmed
        while self.sent - self.confirmed >= AHEAD:
            if self.confirmed != before:
                before, until = self.confirmed, time.monotonic() + PATIENCE_S
            if self.lost() or time.monotonic() > until:
                raise HarnessError("the master is lost: what this worker measured was not brought to it")
            gevent.sleep(0.005)
        self.sent += 1
        mac = _mac(self.secret, self.nonce, self.sent, kind, data)
        self.send({"number": self.sent, "kind": kind, "data": data, "mac": mac})

    def bring_files(self, order: FireOrder, worker: int, workers: int, shift_ns: int) -> None:
        """History, then the account, which is last: where it is, everything is. Raises HarnessError, OSError."""
        account = json.loads(order.file("cannon", worker, ".json").read_text(encoding="utf-8"))
        account["start_ns"] += shift_ns
        history = Path(order.folder) / "history"
        if (history / MANIFEST).exists():
            manifest = json.loads((history / MANIFEST).read_text(encoding="utf-8"))
            mine = order.writes_as(worker, workers)
            for entry in (one for one in manifest["segments"] if one["worker"] == mine):
                data = moved(history / entry["file"], shift_ns)
                for piece in _pieces(data):
                    self.bring("segment", piece)
                entry["sha256"] = hashlib.sha256(data).hexdigest()
                self.bring("entry", json.dumps(entry).encode())
            about = {name: manifest[name] for name in ("run_id", "seed", "journeys")}
            self.bring("manifest", json.dumps(about).encode())
        for piece in _pieces(json.dumps(account).encode()):
            self.bring("account", piece)


def _pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), PIECE_BYTES):
        yield data[start : start + PIECE_BYTES]


def shift_to(master_base_ns: int) -> int:
    """What is added to a time of this host's monotonic clock; 0 where both processes stand on one host."""
    shift = base_ns() - master_base_ns
    return 0 if abs(shift) < SAME_CLOCK_NS else shift


@dataclass(slots=True)
class Inbox:
    """The master's side: the pieces of one worker, in its place among the `workers` of the order."""

    order: FireOrder
    worker: int
    workers: int
    secret: Secret
    nonce: str
    taken: int = 0
    wrong: str = ""
    _part: bytearray = field(default_factory=bytearray)
    _entries: list[dict[str, object]] = field(default_factory=list)
    _account: bytearray = field(default_factory=bytearray)

    def take(self, data: object) -> int:
        """A piece; how many have been taken. What is wrong is kept in `wrong`, and nothing more is taken."""
        if self.wrong:
            return self.taken
        try:
            self._take(data)
        except (KeyError, TypeError, ValueError) as exc:
            self.wrong = f"a piece of what it measured cannot be read ({type(exc).__name__})"
        except (OSError, HarnessError) as exc:
            self.wrong = f"what it measured was not kept: {exc}"
        return self.taken

    def _take(self, data: Any) -> None:
        number, kind, piece = int(data["number"]), str(data["kind"]), bytes(data["data"])
        if not hmac.compare_digest(str(data["mac"]), _mac(self.secret, self.nonce, number, kind, piece)):
            self.wrong = "a piece of what it measured does not carry the run's secret"
            return
        if number != self.taken + 1:
            self.wrong = f"piece {self.taken + 1} of what it measured is missing"
            return
        self.taken = number
        self._keep(kind, piece)

    def _keep(self, kind: str, piece: bytes) -> None:
        history, mine = Path(self.order.folder) / "history", self.order.writes_as(self.worker, self.workers)
        if kind == "message":
            with self.order.file("progress", self.worker, ".jsonl").open("ab", buffering=0) as file:
                file.write(piece)
        elif kind == "segment":
            self._part += piece
        elif kind == "entry":
            entry = json.loads(piece)
            if hashlib.sha256(self._part).hexdigest() != entry["sha256"]:
                raise ValueError("sha256")
            name = segment_name(mine, len(self._entries))
            history.mkdir(parents=True, exist_ok=True)
            (history / name).write_bytes(self._part)
            self._entries.append(
                {"file": name, "count": int(entry["count"]), "sha256": entry["sha256"], "worker": mine}
            )
            self._part.clear()
        elif kind == "manifest":
            about = json.loads(piece)
            enter(history, self._entries, str(about["run_id"]), int(about["seed"]), mine, list(about["journeys"]))
        elif kind == "account":
            self._account += piece
        else:
            raise ValueError(kind)

    def finish(self, sent: int, amend: Callable[[bytes], bytes]) -> str:
        """The worker says that it sent so many pieces: keeps its account as `amend` has it, or says why it counts for
        nothing.
        """
        if not self.wrong and sent != self.taken:
            self.wrong = f"{self.taken} of {sent} pieces of what it measured arrived"
        if not self.wrong and self._account:
            path = self.order.file("cannon", self.worker, ".json")
            fresh = path.with_suffix(".new")
            try:
                fresh.write_bytes(amend(bytes(self._account)))
                fresh.replace(path)
            except (OSError, ValueError, KeyError, TypeError) as exc:
                self.wrong = f"its account was not kept: {exc}"
        return self.wrong

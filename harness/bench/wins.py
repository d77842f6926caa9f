"""Bench ``wins``: durable wins/s of a real front when everybody wins ÷ XADD through valkey-py on the same server.

A whole stack (control, front, toxiproxy in the link, PostgreSQL, Valkey with fsync always), credit paused so that the
front has its core to itself. A win counts once the front calls it durable, and the stream is read afterwards: it must
hold exactly as many records. The anchor goes straight to Valkey, one record an XADD, pipelines of 100.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from valkey import Valkey

from harness import loopback
from harness.bench import clients
from harness.bench.common import Report, Say, alternate, two_cores
from harness.bench.servers import BenchTarget
from harness.control_client import ControlClient
from harness.errors import EnvironmentNotReady
from harness.stack import Stack, new_folder
from system.contract.api import RoundOrder, SponsorSplit
from system.contract.ids import stream_key
from system.contract.records import WIN_DTYPE

USERS = 400_000
"""More than a quick machine lets win in one sample: a user wins once a round."""
CONNECTIONS = 400
SECONDS = 4.0
PIPELINE = 100
WIN_SHARE_MIN = 0.99
READY_S = 15.0
ENTRY_HEAD_BYTES = 40  # docs/money.md, "Award"
PAGE = 1000


class WinsRig:
    """One front of the stack under fire, with tokens of its users. A round of its own each sample."""

    def __init__(
        self, stack: Stack, control: ControlClient, tokens: Path, users: int, core: int, number: int = 0
    ) -> None:
        self._stack, self._control, self._core = stack, control, core
        self._tokens, self._users = tokens, users
        front = stack.places.of("front")[number]
        self._number, self._cell = front.number, front.cell or 0
        self._front, self._name = front.url or "", front.name
        self._metrics = f"{front.metrics_url}/metrics"
        self._valkey: Valkey = Valkey.from_url(stack.places.of("valkey", cell=self._cell)[0].url or "")
        self.wins = self.entries = 0

    def close(self) -> None:
        self._valkey.close()  # type: ignore[no-untyped-call]

    def durable(self, seconds: float, connections: int) -> float:
        """Wins a second. Raises EnvironmentNotReady where something else would be measured."""
        ready = self.ready()
        round_id = self.open_round()
        self.wait_ready(ready)
        return self.fire(round_id, seconds, connections)

    def fire(self, round_id: int, seconds: float, connections: int) -> float:
        """As `durable`, in a round that the front has armed."""
        address = self._front.removeprefix("http://")
        target = BenchTarget(address, self._stack.pid(self._name), self._tokens, round_id)
        before = self._counts()
        fired = clients.wrk(target, self._core, connections, seconds)
        counts = {name: value - before[name] for name, value in self._settled().items()}
        answers = sum(counts[kind] for kind in ("win", "lose", "repeat", "pending", "refused"))
        if counts["win"] < WIN_SHARE_MIN * answers:
            raise EnvironmentNotReady(f"{counts['win'] / answers:.1%} of the taps won; expected 99 %: {counts}")
        entries, records = self._stored(round_id)
        if records != counts["issued"]:
            raise EnvironmentNotReady(f"{counts['issued']:.0f} wins called durable, {records} in the stream")
        self.wins, self.entries = self.wins + records, self.entries + entries
        return fired.rps * counts["win"] / answers

    def xadd(self, seconds: float) -> float:
        """Records a second, one an XADD."""
        key, record, done = "bench:wins", b"\x5a" * WIN_DTYPE.itemsize, 0
        began = time.perf_counter()
        while (took := time.perf_counter() - began) < seconds:
            pipe = self._valkey.pipeline(transaction=False)
            for _ in range(PIPELINE):
                pipe.xadd(key, {"e": record})
            done += len(pipe.execute())  # type: ignore[no-untyped-call]
        self._valkey.unlink(key)
        return done / took

    def open_round(self) -> int:
        """A round in which everybody wins: as many packets as users, all of them released at once."""
        sponsor = SponsorSplit(sponsor=1, name="Bench", classes=((100, self._users),))
        order = RoundOrder(sponsors=(sponsor,), starts_in_ms=0, duration_ms=86_400_000, release_ms=1)
        return self._control.create_round(order).round

    def ready(self) -> float:
        """How many rounds the front has armed."""
        return self._counts()["ready"]

    def issued(self) -> float:
        """Wins that the front has called durable since its start."""
        return self._counts()["issued"]

    def wait_ready(self, before: float) -> None:
        """Until the front has armed more rounds than `before`. Raises EnvironmentNotReady."""
        deadline = time.monotonic() + READY_S
        while self.ready() <= before:
            if time.monotonic() > deadline:
                raise EnvironmentNotReady(f"the front is not ready for a new round after {READY_S:g} s")
            time.sleep(0.05)

    def _settled(self) -> dict[str, float]:
        """The counts once no append is on its way."""
        deadline = time.monotonic() + READY_S
        while (counts := self._counts())["waiting"]:
            if time.monotonic() > deadline:
                raise EnvironmentNotReady(f"{counts['waiting']:.0f} appends unanswered after {READY_S:g} s")
            time.sleep(0.05)
        return counts

    def _counts(self) -> dict[str, float]:
        text = loopback.get(self._metrics, 5).text
        rows = {
            (s.name, s.labels.get("outcome", "")): s.value
            for family in text_string_to_metric_families(text)
            for s in family.samples
            if s.labels.get("lane", "live") == "live"
        }
        taps = {kind: value for (name, kind), value in rows.items() if name == "hongbao_requests_total"}
        return taps | {
            "issued": rows["hongbao_packets_issued_total", ""],
            "waiting": rows["hongbao_pending_awards", ""],
            "ready": rows["hongbao_front_ready_rounds", ""],
        }

    def _stored(self, round_id: int) -> tuple[int, int]:
        """(entries, records) of the round's stream, read from the store."""
        key, after, entries, size = stream_key(self._cell, "live", round_id, self._number), "-", 0, 0
        while page := _page(self._valkey, key, after):
            entries += len(page)
            size += sum(len(fields[b"e"]) - ENTRY_HEAD_BYTES for _, fields in page)
            after = "(" + page[-1][0].decode()
        return entries, size // WIN_DTYPE.itemsize


def _page(valkey: Valkey, key: str, after: str) -> list[Any]:
    return list(valkey.xrange(key, after, "+", count=PAGE))  # type: ignore[arg-type]


def run(say: Say, *, seconds: float = SECONDS, connections: int = CONNECTIONS) -> Report:
    """Raises EnvironmentNotReady without wrk or two cores, or if the wins are not what they should be."""
    _, core = two_cores()
    with tempfile.TemporaryDirectory(prefix="xiu-wins-") as folder:
        stack = Stack(new_folder(Path(folder)), with_prometheus=False, environment={})
        with stack:
            control = ControlClient.of(stack)
            control.set_switch("credit.pause", 1, "bench", "the front is measured, not the cores it shares")
            tokens = Path(folder) / "tokens"
            tokens.write_text("\n".join(control.tokens("live", 1, USERS)) + "\n")
            rig = WinsRig(stack, control, tokens, USERS, core)
            try:
                rig.durable(1.0, connections)
                samples = alternate(lambda: rig.durable(seconds, connections), lambda: rig.xadd(seconds), say)
            finally:
                rig.close()
                control.close()
    extra = {
        "connections": connections,
        "records_per_entry": round(rig.wins / rig.entries, 1),
        "fsync": "always",
        "link": "toxiproxy between front and Valkey, none for the anchor",
    }
    return Report("wins", "wins/s", "XADD through valkey-py, pipelines of 100", samples, extra)

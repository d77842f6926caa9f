"""Five rules of docs/money.md, each taken out of the real parts: the attack shows the violation that its table names.

With the rule the same attack changes nothing. The model finds the histories (`python -m chaos.model --remove …`); here
they are played on Valkey, PostgreSQL, control, front, credit and audit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from system.contract.errors import StoreUnknown
from system.contract.history import Outcome
from system.contract.ids import Lane
from system.credit import post as post_module
from system.credit import worker as worker_module
from system.credit.post import BatchParameters
from system.credit.verify import Prepared
from system.front.stream import StreamKeeper
from system.ledger.statements import statement
from system.winlog import Verdict
from system.winlog.log import library_code
from tests.support.stage import Stage, eventually, stage, without
from tests.support.stores import ValkeyServer

UID = 7

with_and_without = pytest.mark.parametrize(
    "mutated", [pytest.param(False, id="with the rule"), pytest.param(True, id="without it")]
)


def no_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    """`append` in Valkey looks at the sequence alone."""
    check = "    if fenced(fence, epoch) then\n        return 'FENCED'\n    end\n"
    assert check in library_code()
    text = library_code().replace(check, "")
    monkeypatch.setattr("system.winlog.log.library_code", lambda: text)


@with_and_without
def test_fence_unchecked(
    mutated: bool, postgres_dsn: str, fresh_valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """S3: an append of an older start arrives after the newer one was rebuilt; its user wins twice."""
    if mutated:
        no_fence(monkeypatch)

    async def attack(s: Stage) -> None:
        old = await s.dead_front()
        late = old.entry([(UID, old.lease_lo)])
        async with s.front() as front:
            verdict = await s.api.control.winlog.stream(0, "live", s.round_id, 0).append(late, old.epoch, 1)
            assert verdict is (Verdict.OK if mutated else Verdict.FENCED)
            assert await s.tap(front, UID) is not None
            await s.credited()
        broken = await s.broken(tmp_path)
        assert ("S3" in broken) is mutated, broken
        assert mutated or broken == {}

    stage(postgres_dsn, fresh_valkey, attack)


@with_and_without
def test_granted_unchecked(
    mutated: bool, postgres_dsn: str, fresh_valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """S3, S10: credit has read an entry, Valkey loses it, the front starts anew, and only then the batch commits."""
    if mutated:
        monkeypatch.setattr(post_module, "statement", without("credit_advance", (" AND granted = %(granted)s", "")))

    async def attack(s: Stage) -> None:
        old = await s.dead_front()
        assert await old.append((UID, old.lease_lo)) is Verdict.OK
        granted, prepared = await s.read()
        s.valkey.command_line("FLUSHALL")
        async with s.front() as front:
            assert await s.tap(front, UID) is not None
            step = BatchParameters((await s.worker._streams())[0].name, granted)
            assert await s.worker._post(step, prepared) is mutated
            await s.credited()
        broken = await s.broken(tmp_path)
        assert ("S3" in broken) is mutated, broken
        assert mutated or broken == {}

    stage(postgres_dsn, fresh_valkey, attack)


class Died(StoreUnknown):
    """The worker is killed here."""


def dies_once(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The worker's next call of this function of `post.py` is its last, before it did anything."""
    real: Callable[..., Awaitable[Any]] = getattr(post_module, name)
    left = [1]

    async def once(*args: Any) -> Any:
        if left and left.pop():
            raise Died("kill -9")
        return await real(*args)

    monkeypatch.setattr(post_module, name, once)


def offset_outside(s: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The offset is moved first, in a transaction of its own; then the money follows in another."""
    real = post_module.post

    async def post(conn: Any, step: BatchParameters, prepared: Prepared) -> Any:
        advance = _filled(step, prepared)
        s.sql(advance)
        return await real(conn, step, prepared)

    def no_advance(asked: str, lane: Lane) -> bytes:
        return b"SELECT 1" if asked == "credit_advance" else statement(asked, lane)

    monkeypatch.setattr(worker_module, "post", post)
    monkeypatch.setattr(post_module, "statement", no_advance)


def _filled(step: BatchParameters, prepared: Prepared) -> str:
    text = statement("credit_advance", "live").decode()
    for name, value in step.params(prepared.chunk.start, prepared.chunk.end).items():
        text = text.replace(f"%({name})s", str(value))
    return "\n".join(line for line in text.splitlines() if not line.startswith("--"))


@with_and_without
def test_offset_outside_the_transaction(
    mutated: bool, postgres_dsn: str, fresh_valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """S5, S4: the worker dies behind the offset and before the money; nobody posts that award any more."""

    async def attack(s: Stage) -> None:
        if mutated:
            offset_outside(s, monkeypatch)
        async with s.front() as front:
            assert await s.tap(front, UID) is not None
            dies_once(monkeypatch, "_leases")
            with pytest.raises(StoreUnknown):
                await s.worker.once()
            await s.credited()
        broken = await s.broken(tmp_path)
        assert (mutated and {"S4", "S5"} <= broken.keys()) or (not mutated and broken == {}), broken

    stage(postgres_dsn, fresh_valkey, attack)


@with_and_without
def test_offset_behind_the_money_and_no_bitmap(
    mutated: bool, postgres_dsn: str, fresh_valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """S5: the money is committed, the worker dies before the offset; the next one posts it again.

    The bitmap is a tripwire that would catch it: it is taken out as well.
    """

    async def attack(s: Stage) -> None:
        if mutated:
            later = without("credit_leases", ("hi, used", "hi, decode(repeat('00', length(used)), 'hex') AS used"))

            def changed(asked: str, lane: Lane) -> bytes:
                return b"SELECT 1" if asked == "credit_advance" else later(asked, lane)

            monkeypatch.setattr(post_module, "statement", changed)  # the offset would follow; the worker dies first
        async with s.front() as front:
            assert await s.tap(front, UID) is not None
            granted, prepared = await s.read()
            step = BatchParameters((await s.worker._streams())[0].name, granted)
            assert await s.worker._post(step, prepared) is True
            assert await s.worker._post(step, prepared) is mutated, "the next worker, from the offset that it finds"
        broken = await s.broken(tmp_path)
        assert ("S5" in broken) is mutated, broken
        assert s.sql("SELECT count(*) FROM live.posting") == [(2 if mutated else 1,)]

    stage(postgres_dsn, fresh_valkey, attack)


def answered_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Users hear of their win when the append is sent, not when it is stored."""
    real = StreamKeeper._append

    async def early(self: StreamKeeper, lease: int, uids: list[int]) -> None:
        for uid in uids:
            self.round.settle(uid)
        await real(self, lease, uids)

    monkeypatch.setattr(StreamKeeper, "_append", early)


@with_and_without
def test_answer_before_the_append_is_durable(
    mutated: bool, postgres_dsn: str, fresh_valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """S10, S4: told of a win that was never stored; front and Valkey die, and the same user is told of another."""
    if mutated:
        answered_early(monkeypatch)

    async def attack(s: Stage) -> None:
        async with s.front() as front:
            s.valkey.freeze()
            first = await s.tap(front, UID)
            assert (first is not None) is mutated
            await front.kill()
        s.valkey.restart(kill=True)
        async with s.front() as front:
            second = await s.tap(front, UID)
            await eventually(lambda: UID in front.round(s.round_id).settled, "settled")
            if second is None:  # a busy machine: pending, then settled
                second = await s.tap(front, UID)
            assert second != first
            await s.credited()
        broken = await s.broken(tmp_path)
        assert (mutated and {"S4", "S10"} <= broken.keys()) or (not mutated and broken == {}), broken
        assert s.told[0][1] is (Outcome.WIN if mutated else Outcome.PENDING)

    stage(postgres_dsn, fresh_valkey, attack)


def leases_given_back(s: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new epoch gives the abandoned leases back to the pool. The unique index on a lease's start is a tripwire."""
    s.sql("DROP INDEX live.lease_lo")
    back = (
        "WITH gone AS (UPDATE live.lease",
        " RETURNING lo) UPDATE live.round SET next_packet = coalesce((SELECT min(lo) FROM gone), next_packet)"
        " WHERE round = %(round)s",
    )

    def changed(asked: str, lane: Lane) -> bytes:
        text = statement(asked, lane)
        if asked != "control_epoch_abandon":
            return text
        assert text.count(b"UPDATE live.lease") == 1
        return text.replace(b"UPDATE live.lease", back[0].encode()) + back[1].encode()

    monkeypatch.setattr("system.control.epochs.statement", changed)


@with_and_without
def test_abandoned_lease_issued_again(
    mutated: bool, postgres_dsn: str, fresh_valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """S12: a packet that a dead start awarded is leased, and awarded, to somebody else."""

    async def attack(s: Stage) -> None:
        if mutated:
            leases_given_back(s, monkeypatch)
        old = await s.dead_front()
        assert await old.append((UID, old.lease_lo)) is Verdict.OK
        s.told.append((UID, Outcome.PENDING, None))
        async with s.front() as front:
            other = await s.tap(front, UID + 1)
            assert other is not None
            assert (other.packet == old.lease_lo) is mutated
            await s.credited()
        broken = await s.broken(tmp_path)
        assert ("S12" in broken) is mutated, broken
        assert mutated or broken == {}

    stage(postgres_dsn, fresh_valkey, attack)


def test_without_any_attack_the_books_close(postgres_dsn: str, fresh_valkey: ValkeyServer, tmp_path: Path) -> None:
    """The stage itself: every invariant that this history can judge holds."""

    async def calm(s: Stage) -> None:
        async with s.front() as front:
            for uid in range(5):
                assert await s.tap(front, uid) is not None
            await s.credited()
            await s.close()
        report = await s.judged(tmp_path)
        held = {one.code for one in report.findings if one.valid is True}
        assert held >= {"S1", "S3", "S4", "S5", "S6", "S10", "S12"}
        assert [one for one in report.findings if one.valid is False] == []

    stage(postgres_dsn, fresh_valkey, calm)

"""A keeper goes on whatever breaks around it, and what is told of a part is true."""

from __future__ import annotations

import asyncio
import errno
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.stack import spawn
from harness.stack.folder import Folder
from harness.stack.keeper import Keeper, PartEvent
from harness.stack.table import Part

DEADLINE_S = 20.0
ASLEEP = Part("sleeper", (sys.executable, "-c", "import time; time.sleep(600)"), "alive://")


async def until(condition: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():  # noqa: ASYNC110 (what a keeper does has no event of its own)
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"{what}: not within {DEADLINE_S:g} s") from None


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.make()
    return made


def full(event: PartEvent) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_who_cannot_be_told_keeps_no_part_dead(folder: Folder) -> None:
    async def scene() -> None:
        keeper = Keeper(ASLEEP, folder, {}, full)
        await keeper.start()
        old = keeper.pid
        assert old is not None
        spawn.send(old, 9)
        await until(lambda: keeper.pid not in (None, old) and keeper.state == "ready", "started again")
        await keeper.stop()

    asyncio.run(scene())


def test_a_part_that_cannot_be_started_for_a_moment_is_started_later(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[PartEvent] = []
    start, refusals = spawn.start, [OSError(errno.EAGAIN, "no process"), OSError(errno.EMFILE, "no descriptor")]

    def reluctant(*args: object, **more: object) -> object:
        if refusals:
            raise refusals.pop()
        return start(*args, **more)  # type: ignore[arg-type]

    async def scene() -> None:
        keeper = Keeper(ASLEEP, folder, {}, heard.append)
        await keeper.start()
        old = keeper.pid
        assert old is not None
        monkeypatch.setattr(spawn, "start", reluctant)
        monkeypatch.setattr("harness.stack.keeper.AGAIN_S", 0.01)
        spawn.send(old, 9)
        await until(lambda: keeper.pid not in (None, old) and keeper.state == "ready", "started again")
        await keeper.stop()

    asyncio.run(scene())
    kinds = [event.kind for event in heard]
    assert kinds == ["started", "ready", "died", "not_started", "not_started", "started", "restarted"]


def test_a_keeper_that_is_dead_is_replaced(folder: Folder) -> None:
    async def scene() -> None:
        keeper = Keeper(ASLEEP, folder, {}, lambda event: None)
        await keeper.start()
        old, watch = keeper.pid, keeper._watch
        assert old is not None
        assert watch is not None
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        spawn.send(old, 9)
        await until(lambda: keeper.pid is None, "dead")
        assert keeper.shown == "dead"
        assert keeper.mend() is True
        assert keeper.mend() is False
        await until(lambda: keeper.pid not in (None, old) and keeper.state == "ready", "started again")
        await keeper.stop()
        assert keeper.mend() is False

    asyncio.run(scene())


def test_what_is_given_up_can_be_started_again(folder: Folder) -> None:
    mark = folder.path / "may-live"
    code = f"import os, time; time.sleep(600 if os.path.exists({str(mark)!r}) else 0)"
    part = Part("weak", (sys.executable, "-c", code), "alive://")
    heard: list[PartEvent] = []

    async def scene() -> None:
        mark.touch()
        keeper = Keeper(part, folder, {}, heard.append)
        await keeper.start()
        mark.unlink()
        assert keeper.pid is not None
        spawn.send(keeper.pid, 9)
        await until(lambda: keeper.state == "gave_up", "given up")
        mark.touch()
        await keeper.restart()
        assert keeper.shown == "ready"
        await keeper.stop()

    asyncio.run(scene())
    assert "xiu restart weak" in next(event.detail for event in heard if event.kind == "gave_up")


def test_a_part_starts_though_its_log_cannot_be_opened(folder: Folder) -> None:
    folder.log("sleeper").mkdir()

    async def scene() -> None:
        keeper = Keeper(ASLEEP, folder, {}, lambda event: None)
        await keeper.start()
        assert keeper.pid is not None
        await keeper.stop()

    asyncio.run(scene())


def test_a_folder_on_a_healthy_disk_has_space_and_one_that_is_gone_has_none(tmp_path: Path) -> None:
    assert Folder(tmp_path).has_space()
    assert list(tmp_path.iterdir()) == []
    assert not Folder(tmp_path / "none").has_space()


def test_a_part_that_waits_to_be_started_again_stays_dead_once_it_is_suspended(folder: Folder) -> None:
    """`xiu halt` and faults with `stays_down` suspend, then kill: a part that happens to be in its back-off, too."""

    async def scene() -> None:
        keeper = Keeper(ASLEEP, folder, {}, lambda event: None)
        await keeper.start()
        for _ in range(2):  # the second death is followed by a pause
            old = keeper.pid
            assert old is not None
            spawn.send(old, 9)
            await until(lambda old=old: keeper.pid != old and keeper.state in ("ready", "dead"), "noticed")  # type: ignore[misc]
            if keeper.state == "dead":
                break
        await until(lambda: keeper.state == "dead", "dead, before its pause is over")
        keeper.suspend()
        await until(lambda: keeper.state != "dead", "its pause is over")
        assert (keeper.state, keeper.pid) == ("suspended", None)
        keeper.resume()
        await until(lambda: keeper.state == "ready", "started again")
        await keeper.stop()

    asyncio.run(scene())

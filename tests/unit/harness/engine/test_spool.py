"""A tape that is written off while the run goes on says at its end what a tape says that stayed in memory."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.engine import recorder, shots, spool
from harness.engine import tape as tapes
from harness.engine.answers import DROPPED, UNANSWERED, code_of
from harness.engine.cannon import Cannon
from harness.engine.config import CannonConfig
from harness.engine.loading import load
from harness.engine.results import JourneyAccount, result
from harness.engine.spool import TapeSpool, spool_of
from harness.engine.strands import Strand, tape_of
from harness.engine.tape import COLUMNS, Tape
from harness.orchestrate.merge import side_by_side
from system.contract.history import Outcome
from tests.support.stores import wait_until

BLOCK, BLOCKS = 4096, 6
TAPS = BLOCK * BLOCKS + 700
RATE, NS, START = 3000, 1_000_000_000, 7_000_000_000
UIDS = np.arange(1000, 1500, dtype=np.uint64)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts that end within blocks, and many of them."""
    monkeypatch.setattr(tapes, "PART_TAPS", 5000)
    monkeypatch.setattr(recorder, "SEGMENT_RECORDS", 5000)


def played(seed: int = 3) -> Tape:
    """Taps at an even rate and a tenth as many reads between them, with everything that can become of a request."""
    people, reads = np.arange(TAPS, dtype=np.int32), TAPS // 11
    times = START + np.arange(TAPS - reads, dtype=np.int64) * (NS // RATE)
    phase = (np.arange(TAPS - reads) > 2 * RATE).astype(np.uint8)
    beside = Strand(
        times[::10][:reads] + 5, phase[::10][:reads], people[:reads] % 9, people[:reads] % 500, _bytes(reads)
    )
    taps = Strand(times, phase, people[: TAPS - reads] % 9, people[: TAPS - reads] % 500, _bytes(TAPS - reads))
    tape = tape_of([taps, beside])
    random = np.random.default_rng(seed)
    intended = tape.times(tape.intended)
    lag = random.integers(1000, 300_000, len(tape))
    tape.times(tape.reached)[:] = intended + lag
    tape.times(tape.sent)[:] = intended + lag + random.integers(0, 2, len(tape)) * 40_000
    tape.times(tape.done)[:] = tape.times(tape.sent) + random.integers(200_000, 90_000_000, len(tape))
    tape.codes()[:] = code_of(Outcome.LOSE, 200)
    for tap in range(50, len(tape), 997):
        kind = tap % 4
        tape.code[tap] = (UNANSWERED, code_of(DROPPED, 0), code_of(Outcome.WIN, 200), code_of(Outcome.REFUSED, 429))[
            kind
        ]
        if kind == 1:
            tape.sent[tap] = tape.done[tap] = 0
        if kind == 2:
            tape.award_place(tap, (tap, 188))
    return tape


def _bytes(many: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.zeros(many, np.uint8)


@contextmanager
def spooled(tape: Tape, folder: Path) -> Iterator[TapeSpool]:
    one = TapeSpool(tape, folder, BLOCK)
    try:
        yield one
    finally:
        one.close()


def written_off(one: TapeSpool, tape: Tape, reached: int, blocks: int) -> None:
    """Housekeeping until so many blocks are in memory no more."""

    def turned() -> bool:
        one.turn(reached)
        return tape.freed == blocks * BLOCK

    wait_until(turned, 60.0, "the blocks were not written")


def account(tape: Tape, stopped_ns: int | None = None) -> dict[str, Any]:
    taps = int((tape.journey == 0).sum())
    many = [
        JourneyAccount("tap", shots.find("tap"), taps, 9),
        JourneyAccount("w", shots.find("wallet"), len(tape) - taps, 9),
    ]
    plan_ns = (TAPS - TAPS // 11) * (NS // RATE)
    told = result(
        tape, start_ns=START, plan_ns=plan_ns, stopped_ns=stopped_ns, journeys=many, cpu=[], objective_ms=5.0,
        one_of_several=True,
    )  # fmt: skip
    return dict(json.loads(json.dumps(told)))


def records(tape: Tape) -> bytes:
    return np.concatenate([*recorder.pages(tape, UIDS, 9, 0)]).tobytes()


def test_what_was_written_off_is_accounted_for_to_the_last_request(tmp_path: Path) -> None:
    whole, tape = played(), played()
    with spooled(tape, tmp_path) as one:
        one.came(np.arange(len(tape)))
        written_off(one, tape, len(tape), BLOCKS - 1)
        for name in COLUMNS:
            assert not any(getattr(tape, name)[: tape.freed]), "its memory is given back"
        assert account(tape) == account(whole)
        assert account(tape, START + 3 * NS) == account(whole, START + 3 * NS)
        assert records(tape) == records(whole)


def test_one_part_or_many_are_one_account(monkeypatch: pytest.MonkeyPatch) -> None:
    tape = played()
    in_parts = account(tape)
    monkeypatch.setattr(tapes, "PART_TAPS", len(tape))
    assert account(tape) == in_parts
    assert sum(row["scheduled"] for row in in_parts["seconds"]) == in_parts["load"]["scheduled"]
    assert [row["second"] for row in in_parts["seconds"]] == list(range(len(in_parts["seconds"])))


def test_no_part_ends_within_a_second() -> None:
    tape = played()
    ends = [int(part.intended[0]) - START for part in tape.parts(START, NS)]
    assert len(ends) > 3
    assert all(first % NS < NS // RATE for first in ends)
    assert sum(map(len, tape.parts(START, NS))) == len(tape)


def test_an_answer_that_is_late_holds_its_block_and_those_behind_it(tmp_path: Path) -> None:
    whole, tape = played(), played()
    late = BLOCK + 17
    done, code = tape.done[late], tape.code[late]
    tape.done[late] = tape.code[late] = 0
    with spooled(tape, tmp_path) as one:
        one.came(np.delete(np.arange(len(tape)), late))
        written_off(one, tape, len(tape), 1)
        one.turn(len(tape))
        assert tape.freed == BLOCK
        tape.done[late], tape.code[late] = done, code
        one.came(np.array([late]))
        written_off(one, tape, len(tape), BLOCKS - 1)
        assert records(tape) == records(whole)


def test_the_block_that_was_reached_last_stays_in_memory(tmp_path: Path) -> None:
    tape = played()
    with spooled(tape, tmp_path) as one:
        one.came(np.arange(2 * BLOCK))
        one.turn(2 * BLOCK - 1)
        one.settle()
        assert tape.freed == 0


def test_what_was_stopped_in_flight_is_told_as_that(tmp_path: Path) -> None:
    """The last blocks are never whole: their requests were not sent, or have no answer."""
    tape, sent = played(), 3 * BLOCK + 100
    for name in ("reached", "sent", "done", "code", "award"):
        np.frombuffer(getattr(tape, name), COLUMNS[name])[sent:] = 0
    with spooled(tape, tmp_path) as one:
        one.came(np.arange(sent))
        written_off(one, tape, sent, 2)
        told = account(tape, int(tape.intended[sent]))
    load = told["load"]
    assert load["scheduled"] == load["sent"] + load["dropped"] + load["unsent"]
    beside = told["beside"][0]["load"]
    assert load["unsent"] + beside["unsent"] == len(tape) - sent
    assert load["residues"]["sent - outcomes"] == beside["residues"]["sent - outcomes"] == 0


def test_two_workers_tapes_are_merged_as_if_they_had_stayed_in_memory(tmp_path: Path) -> None:
    whole, tapes_ = [played(seed) for seed in (1, 2)], [played(seed) for seed in (1, 2)]
    with spooled(tapes_[0], tmp_path) as one, spooled(tapes_[1], tmp_path) as two:
        for part, tape in zip((one, two), tapes_, strict=True):
            part.came(np.arange(len(tape)))
            written_off(part, tape, len(tape), BLOCKS - 1)
        told = [side_by_side([account(tape) | LEFT for tape in of])["latency_ms"] for of in (tapes_, whole)]
    assert told[0] == told[1]


LEFT: dict[str, Any] = {"stop": None, "awards": 0, "resources": None}


def test_a_generator_that_is_killed_leaves_no_tape_behind(tmp_path: Path) -> None:
    tape = played()
    with spooled(tape, tmp_path) as one:
        one.came(np.arange(len(tape)))
        written_off(one, tape, len(tape), BLOCKS - 1)
        assert list(tmp_path.iterdir()) == []


def test_a_write_that_is_cut_short_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pwrite, whole, tape = os.pwrite, played(), played()
    monkeypatch.setattr(spool.os, "pwrite", lambda fd, data, at: pwrite(fd, data[:1000], at))
    with spooled(tape, tmp_path) as one:
        one.came(np.arange(len(tape)))
        written_off(one, tape, len(tape), BLOCKS - 1)
        assert records(tape) == records(whole)


def full(*_: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_told_by_the_folder_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, tape = played(), played()
    monkeypatch.setattr(spool.os, "pwrite", full)
    with spooled(tape, tmp_path) as one:
        one.came(np.arange(len(tape)))
        one.turn(len(tape))
        with pytest.raises(OSError, match=f"No space left on device: '{tmp_path}'"):
            one.settle()
        assert tape.freed == 0
        assert records(tape) == records(whole)


def test_a_cannon_whose_tape_cannot_be_written_stops_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "SPOOLED_FROM", 1)
    monkeypatch.setattr(spool, "BLOCK_TAPS", BLOCK)
    monkeypatch.setattr(spool.os, "pwrite", full)
    (tmp_path / "tokens").write_text("".join(f"{uid}.9.ff\n" for uid in range(1000, 1200)))
    segment = {"kind": "constant", "rate_rps": 10_000, "duration_s": 3, "phase": 1}
    config = CannonConfig(("127.0.0.1:7001",), (segment,), str(tmp_path / "tokens"), str(tmp_path / "r"), 50, 50)
    one = Cannon(config, load(config))
    assert one.spool is not None
    one.gun.next = len(one.loaded.tape)
    one.gun.finished.extend(range(len(one.loaded.tape)))
    one._house(0)

    def broken() -> bool:
        one._house(0)
        return one.unwritten is not None

    wait_until(broken, 60.0, "the cannon went on")
    one.spool.close()
    assert one.orders.stop == "its tape cannot be written"
    assert one.over.is_set()
    assert one.unwritten is not None
    assert one.unwritten.errno == errno.ENOSPC


def test_a_short_tape_has_no_file(tmp_path: Path) -> None:
    before = threading.active_count()
    assert spool_of(played(), tmp_path) is None
    assert threading.active_count() == before

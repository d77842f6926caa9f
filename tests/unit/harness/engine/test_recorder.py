"""Operation records: what goes in comes out, and a history that was touched is refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import crc32c
import numpy as np
import pytest

from harness.engine.answers import DROPPED, UNANSWERED, code_of
from harness.engine.recorder import MANIFEST, HistoryFolderError, pages, read_history, records_of, write_history
from harness.engine.tape import TICKETS_MAX, Tape
from system.contract.history import FLAG_EFFECT_NONE, FLAG_REPEAT, NO_PACKET, Outcome

UIDS = np.array([100, 101], np.uint64)


def _tape() -> Tape:
    """Lost, won, shown again, refused, timed out, dropped, never sent; users take turns."""
    tape = Tape.of(
        np.arange(7, dtype=np.int64) * 1000,
        np.zeros(7, np.int32),
        np.array([0, 1, 1, 0, 0, 0, 1], np.int32),
        np.zeros(7, np.uint8),
        np.ones(7, np.uint8),
    )
    codes = [
        code_of(Outcome.LOSE, 200),
        code_of(Outcome.WIN, 200),
        code_of(Outcome.REPEAT, 200),
        code_of(Outcome.REFUSED, 429, effect_none=True),
        UNANSWERED,
        code_of(DROPPED, 0),
        0,
    ]
    for tap, code in enumerate(codes):
        tape.reached[tap] = 1000 * tap + 1
        tape.code[tap] = code
        if tap < 5:
            tape.sent[tap], tape.done[tap] = 1000 * tap + 2, 1000 * tap + 3
    assert [tape.award_place(tap, (42, 188)) for tap in (1, 2)] == [1, 1]
    return tape


def test_the_first_tickets_are_kept_each_once() -> None:
    tape = _tape()
    for number in (1, 2, 1, *range(3, TICKETS_MAX + 9)):
        tape.saw(f"ticket {number}")
    assert list(tape.tickets) == [f"ticket {number}" for number in range(1, TICKETS_MAX + 1)]


def _write(folder: Path, worker: int = 0) -> None:
    write_history(folder, pages(_tape(), UIDS, 9, worker), "run-1", 5, worker)


def test_what_was_sent_is_recorded(tmp_path: Path) -> None:
    _write(tmp_path)
    records = read_history(tmp_path)
    assert records["outcome"].tolist() == [
        Outcome.LOSE,
        Outcome.WIN,
        Outcome.REPEAT,
        Outcome.REFUSED,
        Outcome.UNKNOWN,
    ], "what was dropped or never sent is no operation"
    assert records["uid"].tolist() == [100, 101, 101, 100, 100]
    assert records["http"].tolist() == [200, 200, 200, 429, 0]
    assert records["packet"].tolist() == [NO_PACKET, 42, 42, NO_PACKET, NO_PACKET]
    assert records["fen"].tolist() == [0, 188, 188, 0, 0]
    assert records["flags"].tolist() == [0, 0, FLAG_REPEAT, FLAG_EFFECT_NONE, 0]
    assert records["done_ns"].tolist() == [3, 1003, 2003, 3003, 0], "0 where no answer came"
    assert (records["round"] == 9).all()
    assert all(int(r["crc"]) == crc32c.crc32c(r.tobytes()[:68]) for r in records)


def test_attempts_count_what_stood_open_across_segments(tmp_path: Path) -> None:
    tape = _tape()
    for tap in range(3):
        tape.user[tap] = 0
    tape.award[1] = tape.award[2] = 0
    tape.code[0], tape.code[1] = code_of(Outcome.PENDING, 202), UNANSWERED
    tape.code[2] = code_of(Outcome.LOSE, 200)
    parts = [records_of(tape, low, high, UIDS, 9, 0) for low, high in ((0, 1), (1, 2), (2, 7))]
    write_history(tmp_path, parts, "run-1", 5, 0)
    assert read_history(tmp_path)["attempt"].tolist() == [0, 1, 2, 0, 0]


def test_workers_share_a_folder(tmp_path: Path) -> None:
    _write(tmp_path, 0)
    _write(tmp_path, 1)
    _write(tmp_path, 1)
    assert read_history(tmp_path)["worker"].tolist() == [0] * 5 + [1] * 5
    assert json.loads((tmp_path / MANIFEST).read_text())["count"] == 10


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        pytest.param(_flip, "sha256 differs", id="one bit"),
        pytest.param(lambda p: p.write_bytes(p.read_bytes()[:-64]), "expected 424", id="a record cut off"),
        pytest.param(lambda p: p.unlink(), "missing", id="a segment gone"),
        pytest.param(lambda p: p.write_bytes(b"X" * p.stat().st_size), "format", id="another file"),
    ],
)
def test_a_history_that_was_touched(tmp_path: Path, spoil, words: str) -> None:  # type: ignore[no-untyped-def]
    _write(tmp_path)
    spoil(tmp_path / "seg-00-0000.bin")
    with pytest.raises(HistoryFolderError, match=f"seg-00-0000.bin.*{words}"):
        read_history(tmp_path)


def test_no_history_at_all(tmp_path: Path) -> None:
    with pytest.raises(HistoryFolderError, match=r"manifest.json: missing"):
        read_history(tmp_path)

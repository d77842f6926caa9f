"""The operation record's layouts: bytes of version 1 are read as they were meant, by generator and audit alike."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from harness.engine import recorder
from system.audit import history
from system.contract.history import (
    FLAG_REPEAT,
    LAYOUTS,
    NO_PACKET,
    OP_DTYPE,
    SEGMENT_HEADER,
    SEGMENT_MAGIC,
    SEGMENT_VERSION,
    Kind,
    Outcome,
    layout_of,
)

VERSION_1 = bytes.fromhex(
    "5849554849535431010000000100000072756e2d31000000000000000000000000000000000000000000000000000000"
    "05000000000000000000000000000000e803000000000000e903000000000000ea03000000000000dc05000000000000"
    "40420f0000000000ffffffff0000000009000000c800020000010000050066e3d007000000000000d107000000000000"
    "d207000000000000c40900000000000041420f00000000002a000000bc00000009000000c800030100010102d4b4c041"
    "b80b000000000000b90b000000000000ba0b00000000000000000000000000000500000000010000ffffffff00000000"
    "090000000000000200010100234fd802"
)
"""A segment of three records as the recorder wrote it before there were journeys."""


def _folder(folder: Path, data: bytes, count: int) -> Path:
    folder.mkdir()
    (folder / "seg-01-0000.bin").write_bytes(data)
    entry = {"file": "seg-01-0000.bin", "count": count, "sha256": hashlib.sha256(data).hexdigest(), "worker": 1}
    (folder / "manifest.json").write_text(json.dumps({"version": 1, "run_id": "run-1", "segments": [entry]}))
    return folder


def test_a_history_of_version_1_is_read_by_both_sides(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "history", VERSION_1, 3)
    for records in (recorder.read_history(folder), history.read_history(folder).ops):
        assert records.dtype == OP_DTYPE
        assert records["intended_ns"].tolist() == [1000, 2000, 3000]
        assert records["reached_ns"].tolist() == [1001, 2001, 3001]
        assert records["sent_ns"].tolist() == [1002, 2002, 3002]
        assert records["done_ns"].tolist() == [1500, 2500, 0]
        assert records["uid"].tolist() == [1_000_000, 1_000_001, (1 << 40) + 5]
        assert records["packet"].tolist() == [NO_PACKET, 42, NO_PACKET]
        assert records["fen"].tolist() == [0, 188, 0]
        assert records["round"].tolist() == [9] * 3
        assert records["http"].tolist() == [200, 200, 0]
        assert records["outcome"].tolist() == [Outcome.LOSE, Outcome.REPEAT, Outcome.UNKNOWN]
        assert records["kind"].tolist() == [Kind.TAP, Kind.TOO_FAST, Kind.FORGED]
        assert records["flags"].tolist() == [0, FLAG_REPEAT, 0]
        assert records["journey"].tolist() == [0] * 3


def test_what_is_written_says_its_version_and_has_room_for_outcomes(tmp_path: Path) -> None:
    records = np.zeros(2, OP_DTYPE)
    records["outcome"], records["journey"], records["kind"] = [700, 1], [3, 0], [Kind.OTHER, Kind.TAP]
    journeys: list[dict[str, object]] = [{"journey": "tap", "shot": "tap", "outcomes": ["unknown", "win"]}]
    (path,) = recorder.write_history(tmp_path / "h", records, "run-1", 5, 0, journeys)
    assert SEGMENT_HEADER.unpack_from(path.read_bytes())[1] == SEGMENT_VERSION == 2
    manifest = json.loads((tmp_path / "h" / "manifest.json").read_text())
    assert (manifest["version"], manifest["record_bytes"], manifest["journeys"]) == (2, 72, journeys)
    assert recorder.read_history(tmp_path / "h")["outcome"].tolist() == [700, 1]
    assert history.read_history(tmp_path / "h").ops["journey"].tolist() == [0], "to the books a read is no tap"


def test_both_versions_stand_in_one_folder(tmp_path: Path) -> None:
    """Such as the settling asks that are added to an older run's history."""
    folder = _folder(tmp_path / "history", VERSION_1, 3)
    recorder.write_history(folder, np.zeros(2, OP_DTYPE), "run-1", 5, 255)
    assert len(recorder.read_history(folder)) == len(history.read_history(folder).ops) == 5


@pytest.mark.parametrize(
    ("header", "words"),
    [
        pytest.param(
            SEGMENT_HEADER.pack(SEGMENT_MAGIC, 3, 0, b"", 0), "version 3; expected version 1 or 2", id="later"
        ),
        pytest.param(SEGMENT_HEADER.pack(b"OTHER", 1, 0, b"", 0), "format b'OTHER", id="another file"),
        pytest.param(b"XIU", "3 bytes; expected a header of 64", id="half a header"),
    ],
)
def test_a_layout_nobody_knows_is_refused(tmp_path: Path, header: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        layout_of(header)
    folder = _folder(tmp_path / "history", header, 0)
    with pytest.raises(recorder.HistoryFolderError, match=f"seg-01-0000.bin: .*{words}"):
        recorder.read_history(folder)
    with pytest.raises(history.HistoryError, match=f"seg-01-0000.bin: .*{words}"):
        history.read_history(folder)


def test_layouts_differ_in_length_or_nobody_could_tell_them_apart() -> None:
    assert {version: layout.itemsize for version, layout in LAYOUTS.items()} == {1: 64, 2: 72}

"""Reads a run's history: operation records in checksummed segments, and the samples of money beside them.

A folder whose manifest, sizes or checksums do not agree is refused: a damaged history judges nothing.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from system.contract.errors import BadRequest
from system.contract.history import OP_DTYPE, SEGMENT_HEADER, Kind, layout_of, upgraded

MANIFEST = "manifest.json"
SAMPLES = "samples.jsonl"
SAMPLE = np.dtype([("t_ns", "<i8"), ("credited_fen", "<i8"), ("awarded_fen", "<i8"), ("budget_fen", "<i8")])


class HistoryError(BadRequest):
    """A history that cannot be believed: file (and line) and what is wrong with it."""


@dataclass(frozen=True)
class Samples:
    """Rows of SAMPLE in the order they were taken. `none`: why each of the other readings is not a sample."""

    rows: npt.NDArray[np.void]
    none: tuple[str, ...] = ()


@dataclass(frozen=True)
class History:
    """Taps of OP_DTYPE in any order, and the samples of money taken meanwhile. Requests of other shots, such as reads
    of wallets, are left out, because they cannot win.
    """

    ops: npt.NDArray[np.void]
    samples: Samples


def read_history(folder: Path) -> History:
    """Everything of the folder. Raises HistoryError."""
    manifest = folder / MANIFEST
    try:
        segments = json.loads(manifest.read_text())["segments"]
        listed = [(str(item["file"]), int(item["count"]), str(item["sha256"])) for item in segments]
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise HistoryError(f"{manifest}: {exc!r}; expected a list of segments with file, count and sha256") from exc
    parts = [_segment(folder / name, count, digest) for name, count, digest in listed]
    stray = {path.name for path in folder.glob("seg-*.bin")} - {name for name, _, _ in listed}
    if stray:
        raise HistoryError(f"{folder / min(stray)}: not in the manifest")
    ops = np.concatenate(parts) if parts else np.zeros(0, dtype=OP_DTYPE)
    return History(ops, read_samples(folder / SAMPLES))


def _segment(path: Path, count: int, digest: str) -> npt.NDArray[np.void]:
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise HistoryError(f"{path}: {exc.strerror}, though the manifest lists it") from exc
    try:
        layout = layout_of(data)
    except ValueError as exc:
        raise HistoryError(f"{path}: {exc}") from exc
    if len(data) != SEGMENT_HEADER.size + count * layout.itemsize:
        raise HistoryError(f"{path}: {len(data)} bytes; expected {count} records of {layout.itemsize} bytes")
    if hashlib.sha256(data).hexdigest() != digest:
        raise HistoryError(f"{path}: sha256 differs from the manifest's")
    ops = upgraded(np.frombuffer(data, dtype=layout, offset=SEGMENT_HEADER.size))
    return ops if (taps := ops["kind"] != Kind.OTHER).all() else ops[taps]


def read_samples(path: Path) -> Samples:
    """No file is no sample. Raises HistoryError for a malformed line."""
    rows, none = [], []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines() if path.exists() else (), 1):
        try:
            item = json.loads(line)
            if "none" in item:
                none.append(_text(item["none"]))
            else:
                rows.append(tuple(int(item[name]) for name in SAMPLE.names or ()))
        except (ValueError, KeyError, TypeError) as exc:
            raise HistoryError(
                f"{path}:{number}: {exc!r}; expected t_ns, credited_fen, awarded_fen, budget_fen"
            ) from exc
    return Samples(np.array(rows, dtype=SAMPLE), tuple(none))


def _text(why: object) -> str:
    if not isinstance(why, str):
        raise TypeError(f"none: {why!r} is no text")
    return why

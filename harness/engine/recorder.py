"""Writes a run's operation records and reads them back. A segment whose checksum or header is wrong is refused.

A segment is the contract's header and records; ``manifest.json`` lists all segments of the folder with count and
sha256. Several workers share a folder: each adds its own segments, under a lock.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import crc32c
import numpy as np
import numpy.typing as npt

from harness import waits
from harness.engine.answers import DROPPED, EFFECT_NONE_BIT, STATUS_MASK, UNKNOWN, outcomes_of
from harness.engine.tape import Tape
from system.contract.history import (
    FLAG_EFFECT_NONE,
    FLAG_REPEAT,
    NO_PACKET,
    OP_DTYPE,
    SEGMENT_HEADER,
    SEGMENT_MAGIC,
    SEGMENT_VERSION,
    Kind,
    Outcome,
    layout_of,
    upgraded,
)

Records = npt.NDArray[np.void]
Awards = npt.NDArray[np.int64]
SEGMENT_RECORDS = 1 << 18
MANIFEST = "manifest.json"
MANIFEST_S = 30.0
"""The workers of a host write their lines one after the other."""


class HistoryFolderError(ValueError):
    """A history folder that cannot be believed; names the file and what is wrong with it."""


def records_of(
    tape: Tape, start: int, stop: int, uids: npt.NDArray[np.uint64], round_id: int, worker: int,
    awards: Awards | None = None,
) -> Records:  # fmt: skip
    """Records of the *sent* taps among [start, stop), in schedule order; crc and attempt still open.

    ``awards``: those of the tape, where a caller has them in an array already.
    """
    part = tape.part(start, stop)
    chosen = np.flatnonzero((part.sent > 0) & (outcomes_of(part.code) != DROPPED))
    out = np.zeros(len(chosen), OP_DTYPE)
    for name, cells in (("intended", part.intended), ("reached", part.reached), ("sent", part.sent)):
        out[f"{name}_ns"] = cells[chosen]
    code = part.code[chosen]
    out["http"] = code & STATUS_MASK
    out["outcome"] = np.maximum(outcomes_of(code), UNKNOWN)
    out["done_ns"] = np.where(out["http"] > 0, part.done[chosen], 0)
    out["uid"] = uids[part.user[chosen]]
    out["kind"], out["phase"] = part.kind[chosen], part.phase[chosen]
    out["journey"] = part.journey[chosen]
    out["round"], out["worker"], out["packet"] = round_id, worker, NO_PACKET
    out["flags"] = np.where(code & EFFECT_NONE_BIT, FLAG_EFFECT_NONE, 0)
    out["flags"][(out["outcome"] == Outcome.REPEAT) & (out["kind"] != Kind.OTHER)] |= FLAG_REPEAT
    place = part.award[chosen]
    named = np.flatnonzero(place)
    packets, amounts = awards_of(tape) if awards is None else awards
    out["packet"][named], out["fen"][named] = packets[place[named] - 1], amounts[place[named] - 1]
    return out


def awards_of(tape: Tape) -> Awards:
    """Packets and amounts of the tape's awards, by their place; shape (2, n)."""
    return np.array([*tape.awards], np.int64).reshape(-1, 2).T


def pages(tape: Tape, uids: npt.NDArray[np.uint64], round_id: int, worker: int) -> Iterator[Records]:
    """``records_of`` the whole tape, a segment at a time: a long run is never in memory twice."""
    awards = awards_of(tape)
    for start in range(0, len(tape), SEGMENT_RECORDS):
        yield records_of(tape, start, min(start + SEGMENT_RECORDS, len(tape)), uids, round_id, worker, awards)


def number_attempts(records: Records, asking: dict[int, int]) -> None:
    """``attempt`` of taps: how many taps of the same user before this one were still open (pending, unknown), in a row.

    ``asking``: users with open taps of earlier segments; kept up to date.
    """
    open_ = np.isin(records["outcome"], (Outcome.PENDING, Outcome.UNKNOWN)) & (records["kind"] != Kind.OTHER)
    users = np.union1d(records["uid"][open_], np.fromiter(asking, np.uint64, len(asking)))
    mine = np.flatnonzero(np.isin(records["uid"], users) & (records["kind"] != Kind.OTHER))
    for number in mine[np.argsort(records["sent_ns"][mine], kind="stable")].tolist():
        uid = int(records["uid"][number])
        before = asking.get(uid, 0)
        records["attempt"][number] = min(before, 255)
        if open_[number]:
            asking[uid] = before + 1
        else:
            asking.pop(uid, None)


def seal(records: Records) -> None:
    """Fills in each record's crc32c."""
    view = memoryview(records.tobytes())
    size, crc = OP_DTYPE.itemsize, crc32c.crc32c
    records["crc"] = [crc(view[at : at + size - 4]) for at in range(0, len(view), size)]


def write_history(
    folder: Path,
    records: Records | Iterable[Records],
    run_id: str,
    seed: int,
    worker: int,
    journeys: Sequence[dict[str, object]] = (),
) -> list[Path]:
    """Writes records, or each part of them, as segments and enters all in the manifest, last.

    ``attempt`` and ``crc`` are filled in. ``journeys``: journey, shot and outcomes of each, as the records number them.
    """
    parts: Iterable[Records] = [records] if isinstance(records, np.ndarray) else records
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    entries: list[dict[str, object]] = []
    asking: dict[int, int] = {}
    for number, part in enumerate(parts):
        number_attempts(part, asking)
        seal(part)
        head = SEGMENT_HEADER.pack(SEGMENT_MAGIC, SEGMENT_VERSION, worker, run_id.encode()[:32], seed & (1 << 64) - 1)
        path = folder / segment_name(worker, number)
        data = part.tobytes()
        digest = hashlib.sha256(head)
        digest.update(data)
        with path.open("wb") as file:
            file.write(head)
            file.write(data)
        entries.append({"file": path.name, "count": len(part), "sha256": digest.hexdigest(), "worker": worker})
        paths.append(path)
    enter(folder, entries, run_id, seed, worker, journeys)
    return paths


def segment_name(worker: int, number: int) -> str:
    """The file of a worker's segment of this number, from 0 on."""
    return f"seg-{worker:02d}-{number:04d}.bin"


def moved(path: Path, by_ns: int) -> bytes:
    """A segment of today's layout with all its times moved by so many nanoseconds, sealed again."""
    data = path.read_bytes()
    if not by_ns:
        return data
    records = np.frombuffer(data, OP_DTYPE, offset=SEGMENT_HEADER.size).copy()
    for name in ("intended_ns", "reached_ns", "sent_ns", "done_ns"):
        records[name] += np.where(records[name] != 0, by_ns, 0)  # 0: it never came to that
    seal(records)
    return data[: SEGMENT_HEADER.size] + records.tobytes()


def enter(
    folder: Path,
    entries: list[dict[str, object]],
    run_id: str,
    seed: int,
    worker: int,
    journeys: Sequence[dict[str, object]],
) -> None:
    """Puts a worker's segments into the folder's manifest, in the place of those it had there."""
    manifest = folder / MANIFEST
    with (folder / "manifest.lock").open("w") as lock:
        waits.lock(lock.fileno(), str(manifest), MANIFEST_S)
        before = json.loads(manifest.read_text()) if manifest.exists() else {}
        segments = [entry for entry in before.get("segments", []) if entry["worker"] != worker] + entries
        document = {
            "version": SEGMENT_VERSION,
            "run_id": run_id,
            "seed": seed,
            "record_bytes": OP_DTYPE.itemsize,
            "count": sum(int(str(entry["count"])) for entry in segments),
            "journeys": list(journeys) or before.get("journeys", []),
            "segments": sorted(segments, key=lambda entry: str(entry["file"])),
        }
        fresh = manifest.with_suffix(".new")
        fresh.write_text(json.dumps(document, indent=1))
        fresh.replace(manifest)


def segments(folder: Path, check: bool = True) -> Iterator[tuple[Path, Records]]:
    """Each segment of a history with its records as OP_DTYPE: read-only memory maps, older layouts as copies.

    Raises HistoryFolderError if a file is missing, too short, of another format, or (``check``) its sha256 differs.
    """
    manifest = folder / MANIFEST
    if not manifest.exists():
        raise HistoryFolderError(f"{manifest}: missing; a history has one")
    for entry in json.loads(manifest.read_text())["segments"]:
        path = folder / entry["file"]
        if not path.exists():
            raise HistoryFolderError(f"{path}: missing, though the manifest lists it")
        with path.open("rb") as file:
            try:
                layout = layout_of(file.read(SEGMENT_HEADER.size))
            except ValueError as exc:
                raise HistoryFolderError(f"{path}: {exc}") from exc
            size = SEGMENT_HEADER.size + entry["count"] * layout.itemsize
            if path.stat().st_size != size:
                raise HistoryFolderError(f"{path}: {path.stat().st_size} bytes; expected {size}")
            file.seek(0)
            if check and hashlib.file_digest(file, "sha256").hexdigest() != entry["sha256"]:
                raise HistoryFolderError(f"{path}: sha256 differs from the manifest")
        if entry["count"]:
            yield path, upgraded(np.memmap(path, layout, "r", SEGMENT_HEADER.size, (entry["count"],)))


def read_history(folder: Path, check: bool = True) -> Records:
    """All records of a run, in the order of workers and schedule. Raises HistoryFolderError."""
    parts = [records for _, records in segments(folder, check)]
    return np.concatenate(parts) if parts else np.zeros(0, OP_DTYPE)

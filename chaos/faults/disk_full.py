"""Kind `disk_full`: the file system of the stack's folder filled to the last byte.

Only a small tmpfs, never a disk of the machine: on any other file system the drill is SKIPPED.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from pathlib import Path
from typing import ClassVar, Literal

import psutil

from chaos.errors import ChaosError
from chaos.kinds import Detail, FaultKind
from chaos.probing import NotSteady, Probe, ProbeReading, words
from harness.phrases import Sentence
from harness.stack import Stack
from plans.models.fault import FaultSpec, Fits, ProbeSpec

LARGEST = 1 << 30
"""Most bytes of a tmpfs that is filled, because it is memory."""
CHUNK = 1 << 20
LEAST = 4096


class DiskFull(FaultSpec):
    """A file that takes all room that is left."""

    on = "host"
    FITS: ClassVar = {"disk_full": Fits(("remove_file",), ("no_room",), ("room_again",))}
    kind: Literal["disk_full"]


class DiskFullKind(FaultKind[DiskFull]):
    """The file's name is in the ledger before the file grows."""

    kind = "disk_full"
    Spec = DiskFull

    def touches(self, spec: DiskFull, target: str) -> tuple[str, ...]:
        return ()

    def part(self, detail: Detail) -> str:
        return ""

    def outlives(self, detail: Detail) -> bool:
        return True

    def lacks(self, stack: Stack, spec: DiskFull, target: str) -> str | None:
        folder = stack.folder.path.resolve()
        if _file_system(folder) != "tmpfs":
            return f"disk_full fills a tmpfs alone, and {folder} is on none; put the stack on one with --var"
        size = psutil.disk_usage(str(folder)).total
        return None if size <= LARGEST else f"disk_full fills 1 GiB at most, and {folder} is on {size >> 20:,} MiB"

    def prepare(self, stack: Stack, spec: DiskFull, target: str) -> Detail:
        return {"file": str(stack.folder.path.resolve() / f"xiu-fill-{secrets.token_hex(4)}")}

    def inject(self, stack: Stack, detail: Detail) -> None:
        try:
            with Path(detail["file"]).open("xb", buffering=0) as file:
                _fill(file.fileno())
        except OSError as exc:
            raise ChaosError(f"disk_full: {exc}") from exc

    def in_force(self, stack: Stack, detail: Detail) -> bool:
        return Path(detail["file"]).exists()

    def undo(self, stack: Stack, detail: Detail) -> None:
        try:
            Path(detail["file"]).unlink(missing_ok=True)
        except OSError as exc:
            raise ChaosError(f"disk_full: {exc}") from exc

    def undone(self, stack: Stack, detail: Detail) -> bool:
        return not Path(detail["file"]).exists()


def _fill(file: int) -> None:
    written, size = 0, CHUNK
    while written < LARGEST and size >= LEAST:
        try:
            written += os.write(file, b"\0" * size)
        except OSError as exc:
            if exc.errno != errno.ENOSPC:
                raise
            size //= 2


def _file_system(folder: Path) -> str:
    """Its type, of the mount point nearest to the folder."""
    mounts = [part for part in psutil.disk_partitions(all=True) if folder.is_relative_to(part.mountpoint)]
    return max(mounts, key=lambda part: len(part.mountpoint)).fstype if mounts else ""


class NoRoom(ProbeSpec):
    """A page cannot be written beside the file."""

    kind: Literal["no_room"]


class RoomAgain(ProbeSpec):
    """A page can be written."""

    kind: Literal["room_again"]


class NoRoomProbe(Probe[NoRoom]):
    """Without the fault there is room."""

    kind = "no_room"
    Spec = NoRoom

    def look(self) -> ProbeReading:
        if not has_room(self.at.detail):
            raise NotSteady("the disk is full already, without any fault")
        return self.seen()

    def seen(self) -> ProbeReading:
        room = has_room(self.at.detail)
        return ProbeReading(not room, _says(room))


class RoomAgainProbe(Probe[RoomAgain]):
    """As before."""

    kind = "room_again"
    Spec = RoomAgain

    def seen(self) -> ProbeReading:
        room = has_room(self.at.detail)
        return ProbeReading(room, _says(room))


def _says(room: bool) -> Sentence:
    return words("the disk takes a page", "磁盘还能写") if room else words("the disk is full", "磁盘已满")


def has_room(detail: Detail) -> bool:
    """Can a page be written beside the file?"""
    probe = Path(f"{detail['file']}.probe")
    try:
        probe.write_bytes(b"\0" * LEAST)
    except OSError:
        return False
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)
    return True

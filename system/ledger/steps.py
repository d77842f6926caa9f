"""The steps that make a ledger: the tables as they began (step 0), then the files of `migrations/`, in order. Pure.

A step is never changed once a ledger took it: each ledger keeps the checksum of what it took.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from system.contract.errors import SettingsError
from system.contract.ids import LANES, Lane, need_lane
from system.ledger.named import sql_of

HERE = Path(__file__).parent
MIGRATIONS = HERE / "migrations"
_NAME = re.compile(r"(?P<number>\d{4})_[a-z0-9_]+")


@dataclass(frozen=True, slots=True)
class MigrationStep:
    """One step. `control` runs once, `lane` once for each lane, in the same transaction."""

    number: int
    name: str
    file: Path
    control: str = ""
    lane: str = ""

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, in hex."""
        return hashlib.sha256(f"{self.control}\0{self.lane}".encode()).hexdigest()

    def texts(self) -> Iterator[bytes]:
        """What PostgreSQL is to run."""
        if self.control:
            yield self.control.encode()
        for lane in LANES if self.lane else ():
            yield for_lane(self.lane, lane)


@dataclass(frozen=True, slots=True)
class AppliedStep:
    """A step that a ledger took. `checksum`: None where it was taken before checksums were kept."""

    number: int
    name: str
    checksum: str | None


def for_lane(text: str, lane: Lane) -> bytes:
    """The text with the lane's schema in place of `{schema}`. Raises ValueError where there is no lane."""
    return text.replace("{schema}", need_lane(lane)).encode()


def beginning() -> MigrationStep:
    """Step 0: the tables as they began, in `control.sql` and `schema.sql`."""
    control, lane = (HERE / name for name in ("control.sql", "schema.sql"))
    return MigrationStep(
        0, "0000_beginning", lane, control.read_text(encoding="utf-8"), lane.read_text(encoding="utf-8")
    )


@cache
def steps(folder: Path = MIGRATIONS) -> tuple[MigrationStep, ...]:
    """Every step, in order. Raises SettingsError for a file out of order: its name, what was expected, and which file
    has its number.
    """
    found = [beginning()]
    for file in sorted(folder.glob("*.sql")):
        match, expected = _NAME.fullmatch(file.stem), found[-1].number + 1
        if match is None or int(match["number"]) != expected:
            twin = match and next((one for one in found if one.number == int(match["number"])), None)
            also = f"; {shown(twin.file)}:1 has the number {twin.number:04} as well" if twin else ""
            raise SettingsError(
                f"{shown(file)}:1: out of order; expected {expected:04}_ and small letters, after"
                f" {found[-1].name}{also}"
            )
        text = sql_of(file)
        lane = text if "{schema}" in text else ""
        found.append(MigrationStep(expected, file.stem, file, "" if lane else text, lane))
    return tuple(found)


def refuse_contradictions(known: Sequence[MigrationStep], taken: Mapping[int, AppliedStep]) -> None:
    """Raises SettingsError where what a ledger took is not what these files say, in this order."""
    newest = max(taken, default=-1)
    for one in taken.values():
        if one.number > known[-1].number:
            raise SettingsError(
                f"the ledger took {one.name}, which this program does not have; expected the program of that version,"
                " or a newer one"
            )
    for step in known:
        mine = taken.get(step.number)
        if mine is None:
            # Step 0 was not noted before checksums were kept; a ledger that has a step without a checksum is such a
            # ledger.
            if step.number < newest and not (step.number == 0 and any(t.checksum is None for t in taken.values())):
                raise SettingsError(
                    f"{shown(step.file)}:1: out of order, the ledger took {taken[newest].name} without {step.name};"
                    f" expected a number above {newest:04}"
                )
        elif mine.name != step.name or mine.checksum not in (None, step.checksum):
            raise SettingsError(
                f"{shown(step.file)}:1: changed after the ledger took it (as {mine.name}); expected it as it was, and a"
                f" new file after {known[-1].name} for the change"
            )


def shown(file: Path) -> str:
    """A file as messages name it."""
    return f"system/ledger/{file.relative_to(HERE)}" if file.is_relative_to(HERE) else str(file)

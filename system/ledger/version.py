"""Which version a ledger is of: the number of the newest migration it took. Read by any role, changed by none."""

from __future__ import annotations

from dataclasses import dataclass

from system.contract.errors import StoreRefused
from system.contract.ids import Lane
from system.ledger.access import Connection
from system.ledger.statements import statement
from system.ledger.steps import steps


@dataclass(frozen=True, slots=True)
class Version:
    """`number` of the ledger, `newest` of this program. `read`: stored in the ledger; else inferred from its tables."""

    number: int
    name: str
    newest: int
    read: bool

    @property
    def note(self) -> str:
        """One sentence about an older ledger; empty for one of this program's version."""
        if self.number == self.newest:
            return ""
        how = "" if self.read else ", seen by its tables"
        return (
            f"the ledger is of version {self.number} ({self.name}{how}), this program's is {self.newest}: read as it is"
        )


async def version_of(conn: Connection, lane: Lane) -> Version:
    """The version of the ledger of `conn`. Raises StoreRefused for one newer than this program, driver errors."""
    known = {step.number: step.name for step in steps()}
    newest = max(known)
    row = await (await conn.execute(statement("version_shape", lane))).fetchone()
    may_read, switch_has_lane = row if row is not None else (False, False)
    if not may_read:
        number = 1 if switch_has_lane else 0
        return Version(number, known[number], newest, read=False)
    taken = await (await conn.execute(statement("version_taken", lane))).fetchone()
    number, name = taken if taken is not None else (0, known[0])
    if number > newest:
        raise StoreRefused(
            f"the ledger is of version {number} ({name}), this program knows {newest}; expected the program of that"
            " version, or a newer one"
        )
    return Version(number, name, newest, read=True)

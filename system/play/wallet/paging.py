"""A user's statement: credits of the draw and parts of transfers, one list, newest first, in pages.

Owns the cursor. It says how far each of the two sources was told, so no page skips or doubles a line while new ones
come: an account's transfers are committed in the order of their numbers, its credits are told by (award, round). Pure.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Sequence
from typing import NamedTuple

from system.contract.errors import BadRequest
from system.contract.ids import INT8_MAX, ROUND_MAX, award_id
from system.contract.numbers import shown
from system.play.wallet.models import CREDIT, Line

CURSOR = "^A[Q-X][A-Za-z0-9_-]{10}[A-Za-f][A-Za-z0-9_-]{4}[A-HQ-Xg-nw-z0-3][A-Za-z0-9_-]{10}$"
"""What `encode` writes: base64 whose first byte is the version, and whose numbers lie within their bounds."""
_VERSION = 1
_PACKED = struct.Struct(">BQIQ")


class StatementPlace(NamedTuple):
    """How far a statement was told: the last credit's award time and round, the last transfer's number."""

    award_us: int = INT8_MAX
    round: int = ROUND_MAX
    transfer: int = INT8_MAX


class StatementRow(NamedTuple):
    """A row of the statement `statement`: a credit (`transfer` null) or a user's part of a transfer (`round` null)."""

    kind: str
    fen: int
    told_us: int
    credited_us: int
    round: int | None
    packet: int | None
    sponsor: int | None
    transfer: int | None
    what: str | None


def encode(place: StatementPlace) -> str:
    """The place as clients carry it."""
    return base64.urlsafe_b64encode(_PACKED.pack(_VERSION, *place)).decode()


def decode(text: str) -> StatementPlace:
    """The place of a cursor. Raises BadRequest for what `encode` never wrote."""
    try:
        version, *numbers = _PACKED.unpack(base64.b64decode(text.encode(), b"-_", validate=True))
    except (binascii.Error, struct.error, UnicodeEncodeError) as exc:
        raise BadRequest(f"after={shown(text)}; expected the `next` of the page before") from exc
    place = StatementPlace(*numbers)
    if version != _VERSION or any(n > most for n, most in zip(place, StatementPlace(), strict=True)):
        raise BadRequest(f"after={shown(text)}; expected the `next` of the page before")
    return place


def page(
    rows: Sequence[StatementRow], after: StatementPlace, limit: int
) -> tuple[tuple[Line, ...], StatementPlace | None]:
    """At most `limit` lines of both sources, and where the next page goes on; None on the last page.

    `rows`: the first `limit` + 1 of each source behind `after`, each source in its own order.
    """
    credits = [row for row in rows if row.transfer is None]
    moved = [row for row in rows if row.transfer is not None]
    lines: list[Line] = []
    place = after
    while len(lines) < limit and (credits or moved):
        # Each source keeps its own order, also where a clock was set back between two transfers.
        ours = not moved or bool(credits and credits[0].told_us >= moved[0].told_us)
        row = (credits if ours else moved).pop(0)
        lines.append(_line(row))
        if row.transfer is not None:
            place = place._replace(transfer=row.transfer)
        else:
            assert row.round is not None
            place = place._replace(award_us=row.told_us, round=row.round)
    return tuple(lines), place if credits or moved else None


def _line(row: StatementRow) -> Line:
    credit = row.kind == CREDIT and row.round is not None and row.packet is not None
    return Line(
        kind=row.kind, fen=row.fen, credited_us=row.credited_us, round=row.round, sponsor=row.sponsor,
        award=award_id(row.round, row.packet) if row.round is not None and row.packet is not None else None,
        awarded_us=row.told_us if credit else None, transfer=row.transfer, what=row.what or "",
    )  # fmt: skip

"""The statements of `queries/`, for one lane each. Owns the schema's place in the text; refuses other splicing.

`queries/control/epochs.sql` holds what `system/control/epochs.py` asks; `queries/shared.sql` what two packages ask.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from system.contract.errors import SettingsError
from system.contract.ids import LANES, Lane
from system.ledger.named import Named, read

_HERE = Path(__file__).parent
QUERIES = _HERE / "queries"


@cache
def statements() -> dict[str, Named]:
    """Every statement by its name. Raises SettingsError for a file that cannot be read."""
    return read(sorted(QUERIES.rglob("*.sql")))


@cache
def statement(name: str, lane: Lane) -> bytes:
    """Text of the statement `name` with `{schema}` replaced by the lane's schema; parameters stay `%(name)s`.

    bytes, since psycopg takes no str that is not a literal. Raises SettingsError for an unknown name.
    """
    found = statements().get(name)
    if found is None:
        raise SettingsError(f"no statement {name}; expected one of system/ledger/queries")
    return _for_lane(found.text, lane)


def _for_lane(text: str, lane: Lane) -> bytes:
    if lane not in LANES:
        raise ValueError(f"lane {lane!r}; expected one of {', '.join(LANES)}")
    return text.replace("{schema}", lane).encode()


def control_schema() -> bytes:
    """DDL of control's own schema."""
    return (_HERE / "control.sql").read_bytes()


def migrations() -> list[tuple[int, str, bytes]]:
    """(number, name, text) of every step of `migrations/`, in the order in which they are taken."""
    files = sorted((_HERE / "migrations").glob("[0-9]*.sql"))
    return [(int(file.stem[:4]), file.stem, file.read_bytes()) for file in files]


def lane_schema(lane: Lane) -> bytes:
    """DDL of a lane's schema."""
    return _for_lane((_HERE / "schema.sql").read_text(encoding="utf-8"), lane)


def lane_rights(lane: Lane) -> bytes:
    """What the roles may do in a lane's schema."""
    return _for_lane((_HERE / "rights.sql").read_text(encoding="utf-8"), lane)

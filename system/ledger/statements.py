"""The statements of `queries/`, for one lane each. Puts the lane's schema into the text, and nothing else.

`queries/control/epochs.sql` holds what `system/control/epochs.py` asks; `queries/shared.sql` what two packages ask.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from system.contract.errors import SettingsError
from system.contract.ids import Lane
from system.ledger.named import Named, read
from system.ledger.steps import for_lane

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
    return for_lane(found.text, lane)


def lane_rights(lane: Lane) -> bytes:
    """What the roles may do in a lane's schema."""
    return for_lane((_HERE / "rights.sql").read_text(encoding="utf-8"), lane)

"""What kill trials read from the ledger itself: is a batch open, what became of it, is something posted again.

Reads as the operator of a throw-away stack, past every proxy; a server that is away gives *no*. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import psycopg

from chaos.trials.count import Postings

TIMEOUT_S = 2


class TrialLedger:
    """One round of one lane; reconnects by itself."""

    def __init__(self, postgres_url: str, lane: str, round_id: int) -> None:
        self._url, self._lane, self._round = postgres_url, lane, round_id
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    def close(self) -> None:
        """Gives the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _rows(self, text: str, *params: object) -> list[tuple[Any, ...]]:
        """Raises psycopg.OperationalError while the server is away; a connection of its last life is replaced."""
        if self._connection is not None and not self._connection.closed:
            try:
                return self._connection.execute(text.encode(), params).fetchall()
            except psycopg.OperationalError:
                self.close()
        self._connection = psycopg.connect(self._url, autocommit=True, connect_timeout=TIMEOUT_S)
        return self._connection.execute(text.encode(), params).fetchall()

    def open_batch(self, worker: str | None = None) -> str:
        """The transaction number of an open batch of this credit worker, of any without one; empty if there is none.
        Nobody else writes in this role.
        """
        rows = self._rows(
            "SELECT backend_xid::text FROM pg_stat_activity WHERE usename = %s AND backend_xid IS NOT NULL"
            " AND application_name = coalesce(%s, application_name)",
            f"xiu_{self._lane}",
            worker,
        )
        return str(rows[0][0]) if rows else ""

    def fate(self, xid: str) -> str:
        """What became of an open batch whose worker or server died: `batch` was rolled back, `COMMIT` went through.

        Empty if nobody can say.
        """
        try:
            rows = self._rows("SELECT pg_xact_status(%s::xid8)", xid)
        except psycopg.OperationalError:
            return ""
        return {"committed": "COMMIT", "aborted": "batch"}.get(rows[0][0], "")

    def posted_after(self, wall_us: int, fronts: Sequence[int] | None = None) -> bool:
        """Has a batch of one of these fronts (None: of any) been committed after this moment? Cheap enough to be asked
        many times a second.
        """
        try:
            return bool(
                self._rows(
                    f"SELECT 1 FROM {self._lane}.batch WHERE round = %s AND kind = 'credit'"
                    " AND committed_us > %s AND front = ANY(coalesce(%s::int[], ARRAY[front])) LIMIT 1",
                    self._round,
                    wall_us,
                    None if fronts is None else list(fronts),
                )
            )
        except psycopg.OperationalError:
            return False

    def postings(self) -> Postings:
        """Every win of the round that is posted."""
        rows = self._rows(
            f"SELECT p.uid, p.award_us, b.committed_us FROM {self._lane}.posting p"
            f" JOIN {self._lane}.batch b ON b.batch = p.batch WHERE p.round = %s",
            self._round,
        )
        table = np.array(rows, np.int64).reshape(-1, 3)
        return Postings(table[:, 0].copy(), table[:, 1].copy(), table[:, 2].copy())

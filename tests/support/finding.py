"""What the audit says of one invariant of a lane."""

from __future__ import annotations

import asyncio

from system.audit.close import audit
from system.contract.audit import Finding
from system.contract.ids import Lane
from tests.support.books import SECRET


def finding(code: str, dsn: str, valkey: str, lane: Lane = "live") -> Finding:
    """Of the stores alone."""
    report = asyncio.run(audit(dsn, valkey, SECRET, lane))
    return next(found for found in report.findings if found.code == code)

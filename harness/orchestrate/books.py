"""Calls the audit, a process of its own, on a stack's stores; and the seams it needs. Reads no store itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from harness.errors import HarnessError
from harness.stack.addresses import Addresses
from system.contract.audit import AuditReport

DEADLINE_S = 600.0


class AuditFailed(HarnessError):
    """The audit gave no report; the message carries its words."""


def audit(
    addresses: Addresses, secret: Path, lane: str, rounds: tuple[int, ...] = (), history: Path | None = None
) -> AuditReport:
    """The books of a lane (of these rounds; all if none are named). Raises AuditFailed when there is no report."""
    argv = [sys.executable, "-m", "system.audit", "--json", "--lane", lane]
    for round_id in rounds:
        argv += ["--round", str(round_id)]
    if history is not None:
        argv += ["--history", str(history)]
    env = os.environ | {
        "XIU_POSTGRES_URL": addresses.postgres_url,
        "XIU_VALKEY_URL": addresses.valkey_url,
        "XIU_SECRET_FILE": str(secret),
    }
    try:
        done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=DEADLINE_S)
    except subprocess.TimeoutExpired as exc:
        raise AuditFailed(f"the audit did not end within {DEADLINE_S:g} s") from exc
    try:
        return AuditReport.model_validate_json(done.stdout)
    except ValueError as exc:
        raise AuditFailed(f"the audit ended with {done.returncode}: {done.stderr.strip()[-800:]}") from exc

"""Calls the audit and the checksum of a lane, processes of their own, on a stack's stores. Reads no store itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.asking import NoAnswer, answer
from harness.children import for_children
from harness.errors import HarnessError
from harness.stack import die_with_parent
from harness.stack.addresses import Addresses
from harness.waits import killed
from system.contract.audit import AuditReport, LaneSum, ShadowReport

DEADLINE_S = 180.0
"""Seconds; a hundred times what a round of the gala takes here."""
SAMPLE_DEADLINE_S = 10.0


class AuditFailed(HarnessError):
    """The audit, or a checksum, gave no answer; the message carries its output."""


def audit(
    addresses: Addresses,
    secret: Path,
    lane: str,
    rounds: tuple[int, ...] = (),
    history: Path | None = None,
    faults_us: tuple[tuple[int, int], ...] = (),
) -> AuditReport:
    """The books of a lane (of these rounds; all if none are named). Raises AuditFailed when there is no report."""
    argv = ["system.audit", "--json", "--lane", lane]
    for round_id in rounds:
        argv += ["--round", str(round_id)]
    if history is not None:
        argv += ["--history", str(history)]
    for since_us, until_us in faults_us:
        argv += ["--fault", f"{since_us}-{until_us}"]
    done = _ask(argv, addresses, secret)
    try:
        return AuditReport.model_validate_json(done.stdout)
    except ValueError as exc:
        raise AuditFailed(f"the audit ended with {done.returncode}: {done.stderr.strip()[-800:]}") from exc


def checksum(addresses: Addresses, secret: Path, lane: str, apart: int | None = None) -> LaneSum:
    """What a lane holds, summed up, without what belongs to round `apart`. Raises AuditFailed."""
    done = _ask(["system.audit.checksum", "--json", "--lane", lane, *_apart(apart)], addresses, secret)
    try:
        return LaneSum.model_validate_json(done.stdout)
    except ValueError as exc:
        raise AuditFailed(f"the checksum ended with {done.returncode}: {done.stderr.strip()[-800:]}") from exc


def shadow(addresses: Addresses, secret: Path, apart: int | None = None) -> ShadowReport:
    """What a stress run needs of the stores before it starts; the live lane's sum without round `apart`. Raises
    AuditFailed.
    """
    done = _ask(["system.audit.shadow", "--json", *_apart(apart)], addresses, secret)
    try:
        return ShadowReport.model_validate_json(done.stdout)
    except ValueError as exc:
        raise AuditFailed(
            f"the look at the stress lane ended with {done.returncode}: {done.stderr.strip()[-800:]}"
        ) from exc


@contextmanager
def sampling(addresses: Addresses, secret: Path, lane: str, round_id: int, file: Path) -> Iterator[None]:
    """Samples a round's money from the stores into `file`, once a second, as long as the block lasts."""
    argv = ["system.audit.sample", "--lane", lane, "--round", str(round_id), "--out", str(file)]
    process = subprocess.Popen(
        [sys.executable, "-m", *argv], env=_env(addresses, secret), stdin=subprocess.DEVNULL,
        preexec_fn=die_with_parent,
        process_group=0,  # Ctrl-C is for the run; no session of its own, which would rival the generator
    )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(SAMPLE_DEADLINE_S)
        except subprocess.TimeoutExpired:
            killed(process)


def _apart(round_id: int | None) -> list[str]:
    return [] if round_id is None else ["--apart", str(round_id)]


def _env(addresses: Addresses, secret: Path) -> dict[str, str]:
    return for_children({**addresses.store_variables, "XIU_SECRET_FILE": str(secret)})


def _ask(argv: list[str], addresses: Addresses, secret: Path) -> subprocess.CompletedProcess[str]:
    env = _env(addresses, secret)
    try:
        return answer(argv, env, argv[0], DEADLINE_S, news=False)
    except NoAnswer as exc:
        raise AuditFailed(str(exc)) from exc

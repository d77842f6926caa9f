"""Puts the audit together: loads round after round, calls every judge, makes the report. Source: docs/money.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from system.audit import conservation, promises, season, wins
from system.audit.books import Books
from system.audit.history import History, HistoryError, read_history
from system.audit.judging import Judge
from system.audit.loading import load, unbalanced
from system.audit.matching import match
from system.audit.showing import Windows, shown
from system.audit.snapshot import snapshot
from system.audit.unwritten import PATIENCE_S, wait_for_counts
from system.contract.audit import INVARIANTS, NEED_HISTORY, AuditReport, RoundBooks
from system.contract.ids import LANES, Lane
from system.ledger.access import connect, lane_role
from system.ledger.translate import translated
from system.ledger.version import version_of
from system.winlog import WinLogs


async def audit(
    postgres_url: str, valkey_urls: str | Mapping[int, str], secret: bytes, lane: Lane,
    rounds: Sequence[int] = (), folder: Path | None = None, timeout_s: float = 30.0, faults_us: Windows = (),
    patience_s: float = PATIENCE_S,
) -> AuditReport:  # fmt: skip
    """Audits a lane, only `rounds` of it, or the rounds in the history of `folder`. The balance of the whole lane and
    what plays moved in it are always checked. Awards that overlap one of `faults_us` are left out of the delay and
    shown beside it. With a history, fronts have `patience_s` to write what they counted.

    A ledger of an older version is read as it is, with a note. Raises UnknownRound; StoreUnknown, StoreRefused when the
    stores cannot be read, or the ledger is of a newer version.
    """
    judges = {code: Judge(code) for code in INVARIANTS}
    notes: list[str] = []
    history = _history(judges, folder, notes)
    strict = bool(rounds)
    if history is not None and not rounds:
        rounds = np.unique(history.ops["round"]).tolist()
    found: list[RoundBooks] = []
    conn = await connect(postgres_url, lane_role(lane), secret, timeout_s=timeout_s)
    async with conn, WinLogs(valkey_urls, timeout_s=timeout_s) as logs:
        # Judging a round's arrays may take longer than PostgreSQL lets a transaction be idle.
        await conn.execute("SET idle_in_transaction_session_timeout = 0")
        with translated("read the ledger's version"):
            version = await version_of(conn, lane)
        if version.note:
            notes.append(version.note)
        if history is not None:
            with translated("read what fronts counted"):
                await wait_for_counts(conn, lane, rounds, patience_s)
        async with snapshot(conn, lane) as seen:
            async for books in load(seen, logs, rounds, strict=strict):
                found.append(_round(judges, books, history, faults_us))
            if found:
                over = await unbalanced(seen.rows, [one.round for one in found])
                conservation.rest_of_lane(judges["S1"], lane, over)
            await season.judge(judges, seen.rows, history=history)
    if history is not None and not strict:
        known = [books.round for books in found]
        promises.of_no_round(judges["S4"], lane, history.ops[~np.isin(history.ops["round"], known)])
    if not found:
        others = " or ".join(f"--lane {other}" for other in LANES if other != lane)
        notes.append(f"lane {lane} has no round; {others} asks for another")
    lost = judges["S5"].figures.get("posted_whose_log_a_store_lost", 0)
    if lost:
        notes.append(f"{lost} postings stand in the ledger alone: the win log lost the end of an epoch")
    findings = tuple(judge.finding() for judge in judges.values())
    valid = all(finding.valid in (True, None) for finding in findings)
    return AuditReport(lane=lane, rounds=tuple(found), findings=findings, valid=valid, notes=tuple(notes))


def _history(judges: dict[str, Judge], folder: Path | None, notes: list[str]) -> History | None:
    if folder is None:
        for code in NEED_HISTORY:
            judges[code].evaluated = False
        return None
    try:
        history = read_history(folder)
    except HistoryError as exc:
        notes.append(f"history not believed: {exc}")
        for code in NEED_HISTORY:
            judges[code].doubt(str(exc))
        return None
    promises.samples(judges["S2"], history.samples.rows, history.samples.none)
    promises.probes(judges["S11"], history.ops)
    return history


def _round(judges: dict[str, Judge], books: Books, history: History | None, faults_us: Windows) -> RoundBooks:
    matched = match(books)
    before = judges["S1"].figures.get("residue", 0)
    conservation.judge(judges["S1"], books, matched)
    wins.one_user_one_packet(judges["S3"], books, matched)
    wins.posted_once(judges["S5"], books, matched)
    wins.right_amount(judges["S7"], books, matched)
    wins.in_time(judges["S8"], books, matched)
    wins.issued_once(judges["S12"], books, matched)
    if history is not None:
        mine = history.ops["round"] == books.round_id
        promises.of_round(judges, books, matched, history.ops if mine.all() else history.ops[mine])
    return shown(books, matched, judges["S1"].figures.get("residue", 0) - before, faults_us)

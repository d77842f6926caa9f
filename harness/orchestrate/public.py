"""The public beside a stress run: whether what its users saw is what the live lane's own books say. Reads through the
audit alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.engine import shots
from harness.errors import HarnessError
from harness.orchestrate.account import RunAccount
from harness.orchestrate.phases.stage import Stage
from harness.orchestrate.prepare import PUBLIC
from harness.phrases import of_error, sentence
from harness.runs.guarded import PublicProof
from harness.runs.record import JourneyResult
from harness.runs.traffic import Key
from harness.verdict import Reason

DOUBT = ("unknown", "pending")


def public_round(account: RunAccount) -> int | None:
    """The live lane's round that was played beside the run's own; None where there was none."""
    return next((one.public.round for one in account.rounds if one.public is not None), None)


def public_books(stage: Stage) -> None:
    """The live lane's books of that round, into the account. A failure is without data, never green."""
    account, round_id = stage.account, public_round(stage.account)
    if round_id is None or account.gone:
        return
    try:
        account.public = stage.system.audit("live", (round_id,), None)
    except (HarnessError, OSError) as exc:
        account.no_data.append(Reason(code="public_unknown", text=of_error(exc)))


def public_of(account: RunAccount, traffic: Mapping[Key, JourneyResult]) -> PublicProof | None:
    """What the public's users saw beside what its books say; None where nobody of the public tapped, or the books could
    not be read.
    """
    report = account.public
    seen = [one for one in traffic.values() if getattr(shots.find(one.shot), "who", "user") == PUBLIC]
    if report is None or not report.rounds or not seen:
        return None
    (books,) = report.rounds
    return PublicProof(
        round=books.round,
        sent=sum(one.sent for one in seen),
        refused=sum(one.outcomes.get("refused", 0) for one in seen),
        doubtful=sum(one.outcomes.get(name, 0) for one in seen for name in DOUBT),
        wins_seen=sum(one.outcomes.get("win", 0) for one in seen),
        wins_posted=books.wins_posted + books.wins_suspended,
        budget_fen=books.budget_fen,
        credited_fen=books.credited_fen,
        refunded_fen=books.refunded_fen,
        residue_fen=books.residue_fen,
        broken=tuple(one.code for one in report.findings if one.valid is False),
    )


def public_touched(proof: PublicProof | None) -> list[Reason]:
    """A live figure that is not the public's own: its money does not add up, or its wins are not those that it saw."""
    if proof is None or proof.holds:
        return []
    text = sentence(
        "public_touched", round=proof.round, seen=proof.wins_seen, posted=proof.wins_posted, fen=proof.residue_fen,
        broken=", ".join(proof.broken) or "–",
    )  # fmt: skip
    return [Reason(code="public_touched", text=text)]

"""The audit's answer: each invariant with its figure, its residue and the first offender by name."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Valid = Literal["unknown"] | bool | None
"""True, False, "unknown" (could not be decided), None (not evaluated: needs a run's history)."""

INVARIANTS: dict[str, str] = {
    "S1": "conservation: every fen of a round's budget is in exactly one place",
    "S2": "credited ≤ awarded ≤ budget at every sample",
    "S3": "a packet has at most one user, a user at most one win a round",
    "S4": "every acknowledged win is in the ledger",
    "S5": "exactly one posting for each award",
    "S6": "no posting without an acknowledged, pending or unknown win",
    "S7": "amount shown = awarded = posted, within the histogram",
    "S8": "no win before the start or after the end, by control's clock",
    "S9": "a definite refusal left no trace",
    "S10": "a settled win is answered the same until its round is closed",
    "S11": "forged, expired and replayed tokens win nothing",
    "S12": "no packet is issued again after any restart",
}
INVARIANTS_ZH: dict[str, str] = {
    "S1": "守恒：每一分预算恰在一处",
    "S2": "任何时刻：已入账 ≤ 已中奖 ≤ 预算",
    "S3": "一个红包至多一人，一人一场至多中一次",
    "S4": "每个已确认的中奖都已入账本",
    "S5": "每个中奖恰好入账一次",
    "S6": "没有无中奖的入账",
    "S7": "显示金额 = 中奖金额 = 入账金额",
    "S8": "开场前、散场后无人中奖",
    "S9": "明确的拒绝不留痕迹",
    "S10": "已定的中奖，答复始终一致",
    "S11": "伪造、过期、重放的令牌一无所获",
    "S12": "任何重启之后，红包不会再发一次",
}
NEED_HISTORY = frozenset({"S2", "S4", "S6", "S9", "S10", "S11"})


class Finding(BaseModel):
    """One invariant. `counted`: how many things were looked at (0 is never green); `residue_fen` where
    money is meant.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    says: str
    valid: Valid
    counted: int
    violations: int
    residue_fen: int = 0
    figure: str = ""
    first: str = ""


class SponsorMoney(BaseModel):
    """One sponsor's money of a round, in fen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sponsor: int
    name: str
    budget_fen: int
    credited_fen: int
    suspense_fen: int
    refunded_fen: int


class DelayFigures(BaseModel):
    """Seconds from the award to the commit of its posting, by the two clocks of one host."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    count: int
    p50: float | None
    p99: float | None
    max: float | None


class RoundBooks(BaseModel):
    """One round's money and wins, from the stores."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    round: int
    lane: str
    state: str
    budget_fen: int
    awarded_fen: int
    credited_fen: int
    suspense_fen: int
    refunded_fen: int
    residue_fen: int
    wins_logged: int
    wins_posted: int
    wins_suspended: int
    sponsors: tuple[SponsorMoney, ...] = ()
    delay_s: DelayFigures | None = None
    """Outside of the declared fault windows."""
    delay_in_faults_s: DelayFigures | None = None
    """Of awards that were on their way to the balance inside one; None where none was declared."""


class AuditReport(BaseModel):
    """Answer of `python -m system.audit --json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lane: str
    rounds: tuple[RoundBooks, ...]
    findings: tuple[Finding, ...]
    valid: bool
    notes: tuple[str, ...] = ()


class TableSum(BaseModel):
    """One table, or one stream of the win log: how many rows or entries, and a sum over all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    rows: int
    checksum: str


class LaneSum(BaseModel):
    """Answer of `python -m system.audit.checksum --json`. `checksum` is over all tables and streams."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lane: str
    tables: tuple[TableSum, ...]
    streams: tuple[TableSum, ...]
    checksum: str

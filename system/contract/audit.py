"""The audit's answer: each invariant with its figure, its residue and the first offender by name."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Valid = Literal["unknown"] | bool | None
"""True, False, "unknown" (could not be decided), None (not evaluated: needs a run's history, or a
play that was played)."""

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
    "S13": "of each share: paid in = claimed + open + refunded; one claim a user, none late, none by its owner",
    "S14": "each card issued is in one place, and is the card that was committed to",
    "S15": "a blessing is five cards of one user; the pot = paid + rounding, each blessing paid once",
    "S16": "each interaction counts once in its tie, each tie stands once",
    "S17": "taps, people and exposures counted are those of the definite answers",
    "S18": "each transfer adds up to 0, each holding to its legs; nobody is under his floor",
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
    "S13": "每份裂变红包：存入 = 已领 + 未领 + 已退；一人一次，不逾期，不自领",
    "S14": "每张福卡恰在一处，且正是事先承诺的那张",
    "S15": "五福合一，恰用五张；奖池 = 已发 + 尾差，每个五福只兑一次",
    "S16": "每次互动在关系对中恰计一次，每个关系对只有一条",
    "S17": "计入的次数、人数、曝光，与明确的答复相符",
    "S18": "每笔划转借贷相抵，每个余额等于其分录之和，无人透支",
}
NEED_HISTORY = frozenset({"S2", "S4", "S6", "S9", "S10", "S11"})
OF_PLAYS = ("S13", "S14", "S15", "S16", "S17", "S18")
"""Judged by what plays wrote: in a lane where nothing of the kind was done, they are not evaluated."""


class Finding(BaseModel):
    """One invariant. `counted`: how many things were looked at (0 is never green); `residue_fen` where
    money is meant.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

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

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    sponsor: int
    name: str
    budget_fen: int
    credited_fen: int
    suspense_fen: int
    refunded_fen: int


class DelayFigures(BaseModel):
    """Seconds from the award to the commit of its posting, by the two clocks of one host."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    count: int
    p50: float | None
    p99: float | None
    max: float | None


class RoundBooks(BaseModel):
    """One round's money and wins, from the stores."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

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

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    lane: str
    rounds: tuple[RoundBooks, ...]
    findings: tuple[Finding, ...]
    valid: bool
    notes: tuple[str, ...] = ()


class TableSum(BaseModel):
    """One table, or one stream of the win log: how many rows or entries, and a sum over all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: str
    rows: int
    checksum: str


class LaneSum(BaseModel):
    """Answer of `python -m system.audit.checksum --json`. `checksum` is over all tables and streams."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    lane: str
    tables: tuple[TableSum, ...]
    streams: tuple[TableSum, ...]
    checksum: str


class ShadowReport(BaseModel):
    """Answer of `python -m system.audit.shadow --json`: what a stress run needs of the stores before and after it.

    `live`: the sum that is compared after the run; `problems`: what is wrong with the stress lane's stores, a line
    each; `into_live`, `into_stress`: records of the other lane that credit has met in a lane so far.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    live: LaneSum
    problems: tuple[str, ...]
    into_live: int = 0
    into_stress: int = 0

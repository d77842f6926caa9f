"""The manager's words, Chinese and English: verdicts, invariants, indicators, states. Owns no figure."""

from __future__ import annotations

from dashboards.grafana.pieces import BLUE, GREEN, GREY, ORANGE, RED, YELLOW, Word
from system.contract.audit import INVARIANTS as INVARIANTS_EN
from system.contract.audit import INVARIANTS_ZH

RUNNING, LOST, NOT_VALID = 0, 7, 8
VERDICTS: dict[str, tuple[int, Word]] = {
    "RUNNING": (RUNNING, Word("▶ 进行中 · under way", BLUE)),
    "PASS": (1, Word("✓ 通过 · PASS", GREEN)),
    "WARN": (2, Word("! 通过，有留意项 · passed, with a remark", YELLOW)),
    "NO_DATA": (3, Word("? 数据不全 · NO DATA", GREY)),
    "INVALID": (4, Word("? 测量无效，不作结论 · INVALID, nothing is concluded", ORANGE)),
    "ABORTED": (5, Word("■ 已中止 · ABORTED", ORANGE)),
    "FAIL": (6, Word("✕ 不通过 · FAIL", RED)),
}
"""A run's verdict as a figure, and in words."""
BROKE_OFF = Word("■ 中断，没有结论 · broke off without a verdict", ORANGE)
"""A run that told it was under way, and then told nothing more."""
INVARIANT_STATES: dict[str, tuple[int, Word]] = {
    "pending": (0, Word("… 关账后检查 · looked at after the close", BLUE)),
    "holds": (1, Word("✓ 成立 · holds", GREEN)),
    "not_evaluated": (2, Word("– 未评 · not evaluated", GREY)),
    "unknown": (3, Word("? 不明 · not known", GREY)),
    "broken": (4, Word("✕ 被破坏 · broken", RED)),
}
"""An invariant's state as a figure, the larger the worse, and in words."""
INVARIANTS: dict[str, str] = {code: f"{code} {INVARIANTS_ZH[code]} · {en}" for code, en in INVARIANTS_EN.items()}

INDICATORS: dict[str, str] = {
    "offered_rps": "高峰每秒送出的“咻” · taps sent per second at the peak",
    "answered_rps": "高峰每秒得到回答的“咻” · taps answered per second at the peak",
    "refused_share": "因手速过快被拒的比例 · share refused for tapping too fast",
    "response_p99_ms": "99% 的回答快于 · 99 % of answers came within",
    "errors": "错误 · errors",
    "credit_delay_p99_s": "99% 的中奖到账快于 · 99 % of wins were in the account within",
    "drain_s": "散场后清完积压用时 · backlog worked off after the end within",
    "wins": "送出的红包 · packets won",
    "pool_lasts_s": "红包池撑到 · the pool lasted",
    "wins_residue": "对不上的中奖 · wins unaccounted for",
}

STATES: dict[str, tuple[int, Word]] = {
    "PENDING": (0, Word("… 尚未判定 · not judged yet", GREY)),
    "PASS": (1, Word("✓ 符合 · as forecast", GREEN)),
    "WARN": (2, Word("! 留意 · take note", YELLOW)),
    "NOT_EVALUATED": (3, Word("– 未评 · not evaluated", GREY)),
    "NO_DATA": (4, Word("? 无数据 · no data", GREY)),
    "FAIL": (5, Word("✕ 不符 · missed", RED)),
}
"""A state as a figure, the larger the worse, and in words."""
OF_NO_USE = Word("– 本场无效，不评 · run not valid, not judged", GREY)
"""An invalid or aborted run's figures prove nothing, whatever they are."""

PHASES: dict[str, Word] = {
    "idle": Word("· 空闲 · idle", GREY),
    "warm_up": Word("↗ 热身 · warming up", YELLOW),
    "measured": Word("▶ 正式 · the round counts", GREEN),
    "drain": Word("↘ 清积压 · working off the rest", BLUE),
    "closing": Word("■ 关账 · closing the books", BLUE),
}


def mapped(states: dict[str, tuple[int, Word]], **more: Word) -> dict[str, Word]:
    """Figure as text → word, for a panel's value mappings; `more` by `n` and the figure, as `n7`."""
    found = {str(number): word for number, word in states.values()}
    return found | {name.removeprefix("n"): word for name, word in more.items()}

"""The manager's words, Chinese and English: names of indicators and states. Owns no figure, refuses jargon."""

from __future__ import annotations

from dashboards.grafana.pieces import BLUE, GREEN, GREY, RED, YELLOW, Word

INDICATORS: dict[str, str] = {
    "offered_rps": "高峰每秒送出的“咻” · taps sent per second at the peak",
    "answered_rps": "高峰每秒得到回答的“咻” · taps answered per second at the peak",
    "refused_share": "因手速过快被拒的比例 · share refused for tapping too fast",
    "response_p99_ms": "99% 的回答快于（毫秒） · 99 % of answers came within (ms)",
    "errors": "错误 · errors",
    "credit_delay_p99_s": "99% 的中奖到账快于（秒） · 99 % of wins were in the account within (s)",
    "drain_s": "散场后清完积压用时（秒） · backlog worked off after the end within (s)",
    "wins": "送出的红包 · packets won",
    "pool_lasts_s": "红包池撑到（秒） · the pool lasted (s)",
    "wins_residue": "对不上的中奖 · wins unaccounted for",
}
MONEY: dict[str, str] = {"residue_fen": "对不上的钱 · money unaccounted for"} | {
    f"sponsor_{k}_fen": f"{k} 号赞助商发出的钱 · money given out by sponsor {k}" for k in range(1, 21)
}

STATES: dict[str, tuple[int, Word]] = {
    "PASS": (1, Word("✓ 符合 · as forecast", GREEN)),
    "WARN": (2, Word("! 留意 · take note", YELLOW)),
    "NOT_EVALUATED": (3, Word("– 未评 · not evaluated", GREY)),
    "NO_DATA": (4, Word("? 无数据 · no data", GREY)),
    "FAIL": (5, Word("✕ 不符 · missed", RED)),
}
"""A state as a figure, the larger the worse, and in words."""

PHASES: dict[str, Word] = {
    "idle": Word("· 空闲 · idle", GREY),
    "warm_up": Word("↗ 热身 · warming up", YELLOW),
    "measured": Word("▶ 正式 · the round counts", GREEN),
    "drain": Word("↘ 清积压 · working off the rest", BLUE),
    "closing": Word("■ 关账 · closing the books", BLUE),
}

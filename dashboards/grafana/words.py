"""Words that several dashboards may use, Chinese and English: verdicts, invariants, states. Owns no figure."""

from __future__ import annotations

from dashboards.grafana.pieces import BLUE, GREEN, GREY, ORANGE, RED, YELLOW, Word
from system.contract.audit import INVARIANTS as INVARIANTS_EN
from system.contract.audit import INVARIANTS_ZH

VERDICTS: dict[str, tuple[int, Word]] = {
    "RUNNING": (0, Word("▶ 进行中 · under way", BLUE)),
    "PASS": (1, Word("✓ 通过 · PASS", GREEN)),
    "WARN": (2, Word("! 通过，有留意项 · passed, with a remark", YELLOW)),
    "NO_DATA": (3, Word("? 数据不全 · NO DATA", GREY)),
    "INVALID": (4, Word("? 测量无效，不作结论 · INVALID, nothing is concluded", ORANGE)),
    "ABORTED": (5, Word("■ 已中止 · ABORTED", ORANGE)),
    "FAIL": (6, Word("✕ 不通过 · FAIL", RED)),
}
"""A run's verdict as a figure, and in words."""
INVARIANT_STATES: dict[str, tuple[int, Word]] = {
    "pending": (0, Word("… 关账后检查 · looked at after the close", BLUE)),
    "holds": (1, Word("✓ 成立 · holds", GREEN)),
    "not_evaluated": (2, Word("– 未评 · not evaluated", GREY)),
    "unknown": (3, Word("? 不明 · not known", GREY)),
    "broken": (4, Word("✕ 被破坏 · broken", RED)),
}
"""An invariant's state as a figure, the larger the worse, and in words."""
INVARIANTS: dict[str, str] = {code: f"{code} {INVARIANTS_ZH[code]} · {en}" for code, en in INVARIANTS_EN.items()}

STATES: dict[str, tuple[int, Word]] = {
    "PENDING": (0, Word("… 尚未判定 · not judged yet", GREY)),
    "PASS": (1, Word("✓ 符合 · as forecast", GREEN)),
    "WARN": (2, Word("! 留意 · take note", YELLOW)),
    "NOT_EVALUATED": (3, Word("– 未评 · not evaluated", GREY)),
    "NO_DATA": (4, Word("? 无数据 · no data", GREY)),
    "FAIL": (5, Word("✕ 不符 · missed", RED)),
}
"""A state as a figure, the larger the worse, and in words."""


def mapped(states: dict[str, tuple[int, Word]], **more: Word) -> dict[str, Word]:
    """Figure as text → word, for a panel's value mappings; `more` by `n` and the figure, as `n7`."""
    found = {str(number): word for number, word in states.values()}
    return found | {name.removeprefix("n"): word for name, word in more.items()}

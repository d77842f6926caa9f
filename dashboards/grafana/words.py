"""Words that several dashboards may use, Chinese and English: verdicts, invariants, states. Owns no figure."""

from __future__ import annotations

from dashboards.grafana.pieces import BLUE, GREEN, GREY, ORANGE, RED, YELLOW, StateText
from system.contract.audit import INVARIANTS as INVARIANTS_EN
from system.contract.audit import INVARIANTS_ZH

VERDICTS: dict[str, tuple[int, StateText]] = {
    "RUNNING": (0, StateText("▶ 进行中 · under way", BLUE)),
    "PASS": (1, StateText("✓ 通过 · PASS", GREEN)),
    "WARN": (2, StateText("! 通过，有留意项 · passed, with a remark", YELLOW)),
    "NO_DATA": (3, StateText("? 数据不全 · NO DATA", GREY)),
    "INVALID": (4, StateText("? 测量无效，不作结论 · INVALID, nothing is concluded", ORANGE)),
    "ABORTED": (5, StateText("■ 已中止 · ABORTED", ORANGE)),
    "FAIL": (6, StateText("✕ 不通过 · FAIL", RED)),
}
"""A run's verdict as a figure, and in words."""
INVARIANT_STATES: dict[str, tuple[int, StateText]] = {
    "pending": (0, StateText("… 关账后检查 · looked at after the close", BLUE)),
    "not_evaluated": (1, StateText("– 未评 · not evaluated", GREY)),
    "holds": (2, StateText("✓ 成立 · holds", GREEN)),
    "unknown": (3, StateText("? 不明 · not known", GREY)),
    "broken": (4, StateText("✕ 被破坏 · broken", RED)),
}
"""An invariant's state as a figure, the largest of all stands for all, and in words. What holds stands for what there
was no play to look at; what is not known, and what is broken, stand for everything.
"""
INVARIANTS: dict[str, str] = {code: f"{code} {INVARIANTS_ZH[code]} · {en}" for code, en in INVARIANTS_EN.items()}

STATES: dict[str, tuple[int, StateText]] = {
    "PENDING": (0, StateText("… 尚未判定 · not judged yet", GREY)),
    "PASS": (1, StateText("✓ 符合 · as forecast", GREEN)),
    "WARN": (2, StateText("! 留意 · take note", YELLOW)),
    "NOT_EVALUATED": (3, StateText("– 未评 · not evaluated", GREY)),
    "NO_DATA": (4, StateText("? 无数据 · no data", GREY)),
    "FAIL": (5, StateText("✕ 不符 · missed", RED)),
}
"""A state as a figure, the larger the worse, and in words."""


def mapped(states: dict[str, tuple[int, StateText]], **more: StateText) -> dict[str, StateText]:
    """Figure as text → word, for a panel's value mappings; `more` by `n` and the figure, as `n7`."""
    found = {str(number): word for number, word in states.values()}
    return found | {name.removeprefix("n"): word for name, word in more.items()}

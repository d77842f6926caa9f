"""The first screen's plain words: how much of the event was played, for how long, what was done to it, when. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from harness.phrases import chinese
from harness.report import figures
from harness.report.figures import number
from harness.report.links import page_of
from harness.report.vocabulary import DRILL_VERDICTS, ELSEWHERE, ICONS, STATES, Both, place
from harness.report.words import adds_up, broken
from harness.runs.record import RunRecord

MINUTE_S = 60.0
Item = Mapping[str, Any]


def share(record: RunRecord) -> Both:
    """How much of which event: at scale 1 the event is the plan's own, however small, and is named."""
    about = record.about
    if record.service is not None:
        return Both(f"自己的服务 {record.target}", f"one's own service {record.target}")
    if about is None or not figures.whole(record.scale.factor):
        words = figures.share_words(record.scale.factor)
        return Both(words.zh, words.en)
    return Both(
        f"一场自己的活动“{about.event.zh}”（{about.users:,} 位用户），全部",
        f"all of an event of its own, “{about.event.en}” with {about.users:,} users",
    )


def length(record: RunRecord) -> Both | None:
    """How long of how long."""
    about = record.about
    if about is None:
        return None
    played, full = about.played_s, about.full_s
    if record.service is not None:
        return Both(f"{number(full)} 秒", f"{number(full)} s of load")
    if played >= full:
        return Both(f"全程 {number(full)} 秒", f"all {number(full)} s of its round")
    if not played % MINUTE_S and not full % MINUTE_S:
        return Both(
            f"{full / MINUTE_S:g} 分钟中的 {played / MINUTE_S:g} 分钟",
            f"{played / MINUTE_S:g} of {full / MINUTE_S:g} minutes",
        )
    return Both(f"{number(full)} 秒中的 {number(played)} 秒", f"{number(played)} of {number(full)} s")


def played(record: RunRecord) -> Both:
    """How much of the event, and how long of how long."""
    much, long = share(record), length(record)
    return much if long is None else Both(f"{much.zh}，{long.zh}", f"{much.en}, {long.en}")


def faults(record: RunRecord) -> Both:
    """What was done to the system meanwhile, and the result for the money."""
    items = [_fault(item) for item in record.drills]
    if not items:
        return Both("没有注入故障", "no fault was put to it")
    end = Both("", "")
    if broken(record):
        end = Both("，钱或中奖对不上", ", money or wins do not add up")
    elif adds_up(record):
        end = Both("，分文未失", ", nothing lost")
    return Both("；".join(one.zh for one in items) + end.zh, "; ".join(one.en for one in items) + end.en)


def _fault(item: Item) -> Both:
    name, where = title(item), place(str(item.get("target", "?")))
    since, until = _number(item, "injected_s"), _number(item, "healed_s")
    zh, en = f"{name.zh}（{where.zh}）", f"{name.en} ({where.en})"
    if since is None:
        return Both(f"{zh}没有注入", f"{en} was not injected")
    if until is None:
        return Both(f"{zh}没有撤除", f"{en} was not healed")
    lasted = f"{until - since:.0f}"
    return Both(f"{zh}持续 {lasted} 秒，已撤除", f"{en} for {lasted} s, healed")


def title(item: Item) -> Both:
    """A fault by its own title, else by its id."""
    own, plain = item.get("title"), str(item.get("fault") or item.get("id") or "?")
    if isinstance(own, Mapping):
        return Both(str(own.get("zh") or plain), str(own.get("en") or plain))
    return Both(f"故障 {plain}", f"fault {plain}")


def moment(label: str) -> Both:
    """When, with its time zone in words."""
    try:
        at = datetime.fromisoformat(label)
    except ValueError:
        return Both(label, label)
    offset = at.utcoffset()
    zone = "" if offset is None else "UTC" if offset == timedelta(0) else f"UTC{at.isoformat()[-6:]}"
    stamp = f"{at:%Y-%m-%d %H:%M}"
    if not zone:
        return Both(f"{stamp}（未记时区）", f"{stamp} (no time zone recorded)")
    return Both(f"{stamp}（{zone}）", f"{stamp} ({zone})")


def why_scale(record: RunRecord) -> Both:
    """Why this share; in Chinese only where it is stored as an id with data."""
    about = record.about
    zh = chinese(about.share_says, about.share_data) if about else None
    return Both(zh or ELSEWHERE, record.scale.why)


def credit_in_faults(record: RunRecord) -> Both | None:
    """The money that came while a fault was in force: left out of the figure beside it, but shown on the page."""
    inside = record.credit_delay_s.in_faults
    if not inside.count:
        return None
    worst = f"{inside.max:.1f}" if inside.max is not None else "?"
    return Both(
        f"故障窗口内另有 {inside.count:,} 个中奖，最慢 {worst} 秒到账",
        f"inside fault windows {inside.count:,} awards more, {worst} s at most",
    )


@dataclass(frozen=True, slots=True)
class DrillRow:
    """One fault as a row of a table. Times in seconds, as text."""

    name: Both
    about: str
    verdict: Both
    state: str
    icon: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlaybookRow:
    """One playbook's run as a row: what it set, the result, and the page that says what else to do."""

    name: str
    alert: str
    verdict: Both
    state: str
    icon: str
    sets: tuple[str, ...]
    cells: tuple[str, ...]
    page: str


def _number(item: Item, key: str) -> float | None:
    value = item.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _gap(since: float | None, until: float | None) -> str:
    return "–" if since is None or until is None else f"{until - since:.1f}"


def _verdict(item: Item) -> tuple[Both, str, str]:
    """Words, style and sign of an item's verdict."""
    name = str(item.get("verdict") or "NO_DATA")
    style = {"PASS": "PASS", "WARN": "WARN", "SKIPPED": "NOT_EVALUATED"}.get(name, "FAIL")
    style = "NO_DATA" if name in ("UNKNOWN", "NO_DATA", "HARNESS_FAULT", "FAULT_NOT_EFFECTIVE") else style
    return DRILL_VERDICTS.get(name, Both(name, name)), style, ICONS[style if style in STATES else "NO_DATA"]


def drill_rows(record: RunRecord) -> list[DrillRow]:
    """Cells: injected at, effect after, alert after the effect, in force for, heal seen after, backlog gone after."""
    rows = []
    for item in record.drills:
        at = {name: _number(item, f"{name}_s") for name in ("injected", "effect", "alert", "healed", "heal_began")}
        cells = (
            "–" if at["injected"] is None else f"{at['injected']:.1f}",
            _gap(at["injected"], at["effect"]),
            _gap(at["effect"], at["alert"]),
            _gap(at["injected"], at["healed"]),
            _gap(at["heal_began"], _number(item, "heal_seen_s")),
            _gap(at["healed"], _number(item, "drained_s")),
        )
        about = f"{item.get('id', '?')} · {item.get('fault', '?')} · {item.get('target', '?')}"
        rows.append(DrillRow(title(item), about, *_verdict(item), cells))
    return rows


def playbook_rows(record: RunRecord) -> list[PlaybookRow]:
    """Cells: from the alert to the first value read back, to the verified effect, to the verified rollback."""
    rows = []
    for item in record.playbooks:
        found = item.get("times")
        times: Item = found if isinstance(found, Mapping) else {}
        actions = [action for action in item.get("actions") or () if isinstance(action, Mapping)]
        sets = tuple(_act(action) for action in actions)
        began = _number(times, "t2") or _number(times, "t3")
        cells = tuple(_gap(began, _number(times, name)) for name in ("t4", "t5", "t7"))
        name, alert = str(item.get("id", "?")), str(item.get("alert") or item.get("by") or "–")
        rows.append(PlaybookRow(name, alert, *_verdict(item), sets, cells, page_of(item.get("alert"))))
    return rows


def _act(action: Item) -> str:
    """What it set to which value; of another kind than a switch, its own words."""
    if "key" not in action and "stands" in action:
        return str(action["stands"])
    return f"{action.get('key', '?')} {action.get('before', '?')} → {action.get('to', '?')}"


def fault_windows(record: RunRecord) -> list[tuple[float, float]]:
    """(from, to) in run seconds of each fault that was injected; one that was not healed lasts to the end."""
    found = []
    for item in record.drills:
        since = _number(item, "injected_s")
        if since is not None:
            until = _number(item, "healed_s")
            found.append((since, float("inf") if until is None else until))
    return found

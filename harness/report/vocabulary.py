"""The report's vocabulary, Chinese and English: what a verdict, a state, an event, an outcome is called. Names only."""

from __future__ import annotations

from dataclasses import dataclass

from harness.forecast.judge import Judged
from system.contract.audit import INVARIANTS_ZH as INVARIANTS_ZH
from system.contract.links import read_link
from system.contract.places import read_place


@dataclass(frozen=True, slots=True)
class Both:
    """One text in both languages."""

    zh: str
    en: str


INDICATORS: dict[str, Both] = {
    "offered_rps": Both("高峰每秒送出的“咻”", "taps sent per second at the peak"),
    "answered_rps": Both("高峰每秒得到回答的“咻”", "taps answered per second at the peak"),
    "refused_share": Both("因手速过快被拒的比例", "share refused for tapping too fast"),
    "response_p99_ms": Both("99% 的回答快于", "99 % of answers came within"),
    "errors": Both("错误", "errors"),
    "credit_delay_p99_s": Both("99% 的中奖到账快于", "99 % of wins were in the account within"),
    "drain_s": Both("散场后清完积压用时", "backlog worked off after the end within"),
    "wins": Both("送出的红包", "packets won"),
    "pool_lasts_s": Both("红包池撑到", "the pool lasted"),
    "residue_fen": Both("对不上的钱", "money unaccounted for"),
    "wins_residue": Both("对不上的中奖", "wins unaccounted for"),
    "participants": Both("参与人数", "people who took part"),
    "claims": Both("好友领走的裂变红包", "shares' parts claimed by friends"),
    "ties": Both("新增关系对", "ties gained"),
    "cards": Both("发出的福卡", "cards drawn"),
    "purchases": Both("买入余额宝", "purchases of the money fund"),
}

OF_A_SERVICE: dict[str, Both] = {
    "offered_rps": Both("高峰每秒送出的请求", "requests sent per second at the peak"),
    "answered_rps": Both("高峰每秒得到回答的请求", "requests answered per second at the peak"),
    "error_share": Both("没有得到正确回答的比例", "share without a right answer"),
    "response_p50_ms": Both("50% 的回答快于", "half of the answers came within"),
    "response_p95_ms": Both("95% 的回答快于", "95 % of answers came within"),
    "service_p50_ms": Both("自发出起，50% 快于", "from sent, half within"),
    "service_p95_ms": Both("自发出起，95% 快于", "from sent, 95 % within"),
    "service_p99_ms": Both("自发出起，99% 快于", "from sent, 99 % within"),
}
"""Where the target is somebody's own service."""
SERVICE_LINK = "client-service"

STATES: dict[str, Both] = {
    "PASS": Both("符合", "as forecast"),
    "WARN": Both("留意", "take note"),
    "FAIL": Both("不符", "missed"),
    "NO_DATA": Both("无数据", "no data"),
    "NOT_EVALUATED": Both("未评", "not evaluated"),
}

ICONS = {"PASS": "✓", "WARN": "!", "FAIL": "✕", "INVALID": "?", "NO_DATA": "?", "ABORTED": "■", "NOT_EVALUATED": "–"}

NOT_JUDGED = Both("未作结论", "not judged")

DRILL_VERDICTS: dict[str, Both] = {
    "PASS": Both("通过", "PASS"),
    "WARN": Both("通过，有留意项", "PASS, with a remark"),
    "FAIL": Both("不通过", "FAIL"),
    "NOT_HEALED": Both("没有撤除", "not healed"),
    "INVARIANT_BROKEN": Both("不变量被破坏", "invariant broken"),
    "FAULT_NOT_EFFECTIVE": Both("故障没有见效", "fault without effect"),
    "HARNESS_FAULT": Both("演练自身出错", "the harness failed"),
    "UNKNOWN": Both("无法判定", "unknown"),
    "NO_DATA": Both("无数据", "no data"),
    "SKIPPED": Both("跳过", "skipped"),
    "ABORTED": Both("中止", "aborted"),
}

OUTCOMES: dict[str, Both] = {
    "win": Both("中奖", "win"),
    "lose": Both("未中", "lose"),
    "repeat": Both("重看已中", "repeat"),
    "refused": Both("拒绝", "refused"),
    "pending": Both("待定", "pending"),
    "unknown": Both("未知", "unknown"),
    "dropped": Both("丢弃", "dropped"),
    "unsent": Both("未送", "unsent"),
}

LANES: dict[str, Both] = {"live": Both("线上", "live"), "stress": Both("压测", "stress")}
TARGETS: dict[str, Both] = {
    "own stack": Both("本机自起的整套系统", "own stack"),
    "local stack": Both("本机自起的整套系统", "local stack"),
}
PARTS: dict[str, Both] = {
    "front": Both("前端", "front"),
    "credit": Both("入账程序", "credit worker"),
    "control": Both("控制台", "control"),
    "play": Both("用户接口", "users' API"),
    "valkey": Both("中奖记录 Valkey", "win log Valkey"),
    "postgres": Both("账本库 PostgreSQL", "ledger database PostgreSQL"),
    "doubles": Both("外部替身", "doubles of those outside"),
    "client": Both("用户", "users"),
    "prometheus": Both("监控 Prometheus", "Prometheus"),
    "targets": Both("被监控的部件", "what it watches"),
}
CALIBRATION: dict[str, Both] = {
    "carried_rps": Both("承载 次/秒", "carried /s"),
    "ceiling_rps": Both("上限 次/秒", "ceiling /s"),
    "asked_rps": Both("试打 次/秒", "asked /s"),
    "part": Both("取用份额", "part"),
    "burst_p99_ms": Both("试打 p99 毫秒", "burst p99 ms"),
    "generator_ceiling_rps": Both("压测机上限 次/秒", "generator's ceiling /s"),
    "front_capacity_rps": Both("前端容量 次/秒", "front's capacity /s"),
    "chosen_rps": Both("选用 次/秒", "chosen /s"),
}


SEASON_OPERATIONS: dict[str, Both] = {
    "friend": Both("加好友", "friend's tap"),
    "tie_card": Both("新关系得卡", "card for a tie"),
    "redeem": Both("抽卡", "ticket redeemed"),
    "ask": Both("向好友要卡", "card asked for"),
    "gift": Both("送卡", "card given"),
    "combine": Both("集齐五福", "five combined"),
    "share": Both("打开裂变红包", "share opened"),
    "claim": Both("领取裂变红包", "share claimed"),
    "spend": Both("消费", "spending"),
    "purchase": Both("买入余额宝", "money-fund purchase"),
    "fund": Both("查余额宝", "fund looked at"),
    "wallet": Both("查余额", "wallet looked at"),
}
"""What people did beside the draw."""
SEASON_OUTCOMES: dict[str, Both] = {
    "done": Both("成", "done"),
    "again": Both("早已成", "done before"),
    "unknown": Both("不明", "unknown"),
    "unsent": Both("未送", "not sent"),
}
"""What became of it; a refusal goes by its code."""


def named(words: dict[str, Both], key: str) -> Both:
    """In people's words, else the key itself."""
    return words.get(key, Both(key, key))


def place(target: str) -> Both:
    """Where a fault was: a link by both its ends, a part by what it is; anything else as it is written."""
    link = read_link(target)
    if link is not None:
        ends = (PARTS[link.client], PARTS[link.upstream])
        return _in_cell(Both(" ↔ ".join(end.zh for end in ends), " ↔ ".join(end.en for end in ends)), link.cell)
    part = read_place(target)
    if part is not None and part.role == "valkey":
        return _in_cell(PARTS[part.role], part.cell)
    return named(PARTS, target)


def _in_cell(what: Both, cell: int | None) -> Both:
    """The number of the first cell is not shown, since most systems have no other."""
    return Both(f"{what.zh}（单元 {cell}）", f"{what.en} (cell {cell})") if cell else what


STEP_KINDS: dict[str, Both] = {
    "constant": Both("恒速", "constant"),
    "ramp": Both("匀变", "ramp"),
    "spike": Both("尖峰", "spike"),
    "replay": Both("重放", "replay"),
    "climb": Both("台阶", "stair"),
}

COLOURS: dict[str, tuple[str, Both]] = {
    "green": ("PASS", Both("正常", "green")),
    "unclear": ("NO_DATA", Both("不明", "unclear")),
    "red": ("FAIL", Both("异常", "red")),
}
"""Of a climb's window: its state, and its name."""
GRADES: dict[str, Both] = {
    "measured": Both("实测", "measured"),
    "interpolated": Both("内插", "interpolated"),
    "projected": Both("推算", "projected"),
}
"""What a figure of the capacity answer rests on."""


def sponsor_name(name: str) -> Both:
    """A sponsor's name as the ledger keeps it, `云帆 Cloud Sail`: each language its part, or the whole where there is
    only one.
    """
    zh, _, en = name.partition(" ")
    return Both(zh, en or zh)


VERDICTS: dict[str, Both] = {
    "PASS": Both("通过", "PASS"),
    "WARN": Both("通过，有留意项", "PASSED, WITH A REMARK"),
    "FAIL": Both("不通过", "FAIL"),
    "INVALID": Both("测量无效", "INVALID"),
    "NO_DATA": Both("数据不全", "NO DATA"),
    "ABORTED": Both("已中止", "ABORTED"),
}


OTHERS_ZH: dict[str, str] = {
    "generator_limited": "压测机到顶",
    "run_broken": "运行中断",
    "unsettled": "有用户始终没有得到明确答复",
    "not_closed": "本场没有关账",
    "audit_failed": "审计没有完成",
    "stop_rule": "触发了停止规则",
    "interrupted": "被人中止",
    "killed": "被紧急停止",
    "stack_gone": "环境不在了",
    "generator_stopped": "压测机停了",
    "harness_fault": "演练自身出错",
    "not_steady": "注入之前系统就不正常",
    "fault_not_effective": "故障没有见效",
    "not_healed": "故障没有撤除",
    "external": "故障跳过：那个部件不是这里的",
    "alert_missing": "该响的告警没有响",
    "not_triggered": "预案没有启动",
    "playbook_failed": "预案没有走完",
    "lanes_mixed": "两条通道串了",
    "outside_astray": "对外呼叫走错了",
    "live_lane_changed": "线上通道被触动",
    "live_lane_unknown": "线上通道无法核对",
    "live_lane_in_use": "线上通道自己在用",
    "record_incomplete": "记录不完整",
    "history_damaged": "操作记录损坏",
    "stop_rule_blind": "停止规则看不到它要看的",
    "lane_unbalanced": "通道的账不平",
    "journey_slow": "一路流量太慢",
    "nothing_judged": "没有可评定的",
    "season_incomplete": "抽奖之外的玩法没有走完",
    "climb_stopped": "爬坡没有走到最高一级",
    "climb_late": "爬坡的决定来得太迟",
    "window_refused": "有压测进程没有接受一窗",
    "plans_differ": "各压测进程打的不是同一份计划",
}
"""What a reason of this code is about; its own sentence follows."""
ELSEWHERE = "原文见 run.json"
"""For reasons that exist in English alone."""


EVENTS: dict[str, Both] = {
    "lock": Both("预测封存", "forecast locked"),
    "pre_check": Both("开场前检查", "pre-check"),
    "refused": Both("检查未过", "refused"),
    "warning": Both("提醒", "warning"),
    "round": Both("场次就绪", "round"),
    "phase": Both("阶段", "phase"),
    "rate": Both("手动调速", "rate"),
    "rate_refused": Both("调速被拒", "rate refused"),
    "window": Both("爬坡一窗", "climb window"),
    "window_refused": Both("爬坡一窗被拒", "climb window refused"),
    "climb_over": Both("爬坡结束", "climb over"),
    "fault_injected": Both("注入故障", "fault injected"),
    "effect_seen": Both("故障见效", "effect seen"),
    "alert": Both("告警", "alert"),
    "playbook": Both("预案", "playbook"),
    "healed": Both("故障撤除", "healed"),
    "heal_seen": Both("恢复可见", "heal seen"),
    "not_healed": Both("未能恢复", "not healed"),
    "backlog_drained": Both("故障积压清完", "backlog drained"),
    "drained": Both("积压清完", "drained"),
    "late": Both("逾时", "late"),
    "season": Both("抽奖之外", "season"),
    "closed": Both("关账", "closed"),
    "audit": Both("审计", "audit"),
    "live_lane": Both("线上通道", "live lane"),
    "prometheus": Both("对照", "Prometheus"),
    "stop_rule": Both("停止规则", "stop rule"),
    "interrupted": Both("被人中止", "interrupted"),
    "killed": Both("紧急停止", "killed"),
    "error": Both("出错", "error"),
    "generator_stopped": Both("压测机停了", "generator stopped"),
    "part_died": Both("部件死亡", "part died"),
    "part_started": Both("部件启动", "part started"),
    "part_ready": Both("部件就绪", "part ready"),
    "part_stopped": Both("部件停止", "part stopped"),
    "part_slow": Both("部件迟迟没有就绪", "part slow"),
    "part_gave_up": Both("部件不再重启", "part given up"),
    "part_not_started": Both("部件没能启动", "part not started"),
    "stack_gone": Both("环境不在了", "stack gone"),
    "part_restarted": Both("部件重启", "part restarted"),
}
"""What an event of this kind is called; its own sentence follows."""


def event_name(kind: str) -> Both:
    """In people's words, else the kind itself."""
    plain = kind.replace("_", " ")
    return EVENTS.get(kind, Both(plain, plain))


def indicator_name(row: Judged) -> Both:
    """What an indicator is called; sponsors by the name that stands in the forecast."""
    if row.indicator.startswith("sponsor_"):
        name = Both(row.name.zh, row.name.en) if row.name else Both(row.indicator, row.indicator)
        return Both(f"赞助商 {name.zh} 发出的钱", f"money given out by {name.en}")
    if row.link == SERVICE_LINK and row.indicator in OF_A_SERVICE:
        return OF_A_SERVICE[row.indicator]
    return INDICATORS.get(row.indicator, Both(row.indicator, row.indicator))

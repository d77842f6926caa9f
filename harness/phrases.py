"""What a run says of itself: each sentence once, as an id with data, in English and Chinese. Owns words, no figures.

`sentence(id, **data)` is the English sentence, a `str` like any other, that still knows its id and data: `Event` and
`Reason` keep both, and the report says the same in Chinese. Text of others (an exception, a log line) is data too,
`detail`; it has no Chinese, so a Chinese sentence leaves it out and says where it stands.
"""

from __future__ import annotations

import math
import string
from collections.abc import Mapping
from typing import Any

from harness.phrases_capacity import CAPACITY_PHRASES
from harness.phrases_own import OWN_PHRASES

Phrase = tuple[str, str]
"""English, Chinese."""

SEE = "（原文见 run.json）"

PHRASES: dict[str, Phrase] = {
    # the run's own steps
    "locked": ("forecast locked, sha256 {sha}…", "预测已封存，sha256 {sha}…"),
    "pre_check_good": (
        "pre-check: {count:|item} looked at, nothing stands against the start",
        "开场前检查：看了 {count} 项，没有妨碍开始的",
    ),
    "pre_check_item": ("pre-check, {item}: {detail}", "开场前检查未过：{item}" + SEE),
    "armed": ("round {round} armed, commitment {commitment}…", "第 {round} 场已就绪，承诺值 {commitment}…"),
    "phase_idle": ("idle", "结束"),
    "phase_warm_up": ("warm up", "预热"),
    "phase_measured": ("measured", "正式测量"),
    "phase_drain": ("drain", "清空积压"),
    "phase_season": ("the plays beside the draw", "抽奖之外的玩法"),
    "phase_closing": ("closing", "关账"),
    "drained": ("the backlog is empty: every award is posted", "积压已空：每个中奖都已入账"),
    "closed": ("round {round} closed; the seed is revealed", "第 {round} 场已关账，种子已公开"),
    "closed_early": ("round {round} closed before its end; the seed is revealed", "第 {round} 场提前关账，种子已公开"),
    "not_closed": ("round {round} did not close: {detail}", "第 {round} 场没有关账" + SEE),
    "view_unread": (
        "what is shown was not read for {within_s:g} s: no more of it",
        "显示的内容 {within_s:g} 秒没有人读，不再显示",
    ),
    "late": ("{what} did not come within {within_s:g} s", "{within_s:g} 秒内没有等到：{what}"),
    "the_end": ("the round's end", "本场结束"),
    "the_backlog": ("the empty backlog", "积压清空"),
    "open_answers": ("open answers", "追问未定的答复"),
    "step_failed": ("{what}: {error}", "{what}没有完成：{error}"),
    "rules_blind": ("nothing could be read for the stop rules on {names}", "停止规则看不到它要看的：{names}"),
    "lane_unbalanced": ("lane {lane} is out of balance by {fen:,} fen", "通道 {lane} 的账差 {fen:,} 分"),
    "journey_slow": (
        "journey {journey}: response p99 {p99_ms:,.1f} ms, above its objective of {bound_ms:,.1f} ms",
        "流量 {journey} 的响应 p99 是 {p99_ms:,.1f} 毫秒，超过目标 {bound_ms:,.1f} 毫秒",
    ),
    "history_damaged": ("the history cannot be read: {detail}", "操作记录读不出来" + SEE),
    "folder_unwritable": ("the run's folder {folder} cannot be written: {name}: {detail}", "写不进 {folder}（{name}）"),
    "the_samples": ("the samples of the money", "资金采样"),
    "the_season": ("the plays beside the draw", "抽奖之外的玩法"),
    "season_open": (
        "season {season} is open: {cards:,|card}, a pot of {fen:,} fen",
        "第 {season} 季已开：{cards:,} 张福卡，奖池 {fen:,} 分",
    ),
    "season_played": (
        "season {season}: {orders:,|order} of winners and friends in {took_s:.1f} s",
        "第 {season} 季：中奖者和好友的 {orders:,} 次操作，用时 {took_s:.1f} 秒",
    ),
    "season_paid": (
        "season {season} has ended: {blessings:,|blessing shares|blessings share} {fen:,} fen",
        "第 {season} 季结束：{blessings:,} 个五福分得 {fen:,} 分",
    ),
    "season_unpaid": ("the pot of season {season} is not paid yet", "第 {season} 季的奖池还没有发完"),
    "season_incomplete": (
        "{count:,|order beside the draw was|orders beside the draw were} not done; {operation}: {outcome}",
        "抽奖之外有 {count:,} 次操作没有做成；{operation}：{outcome}",
    ),
    "the_close": ("the close", "关账"),
    "unsettled": (
        "{count:|user} never got a definite answer, user {first} first",
        "{count} 位用户始终没有得到明确答复，第一位是用户 {first}",
    ),
    "stores_away": (
        "{name}: stores out of reach, what only they tell is NOT_EVALUATED",
        "{name}：够不着它的存储，只有存储才知道的不予评定",
    ),
    "stack_gone": ("the stack in {folder} is gone: it was stopped, or it died", "环境不在了（被停止或崩溃）：{folder}"),
    "books_later": (
        "the stack is gone, its books are not closed; later: xiu audit --run {run}",
        "环境已不在，账没有合上；之后可以运行 xiu audit --run {run}",
    ),
    "failed": ("{detail}", "出错：{kind}" + SEE),
    "logged_in": ("{count:,|login}, before the load and not measured", "压测前登录 {count:,} 次，不计入"),
    "rated": (
        "rate changed by hand (version {version}): {taps:,|tap} in all now",
        "手动调速（版本 {version}）：现在共 {taps:,} 次",
    ),
    "rate_refused": ("{detail}", "调速被拒" + SEE),
    "window_seen": (
        "window {version}, stair {stair} at {rate_rps:,.6g}/s: {seen}; {move}",
        "第 {version} 窗，第 {stair} 级，{rate_rps:,.6g} 次/秒：{seen}；{move}",
    ),
    "window_refused": ("a cannon did not take a window: {detail}", "有压测进程没有接受这一窗" + SEE),
    "plans_differ": ("the workers played different windows", "各压测进程的窗不一致"),
    "climb_late": (
        "a window of the climb was decided too late: this host was the limit",
        "爬坡的一窗决定得太迟：本机是瓶颈",
    ),
    "climb_stopped": (
        "the climb ended on stair {stair} of {stairs} at {rate_rps:,.6g}/s, {seen}; held: {held}",
        "爬坡止于第 {stair} 级（共 {stairs} 级），{rate_rps:,.6g} 次/秒，{seen}；站稳的：{held}",
    ),
    "held_rate": ("{rate_rps:,.6g}/s", "{rate_rps:,.6g} 次/秒"),
    "held_none": ("none", "无"),
    **CAPACITY_PHRASES,
    "stop_rule": (
        "{signal} {value:,.4g} above {above:,.4g} over {window_s:g} s ({much})",
        "{signal} 为 {value:,.4g}，{window_s:g} 秒内高于 {above:,.4g}（{samples:,} 个样本）",
    ),
    "recovered_seen": (
        "{signal} was within its bound again {after_s:,.3g} s after the stop",
        "停止后 {after_s:,.3g} 秒，{signal} 回到界内",
    ),
    "recovered_idle": (
        "{after_s:,.3g} s after the stop nothing waited any more, and {signal} had nothing left to rise on",
        "停止后 {after_s:,.3g} 秒，不再有任何等待，{signal} 也就无从再高",
    ),
    "recovered_unseen": (
        "{signal} was not seen within its bound in the {watched_s:,.3g} s until the books were closed",
        "到封账为止的 {watched_s:,.3g} 秒里，没有看到 {signal} 回到界内",
    ),
    "interrupted": ("interrupted by {signal}", "收到 {signal}，提前中止"),
    "killed": ("the kill switch ended the fire ({what})", "紧急停止结束了压测（{what}）"),
    "generator_stopped": ("the generator stopped: {detail}", "压测机自己停了" + SEE),
    "prometheus_agrees": (
        "{agree} of {count:|indicator} agree with Prometheus",
        "{count} 项指标中 {agree} 项与 Prometheus 一致",
    ),
    "prometheus_apart": (
        "{agree} of {count:|indicator} agree with Prometheus; not: {names}",
        "{count} 项指标中 {agree} 项与 Prometheus 一致；不一致：{names}",
    ),
    # share
    "share_told": ("as told", "按指定"),
    "share_natural": (
        "the forecast's natural share: {carried:,.0f} taps/s were carried in a burst of {asked:,.0f}/s",
        "预测的原定份额：试打每秒 {asked:,.0f} 次，承载了每秒 {carried:,.0f} 次",
    ),
    "share_smaller": (
        "{part:.0%} of the natural share: {carried:,.0f} taps/s were carried in a burst of {asked:,.0f}/s, "
        "and {safe:.0%} of that is safe",
        "原定份额的 {part:.0%}：试打每秒 {asked:,.0f} 次，承载了每秒 {carried:,.0f} 次，取其 {safe:.0%} 为稳妥",
    ),
    "share_wanted": (
        "{part:.1%} of the natural share, which is {wanted:.0%} of what is safe, as the plan says: "
        "{carried:,.0f} taps/s were carried in a burst of {asked:,.0f}/s, and {safe:.0%} of that is safe",
        "原定份额的 {part:.1%}，按计划取稳妥速率的 {wanted:.0%}："
        "试打每秒 {asked:,.0f} 次，承载了每秒 {carried:,.0f} 次，取其 {safe:.0%} 为稳妥",
    ),
    "share_half": (
        "half of the rate, since the generator was the limit in run {run}",
        "速率减半，因为运行 {run} 中压测机到了顶",
    ),
    # the other lane
    "live_away": (
        "the live lane's stores are out of reach: that it is untouched is not evaluated",
        "够不着线上通道的存储：是否未被触动，不予评定",
    ),
    "live_unknown": ("the live lane could not be summed up: {detail}", "无法核对线上通道" + SEE),
    "live_untouched": (
        "live lane untouched: {tables:|table}, {streams:|stream or fence|streams and fences}, checksum {checksum}",
        "线上通道未被触动：{tables} 张表、{streams} 条流，校验和 {checksum}",
    ),
    "live_flushed": (
        "live lane: {tables:|table} untouched; its {streams:|stream or fence|streams and fences} went with the flush, "
        "as it was meant",
        "线上通道：{tables} 张表未被触动；{streams} 条流随清空而去，本就是故障的内容",
    ),
    "live_changed": ("live lane changed during a stress run: {names}", "压测期间线上通道有变化：{names}"),
    "live_in_use": (
        "live lane changed during a stress run: {names}; its own round {round} is not closed, so this proves nothing",
        "压测期间线上通道有变化：{names}；它自己的第 {round} 场还没有关账，因此说明不了什么",
    ),
    "lanes_apart": (
        "no record of one lane was met in the other: 0 into live, 0 into stress",
        "两条通道没有串：进线上 0 条，进压测 0 条",
    ),
    "lanes_mixed": (
        "records of one lane were met in the other: {live:,} into live, {stress:,} into stress",
        "两条通道串了：进线上 {live:,} 条，进压测 {stress:,} 条",
    ),
    "outside_apart": (
        "parties outside: {calls:,|call} of the stress lane, all to doubles; 0 denied, 0 astray",
        "外部单位：压测通道呼叫 {calls:,} 次，都到替身；拒绝 0 次，走错 0 次",
    ),
    "outside_astray": (
        "parties outside: {denied:,|call} of the stress lane denied, {into_party:,} answered by no double; "
        "{into_double:,|live call} answered by a double",
        "外部单位：压测通道被拒 {denied:,} 次，{into_party:,} 次由非替身应答；线上 {into_double:,} 次由替身应答",
    ),
    "public_touched": (
        "the public's round {round}: {seen:,|win} seen, {posted:,} posted, {fen:,} fen over, rules broken: {broken}",
        "大众那一场（第 {round} 场）：看到 {seen:,} 个中奖，入账 {posted:,} 个，余 {fen:,} 分，被破坏的规则：{broken}",
    ),
    # the closed loop
    **OWN_PHRASES,
    "closed_loop_missing": ("the closed loop beside left no figures: {detail}", "旁边的闭环没有留下数字" + SEE),
    # parts
    "part_told": ("{detail}", "{part} {kind_zh}"),
    # faults
    "fault_injected": ("{fault} on {target}: {title_en}", "{fault} 作用于 {target}：{title_zh}"),
    "harness": ("harness: {detail}", "演练自身出错" + SEE),
    "alert_fires": ("{alert} fires, {after_s:.1f} s after the effect", "{alert} 告警，见效后 {after_s:.1f} 秒"),
    "healed": ("{detail}", "已撤除"),
    "healed_by_other": ("healed by somebody else", "已由他人撤除"),
    "not_healed": ("{detail}", "没有撤除成功" + SEE),
    "heal_not_seen": ("the heal was not seen within {within_s:g} s: {seen}", "{within_s:g} 秒内没有看到恢复：{seen}"),
    "gone_before": (
        "{fault} on {target} was gone after {after_s:.1f} of {of_s:g} s, before it was healed",
        "{target} 上的 {fault} 本应持续 {of_s:g} 秒，{after_s:.1f} 秒后在撤除之前就消失了",
    ),
    "no_effect": ("{fault}: {seen}", "{fault} 没有见效：{seen}"),
    "backlog_drained": (
        "no award waits any more, {after_s:.1f} s after the heal",
        "撤除后 {after_s:.1f} 秒，没有中奖再等待入账",
    ),
    "in_its_words": ("{title_en}", "{title_zh}"),
    "link_answers": ("{target} answers in {took_ms:.2f} ms", "{target} {took_ms:.2f} 毫秒内应答"),
    "link_back": (
        "{target} answers in {took_ms:.2f} ms, {before_ms:.2f} ms before",
        "{target} {took_ms:.2f} 毫秒内应答，之前为 {before_ms:.2f} 毫秒",
    ),
    "link_still": ("{target} still answers", "{target} 仍在应答"),
    "link_mute": ("{target} does not answer", "{target} 没有应答"),
    "link_silent": ("{target} is silent", "{target} 没有声音"),
    "link_alone": (
        "{target} is silent, the other {others:|link answers|links answer}",
        "{target} 没有声音，其余 {others} 条链路照常应答",
    ),
    "link_not_alone": ("not alone: {names} silent as well", "不止它：{names} 也没有声音"),
    "link_slower": (
        "{target} takes {rose_ms:.1f} ms longer, {asked_ms:g} ms were asked for",
        "{target} 慢了 {rose_ms:.1f} 毫秒，要求的是 {asked_ms:g} 毫秒",
    ),
    "streams": ("{count:|stream} of wins", "{count} 条中奖流"),
    "streams_lost": ("{lost} of {count:|stream} of wins lost their entries", "{count} 条中奖流中有 {lost} 条丢了条目"),
    "part_is_ready": ("{target} is ready", "{target} 就绪"),
    "part_is_ready_pid": ("{target} is ready, pid {pid}", "{target} 就绪，pid {pid}"),
    "fronts_ready": ("fronts are ready", "各前端就绪"),
    "fronts_wait": ("waiting for {names}", "还在等 {names}"),
    "part_gone": ("{target}, pid {pid}, is gone", "{target}（pid {pid}）不在了"),
    "part_there": ("{target}, pid {pid}, is still there", "{target}（pid {pid}）仍在"),
    "part_stands": ("{target}, pid {pid}, stands still", "{target}（pid {pid}）停住了"),
    "part_runs": ("{target}, pid {pid}, runs", "{target}（pid {pid}）在运行"),
    # playbooks
    "playbook_skipped": (
        "{playbook}: skipped, for nobody raises the alert {alert} here",
        "{playbook}：跳过，这里没有谁会发出 {alert}",
    ),
    "playbook_line": ("{playbook}: {state}{detail}", "{playbook}：{state_zh}"),
    "playbook_set": ("{playbook}: {state}{detail}", "{playbook}：{state_zh} {key} → {to}"),
    "alert_missing": ("{alert} did not fire while the fault was there", "故障期间 {alert} 没有告警"),
    "playbook_not_begun": ("playbook {playbook} did not begin", "预案 {playbook} 没有启动"),
    "playbook_ended": ("playbook {playbook} ended in {state}{detail}", "预案 {playbook} 停在“{state_zh}”"),
    # the generator
    "lag_p99": (
        "the generator was late: lag p99 above {limit_ms:g} ms in {count} of {seconds:|measured second} ({shown})",
        "压测机迟到：{seconds} 个测量秒中有 {count} 秒发令延迟 p99 超过 {limit_ms:g} 毫秒（第 {shown} 秒）",
    ),
    "lag_late": (
        "the generator was late: lag above {limit_ms:g} ms in more than {share:.0%} of the taps "
        "in {count} of {seconds:|measured second} ({shown})",
        "压测机迟到：{seconds} 个测量秒中有 {count} 秒，"
        "超过 {share:.0%} 的请求迟发 {limit_ms:g} 毫秒以上（第 {shown} 秒）",
    ),
    "not_reached": (
        "pacer reached less than {share:.0%} of the plan in {count} of {seconds:|measured second} ({shown})",
        "{seconds} 个测量秒中有 {count} 秒，压测机只到达计划的不足 {share:.0%}（第 {shown} 秒）",
    ),
    "generator_cpu": (
        "generator used or waited for its CPU {share:.0%} of {over_s:g} s",
        "压测机在 {over_s:g} 秒内有 {share:.0%} 的时间在用或在等 CPU",
    ),
    "cpu_steal": (
        "this machine's own host took {mean:.1%} of its CPU time in the measured seconds, {most:.0%} in the worst "
        "of them: such pauses are in every latency",
        "测量时段内，宿主机拿走了本机 {mean:.1%} 的 CPU 时间，最差的一秒拿走 {most:.0%}：所有延迟都含这些停顿",
    ),
    "counts_open": ("counts do not close: {name} by {value}", "计数对不上：{name} 差 {value}"),
    "clock_apart": (
        "the clock of worker {worker} was {apart_s:.3f} s from the master's: at most 1 s",
        "第 {worker} 台压测机的时钟与主机差 {apart_s:.3f} 秒，最多 1 秒",
    ),
    "no_tap": ("no tap in the measured part of the plan", "测量段内一次都没有打出"),
    # machine
    "tool_missing": (
        "{tool} is missing: the stack runs without it (`xiu doctor` says how to get it)",
        "本机没有 {tool}，告警和预案步骤因此跳过",
    ),
    "slower": (
        "{indicator}: {actual} {unit}, above the expected {expected:,.6g}, within {upper:,.6g}",
        "{indicator} 为 {actual} {unit}，慢于预期 {expected:,.6g}，仍在上限 {upper:,.6g} 之内",
    ),
    "nothing_judged": ("nothing was judged; empty is never green", "什么都没有评定；空白绝不算通过"),
}

PART_EVENTS_ZH: dict[str, str] = {
    "started": "已启动", "ready": "就绪", "died": "死了", "restarted": "已重启", "slow": "迟迟没有就绪",
    "gave_up": "反复死亡，不再重启", "stopped": "已停止", "not_started": "没能启动",
}  # fmt: skip
PLAYBOOK_STATES_ZH: dict[str, str] = {
    "triggered": "触发", "executing": "执行", "read_back": "读回确认", "verifying": "验证中", "verified": "已验证",
    "held": "保持", "rolling_back": "回滚", "undone": "已撤销", "closed": "结束", "halted": "被人叫停",
    "refused": "被拒", "read_back_failed": "读回不符", "verify_timeout": "验证超时", "rollback_failed": "回滚失败",
    "changed": "已被改动", "halt": "叫停", "resume": "恢复",
}  # fmt: skip


def kept(given: Any) -> Any:
    """Fields of a model whose `text` may be a `Sentence`, with `says` and `data` beside it."""
    if isinstance(given, dict) and isinstance(text := given.get("text"), Sentence) and not given.get("says"):
        return {**given, "text": str(text), "says": text.says, "data": text.data}
    return given


class Sentence(str):
    """An English sentence that knows its phrase and data."""

    says: str
    data: dict[str, Any]

    __slots__ = ("data", "says")


class CountedWords(string.Formatter):
    """`{count:,|window}` is *1 window* or *3 windows*; `{count:|is one|are some}` where an s is not enough."""

    def format_field(self, value: Any, format_spec: str) -> Any:
        """The number with its noun, or whatever `format` makes of it."""
        spec, counted, nouns = format_spec.partition("|")
        text = super().format_field(value, spec)
        one, both, many = nouns.partition("|")
        return f"{text} {one if value == 1 else many if both else one + 's'}" if counted else text


WORDS = CountedWords()


def sentence(says: str, /, **data: object) -> Sentence:
    """The sentence `says` with its data. Raises KeyError for one that is not in `PHRASES`, or lacks data."""
    text = Sentence(WORDS.vformat(PHRASES[says][0], (), data))
    text.says, text.data = says, {name: _plain(value) for name, value in data.items()}
    return text


def of_error(error: BaseException) -> Sentence:
    """What an exception says: as it was said, else its first line as `detail`."""
    first = error.args[0] if error.args else ""
    if isinstance(first, Sentence):
        return first
    lines = str(error).splitlines() or [""]
    return sentence("failed", detail=lines[0], kind=type(error).__name__)


def again(text: str, says: str, data: dict[str, Any]) -> Sentence:
    """The sentence of an `Event` or a `Reason`, to be told once more; that of others as `detail`."""
    if not says:
        return sentence("failed", detail=text, kind="")
    copy = Sentence(text)
    copy.says, copy.data = says, data
    return copy


def chinese(says: str, data: Mapping[str, Any]) -> str | None:
    """The sentence in Chinese; None for a phrase that is not known (any more), or lacks data."""
    phrase = PHRASES.get(says)
    if phrase is None:
        return None
    try:
        return phrase[1].format_map({name: _worded(value) for name, value in data.items()})
    except (KeyError, ValueError, IndexError, TypeError):
        return None


def _plain(value: object) -> Any:
    if isinstance(value, Sentence):
        return {"says": value.says, "data": value.data, "text": str(value)}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such number
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _worded(value: Any) -> Any:
    """A sentence inside of a sentence, in Chinese; else what it says in any language."""
    if isinstance(value, dict):
        return chinese(str(value.get("says", "")), value.get("data") or {}) or value.get("text", "")
    return value

"""The sentences of a climb and its capacity answer, as `harness.phrases` keeps all others. Owns words, no figures."""

from __future__ import annotations

CAPACITY_PHRASES: dict[str, tuple[str, str]] = {
    "seen_green": ("green", "正常"),
    "seen_stale": ("unclear, a worker did not report", "不明，有压测进程没有上报"),
    "seen_errors": ("red, errors", "异常，有错误"),
    "seen_late": ("unclear, the generator was late", "不明，压测机迟到"),
    "seen_behind": ("unclear, the generator fell behind its plan", "不明，压测机没跟上计划"),
    "seen_slow": ("red, slower than promised", "异常，慢于承诺"),
    "seen_queue": ("red, a queue grows", "异常，排队变长"),
    "seen_stopped": ("nothing wrong, it was stopped", "没有异常，被停止"),
    "seen_unanswered": ("unclear, answers are missing", "不明，还缺应答"),
    "move_hold": ("held", "保持"),
    "move_advance": ("on to the next stair", "上一级"),
    "move_stay": ("the same once more", "同速再来一窗"),
    "move_finish": ("the last stair was held", "已到最高一级"),
    "move_stop": ("the climb ends", "到此为止"),
    "safe_none": ("no stair was held: no rate is known to be safe", "没有一级站稳：没有哪个速率可说安全"),
    "safe_held": ("held for {windows:|window} within the objectives", "连续 {windows} 窗达标"),
    "safe_held_p99": (
        "held for {windows:|window}: p99 {p99_ms:,.3g} ms of {bound_ms:,.6g} ms promised, no more errors than allowed",
        "连续 {windows} 窗达标：p99 {p99_ms:,.3g} 毫秒，承诺 {bound_ms:,.6g} 毫秒，错误没有超出",
    ),
    "knee_none": ("no stair was held and none was red: nothing is known", "没有站稳的级，也没有异常的级：无从得知"),
    "knee_above": (
        "no knee was reached up to {rps:,.6g}/s, the highest stair that was held",
        "到站稳的最高一级 {rps:,.6g} 次/秒为止没有拐点",
    ),
    "knee_unseen": (
        "not known: up to {rps:,.6g}/s every stair was held, and the climb ended above it without a red one; "
        "last seen: {seen}",
        "未知：到 {rps:,.6g} 次/秒为止都站稳，再往上没有看到异常的级就结束了；最后看到：{seen}",
    ),
    "knee_below": ("the first stair was red already: below {rps:,.6g}/s", "第一级就异常：低于 {rps:,.6g} 次/秒"),
    "knee_full": (
        "of {due_rps:,.6g}/s asked for, {rps:,.6g}/s were answered: more does not get through",
        "要求 {due_rps:,.6g} 次/秒，只答了 {rps:,.6g} 次/秒：再多也过不去",
    ),
    "knee_crossed": (
        "where the p99, {below_ms:,.3g} ms on the stair below and {above_ms:,.3g} ms on that above, crosses "
        "{bound_ms:,.6g} ms",
        "p99 从下一级的 {below_ms:,.3g} 毫秒到上一级的 {above_ms:,.3g} 毫秒，在此越过 {bound_ms:,.6g} 毫秒",
    ),
    "knee_between": (
        "between {low:,.6g}/s, held, and {high:,.6g}/s, red; where, the stairs do not tell",
        "在站稳的 {low:,.6g} 次/秒与异常的 {high:,.6g} 次/秒之间；各级数据不足以再细分",
    ),
    "law_none": (
        "too few loads for a law: {levels} that differ, the largest {spread:,.3g} times the smallest; "
        "expected {least} and {apart:g} times",
        "负载太少，不足以拟合：只有 {levels} 种，最大是最小的 {spread:,.3g} 倍；需要 {least} 种、{apart:g} 倍",
    ),
    "most_full": (
        "of {due_rps:,.6g}/s asked for, {rps:,.6g}/s got through on the last stair",
        "最后一级要求 {due_rps:,.6g} 次/秒，通过 {rps:,.6g} 次/秒",
    ),
    "most_beyond": (
        "the law has no peak within {reach:g} times the {in_flight:,.3g} in flight that were measured: not told",
        "在实测并发 {in_flight:,.3g} 的 {reach:g} 倍之内没有峰值：不推算",
    ),
    "most_law": (
        "peak of the scaling law at {in_flight:,.3g} in flight; measured up to {measured:,.3g}",
        "扩展律的峰值，在并发 {in_flight:,.3g}；实测到 {measured:,.3g}",
    ),
    "cells_none": ("not known: no rate is known to be safe", "未知：没有安全速率"),
    "cells_needed": (
        "{peak_rps:,.6g}/s ÷ ({safe_rps:,.6g}/s a cell × (1 − {headroom:.3g})) = {needed:,}, and {spare} spare; holds "
        "as far as cells share nothing and each is as this one, on such a machine",
        "{peak_rps:,.6g} 次/秒 ÷（每单元 {safe_rps:,.6g} 次/秒 ×（1 − {headroom:.3g}））= {needed:,}，另备 {spare}；"
        "前提：单元互不共享，且各单元与机器同此",
    ),
    "suspect_unknown": (
        "not known: no part here tells what it uses of a CPU",
        "未知：这里的部件不报告 CPU 用量",
    ),
    "suspect_not_ours": (
        "not known: it is not ours; what the service runs on is not seen from outside",
        "未知：它不是我们的，从外面看不到它用了什么",
    ),
    "suspect_full": (
        "{part}: {cores:.2f} of its {most:g|core} busy at {rps:,.6g}/s: it runs full first",
        "{part}：{rps:,.6g} 次/秒时占 {cores:.2f} 核（上限 {most:g}）：它先满",
    ),
    "suspect_full_from": (
        "{part}: {cores:.2f} of its {most:g|core} busy at {rps:,.6g}/s, {before:.2f} at {before_rps:,.6g}/s: "
        "it runs full first",
        "{part}：{rps:,.6g} 次/秒时占 {cores:.2f} 核（上限 {most:g}），{before_rps:,.6g} 次/秒时 {before:.2f}：它先满",
    ),
    "suspect_nearly": (
        "no end was met; next to run full: {part}, {cores:.2f} of its {most:g|core} busy at {rps:,.6g}/s",
        "没有碰到尽头；下一个会满的：{part}，{rps:,.6g} 次/秒时占 {cores:.2f} 核（上限 {most:g}）",
    ),
    "suspect_nearly_from": (
        "no end was met; next to run full: {part}, {cores:.2f} of its {most:g|core} busy at {rps:,.6g}/s, "
        "{before:.2f} at {before_rps:,.6g}/s",
        "没有碰到尽头；下一个会满的：{part}，{rps:,.6g} 次/秒时占 {cores:.2f} 核（上限 {most:g}），"
        "{before_rps:,.6g} 次/秒时 {before:.2f}",
    ),
    "suspect_machine": (
        "this machine: {cores:.2f} of its {most:g|core} busy, no part alone at its limit ({part} {used:.2f}): "
        "more cores, or less beside",
        "本机：{most:g} 核占了 {cores:.2f}，没有单个部件到顶（{part} {used:.2f}）：加核，或减少旁边的负载",
    ),
    "suspect_waits": (
        "no part ran full ({part} is nearest, {cores:.2f} of its {most:g|core}): what ended the climb waits, it "
        "does not work: a lock, a store's disk, the network, or connections",
        "没有部件占满（最接近的是 {part}，{cores:.2f} 核，上限 {most:g}）：尽头在等待而不在计算："
        "锁、存储的磁盘、网络或连接",
    ),
    "suspect_next": (
        "no end was met, and no part was near its limit ({part} is nearest, {cores:.2f} of its {most:g|core})",
        "没有碰到尽头，也没有部件接近上限（最接近的是 {part}，{cores:.2f} 核，上限 {most:g}）",
    ),
    "suspect_sign": (
        "{what}: {value:,.3g}{unit} at {rps:,.6g}/s, and {bound:,.3g}{unit} is too much: look there first",
        "{what}：{rps:,.6g} 次/秒时 {value:,.3g}{unit}，到 {bound:,.3g}{unit} 就过多：先看这里",
    ),
    "suspect_sign_from": (
        "{what}: {value:,.3g}{unit} at {rps:,.6g}/s, {before:,.3g}{unit} at {before_rps:,.6g}/s, and "
        "{bound:,.3g}{unit} is too much: look there first",
        "{what}：{rps:,.6g} 次/秒时 {value:,.3g}{unit}，{before_rps:,.6g} 次/秒时 {before:,.3g}{unit}，"
        "到 {bound:,.3g}{unit} 就过多：先看这里",
    ),
    "suspect_sign_next": (
        "no end was met; next: {what}, {value:,.3g}{unit} at {rps:,.6g}/s, and {bound:,.3g}{unit} is too much",
        "没有碰到尽头；下一个：{what}，{rps:,.6g} 次/秒时 {value:,.3g}{unit}，到 {bound:,.3g}{unit} 就过多",
    ),
    "suspect_sign_next_from": (
        "no end was met; next: {what}, {value:,.3g}{unit} at {rps:,.6g}/s, {before:,.3g}{unit} at {before_rps:,.6g}/s, "
        "and {bound:,.3g}{unit} is too much",
        "没有碰到尽头；下一个：{what}，{rps:,.6g} 次/秒时 {value:,.3g}{unit}，"
        "{before_rps:,.6g} 次/秒时 {before:,.3g}{unit}，到 {bound:,.3g}{unit} 就过多",
    ),
    "suspect_nobody": (
        "no suspect: none of {count:|figure} was beyond its bound (nearest: {near}). What ended the climb is not seen "
        "from inside: the way to the system, or what stands before it",
        "没有嫌疑：{count} 项都没有越界（最接近的：{near}）。尽头从系统内部看不到：在到它的路上，或在它前面",
    ),
    "suspect_none_near": (
        "no end was met, and none of {count:|figure} was near its bound (nearest: {near})",
        "没有碰到尽头，{count} 项也都没有接近界限（最接近的：{near}）",
    ),
    "near_cpu": ("{part}, {cores:.2f} of its {most:g|core}", "{part}，{cores:.2f} 核，上限 {most:g}"),
    "near_sign": (
        "{what}, {value:,.3g}{unit} of {bound:,.3g}{unit}",
        "{what}，{value:,.3g}{unit}，界限 {bound:,.3g}{unit}",
    ),
    "near_both": ("{one}; {other}", "{one}；{other}"),
    "sign_win_log_disk": (
        "share of the time in which the win log's store writes and syncs its file ({part})",
        "中奖记录所在的存储写盘与同步所占的时间（{part}）",
    ),
    "sign_host_disk": ("cores of {part} that wait for a disk", "等待磁盘的核（{part}）"),
    "sign_sessions": ("PostgreSQL's sessions, of those it allows ({part})", "PostgreSQL 的会话占上限之比（{part}）"),
    "sign_places": ("connections to {part}, of its places", "{part} 的连接占上限之比"),
    "sign_turned_away": ("connections that {part} turned away for want of room", "{part} 因为没有位置而拒绝的连接"),
    "sign_loop": ("lateness of {part}'s event loop (p99)", "{part} 的事件循环迟到（p99）"),
    "sign_append": ("wait of {part}'s wins for the win log (p99)", "{part} 的中奖等待写入记录（p99）"),
    "sign_locks": ("locks that are waited for in PostgreSQL ({part})", "PostgreSQL 中被等待的锁（{part}）"),
}

"""The report's words, Chinese and English: what a verdict, an indicator, a reason means to people. Owns no figures."""

from __future__ import annotations

from harness.forecast.judge import Judged
from harness.phrases import chinese
from harness.report.figures import band_text, number, with_unit
from harness.report.vocabulary import ELSEWHERE, INVARIANTS_ZH, OTHERS_ZH, Both, indicator_name
from harness.runs.noise import BESIDE
from harness.runs.record import Event, RunRecord, Timeline
from harness.verdict import LATENCY_BAND, PROMETHEUS_MISSING, SMALLER_SHARE, Reason


def event_text(event: Event) -> Both:
    """What happened, in one sentence each; in Chinese where there is no Chinese sentence of its own."""
    return Both(chinese(event.says, event.data) or ELSEWHERE, event.text)


def broken(record: RunRecord) -> bool:
    """Is it the money or the wins that do not add up?"""
    exact = any(row.cls == "invariant" and row.state == "FAIL" for row in record.forecast)
    return exact or any(finding.valid is False for finding in record.invariants)


def adds_up(record: RunRecord) -> bool:
    """Is it known, to the fen and to the win, that nothing is missing?"""
    return record.money.residue_fen == 0 and record.wins.residue == 0 and not broken(record)


def generator_was_the_limit(record: RunRecord) -> bool:
    """Of an INVALID run: was it the generator, or something else in the measurement?"""
    return any(reason.code == "generator_limited" for reason in record.reasons)


def sentence(record: RunRecord) -> Both:
    """The verdict in one sentence. Says that the money adds up only where that is known."""
    if record.service is not None:
        return _of_a_service(record)
    known = adds_up(record)
    exact = (
        Both("每一分钱都对得上", "every fen is accounted for") if known else Both("账目见下文", "the books are below")
    )
    if record.verdict == "FAIL" and broken(record):
        return Both(
            "钱或中奖对不上。在查清之前，不要开场。",
            "Money or wins do not add up. Open no round until it is understood.",
        )
    if record.verdict == "INVALID" and not generator_was_the_limit(record):
        return Both("不作结论：这次测量本身不可靠。", "No judgement: the measurement itself cannot be relied on.")
    return {
        "PASS": Both(f"完全符合预测，{exact.zh}。", f"The round met its forecast, and {exact.en}."),
        "WARN": Both(f"本场守住了，{exact.zh}；请看留意项。", f"The round held, and {exact.en}. See the remarks."),
        "FAIL": Both(f"没有达到预测；{exact.zh}。", f"The forecast was missed; {exact.en}."),
        "INVALID": Both(
            "不作结论：到顶的是压测机，不是系统。", "No judgement: the load generator was the limit, not the system."
        ),
        "NO_DATA": Both("不作结论：该测的没有测到。", "No judgement: something that had to be measured was not."),
        "ABORTED": Both(
            "提前中止；以下是到那时为止的记录。", "Stopped before its end; what was recorded until then is below."
        ),
    }[record.verdict]


def _of_a_service(record: RunRecord) -> Both:
    """The verdict of a run against somebody's own service."""
    if record.verdict == "INVALID" and not generator_was_the_limit(record):
        return Both("不作结论：这次测量本身不可靠。", "No judgement: the measurement itself cannot be relied on.")
    return {
        "PASS": Both("服务守住了承诺。", "The service held what was promised."),
        "WARN": Both("服务守住了承诺；请看留意项。", "The service held what was promised. See the remarks."),
        "FAIL": Both("服务没有守住承诺。", "The service did not hold what was promised."),
        "INVALID": Both(
            "不作结论：到顶的是压测机，不是服务。", "No judgement: the load generator was the limit, not the service."
        ),
        "NO_DATA": Both("不作结论：该测的没有测到。", "No judgement: something that had to be measured was not."),
        "ABORTED": Both(
            "提前中止；以下是到那时为止的记录。", "Stopped before its end; what was recorded until then is below."
        ),
    }[record.verdict]


def reason_words(reason: Reason, record: RunRecord) -> Both:
    """A reason for people. Codes without words of their own keep their text in both languages."""
    if reason.code == SMALLER_SHARE:
        sentence_zh = chinese(reason.says, reason.data)
        zh = f"本机承载不了预定份额，改用较小的份额 {record.scale.factor}（各项比率不变）"
        return Both(f"{zh}：{sentence_zh}" if sentence_zh else zh, reason.text)
    if reason.code == PROMETHEUS_MISSING:
        return Both("本机没有 Prometheus，告警和预案步骤因此跳过", reason.text)
    if reason.code.startswith("invariant_"):
        code = reason.code.split("_")[1]
        how = (
            "无法判定"
            if reason.code.endswith("_unknown")
            else "没有样本"
            if reason.code.endswith("_empty")
            else "被破坏"
        )
        return Both(f"不变量 {code} {how}：{INVARIANTS_ZH.get(code, '')}", reason.text)
    row = _row_of(reason, record)
    if row is None:
        about = OTHERS_ZH.get(reason.code)
        zh = chinese(reason.says, reason.data) or (ELSEWHERE if about else f"{reason.code}，{ELSEWHERE}")
        return Both(f"{about}：{zh}" if about else zh, reason.text)
    name, actual, band = indicator_name(row), with_unit(row.actual, row.unit), band_text(row)
    if row.state == "NO_DATA":
        return Both(f"{name.zh}：无数据", f"{name.en}: no data")
    if reason.code == LATENCY_BAND:
        expected, upper = with_unit(row.expected, row.unit), with_unit(row.upper, row.unit)
        return Both(
            f"{name.zh} {actual.zh}，慢于预期 {expected.zh}，仍在上限 {upper.zh} 之内",
            f"{name.en} {actual.en}: slower than the expected {expected.en}, within the limit of {upper.en}",
        )
    zh, en = f"{name.zh} {actual.zh}，预测为 {band.zh}", f"{name.en} {actual.en}; the forecast was {band.en}"
    if record.verdict == "INVALID" and row.cls != "invariant":
        return Both(f"{zh}（不作结论）", f"{en} (not judged)")
    return Both(zh, en)


def _row_of(reason: Reason, record: RunRecord) -> Judged | None:
    name = str(reason.data.get("indicator")) if reason.code == LATENCY_BAND else reason.code.split("_", 1)[-1]
    name = name.removeprefix("data_")
    return next((row for row in record.forecast if row.indicator == name), None)


def reading(record: RunRecord) -> Both | None:
    """Where the slow answers' time went: the largest of the three parts, with its evidence. None if not known."""
    times = record.latency_ms
    whole = times.response.p99
    parts = {"service": times.service.p99, "queued": times.queued.p99, "lag": times.lag.p99}
    known = {name: value for name, value in parts.items() if value is not None}
    if whole is None or not known:
        return None
    name = max(known, key=lambda part: known[part])
    evidence = f"p99 {number(known[name])} / {number(whole)} ms"
    what = {
        "service": Both("慢的回答主要慢在系统自身", "Slow answers were slow in the system itself"),
        "queued": Both(
            "慢的回答主要在等空闲连接：系统跟不上来量", "Slow answers waited for a connection: the system fell behind"
        ),
        "lag": Both("慢的回答主要因压测机迟到", "Slow answers were late because the generator was"),
    }[name]
    used = {name: r.cpu_s for name, r in record.resources.items() if r.cpu_s is not None and name not in BESIDE}
    if not used or not record.lasted_s:
        return Both(f"{what.zh}（{evidence}）。", f"{what.en} ({evidence}).")
    busiest = max(used, key=lambda process: used[process])
    share = f"{used[busiest] / record.lasted_s:.0%}"
    return Both(
        f"{what.zh}（{evidence}）。系统最忙的进程是 {busiest}，平均占一个核的 {share}。",
        f"{what.en} ({evidence}). The system's busiest process was {busiest}, {share} of a core on average.",
    )


def first_slow(record: RunRecord, timeline: Timeline) -> int | None:
    """The first measured second whose 99th percentile was above the limit; None if there is none, or it is not
    known.
    """
    row = next((row for row in record.forecast if row.indicator == "response_p99_ms"), None)
    measured = min((s.starts_s for s in record.steps if s.phase == "measured"), default=0.0)
    if row is None:
        return None
    slow = (s.second for s in timeline.per_second if s.second >= measured and (s.p99_response_ms or 0.0) > row.upper)
    return next(slow, None)


def _missing(record: RunRecord) -> list[Both]:
    """What was not measured, by name, and what helps; `xiu doctor` knows programs alone."""
    rows = [row for row in record.forecast if row.state == "NO_DATA"]
    names = [indicator_name(row) for row in rows]
    names += [
        Both(f.code, f.code) for f in record.invariants if f.valid == "unknown" or (f.valid is True and not f.counted)
    ]
    codes = {reason.code for reason in record.reasons}
    steps = []
    if names:
        zh, en = "、".join(name.zh for name in names), ", ".join(name.en for name in names)
        steps.append(
            Both(
                f"没有测到：{zh}。先看“为什么”和当时的事件，再重跑。",
                f"Not measured: {en}. See Why, and what happened then, put that right and run it again.",
            )
        )
    elif "nothing_judged" in codes:
        steps.append(
            Both(
                "这次运行没有可评定的内容：检查计划的测量段，再重跑。",
                "Nothing was there to be judged: look at the plan's measured part, then run it again.",
            )
        )
    else:
        steps.append(Both("先排除“为什么”里写的，再重跑。", "Put right what stands under Why, then run it again."))
    if PROMETHEUS_MISSING in codes:
        steps.append(
            Both("xiu doctor 给出安装 Prometheus 的命令。", "xiu doctor has the command that brings Prometheus.")
        )
    return steps


def next_steps(record: RunRecord, timeline: Timeline) -> list[Both]:
    """What to do next, most important first."""
    codes = {reason.code for reason in record.reasons}
    run = record.run_id
    if record.verdict == "FAIL" and broken(record):
        return [
            Both("停止一切开场，保留现场。", "Open no round, and keep everything as it is."),
            Both(
                f"xiu audit --run {run}：点名第一条出错的记录。",
                f"xiu audit --run {run} names the first offending record.",
            ),
        ]
    if record.verdict == "FAIL":
        second = first_slow(record, timeline)
        look = Both(
            "先看时间线：哪个指标何时离开了预测。", "See on the timeline which figure left its forecast, and when."
        )
        if second is not None:
            look = Both(
                f"先看时间线第 {second} 秒：回答时间从那里起越过上限。",
                f"See the timeline at second {second}, where the response first passed its limit.",
            )
        return [
            look,
            Both(
                "再看“时间花在哪里”和资源：哪个进程先到顶。",
                "Then see where the time went, and under Resources which process was at its limit.",
            ),
        ]
    if record.verdict == "INVALID" and not generator_was_the_limit(record):
        return [Both("先排除“为什么”里写的，再重跑。", "Put right what stands under Why, then run it again.")]
    if record.verdict == "INVALID":
        return [
            Both(
                "腾出压测机的 CPU，或以更小的份额重跑：--scale。",
                "Free the generator's CPU, or run a smaller share: --scale.",
            )
            if record.service is None
            else Both(
                "腾出压测机的 CPU，或调低计划的 rate 重跑。", "Free the generator's CPU, or run with a lower `rate`."
            ),
        ]
    if record.verdict == "NO_DATA":
        return _missing(record)
    if record.verdict == "ABORTED":
        return [Both("重新运行以得到结论。", "Run it again for a verdict.")]
    steps = []
    if SMALLER_SHARE in codes:
        steps.append(
            Both("在更快的机器上重跑，即可验证完整份额。", "Run it on a quicker machine to prove the whole share.")
        )
    if PROMETHEUS_MISSING in codes:
        steps.append(
            Both("xiu doctor 给出安装 Prometheus 的命令。", "xiu doctor has the command that brings Prometheus.")
        )
    if LATENCY_BAND in codes:
        steps.append(
            Both(
                "在空闲的机器上重跑；若仍慢，看“时间花在哪里”。",
                "Run it again on a quiet machine; if it stays slow, see where the time went.",
            )
        )
    steps.append(
        Both(f"留作基线：xiu run compare {run} last。", f"Keep it as the baseline: xiu run compare {run} last.")
    )
    return steps

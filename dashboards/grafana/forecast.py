"""The manager's dashboard: the forecast, what came of it, and whether the money is right. Two languages, no jargon."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.grafana.pieces import (
    ALERTS,
    FAULTS,
    FEN,
    GREEN,
    GREY,
    RED,
    YUAN,
    Annotation,
    Ask,
    Panel,
    Tile,
    Word,
    annotation,
    figure,
    lines,
    note,
    rows,
    states,
)
from dashboards.grafana.words import INDICATORS, MONEY, PHASES, STATES

UID, TITLE = "xiu-forecast", "咻 · 预测与实际 · Forecast against actual"
DESCRIPTION = "预测是否兑现，钱是否对得上。 · Was the forecast met, and is the money right."
RUN = 'run_id="$run"'
OF_RUN = f"and on (instance) drill_run_info{{{RUN}}}"
"""Keeps what the run's own exporter says, where a metric does not name its run."""
NO_DATA = Word("? 无数据 · no data", GREY)


def told(metric: str, *where: str) -> str:
    """The last value within the time shown, also when the run has ended and is scraped no more."""
    matchers = "{" + ",".join(where) + "}" if where else ""
    return f"last_over_time({metric}{matchers}[$__range])"


def money(place: str) -> str:
    """Money of the run's round, in yuan."""
    return f'sum(drill_money_fen{{{RUN},place="{place}"}}) / 100'


def worst(*where: str, by: str = "") -> str:
    """The worst state as a figure (`words.STATES`), 0 where nothing is judged."""
    states_ = [
        f"{number} * " + told("drill_verdict_state", RUN, *where, f'state="{state}"')
        for state, (number, _) in STATES.items()
    ]
    return f"max by ({by}) (" + " or ".join(states_) + ")"


def drawn_over() -> list[Annotation]:
    """Faults and alarms over every panel, in words: which one it was is the SRE's business."""
    return [
        annotation("演练故障 · Drilled faults", FAULTS, "演练故障 · drilled fault", "故意为之 · on purpose", RED, ""),
        annotation("告警 · Alarms", ALERTS, "告警 · alarm", "系统自己发现了问题 · the system noticed", "orange", ""),
    ]


def panels() -> Iterator[Panel]:
    """The answer first, then the money, then the band, then every figure."""
    yield from _answer()
    yield from _load()
    yield from _figures()
    yield from _course()


def _answer() -> Iterator[Panel]:
    words = {"0": Word("… 尚未判定 · not judged yet", GREY)}
    words |= {str(number): word for number, word in STATES.values()}
    yield figure(
        Tile(
            "预测兑现了吗？ · Did the forecast hold?",
            "所有指标里最差的一个。运行报告里的结论还看测量是否有效。 · The worst of all figures; the report's verdict "
            "also asks whether the measurement can be believed.",
            width=9, height=5,
        ),
        Ask(worst()),
        words=words,
        none=NO_DATA,
    )  # fmt: skip
    yield figure(
        Tile(
            "对账差额 · Money unaccounted for",
            "应为 0 分。 · Must be 0 fen.",
            FEN, 5, 5,
        ),
        Ask("sum(" + told("drill_forecast_actual", RUN, 'indicator="residue_fen"') + ")"),
        words={"0": Word("✓ 0 分 · 0 fen off", GREEN)},
        none=NO_DATA,
        edges=[(None, RED), (0, GREEN), (1, RED)],
        decimals=0,
    )  # fmt: skip
    yield figure(
        Tile("账本平衡 · Ledger balance", "借贷之和，应为 0 分。 · Both sides added up; must be 0 fen.", FEN, 5, 5),
        Ask(f"max(abs({told('hongbao_ledger_imbalance_fen')}))"),
        words={"0": Word("✓ 0 分 · 0 fen", GREEN)},
        none=NO_DATA,
        edges=[(None, GREEN), (1, RED)],
        decimals=0,
    )
    yield figure(
        Tile(
            "压测份额 · Share of the event played",
            "本机实测的份额；更大规模只是推算。 · What was measured here; anything larger is projected.",
            width=5, height=5,
        ),
        Ask(f"max by (scale_factor) ({told('drill_run_info', RUN)})", "{{scale_factor}}"),
        names=True,
    )  # fmt: skip


def _load() -> Iterator[Panel]:
    def bound(which: str) -> str:
        return "max(" + told("drill_forecast_target", RUN, 'indicator="offered_rps"', f'bound="{which}"') + ")"

    yield lines(
        Tile(
            "每秒“咻”：预测区间与实际 · Taps per second: forecast band and actual",
            "阴影是高峰的预测区间；实际应在高峰进入阴影。 · The shade is the forecast for the peak; the actual line "
            "should reach it.",
            "short", 16, 9,
        ),
        Ask(bound("upper"), "预测上限 · forecast, high"),
        Ask(bound("expected"), "预测 · forecast"),
        Ask(bound("lower"), "预测下限 · forecast, low"),
        Ask(f"sum(rate(drill_requests_sent_total[$__rate_interval]) {OF_RUN})", "实际 · actual"),
        band=("预测下限 · forecast, low", "预测上限 · forecast, high"),
    )  # fmt: skip
    yield lines(
        Tile(
            "发出的钱与到账的钱 · Money won and money in accounts",
            "本场的钱，到账紧跟中奖，最后相等。 · Of this run: accounts follow wins closely, equal in the end.",
            YUAN, 8, 9,
        ),
        Ask(money("awarded"), "中奖 · won"),
        Ask(money("credited"), "到账 · in accounts"),
        Ask(money("budget"), "预算 · budget"),
    )  # fmt: skip


def _columns(indicators: str, divide: str = "") -> list[Ask]:
    def target(bound: str) -> str:
        asked = told("drill_forecast_target", RUN, indicators, f'bound="{bound}"')
        return f"sum by (indicator) ({asked}){divide}"

    return [
        Ask(target("lower"), ref="A"),
        Ask(target("expected"), ref="B"),
        Ask(target("upper"), ref="C"),
        Ask("sum by (indicator) (" + told("drill_forecast_actual", RUN, indicators) + ")" + divide, ref="D"),
        Ask(worst(indicators, by="indicator"), ref="E"),
    ]


def _figures() -> Iterator[Panel]:
    columns = {
        "indicator": "指标 · figure", "A": "预测下限 · low", "B": "预测 · forecast", "C": "预测上限 · high",
        "D": "实际 · actual", "E": "结论 · judgement",
    }  # fmt: skip
    words = {str(number): word for number, word in STATES.values()} | {"0": Word("… 尚未判定 · not judged yet", GREY)}
    yield rows(
        Tile("逐项对比 · Each figure", "预测、实际与结论。 · Forecast, actual, judgement.", "short", 14, 11),
        *_columns('indicator!~".*_fen"'),
        key="indicator", columns=columns, names=INDICATORS, state_column="E", words=words,
    )  # fmt: skip
    yield rows(
        Tile("每家赞助商的钱 · Each sponsor's money", "单位：元。 · In yuan.", YUAN, 10, 11),
        *_columns('indicator=~".*_fen"', " / 100"),
        key="indicator", columns=columns, names=MONEY, state_column="E", words=words, decimals=2,
    )  # fmt: skip


def _course() -> Iterator[Panel]:
    yield figure(
        Tile("同时参与的人 · People taking part at once", "正在“咻”的人。 · People who tap.", "short", 6, 6),
        Ask(f"max(drill_users {OF_RUN})"),
        none=NO_DATA,
    )
    yield figure(
        Tile(
            "送出的红包 · Packets won", "本场有人拿到的红包。 · Packets of this run that somebody has.", "short", 6, 6
        ),
        Ask(f"sum({told('drill_won_packets', RUN)})"),
        none=NO_DATA,
    )
    phases = " or ".join(f'{k} * (drill_phase{{phase="{name}"}} == 1)' for k, name in enumerate(PHASES, 1))
    yield states(
        Tile("进行到哪一步 · Where we are", "从热身到关账。 · From warming up to closing the books.", "none", 12, 6),
        Ask(f"max by () (({phases}) {OF_RUN})", "进度 · progress"),
        words={str(k): word for k, word in enumerate(PHASES.values(), 1)},
    )
    yield note(
        "怎样看 · How to read this",
        "数字从哪里来。 · Where the figures come from.",
        "预测在开场前锁定，之后不能改。这里的数字都是本机实测；一万台服务器的数字只是推算，不在本页。竖条是演练的故障与告警。\n\n"
        "The forecast is locked before the round opens and cannot change afterwards. All figures were measured on this "
        "machine; what is said of ten thousand servers is projected, and not on this page. Vertical bars are drilled "
        "faults and alarms.",
        height=4,
    )  # fmt: skip

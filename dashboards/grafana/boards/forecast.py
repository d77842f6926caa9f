"""The manager's dashboard: the verdict, whether the money is right, the forecast and what came of it. Two languages.

No jargon, and no green figure of a run that proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dashboards.grafana.board import REPORTS, Board, LintExcuse, MayBeEmpty, other_boards, page
from dashboards.grafana.evening import EXCUSES as OF_THE_EVENING
from dashboards.grafana.evening import evening
from dashboards.grafana.pieces import (
    ALERTS,
    BLUE,
    FAULTS,
    FEN,
    GREEN,
    GREY,
    NO_UNIT_OF_MONEY,
    ORANGE,
    RED,
    YELLOW,
    YUAN,
    Annotation,
    DataLink,
    Panel,
    PanelQuery,
    StateText,
    Tile,
    address_variable,
    annotation,
    datasource_variable,
    figure,
    lines,
    note,
    query_variable,
    rows,
    scope_variables,
    states,
)
from dashboards.grafana.words import INVARIANT_STATES, INVARIANTS, STATES, VERDICTS, mapped

RUN = 'run_id="$run"'
OF_RUN = f"and on (instance) drill_run_info{{{RUN}}}"
"""Keeps the series of the run's own exporter, where a metric does not name its run."""
NO_DATA = StateText("? 无数据 · no data", GREY)
REPORT = DataLink("报告 · Report", "${reports:raw}/${run:raw}/report.html")
STILL_OPEN = -0.5
"""No number of fen: the value while the books are not closed yet."""
COUNTS, TIMES_S, TIMES_MS, SHARES, SPONSORS = (
    'indicator!~".*_(s|ms|share|fen)"', 'indicator=~".*_s"', 'indicator=~".*_ms"', 'indicator=~".*_share"',
    'indicator=~"sponsor_.*_fen"',
)  # fmt: skip
"""Indicators by what their names say of their unit; each kind has a table with its unit."""


LOST, NOT_VALID = 7, 8
"""Figures beside those of `words.VERDICTS` and `words.STATES`."""
BROKE_OFF = StateText("■ 中断，没有结论 · broke off without a verdict", ORANGE)
"""A run that reported itself under way, and then reported nothing more."""
OF_NO_USE = StateText("– 本场无效，不评 · run not valid, not judged", GREY)
"""An invalid or aborted run's figures prove nothing, whatever they are."""

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
    "participants": "参与人数 · people who took part",
    "claims": "好友领走的裂变红包 · shares' parts claimed by friends",
    "ties": "新增关系对 · ties gained",
    "cards": "发出的福卡 · cards drawn",
    "purchases": "买入余额宝 · purchases of the money fund",
}
PHASES: dict[str, StateText] = {
    "idle": StateText("· 空闲 · idle", GREY),
    "warm_up": StateText("↗ 热身 · warming up", YELLOW),
    "measured": StateText("▶ 正式 · the round counts", GREEN),
    "drain": StateText("↘ 清积压 · working off the rest", BLUE),
    "season": StateText("… 裂变、集五福、消费 · the plays beside the draw", BLUE),
    "closing": StateText("■ 关账 · closing the books", BLUE),
}


def series(metric: str, *where: str) -> str:
    """The last value within the time shown, also when the run has ended and is scraped no more."""
    matchers = "{" + ",".join(where) + "}" if where else ""
    return f"last_over_time({metric}{matchers}[$__range])"


def money(place: str) -> str:
    """Money of the run's round, in yuan."""
    return f'sum(drill_money_fen{{{RUN},place="{place}"}}) / 100'


def standing(metric: str, label: str, numbers: Mapping[str, tuple[int, StateText]], *where: str) -> str:
    """The last reported states, each as its figure."""
    at = {name: series(metric, RUN, *where, f'{label}="{name}"') for name in numbers}
    return " or ".join(f"{number} * ({at[name]} == 1)" for name, (number, _) in numbers.items())


def verdict() -> str:
    """The run's verdict as a figure (`words.VERDICTS`). A run that was under way and is gone *broke off*."""
    running = f'{RUN},verdict="RUNNING"'
    # A scrape that fails is not the end of a run; ten in a row are.
    now = f"last_over_time(drill_run_verdict{{{running}}}[10s])"
    lost = f"{LOST} * ({series('drill_run_verdict', running)} == 1 unless {now})"
    # In this order: both have the labels of RUNNING, and `or` keeps the first.
    return f"max by () ({lost} or {standing('drill_run_verdict', 'verdict', VERDICTS)})"


def worst(*where: str, by: str = "", joined: str = "") -> str:
    """The worst state as a figure (`words.STATES`); NOT_VALID for each state of a run that proves nothing.

    `joined`: what every row is multiplied with, to have its label.
    """
    stands = f"max by (run_id, indicator) ({standing('drill_verdict_state', 'state', STATES, *where)})"
    proves_nothing = 'verdict=~"INVALID|ABORTED"'
    void = f"max by (run_id) ({series('drill_run_verdict', RUN, proves_nothing)})"
    figure_ = f"{NOT_VALID} - ({NOT_VALID} - {stands}) * on (run_id) group_left () (1 - {void})"
    return f"max by ({by}) (({figure_}){joined})" if joined else f"max by ({by}) ({figure_})"


def drawn_over() -> list[Annotation]:
    """Faults and alarms over every panel, in words; their names are on the SRE's dashboard."""
    return [
        annotation("演练故障 · Drilled faults", FAULTS, "演练故障 · drilled fault", "故意为之 · on purpose", RED, ""),
        annotation("告警 · Alarms", ALERTS, "告警 · alarm", "系统自己发现了问题 · the system noticed", "orange", ""),
    ]


def panels() -> Iterator[Panel]:
    """The verdict and the money first, then the forecast, then every figure."""
    yield from _verdict()
    yield from _progress()
    yield from _load()
    yield from evening()
    yield from _figures()


def _verdict() -> Iterator[Panel]:
    yield figure(
        Tile(
            "结论 · Verdict",
            "“无效”和“中止”时，下面的数字什么也证明不了。 · Of this run; when it is INVALID or ABORTED, the "
            "figures below prove nothing. A click leads to the report.",
            width=9, height=5,
        ),
        PanelQuery(verdict()),
        words=mapped(VERDICTS, n7=BROKE_OFF),
        none=NO_DATA,
        leads=REPORT,
    )  # fmt: skip
    yield figure(
        Tile(
            "不变量 · Invariants",
            "关于钱的铁律，取其中最坏的状态，未评的不计；逐条在右下。 · The rules that money must never break, the "
            "worst state of those that were evaluated; each one stands in the table below.",
            width=5, height=5,
        ),
        PanelQuery(f"max by () ({standing('drill_invariant_state', 'state', INVARIANT_STATES)})"),
        words=mapped(INVARIANT_STATES),
        none=NO_DATA,
    )  # fmt: skip
    still_open = f'{STILL_OPEN} * (drill_run_verdict{{{RUN},verdict="RUNNING"}} == 1)'
    yield figure(
        Tile("对账差额 · Money unaccounted for", "应为 0 分。 · Must be 0 fen.", FEN, 5, 5),
        PanelQuery(
            "sum(" + series("drill_forecast_actual", RUN, 'indicator="residue_fen"') + f") or sum({still_open})"
        ),
        words={
            "0": StateText("✓ 0 分 · 0 fen off", GREEN),
            str(STILL_OPEN): StateText("… 尚未关账 · books not closed yet", GREY),
        },
        none=NO_DATA,
        edges=[(None, RED), (0, GREEN), (1, RED)],
        decimals=0,
    )
    yield figure(
        Tile(
            "账本平衡 · Ledger balance",
            "此刻借贷之和，应为 0 分。 · Both sides added up at this moment; must be 0 fen.",
            FEN, 5, 5,
        ),
        PanelQuery("max(abs(hongbao_ledger_imbalance_fen))"),
        words={"0": StateText("✓ 0 分 · 0 fen", GREEN)},
        none=NO_DATA,
        edges=[(None, GREEN), (1, RED)],
        decimals=0,
    )  # fmt: skip


def _progress() -> Iterator[Panel]:
    yield figure(
        Tile(
            "预测兑现了吗？ · Did the forecast hold?",
            "所有指标里最差的一个。 · The worst of all figures.",
            "none",
            9,
            5,
        ),
        PanelQuery(worst()),
        words=mapped(STATES, n8=OF_NO_USE),
        none=NO_DATA,
    )
    phases = " or ".join(f'{k} * (drill_phase{{phase="{name}"}} == 1)' for k, name in enumerate(PHASES, 1))
    yield states(
        Tile("进行到哪一步 · Where we are", "从热身到关账。 · From warming up to closing the books.", "none", 10, 5),
        PanelQuery(f"max by () (({phases}) {OF_RUN})", "进度 · progress"),
        words={str(k): word for k, word in enumerate(PHASES.values(), 1)},
    )
    yield figure(
        Tile(
            "压测份额 · Share of the event played",
            "本机实测的份额；更大规模只是推算。 · What was measured here; anything larger is projected.",
            width=5, height=5,
        ),
        PanelQuery(f"max by (scale_factor) ({series('drill_run_info', RUN)})", "{{scale_factor}}"),
        names=True,
    )  # fmt: skip


def _load() -> Iterator[Panel]:
    def bound(which: str) -> str:
        return "max(" + series("drill_forecast_target", RUN, 'indicator="offered_rps"', f'bound="{which}"') + ")"

    yield lines(
        Tile(
            "每秒“咻”：预测区间与实际 · Taps per second: forecast band and actual",
            "阴影是高峰的预测区间；实际应在高峰进入阴影。 · The shade is the forecast for the peak; the actual line "
            "should reach it.",
            "locale", 12, 9,
        ),
        PanelQuery(bound("upper"), "预测上限 · forecast, high"),
        PanelQuery(bound("expected"), "预测 · forecast"),
        PanelQuery(bound("lower"), "预测下限 · forecast, low"),
        PanelQuery(f"sum(rate(drill_requests_sent_total[$__rate_interval]) {OF_RUN})", "实际 · actual"),
        band=("预测下限 · forecast, low", "预测上限 · forecast, high"),
        decimals=0,
    )  # fmt: skip
    yield lines(
        Tile(
            "发出的钱与到账的钱 · Money won and money in accounts",
            "本场的钱，到账紧跟中奖，最后相等。 · Of this run: accounts follow wins closely, equal in the end.",
            YUAN, 8, 9,
        ),
        PanelQuery(money("awarded"), "中奖 · won"),
        PanelQuery(money("credited"), "到账 · in accounts"),
        PanelQuery(money("budget"), "预算 · budget"),
        decimals=2,
    )  # fmt: skip
    yield figure(
        Tile(
            "同时参与的人 · People taking part at once", "此刻正在“咻”的人。 · People who tap just now.", "locale", 4, 5
        ),
        PanelQuery(f"max(drill_users {OF_RUN})"),
        none=StateText("· 已散场 · over", GREY),
        decimals=0,
    )
    yield figure(
        Tile(
            "送出的红包 · Packets won", "本场有人拿到的红包。 · Packets of this run that somebody has.", "locale", 4, 4
        ),
        PanelQuery(f"sum({series('drill_won_packets', RUN)})"),
        none=NO_DATA,
        decimals=0,
    )


def _columns(name: str) -> dict[str, str]:
    return {
        name: "指标 · figure", "A": "预测下限 · low", "B": "预测 · forecast", "C": "预测上限 · high",
        "D": "实际 · actual", "E": "结论 · judgement",
    }  # fmt: skip


def _asks(*kinds: tuple[str, str]) -> list[PanelQuery]:
    """Forecast, actual and judgement of the indicators; each kind with what makes its figures the table's unit."""

    def each(metric: str, *where: str) -> str:
        return " or ".join(f"sum by (indicator) ({series(metric, RUN, which, *where)}){unit}" for which, unit in kinds)

    judged = " or ".join(worst(which, by="indicator") for which, _ in kinds)
    return [
        PanelQuery(each("drill_forecast_target", 'bound="lower"'), ref="A"),
        PanelQuery(each("drill_forecast_target", 'bound="expected"'), ref="B"),
        PanelQuery(each("drill_forecast_target", 'bound="upper"'), ref="C"),
        PanelQuery(each("drill_forecast_actual"), ref="D"),
        PanelQuery(judged, ref="E"),
    ]


def _figures() -> Iterator[Panel]:
    words = mapped(STATES, n8=OF_NO_USE)
    for title, description, unit, height, decimals, kinds in (
        ("人数与次数 · Counts", "每秒次数、个数。 · Taps a second, numbers of things.", "locale", 8, 0, [(COUNTS, "")]),
        ("时间 · Times", "越短越好，红包池除外。 · The shorter the better, but for the pool.", "s", 8, None,
         [(TIMES_S, ""), (TIMES_MS, " / 1000")]),
        ("比例 · Shares", "占全部“咻”的比例。 · Of all taps.", "percentunit", 5, 2, [(SHARES, "")]),
    ):  # fmt: skip
        yield rows(
            Tile(title, description, unit, 12, height),
            *_asks(*kinds),
            key="indicator", columns=_columns("indicator"), names=INDICATORS, state_column="E", words=words,
            decimals=decimals,
        )  # fmt: skip
        if title.startswith("比例"):
            yield _sponsors(words)
    yield rows(
        Tile("每条不变量 · Each invariant", "关账后逐条检查。 · Looked at one by one after the close.", "none", 12, 18),
        PanelQuery(f"max by (code) ({standing('drill_invariant_state', 'state', INVARIANT_STATES)})", ref="A"),
        key="code", columns={"code": "不变量 · invariant", "A": "状态 · state"}, names=INVARIANTS, state_column="A",
        words=mapped(INVARIANT_STATES),
    )  # fmt: skip
    yield note(
        "怎样看 · How to read this",
        "数字从哪里来。 · Where the figures come from.",
        "预测在开场前锁定，之后不能改。这里的数字都是本机实测；一万台服务器的数字只是推算，不在本页。竖条是演练的故障与告警。"
        "运行报告在右上角的链接里（先在上方填写报告的网址）。\n\n"
        "The forecast is locked before the round opens and cannot change afterwards. All figures were measured on this "
        "machine; what is said of ten thousand servers is projected, and not on this page. Vertical bars are drilled "
        "faults and alarms. The run's report is behind the link above, once the address of the reports is filled in.",
        width=12, height=18,
    )  # fmt: skip


def _sponsors(words: Mapping[str, StateText]) -> Panel:
    """By their names, as the forecast has them."""
    named = " * on (run_id, indicator) group_left (name) " + series("drill_sponsor_info", RUN)

    def each(metric: str, *where: str) -> str:
        return f"sum by (name) ({series(metric, RUN, SPONSORS, *where)}{named}) / 100"

    return rows(
        Tile("每家赞助商的钱 · Each sponsor's money", "单位：元。 · In yuan.", YUAN, 12, 5),
        PanelQuery(each("drill_forecast_target", 'bound="lower"'), ref="A"),
        PanelQuery(each("drill_forecast_target", 'bound="expected"'), ref="B"),
        PanelQuery(each("drill_forecast_target", 'bound="upper"'), ref="C"),
        PanelQuery(each("drill_forecast_actual"), ref="D"),
        PanelQuery(worst(SPONSORS, by="name", joined=named), ref="E"),
        key="name", columns=_columns("name") | {"name": "赞助商 · sponsor"}, names={}, state_column="E", words=words,
        decimals=2,
    )  # fmt: skip


BOARD = Board(
    uid="xiu-forecast",
    title="咻 · 预测与实际 · Forecast against actual",
    description=(
        "结论是什么，钱是否对得上，预测是否兑现。 · The verdict, whether the money is right, whether the forecast held."
    ),
    panels=panels,
    excuses=(
        *(
            MayBeEmpty(title, "a run under way has no actuals yet", query="D", under_way=True)
            for title in (
                "人数与次数 · Counts",
                "时间 · Times",
                "比例 · Shares",
                "每家赞助商的钱 · Each sponsor's money",
            )
        ),
        LintExcuse("panel-units-rule", ("发出的钱与到账的钱 · Money won and money in accounts",), NO_UNIT_OF_MONEY),
        *OF_THE_EVENING,
    ),
    variables=lambda: [
        datasource_variable(),
        *scope_variables(),
        query_variable("run", "场次 · Run", "drill_run_info", "run_id", newest_first=True),
        address_variable(REPORTS, "报告网址 · Reports at"),
    ],
    drawn_over=drawn_over,
    links=lambda: [other_boards("xiu · SRE live"), page(REPORT)],
    rank=20,
    for_managers=True,
)

"""`report.html`: one file, no network. Gathers what is shown; the page is page.html, style.css, script.js."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from harness.forecast.judge import Judged
from harness.report import climb, figures, scope, vocabulary, words
from harness.report.bands import Band, band_of
from harness.report.charts import chart_of
from harness.report.figures import Amount
from harness.report.vocabulary import Both
from harness.runs.base import Record
from harness.runs.percentiles import Percentiles
from harness.runs.record import LedgerFile, RunRecord, Timeline

if TYPE_CHECKING:
    import jinja2

HERE = Path(__file__).parent
HEADLINES = ("answered_rps", "response_p99_ms", "errors", "error_share", "credit_delay_p99_s")
UNJUDGED = ("INVALID", "NO_DATA", "ABORTED")
"""Verdicts under which only figures that were counted exactly keep their mark."""


@dataclass(frozen=True, slots=True)
class IndicatorRow:
    """One indicator as the page shows it."""

    row: Judged
    name: Both
    actual: Amount
    expected: Amount
    range: Amount
    bar: Band
    judged: bool = True


@dataclass(frozen=True, slots=True)
class Quantiles:
    """One of the four times: its figures, and bars in percent of a common logarithmic axis."""

    id: str
    zh: str
    en: str
    note_zh: str
    note_en: str
    values: Percentiles


TIMES = (
    ("response", "回答时间", "response", "自预定的时刻起：用户感到的", "from the intended time: what a user feels"),
    ("service", "服务时间", "service", "自发出起：只看系统自己", "from sent: the system alone"),
    ("queued", "排队", "queued", "等空闲连接：算系统的", "no free connection: counts against the system"),
    ("lag", "发令延迟", "lag", "压测机迟到：算压测机的", "the generator was late: counts against the generator"),
)


def _row(row: Judged, verdict: str) -> IndicatorRow:
    return IndicatorRow(
        row=row,
        name=vocabulary.indicator_name(row),
        actual=figures.with_unit(row.actual, row.unit),
        expected=figures.with_unit(row.expected, row.unit),
        range=figures.band_text(row),
        bar=band_of(row),
        judged=verdict not in UNJUDGED or row.cls == "invariant" or row.state == "NO_DATA",
    )


@cache
def _page() -> jinja2.Template:
    import jinja2  # by who writes a report alone

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    environment.filters["number"] = figures.number
    environment.filters["yuan"] = figures.yuan
    environment.filters["scale"] = figures.scale
    return environment.get_template("page.html")


def _embedded(model: Record) -> Markup:
    """JSON that can stand inside a script element, whatever the texts in it say."""
    text = json.dumps(model.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))


def _asset(name: str) -> Markup:
    return Markup((HERE / name).read_text(encoding="utf-8"))


def _readable(model: Record) -> str:
    return json.dumps(model.model_dump(mode="json"), ensure_ascii=False, indent=1)


def _nothing_off(record: RunRecord, books: LedgerFile) -> bool:
    """Is no residue known to be other than 0? If the books do not close then, something is not known."""
    residues = [line.residue for line in books.lines] + [record.money.residue_fen, record.wins.residue]
    return not any(residues) and not any(sponsor.residue_fen for sponsor in books.sponsors)


def _warm_up_s(record: RunRecord) -> float:
    return max((s.starts_s + s.duration_s for s in record.steps if s.phase == "warm-up"), default=0.0)


def render_html(record: RunRecord, timeline: Timeline, books: LedgerFile, runbooks: str = "") -> str:
    """The whole page, from the run's data alone. `runbooks` stands before a runbook's page in a link; none: no link."""
    rows = [_row(row, record.verdict) for row in record.forecast]
    by_name = {row.row.indicator: row for row in rows}
    busiest = max((r.cpu_s for r in record.resources.values() if r.cpu_s is not None), default=0.0)
    largest = max((r.rss_mib_max for r in record.resources.values() if r.rss_mib_max is not None), default=0.0)
    return _page().render(
        record=record,
        verdict=vocabulary.VERDICTS[record.verdict],
        icon=vocabulary.ICONS,
        states=vocabulary.STATES,
        not_judged=vocabulary.NOT_JUDGED,
        sentence=words.sentence(record),
        reasons=[words.reason_words(reason, record) for reason in record.reasons],
        reading=None if record.verdict in UNJUDGED else words.reading(record),
        next_steps=words.next_steps(record, timeline),
        rows=rows,
        headlines=[by_name[name] for name in HEADLINES if name in by_name],
        by_name=by_name,
        chart=chart_of(
            timeline, record.forecast, _warm_up_s(record), scope.fault_windows(record), draw=record.service is None
        ),
        unjudged=record.verdict in UNJUDGED,
        scope=scope,
        climb=climb,
        vocabulary=vocabulary,
        event_text=words.event_text,
        timeline=timeline,
        books=books,
        open_unknown=_nothing_off(record, books),
        times=[Quantiles(i, zh, en, nz, ne, getattr(record.latency_ms, i)) for i, zh, en, nz, ne in TIMES],
        busiest=busiest,
        largest=largest,
        lasted=record.lasted_s,
        runbooks=runbooks,
        run_json=_embedded(record),
        timeline_json=_embedded(timeline),
        readable=_readable(record),
        style=_asset("style.css"),
        script=_asset("script.js"),
    )

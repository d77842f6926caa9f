"""The first screen and the tables: how much was played, what was done to it, what it cost. All Chinese in Chinese."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from rich.console import Console

from harness.forecast.actuals import Actuals
from harness.phrases import sentence
from harness.report import scope
from harness.report.charts import chart_of
from harness.report.html import render_html
from harness.report.links import runbooks
from harness.report.vocabulary import Both, place
from harness.runs.ledger_lines import books_of
from harness.runs.record import About, Event, RunRecord, Scale, Timeline, Title
from harness.stack.tools import ROOT
from harness.watch.live import screen
from system.contract.links import LINKS, Link
from tests.support.report_page import page
from tests.support.report_page import said as shown
from tests.support.run_in_progress import in_progress
from tests.support.sample_run import (
    CUT,
    GALA,
    GOOD,
    STALLED,
    faulted,
    findings,
    reason,
    record,
    sponsors,
    timeline,
)
from xiu.commands.run import summary

SMOKE = About(
    plan=Title(zh="冒烟测试", en="Smoke test"), event=Title(zh="冒烟测试", en="Smoke test"), full_s=7, played_s=7,
    users=250,
)  # fmt: skip


@pytest.mark.parametrize(
    ("run", "en"),
    [
        pytest.param(record(about=GALA), "1/10,000 of the event, 1 of 5 minutes", id="a share of it"),
        pytest.param(
            record(about=SMOKE, plan="smoke", scale=Scale(factor="1", why="as told")),
            "all of an event of its own, “Smoke test” with 250 users, all 7 s of its round", id="its own event",
        ),
        pytest.param(
            record(plan="smoke", scale=Scale(factor="1", why="as told")),
            "all of its own event", id="a record of an older version",
        ),
        pytest.param(record(about=GALA.model_copy(update={"played_s": 45})), "45 of 300 s", id="not in minutes"),
    ],
)  # fmt: skip
def test_the_first_screen_says_how_much_of_which_event(run: RunRecord, en: str):
    text = shown(page(run), "en")
    assert en in text
    assert text.index(en) < text.index("Forecast against actual")
    assert "scale 1 " not in text


@pytest.mark.parametrize(
    ("run", "en", "zh"),
    [
        pytest.param(
            faulted(), "credit cut off (credit worker ↔ ledger database PostgreSQL) for 8 s, healed, nothing lost",
            "入账被切断（入账程序 ↔ 账本库 PostgreSQL）持续 8 秒，已撤除，分文未失", id="healed",
        ),
        pytest.param(record(about=GALA), "no fault was put to it", "没有注入故障", id="none"),
        pytest.param(
            faulted(evidence={"invariants": findings(S1=1)}), "money or wins do not add up", "钱或中奖对不上", id="lost"
        ),
        pytest.param(
            record(drills=({**CUT, "healed_s": None},)),
            "credit cut off (credit worker ↔ ledger database PostgreSQL) was not healed", "没有撤除",
            id="not healed",
        ),
        pytest.param(record(drills=({**CUT, "injected_s": None},)), "was not injected", "没有注入", id="not injected"),
        pytest.param(record(drills=({"id": "x", "verdict": "PASS"},)), "fault x (?)", "故障 x", id="an older one"),
    ],
)  # fmt: skip
def test_the_first_screen_says_what_was_done_to_it(run: RunRecord, en: str, zh: str):
    for language, says in (("en", en), ("zh", zh)):
        text = shown(page(run), language)
        assert says in text
        assert text.index(says) < text.index("Forecast against actual" if language == "en" else "预测与实际")


@pytest.mark.parametrize(
    ("label", "en"),
    [
        ("2026-01-01T20:00:00+08:00", "2026-01-01 20:00 (UTC+08:00)"),
        ("2026-01-01T20:00:00.123+00:00", "2026-01-01 20:00 (UTC)"),
        ("2026-01-01T20:00:00-03:30", "2026-01-01 20:00 (UTC-03:30)"),
        ("2026-01-01T20:00:00", "2026-01-01 20:00 (no time zone recorded)"),
        ("yesterday", "yesterday"),
    ],
)
def test_the_time_has_its_zone(label: str, en: str):
    assert scope.moment(label).en == en


def test_money_that_came_late_in_a_fault_stands_beside_the_figure_that_leaves_it_out():
    for language, says in (
        ("en", "inside fault windows 91 awards more, 8.1 s at most"),
        ("zh", "故障窗口内另有 91 个中奖，最慢 8.1 秒到账"),
    ):
        text = shown(page(faulted()), language)
        assert text.count(says) == 2, "beside the key figure, and where the time went"
        assert text.index(says) < text.index("Forecast against actual" if language == "en" else "预测与实际")
    assert scope.credit_in_faults(record()) is None


def test_drills_and_playbooks_are_a_table():
    html = page(faulted())
    text = shown(html, "en")
    for says in ("32.1 s", "0.5 s", "2.3 s", "8.0 s", "CreditStalled", "draw.release_percent 100 → 25", "14.0 s"):
        assert says in text
    assert '"fault": "N15"' not in html.split('<details class="raw-part">')[0], "no JSON to read"


@pytest.mark.parametrize(
    "odd", [{}, {"verdict": "NEW"}, {"times": None, "actions": None}, {"actions": [1]}, {"times": {"t7": "x"}}]
)
def test_an_odd_item_is_still_a_row(odd: dict[str, Any]):
    text = shown(page(record(drills=({**odd},), playbooks=({**odd},))), "en")
    assert "Drills and playbooks" in text


@pytest.mark.parametrize("link", LINKS, ids=lambda link: link.id)
def test_every_link_is_told_by_its_ends(link: Link):
    told = place(link.id)
    assert "↔" in told.zh
    assert "↔" in told.en
    assert place("valkey-1").en == f"{place('valkey').en} (cell 1)"
    assert place("front-valkey-1").en == f"{place('front-valkey').en} (cell 1)"
    assert place("front-0") == Both("front-0", "front-0"), "what has no words is shown as it is written"


@pytest.mark.parametrize(
    ("told", "base"),
    [
        pytest.param("", "../../docs/", id="beside the checkout's own"),
        pytest.param("https://runbooks.example/x", "https://runbooks.example/x/", id="an address"),
        pytest.param("https://runbooks.example/x/", "https://runbooks.example/x/", id="with a slash"),
        pytest.param("javascript:alert(1)//", "../../docs/", id="no address of a page"),
        pytest.param("https://me:secret@runbooks.example/", "../../docs/", id="a secret is not written into a page"),
        pytest.param("http://[", "../../docs/", id="what cannot be read"),
    ],
)
def test_a_playbook_leads_to_the_runbook_of_its_alert(told: str, base: str):
    where = runbooks(ROOT / "runs" / "20260101-200000-gala-share-ab12", {"XIU_RUNBOOK_URL": told})
    assert where == base
    run = faulted()
    html = render_html(run, timeline(), books_of(run, sponsors()), where)
    assert f'<a href="{base}alerts.md#creditstalled" rel="noopener noreferrer">docs/alerts.md#creditstalled</a>' in html
    assert "## CreditStalled" in (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    assert "<a " not in page(run), "no link where nothing is known to stand before it"


def test_a_playbook_that_a_person_began_leads_to_the_page_of_playbooks():
    run = record(playbooks=({**STALLED, "alert": None, "by": "ops <x>"},))
    html = render_html(run, timeline(), books_of(run, sponsors()), "docs/")
    assert '<a href="docs/playbooks.md"' in html


def test_a_fault_s_window_is_shaded_in_every_chart():
    html = page(faulted())
    plots = [plot.id for plot in chart_of(timeline(), (), 6.0).plots]
    assert html.count('<i class="fault" ') == len(plots) == 5
    assert "a fault was in force" in shown(html, "en")
    assert "a fault was in force" not in shown(page(record()), "en")
    chart = chart_of(timeline(), (), 6.0, [(32.0, 48.0), (60.0, float("inf")), (-9.0, -3.0)])
    assert chart.windows == (pytest.approx((50.0, 25.0)), pytest.approx((93.75, 6.25)))


@pytest.mark.parametrize("verdict", ["INVALID", "NO_DATA", "ABORTED"])
def test_what_cannot_be_judged_is_grey_and_says_why(verdict: str):
    why = {"reasons": (reason("generator_limited", sentence("generator_cpu", share=0.97, over_s=3.0)),)}
    html = page(record(verdict=verdict, **why))
    for language, word, because in (
        ("en", "not judged", "Why: generator used or waited for its CPU 97% of 3 s"),
        ("zh", "未作结论", "压测机在 3 秒内有 97% 的时间在用或在等 CPU"),
    ):
        text = shown(html, language)
        assert because in text
        assert text.count(word) >= 12
    assert html.count('"dot grey') == 12, "all but the two that are counted exactly"
    assert "not judged" not in shown(page(record()), "en")


LATIN = re.compile(r"[A-Za-z][A-Za-z'’]+(?: [a-z][A-Za-z'’]*){2,}")
"""Three words in a row: a sentence, or a piece of one. An id, a command, a unit is none."""
COMMANDS = re.compile(r"xiu (run|audit|doctor)[a-z -]*")

STOPPED = {"aborted": reason("interrupted", sentence("interrupted", signal="SIGINT"))}
ENDS = [
    pytest.param(faulted(), id="good"),
    pytest.param(faulted(evidence={"invariants": findings(S1=1)}), id="broken"),
    pytest.param(record(replace(GOOD, response_p99_ms=22.0, wins=3, drain_s=None)), id="missed"),
    pytest.param(record(evidence={"invalid": [reason("generator_limited", sentence("no_tap"))]}), id="invalid"),
    pytest.param(record(evidence={"failures": [reason("odd", "something only said in English")]}), id="English alone"),
    pytest.param(
        record(Actuals(), evidence={"aborted": reason("interrupted", sentence("interrupted", signal="SIGINT"))}),
        id="aborted",
    ),
    pytest.param(record(evidence={"warnings": [reason("smaller_share"), reason("prometheus_missing")]}), id="warned"),
]


@pytest.mark.parametrize("run", ENDS)
def test_the_chinese_page_has_no_english_sentence(run: RunRecord):
    events = (
        Event(t_s=1, kind="phase", text=sentence("phase_measured")),
        Event(t_s=2, kind="error", text="a text of an older version"),
        Event(t_s=3, kind="late", text=sentence("late", what=sentence("the_close"), within_s=9)),
    )
    html = page(run, Timeline(per_second=timeline().per_second, events=events))
    visible = html.split('<details class="raw-part">')[0]
    found = [text for text in LATIN.findall(COMMANDS.sub("", shown(visible, "zh"))) if "Some Processor" not in text]
    assert found == []
    assert "a text of an older version" in shown(visible, "en")
    labels = re.findall(r'data-zh="([^"]*)"', visible)
    assert labels
    assert [text for text in labels if LATIN.search(text)] == []


def test_labels_for_those_who_do_not_see_are_there_in_both_languages():
    html = page(faulted())
    assert all(
        ' data-zh="' in tag and ' data-en="' in tag for tag in re.findall(r"<[a-z]+[^>]* aria-label=[^>]*>", html)
    )
    tables = re.findall(r"<table.*?</table>", html, re.DOTALL)
    assert len(tables) >= 7
    assert all("<caption" in table for table in tables)
    assert all('scope="' in head for table in tables for head in re.findall(r"<th[ >][^>]*", table)), (
        "each head says of what"
    )
    assert "<th></th>" not in html
    levels = [int(level) for level in re.findall(r"<h([1-6])", html)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'aria-labelledby="([^"]+)"', html)) <= set(ids)


@pytest.mark.parametrize(("verdict", "says"), [("PASS", True), ("FAIL", True), ("INVALID", False), ("NO_DATA", False)])
def test_a_run_that_is_not_judged_does_not_say_whose_the_slowness_was(verdict: str, says: bool):
    assert ("Slow answers were" in shown(page(record(verdict=verdict)), "en")) == says


@pytest.mark.parametrize(("scale", "en"), [("1/10000", "1/10,000 of the event"), ("1", "all of its own event")])
def test_nowhere_is_all_of_a_small_plan_read_as_the_whole_event(scale: str, en: str):
    run = record(scale=Scale(factor=scale, why=""), plan="smoke")
    assert f"smoke, {en}, lane live" in summary(run)[0]
    state = in_progress()
    state.scale = scale
    console = Console(file=io.StringIO(), width=120)
    console.print(screen(state))
    assert en in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_record_of_an_older_version_still_has_a_page():
    data = json.loads(record().model_dump_json())
    for name in ("about", "quantile_bounds_ms", "schema_version"):
        data.pop(name)
    assert "no fault was put to it" in shown(page(RunRecord.model_validate(data)), "en")
    assert scope.why_scale(record()) == Both("原文见 run.json", record().scale.why)

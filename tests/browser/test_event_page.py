"""The event page in a real browser: press, hear, win, share, claim as a second user, spend; and whatever goes wrong.

Play and its ledger are real; the front says what a test tells it, so that each of its answers comes when it matters.
"""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from system.contract.people import traits_of
from system.ledger.migrate import migrate
from system.tickets import Ticket, TicketOffice
from tests.support.event_browser import (
    DESK,
    PHONE,
    all_english,
    browser,
    has_shown,
    holds,
    is_open,
    open_page,
    shows,
    shows_times,
    untroubled,
    watched,
)
from tests.support.event_page import (
    BROWSER,
    BROWSERS,
    CUT,
    ScriptedFront,
    announce,
    credit,
    plan,
    refusal,
    scripted_front,
    won,
)
from tests.support.play import ADMIN, SECRET
from tests.support.play_process import play_process
from tests.support.stores import PostgresServer, free_port, wait_until

pytestmark = pytest.mark.skipif(BROWSER is None, reason=f"no browser on PATH (looked for {', '.join(BROWSERS)})")


@dataclass
class Stage:
    """Play's address, its ledger, the front, and ways to look at the page."""

    url: str
    dsn: str
    front: ScriptedFront
    folder: Path
    port: int
    open: Callable[..., Any]
    close_pages: Callable[[], None]
    restart: Callable[[], None]
    stop: Callable[[], None]

    def operator(self, path: str, body: dict[str, Any]) -> Any:
        request = urllib.request.Request(
            self.url + path,
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {ADMIN}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())


@pytest.fixture(scope="module")
def stage(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One play and one browser for the tests of this file; each test has users and rounds of its own."""
    folder = tmp_path_factory.mktemp("event")
    dsn, port = postgres_server.create_database("event_page"), free_port()
    asyncio.run(migrate(dsn, SECRET))
    with scripted_front() as front, browser() as chromium, ExitStack() as first:
        settings = {"XIU_TOPOLOGY": json.dumps({"fronts": [front.url], "cells": [0]}), "XIU_SIGN_IN": "1"}
        playing = [first.enter_context(ExitStack())]

        def start() -> None:
            playing[0] = first.enter_context(ExitStack())
            playing[0].enter_context(play_process(folder / "play", dsn, port, **settings))

        def restart() -> None:
            playing[0].close()
            start()

        def opened(uid: int | None, size: dict[str, int] = PHONE, language: str = "zh", **more: Any) -> Any:
            who = "" if uid is None else f"uid={uid}&"
            where = f"http://127.0.0.1:{port}/?{who}lang={language}{more.pop('where', '')}"
            page = open_page(chromium, where, size, **more)
            if uid is not None:
                shows(page, "#who", str(uid))  # a press before that is told to sign in first, and taps nothing
            return page

        def close_pages() -> None:
            for context in list(chromium.contexts):
                context.close()

        start()
        url = f"http://127.0.0.1:{port}"
        yield Stage(url, dsn, front, folder, port, opened, close_pages, restart, lambda: playing[0].close())


@pytest.fixture(autouse=True)
def quiet(stage: Stage) -> None:
    """A front without an opinion, no round from the test before, and no page of it that goes on asking."""
    stage.close_pages()
    with psycopg.connect(stage.dsn) as conn:
        conn.execute("UPDATE live.round SET start_us = 0, end_us = 1")
        conn.execute("DELETE FROM live.programme_round")
    stage.front.answers.clear()
    stage.front.taps.clear()
    stage.front.always = (200, {"won": False, "next_ms": 0})


def test_press_hear_win_share_claim_spend(stage: Stage) -> None:
    announce(stage.dsn, 1, -1)
    page = stage.open(1_001)
    is_open(page)
    stage.front.answers.append((200, {"won": False, "next_ms": 0}))
    page.click("#red")
    shows(page, "#said", "没咻到")
    page.wait_for_selector('#red[data-heard="1"]')  # the audio node ran to its end
    stage.front.always = won(1, 0, 520)
    page.click("#red")
    shows(page, "#win-fen", "¥5.20")
    shows(page, "#win-sponsor", "云上商城")
    shows(page, "#win-state", "入账中")
    credit(stage.dsn, 1_001, 1, 0, 520)
    shows(page, "#win-state", "已存入钱包")
    shows(page, "#balance", "¥5.20")

    funding = {"key": "f", "sponsor": 7, "fen": 1_000, "share_fen": 200, "parts": 2, "lifetime_s": 3600}
    assert stage.operator("/v1/rounds/1/fission", funding)["state"] == "done"
    page.click('#win-share [data-word="share"]')
    link = page.wait_for_selector("#share-link").input_value()
    assert link.startswith(f"{stage.url}/#share=1-0.")
    ink = page.eval_on_selector("#share-link", "(e) => getComputedStyle(e).color")
    assert ink == "rgb(43, 21, 18)", "dark on the white of a field, though a win's own text is white"

    friend = stage.open(1_002, where="#" + link.partition("#")[2])
    friend.click('#claim [data-word="claim"]')
    shows(friend, "#claim", "你分到 ¥")
    shows(friend, "#balance", "¥")
    shows_times(friend, "#balance", "¥0.00", 0)
    own = stage.open(1_001, where="#" + link.partition("#")[2])
    own.click('#claim [data-word="claim"]')
    shows(own, "#claim .said-here", "没有成功")

    page.fill("#spend", "2.5")
    page.click("#spend-form button")
    shows(page, "#spend-said", "已花掉 ¥2.50")
    shows(page, "#balance", "¥2.70")
    page.fill("#spend", "9")
    page.click("#spend-form button")
    shows(page, "#spend-said", "余额不足")
    shows(page, "#balance", "¥2.70")
    page.click("#wallet summary")
    shows_times(page, "#lines", "¥", 2)
    page.click("#language")
    shows(page, "#lines", "spent")
    shows(page, "#win-share", "0 of 2 parts claimed")
    friend.click("#language")
    shows(friend, "#claim", "Your part: ¥")
    for each in (page, friend):
        all_english(each, but="云上商城")
    for each in (page, friend, own):
        untroubled(each)


def test_cards_come_with_losing_taps_and_friends_are_given_combined_and_paid(stage: Stage) -> None:
    order = {"season": 1, "cards": [1, 1, 1, 1, 1], "pot_fen": 5_000, "sponsor": 7}
    assert stage.operator("/v1/seasons", order)["state"] == "open"
    announce(stage.dsn, 7, -1)
    page = stage.open(7_001)
    is_open(page)
    office = TicketOffice(SECRET)
    for second in range(4):
        ticket = office.write(Ticket("live", 1, 7, 7_001, second, 1))
        stage.front.answers.append((200, {"won": False, "next_ms": 0, "ticket": ticket}))
        page.click("#red")
        holds(page, second + 1)
        shows(page, "#said", "得到一张")
    page.fill("#friend", "7002")
    page.click('#friend-form [data-word="add"]')
    shows(page, "#friend-said", "已发出邀请")
    friend = stage.open(7_002)
    friend.click('#friends .lines [data-word="add"]')
    shows(friend, "#friend-said", "已成为好友")
    assert stage.operator("/v1/relations/import", {"pairs": [[7_001, 7_003]]})["made"] == 1
    page.reload()
    shows_times(page, "#friends .lines", "亲密度", 2)
    assert page.query_selector_all('#friends li:has([data-word="tie_card"])')[0].inner_text().startswith("用户 7002")
    assert len(page.query_selector_all('#friends [data-word="tie_card"]')) == 1, "an imported tie is worth no card"
    pressed_over_a_refresh(page, '#friends [data-word="tie_card"]')  # a new friend is worth the fifth
    shows(page, "#friend-said", "得到一张")
    holds(page, 5)
    page.wait_for_selector('#friends [data-word="tie_card"]', state="detached")  # once, play says
    page.select_option("#give-kind", "3")
    page.fill("#give-to", "7002")
    page.select_option("#give-whom", "family")
    page.click('#give-form [data-word="give"]')
    shows(page, "#give-said", "已送出")
    holds(page, 4)
    assert [each.inner_text() for each in page.query_selector_all(".kinds b")] == ["1", "1", "0", "1", "1"]
    assert page.is_disabled('#cards [data-word="combine"]'), "four kinds are not five"
    page.select_option("#give-kind", "3")
    page.fill("#give-to", "7002")
    page.click('#give-form [data-word="ask"]')
    shows(page, "#give-said", "已发出请求")

    friend.reload()
    shows(friend, "#cards .lines", "用户 7001 想要：和谐福")
    friend.click('#cards .lines [data-word="give"]')
    shows(friend, "#cards .said-here", "已送出")
    with psycopg.connect(stage.dsn) as conn:
        given = conn.execute("SELECT request ->> 'whom' FROM live.transfer WHERE kind = 'gift' ORDER BY transfer")
        assert [row[0] for row in given] == ["family", "friend"], "as the givers said"
    page.reload()
    page.click('#cards [data-word="combine"]:not(:disabled)')
    shows(page, "#cards .said-here", "五福已合成")
    assert stage.operator("/v1/seasons/1/end", {})["state"] == "ended"
    wait_until(lambda: pot_of(stage) == ["paid"], 30, "the pot paid")
    page.reload()
    shows(page, "#balance", "¥50.00")
    page.click("#wallet summary")
    shows(page, "#lines", "五福奖金")
    money_given(page, friend)
    # Who has him in his address book by an import asks him now: they are friends already, and nobody wants to be.
    third = stage.open(7_003)
    third.fill("#friend", "7001")
    third.click('#friend-form [data-word="add"]')
    shows(third, "#friend-said", "已成为好友")
    page.reload()
    shows_times(page, "#friends .lines", "亲密度", 2)
    shows_times(page, "#friends .lines", "想加你", 0)
    for each in (page, friend, third):
        untroubled(each)


def money_given(page: Any, friend: Any) -> None:
    """User 7001 has ¥50.00, and gives some of it to his friend 7002; 7009 is none."""
    for to, said, balance in (("7009", "你们还不是好友", "¥50.00"), ("7002", "已送出", "¥48.50")):
        page.fill("#present-to", to)
        page.fill("#present-yuan", "1.5")
        page.click('#present-form [data-word="give"]')
        shows(page, "#present-said", said)
        shows(page, "#balance", balance)
    shows(page, "#present .lines", "送给用户 7002")
    shows(page, "#lines", "礼金")
    friend.reload()
    shows(friend, "#present .lines", "用户 7001 送你")
    shows(friend, "#balance", "¥1.50")
    friend.click("#friends .lines summary")
    shows(friend, "#friends .lines", "送礼")


def pot_of(stage: Stage) -> list[str]:
    """The state of each season."""
    with psycopg.connect(stage.dsn) as conn:
        return [str(state) for (state,) in conn.execute("SELECT state FROM live.season")]


def pressed_over_a_refresh(page: Any, selector: str) -> None:
    """Down, everything read anew, up: that is one press of the same button."""

    def down() -> bool:
        """What is still being read may move the button away from under the pointer."""
        page.hover(selector)
        page.mouse.down()
        if page.evaluate("(where) => Boolean(document.querySelector(where + ':active'))", selector):
            return True
        page.mouse.move(0, 0)
        page.mouse.up()
        return False

    wait_until(down, 30, f"{selector} pressed")
    page.evaluate("refresh().then(refreshPlays)")
    page.hover(selector)  # wherever it stands now
    page.mouse.up()


def test_friends_and_the_money_fund(stage: Stage) -> None:
    announce(stage.dsn, 8, -1)
    far = (1 << 53) + 1  # as a JavaScript number it would be the user one below
    one, other = (stage.open(uid, language="en") for uid in (far, 8_002))
    shows(one, "#who", str(far))
    shows(one, "#friends", "No friends yet")
    one.fill("#friend", "008002")
    one.click('#friend-form [data-word="add"]')
    shows(one, "#friend-said", "once they add you")
    other.reload()
    shows(other, "#friends .lines", f"User {far} wants to be your friend")
    pressed_over_a_refresh(other, '#friends .lines [data-word="add"]')
    shows(other, "#friends .lines", "strength")
    other.click("#friends .lines summary")
    other.evaluate("refreshPlays()")
    shows(other, "#friends .lines details p", "base")
    assert other.evaluate("document.activeElement.tagName") == "SUMMARY", "the focus outlives a refresh, too"
    shows(other, "#friends .lines", str(far))
    with psycopg.connect(stage.dsn) as conn:
        assert conn.execute("SELECT lo, hi FROM live.tie WHERE lo = 8002").fetchall() == [(8_002, far)]

    named = next(uid for uid in range(8_100, 9_000) if traits_of(uid).real_name)
    credit(stage.dsn, named, 8, 2, 1_000)
    page = stage.open(named, language="en")
    shows(page, "#balance", "¥10.00")
    page.fill("#fund-yuan", "4")
    page.click('#fund-form [data-word="buy"]')
    shows(page, "#fund-said", "Put in")
    shows(page, "#fund .sum", "¥4.00")
    shows(page, "#balance", "¥6.00")
    page.fill("#fund-yuan", "1.5")
    page.click('#fund-form [data-word="sell"]')
    shows(page, "#fund .sum", "¥2.50")
    shows(page, "#balance", "¥7.50")
    for each in (one, other, page):
        untroubled(each)


def test_one_tap_is_repeated_until_its_answer_is_definite(stage: Stage) -> None:
    announce(stage.dsn, 2, -1)
    page = stage.open(2_001, language="en")
    is_open(page)
    credit(stage.dsn, 2_001, 2, 1, 100)
    stage.front.answers.extend((
        CUT, refusal(503, "degraded"), (202, {"pending": True}), refusal(429, "too_fast"), won(2, 1, 100),
    ))  # fmt: skip
    page.click("#red")
    # Not by the win that is shown: a statement that was asked for behind the posting shows it, too.
    wait_until(lambda: len(stage.front.taps) >= 5, 30, "a definite answer")
    shows(page, "#win-fen", "¥1.00")
    shows(page, "#balance", "¥1.00")
    at_s = [tap.at_s for tap in stage.front.taps]
    assert len(at_s) == 5, "once for each answer that is not definite, and no tap more"
    assert at_s[4] - at_s[3] >= 0.99, "Retry-After is kept"
    assert len({tap.token for tap in stage.front.taps}) == 1
    untroubled(page)


def test_the_button_keeps_to_seven_a_second(stage: Stage) -> None:
    announce(stage.dsn, 3, -1)
    page = stage.open(3_001)
    is_open(page)
    # A hundred and fifty presses, and on a busy machine more: until there are taps enough to look at.
    page.evaluate(
        "new Promise((done) => { let n = 0; const id = setInterval(() => {"
        " document.getElementById('red').click();"
        " const sent = performance.getEntriesByType('resource').filter((e) => e.name.endsWith('/taps')).length;"
        " if (++n >= 150 && sent > 8) { clearInterval(id); done(); } }, 20); })"
    )
    # The page's own clock: when each tap was sent, however long it was on its way.
    at_ms = page.evaluate(
        "performance.getEntriesByType('resource').filter((e) => e.name.endsWith('/taps')).map((e) => e.startTime)"
    )
    assert len(at_ms) > 8
    assert all(later - earlier > 950 for earlier, later in zip(at_ms, at_ms[7:], strict=False))


def test_before_and_after_the_round_nothing_is_sent(stage: Stage) -> None:
    announce(stage.dsn, 4, 3_600)
    page = stage.open(4_001, language="en", fast_ms=7_200_000)
    # The phone's own clock is two hours fast: by it the round would be over.
    assert page.evaluate("Date.now()") > time.time() * 1000 + 7_000_000
    shows(page, "#phase", "until it opens")
    page.wait_for_function("() => /^(1:00:00|59:\\d\\d)$/.test(document.getElementById('count').textContent)")
    page.click("#red", force=True)
    shows(page, "#said", "Not open yet")
    assert stage.front.taps == []
    # Whatever the page thinks of the time, the front decides: its *not yet* sets the countdown right.
    announce(stage.dsn, 5, -1)
    is_open(page)
    stage.front.answers.append(refusal(409, "not_open", starts_in_ms=60_000))
    watched(page, "#phase")
    page.click("#red")
    has_shown(page, "until it opens")
    untroubled(page)


def test_a_round_that_is_announced_alone_is_not_tapped_in(stage: Stage) -> None:
    """No front knows it though its time has come: the button waits. One that was never made is told as such."""
    plan(stage.dsn, 30, -1, 600)
    page = stage.open(1_016, language="en")
    shows(page, "#phase", "begins late")
    page.click("#red", force=True)
    shows(page, "#said", "still being prepared")
    assert page.get_attribute("#red", "aria-disabled") == "true"
    assert stage.front.taps == []
    announce(stage.dsn, 30, -1)
    is_open(page)
    page.click("#red")
    wait_until(lambda: len(stage.front.taps) == 1, 20, "the tap")
    with psycopg.connect(stage.dsn) as conn:
        conn.execute("UPDATE live.round SET start_us = 0, end_us = 1")
    plan(stage.dsn, 31, -60, 30)
    missed = stage.open(1_016, language="en")
    shows(missed, "#phase", "did not take place")
    untroubled(page)


def test_a_page_left_open_over_a_restart_goes_on(stage: Stage) -> None:
    announce(stage.dsn, 6, -1)
    page = stage.open(6_001)
    is_open(page)
    credit(stage.dsn, 6_001, 6, 2, 1888, 9)
    stage.stop()
    page.click("#red", force=True)
    shows(page, "#said", "还不知道结果")
    shows(page, "#offline", "连不上")
    stage.front.always = won(6, 2, 1888, 9, repeat=True)
    stage.restart()
    shows(page, "#win-fen", "¥18.88")
    page.wait_for_selector("#offline", state="hidden")
    shows(page, "#balance", "¥18.88")
    page.reload()
    shows(page, "#win-fen", "¥18.88")
    untroubled(page)


def test_an_order_whose_answer_was_lost_is_asked_for_again_by_the_next_page(stage: Stage) -> None:
    announce(stage.dsn, 20, -1)
    credit(stage.dsn, 9_200, 20, 0, 520)
    page = stage.open(9_200, language="en")
    shows(page, "#balance", "¥5.20")

    def lose(route: Any) -> None:
        route.fetch()
        route.abort()

    page.route("**/v1/wallet/spend", lose)
    page.fill("#spend", "2")
    page.click("#spend-form button")
    shows(page, "#spend-said", "Not known yet whether it worked")
    # This page asks again and again: it is gone before an answer may come through.
    address = page.url
    page.goto("about:blank")
    page.unroute("**/v1/wallet/spend", lose)
    page.goto(address)
    shows(page, "#kept", "it is done")
    shows(page, "#balance", "¥3.20")
    page.reload()
    shows(page, "#balance", "¥3.20")
    assert page.inner_text("#kept") == "", "asked once more, and no more than that"
    untroubled(page)


def test_an_answer_that_comes_late_is_not_shown_over_a_newer_one(stage: Stage) -> None:
    page = stage.open(9_300)
    page.evaluate("refreshPlays()")
    held: list[Any] = []

    def first_is_late(route: Any) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route("**/v1/cards", first_is_late)
    page.evaluate("() => { window.late = refreshPlays(); }")
    wait_until(lambda: page.evaluate("1") == 1 and bool(held), 30, "the first look has asked")
    page.evaluate("refreshPlays()")
    held[0].fulfill(json={"cards": [9, 9, 9, 9, 9], "asks": [], "blessings": 0})
    page.evaluate("window.late")
    holds(page, 0)
    untroubled(page)


def test_the_description_for_people_fetches_nothing(stage: Stage) -> None:
    page = stage.open(None)
    page.goto("about:blank")  # the event page asks for the rounds every few seconds
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{stage.url}/docs")
    assert "POST /v1/wallet/spend" in page.inner_text("body")
    assert asked == [f"{stage.url}/docs"]
    untroubled(page)


def test_signing_in_and_out(stage: Stage) -> None:
    page = stage.open(None, language="en")
    page.fill("#token", "5.1.nonsense")
    page.click("#token-form button")
    shows(page, "#sign-wrong", "wrong or has expired")
    page.fill("#uid", "8001")
    page.click("#uid-form button")
    shows(page, "#who", "user 8001")
    page.evaluate("localStorage.setItem('xiu.token', '8001.1.x')")
    page.evaluate("localStorage.removeItem('xiu.token')")
    page.click("#out")
    page.wait_for_selector("#sign", state="visible")
    assert page.evaluate("localStorage.getItem('xiu.token')") is None


LAYOUT = """() => {
  const red = document.getElementById("red").getBoundingClientRect();
  const seen = (names) => [...document.querySelectorAll(names)].filter((e) => e.checkVisibility());
  const named = (e) => e.textContent.trim() || e.getAttribute("aria-label") || (e.labels || []).length;
  const name = (e) => e.id || e.textContent;
  return {
    wide: document.documentElement.scrollWidth - innerWidth,
    right: innerWidth - red.right, middle: red.left - innerWidth / 2, below: innerHeight - red.bottom,
    small: seen("button, input, summary, select").filter((e) => e.getBoundingClientRect().height < 43.5).map(name),
    nameless: seen("button, input, select").filter((e) => !named(e)).map(name),
    foreign: performance.getEntriesByType("resource").filter((e) => new URL(e.name).origin !== location.origin).length,
  };
}"""


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("size", "theme"), [(PHONE, "light"), (DESK, "dark")], ids=["phone", "desk"])
def test_the_red_button_is_top_right_and_nothing_runs_off(
    stage: Stage, language: str, size: dict[str, int], theme: str
) -> None:
    announce(stage.dsn, 10 + ["zh", "en"].index(language) + 2 * (size == DESK), 90)
    page = stage.open(9_001, size, language, theme=theme, reduced_motion="reduce")
    shows(page, "#who", "9001")
    found = page.evaluate(LAYOUT)
    assert found["wide"] <= 0
    assert found["middle"] > 0, "in the right half"
    assert found["right"] >= 0
    assert found["below"] > size["height"] * 0.4, "in the upper half of the first screen"
    assert (found["small"], found["nameless"], found["foreign"]) == ([], [], 0)
    assert page.evaluate("getComputedStyle(document.querySelector('.red'), '::after').animationName") == "none"
    assert page.get_attribute("html", "lang") == ("en" if language == "en" else "zh-CN")
    page.keyboard.press("Tab")
    untroubled(page)

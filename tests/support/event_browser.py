"""Chromium with the event page, and ways to look at it: what it shows, whether it is open, what it complained of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.event_page import BROWSER, FLAGS

WITHIN_MS = 30_000
PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 900}
WRONG_CLOCK = "{ const right = Date.now; Date.now = () => right() + %d; }"
NO_TROUBLE = ("Failed to load resource",)
"""What Chromium writes of every answer that is not 2xx, and of a connection that was refused."""


@contextmanager
def browser() -> Iterator[Any]:
    """Chromium, until the end of the block."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=BROWSER, args=[*FLAGS])
        try:
            yield chromium
        finally:
            chromium.close()


def open_page(chromium: Any, url: str, size: dict[str, int] = PHONE, *, theme: str = "light", **more: Any) -> Any:
    """The page at an address, in a context of its own. `fast_ms`: so much is its own clock fast."""
    fast_ms = more.pop("fast_ms", 0)
    context = chromium.new_context(viewport=size, color_scheme=theme, **more)
    if fast_ms:
        context.add_init_script(WRONG_CLOCK % fast_ms)
    context.set_default_timeout(WITHIN_MS)
    page = context.new_page()
    page.trouble = []
    page.on("pageerror", lambda error: page.trouble.append(str(error)))
    page.on("console", lambda said: page.trouble.append(said.text) if said.type == "error" else None)
    page.goto(url)
    return page


def shows(page: Any, selector: str, text: str) -> None:
    """Waits until the element holds the text."""
    _waits(
        page,
        "([where, text]) => { const e = document.querySelector(where);"
        " return e && !e.hidden && e.checkVisibility() && e.textContent.includes(text); }",
        [selector, text],
    )


def shows_times(page: Any, selector: str, text: str, times: int) -> None:
    """Waits until the element holds the text so often; 0: until it no longer does."""
    _waits(
        page,
        "([where, text, times]) => { const e = document.querySelector(where);"
        " return e && e.textContent.split(text).length - 1 === times; }",
        [selector, text, times],
    )


def all_english(page: Any, but: str) -> None:
    """Waits until no Chinese is left but this name: lists change their language with the next look."""
    _waits(page, "(but) => !/[\u4e00-\u9fff]/.test(document.querySelector('main').innerText.replaceAll(but, ''))", but)


def holds(page: Any, cards: int) -> None:
    """Waits until the user has so many cards."""
    _waits(
        page,
        "(n) => [...document.querySelectorAll('.kinds b')].reduce((sum, e) => sum + Number(e.textContent), 0) === n",
        cards,
    )


def _waits(page: Any, function: str, arg: Any) -> None:
    """Until the function says so, else fails with all that the page shows. A function, not an expression: the page's
    policy forbids `eval`.
    """
    from playwright.sync_api import TimeoutError as OutOfTime

    try:
        page.wait_for_function(function, arg=arg)
    except OutOfTime:
        pytest.fail(f"not within {WITHIN_MS} ms: {arg}; the page shows:\n{page.inner_text('body')}\n{page.trouble}")


def watched(page: Any, selector: str) -> None:
    """From now on every text of the element is kept: the next look of the page may change it at any moment."""
    page.evaluate(
        "(where) => { const e = document.querySelector(where); window.shownTexts = [e.textContent];"
        " const keep = () => window.shownTexts.push(e.textContent);"
        " new MutationObserver(keep).observe(e, { childList: true, characterData: true, subtree: true }); }",
        selector,
    )


def has_shown(page: Any, text: str) -> None:
    """Waits until the watched element has held the text, for however short a time."""
    _waits(page, "(text) => window.shownTexts.some((one) => one.includes(text))", text)


def is_open(page: Any) -> None:
    page.wait_for_selector('#red[aria-disabled="false"]')


def untroubled(page: Any) -> None:
    assert [said for said in page.trouble if not said.startswith(NO_TROUBLE)] == []

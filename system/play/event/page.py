"""`/`: the event page as one file, made at the start from its parts, and what the browser may do with it.

Nothing is fetched but this system's own JSON: the policy names the page's one style and one script by their sums.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

from aiohttp import web

from system.contract.web import Handler

HERE = Path(__file__).parent


def _sum(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def document() -> tuple[str, str]:
    """The page, and its Content-Security-Policy."""
    files = ("page.html", "page.css", "page.js", "words.js", "plays.js")
    page, style, script, words, plays = ((HERE / name).read_text(encoding="utf-8") for name in files)
    script = script.replace("/*WORDS*/", words).replace("/*PLAYS*/", plays)
    policy = (
        f"default-src 'none'; script-src {_sum(script)}; style-src {_sum(style)}; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return page.replace("/*STYLE*/", style).replace("/*SCRIPT*/", script), policy


async def event_page(_: web.Request) -> web.Response:
    """The page; asked for again at each visit, so that nobody keeps an old one."""
    text, policy = document()
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-cache",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(text=text, content_type="text/html", headers=headers)


PAGES: tuple[tuple[str, Handler], ...] = (("/", event_page),)

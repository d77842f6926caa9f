"""The report of a run as a page, read as a reader would: texts by language, addresses, elements left open."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from harness.report.html import render_html
from harness.runs.ledger_lines import books_of
from harness.runs.record import (
    RunRecord,
    Timeline,
)
from tests.support.sample_run import sponsors, timeline

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """What a page has: its texts by language, its addresses; complains about elements left open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[tuple[str, str | None]] = []
        self.text: dict[str | None, list[str]] = {"zh": [], "en": [], None: []}
        self.addresses: list[str] = []
        self.problems: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action", "srcset")]
        above = self.open[-1][1] if self.open else None
        if tag not in VOID:
            self.open.append((tag, given.get("lang") if tag == "span" else above))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass  # SVG's own closed elements

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1][0] != tag:
            self.problems.append(f"</{tag}> closes {self.open[-1:]}")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1][0] not in ("script", "style"):
            self.text[self.open[-1][1]].append(data)


def page(run: RunRecord, line: Timeline | None = None) -> str:
    return render_html(run, timeline() if line is None else line, books_of(run, sponsors()))


def said(html: str, language: str) -> str:
    parsed = Page(html)
    return re.sub(r"\s+", " ", " ".join([*parsed.text[language], *parsed.text[None]]))

"""Tables and figures for a terminal of 80 columns. Counts wide characters as two columns; uses no colour."""

from __future__ import annotations

import json
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from harness.forecast import Judged, Share, Target
from harness.report.figures import number, share_words
from plans.models.errors import PlanError, Problem
from plans.models.stress import Purpose
from xiu.outlet import speaks_every_language


def width(text: str) -> int:
    """How many columns a text takes."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: str = "") -> str:
    """Columns as wide as needed. `right`: one letter for each column, `r` aligns it to the right."""
    lines = [list(head), *[list(row) for row in rows]]
    wide = [max(width(line[i]) for line in lines) for i in range(len(head))]
    out = []
    for line in lines:
        cells = []
        for i, cell in enumerate(line):
            gap = " " * (wide[i] - width(cell))
            cells.append(gap + cell if i < len(right) and right[i] == "r" else cell + gap)
        out.append("  ".join(cells).rstrip())
    return "\n".join(out)


def figure(value: float | int | None) -> str:
    """With one digit more than the report's pages have room for."""
    return number(value, digits=4)


def yuan(fen: int | None) -> str:
    """Fen as yuan, exact."""
    if fen is None:
        return "–"
    sign, fen = ("-" if fen < 0 else ""), abs(fen)
    return f"{sign}{fen // 100:,}.{fen % 100:02d} yuan"


def targets_table(targets: Sequence[Target]) -> str:
    """One row for each indicator, under its link."""
    rows: list[list[str]] = []
    for link in dict.fromkeys(t.link for t in targets):
        rows.append([link, *[""] * 5])
        rows += [
            [f"  {t.indicator}", figure(t.lower), figure(t.expected), figure(t.upper), t.unit, t.cls]
            for t in targets
            if t.link == link
        ]
    return table(("indicator", "lower", "expected", "upper", "unit", "class"), rows, " rrr")


def judged_table(rows: Sequence[Judged]) -> str:
    cells = [
        [r.indicator, figure(r.lower), figure(r.expected), figure(r.upper), figure(r.actual), r.state] for r in rows
    ]
    return table(("indicator", "lower", "expected", "upper", "actual", "state"), cells, " rrrr")


def about_lines(about: str) -> list[str]:
    """The file's own description in lines of 78 characters; nothing where it has none."""
    return [*textwrap.wrap(" ".join(about.split()), 78), ""] if about.strip() else []


def wrapped(head: str, text: str) -> list[str]:
    """A text in lines of 78 characters behind its name."""
    return textwrap.wrap(text, 78, initial_indent=head, subsequent_indent=" " * len(head))


def purpose_lines(told: Purpose | None) -> list[str]:
    """What a plan is for; nothing where it does not say."""
    if told is None:
        return []
    said = {"use it": told.when, "not told": told.cannot_tell, "looks for": told.looks_for}
    return [line for name, text in said.items() for line in wrapped(f"{name:11}", text)]


def share_lines(share: Share) -> list[str]:
    """What is played, in words."""
    wins = f"{figure(share.wins_per_s)}/s over the round"
    return [
        f"scale      {share_words(str(share.scale)).en}, a round of {share.duration_s:g} s",
        f"people     {share.users:,} users, {share.tapping_at_once:,} tapping at once",
        f"taps       {share.peak_rps:,.0f}/s at the peak, {share.taps_per_win:,.0f} for each packet",
        f"packets    {share.packets:,}, released over {share.release_s:g} s ({wins})",
        f"money      {yuan(share.budget_fen)} from {len(share.sponsors)} sponsors",
        f"too fast   {share.too_fast_share:.2%} of the tappers, {share.too_fast_factor} times as quick",
    ]


def share_json(share: Share) -> dict[str, Any]:
    """The same as data."""
    return {
        "scale": str(share.scale),
        "duration_s": share.duration_s,
        "release_s": share.release_s,
        "peak_rps": share.peak_rps,
        "users": share.users,
        "tapping_at_once": share.tapping_at_once,
        "packets": share.packets,
        "budget_fen": share.budget_fen,
        "too_fast_share": share.too_fast_share,
        "too_fast_factor": share.too_fast_factor,
        "sponsors": [sponsor.model_dump(mode="json") for sponsor in share.sponsors],
    }


def refused(problems: Iterable[Problem]) -> int:
    """Tells on stderr what is wrong with files that a list could not take in, each once; the list's exit code."""
    told = sorted(set(problems))
    for problem in told:
        print(problem, file=sys.stderr)
    return PlanError.exit_code if told else 0


def problem_rows(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """As JSON."""
    return [{"file": p.file, "line": p.line, "what": p.what, "expected": p.expected,
             "did_you_mean": p.did_you_mean} for p in problems]  # fmt: skip


def emit(document: object) -> None:
    """One JSON document on stdout."""
    text = json.dumps(document, ensure_ascii=not speaks_every_language(sys.stdout), indent=1)
    sys.stdout.write(f"{text}\n")

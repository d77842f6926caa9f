"""A run as Markdown, for the summary of a job in a pipeline; and a row of bars for a trend. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report.scope import played
from harness.runs.record import RunRecord
from xiu.commands._text import figure

BARS = "▁▂▃▄▅▆▇█"
MARKS = {"PASS": "✅", "WARN": "⚠️", "FAIL": "❌"}


def markdown(record: RunRecord) -> list[str]:
    """Verdict, reasons, and every judged figure of the forecast, as GitHub shows it."""
    mark = MARKS.get(record.verdict, "❔")
    lines = [
        f"### {mark} {record.verdict}: {_cell(record.plan)}",
        "",
        f"{_cell(played(record).en)}, run `{record.run_id}`",
        "",
    ]
    lines += [f"- `{reason.code}`: {_cell(reason.text)}" for reason in record.reasons]
    lines += ["", "| indicator | lower | expected | upper | actual | state |", "|---|---:|---:|---:|---:|---|"]
    for row in record.forecast:
        values = " | ".join(figure(value) for value in (row.lower, row.expected, row.upper, row.actual))
        lines.append(f"| {row.indicator} | {values} | {row.state} |")
    p = record.latency_ms.response
    times = ", ".join(f"{name} {figure(value)}" for name, value in (("p50", p.p50), ("p99", p.p99), ("max", p.max)))
    sent = f"Sent {record.load.sent:,} of {record.load.scheduled:,}."
    told = sent if record.load.outcomes else "What was sent is not known: the generator left no account."
    return [*lines, "", f"Response in ms: {times}. {told}"]


def _cell(text: str) -> str:
    """On one line, and no end of a cell."""
    return " ".join(text.split()).replace("|", "\\|")


def bars(values: Sequence[float | None]) -> str:
    """One bar each, the highest for the greatest value; a dot where it is not known."""
    known = [value for value in values if value is not None]
    top = max(known, default=0.0)
    if top <= 0:
        return "".join("·" if value is None else BARS[0] for value in values)
    return "".join(
        "·" if value is None else BARS[min(len(BARS) - 1, int(value / top * (len(BARS) - 1) + 0.5))] for value in values
    )

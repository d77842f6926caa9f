"""What a person sees while a run goes on: a table on a terminal, plain lines elsewhere. Never delays the run.

Reads the run's state on a thread of its own, at most twice a second; an unknown figure is a dash, never a zero.
"""

from __future__ import annotations

import contextlib
import math
import sys
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from harness.phrases import sentence
from harness.report.figures import share_words
from harness.runs.order import Progress
from harness.runs.state import RunState

REFRESH_S = 0.5
PLAIN_EVERY_S = 5.0
END_S = 3.0
"""A terminal that is stopped (Ctrl-S), or a pipe that nobody reads, delays a line, but not the run."""
COLUMNS = 80
EVENTS = 5
SAMPLES_BEYOND = 10  # a percentile is given only with this many samples above it
UNKNOWN = "–"
OF_MONEY = ("wins", "backlog", "oldest", "credited_yuan", "awarded_yuan", "budget_yuan")
"""Words that only a red-packet system has."""


def percentile_ms(state: RunState, percent: float, journey: str | None = None) -> float | None:
    """From the intended start, of all cannons; of the taps, or of a journey beside them. None with fewer than ten
    samples beyond it.
    """
    buckets: dict[int, int] = {}
    for message in state.journey(journey):
        for edge_us, count in message.get("response_us", ()):
            buckets[edge_us] = buckets.get(edge_us, 0) + count
    total = sum(buckets.values())
    rank = math.ceil(total * percent / 100 - 1e-9)
    if total - rank < SAMPLES_BEYOND:
        return None
    for edge_us in sorted(buckets):
        rank -= buckets[edge_us]
        if rank <= 0:
            return edge_us / 1000
    return None


def plain(state: RunState) -> str:
    """One line of `name=value` words, each without a space in it; `?` is not known."""
    money, known = state.money, state.counts
    words = {
        "t": f"{state.now_s:.0f}s",
        "phase": state.phase,
        **({"round": f"{state.round}/{state.rounds}"} if state.rounds > 1 else {}),
        "offered": _word(_now(state, state.planned_rps), "{:.0f}/s"),
        "answered": _word(_now(state, state.rate_rps), "{:.0f}/s"),
        "p99": _word(percentile_ms(state, 99), "{:.1f}ms"),
        "wins": _word(state.outcome("win") if known else None),
        "refused": _word(state.outcome("refused") if known else None),
        "unknown": _word(state.outcome("unknown") if known else None),
        "backlog": _word(money.backlog_entries),
        "oldest": _word(money.oldest_age_s, "{:.1f}s"),
        "credited_yuan": _word(_yuan(money.credited_fen), "{:.2f}"),
        "awarded_yuan": _word(_yuan(money.awarded_fen), "{:.2f}"),
        "budget_yuan": _word(_yuan(money.budget_fen), "{:.2f}"),
        "generator": "limit" if state.saturated else "ok" if known else "?",
    }
    if not state.money_of_ours:
        words = {name: word for name, word in words.items() if name not in OF_MONEY}
        words["good"] = _word(state.outcome("good") if known else None)
    for name in state.beside:
        words |= {
            f"{name}.sent": _word(state.total("sent", name)),
            f"{name}.p99": _word(percentile_ms(state, 99, name), "{:.1f}ms"),
            f"{name}.refused": _word(state.outcome("refused", name)),
            f"{name}.unknown": _word(state.outcome("unknown", name)),
        }
    return " ".join(f"{name}={value}" for name, value in words.items())


def screen(state: RunState) -> Group:
    """The table of a terminal, at most 80 columns wide."""
    table = Table(show_header=False, box=None, pad_edge=False)
    for _ in range(2):
        table.add_column(style="dim", width=12, no_wrap=True)
        table.add_column(width=25, no_wrap=True)
    for row in _rows(state):
        table.add_row(*row)
    number = f"round {state.round} of {state.rounds} · " if state.rounds > 1 else ""
    head = f"{number}{state.plan} · {share_words(state.scale).en} · run {state.run_id}"
    lines = [f"{event.t_s:8.1f} s  {' '.join(event.text.split())}" for event in state.events[-EVENTS:]]
    return Group(_line(head, "bold"), table, *(_line(line) for line in lines))


def _rows(state: RunState) -> Iterable[tuple[str, str, str, str]]:
    money, known = state.money, bool(state.counts)
    left = state.duration_s - state.now_s
    to_go = f"starts in {-state.now_s:.0f} s" if state.now_s < 0 else f"{max(0.0, left):.0f} s of fire"
    peak = next((target.expected for target in state.targets if target.indicator == "offered_rps"), None)

    def counted(name: str) -> str:
        return _text(state.outcome(name) if known else None)

    def ms(percent: float) -> str:
        return _text(percentile_ms(state, percent), "{:,.1f}")

    waiting = f"{_text(money.backlog_entries)}, oldest {_text(money.oldest_age_s, '{:.1f} s')}"
    health = _text(_busiest(state), "{:.0%} of a core")
    yield "phase", state.phase.replace("_", " "), "to go", to_go
    yield "offered", _text(_now(state, state.planned_rps), "{:,.0f}/s"), "peak planned", _text(peak, "{:,.0f}/s")
    yield (
        "answered",
        _text(_now(state, state.rate_rps), "{:,.0f}/s"),
        "sent",
        _text(state.total("sent") if known else None),
    )
    yield "p99 response", f"{ms(99)} ms", "p50, p99.9", f"{ms(50)}, {ms(99.9)} ms"
    yield "refused", counted("refused"), "unknown", counted("unknown")
    if state.money_of_ours:
        yield "wins", counted("win"), "pending", counted("pending")
        yield "awarded", _text(_yuan(money.awarded_fen), "¥{:,.2f}"), "backlog", waiting
        budget = _text(_yuan(money.budget_fen), "¥{:,.2f}")
        yield "credited", _text(_yuan(money.credited_fen), "¥{:,.2f}"), "of budget", budget
    else:
        yield "good", counted("good"), "wrong", counted("wrong")
    for name in state.beside:
        sent, unknown = state.total("sent", name), state.outcome("unknown", name)
        p99 = _text(percentile_ms(state, 99, name), "{:,.1f}")
        yield name[:12], f"{sent:,} sent, {unknown:,} unknown", "its p99", f"{p99} ms"
    yield (
        "generator",
        "[bold red]IS THE LIMIT[/]" if state.saturated else "well" if known else UNKNOWN,
        "its CPU",
        health,
    )


def _now(state: RunState, rate_rps: float | None) -> float | None:
    """A rate of the last second; a dash once sending has ended."""
    return 0.0 if state.counts and state.phase not in ("warm_up", "measured") else rate_rps


def _busiest(state: RunState) -> float | None:
    ratios = [message.get("cpu_ratio") for message in list(state.counts.values())]
    return max((ratio for ratio in ratios if ratio is not None), default=state.generator_cpu)


def _yuan(fen: int | None) -> float | None:
    return None if fen is None else fen / 100


def _text(value: float | None, shape: str = "{:,}") -> str:
    return UNKNOWN if value is None else shape.format(value)


def _word(value: float | None, shape: str = "{}") -> str:
    return "?" if value is None else shape.format(value)


def _line(text: str, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


class LiveView:
    """Shows `state` on a thread of its own until the block ends. `mode`: auto (terminal or not), plain or none.

    A terminal that cannot move its cursor, or a pipe, gets plain lines; one that goes away ends the view, not the run.
    """

    def __init__(
        self, state: RunState, mode: Progress, out: TextIO | None = None, plain_every_s: float = PLAIN_EVERY_S
    ) -> None:
        self._state, self._mode, self._every_s = state, mode, plain_every_s
        self._out = sys.stderr if out is None else out
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> LiveView:
        if self._mode != "none":
            self._thread = threading.Thread(target=self._run, name="live view", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join(END_S)
            if self._thread.is_alive():
                # Not reported in the log: who does not read the view does not read the log either, and a write would
                # wait.
                self._state.tell("view", sentence("view_unread", within_s=END_S))

    def _run(self) -> None:
        # A closed stream is no reason to disturb a run.
        with contextlib.suppress(OSError, ValueError):
            console = Console(file=self._out)
            if self._mode == "auto" and console.is_terminal and not console.is_dumb_terminal:
                self._draw(console)
            else:
                self._tell()

    def _tell(self) -> None:
        before, last = "", False
        while not last:
            last = self._over.wait(self._every_s)
            line = plain(self._state)
            if line != before:
                print(line, file=self._out, flush=True)
            before = line

    def _draw(self, console: Console) -> None:
        console.width = min(COLUMNS, console.width)
        with Live(screen(self._state), console=console, auto_refresh=False, transient=True) as live:
            while not self._over.wait(REFRESH_S):
                live.update(screen(self._state), refresh=True)

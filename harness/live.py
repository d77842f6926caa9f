"""What a person sees while a run goes on: a table on a terminal, plain lines elsewhere. Blocks nobody."""

from __future__ import annotations

import os
import sys
import threading
from types import TracebackType
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from harness.run_order import Progress
from harness.run_state import RunState

REFRESH_S = 0.5
PLAIN_EVERY_S = 5.0
COLUMNS = 80


def _yuan(fen: int | None) -> str:
    return "–" if fen is None else f"{fen / 100:,.2f}"


def _rate(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}/s"


def _ms(state: RunState) -> str:
    values = [message.get("response_p99_ms") for message in list(state.counts.values())]
    known = [value for value in values if value is not None]
    return f"{max(known):.1f} ms" if known else "–"


def plain(state: RunState) -> str:
    """One line that can be searched."""
    money = state.money
    return (
        f"t={state.now_s:.0f}s phase={state.phase} offered={_rate(state.planned_rps)} answered={_rate(state.rate_rps)} "
        f"p99={_ms(state).replace(' ', '')} wins={state.outcome('win')} refused={state.outcome('refused')} "
        f"unknown={state.outcome('unknown')} backlog={'–' if money.backlog_entries is None else money.backlog_entries} "
        f"credited={_yuan(money.credited_fen)} of {_yuan(money.budget_fen)} yuan"
    )


def screen(state: RunState) -> Group:
    """The table of a terminal."""
    money = state.money
    table = Table(show_header=False, box=None, pad_edge=False)
    for _ in range(2):
        table.add_column(style="dim", width=12)
        table.add_column(width=26)
    left = (
        f"{max(0.0, state.duration_s - state.now_s):.0f} s" if state.now_s >= 0 else f"starts in {-state.now_s:.0f} s"
    )
    backlog = "–" if money.backlog_entries is None else f"{money.backlog_entries:,} entries"
    rows = [
        ("phase", state.phase.replace("_", " "), "to go", left),
        ("offered", _rate(state.planned_rps), "answered", _rate(state.rate_rps)),
        ("p99, intended", _ms(state), "unknown", f"{state.outcome('unknown'):,}"),
        ("refused", f"{state.outcome('refused'):,}", "pending", f"{state.outcome('pending'):,}"),
        ("wins", f"{state.outcome('win'):,}", "backlog", backlog),
        ("credited", f"{_yuan(money.credited_fen)} yuan", "of budget", f"{_yuan(money.budget_fen)} yuan"),
        ("generator", "is the limit" if state.saturated else "well", "sent", f"{state.total('sent'):,}"),
    ]  # fmt: skip
    for row in rows:
        table.add_row(*row)
    head = Text(f"{state.plan}, {state.scale} of the event, run {state.run_id}", style="bold")
    events = [Text(f"{event.t_s:8.1f} s  {event.text.splitlines()[0]}"[:COLUMNS]) for event in state.events[-5:]]
    return Group(head, table, *events)


class LiveView:
    """Shows `state` on a thread of its own until the block ends. `mode`: auto (terminal or not), plain or none."""

    def __init__(self, state: RunState, mode: Progress, out: TextIO = sys.stderr) -> None:
        self._state, self._out = state, out
        self._fancy = mode == "auto" and out.isatty()
        self._silent = mode == "none"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live view", daemon=True)

    def __enter__(self) -> LiveView:
        if not self._silent:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if not self._silent:
            self._thread.join()

    def _run(self) -> None:
        if not self._fancy:
            while not self._over.wait(PLAIN_EVERY_S):
                print(plain(self._state), file=self._out, flush=True)
            return
        console = Console(file=self._out, width=COLUMNS, no_color="NO_COLOR" in os.environ)
        with Live(screen(self._state), console=console, auto_refresh=False, transient=True) as live:
            while not self._over.wait(REFRESH_S):
                live.update(screen(self._state), refresh=True)

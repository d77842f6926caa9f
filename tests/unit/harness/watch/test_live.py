"""The live view: what stands in it, how wide it is, and that it never disturbs a run."""

from __future__ import annotations

import fcntl
import io
import os
import re
import threading
import time

import pytest
from rich.console import Console

from harness.runs.state import RunState
from harness.watch import live
from harness.watch.live import COLUMNS, LiveView, percentile_ms, plain, screen
from tests.support.run_in_progress import begun, in_progress
from tests.support.stores import wait_until


def drawn(state: RunState, width: int = COLUMNS) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(screen(state))
    return out.getvalue().splitlines()


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class ClosedTerminal(io.StringIO):
    """A pipe whose reader went away."""

    def write(self, text: str) -> int:
        raise BrokenPipeError("nobody reads")


def until(text: str, out: io.StringIO) -> None:
    deadline = time.monotonic() + 10
    while text not in out.getvalue():
        assert time.monotonic() < deadline, out.getvalue()
        time.sleep(0.01)


def test_a_plain_line_is_words_that_can_be_searched() -> None:
    line = plain(in_progress())
    assert line.startswith("t=12s phase=measured offered=35000/s answered=34990/s p99=2.5ms wins=6 refused=20 ")
    assert line.endswith(
        " unknown=8 backlog=2 oldest=0.8s credited_yuan=1234.56 awarded_yuan=1239.56 budget_yuan=4005.60 generator=ok"
    )
    assert all(re.fullmatch(r"[a-z0-9_]+=\S+", word) for word in line.split(" "))


def test_of_several_rounds_the_one_that_is_played_is_named() -> None:
    state = in_progress()
    assert "round" not in plain(state)
    state.round, state.rounds = 2, 3
    assert " phase=measured round=2/3 offered=" in plain(state)
    assert drawn(state)[0].startswith("round 2 of 3 · ")


def test_a_journey_beside_the_taps_has_words_and_a_row_of_its_own() -> None:
    state = in_progress()
    reads = {
        "journey": "balances", "shot": "wallet", "sent": 700, "outcomes": {"empty": 690, "refused": 4, "unknown": 6},
        "response_us": [[4000, 690], [90_000, 10]],
    }  # fmt: skip
    alone = plain(state)
    state.counts = {worker: {**message, "beside": [reads]} for worker, message in state.counts.items()}
    workers = len(state.counts)
    assert plain(state) == (
        f"{alone} balances.sent={700 * workers} balances.p99=90.0ms "
        f"balances.refused={4 * workers} balances.unknown={6 * workers}"
    ), "what is told of the taps stays as it was"
    (row,) = [line for line in drawn(state) if line.startswith("balances")]
    assert f"{700 * workers:,} sent, {6 * workers:,} unknown" in row
    assert "90.0 ms" in row


def test_what_is_not_known_is_a_question_mark_not_a_zero() -> None:
    words = dict(word.split("=") for word in plain(begun()).split())
    assert {words[name] for name in words} == {"0s", "idle", "?"}
    assert "– ms" in "\n".join(drawn(begun()))


@pytest.mark.parametrize(
    ("percent", "ms"),
    [
        pytest.param(50, 0.5, id="merged over the cannons"),
        pytest.param(99, 2.5, id="twenty samples beyond it"),
        pytest.param(99.9, None, id="two samples beyond it: not told"),
    ],
)
def test_percentiles(percent: float, ms: float | None) -> None:
    assert percentile_ms(in_progress(), percent) == ms


@pytest.mark.parametrize(
    "shown",
    [
        "measured", "54 s of fire", "35,000/s", "34,990/s", "2.5 ms", "0.5, – ms", "¥1,234.56", "¥1,239.56",
        "¥4,005.60", "2, oldest 0.8 s", "50% of a core", "event 6 its second line", "event 2 its",
    ],
)  # fmt: skip
def test_the_table_shows(shown: str) -> None:
    assert shown in "\n".join(drawn(in_progress()))


def test_the_table_has_the_last_five_events_and_fits() -> None:
    state = in_progress()
    state.tell("long", "x" * 300)
    lines = drawn(state)
    assert not any("event 2" in line for line in lines)
    assert max(map(len, lines)) <= COLUMNS
    assert sum(" s  event " in line or "xxx" in line for line in lines) == 5
    state.saturated = True
    assert "IS THE LIMIT" in "\n".join(drawn(state))


def test_a_stream_that_is_no_terminal_gets_plain_lines_and_a_last_one() -> None:
    out = io.StringIO()
    state = in_progress()
    with LiveView(state, "auto", out, plain_every_s=0.01):
        until("\n", out)
        state.phase = "closing"
    lines = out.getvalue().splitlines()
    assert lines[0] == plain(in_progress())
    assert "phase=closing" in lines[-1]
    assert "\x1b" not in out.getvalue()


def test_no_plain_line_comes_twice() -> None:
    out = io.StringIO()
    state = in_progress()
    with LiveView(state, "plain", out, plain_every_s=0.01):
        until("\n", out)
        state.now_s = 13.0
        until("t=13s", out)
    lines = out.getvalue().splitlines()
    assert len(lines) == len(set(lines)) == 2


def test_when_the_fire_is_over_nothing_is_offered() -> None:
    state = in_progress()
    for state.phase in ("drain", "closing", "idle"):
        assert " offered=0/s answered=0/s " in plain(state)
        assert not any("35,000/s" in line and "offered" in line for line in drawn(state))


@pytest.mark.parametrize(("variable", "colours"), [("NO_COLOR", False), ("XIU_NOTHING", True)])
def test_a_terminal_gets_the_table_in_colour_only_if_wanted(
    variable: str, colours: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv(variable, "1")
    out, state = Terminal(), in_progress()
    state.saturated = True
    with LiveView(state, "auto", out):
        until("IS THE LIMIT", out)
    assert ("\x1b[1;31mIS THE LIMIT" in out.getvalue()) == colours
    assert "t=12s" not in out.getvalue()


def test_plain_is_plain_on_a_terminal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    out = Terminal()
    with LiveView(in_progress(), "plain", out):
        pass
    assert out.getvalue() == plain(in_progress()) + "\n"


def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    out = Terminal()
    with LiveView(in_progress(), "auto", out):
        pass
    assert out.getvalue() == plain(in_progress()) + "\n"


def test_none_is_silent() -> None:
    out = io.StringIO()
    before = threading.active_count()
    with LiveView(in_progress(), "none", out):
        assert threading.active_count() == before
    assert not out.getvalue()


def test_a_stream_that_nobody_reads_does_not_keep_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "END_S", 0.2)
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    state, before = in_progress(), threading.active_count()
    with open(writer, "w", encoding="utf-8") as out:
        os.write(writer, b"x" * 4096)  # as full as after a terminal's Ctrl-S
        with LiveView(state, "plain", out, plain_every_s=0.01):
            pass
        assert state.events[-1].kind == "view"
        assert "was not read" in state.events[-1].text
        os.read(reader, 4096)
        wait_until(lambda: threading.active_count() == before, 5, "read again, it ends")
    os.close(reader)


@pytest.mark.parametrize("closed", [False, True])
def test_a_stream_that_goes_away_does_not_disturb_the_run(closed: bool) -> None:
    out = ClosedTerminal()
    if closed:
        out.close()
    before = threading.active_count()
    with LiveView(in_progress(), "plain", out, plain_every_s=0.01):
        pass
    assert threading.active_count() == before

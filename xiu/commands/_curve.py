"""The load of a plan for a terminal: its curve, its steps as a table, and how long a run of it takes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from harness.engine.schedule import Stretch, pieces_of
from harness.forecast import Share
from plans.models.steps import BaseClimb, Segment
from plans.models.stress import StressPlan
from xiu.commands._text import table

BLOCKS = " ▁▂▃▄▅▆▇█"
COLUMNS, ROWS = 64, 8
START_S, CALIBRATION_S = 8.0, 15.0
"""About how long a stack of this project takes to start, and a calibration, on a machine of two cores."""


@dataclass(frozen=True, slots=True)
class PlannedLength:
    """Seconds. `load_s`: of one round, warm-up included; `at_most_s`: with every wait of every drain to its limit."""

    load_s: float
    rounds: int
    about_s: float
    at_most_s: float
    start_s: float
    calibration_s: float

    def as_json(self) -> dict[str, float]:
        return {**asdict(self)}


def length_of(plan: StressPlan, share: Share, *, calibrates: bool) -> PlannedLength:
    """How long a run takes: the load of each round, its part of the window behind the load, pauses and drains."""
    load_s = plan.warm_up.duration + plan.measured_s * plan.stretch(share.duration_s)
    round_s = max(load_s, plan.round.opens + share.duration_s)
    pauses_s, count = sum(one.pause for one in plan.rounds), len(plan.rounds)
    drain_s = plan.drain.answers + plan.drain.credits + plan.drain.close
    about_s = count * round_s + pauses_s
    before_s = CALIBRATION_S if calibrates else 0.0
    return PlannedLength(load_s, count, about_s, about_s + count * drain_s, START_S, before_s)


def length_lines(lasts: PlannedLength) -> list[str]:
    """The same in words."""
    rounds = f"{lasts.rounds} rounds of {_clock(lasts.load_s)}" if lasts.rounds > 1 else f"{_clock(lasts.load_s)}"
    before = f"{_clock(lasts.start_s)} to start a stack if none runs"
    if lasts.calibration_s:
        before += f", {_clock(lasts.calibration_s)} to calibrate"
    return [
        f"takes      {_clock(lasts.about_s)} from first tap to last round's end (load: {rounds})",
        f"           at most {_clock(lasts.at_most_s)}, with every drain to its limit",
        f"           before it, about {before}",
    ]


def climb_lines(step: BaseClimb | None, stretch: float = 1.0) -> list[str]:
    """How a climb goes on, all its times multiplied by `stretch`; nothing of another plan."""
    if step is None:
        return []
    window_s, most = step.window * stretch, step.hold + step.patience
    many = f"{step.hold} to {most} windows" if most > step.hold else "1 window" if most == 1 else f"{most} windows"
    return [
        f"climb      drawn as if every window were green; a stair takes {many}",
        f"           of {_clock(window_s)}, and the next one needs {step.hold} green in a row",
    ]


def _clock(seconds: float) -> str:
    """`1 h 5 min`, `1 min 30 s`, `7.5 s`."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def chart(name: str, segments: Sequence[Segment], rows: int = ROWS, span_s: float | None = None) -> str:
    """The rate over time, the highest of each column, over `span_s` (else the plan's length); warm-up is marked."""
    pieces = pieces_of(segments)
    span = span_s or sum(piece.duration_s for piece in pieces)
    highest = [_highest(pieces, column * span / COLUMNS, (column + 1) * span / COLUMNS) for column in range(COLUMNS)]
    top = max(highest) or 1.0
    labels = {0: f"{top:,.0f}/s", rows // 2: f"{top * (rows - rows // 2) / rows:,.0f}/s"}
    wide = max(len(label) for label in labels.values())
    lines = [name]
    for row in range(rows):
        floor = (rows - 1 - row) * (len(BLOCKS) - 1)
        fill = [round(rate / top * rows * (len(BLOCKS) - 1)) - floor for rate in highest]
        line = "".join(BLOCKS[min(max(part, 0), len(BLOCKS) - 1)] for part in fill)
        lines.append(f"{labels.get(row, ''):>{wide}} │{line.rstrip()}")
    warm = sum(piece.duration_s for piece in pieces if not piece.phase)
    edge = min(COLUMNS, round(warm / span * COLUMNS))
    lines.append(f"{'0':>{wide}} └{'┄' * edge}{'─' * (COLUMNS - edge)}")
    middle, end = _clock(span / 2), _clock(span)
    marks = "0 s".ljust(COLUMNS // 2) + middle
    lines.append(" " * (wide + 2) + marks[: COLUMNS - len(end)].ljust(COLUMNS - len(end)) + end)
    if edge:
        lines.append(" " * (wide + 2) + "┄ warm-up, not measured")
    return "\n".join(lines)


def _highest(pieces: Sequence[Stretch], start_s: float, end_s: float) -> float:
    """The highest rate between two moments; a piece only rises or only falls, so its ends in between say it."""
    found, at = 0.0, 0.0
    for piece in pieces:
        low, high = max(start_s, at), min(end_s, at + piece.duration_s)
        if low < high:
            parts = [(moment - at) / piece.duration_s for moment in (low, high)]
            found = max(found, *(_rate(piece, part) for part in parts))
        at += piece.duration_s
    return found


def _rate(piece: Stretch, part: float) -> float:
    if piece.exponential:
        return float(piece.start_rps * (piece.end_rps / piece.start_rps) ** part)
    return piece.start_rps + (piece.end_rps - piece.start_rps) * part


def steps_table(segments: Sequence[Segment]) -> str:
    """One row for each segment."""
    rows, at = [], 0.0
    for segment in segments:
        pieces = pieces_of([segment])
        length = sum(piece.duration_s for piece in pieces)
        kind = segment["kind"] + (", poisson" if segment.get("poisson") else "")
        if segment["kind"] == "constant":
            rates = f"{segment['rate_rps']:,.0f}/s" if segment["rate_rps"] >= 10 else f"{segment['rate_rps']:.3g}/s"
        elif segment["kind"] == "ramp":
            rates = f"{segment['from_rps']:,.0f}/s to {segment['to_rps']:,.0f}/s"
        elif segment["kind"] == "replay":
            rates = f"{len(segment['points']):,} points, up to {max(rps for _, rps in segment['points']):,.0f}/s"
        else:
            rates = (
                f"{segment['base_rps']:,.0f}/s to {segment['peak_rps']:,.0f}/s in {segment['countdown_s']:g} s, held"
            )
        rows.append([f"{at:g} s", f"{length:g} s", kind, rates, "measured" if segment["phase"] else "warm-up"])
        at += length
    return table(("from", "for", "kind", "taps", ""), rows, "rr")

"""`xiu round programme`: a programme's file looked at, loaded into control, and what became of its rounds."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import date, datetime, timezone
from fractions import Fraction

from harness.control_client import ControlClient
from harness.errors import BadInput, closest
from harness.forecast.programme import Staging, begins_us, programme_order
from harness.forecast.share import ShareError
from plans.models import Programme, find, load_programme
from plans.models.quantity import duration_s, ratio, ratio_text
from system.contract.ids import LANES, ROUND_MAX
from system.contract.programme import ProgrammeEntry, ProgrammeList, ProgrammeOrder
from xiu.commands import _stacks
from xiu.commands._text import emit, table, yuan

EXAMPLE = "xiu round programme evening --load --starts-in 10s --pace 60"
PACE_MAX = 100_000


def configure(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("file", metavar="FILE", nargs="?", help="a programme, by file or id; without: what is loaded")
    parser.add_argument("--load", action="store_true", help="hand it to control, which plays it")
    parser.add_argument("--round", action="append", metavar="NAME", help="this round alone; several: once for each")
    parser.add_argument("--lane", choices=LANES, help="default: live to load, both to show")
    parser.add_argument("--scale", metavar="1/N", help="this share of the evening (default: the file's)")
    parser.add_argument("--pace", type=int, default=1, metavar="N", help="so many times as fast (default: 1)")
    parser.add_argument("--starts-in", metavar="TIME", help="the first round starts so long from now")
    parser.add_argument("--date", metavar="YYYY-MM-DD", help="the day of the evening (default: today)")
    parser.add_argument("--as", dest="name", default="", metavar="NAME", help="its name in control (default: its id)")
    parser.add_argument("--season", type=int, metavar="N", help="losing taps carry tickets of this open season")


def programme(args: argparse.Namespace) -> int:
    """Shows what is loaded, or one file; with `--load` hands the file to control."""
    if args.file is None:
        of_a_file = (args.load, args.starts_in, args.date, args.scale, args.name, args.season, args.round)
        if any(of_a_file) or args.pace != 1:
            raise BadInput("no programme named", expected=f"a file or an id: {EXAMPLE}")
        with ControlClient.of(_stacks.need(args)) as control:
            return _show_loaded(args, control)
    held = load_programme(find(args.file, "forecasts"))
    if not args.load:
        return _show_order(args, held, _order(args, held, lambda: time.time_ns() // 1000))
    with ControlClient.of(_stacks.need(args)) as control:
        order = _order(args, held, control.now_us)
        control.document("POST", "/v1/programmes", "rounds", order.model_dump(mode="json"))
        return _show_loaded(args, control, order.programme)


def _order(args: argparse.Namespace, held: Programme, now_us: Callable[[], int]) -> ProgrammeOrder:
    try:
        scale = held.scale if args.scale is None else ratio(args.scale)
    except ValueError as exc:
        raise BadInput(f"--scale: {exc}") from exc
    if not 1 <= args.pace <= PACE_MAX:
        raise BadInput(f"--pace {args.pace}", expected=f"1 to {PACE_MAX:,}")
    if args.starts_in and args.date:
        raise BadInput("--starts-in and --date", expected="one of them")
    if args.season is not None and not 1 <= args.season <= ROUND_MAX:
        raise BadInput(f"--season {args.season}", expected=f"1 to {ROUND_MAX:,}")
    staging = Staging(scale, args.lane or "live", Fraction(args.pace), args.name, args.season)
    first_us = _first(args, held, now_us)
    try:
        order = programme_order(held, staging, first_us)
        if args.round:
            order = _of_these(order, args.round)
            if args.starts_in:  # the first of those that are loaded starts then
                later_us = (order.rounds[0].order.start_us or first_us) - first_us
                order = _of_these(programme_order(held, staging, first_us - later_us), args.round)
    except ShareError as exc:
        raise BadInput(f"{args.file} at scale {ratio_text(scale)}: {exc}") from exc
    return order


def _of_these(order: ProgrammeOrder, names: list[str]) -> ProgrammeOrder:
    """The order with these rounds alone, without what is forecast for the whole. Raises BadInput for one that is not in
    it.
    """
    known = [one.name for one in order.rounds]
    for name in names:
        if name not in known:
            near = closest(name, known)
            raise BadInput(f"--round {name}", expected=f"one of {', '.join(known)}", did_you_mean=near)
    return order.model_copy(update={"rounds": tuple(one for one in order.rounds if one.name in names), "ties": None})


def _first(args: argparse.Namespace, held: Programme, now_us: Callable[[], int]) -> int:
    """The first round's start in µs since 1970."""
    if args.starts_in:
        try:
            return now_us() + round(duration_s(args.starts_in) * 1_000_000)
        except ValueError as exc:
            raise BadInput(f"--starts-in: {exc}") from exc
    if args.date is None:
        return begins_us(held, datetime.fromtimestamp(now_us() / 1e6, held.timezone).date())
    try:
        return begins_us(held, date.fromisoformat(args.date))
    except (ValueError, OverflowError) as exc:
        raise BadInput(f"--date {args.date}", expected="a day, such as 2016-02-07") from exc


def _show_order(args: argparse.Namespace, held: Programme, order: ProgrammeOrder) -> int:
    if args.json:
        emit({"id": held.id, "order": order.model_dump(mode="json")})
        return 0
    print(f"{held.title.en}\n{held.title.zh}\n")
    rows = [
        [
            one.name, _clock(one.order.start_us or 0, held.timezone), f"{one.order.duration_ms / 1000:g} s",
            f"{one.order.packets:,}", yuan(one.order.budget_fen), str(len(one.order.sponsors)),
        ]
        for one in order.rounds
    ]  # fmt: skip
    print(table(["round", "start", "lasts", "packets", "budget", "sponsors"], rows, "llrrrr"))
    total = sum(one.order.budget_fen for one in order.rounds)
    if order.ties:
        print(f"\nties: {order.ties.expected:,} expected, {order.ties.gained:,} gained in 2016, at this scale")
    print(f"\n{len(held.sponsors)} sponsors, {yuan(total)}; `--load` hands it to control")
    return 0


def _show_loaded(args: argparse.Namespace, control: ControlClient, only: str = "") -> int:
    found = ProgrammeList.model_validate_json(control.call("GET", "/v1/programmes").content)
    chosen = [one for one in found.programmes if only in ("", one.programme) and args.lane in (None, one.lane)]
    if args.json:
        programmes = [{"id": one.programme, **one.model_dump(mode="json")} for one in chosen]
        emit({"now_us": found.now_us, "programmes": programmes})
        return 0
    for one in chosen:
        print(f"programme {one.programme}, lane {one.lane}")
        rows = [_row(entry, found.now_us) for entry in one.rounds]
        print(table(["round", "name", "state", "start", "won", "packets", "fronts"], rows, "rlllrrl"))
        for entry in one.rounds:
            for what in (*entry.waiting_for, *(f"front {f.front}: {f.refused}" for f in entry.fronts if f.refused)):
                print(f"  {entry.name}: {what}")
    if not chosen:
        print("no programme is loaded")
    return 0


def _row(one: ProgrammeEntry, now_us: int) -> list[str]:
    away_s = (one.start_us - now_us) / 1e6
    start = f"in {away_s:,.0f} s" if away_s > 0 else f"{-away_s:,.0f} s ago"
    armed = sum(front.ready and front.leased_packets > 0 for front in one.fronts)
    fronts = f"{armed} of {len(one.fronts)} armed" if one.fronts else "–"
    return [str(one.round), one.name, one.state, start, f"{one.won:,}", f"{one.packets:,}", fronts]


def _clock(at_us: int, zone: timezone) -> str:
    return datetime.fromtimestamp(at_us / 1e6, zone).strftime("%m-%d %H:%M:%S")

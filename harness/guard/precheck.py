"""The pre-check: before the first request, each thing that a run needs is checked; what is broken is refused by name.

Sends no load and changes nothing but its own rehearsal of the kill switch. Finds all that is wrong, not only the first.
"""

from __future__ import annotations

import resource
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import requests

from harness import loopback
from harness.control_client import ControlClient
from harness.errors import EnvironmentNotReady, HarnessError
from harness.guard.kill import generators
from harness.guard.leftovers import left, meeting
from harness.stack.addresses import Addresses
from plans.models.targets import Targets
from system.contract.addresses import is_loopback
from system.contract.history import OP_DTYPE
from system.contract.ids import Lane
from system.contract.places import alone, credit

TIMEOUT_S = 3.0
CLOCK_OFFSET_MS_MAX = 50.0
CLOCK_READS = 5
FILES_BESIDE = 64
"""Open files of a generator beside its connections."""
BYTES_BESIDE = 64 << 20
"""Logs, report and metrics of a run beside its operation records."""
PROMETHEUS_DEADLINE_S = 10.0
PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
PROMETHEUS_STALE_S = 5.0

State = Literal["good", "warning", "refused"]


@dataclass(frozen=True, slots=True)
class Checked:
    """One item and what was found."""

    item: str
    state: State
    says: str


@dataclass(frozen=True, slots=True)
class StartRequest:
    """What is about to be done: where to, how much, from where."""

    addresses: Addresses
    control: ControlClient
    allowed: Targets
    elsewhere: bool
    lane: Lane
    peak_rps: float
    duration_s: float
    taps: float
    users: int
    connections: int
    runs: Path
    register: Path


def precheck(ask: StartRequest) -> list[Checked]:
    """Every item, in the order in which they are printed. Never raises for what it finds."""
    items: tuple[Callable[[StartRequest], Iterator[Checked]], ...] = (
        _lane, _allowed, _limits, _reachable, _clock, _switches, _rounds, _open_files, _local_ports, _disk,
        _kill_switch, _prometheus,
    )  # fmt: skip
    return [checked for item in items for checked in item(ask)]


def refuse(found: list[Checked]) -> None:
    """Raises EnvironmentNotReady that names each broken item; does nothing where all is well."""
    broken = [one for one in found if one.state == "refused"]
    if broken:
        lines = "".join(f"\n  {one.item}: {one.says}" for one in broken)
        raise EnvironmentNotReady(f"the pre-check refuses the start, nothing was sent:{lines}")


def _checked(item: str, good: bool, says: str, otherwise: State = "refused") -> Checked:
    return Checked(item, "good" if good else otherwise, says)


def _urls(ask: StartRequest) -> list[str]:
    """Everywhere that requests go."""
    served = [place for place in ask.addresses.places if place.role in ("control", "front", "play", "credit")]
    return list(dict.fromkeys(url for place in served for url in (place.url, place.metrics_url) if url))


def _lane(ask: StartRequest) -> Iterator[Checked]:
    good = not ask.elsewhere or ask.lane == "stress"
    yield _checked(
        "lane", good, f"lane {ask.lane}" + ("" if good else "; a system elsewhere gets the stress lane alone")
    )


def _allowed(ask: StartRequest) -> Iterator[Checked]:
    wrong = [url for url in _urls(ask) if not is_loopback(url) and ask.allowed.entry(url) is None]
    says = "every address is loopback or stands in the allow-list"
    yield _checked("allow-list", not wrong, f"not in plans/targets.yaml: {', '.join(wrong)}" if wrong else says)


def _limits(ask: StartRequest) -> Iterator[Checked]:
    entries = {entry.id: entry for url in _urls(ask) if (entry := ask.allowed.entry(url)) is not None}
    for entry in entries.values():
        rate = f"{ask.peak_rps:,.0f} taps/s at the peak, {entry.rate_max:,.0f} allowed by {entry.id}"
        yield _checked("rate limit", ask.peak_rps <= entry.rate_max, rate)
        length = f"{ask.duration_s:g} s of load, {entry.duration_max:g} allowed by {entry.id}"
        yield _checked("duration limit", ask.duration_s <= entry.duration_max, length)


def _reachable(ask: StartRequest) -> Iterator[Checked]:
    at = ask.addresses.places
    fronts = [place for place in at.of("front") if place.url]
    if not fronts:
        yield Checked("front", "refused", "no front is known")
    needed = (alone("control"), alone("play"), credit(ask.lane))
    others = [place for none in needed for place in at.of(none.role, lane=ask.lane) or (none,)]
    for place in (*fronts, *others):
        if not place.url:
            optional = ask.elsewhere and place.role != "control"
            yield Checked(place.name, "warning" if optional else "refused", "its address is not known")
            continue
        if not is_loopback(place.url) and ask.allowed.entry(place.url) is None:
            continue  # decided by the allow-list; not even asked whether it is ready
        path = "/metrics" if place.role == "credit" else "/readyz"
        says = _ask_url(place.url.rstrip("/") + path)
        yield _checked(place.name, not says, says or f"{place.url} is ready")


def _ask_url(url: str) -> str:
    """What is wrong with an address, in words; empty if nothing."""
    try:
        status = loopback.get(url, TIMEOUT_S).status_code
    except requests.RequestException as exc:
        return f"{url} does not answer: {type(exc).__name__}"
    return "" if status == 200 else f"{url} answers {status}"


def _clock(ask: StartRequest) -> Iterator[Checked]:
    best_ms, trip_ms = None, float("inf")
    try:
        for _ in range(CLOCK_READS):
            before = time.monotonic_ns()
            there_us = ask.control.now_us()
            here_us, took_ms = time.time_ns() / 1000, (time.monotonic_ns() - before) / 1e6
            if took_ms < trip_ms:
                best_ms, trip_ms = (there_us - here_us) / 1000, took_ms
    except HarnessError as exc:
        yield Checked("clock", "refused", str(exc))
        return
    assert best_ms is not None
    says = f"control's clock is {best_ms:+.1f} ms from this host's; {CLOCK_OFFSET_MS_MAX:g} ms are allowed"
    yield _checked("clock", abs(best_ms) < CLOCK_OFFSET_MS_MAX, says)


def _switches(ask: StartRequest) -> Iterator[Checked]:
    try:
        values = ask.control.switches(ask.lane)
    except HarnessError as exc:
        yield Checked("switches", "refused", str(exc))
        return
    rows: list[tuple[str, int, State]] = [("draw.award", 1, "refused")]
    rows += [("stress.accept", 1, "refused")] if ask.lane == "stress" else []
    # Degraded on purpose: the verdict will show it.
    for key, normal in (
        ("draw.shed_percent", 0),
        ("draw.delay_ms", 0),
        ("draw.release_percent", 100),
        ("credit.pause", 0),
    ):
        rows.append((key, normal, "warning"))
    for key, normal, otherwise in rows:
        value = values.get(key)
        says = f"{key} is {value}" + ("" if value == normal else f", not {normal}: xiu switch set {key} {normal}")
        yield _checked(f"switch {key}", value == normal, says, otherwise)


def _rounds(ask: StartRequest) -> Iterator[Checked]:
    """Rounds that an earlier run left armed. No reason not to start, but they are named, with the command that
    helps.
    """
    try:
        played = [one for one in meeting(left(ask.control), 0.0) if one.round.state != "closing"]
    except HarnessError:
        return  # a control that does not answer is refused by the check of its clock already
    # An open one may be played, by a registered generator or by hand: with a generator it is not left over.
    over = [one for one in played if one.over or not generators(ask.register)]
    if not over:
        yield Checked("rounds", "good", "no round is left over")
    for one in over:
        yield Checked("rounds", "warning", str(one))


def _open_files(ask: StartRequest) -> Iterator[Checked]:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = min(ask.connections, ask.users) + FILES_BESIDE
    enough = soft == resource.RLIM_INFINITY or soft >= needed
    yield _checked("open files", enough, f"the limit is {soft:,}, {needed:,} are needed: ulimit -n {needed}")
    if ask.connections < ask.users:
        says = f"the open-file limit leaves {ask.connections:,} connections for {ask.users:,} users at once"
        yield Checked("connections", "warning", says)


def _local_ports(ask: StartRequest) -> Iterator[Checked]:
    """A connection takes a port of this host; one port serves one connection to each front."""
    try:
        low, high = (int(word) for word in PORT_RANGE.read_text(encoding="utf-8").split())
    except (OSError, ValueError):
        return  # not Linux: not known
    there, needed = high - low + 1, -(-min(ask.connections, ask.users) // max(1, len(ask.addresses.front_urls)))
    says = f"{there:,} local ports for {needed:,} connections to a front"
    yield _checked("local ports", there >= needed, says + ("" if there >= needed else f": widen {PORT_RANGE}"))


def _disk(ask: StartRequest) -> Iterator[Checked]:
    ask.runs.mkdir(parents=True, exist_ok=True)
    needed = int(ask.taps * OP_DTYPE.itemsize) + BYTES_BESIDE
    free = shutil.disk_usage(ask.runs).free
    says = f"{free >> 20:,} MiB free for {needed >> 20:,} MiB of records in {ask.runs}"
    yield _checked("disk", free >= needed, says)


def _kill_switch(ask: StartRequest) -> Iterator[Checked]:
    """Writes what the register would get, reads it back, and takes it away."""
    path = ask.register / ".rehearsal"
    try:
        ask.register.mkdir(parents=True, exist_ok=True)
        path.write_text("rehearsed")
        good = path.read_text() == "rehearsed"
        path.unlink()
    except OSError as exc:
        yield Checked("kill switch", "refused", f"its register cannot be written: {ask.register}: {exc.strerror}")
        return
    yield _checked("kill switch", good, "its register can be written")


def _prometheus(ask: StartRequest) -> Iterator[Checked]:
    url = ask.addresses.prometheus_url
    if url is None:
        return
    until, says = time.monotonic() + PROMETHEUS_DEADLINE_S, "it has no sample"
    while time.monotonic() < until:
        try:
            form = {"query": "time() - max(timestamp(up == 1))"}
            result = loopback.get(f"{url}/api/v1/query", TIMEOUT_S, params=form).json()["data"]["result"]
            age = float(result[0]["value"][1]) if result else None
        except (requests.RequestException, ValueError, KeyError) as exc:
            says, age = f"{url} does not answer: {type(exc).__name__}", None
        if age is not None and age <= PROMETHEUS_STALE_S:
            yield Checked("prometheus", "good", f"its last sample is {age:.1f} s old")
            return
        says = says if age is None else f"its last sample is {age:.0f} s old"
        time.sleep(0.1)
    yield Checked("prometheus", "refused", f"it receives nothing: {says}")

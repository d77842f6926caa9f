"""Several accounts of generators as one: of workers that sent side by side, of rounds one after the other. Pure.

Counts are added, histograms are added and their percentiles taken from the sum, the highest lag and CPU share stand.
One account alone stays as it is. A percentile is never averaged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from harness.engine.histogram import Histogram, merged

Account = dict[str, Any]
TIMES = ("response", "service", "lag", "queued")


def side_by_side(accounts: Sequence[Account]) -> Account:
    """Of the workers of one fire. Their seconds are the same seconds; what a second's percentiles are made of is in
    `seconds[].buckets`, where a cannon is one of several.
    """
    if len(accounts) == 1:
        return accounts[0]

    def together(parts: Sequence[Account]) -> Account:
        rows: dict[int, list[dict[str, Any]]] = {}
        for row in (row for part in parts for row in part["seconds"]):
            rows.setdefault(row["second"], []).append(row)
        span_s = max(part["load"]["measured"]["seconds"] for part in parts)
        return _sum(parts, [_second(rows[number]) for number in sorted(rows)], span_s, sum)

    return _whole(accounts, together, sum)


def one_after_the_other(accounts: Sequence[tuple[float, Account]]) -> Account:
    """Of the rounds of one run, each with the run second of its first intended tap."""
    if len(accounts) == 1:
        return accounts[0][1]
    begins = [round(begins_s) for begins_s, _ in accounts]

    def together(parts: Sequence[Account]) -> Account:
        rows = [
            {**row, "second": row["second"] + first}
            for first, part in zip(begins, parts, strict=True)
            for row in part["seconds"]
        ]
        # The same users and connections play every round.
        return _sum(parts, rows, sum(part["load"]["measured"]["seconds"] for part in parts), max)

    return _whole([account for _, account in accounts], together, max)


def all_journeys(account: Account) -> Account:
    """Every journey added up at the top, where one is not the plan's own, and each by its name under `beside`.

    Of a generator whose seconds carry their buckets.
    """
    parts: list[Account] = [
        {name: value for name, value in account.items() if name != "beside"},
        *account.get("beside", ()),
    ]
    if len(parts) == 1:
        return account
    rows: dict[int, list[dict[str, Any]]] = {}
    for row in (row for part in parts for row in part["seconds"]):
        rows.setdefault(row["second"], []).append(row)
    together = _sum(
        parts, [_second(rows[number]) for number in sorted(rows)], account["load"]["measured"]["seconds"], sum
    )
    together["load"]["users"] = account["load"]["users"]
    return account | together | {"beside": parts}


Again = Callable[[Iterable[int]], int]
"""Counts of things that each account has: their sum where the things differ, else the largest."""


def _whole(accounts: Sequence[Account], together: Callable[[Sequence[Account]], Account], again: Again) -> Account:
    """The plan's own journey at the top, and each of the others by its name."""
    first = accounts[0]
    whole = first | together(accounts)
    whole["load"]["users"] = again(account["load"]["users"] for account in accounts)
    beside = [{part["journey"]: part for part in account.get("beside", ())} for account in accounts]
    return whole | {
        "beside": [part | together([parts[name] for parts in beside]) for name, part in beside[0].items()],
        "stopped_early": any(account["stopped_early"] for account in accounts),
        "generator": _generator([account["generator"] for account in accounts]),
        "stop": next((account["stop"] for account in accounts if account["stop"] is not None), None),
        "plans_differ": any(_windows(account) != _windows(first) for account in accounts),
        "awards": sum(account["awards"] for account in accounts),
        "surprises": sum(account.get("surprises", 0) for account in accounts),
        "tickets": [ticket for account in accounts for ticket in account.get("tickets", ())],
        "resources": _resources([account["resources"] for account in accounts]),
    }


def _windows(account: Account) -> list[tuple[int, Any]]:
    """The windows of a climb that were played: each cannon plays the same, or their figures are of several plans."""
    played = account.get("rate_versions", ())
    return [(one["version"], one["segments"]) for one in played if isinstance(one["segments"][0], list)]


def _sum(parts: Sequence[Account], seconds: list[dict[str, Any]], span_s: float, again: Again) -> Account:
    """One journey of all accounts."""
    found = [part["load"] for part in parts]
    good = sum(load["good_rps"] * load["measured"]["seconds"] for load in found)
    load = added(found)
    measured = load["measured"] | {"seconds": span_s}
    load |= {
        "measured": measured,
        "offered_rps": measured["scheduled"] / span_s,
        "achieved_rps": measured["sent"] / span_s,
        "good_rps": good / span_s,
    }
    times = {name: _histogram(parts, name) for name in parts[0]["histograms"]}
    return {
        "load": load,
        "latency_ms": {name: times[name].summary_ms() for name in TIMES}
        | {"good": {name: times[f"good_{name}"].summary_ms() for name in ("response", "service")}},
        "mean_ms": {name: times[name].mean_ms for name in TIMES},
        "seconds": seconds,
        "histograms": {name: histogram.to_json() for name, histogram in times.items()},
        "clumps": _clumps([part["clumps"] for part in parts]),
        "connections": again(part["connections"] for part in parts),
    }


def added(blocks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Counts by name, also those in blocks of their own, each added up."""
    out: dict[str, Any] = {}
    for name in dict.fromkeys(name for block in blocks for name in block):
        values = [block[name] for block in blocks if name in block]
        out[name] = added(values) if isinstance(values[0], dict) else sum(values)
    return out


def _histogram(accounts: Sequence[Account], name: str) -> Histogram:
    return merged(Histogram.from_json(account["histograms"][name]) for account in accounts)


def _second(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """One second of all workers; its percentiles from the sum of their buckets."""
    counts = added([{k: v for k, v in row.items() if isinstance(v, int)} for row in rows])
    times = {name: merged(Histogram.from_json(row["buckets"][name]) for row in rows) for name in rows[0]["buckets"]}
    return counts | {
        "second": rows[0]["second"],
        "response_p50_ms": times["response"].percentile_ms(50),
        "response_p99_ms": times["response"].percentile_ms(99),
        "service_p99_ms": times["service"].percentile_ms(99),
        "lag_p99_ms": times["lag"].percentile_ms(99),
    }


_HIGHEST = ("cpu_max", "steal", "steal_max")


def _generator(own: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Valid only if each was; the busiest's CPU, what the worst host took, and late taps of all."""
    most = {name: max((one[name] for one in own if one[name] is not None), default=None) for name in _HIGHEST}
    return {
        "valid": all(one["valid"] for one in own),
        "reasons": [text for one in own for text in one["reasons"]],
        "said": [reason for one in own for reason in one.get("said") or [{}] * len(one["reasons"])],
        **most,
        "late": sum(one["late"] for one in own),
        "seconds": max(one["seconds"] for one in own),
        "bad_seconds": max(one["bad_seconds"] for one in own),
    }


def _clumps(blocks: Sequence[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """The most clumped of them, since bounds that are too wide are safe. A percentile that only the sum has samples for
    has the largest there is.
    """
    out: dict[str, dict[str, float]] = {}
    for name in blocks[0]:
        most = max((value for block in blocks for value in block[name].values()), default=1.0)
        out[name] = dict.fromkeys(("p50", "p95", "p99", "p999"), most)
        for percentile in out[name]:
            percentiles = [block[name][percentile] for block in blocks if percentile in block[name]]
            out[name][percentile] = max(percentiles, default=most)
    return out


def _resources(used: Sequence[dict[str, float] | None]) -> dict[str, float] | None:
    """CPU of all; the largest memory. None where one does not tell."""
    known = [one for one in used if one]
    if len(known) < len(used):
        return None
    return {"cpu_s": round(sum(one["cpu_s"] for one in known), 2), "rss_mib_max": max(o["rss_mib_max"] for o in known)}

"""Inputs → indicators with a band each. Pure and seeded: equal inputs give equal bands. See docs/forecast.md."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from harness.forecast.limit import Quick, curve, refused_share, step_of
from harness.forecast.share import Share
from harness.forecast.target import TOLERANCE, Target
from plans.models import Forecast, StressPlan
from plans.models.forecast import Range

Floats = npt.NDArray[np.float64]

DRAWS = 2_000
MOST_DRAWN = 900_000_000


def _draw(random: np.random.Generator, figure: Range) -> Floats:
    low, mid, high = figure.bounds()
    if low == high:
        return np.full(DRAWS, mid)
    return random.triangular(low, mid, high, DRAWS)


def _p(values: Floats, percent: float) -> float:
    return float(np.percentile(values, percent))


def _demand(forecast: Forecast, plan: StressPlan, share: Share, random: np.random.Generator) -> Iterator[Target]:
    inputs = forecast.inputs
    taps = (
        _draw(random, inputs.audience) * _draw(random, inputs.tapping_at_once) * _draw(random, inputs.taps_per_client)
    )
    offered = taps * float(share.scale)
    low, high = min(_p(offered, 10), share.peak_rps), max(_p(offered, 90), share.peak_rps)
    yield Target(
        indicator="offered_rps", link="client-front", cls="demand", unit="1/s",
        lower=low, expected=share.peak_rps, upper=high,
        why="audience × share tapping at once × taps per client × scale; P10 and P90 of 2,000 draws",
    )  # fmt: skip
    yield Target(
        indicator="answered_rps", link="client-front", cls="delivery", unit="1/s",
        lower=low * (1 - TOLERANCE), expected=share.peak_rps, upper=high * (1 + TOLERANCE),
        why="every tap that is offered is answered, refusals too",
    )  # fmt: skip
    yield _refused(forecast, plan, share, random)


def _refused(forecast: Forecast, plan: StressPlan, share: Share, random: np.random.Generator) -> Target:
    inputs = forecast.inputs
    usual = inputs.taps_per_client.mid
    step_s = step_of(share.duration_s)
    segments = plan.segments(share.peak_rps, share.duration_s)
    rates = curve(segments, step_s)
    # Probes are not scaled, and take the place of people's taps: few at the gala, every tenth at a small share.
    tapped = max(0.01, 1 - plan.probes.total / (float(curve(segments, step_s, phases=(0, 1)).sum()) * step_s))
    # Only whole people tap: of the 1.4 too-fast users of a small share one is played.
    played = round(share.tapping_at_once * share.too_fast_share) / share.tapping_at_once
    factors = np.append(_draw(random, inputs.too_fast_taps) / usual, [share.too_fast_factor] * 2)
    clients = np.append(_draw(random, inputs.too_fast_clients), [share.too_fast_share, played])
    quick = Quick(share=clients, factor=factors)
    refused = tapped * refused_share(rates * tapped, share, forecast, quick, step_s)
    in_parts, mid = float(refused[-2]), float(refused[-1])
    rounded = mid / in_parts if in_parts else 1.0
    return Target(
        indicator="refused_share", link="client-front", cls="demand", unit="1",
        lower=min(_p(refused[:-2], 10) * min(rounded, 1), mid), expected=mid,
        upper=max(_p(refused[:-2], 90) * max(rounded, 1), mid),
        why="what fingers quicker than the limit send beyond it and its burst, of all taps",
    )  # fmt: skip


def _quality(forecast: Forecast, plan: StressPlan, share: Share) -> Iterator[Target]:
    inputs, promised = forecast.inputs, plan.objectives
    yield Target(
        indicator="response_p99_ms", link="client-front", cls="quality", unit="ms",
        lower=inputs.response_p99.low * 1000, expected=inputs.response_p99.mid * 1000,
        upper=promised.response_p99 * 1000,
        why="from the intended time; expected on a quiet machine, and at most what the plan promises",
    )  # fmt: skip
    taps = share.peak_rps * share.duration_s / inputs.peak_factor.mid
    share_of_errors = inputs.error_share
    expected = share_of_errors.mid * taps
    yield Target(
        indicator="errors", link="client-front", cls="quality", unit="taps",
        lower=share_of_errors.low * taps, expected=expected,
        upper=max(expected, promised.errors, share_of_errors.high * taps),
        why="taps without a right answer: unknown, or refused though nothing was wrong with them",
    )  # fmt: skip
    delay = inputs.credit_delay_p99
    yield Target(
        indicator="credit_delay_p99_s", link="credit-postgres", cls="quality", unit="s",
        lower=delay.low, expected=delay.mid, upper=promised.credit_delay_p99,
        why="win to balance, declared faults left out; at most what the plan promises",
    )  # fmt: skip
    drain = inputs.credit_drain
    yield Target(
        indicator="drain_s", link="credit-postgres", cls="quality", unit="s",
        lower=drain.low * share.duration_s, expected=drain.mid * share.duration_s, upper=drain.high * share.duration_s,
        why="the backlog at the round's end is worked off within this part of the round",
    )  # fmt: skip


def _delivery(forecast: Forecast, share: Share, random: np.random.Generator) -> Iterator[Target]:
    inputs = forecast.inputs
    unsold = _draw(random, inputs.unsold) if inputs.unsold.high else np.zeros(DRAWS)
    least = int(share.packets * (1 - inputs.unsold.high))
    yield Target(
        indicator="wins", link="front-valkey", cls="delivery", unit="packets",
        lower=least, expected=round(share.packets * (1 - inputs.unsold.mid)), upper=share.packets,
        why="each packet is won once; at most the leases of a dead front stay unused",
    )  # fmt: skip
    pool = inputs.pool_share
    yield Target(
        indicator="pool_lasts_s", link="front-valkey", cls="delivery", unit="s",
        lower=pool.low * share.duration_s, expected=share.release_s, upper=pool.high * share.duration_s,
        why="opening to the last win; the release gate spreads the packets over this part of the round",
    )  # fmt: skip
    spent = _spent(share, np.minimum(np.ceil(unsold * share.packets).astype(int), share.packets - least), random)
    for number, (sponsor, given) in enumerate(zip(share.sponsors, forecast.sponsors, strict=True)):
        mean = share.packets * (1 - inputs.unsold.mid) / share.packets * sponsor.budget_fen
        yield Target(
            indicator=f"sponsor_{sponsor.sponsor}_fen", link="credit-postgres", cls="delivery", unit="fen",
            lower=float(min(spent[number].min(), mean)), expected=round(mean), upper=sponsor.budget_fen,
            name=given.name,
            why=f"{sponsor.name}: its budget, less the amounts of packets that stay unused",
        )  # fmt: skip


def _spent(share: Share, unsold: npt.NDArray[np.int_], random: np.random.Generator) -> Floats:
    """Fen of each sponsor when so many random packets of the round stay unused; shape (sponsors, draws)."""
    owner = np.repeat(np.arange(len(share.sponsors)), [len(s.classes) for s in share.sponsors])
    amounts = np.array([fen for s in share.sponsors for fen, _ in s.classes], dtype=np.float64)
    counts = np.array([n for s in share.sponsors for _, n in s.classes], dtype=np.int64)
    # numpy draws from fewer than 10^9 packets; a larger round is drawn in units of several.
    unit = -(-int(counts.sum()) // MOST_DRAWN)
    counts, unsold = np.maximum(counts // unit, 1), unsold // unit
    out = np.empty((len(share.sponsors), len(unsold)))
    budgets = np.array([s.budget_fen for s in share.sponsors], dtype=np.float64)
    for draw, number in enumerate(unsold):
        lost = random.multivariate_hypergeometric(counts, int(number), method="marginals") * amounts * unit
        out[:, draw] = budgets - np.bincount(owner, weights=lost, minlength=len(share.sponsors))
    return out


def _invariants() -> Iterator[Target]:
    for indicator, link, unit, why in (
        ("residue_fen", "credit-postgres", "fen", "every fen of the budget is in exactly one place"),
        ("wins_residue", "front-valkey", "wins", "wins seen, logged and posted are the same wins"),
    ):
        yield Target(indicator=indicator, link=link, cls="invariant", unit=unit, lower=0, expected=0, upper=0, why=why)


def compute(forecast: Forecast, plan: StressPlan, share: Share) -> tuple[Target, ...]:
    """Every indicator with its band, in the order of a tap's life."""
    random = np.random.default_rng(np.random.SeedSequence([plan.seed, 0xF04E]))
    return (
        *_demand(forecast, plan, share, random),
        *_quality(forecast, plan, share),
        *_delivery(forecast, share, random),
        *_invariants(),
    )

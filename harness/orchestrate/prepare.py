"""From a plan and a running system to an order: round, tokens, probes, cannon configuration. Talks to control alone."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.control_client import ControlClient
from harness.engine import shots
from harness.engine.config import Beside, CannonConfig, ProbeTokens
from harness.engine.schedule import pieces_of, steepest
from harness.forecast.share import Share
from harness.guard.kill import REGISTER
from harness.orchestrate import closing
from harness.orchestrate.climbing import rate_plan
from harness.orchestrate.fire_order import FireOrder
from harness.orchestrate.fronts import uneven_tokens
from harness.orchestrate.way import STRAIGHT, Way
from plans.models import StressPlan
from system.contract.api import RoundOrder, RoundPublic, SponsorSplit
from system.contract.ids import Lane
from system.contract.routing import Topology, front_of

FIRST_UID = 1_000_000
PROBE_UID = 1 << 40
"""Probes use a range of users of their own, so that a win of one of them is a probe's."""
TAP_S_TO_LOAD, CONNECTION_S = 1 / 600_000, 1 / 5_000
LEAD_S, BURST_LEAD_S = 1.5, 4.0
"""A cannon starts within this, beside the time to load each tap and to open each connection. A burst's has nobody who
stands ready for it.
"""
SLOWER, LEAD_MOST_S = 2.0, 20.0
"""On a machine that needs long to load Locust the cannon needs long, too: two or three times as long as it needs."""
LEASE_S = 5.0
FEWEST_CONNECTIONS = 8
"""Connections of a journey beside the taps: one slow answer must not delay its next request."""
PUBLIC = "public"
"""The file with the live lane's tokens, where a journey is the public's."""
USERS_A_PLACE = 2
"""Of the public: whoever has won goes on, so there are some more users than tap at once."""
OPERATOR = "operator"
"""The file with the operators' token, where a journey is an operator's."""
RATE_HEADROOM = 1.25
"""Room for a rate raised by hand; the memory of every tap is touched before the start."""


@dataclass(frozen=True, slots=True)
class PreparedRound:
    """The armed round, the order to fire, and where the round's window lies in the plan's seconds."""

    round: RoundPublic
    order: FireOrder
    duration_s: float
    """From the first intended tap to the end of the plan."""
    topology: Topology
    public: RoundPublic | None = None
    """The public's round of the live lane, where a journey of the plan is the public's: over the same seconds."""

    @property
    def round_ids(self) -> tuple[int, ...]:
        """Of all that is armed."""
        return (self.round.round, *((self.public.round,) if self.public else ()))


@dataclass(frozen=True, slots=True)
class RoundPlace:
    """A round's place in its run. `number` counts from 1; `first_wall_ns`: the first intended tap of the run's first
    round, None for that round itself; `season`: the one whose tickets losing taps carry.
    """

    number: int = 1
    first_wall_ns: int | None = None
    season: int | None = None

    def pad_us(self, t0_wall_ns: int) -> int:
        """Time after the first round at which this round begins, in whole seconds: one time base for all."""
        return 0 if self.first_wall_ns is None else -((t0_wall_ns - self.first_wall_ns) // 1000) % 1_000_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """What the machine allows beside the plan."""

    connections: int
    cpu: int | None
    workers: int = 1


def prepare(
    control: ControlClient,
    plan: StressPlan,
    share: Share,
    lane: Lane,
    sizes: Sizes,
    run_id: str,
    folder: Path,
    register: Path,
    seed: int,
    stack: Path | None = None,
    since_s: float | None = None,
    place: RoundPlace | None = None,
    way: Way = STRAIGHT,
    lead_s: float = LEAD_S,
) -> PreparedRound:
    """Tokens, armed round, order; raises ControlError, ControlAway. `stack`: folder of the one aimed at; `since_s`:
    when the run began, or now; `place`: among the plan's rounds; `way`: to the fronts; `lead_s`: for any generator.
    """
    folder, register, topology = folder.resolve(), register.resolve(), control.topology()  # it fires elsewhere
    place, stretch = place or RoundPlace(), plan.stretch(share.duration_s)
    files = {"tokens": "\n".join(_tokens(control, plan, lane, share.users, topology)) + "\n"}
    probes = _probes(control, plan, lane, topology, files)
    traffic = _traffic(control, plan, share, sizes, topology, files)
    lead_s += _taps(share, plan, stretch) * TAP_S_TO_LOAD + _connections(share, sizes) * CONNECTION_S
    t0_us = control.now_us() + int(lead_s * 1e6) + place.pad_us(time.time_ns() + int(lead_s * 1e9))
    round_ = control.create_round(_round_order(plan, share, lane, t0_us, place.season))
    with closing.given_back(control, round_.round):
        tag = control.tag(run_id) if lane == "stress" else None
        public = None
        if PUBLIC in files:
            public = control.create_round(_round_order(plan, share, "live", t0_us, None))
            traffic["public_round"] = public.round
        with closing.given_back(control, *((public.round,) if public else ())):
            # Control's clock is this host's or close to it; the rest of the difference moves all taps alike.
            t0_wall_ns = time.time_ns() + (t0_us - control.now_us()) * 1000
    config = CannonConfig(
        fronts=tuple(urlsplit(way.to(url)).netloc for url in topology.fronts),
        tokens="tokens",
        result="result.json",
        connections=_connections(share, sizes),
        run_id=run_id,
        round=round_.round,
        seed=seed,
        too_fast_share=share.too_fast_share,
        too_fast_factor=share.too_fast_factor,
        probes=tuple(probes),
        tag=tag,
        season=place.season or 1,
        sponsor=share.sponsors[0].sponsor,
        history="history",
        wait_for_start=True,
        lease_s=LEASE_S,
        kill_file=str(folder / "kill"),
        cpu=sizes.cpu,
        drain_s=plan.drain.answers,
        objective_ms=plan.objectives.response_p99 * 1000,
        ready_timeout_s=lead_s + 21,
        **rate_plan(plan, share, sizes.workers, RATE_HEADROOM),
        **traffic,
    )
    order = FireOrder(
        run_id=run_id, folder=str(folder), t0_wall_ns=t0_wall_ns, config=json.loads(config.to_json()), files=files,
        register=str(register), beside=beside(stack), number=place.number,
        since_s=time.time() if since_s is None else since_s,
    )  # fmt: skip
    return PreparedRound(round_, order, plan.warm_up.duration + plan.measured_s * stretch, topology, public)


def _round_order(plan: StressPlan, share: Share, lane: Lane, t0_us: int, season: int | None) -> RoundOrder:
    """The round whose first intended tap is at `t0_us` of control's clock."""
    return RoundOrder(
        lane=lane,
        sponsors=share.sponsors,
        start_us=t0_us + int(plan.round.opens * 1e6),
        duration_ms=round(share.duration_s * 1000),
        release_ms=round(share.release_s * 1000),
        season=season,
    )


def lead_after(stood_s: float) -> float:
    """Seconds from the order to the first tap, for a generator that took so many to stand ready for it."""
    return min(max(LEAD_S, SLOWER * stood_s), LEAD_MOST_S)


def beside(stack: Path | None) -> str:
    """The register of generators in the folder of a stack; empty for a system elsewhere."""
    return "" if stack is None else str(stack.resolve() / REGISTER)


def burst(
    control: ControlClient,
    share: Share,
    length_s: float,
    sizes: Sizes,
    folder: Path,
    register: Path,
    stack: Path | None = None,
) -> PreparedRound:
    """A constant rate of `share.peak_rps` on a round of the stress lane, for calibration; no history, few packets."""
    lead_s = BURST_LEAD_S + share.peak_rps * length_s * TAP_S_TO_LOAD
    topology = control.topology()
    t0_us = control.now_us() + int(lead_s * 1e6)
    packets = SponsorSplit(sponsor=1, name="calibration", classes=((1, 16),))
    round_ = control.create_round(
        RoundOrder(lane="stress", sponsors=(packets,), start_us=t0_us - 1000, duration_ms=round(length_s * 1000) + 500)
    )
    with closing.given_back(control, round_.round):
        tag = control.tag("calibration")
        tokens = control.tokens("stress", FIRST_UID, share.users)
        t0_wall_ns = time.time_ns() + (t0_us - control.now_us()) * 1000
    config = CannonConfig(
        fronts=tuple(urlsplit(url).netloc for url in topology.fronts),
        segments=({"kind": "constant", "rate_rps": share.peak_rps, "duration_s": length_s, "phase": 1},),
        tokens="tokens",
        result="result.json",
        slots=share.tapping_at_once,
        connections=min(sizes.connections, share.tapping_at_once),
        run_id="calibration",
        round=round_.round,
        tag=tag,
        wait_for_start=True,
        lease_s=LEASE_S,
        kill_file=str(folder / "kill"),
        cpu=sizes.cpu,
        drain_s=3.0,
        ready_timeout_s=lead_s + 20,
    )
    order = FireOrder(
        run_id="calibration",
        folder=str(folder),
        t0_wall_ns=t0_wall_ns,
        config=json.loads(config.to_json()),
        files={"tokens": "\n".join(tokens) + "\n"},
        register=str(register),
        beside=beside(stack),
    )
    return PreparedRound(round_, order, length_s, topology)


def _connections(share: Share, sizes: Sizes) -> int:
    """Of the taps' journey."""
    return min(sizes.connections, share.tapping_at_once)


def _taps(share: Share, plan: StressPlan, stretch: float) -> float:
    """An upper bound of the plan's requests."""
    return peak_rps(plan, share) * (plan.warm_up.duration + plan.measured_s * stretch)


def peak_rps(plan: StressPlan, share: Share) -> float:
    """Requests of all journeys a second, at the taps' peak."""
    return share.peak_rps + sum(one.peak_rps(share.peak_rps, float(share.scale)) for one in plan.beside)


def step_rps(plan: StressPlan, share: Share) -> float:
    """By how much the rate of all journeys rises within a second at most, requests a second."""
    curves = [plan.segments(share.peak_rps, share.duration_s)]
    curves += [plan.segments_of(one, share.peak_rps, float(share.scale), share.duration_s) for one in plan.beside]
    return sum(steepest(pieces_of(segments)) for segments in curves)


def _traffic(
    control: ControlClient, plan: StressPlan, share: Share, sizes: Sizes, topology: Topology, files: dict[str, str]
) -> dict[str, Any]:
    """The taps' journey, and those beside it: the same users, over as many connections as their part of the taps' rate
    says.
    """
    found: list[Beside] = []
    for one in plan.beside:
        part = one.peak_rps(share.peak_rps, float(share.scale)) / share.peak_rps
        at = topology.fronts if shots.find(one.shot).at == "fronts" else (control.play_url,)
        fewest = max(sizes.workers, len(at), FEWEST_CONNECTIONS)
        who = getattr(shots.find(one.shot), "who", "user")
        slots = max(fewest, round(share.tapping_at_once * part))
        if who == PUBLIC:
            files[PUBLIC] = "\n".join(control.tokens("live", FIRST_UID, USERS_A_PLACE * slots)) + "\n"
        else:
            slots = min(share.tapping_at_once, slots)
        found.append(
            Beside(
                journey=one.name,
                shot=one.shot,
                addresses=tuple(urlsplit(url).netloc for url in at),
                segments=tuple(plan.segments_of(one, share.peak_rps, float(share.scale), share.duration_s)),
                slots=slots,
                connections=min(slots, max(fewest, round(sizes.connections * min(1.0, part)))),
                after=one.after or "",
                on=one.on,
                each=one.each,
                patience_s=one.patience,
            )
        )
    played: dict[str, Any] = {"shot": plan.taps.shot, "journey": plan.taps.name, "beside": tuple(found)}
    if any(getattr(shots.find(one.shot), "who", "user") == "operator" for one in plan.beside):
        files[OPERATOR] = control.admin_token
        played["operator"] = OPERATOR
    if PUBLIC in files:
        played["public"] = PUBLIC
    return played


def _tokens(control: ControlClient, plan: StressPlan, lane: Lane, users: int, topology: Topology) -> list[str]:
    """Of the run's users: the first there are, or those who make its fronts uneven."""
    if plan.last_front is None:
        return control.tokens(lane, FIRST_UID, users)
    return uneven_tokens(
        lambda first, count: control.tokens(lane, first, count), FIRST_UID, users, plan.last_front, topology
    )


def _probes(
    control: ControlClient, plan: StressPlan, lane: Lane, topology: Topology, files: dict[str, str]
) -> list[ProbeTokens]:
    """Tokens that must win nothing; on a system of one front a foreign user is one of the other lane."""
    other: Lane = "live" if lane == "stress" else "stress"
    wanted = plan.probes
    kinds: dict[str, list[str]] = {}
    if wanted.forged:
        kinds["forged"] = [_forge(token) for token in control.tokens(lane, PROBE_UID, wanted.forged)]
    if wanted.expired:
        kinds["expired"] = control.tokens(lane, PROBE_UID + (1 << 30), wanted.expired, ttl_s=-60)
    if wanted.foreign:
        from_lane = lane if len(topology.fronts) > 1 else other
        kinds["foreign"] = control.tokens(from_lane, PROBE_UID + (1 << 31), wanted.foreign)
    for kind, tokens in kinds.items():
        files[kind] = "\n".join(tokens) + "\n"
    return [ProbeTokens(kind, kind, len(tokens)) for kind, tokens in kinds.items()]


def _forge(token: str) -> str:
    """The token with another last digit of its signature."""
    return token[:-1] + ("0" if token[-1] != "0" else "1")


def owner(uid: int, topology: Topology) -> str:
    """Address of the front that owns a user."""
    return topology.fronts[front_of(uid, topology)]

"""From a plan for one's own service to the order of its generator. Sends nothing."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from harness.engine.config import Beside, CannonConfig
from harness.engine.prepared import NAME, PreparedJourney, TlsTrust, write_requests
from harness.engine.schedule import pieces_of
from harness.forecast.share import apportion
from harness.guard.climb import ClimbPath
from harness.guard.kill import REGISTER
from harness.orchestrate.climbing import path_up
from harness.orchestrate.fire_order import FireOrder
from harness.orchestrate.prepare import CONNECTION_S, LEASE_S, TAP_S_TO_LOAD
from harness.service.order import ServiceOrder
from harness.service.requests import bytes_of, route
from plans.models.service import ServicePlan
from plans.models.target_service import LocustTarget, UrlTarget
from system.contract.addresses import read_address

OWN_LOCUSTFILE = Path(__file__).resolve().parent.parent / "journeys" / "own_locustfile.py"
TASKS_VARIABLE = "XIU_OWN_TASKS"
FEWEST, MOST, MOST_READY = 8, 1_000, 200
"""Connections of a request, where the plan does not say: about one for each request of a second."""
RATE_HEADROOM = 1.25


def weights_of(target: UrlTarget) -> list[float]:
    """The part of the rate that each request has."""
    whole = sum(one.weight for one in target.each)
    return [one.weight / whole for one in target.each]


def connections_of(plan: ServicePlan, target: UrlTarget) -> list[int]:
    """Of each request; each worker has one of each at least."""
    parts = weights_of(target)
    if target.connections is not None:
        spare = target.connections - plan.workers * len(parts)
        return [plan.workers + more for more in apportion(max(0, spare), [Fraction(one.weight) for one in target.each])]
    peak_rps = plan.rate * max(1.0, plan.top)
    return [min(MOST, max(FEWEST, plan.workers, math.ceil(peak_rps * part))) for part in parts]


def path_of(plan: ServicePlan) -> ClimbPath | None:
    """The climb of a plan at its foot; None of a plan that is none."""
    return None if plan.climb is None else path_up(plan.climb, plan.rate, plan.warm_up.duration)


def rate_plan(plan: ServicePlan, part: float) -> dict[str, Any]:
    """What the generator is told at the beginning of a request with so large a part of the rate: all of its times; of a
    climb the warm-up and the first window, with room for the longest climb.
    """
    segments, path = plan.segments(part), path_of(plan)
    if path is None:
        return {"segments": tuple(segments)}
    warm = [segment for segment in segments if segment["phase"] == 0]
    warm_count = sum(piece.taps for piece in pieces_of(warm)) if warm else 0.0
    first = path.windows[0].segments(part)
    return {"segments": (*warm, *first), "room": path.room(warm_count, plan.workers, part)}


def fire_order(
    order: ServiceOrder, target: UrlTarget, tokens: Sequence[str], run_id: str, folder: Path, lead_s: float,
    cpu: int | None,
) -> FireOrder:  # fmt: skip
    """Everything that the generator needs; it carries secrets. Raises BadInput, EnvironmentNotReady."""
    plan, folder = order.plan, folder.resolve()
    address = read_address("service", target.url)
    files = {f"requests{chr(97 + number // 26)}{chr(97 + number % 26)}": one for number, one in enumerate(target.each)}
    prepared = tuple(
        PreparedJourney(one.request, one.method, route(target, one), name, one.expect.status, one.expect.contains)
        for name, one in files.items()
    )
    wires, parts = connections_of(plan, target), weights_of(target)
    tls = TlsTrust(address.host, "authorities" if target.tls else None) if address.scheme == "https" else None
    lead_s += plan.rate * plan.length_s * TAP_S_TO_LOAD + sum(wires) * CONNECTION_S
    config = CannonConfig(
        fronts=(address.endpoint,),
        **rate_plan(plan, parts[0]),
        goes_on=plan.climb is not None,
        tokens="",
        result="result.json",
        slots=wires[0],
        connections=wires[0],
        run_id=run_id,
        seed=plan.seed,
        taps_after_win=None,
        history="history",
        wait_for_start=True,
        lease_s=LEASE_S,
        kill_file=str(folder / "kill"),
        cpu=cpu,
        timeout_s=target.timeout,
        queue_timeout_s=2 * target.timeout,
        drain_s=plan.drain.answers,
        rate_headroom=RATE_HEADROOM if len(parts) == 1 and plan.climb is None else 1.0,
        objective_ms=plan.objectives.response_p99 * 1000,
        ready_timeout_s=lead_s + 21,
        shot=NAME,
        journey=prepared[0].journey,
        beside=tuple(
            Beside(one.journey, NAME, (address.endpoint,), slots=wire, connections=wire, **rate_plan(plan, part))
            for one, part, wire in zip(prepared[1:], parts[1:], wires[1:], strict=True)
        ),
        prepared=prepared,
        tls=tls,
    )
    texts = {}
    for number, (name, one) in enumerate(files.items()):
        place = order.at("target", *(("requests", number) if target.requests is not None else ()))
        texts[name] = write_requests(bytes_of(target, one, order.environment, tokens, place))
    if tls is not None and target.tls is not None:
        texts["authorities"] = order.file(target.tls.ca).read_text(encoding="utf-8")
    return FireOrder(
        run_id=run_id, folder=str(folder), t0_wall_ns=time.time_ns() + int(lead_s * 1e9),
        config=json.loads(config.to_json()), files=texts, register=str((order.runs / REGISTER).resolve()),
        since_s=order.begun_s,
    )  # fmt: skip


def users_of(plan: ServicePlan, target: LocustTarget) -> int:
    """How many stand ready to take a task each."""
    return target.users or min(MOST_READY, max(FEWEST, math.ceil(plan.rate * max(1.0, plan.top))))


def told_of(order: ServiceOrder, target: LocustTarget, refused: Mapping[str, str], folder: Path) -> dict[str, str]:
    """What a Locust with somebody's own file is told at its start. `refused`: by entry of the allow-list, why the load
    may not go there; `folder`: of the run.
    """
    told = {
        "folder": str(folder.resolve()),
        "locustfile": str(order.file(target.locustfile)),
        "host": target.host and target.host.rstrip("/"),
        "classes": list(target.classes),
        "users": users_of(order.plan, target),
        "refused": dict(refused),
    }
    return {TASKS_VARIABLE: json.dumps(told)}


def tasks_order(
    order: ServiceOrder, run_id: str, folder: Path, lead_s: float, cpu: int | None = None, realtime: bool = False
) -> FireOrder:
    """The order to a Locust with somebody's own file; it carries no secret. `cpu`: the core it pins itself to;
    `realtime`: in the real-time class where that is allowed.
    """
    plan, folder = order.plan, folder.resolve()
    config = {
        "tokens": "",
        **rate_plan(plan, 1.0),
        "goes_on": plan.climb is not None,
        "seed": plan.seed,
        "objective_ms": plan.objectives.response_p99 * 1000,
        "drain_s": plan.drain.answers,
        "kill_file": str(folder / "kill"),
        "cpu": cpu,
        "realtime": realtime,
    }
    lead_s += plan.rate * plan.length_s * TAP_S_TO_LOAD
    return FireOrder(
        run_id=run_id, folder=str(folder), t0_wall_ns=time.time_ns() + int(lead_s * 1e9), config=config, files={},
        register=str((order.runs / REGISTER).resolve()), since_s=order.begun_s,
    )  # fmt: skip

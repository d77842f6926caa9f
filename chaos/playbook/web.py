"""HTTP of the engine: Alertmanager's webhook, a person's orders, a list of runs. Every act needs the operators' token.

The engine decides. Errors have the bodies of the system: `system.contract.web`.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import datetime
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest

from chaos.playbook.engine import MOST_NAMED, Alert, Engine, TriggerResult
from chaos.playbook.journal import PlaybookFacts
from plans.metrics import METRICS
from plans.models.errors import closest
from system.contract.api import Model
from system.contract.counted import counting
from system.contract.errors import BadRequest, Conflict, Degraded, NotFound
from system.contract.fields import Line, Name
from system.contract.numbers import shown
from system.contract.web import application, bearer, error_answer, need_secret, read_json, read_model

log = logging.getLogger("xiu.playbook")
BODY_MAX = 4 << 20
_REQUESTS, _DURATION = (
    next(metric for metric in METRICS if metric.name == f"drill_http_{name}")
    for name in ("requests_total", "request_duration_seconds")
)


class PlaybookOrder(Model):
    """Body of `POST /v1/runs`."""

    playbook: Line
    lane: Line = ""
    cell: Line = ""
    front: Line = ""
    who: Name = "operator"


def alerts_of(body: Any) -> tuple[list[Alert], list[str]]:
    """The firing alerts of a webhook's body, and what is wrong with those that cannot be read; they do not keep the
    others from being used. Resolved alerts are ignored, because an alert also ends when its data goes missing.

    Raises ValueError for a body that Alertmanager does not send.
    """
    if not isinstance(body, dict) or not isinstance(every := body.get("alerts"), list):
        raise ValueError("not a webhook of Alertmanager: no list `alerts`")
    found: list[Alert] = []
    wrong: list[str] = []
    for number, one in enumerate(every, 1):
        try:
            if one["status"] == "firing":
                found.append(_alert(one))
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError, OSError) as exc:
            wrong.append(f"alert {number}: {type(exc).__name__} {shown(exc)}")
    if wrong and not found:
        raise ValueError(f"not a webhook of Alertmanager: {wrong[0]}")
    return found, wrong


def _alert(one: Any) -> Alert:
    since_s = datetime.fromisoformat(one["startsAt"]).timestamp()
    return Alert(
        name=str(one["labels"]["alertname"]),
        lane=str(one["labels"].get("lane", "")),
        since_s=since_s,
        # The moment, not its text: `…49.61Z` of a webhook is `…49.610Z` in Alertmanager's own API.
        episode=f"{one['fingerprint']}@{since_s:.3f}",
        labels={str(name): str(value) for name, value in one["labels"].items()},
    )


class Pages:
    """The handlers."""

    def __init__(self, engine: Engine, registry: CollectorRegistry, admin_token: str) -> None:
        self._engine, self._registry, self._token = engine, registry, admin_token

    def app(self) -> web.Application:
        """All routes."""
        app = application(counting(self._registry, _REQUESTS, _DURATION), body_bytes_max=BODY_MAX)
        app.add_routes([
            web.post("/alerts", self._alerts), web.post("/v1/runs", self._order), web.get("/v1/runs", self._runs),
            web.get("/v1/playbooks", self._playbooks),
            web.get("/metrics", self._metrics), web.get("/healthz", self._alive), web.get("/readyz", self._ready),
        ])  # fmt: skip
        return app

    def _operator(self, request: web.Request) -> None:
        need_secret(bearer(request), self._token, "the operators' token")

    async def _alerts(self, request: web.Request) -> web.Response:
        """200: taken, or nothing to do. 503: not now, and Alertmanager asks again by itself."""
        self._operator(request)
        try:
            firing, unread = alerts_of(await read_json(request))
        except ValueError as exc:
            raise BadRequest(str(exc)) from exc
        answers = [self._engine.receive(alert) for alert in firing]
        found = TriggerResult(
            tuple(run for answer in answers for run in answer.runs),
            {playbook: why for answer in answers for playbook, why in answer.not_now.items()},
            any(answer.later for answer in answers),
        )
        # Each alert has its own answer too: two lanes of one alert may have different results.
        each = [{"alert": alert.name, "lane": alert.lane, "runs": answer.runs, "not_now": answer.not_now}
                for alert, answer in zip(firing, answers, strict=True)]  # fmt: skip
        body = {**asdict(found), "alerts": each, "unread": unread}
        if found.later:
            return error_answer(Degraded(f"ask again: {_why(found)}"), **body)
        return web.json_response(body)

    async def _order(self, request: web.Request) -> web.Response:
        self._operator(request)
        order = await read_model(request, PlaybookOrder)
        if order.playbook not in self._engine.library:
            known = [*self._engine.library]
            near = f"; did you mean {meant}?" if (meant := closest(order.playbook, known)) else ""
            raise NotFound(f"no playbook {shown(order.playbook)}; there are {', '.join(known[:MOST_NAMED])}{near}")
        found = self._engine.order(order.playbook, order.lane, order.who, cell=order.cell, front=order.front)
        if not found.runs:
            return error_answer(Conflict(_why(found)), **asdict(found))
        return web.json_response(asdict(found), status=201)

    async def _runs(self, _: web.Request) -> web.Response:
        return web.json_response({"runs": [_shown(facts) for facts in self._engine.runs.values()]})

    async def _playbooks(self, _: web.Request) -> web.Response:
        """What the engine can use, and what is wrong with the files it cannot."""
        known = [
            {"id": name, "title": entry.playbook.title.en, "alert": entry.playbook.trigger.alert,
             "matchers": [str(each) for each in entry.playbook.trigger.matchers], "scope": entry.playbook.scope,
             "file": str(entry.file), "sha256": entry.sha256}
            for name, entry in self._engine.library.items()
        ]  # fmt: skip
        refused = [{**asdict(problem), "text": str(problem)} for problem in self._engine.refused]
        return web.json_response({"playbooks": known, "refused": refused})

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._registry), content_type="text/plain", charset="utf-8")

    async def _alive(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _ready(self, _: web.Request) -> web.Response:
        """Ready while a run could begin. A playbook file that cannot be used does not change that."""
        broken = self._engine.broken
        if broken:
            return error_answer(Degraded(broken))
        return web.Response(text="".join(["ready\n", *(f"refused: {each}\n" for each in self._engine.refused)]))


def _why(found: TriggerResult) -> str:
    return "; ".join(f"{playbook}: {why}" for playbook, why in found.not_now.items())


def _shown(facts: PlaybookFacts) -> dict[str, Any]:
    return {"run": facts.run, "playbook": facts.playbook, "state": facts.state, "text": facts.text,
            "over": facts.over, "times": facts.times}  # fmt: skip

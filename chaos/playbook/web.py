"""HTTP of the engine: Alertmanager's webhook, a person's orders, what runs. Operators' token on all that acts.

Refuses to decide: the engine does.
"""

from __future__ import annotations

import hmac
import json
import logging
from dataclasses import asdict
from datetime import datetime
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest

from chaos.playbook.engine import Alert, Answer, Engine
from chaos.playbook.journal import Facts

log = logging.getLogger("xiu.playbook")
BODY_MAX = 4 << 20


def alerts_of(body: Any) -> list[Alert]:
    """The firing alerts of a webhook's body; resolved ones say nothing: an alert ends without data too.

    Raises ValueError for what Alertmanager does not send.
    """
    try:
        return [
            Alert(
                name=str(one["labels"]["alertname"]),
                lane=str(one["labels"].get("lane", "")),
                since_s=datetime.fromisoformat(one["startsAt"]).timestamp(),
                # The moment, not its text: `…49.61Z` of a webhook is `…49.610Z` in Alertmanager's own API.
                episode=f"{one['fingerprint']}@{datetime.fromisoformat(one['startsAt']).timestamp():.3f}",
            )
            for one in body["alerts"]
            if one["status"] == "firing"
        ]
    except (KeyError, TypeError, AttributeError) as exc:
        raise ValueError(f"not a webhook of Alertmanager: {exc!r}") from exc


class Pages:
    """The handlers."""

    def __init__(self, engine: Engine, registry: CollectorRegistry, admin_token: str) -> None:
        self._engine, self._registry, self._token = engine, registry, admin_token

    def app(self) -> web.Application:
        """All routes."""
        app = web.Application(client_max_size=BODY_MAX)
        app.add_routes([
            web.post("/alerts", self._alerts), web.post("/v1/runs", self._order), web.get("/v1/runs", self._runs),
            web.get("/metrics", self._metrics), web.get("/healthz", self._alive), web.get("/readyz", self._ready),
        ])  # fmt: skip
        return app

    async def _body(self, request: web.Request) -> Any:
        sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(sent.encode(), self._token.encode()):
            raise web.HTTPUnauthorized(text="the operators' token, please\n")
        try:
            return json.loads(await request.text())
        except (ValueError, LookupError, RecursionError) as exc:
            # Also a character set that nobody knows, and brackets without end.
            raise web.HTTPBadRequest(text=f"not JSON: {exc}\n") from exc

    async def _alerts(self, request: web.Request) -> web.Response:
        """200: taken, or nothing to do. 503: not now, and Alertmanager asks again by itself."""
        try:
            heard = alerts_of(await self._body(request))
        except ValueError as exc:
            raise web.HTTPBadRequest(text=f"{exc}\n") from exc
        answers = [self._engine.heard(alert) for alert in heard]
        found = Answer(
            tuple(run for answer in answers for run in answer.runs),
            {playbook: why for answer in answers for playbook, why in answer.not_now.items()},
            any(answer.later for answer in answers),
        )
        # Each alert's own answer too: two lanes of one alert may fare differently.
        each = [{"alert": alert.name, "lane": alert.lane, "runs": answer.runs, "not_now": answer.not_now}
                for alert, answer in zip(heard, answers, strict=True)]  # fmt: skip
        return web.json_response({**asdict(found), "alerts": each}, status=503 if found.later else 200)

    async def _order(self, request: web.Request) -> web.Response:
        body = await self._body(request)
        playbook = body.get("playbook") if isinstance(body, dict) else None
        if not isinstance(playbook, str) or playbook not in self._engine.library:
            raise web.HTTPNotFound(text=f"no playbook {playbook!r}; there are {', '.join(self._engine.library)}\n")
        found = self._engine.order(playbook, str(body.get("lane", "")), str(body.get("who", "operator")))
        return web.json_response(asdict(found), status=201 if found.runs else 409)

    async def _runs(self, _: web.Request) -> web.Response:
        return web.json_response({"runs": [_shown(facts) for facts in self._engine.runs.values()]})

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._registry), content_type="text/plain", charset="utf-8")

    async def _alive(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _ready(self, _: web.Request) -> web.Response:
        broken = self._engine.broken
        return web.Response(text=f"{broken or 'ready'}\n", status=503 if broken else 200)


def _shown(facts: Facts) -> dict[str, Any]:
    return {"run": facts.run, "playbook": facts.playbook, "state": facts.state, "text": facts.text,
            "over": facts.over, "times": facts.times}  # fmt: skip

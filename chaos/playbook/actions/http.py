"""`http`: a call to whatever the playbook names, with the status that is expected, and a call that takes it back.

    - id: degrade
      kind: http
      call: {method: POST, url: "http://127.0.0.1:8080/degrade?lane=$lane", expect: 204}
      check: {url: "http://127.0.0.1:8080/mode", contains: degraded}
      read_back: 5s
      undo: {call: {method: DELETE, url: "http://127.0.0.1:8080/degrade?lane=$lane", expect: 204}}

A call may be made again: without an answer nobody knows whether it was carried out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import aiohttp
from pydantic import Field

from chaos.playbook.action import ActionKind, ActionProgress, ActionText, Detail, Failed, ReadBack, Undo, UndoStep
from chaos.playbook.scope import Scope
from chaos.playbook.world import Away, World
from plans.models.partial import Loc, PlanModel
from plans.models.playbook import ActionSpec
from plans.models.quantity import Duration

ANSWER_MAX = 1 << 16
"""Bytes of an answer that are looked at."""
CHECK_S = 2.0
Url = Annotated[str, Field(pattern=r"^https?://[^\s/?#]+([/?#]\S*)?$", max_length=2048)]
Status = Annotated[int, Field(ge=100, le=599)]


class Call(PlanModel):
    """One request. `body`: sent as JSON. `expect`: the status of its answer; a redirect is not followed."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    url: Url
    body: Any = None
    expect: Status = 200


class HttpCheck(PlanModel):
    """A GET that tells whether it is in force: the status, and a text that the answer contains."""

    url: Url
    expect: Status = 200
    contains: str = Field(default="", max_length=1000)


class HttpUndo(PlanModel):
    """How a call is taken back."""

    call: Call
    check: HttpCheck | None = None


class HttpActionSpec(ActionSpec):
    """Makes a call; it has failed where another status below 500 comes, or none of its own within `read_back`.

    `check`: asked until it holds; left out, the answer's status tells. `undo`: another call, or `none`.
    """

    kind: Literal["http"] = "http"
    call: Call
    check: HttpCheck | None = None
    read_back: Duration = Field(gt=0, le=60)
    undo: HttpUndo | Literal["none"]

    @property
    def sentence(self) -> str:
        """See `ActionSpec`."""
        return f"calls {self.call.method} {self.call.url}"

    @property
    def undo_sentence(self) -> str:
        """See `ActionSpec`."""
        return f"by {self.undo.call.method} {self.undo.call.url}" if isinstance(self.undo, HttpUndo) else "none"

    def texts(self) -> Iterator[tuple[Loc, str]]:
        """See `ActionSpec`."""
        parts: list[tuple[Loc, HttpActionSpec | HttpUndo]] = [((), self)]
        parts += [(("undo",), self.undo)] if isinstance(self.undo, HttpUndo) else []
        for loc, part in parts:
            yield (*loc, "call", "url"), part.call.url
            yield (*loc, "call", "body"), json.dumps(part.call.body, ensure_ascii=False)
            if part.check is not None:
                yield (*loc, "check", "url"), part.check.url
                yield (*loc, "check", "contains"), part.check.contains


class HttpAction(ActionKind[HttpActionSpec]):
    """Detail: `call`, `check` (None: none), `undo` (None: it stays, else `call` and `check`)."""

    kind = "http"
    Spec = HttpActionSpec

    async def prepare(self, spec: HttpActionSpec, scope: Scope, home: Path, world: World) -> Detail:
        """See `ActionKind`."""

        def filled(part: HttpActionSpec | HttpUndo) -> dict[str, Any]:
            template = {"call": part.call.model_dump(), "check": part.check and part.check.model_dump()}
            found: dict[str, Any] = json.loads(scope.fill(json.dumps(template, ensure_ascii=False)))
            return found

        return {**filled(spec), "undo": filled(spec.undo) if isinstance(spec.undo, HttpUndo) else None}

    def words(self, detail: Detail) -> ActionText:
        """See `ActionKind`."""
        call = _named(detail)
        return ActionText(f"calls {call}", f"{call} was called", f"{call} was called, and is not undone")

    async def apply(self, detail: Detail, world: World, why: str, within_s: float) -> None:
        """See `ActionKind`. Raises Failed where it was refused, Away where that is not known."""
        call = detail["call"]
        status, _ = await _ask(call["method"], call["url"], within_s, call["body"])
        if status != call["expect"]:
            wrong = f"{_named(detail)} answered {status}, not {call['expect']}"
            raise Away(wrong) if status >= 500 else Failed(wrong)

    async def read_back(self, detail: Detail, world: World) -> ReadBack:
        """See `ActionKind`."""
        look = detail["check"]
        if look is None:
            return ReadBack((f"the answer of {detail['call']['url']}",))
        try:
            status, text = await _ask("GET", look["url"], CHECK_S)
        except Away as exc:
            return ReadBack(why=str(exc))
        if status != look["expect"]:
            return ReadBack(why=f"{look['url']} answered {status}, not {look['expect']}")
        if look["contains"] not in text:
            return ReadBack(why=f"{look['url']} does not contain {look['contains']!r}")
        return ReadBack((look["url"],))

    async def undo(self, detail: Detail, progress: ActionProgress, world: World, now_s: float) -> Undo:
        """See `ActionKind`."""
        if detail["undo"] is None:
            return Undo(f"{_named(detail)}: nothing to undo, as the playbook says")
        back = {**detail["undo"], "undo": None}
        return Undo(f"{_named(detail)} undone by {_named(back)}", (UndoStep(f"calls {_named(back)}", back),))


def _named(detail: Detail) -> str:
    return f"{detail['call']['method']} {detail['call']['url']}"


async def _ask(method: str, url: str, within_s: float, body: Any = None) -> tuple[int, str]:
    """Status and text. Raises Away: no answer, so nobody knows whether it was carried out."""
    more = {} if body is None else {"json": body}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=within_s)) as session,
            session.request(method, url, allow_redirects=False, **more) as answer,
        ):
            text = bytearray()
            while len(text) < ANSWER_MAX and (chunk := await answer.content.read(ANSWER_MAX - len(text))):
                text += chunk
            return answer.status, text.decode(errors="replace")
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as exc:
        raise Away(f"{method} {url}: no answer: {exc or type(exc).__name__}") from exc

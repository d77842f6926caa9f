"""`http`: calls to a server that is there, with the status that is expected, and the call that takes it back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from chaos.playbook import journal, library
from chaos.playbook.actions.http import HttpAction
from plans.models.errors import PlanError
from tests.support import playbook_rig
from tests.support.playbook_rig import REGULAR, SLOW, Rig
from tests.support.playbook_world import ALERTS, text
from tests.support.stores import free_port

ACTION = """\
  - id: degrade
    kind: http
    call: {{url: "{url}/mode?lane=$lane", body: {{lane: $lane, on: true}}, expect: 204}}
    {check}read_back: 1m
    undo: {{call: {{method: DELETE, url: "{url}/mode?lane=$lane", expect: 204}}}}
"""
UNDO = '{call: {method: DELETE, url: "http://h/mode?lane=$lane", expect: 204}}'


def calling(url: str = "http://h", check: str = "") -> str:
    """A playbook that sets its switches, then calls somebody."""
    return text().replace("verify:", ACTION.format(url=url, check=check) + "verify:", 1)


class Somebody:
    """A server with a mode. `answers`: statuses it gives first."""

    def __init__(self, *answers: int) -> None:
        self.answers, self.mode = list(answers), "normal"
        self.heard: list[tuple[str, str, object]] = []

    async def page(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else None
        self.heard.append((request.method, request.query_string, body))
        if request.method != "GET":
            if self.answers:
                return web.Response(status=self.answers.pop(0))
            self.mode = "degraded" if request.method == "POST" else "normal"
            return web.Response(status=204)
        return web.Response(text=self.mode)


def played(
    folder: Path, somebody: Somebody, check: str = "", meanwhile: Callable[[Rig], None] = lambda rig: None
) -> Rig:
    port = free_port()
    rig = Rig(folder, calling(f"http://127.0.0.1:{port}", check.replace("URL", f"http://127.0.0.1:{port}")))

    async def script() -> None:
        app = web.Application()
        app.router.add_route("*", "/mode", somebody.page)
        async with TestServer(app, port=port):
            assert rig.engine.receive(SLOW).runs
            await rig.until(lambda: "held" in rig.states() or rig.facts().over, "held, or its end")
            meanwhile(rig)
            rig.world.age = 0.0
            await rig.until(lambda: rig.facts().over, "its end")

    rig.play(script)
    return rig


def test_it_calls_reads_back_and_takes_it_back(tmp_path: Path) -> None:
    somebody = Somebody()
    seen: list[str] = []
    rig = played(
        tmp_path, somebody, "check: {url: URL/mode, contains: degraded}\n    ", lambda _: seen.append(somebody.mode)
    )
    assert rig.facts().state == "closed"
    assert (seen, somebody.mode) == (["degraded"], "normal")
    assert somebody.heard == [
        ("POST", "lane=live", {"lane": "live", "on": True}), ("GET", "", None), ("DELETE", "lane=live", None),
    ]  # fmt: skip
    (item,) = journal.items(rig.folder / journal.FILE)
    assert item["actions"][2]["kind"] == HttpAction.kind
    assert rig.world.switches == REGULAR


@pytest.mark.parametrize(
    ("answers", "calls", "end"),
    [
        pytest.param((503, 503), 4, "closed", id="away at first: called again"),
        pytest.param((409,), 2, "read_back_failed", id="refused: called once, and taken back"),
        pytest.param((302,), 2, "read_back_failed", id="a redirect is not followed"),
    ],
)
def test_another_status(
    tmp_path: Path, answers: tuple[int, ...], calls: int, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playbook_rig, "SPEED", 5.0)  # a minute for the read-back, on a machine that may stand still
    somebody = Somebody(*answers)
    rig = played(tmp_path, somebody)
    assert (rig.facts().state, len(somebody.heard)) == (end, calls)
    if end != "closed":
        assert f"answered {answers[0]}, not 204" in rig.facts().text
    assert rig.world.switches == REGULAR


def test_nobody_there_is_no_answer_and_what_was_done_is_undone(tmp_path: Path) -> None:
    rig = Rig(tmp_path, calling(f"http://127.0.0.1:{free_port()}").replace("read_back: 1m", "read_back: 1s"))

    async def script() -> None:
        assert rig.engine.receive(SLOW).runs

    rig.play(script)
    assert rig.facts().state == "rollback_failed", "nobody knows whether it was heard: a person looks"
    assert "no answer" in rig.facts().text
    assert rig.world.switches == REGULAR, "one that cannot be taken back keeps no other set"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        pytest.param(f"    undo: {UNDO}\n", "", "`actions[3].undo` is missing", id="no undo"),
        pytest.param("http://h/mode", "ftp://h/mode", "`actions[3].call.url`", id="another scheme"),
        pytest.param("expect: 204", "expect: 999", "`actions[3].call.expect`", id="no status"),
        pytest.param("expect: 204", "expects: 204", "did you mean expect?", id="a misspelt key"),
        pytest.param("mode?lane=$lane", "mode?lane=$lain", "$lain stands for nothing", id="a word in the address"),
        pytest.param("lane: $lane,", "lane: $front,", "$front stands for nothing", id="a word in the body"),
        pytest.param("{url:", "{method: TRACE, url:", "'TRACE'", id="another method"),
    ],
)  # fmt: skip
def test_what_is_no_call_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    file = tmp_path / "p.yaml"
    assert old in calling()
    file.write_text(calling().replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PlanError) as told:
        library.load([file], ALERTS)
    assert any(says in str(problem) for problem in told.value.problems), told.value.problems

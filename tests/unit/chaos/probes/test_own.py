"""Probes without code: a command's exit code, an answer over HTTP, a value of Prometheus."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chaos.faults.refuse import Refuse
from chaos.probes import make, probes, probes_lack
from chaos.probing import At, NotSteady, Use
from harness.phrases import Said, chinese
from harness.stack import Addresses
from plans.models.fault import ProbeSpec


class Answers(BaseHTTPRequestHandler):
    """`/200`: that status; a query of Prometheus: the value that it asks for."""

    def do_GET(self) -> None:
        self._answer(int(self.path.rpartition("/")[2]), b"all is well")

    def do_POST(self) -> None:
        query = self.rfile.read(int(self.headers["Content-Length"])).decode().partition("&")[0].removeprefix("query=")
        rows = "" if query == "nothing" else f'{{"metric": {{}}, "value": [0, "{query}"]}}'
        self._answer(200, f'{{"status": "success", "data": {{"resultType": "vector", "result": [{rows}]}}}}'.encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def probe(use: Use, at_: str, /, **spec: Any) -> Any:
    at = Addresses.plain(prometheus_url=at_, control_url=at_)
    stack = cast(Any, SimpleNamespace(addresses=at, folder=SimpleNamespace(path=Path("the-stack"))))
    checked: ProbeSpec = probes()[spec["kind"]].Spec.model_validate({"within": "1s", **spec})
    return make(checked, At(stack, Refuse(kind="refuse"), "credit-postgres", {}), use)


SH = ["sh", "-c"]
CASES = [
    pytest.param({"kind": "exec", "command": ["true"]}, True, "exit code 0", id="a command that ends well"),
    pytest.param({"kind": "exec", "command": ["false"]}, False, "exit code 1, asked for 0", id="one that does not"),
    pytest.param({"kind": "exec", "command": ["false"], "exit": 1}, True, "exit code 1", id="as it was meant"),
    pytest.param({"kind": "exec", "command": [*SH, 'test "$XIU_TARGET" = credit-postgres']}, True, "0", id="target"),
    pytest.param({"kind": "exec", "command": [*SH, 'test -z "$SECRET_OF_THE_SHELL"']}, True, "0", id="its environment"),
    pytest.param({"kind": "http", "part": "control", "path": "/200"}, True, "HTTP 200", id="a part that answers"),
    pytest.param({"kind": "http", "part": "control", "path": "/503"}, False, "HTTP 503, asked for 200", id="503"),
    pytest.param({"kind": "http", "part": "control", "path": "/503", "status": 503}, True, "503", id="503, as meant"),
    pytest.param({"kind": "http", "part": "control", "path": "/200", "contains": "well"}, True, "", id="its body"),
    pytest.param({"kind": "http", "part": "control", "path": "/200", "contains": "ill"}, False, "without 'ill'",
                 id="another body"),
    pytest.param({"kind": "http", "url": "http://127.0.0.1:1/"}, False, "ConnectionError", id="nobody there"),
    pytest.param({"kind": "promql", "query": "7", "op": ">", "value": 3}, True, "7 is 7, asked for > 3", id="above"),
    pytest.param({"kind": "promql", "query": "7", "op": "<=", "value": 3}, False, "asked for <= 3", id="not below"),
    pytest.param({"kind": "promql", "query": "nothing", "op": "<", "value": 3}, False, "no data", id="no data"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "yes", "says"), CASES)
def test_a_probe_of_one_s_own(
    spec: dict[str, Any], yes: bool, says: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_SHELL", "1")
    seen = probe("healed", url, **spec).seen()
    assert (seen.yes, says in seen.says) == (yes, True), seen
    assert isinstance(seen.says, Said)
    assert chinese(seen.says.says, seen.says.data)
    # Before the fault an effect must not be there, and what shows the heal must.
    for use, good in (("effect", not yes), ("steady", yes), ("healed", yes)):
        asked = probe(cast(Use, use), url, **spec)
        if good:
            asked.look()
        else:
            with pytest.raises(NotSteady):
                asked.look()


def test_a_command_that_does_not_end_is_ended_with_its_children(url: str, tmp_path: Path) -> None:
    began, pid = time.monotonic(), tmp_path / "pid"
    command = [*SH, f"sh -c 'echo $$ > {pid}; exec sleep 600' & wait"]
    seen = probe("effect", url, kind="exec", command=command, timeout="1s").seen()
    assert (seen.yes, "no end within 1 s" in seen.says) == (False, True)
    assert time.monotonic() - began < 30
    if pid.exists():  # on a busy machine it may not have come so far
        status = Path(f"/proc/{pid.read_text().strip()}/stat")
        assert not status.exists() or status.read_text().split()[2] == "Z"


@pytest.mark.parametrize(
    ("spec", "lack"),
    [
        ({"kind": "exec", "command": ["no-such-command-here"]}, "no-such-command-here is not there"),
        ({"kind": "promql", "query": "up", "op": ">", "value": 0}, "no Prometheus"),
    ],
)
def test_what_a_probe_needs_and_is_not_there(spec: dict[str, Any], lack: str) -> None:
    assert lack in probe("effect", "", **spec).lacks()
    fault = cast(Any, SimpleNamespace(
        inject=Refuse(kind="refuse"), steady_probe=None, effect_probe=probe("effect", "", **spec).spec,
        heal_probe=probe("healed", "", kind="exec", command=["true"]).spec,
    ))  # fmt: skip
    stack = cast(Any, SimpleNamespace(addresses=SimpleNamespace(prometheus_url=None)))
    assert lack in str(probes_lack(stack, fault, "credit-postgres"))

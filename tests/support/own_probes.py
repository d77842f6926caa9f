"""What the tests of probes without code share: who answers them, and the checks that hold for each."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chaos.faults.refuse import Refuse
from chaos.probes import make, probes, probes_lack
from chaos.probing import NotSteady, ProbeAim, Use
from harness.phrases import Sentence, chinese
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


@contextmanager
def answering() -> Iterator[str]:
    """Its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def probe(use: Use, at_: str, /, **spec: Any) -> Any:
    at = Addresses.plain(prometheus_url=at_, control_url=at_)
    stack = cast(Any, SimpleNamespace(addresses=at, folder=SimpleNamespace(path=Path("the-stack"))))
    checked: ProbeSpec = probes()[spec["kind"]].Spec.model_validate({"within": "1s", **spec})
    return make(checked, ProbeAim(stack, Refuse(kind="refuse"), "credit-postgres", {}), use)


def is_so(url: str, yes: bool, says: str, /, **spec: Any) -> None:
    """The probe finds `yes`, and says it in both languages. Before the fault an effect must not be there, and what
    shows the heal must.
    """
    seen = probe("healed", url, **spec).seen()
    assert (seen.yes, says in seen.says) == (yes, True), seen
    assert isinstance(seen.says, Sentence)
    assert chinese(seen.says.says, seen.says.data)
    for use, good in (("effect", not yes), ("steady", yes), ("healed", yes)):
        asked = probe(cast(Use, use), url, **spec)
        if good:
            asked.look()
        else:
            with pytest.raises(NotSteady):
                asked.look()


def lacks(lack: str, /, **spec: Any) -> None:
    """The probe says what it needs and is not there, and so does the fault that it is for."""
    assert lack in probe("effect", "", **spec).lacks()
    fault = cast(Any, SimpleNamespace(
        inject=Refuse(kind="refuse"), steady_probe=None, effect_probe=probe("effect", "", **spec).spec,
        heal_probe=probe("healed", "", kind="exec", command=["true"]).spec,
    ))  # fmt: skip
    stack = cast(Any, SimpleNamespace(addresses=SimpleNamespace(prometheus_url=None)))
    assert lack in str(probes_lack(stack, fault, "credit-postgres"))

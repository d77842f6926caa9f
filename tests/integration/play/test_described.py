"""schemathesis against play on a real ledger: play does what its description says, for a user and for an operator.

Run as anybody would run it: no accepted status, no hook, no check is changed. Options bound its time alone. A finding
shows the request as a curl line. What a play must declare: docs/extending.md.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from system.contract.routing import Topology
from system.contract.web import listening
from system.ledger.migrate import migrate
from system.play.app import build_app
from system.play.plays import routes
from system.settings import PartyAddress, PlaySettings
from tests.support.doubles import doubled
from tests.support.play import ADMIN, SECRET, fill, token
from tests.support.stores import LOOPBACK

SEED = "20160207"
CASES_OF_ALL = 300
"""Made-up requests of the fuzzing phase, shared among the operations; those of the coverage phase come on top."""
BY_WHOM = {"user": ("user", "anybody"), "operator": ("operator",)}
UNLIMITED = 1_000_000
PATIENT_S = 60.0
"""How long the ledger may take on a busy disk: play answers 503 then, which is right, and a finding."""


class NoRound(BaseHTTPRequestHandler):
    """A front that knows no round."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps({"error": {"code": "unknown_round", "message": "no such round", "effect": "none"}}).encode()
        self.send_response(404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def front() -> Iterator[str]:
    with ThreadingHTTPServer((LOOPBACK, 0), NoRound) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


async def findings(url: str, who: str, bearer: str, folder: Path) -> str:
    """What schemathesis says where it found something; empty where it did not."""
    mine = [route.handler.__name__ for route in routes() if route.who in BY_WHOM[who]]
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{url}/openapi.json",
        "--header", f"Authorization: Bearer {bearer}", "--seed", SEED, "--no-color", "--request-timeout", "60",
        "--phases", "coverage,fuzzing", "--max-examples", str(max(5, CASES_OF_ALL // len(routes()))),
        *(word for name in mine for word in ("--include-operation-id", name)),
        cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        async with asyncio.timeout(300):
            said = (await process.communicate())[0].decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return "" if process.returncode == 0 and f"Tested: {len(mine)}\n" in said else f"as {who}:\n{said}"


def test_play_does_what_its_description_says(postgres_dsn: str, tmp_path: Path) -> None:
    async def body() -> str:
        await migrate(postgres_dsn, SECRET)
        fill(postgres_dsn)
        with front() as address:
            async with doubled(tmp_path / "doubles") as bank:
                settings = PlaySettings(
                    (LOOPBACK, 0), postgres_dsn, SECRET, ADMIN, store_timeout_s=PATIENT_S,
                    topology=Topology(fronts=(address,), cells=(0,)), sign_in=True,
                    user_rate_per_s=UNLIMITED, user_burst=UNLIMITED, address_rate_per_s=UNLIMITED,
                    address_burst=UNLIMITED, bank=PartyAddress(bank.url, bank.url),
                )  # fmt: skip
                async with listening(build_app(settings, CollectorRegistry()), settings.listen) as (host, port):
                    who = (("user", token(5)), ("operator", ADMIN))
                    url = f"http://{host}:{port}"
                    found = (findings(url, name, bearer, tmp_path / name) for name, bearer in who)
                    return "".join(await asyncio.gather(*found))

    for name in BY_WHOM:
        (tmp_path / name).mkdir()
    if said := asyncio.run(body()):
        pytest.fail(said, pytrace=False)

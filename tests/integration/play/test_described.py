"""schemathesis against play on a real ledger: play does what its description says, for a user and for an operator.

A finding shows the request as a curl line. What a play must declare: docs/extending.md.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from system.ledger.migrate import migrate
from system.play.plays import routes
from system.play.route import Route
from tests.support.doubles import bank_process
from tests.support.play import ADMIN, SECRET, fill, token
from tests.support.play_process import play_process
from tests.support.stores import LOOPBACK

HOOKS = "tests.support.described_input"
SEED = "20160207"
CASES_OF_ALL = 300
"""Made-up requests of the fuzzing phase, shared among the operations; those of the coverage phase come on top."""
MAY_CONTRADICT_ITSELF = ["reverse", "settle"]
"""Operations whose body may be as described and still make no sense, where the refusal has no code of its own: one name
twice. All others declare what they refuse."""
BAD = ["400", "401", "403", "404", "413", "415"]
"""What a request may meet that is not as described; 401: its token is missing, 403: its tag is none."""
UNLIMITED = "1000000:1000000"
BY_WHOM = {"user": ("user", "anybody"), "operator": ("operator",)}


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


def accepted(route: Route) -> list[str]:
    """What a request that is as described may meet: what the route declares as its own; a path that names nothing; a
    tag that nobody signed. 503: only what took its time, see `described_input`.
    """
    own = {str(error.status) for error in route.errors} | ({"404"} if route.names else set())
    own |= {"403"} if route.who == "user" else set()
    own |= {"400"} if route.handler.__name__ in MAY_CONTRADICT_ITSELF else set()
    return ["2xx", *sorted(own | {"503"})]


def config(folder: Path) -> Path:
    """Each operation is held to what it declares, and to nothing else."""
    path = folder / "schemathesis.toml"
    lines = [
        "[checks.not_a_server_error]",
        'expected-statuses = ["2xx", "3xx", "4xx", "503"]',
        "[checks.negative_data_rejection]",
        f"expected-statuses = {json.dumps(BAD)}",
    ]
    for route in routes():
        lines += [
            "[[operations]]",
            f"include-operation-id = {json.dumps(route.handler.__name__)}",
            "[operations.checks.positive_data_acceptance]",
            f"expected-statuses = {json.dumps(accepted(route))}",
        ]
    path.write_text("\n".join(lines) + "\n")
    return path


def findings(url: str, who: str, bearer: str, folder: Path) -> str:
    """What schemathesis says where it found something; empty where it did not."""
    folder.mkdir()
    mine = [route.handler.__name__ for route in routes() if route.who in BY_WHOM[who]]
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(config(folder)), "run",
        f"{url}/openapi.json", "--header", f"Authorization: Bearer {bearer}", "--seed", SEED,
        "--phases", "coverage,fuzzing", "--max-examples", str(max(5, CASES_OF_ALL // len(routes()))),
        "--suppress-health-check", "all", "--request-timeout", "60",
        "--continue-on-failure", "--warnings", "off", "--no-color",
        *(word for name in mine for word in ("--include-operation-id", name)),
    ]  # fmt: skip
    env = os.environ | {"SCHEMATHESIS_HOOKS": HOOKS, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False)
    said = done.stdout + done.stderr
    return "" if done.returncode == 0 and f"Tested: {len(mine)}\n" in said else f"as {who}:\n{said}"


def test_play_does_what_its_description_says(postgres_dsn: str, tmp_path: Path) -> None:
    asyncio.run(migrate(postgres_dsn, SECRET))
    fill(postgres_dsn)
    with front() as address, bank_process(tmp_path / "doubles") as bank:
        settings = {
            **bank,
            "XIU_TOPOLOGY": json.dumps({"fronts": [address], "cells": [0]}),
            "XIU_SIGN_IN": "1",
            "XIU_USER_LIMIT": UNLIMITED,
            "XIU_ADDRESS_LIMIT": UNLIMITED,
        }
        with play_process(tmp_path / "play", postgres_dsn, **settings) as url, ThreadPoolExecutor(2) as pool:
            who = (("user", token(5)), ("operator", ADMIN))
            found = [pool.submit(findings, url, name, bearer, tmp_path / name) for name, bearer in who]
            said = "".join(each.result() for each in found)
            if said:
                pytest.fail(said, pytrace=False)

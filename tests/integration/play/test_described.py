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
from tests.support.play import ADMIN, SECRET, fill, token
from tests.support.play_process import play_process
from tests.support.stores import LOOPBACK

HOOKS = "tests.support.described_input"
SEED = "20160207"
CASES_OF_ALL = 300
"""Made-up requests of the fuzzing phase, shared among the operations; those of the coverage phase come on top."""
REFUSED = ["2xx", "401", "403", "404", "409", "410", "421", "503"]
"""What a request that is as described may meet: it is not that user's, not there, not now. 503 is a refusal on purpose,
where a busy disk lets the ledger answer late; a bug is a 500.
"""
MAY_CONTRADICT_ITSELF = [
    "reverse", "settle", "fund_fission", "add", "relations", "import_pairs", "bill_ask", "give_card", "ask_for_card",
    "tie_card", "present_give",
]  # fmt: skip
"""Operations whose body may be as described and still make no sense: one name twice, less money than parts,
a tie with oneself, a bill, or a gift."""
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


def config(folder: Path) -> Path:
    """Where two fields together are wrong, a request may be refused although each is as described."""
    path = folder / "schemathesis.toml"
    path.write_text(
        '[checks.not_a_server_error]\nexpected-statuses = ["2xx", "3xx", "4xx", "503"]\n'
        "[checks.positive_data_acceptance]\n"
        f"expected-statuses = {json.dumps(REFUSED)}\n"
        "[[operations]]\n"
        f"include-operation-id = {json.dumps(MAY_CONTRADICT_ITSELF)}\n"
        "[operations.checks.positive_data_acceptance]\n"
        f"expected-statuses = {json.dumps([*REFUSED, '400'])}\n"
    )
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
    with front() as address:
        settings = {
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

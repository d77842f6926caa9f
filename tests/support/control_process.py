"""`python -m system.control` as a process of a test's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from system.tokens import internal_key
from tests.support.control import ADMIN, SECRET
from tests.support.stores import free_port, wait_until

START_S = 60.0
"""Until it is there, and until it has gone."""


class Process:
    def __init__(self, folder: Path, postgres_url: str, valkey_url: str, cells: tuple[int, ...] = (0,)) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "key").write_text(SECRET.hex())
        (folder / "admin").write_text(ADMIN)
        self.folder, self.port, self.log = folder, free_port(), folder / "control.log"
        fronts = [f"http://127.0.0.1:{9000 + n}" for n, _ in enumerate(cells)]
        self.env = os.environ | {
            "XIU_LISTEN": f"127.0.0.1:{self.port}",
            "XIU_POSTGRES_URL": postgres_url,
            "XIU_VALKEY_URL": valkey_url,
            "XIU_TOPOLOGY": json.dumps({"fronts": fronts, "cells": list(cells)}),
            "XIU_SECRET_FILE": str(folder / "key"),
            "XIU_ADMIN_TOKEN_FILE": str(folder / "admin"),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "system.control"]
            self.process = subprocess.Popen(command, env=self.env, stdout=log, stderr=log)
        wait_until(lambda: self.answers("/healthz"), START_S, "control alive")

    def answers(self, path: str) -> bool:
        try:
            return self.call("GET", path)[0] == 200
        except OSError:
            return False

    def ready(self) -> None:
        wait_until(lambda: self.answers("/readyz"), START_S, "control ready")

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            headers = {"Authorization": f"Bearer {ADMIN}", "X-Xiu-Key": internal_key(SECRET)}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(START_S)
        self.process = None
        return code


@contextmanager
def process_of(*args: Any, **kwargs: Any) -> Iterator[Process]:
    process = Process(*args, **kwargs)
    try:
        yield process
    finally:
        if process.process is not None:
            process.stop(signal.SIGKILL)

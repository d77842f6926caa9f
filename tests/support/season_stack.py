"""The processes of a season on stores of the caller's: control, a front, credit, and plays that may be killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support import control_process, play_process
from tests.support.children import END_S
from tests.support.play import ADMIN, SECRET
from tests.support.stores import LOOPBACK, PostgresServer, ValkeyServer, free_port, wait_until

READY_S = 60.0


class KillablePlay:
    """`python -m system.play` on a port of its own, which may be killed and started again."""

    def __init__(self, folder: Path, dsn: str) -> None:
        self._folder, self._dsn, self.port = folder, dsn, free_port()
        self.url = f"http://{LOOPBACK}:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = play_process.started_play(self._folder, self._dsn, self.port)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(END_S)
            self._process = None


class SeasonStack:
    """Starts all but the stores, and ends them. `kill_and_start` of the victims' names."""

    def __init__(self, folder: Path, server: PostgresServer, dsn: str, valkey: ValkeyServer, plays: int = 1) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._server, self.dsn, self.valkey = folder, server, dsn, valkey
        self.control = control_process.Process(folder / "control", dsn, valkey.url)
        self.plays = [KillablePlay(folder / f"play-{number}", dsn) for number in range(plays)]
        self.front_url = f"http://{LOOPBACK}:{free_port()}"
        self._others: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        try:
            self.control.start()  # which migrates
            self.control.ready()
            for play in self.plays:
                play.start()
            self._start("system.front", self._env("XIU_FRONT", "0") | {"XIU_LISTEN": self.front_url.rpartition("/")[2]})
            listen = f"{LOOPBACK}:{free_port()}"
            self._start(
                "system.credit", self._env("XIU_CELL", "0") | {"XIU_LANE": "live", "XIU_METRICS_LISTEN": listen}
            )
            wait_until(self._ready, READY_S, "front and plays ready")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _env(self, name: str, value: str) -> dict[str, str]:
        (self._folder / "key").write_text(SECRET.hex())
        return os.environ | {
            name: value,
            "XIU_CONTROL_URL": f"http://{LOOPBACK}:{self.control.port}",
            "XIU_POSTGRES_URL": self.dsn,
            "XIU_VALKEY_URL": self.valkey.url,
            "XIU_TOPOLOGY": json.dumps({"fronts": [self.front_url], "cells": [0]}),
            "XIU_SECRET_FILE": str(self._folder / "key"),
        }

    def _start(self, module: str, env: dict[str, str]) -> None:
        with (self._folder / f"{module}.log").open("ab") as log:
            self._others.append(subprocess.Popen([sys.executable, "-m", module], env=env, stdout=log, stderr=log))

    def _ready(self) -> bool:
        assert all(one.poll() is None for one in self._others), f"a process died; see {self._folder}"
        return all(_answers(url) for url in (self.front_url, *(play.url for play in self.plays)))

    def _end(self) -> None:
        for play in self.plays:
            play.kill()
        for one in self._others:
            one.kill()
            one.wait(END_S)
        if self.control.process is not None:
            self.control.stop(signal.SIGKILL)

    def strike(self, victim: str, number: int = 0, meanwhile: Callable[[], None] = lambda: None) -> None:
        """kill -9 of `postgres`, `control` or a play, started again after `meanwhile`. From the main thread."""
        if victim == "postgres":
            self._server.kill()
            meanwhile()
            self._server.start()
        elif victim == "control":
            self.control.stop(signal.SIGKILL)
            meanwhile()
            self.control.start()
        else:
            play = self.plays[number % len(self.plays)]
            play.kill()
            meanwhile()
            play.start()

    def ask_play(self, path: str, body: Any, wait_for: str = "") -> None:
        """An operator's order at a play, sent until it is done. `wait_for`: a refusal that means *not yet*."""

        def done() -> bool:
            with contextlib.suppress(OSError, HTTPException):
                status, told = _asked(self.plays[0].url, path, body)
                assert status in (200, 202, 503) or told["error"]["code"] == wait_for, (status, told)
                return status == 200
            return False

        wait_until(done, READY_S, f"POST {path}")

    def operator(self, method: str, path: str, body: Any = None) -> Any:
        """What control answers an operator, asked until it is 200 or 201."""
        found: list[Any] = []

        def answered() -> bool:
            with contextlib.suppress(OSError, HTTPException):
                status, told = self.control.call(method, path, body)
                assert status in (200, 201, 202, 500, 503), (status, told)
                if status < 202:
                    found.append(told)
            return bool(found)

        wait_until(answered, READY_S, f"{method} {path}")
        return found[0]


def _asked(url: str, path: str, body: Any) -> tuple[int, Any]:
    host, _, port = url.removeprefix("http://").partition(":")
    connection = HTTPConnection(host, int(port), timeout=10)
    try:
        connection.request("POST", path, json.dumps(body), {"Authorization": f"Bearer {ADMIN}"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def _answers(url: str) -> bool:
    host, _, port = url.removeprefix("http://").partition(":")
    connection = HTTPConnection(host, int(port), timeout=5)
    try:
        connection.request("GET", "/readyz", headers={"Authorization": f"Bearer {ADMIN}"})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()

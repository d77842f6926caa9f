"""The event page in a real browser: play on a real ledger, a front that says what the test tells it, Chromium.

Playwright drives the Chromium of PATH (or Debian's package); where there is none, the tests are skipped.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from tests.support.stores import LOOPBACK

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next((found for name in BROWSERS if (found := shutil.which(name))), None)
FLAGS = ("--no-sandbox", "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required")
LOST = (200, {"won": False, "next_ms": 0})
CUT: tuple[int, dict[str, Any]] = (0, {})
"""The front takes the tap, and its answer is lost."""
SPONSORS = [
    {"sponsor": 7, "name": "云上商城", "classes": [[100, 3]]},
    {"sponsor": 9, "name": "东方航空", "classes": [[1888, 2]]},
]


@dataclass
class TapRecord:
    """A tap as the front saw it: whose, when (monotonic), on which round."""

    token: str
    at_s: float
    path: str


@dataclass
class ScriptedFront:
    """Says `answers` one after the other, then `always`."""

    url: str = ""
    answers: deque[tuple[int, dict[str, Any]]] = field(default_factory=deque)
    always: tuple[int, dict[str, Any]] = LOST
    taps: list[TapRecord] = field(default_factory=list)


@contextmanager
def scripted_front() -> Iterator[ScriptedFront]:
    """A front on a port of its own, until the end of the block."""
    front = ScriptedFront()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            front.taps.append(TapRecord(self.headers["Authorization"], time.monotonic(), self.path))
            status, said = front.answers.popleft() if front.answers else front.always
            if not status:
                self.connection.close()
                return
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if status == 429:
                self.send_header("Retry-After", "1")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        front.url = f"http://{LOOPBACK}:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield front
        finally:
            server.shutdown()
            thread.join()


def refusal(status: int, code: str, **more: Any) -> tuple[int, dict[str, Any]]:
    """An answer of a front that is not 2xx."""
    return status, {"error": {"code": code, "message": code, "effect": "none"}, **more}


def won(round_id: int, packet: int, fen: int, sponsor: int = 7, *, repeat: bool = False) -> tuple[int, dict[str, Any]]:
    """A front's answer to who has won."""
    return 200, {"won": True, "award": f"{round_id}-{packet}", "fen": fen, "sponsor": sponsor, "repeat": repeat}


def announce(dsn: str, number: int, starts_in_s: float, lasts_s: float = 600.0) -> None:
    """A round of the live lane with five packets of two sponsors; all its packets are in a lease."""
    start_us = time.time_ns() // 1000 + round(starts_in_s * 1e6)
    with psycopg.connect(dsn) as conn:
        conn.execute(
            "INSERT INTO live.round (round, state, packets, budget_fen, start_us, end_us, release_ms, sponsors, seed,"
            " commitment, created_us) VALUES (%s, 'armed', 5, 4076, %s, %s, 1, %s, %s, '', 0)",
            (number, start_us, start_us + round(lasts_s * 1e6), Jsonb(SPONSORS), bytes(32)),
        )
        conn.execute("INSERT INTO live.stream (round, front, cell) VALUES (%s, 0, 0)", (number,))
        conn.execute("INSERT INTO live.lease VALUES (%s, 0, 1, 1, 0, 8, false, %s)", (number, bytes(1)))


def plan(dsn: str, number: int, starts_in_s: float, lasts_s: float) -> None:
    """A round of a programme that is announced, and not made."""
    start_us = time.time_ns() // 1000 + round(starts_in_s * 1e6)
    order = {"sponsors": SPONSORS, "start_us": start_us, "duration_ms": round(lasts_s * 1e3)}
    with psycopg.connect(dsn) as conn:
        conn.execute("INSERT INTO live.programme VALUES (%s, '{}', 0)", (f"evening-{number}",))
        conn.execute(
            "INSERT INTO live.programme_round VALUES (%s, %s, 0, %s, %s, '')",
            (number, f"evening-{number}", Jsonb({"name": "a", "title": "A", "order": order}), bytes(32)),
        )


def credit(dsn: str, uid: int, number: int, packet: int, fen: int, sponsor: int = 7) -> None:
    """The posting of an award."""
    at_us = time.time_ns() // 1000
    with psycopg.connect(dsn) as conn:
        row = conn.execute(
            "INSERT INTO live.batch (kind, round, postings, fen, committed_us) VALUES ('credit', %s, 1, %s, %s)"
            " RETURNING batch",
            (number, fen, at_us),
        ).fetchone()
        assert row is not None
        values = (uid, number, packet, fen, sponsor, at_us, row[0])
        conn.execute("INSERT INTO live.posting VALUES (%s, %s, %s, %s, %s, 0, %s, %s)", values)

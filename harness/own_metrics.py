"""`/metrics` of a process that serves nothing else: supervisor, watchdog, cannon. Its build, CPU, memory, open files.

On a thread of its own, on loopback, on a port that was found by binding. For the cannon its starter serves them, so
that nothing is taken from its pace. Never disturbs: without a free port, on a full disk, or with a slow scraper these
figures are missing, and nothing else.
"""

from __future__ import annotations

import json
import logging
import os
import random
import re
import socket
import threading
from contextlib import suppress
from pathlib import Path
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

from harness.stack.ports import ABOVE, LOWEST, TRIES
from harness.stack.spawn import lives
from system.contract.itself import tell_of_itself

log = logging.getLogger(__name__)

SCRAPER_S = 5.0
"""Seconds for which a scraper may send nothing, or read nothing."""
SCRAPERS_MOST = 4
AGAIN_S = 0.5
"""Seconds between two looks for the end, and between two tries to write on a full disk."""
END_S = 3.0
LEFT = re.compile(r"(?:cannon|watchdog|run)-(\d+)(?:-\d+)?\.(?:json|new\d*)")
"""Files of processes that come and go: the first number is the pid of the process that is scraped."""


class _Handler(WSGIRequestHandler):
    timeout = SCRAPER_S

    def log_message(self, format: str, *args: Any) -> None:
        """Scrapes are not logged."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = False  # a port that is held for a part counts as taken
    timeout = AGAIN_S

    def __init__(self, port: int) -> None:
        self._places = threading.BoundedSemaphore(SCRAPERS_MOST)
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        """Without asking a resolver for this host's name, as the standard library does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]
        self.setup_environ()

    def get_request(self) -> tuple[Any, Any]:
        """A process without a free descriptor must not loop."""
        try:
            return super().get_request()
        except OSError:
            threading.Event().wait(AGAIN_S)
            raise

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """One scraper too many is refused at once."""
        return self._places.acquire(blocking=False)

    def process_request(self, request: Any, client_address: Any) -> None:
        """On a thread of its own for each scraper, where a thread is available."""
        try:
            super().process_request(request, client_address)
        except RuntimeError:
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The whole of one scrape."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A scraper that went away, or was too slow, is not logged."""


class OwnMetrics:
    """Serves until `stop`, or until the process ends. `begin` and `stop` raise nothing and wait for nothing long.

    `pid`: whose figures, this process's by default. `targets`: the stack's folder of scrape targets; the process's own
    file in it is `name`.json, None: it belongs to no stack.
    """

    def __init__(self, part: str, targets: Path | None, *, name: str = "", pid: int | None = None) -> None:
        self._part, self._pid = part, pid
        self._target = None if targets is None else targets / f"{name or part}.json"
        self._registered = False
        self._over, self._serves = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="own metrics", daemon=True)
        self.port: int | None = None

    def begin(self) -> OwnMetrics:
        """Begins; there is a port a moment later."""
        if self._target is not None:
            forget_the_gone(self._target.parent)
        with suppress(RuntimeError):  # no thread is available
            self._thread.start()
        return self

    def url(self, deadline_s: float) -> str | None:
        """Where it is read, once that is known; None if it is not by the deadline."""
        self._serves.wait(deadline_s)
        return None if self.port is None else f"http://127.0.0.1:{self.port}/metrics"

    def stop(self) -> None:
        """Takes the target away and closes the port. Safe to repeat."""
        self._over.set()
        if self._thread.ident is not None:
            if self.port is not None:
                with suppress(OSError):  # one connection that says nothing: it looks for its end at once
                    socket.create_connection(("127.0.0.1", self.port), SCRAPER_S).close()
            self._thread.join(END_S)
        forget(self._target)

    def _run(self) -> None:
        try:
            registry = CollectorRegistry(auto_describe=False)
            tell_of_itself(registry, "drill", self._pid)
            server = _bound()
        except Exception as exc:
            log.warning("%s: no metrics of its own: %s", self._part, exc)
            return
        with server:
            server.set_app(make_wsgi_app(registry))
            self.port = server.server_port
            self._serves.set()
            while not self._over.is_set():
                self._tell()
                with suppress(OSError, ValueError, RuntimeError):
                    server.handle_request()

    def _tell(self) -> None:
        """Registers with the stack's Prometheus, as soon as the disk takes the file."""
        if self._registered or self._target is None:
            return
        document = [{"targets": [f"127.0.0.1:{self.port}"], "labels": {"part": self._part}}]
        draft = self._target.with_suffix(f".new{os.getpid()}")
        try:
            draft.write_text(json.dumps(document), encoding="utf-8")
            draft.replace(self._target)
            self._registered = True
        except OSError:
            with suppress(OSError):
                draft.unlink(missing_ok=True)


def _bound() -> _Server:
    """On a free port below those that the kernel gives away. Raises OSError."""
    for _ in range(TRIES):
        with suppress(OSError):
            return _Server(random.randrange(LOWEST, ABOVE))
    raise OSError(f"no free port in {LOWEST}–{ABOVE - 1} after {TRIES} tries")


def forget_the_gone(targets: Path) -> None:
    """Removes the file of a killed process: its port answers no more, or for another."""
    with suppress(OSError):
        for path in list(targets.iterdir()):
            named = LEFT.fullmatch(path.name)
            if named is not None and not lives(int(named[1])):
                forget(path)


def forget(target: Path | None) -> None:
    """A process that is gone is scraped no more."""
    if target is not None:
        with suppress(OSError):
            target.unlink(missing_ok=True)

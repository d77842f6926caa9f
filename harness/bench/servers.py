"""Servers that benches fire at, each alone on a core: nginx that answers like a losing tap, and a bare front.

Started as children and ended on leaving the context, whatever happens in it.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from harness.children import for_children
from harness.errors import EnvironmentNotReady
from harness.stack import tools
from harness.stack.spawn import die_with_parent
from harness.waits import killed

READY_S = 15.0
NO_MORE: Mapping[str, str] = MappingProxyType({})
_PORTS = range(20_000, 32_000)  # below the ephemeral ports, so that no connection of ours can take one

# The body and headers of a losing answer. What nginx adds (Server, Date) stays: it is part of nginx's cost.
NGINX_CONF = """
worker_processes 1; daemon off; master_process off; pid nginx.pid; error_log stderr crit;
worker_rlimit_nofile {files};
events {{ worker_connections {files}; }}
http {{
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; default_type application/json;
  server {{
    listen 127.0.0.1:{port} backlog=8192;
{more}    location / {{ return 200 '{{"won":false,"next_ms":143}}'; }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class BenchTarget:
    """A server under fire: ``host:port``, its process, and a file of its users' tokens."""

    address: str
    pid: int
    tokens: Path
    round: int = 1


def free_port() -> int:
    """A port below the ephemeral range that nobody listens on."""
    for _ in range(200):
        port = secrets.choice(_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise EnvironmentNotReady("no free port between 20000 and 32000")


@contextmanager
def child(argv: list[str], port: int, core: int, cwd: Path | None = None) -> Iterator[int]:
    """Runs a server on a core until the context ends; yields its process id once the port answers."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            argv, cwd=cwd, env=for_children(), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            preexec_fn=die_with_parent,
        )  # fmt: skip
        try:
            os.sched_setaffinity(process.pid, {core})
            _wait(process, port, argv[0], log.fileno())
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                killed(process)


def _wait(process: subprocess.Popen[bytes], port: int, name: str, log: int) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(1.0)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    tail = os.pread(log, 2000, 0).decode(errors="replace").strip()
    raise EnvironmentNotReady(f"{name} does not answer on port {port}: {tail or 'it said nothing'}")


@contextmanager
def nginx(core: int, users: int = 20_000, answers: Mapping[str, str] = NO_MORE) -> Iterator[BenchTarget]:
    """nginx with one worker that answers every request at once: as a losing tap, `answers` for other paths. Raises
    EnvironmentNotReady if it is missing.
    """
    program = tools.need("nginx")
    with tempfile.TemporaryDirectory(prefix="xiu-nginx-") as folder:
        home, port = Path(folder), free_port()
        files = min(_open_files(), 20_000)
        more = "".join(f"    location = {path} {{ return 200 '{body}'; }}\n" for path, body in answers.items())
        (home / "nginx.conf").write_text(NGINX_CONF.format(port=port, files=files, more=more))
        tokens = plain_tokens(home / "tokens", users)
        with child([str(program), "-p", f"{home}/", "-c", "nginx.conf", "-e", "stderr"], port, core, home) as pid:
            yield BenchTarget(f"127.0.0.1:{port}", pid, tokens)


@contextmanager
def bare_front(
    core: int, users: int = 20_000, win_every: int = 1750, losing: Sequence[tuple[int, int]] = ()
) -> Iterator[BenchTarget]:
    """The real draw path over a round in memory, with tokens of its users. ``losing``: (round, season) of further
    rounds, in which nobody wins and taps carry tickets of the season, unless that is 0.
    """
    with tempfile.TemporaryDirectory(prefix="xiu-front-") as folder:
        port, tokens = free_port(), Path(folder) / "tokens"
        argv = [sys.executable, "-m", "system.benching.bare_front", "--secret", secrets.token_hex(32)]
        argv += ["--listen", f"127.0.0.1:{port}", "--win-every", str(win_every)]
        argv += [word for pair in losing for word in ("--losing", *map(str, pair))]
        with child([*argv, "--tokens", str(tokens), "--users", str(users)], port, core) as pid:
            yield BenchTarget(f"127.0.0.1:{port}", pid, tokens)


def realtime(pid: int) -> str:
    """Puts a server into the real-time class where that is allowed; names the class it is in, as the cannon does."""
    try:
        os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(1))
    except (AttributeError, OSError):
        return "other"
    return "fifo"


def plain_tokens(path: Path, users: int) -> Path:
    """Tokens that look real to a server that does not check them."""
    expires_s = int(time.time()) + 86_400
    path.write_text(
        "".join(f"{uid}.{expires_s}.{secrets.token_hex(16)}\n" for uid in range(1, users + 1)), encoding="utf-8"
    )
    return path


def _open_files() -> int:
    import resource

    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]

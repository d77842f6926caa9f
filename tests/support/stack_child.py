"""A small part for tests: answers 200 on every path, tells its environment on /env, and dies or dawdles when asked to.

Arguments: port, and optionally `--ready-after S`, `--die SECONDS` (behind its first 200, however late that is asked
for; 0: at its start), `--say TEXT`, `--write FILE` (at its start, or it dies).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    began = time.monotonic()
    ready_after_s = 0.0
    die_after_s: float | None = None

    def do_GET(self) -> None:
        ready = time.monotonic() - self.began >= self.ready_after_s
        body = json.dumps({**os.environ, "CORES": sorted(os.sched_getaffinity(0)), "NICE": os.nice(0)}).encode()
        self.send_response(200 if ready else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        if ready and Handler.die_after_s is not None:
            threading.Timer(Handler.die_after_s, lambda: os._exit(7)).start()

    def log_message(self, format: str, *args: object) -> None:
        return


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--ready-after", type=float, default=0.0)
    parser.add_argument("--die", type=float)
    parser.add_argument("--say", default="")
    parser.add_argument("--write", type=Path)
    args = parser.parse_args()
    if args.say:
        print(args.say, file=sys.stderr, flush=True)
    if args.write is not None:
        args.write.write_bytes(b"." * 100_000)
    Handler.ready_after_s = args.ready_after
    if args.die == 0:
        os._exit(7)
    Handler.die_after_s = args.die
    ThreadingHTTPServer(("127.0.0.1", args.port), Handler).serve_forever()


if __name__ == "__main__":
    main()

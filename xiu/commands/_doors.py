"""`xiu plan run --workers-at`, `--locust-page`, and `xiu plan join`: a run whose Locust is open to others, and the
worker that comes from another host.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

from harness.children import for_children
from harness.errors import BadInput
from harness.runs.doors import LocustDoors, needs_secret, read_door, read_doors, secret_in
from xiu.commands._together import refuse

EXAMPLE = "XIU_LOCUST_SECRET_FILE=secret xiu plan join 10.0.0.5:5557"
LOCUSTFILE = Path(__file__).resolve().parents[2] / "harness" / "locustfile.py"


def configure(run: argparse.ArgumentParser, join: argparse.ArgumentParser) -> None:
    """The options of `plan run`, and what `plan join` takes."""
    run.add_argument("--workers-at", metavar="HOST:PORT", help="the plan's workers join here: xiu plan join HOST:PORT")
    run.add_argument("--locust-page", metavar="PORT", help="Locust's own page while the plan runs, on this host")
    join.add_argument("master", metavar="HOST:PORT", help="the address that the run has in --workers-at")


def doors_of(args: argparse.Namespace) -> LocustDoors:
    """Raises BadInput for what is no address, for workers without a secret, and where nothing is started."""
    workers, page = getattr(args, "workers_at", None), getattr(args, "locust_page", None)
    if getattr(args, "dry_run", False):
        refuse("--dry-run", {"--workers-at": workers, "--locust-page": page}, "nothing is started")
    return read_doors(workers, page, os.environ)


def join(args: argparse.Namespace) -> NoReturn:
    """Becomes a worker of one run, until that is over; it keeps what it measured under `runs`, too. Its exit code is 0,
    10 where the master was lost or the worker failed, 5 where none answered. Raises BadInput.
    """
    door = read_door("join", args.master)
    needs_secret("join", os.environ)
    if args.json:
        raise BadInput("--json with plan join", expected="it left out: the run's document is the master's")
    words = ("--worker", "--master-host", door.host, "--master-port", str(door.port))
    print(f"joins {door}", file=sys.stderr, flush=True)
    argv = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *words]
    os.execve(sys.executable, argv, for_children(secret_in()))

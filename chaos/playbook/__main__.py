"""`python -m chaos.playbook --stack FOLDER --port PORT`: the engine of one stack, until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from prometheus_client import CollectorRegistry

from chaos.playbook import library
from chaos.playbook.engine import Engine
from chaos.playbook.lock import AlreadyRuns, only_one
from chaos.playbook.meters import Meters
from chaos.playbook.web import Pages
from chaos.playbook.world import StackWorld
from harness.stack.addresses import Addresses
from harness.stack.folder import Folder
from plans.models.errors import PlanError
from system.contract.web import listening


async def serve(folder: Folder, port: int, files: list[Path] | None) -> None:
    """Runs until SIGTERM or SIGINT; runs under way are taken up by the next start."""
    entries = library.load(files)
    token = (folder.secret / "admin").read_text(encoding="utf-8").strip()
    addresses = Addresses.from_json(folder.read_state()["addresses"])
    registry = CollectorRegistry()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with StackWorld(addresses, token) as world:
        engine = Engine(folder.path, entries, world, Meters(registry, [e.playbook for e in entries.values()]))
        pages = Pages(engine, registry, token).app()
        async with asyncio.TaskGroup() as group:
            engine.resume(group)
            async with listening(pages, ("127.0.0.1", port)):
                await stopping.wait()
                engine.let_go()


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stack", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--playbooks", type=Path, metavar="DIR", help="other playbooks than plans/playbooks")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    folder = Folder(args.stack.resolve())
    files = None if args.playbooks is None else sorted(args.playbooks.glob("*.yaml"))
    try:
        with only_one(folder.path):
            asyncio.run(serve(folder, args.port, files))
    except (PlanError, AlreadyRuns) as exc:
        print(f"playbook: {exc}", file=sys.stderr)
        return exc.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m chaos.playbook --stack FOLDER --port PORT`: the engine of one stack, until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from prometheus_client import CollectorRegistry

from chaos.playbook.engine import Engine
from chaos.playbook.lock import AlreadyRuns, only_one
from chaos.playbook.meters import PlaybookMeters
from chaos.playbook.shelf import Shelf
from chaos.playbook.web import Pages
from chaos.playbook.world import StackWorld
from harness.stack.addresses import Addresses
from harness.stack.folder import Folder
from system.contract.web import listening

LOOK_S = 1.0
"""Seconds within which a new or corrected playbook is known."""

log = logging.getLogger("xiu.playbook")


async def serve(folder: Folder, port: int, shelf: Shelf) -> None:
    """Runs until SIGTERM or SIGINT; runs under way are taken up by the next start. Raises OSError: no such port."""
    token = (folder.secret / "admin").read_text(encoding="utf-8").strip()
    addresses = Addresses.from_json(folder.read_state()["addresses"])
    registry = CollectorRegistry()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with StackWorld(addresses, token) as world:
        engine = Engine(folder.path, {}, world, PlaybookMeters(registry))
        if (found := shelf.look()) is not None:
            engine.take(found)
        pages = Pages(engine, registry, token).app()
        # Outside of the group, so that a port that is taken is reported as such.
        async with listening(pages, ("127.0.0.1", port)), asyncio.TaskGroup() as group:
            engine.resume(group)
            keeping = group.create_task(keep(engine, shelf))
            await stopping.wait()
            keeping.cancel()
            engine.let_go()


async def keep(engine: Engine, shelf: Shelf, every_s: float = LOOK_S) -> None:
    """Watches what changes by itself, until cancelled: the playbooks' files, and the journal's disk."""
    while True:
        await asyncio.sleep(every_s)
        engine.settle()
        try:
            if (found := await asyncio.to_thread(shelf.look)) is not None:
                engine.take(found)
        except Exception:
            # The known playbooks stay known.
            log.exception("the playbooks' files cannot be looked at", extra={"event": "playbooks_unread"})


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stack", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--playbooks", type=Path, metavar="DIR", help="other playbooks than plans/playbooks")
    parser.add_argument("--beside", type=Path, action="append", default=[], metavar="DIR", help="playbooks beside them")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    folder = Folder(args.stack.resolve())
    try:
        with only_one(folder.path):
            asyncio.run(serve(folder, args.port, Shelf(args.playbooks, args.beside)))
    except (AlreadyRuns, OSError) as exc:
        print(f"playbook: {exc}", file=sys.stderr)
        return 5
    return 0


if __name__ == "__main__":
    sys.exit(main())

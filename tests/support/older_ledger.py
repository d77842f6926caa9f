"""A ledger as an earlier program left it: a small closed history, kept as text, and put back for a test.

`older/NNNN.sql` is what pg_dump says of it, `older/NNNN.winlog` the win log's keys. To write those of the program in a
checkout: `python -m tests.support.older_ledger`, there; into an older one, copy `tests/support` first.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import tempfile
from pathlib import Path

import psycopg
import valkey

from system.contract.ids import Lane
from tests.support.control import Api, running, settings_of
from tests.support.played_front import PlayedFront, credit
from tests.support.stores import PostgresServer, ValkeyServer, postgres_bin

OLDER = Path(__file__).parent / "older"


async def _round(api: Api, lane: Lane) -> None:
    """Wins posted in two epochs, one entry damaged and set aside, the round closed."""
    number = await api.make_round(lane=lane)
    async with credit(api, lane) as worker:
        front = await PlayedFront(api, number, lane=lane).start()
        await front.lease()
        await front.append((1, 0), (2, 1))
        entry = bytearray(front.entry([(3, 2)]))
        entry[-1] ^= 1
        front.sequence += 1
        key = f"win:{{0}}:{lane}:{number}:0"
        await api.control.winlog.of(0).command("XADD", key, f"{front.epoch}-{front.sequence}", "e", bytes(entry))
        await front.append((4, 3))
        await worker.once()
        body = {"front": 0, "epoch": front.epoch, "sequence": 2, "why": "bad disk"}
        assert (await api.admin("POST", f"/v1/rounds/{number}/set-aside", body))[0] == 200
        await worker.once()
        await front.new_epoch()
        lo, _ = await front.lease()
        await front.append((5, lo), (6, lo + 1))
        await worker.once()
        api.end_window()
        await api.close(number)
        assert await front.confirm() == 200
        await api.closed(number)


async def _play(postgres_url: str, valkey_url: str) -> None:
    async with running(settings_of(postgres_url, valkey_url)) as api:
        for lane in ("live", "stress"):
            await _round(api, lane)
        switch = {"value": 20, "who": "older", "why": "a history"}
        status, told = await api.admin("PUT", "/v1/switches/draw.shed_percent", switch)
        assert status == 200, told


def _dumped(url: str) -> str:
    """As pg_dump has it, without what a session of psql alone understands, and without remarks."""
    argv = [str(postgres_bin() / "pg_dump"), "--inserts", "--no-owner", "--no-comments", url]
    text = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout
    left = re.compile(r"--|\\|SET |$")
    return "\n".join(line for line in text.splitlines() if not left.match(line)) + "\n"


def _logged(url: str) -> str:
    """A line a key: its kind and what is in it, bytes in hex."""
    lines = []
    with valkey.Valkey.from_url(url) as client:
        for key in sorted(client.keys()):
            kind = client.type(key).decode()
            held: object = None
            if kind == "stream":
                held = [[i.decode(), {k.decode(): v.hex() for k, v in e.items()}] for i, e in client.xrange(key)]
            elif kind == "hash":
                held = {k.decode(): v.hex() for k, v in client.hgetall(key).items()}
            elif kind == "string":
                held = client.get(key).hex()
            else:
                raise SystemExit(f"{key.decode()}: a {kind}; expected a stream, a hash or a string")
            lines.append(json.dumps([kind, key.decode(), held]))
    return "\n".join(lines) + "\n"


def put_back(version: str, postgres_url: str, server: ValkeyServer) -> None:
    """That history, in an empty database and in a Valkey. The roles of its rights have to be there."""
    with psycopg.connect(postgres_url, autocommit=True) as conn:
        conn.execute((OLDER / f"{version}.sql").read_bytes())
    with valkey.Valkey.from_url(server.url) as client:
        for line in (OLDER / f"{version}.winlog").read_text(encoding="utf-8").splitlines():
            kind, key, held = json.loads(line)
            if kind == "stream":
                for place, fields in held:
                    client.xadd(key, {name: bytes.fromhex(value) for name, value in fields.items()}, id=place)
            elif kind == "hash":
                client.hset(key, mapping={name: bytes.fromhex(value) for name, value in held.items()})
            else:
                client.set(key, bytes.fromhex(held))


def main() -> None:
    """Plays the history on stores of its own, and writes it down under the version of its ledger."""
    OLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="xiu-older-") as folder:
        Path(folder).chmod(0o755)
        servers = PostgresServer(Path(folder) / "pg"), ValkeyServer(Path(folder) / "vk")
        with servers[0].running() as postgres, servers[1].running() as log:
            url = postgres.create_database("older")
            asyncio.run(_play(url, log.url))
            with psycopg.connect(url) as conn:
                ((number,),) = conn.execute("SELECT max(number) FROM control.migration").fetchall()
            (OLDER / f"{number:04}.sql").write_text(_dumped(url), encoding="utf-8")
            (OLDER / f"{number:04}.winlog").write_text(_logged(log.url), encoding="utf-8")


if __name__ == "__main__":
    main()

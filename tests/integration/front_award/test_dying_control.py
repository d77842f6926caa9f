"""A control that dies in an answer, or speaks nonsense: the front hears *unknown* or *refused*, credit keeps its
switches, and no other error comes out of either."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
import uvloop

from system.contract.api import ConfirmRequest, EpochRequest, LeaseRequest, SyncRequest
from system.contract.errors import Conflict, NotFound, StoreRefused, StoreUnknown
from system.credit.switches import Switches
from system.front.link import ControlLink
from tests.support.dying import DyingServer
from tests.support.stores import LOOPBACK

SECRET = bytes(32)
CALLS: tuple[Callable[[ControlLink], Awaitable[object]], ...] = (
    lambda link: link.register(),
    lambda link: link.clock(),
    lambda link: link.sync(SyncRequest(instance=1, streams=())),
    lambda link: link.epoch(1, EpochRequest(instance=1)),
    lambda link: link.lease(1, LeaseRequest(instance=1, epoch=1, number=1)),
    lambda link: link.ledger(1, 1),
    lambda link: link.confirm(1, ConfirmRequest(instance=1, epoch=1, sequence=1)),
)


def answered(body: bytes, *lines: bytes, status: bytes = b"200 OK") -> bytes:
    head = [b"HTTP/1.1 " + status, b"Content-Type: application/json", *lines, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


NONSENSE = (
    b"",
    b"\x00\xff\x16",
    b"+OK\r\n",
    b"HTTP/1.1 999 \r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n{}",
    answered(b"{}")[:-1],
    answered(b""),
    answered(b"[]"),
    answered(b"null"),
    answered(b'"\xff\xfe"'),
    answered(b"{"),
    answered(b'{"now_us":"x","instance":-1,"switches":7}'),
    answered(b'{"now_us":' + b"9" * 5000 + b"}"),
    answered(b'{"now_us":-1,"switches":{"credit.pause":2}}'),
    answered(b"plain", b"Content-Encoding: gzip"),
    answered(b"[7]", status=b"409 Conflict"),
    answered(b'{"error":7}', status=b"503 Service Unavailable"),
    answered(b"", b"Location: http://[", status=b"302 Found"),
)


def on_uvloop(whole: Callable[[], Awaitable[None]]) -> None:
    lost: list[str] = []

    async def watched() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: lost.append(str(context)))
        async with asyncio.timeout(120):
            await whole()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(watched())
    assert lost == []


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "end of stream"])
def test_whatever_control_answers_the_front_hears_unknown_or_refused(reset: bool) -> None:
    ended: Counter[str] = Counter()
    size = len(CALLS)

    async def whole() -> None:
        with DyingServer(lambda n: ((NONSENSE[n // size % len(NONSENSE)],), reset), asked=True) as server:
            async with ControlLink(f"http://{LOOPBACK}:{server.port}", 0, SECRET) as link:
                for n in range(size * len(NONSENSE)):
                    with pytest.raises((StoreUnknown, StoreRefused, Conflict, NotFound)) as told:
                        await CALLS[n % size](link)
                    ended[told.type.__name__] += 1

    on_uvloop(whole)
    assert ended["StoreUnknown"] > size * (len(NONSENSE) - 3)


def test_a_link_that_is_closed_hears_unknown() -> None:
    async def whole() -> None:
        async with ControlLink(f"http://{LOOPBACK}:9", 0, SECRET) as link:
            pass
        with pytest.raises(StoreUnknown, match="Session is closed"):
            await link.clock()

    on_uvloop(whole)


def test_whatever_control_answers_credit_keeps_its_switches(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def whole() -> None:
        with DyingServer(lambda n: ((NONSENSE[n % len(NONSENSE)],), n % 2 == 0), asked=True) as server:
            switches = Switches(f"http://{LOOPBACK}:{server.port}", "key", "live")
            known = {**switches.values, "credit.pause": 1}
            switches.values = dict(known)
            async with aiohttp.ClientSession() as session:
                for _ in range(2 * len(NONSENSE)):
                    await switches._ask(session)
            assert switches.values == known

    on_uvloop(whole)
    assert [getattr(record, "event", "") for record in caplog.records] == ["switches_unknown"], "said once"

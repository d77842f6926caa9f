"""The front's own line to control against the real control: both sides of the seam mean the same."""

from __future__ import annotations

import asyncio

import pytest

from system.contract.api import ConfirmRequest, EpochRequest, LeaseRequest, StreamReport, SyncRequest
from system.contract.errors import Conflict, NotFound, Refused, StoreRefused, Superseded
from system.front.link import ControlLink
from system.settings import ControlSettings
from tests.support.control import SECRET, running


def test_every_call_of_a_front(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api, ControlLink(str(api.client.make_url("")).rstrip("/"), 0, SECRET) as link:
            number = await api.make_round()
            instance = (await link.register()).instance
            assert await link.clock() == api.clock()
            told = await link.sync(SyncRequest(instance=instance))
            assert [item.public.round for item in told.rounds] == [number]
            epoch = (await link.epoch(number, EpochRequest(instance=instance))).epoch
            order = LeaseRequest(instance=instance, epoch=epoch, number=1)
            lease = await link.lease(number, order)
            assert (lease.number, lease.lo, lease.hi) == (1, 0, 21)
            view = await link.ledger(number, instance)
            assert (view.granted, view.state, view.records) == (epoch, "armed", "")
            word = ConfirmRequest(instance=instance, epoch=epoch, sequence=0)
            with pytest.raises(Conflict):
                await link.confirm(number, word)
            with pytest.raises(NotFound):
                await link.ledger(99, instance)
            api.end_window()
            await api.close(number)
            with pytest.raises(Conflict):
                await link.lease(number, order)
            report = StreamReport(round=number, epoch=epoch, sequence=0, ready=True, pending=3)
            assert (await link.sync(SyncRequest(instance=instance, streams=(report,)))).rounds[
                0
            ].public.state == "closing"
            await link.confirm(number, word)
            await api.closed(number)
            await link.confirm(number, word)
            with pytest.raises((Refused, StoreRefused)):
                await link.epoch(number, EpochRequest(instance=instance))
            await link.register()
            for late in (
                link.sync(SyncRequest(instance=instance)),
                link.epoch(number, EpochRequest(instance=instance)),
                link.lease(number, order),
            ):
                with pytest.raises(Superseded):
                    await late

    asyncio.run(body())

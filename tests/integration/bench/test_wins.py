"""Bench `wins` in small, on a real stack, with a few taps by hand in place of wrk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
import requests

from harness.bench import clients
from harness.bench.clients import WrkResult
from harness.bench.servers import BenchTarget
from harness.bench.wins import WinsRig
from harness.control_client import ControlClient
from harness.errors import EnvironmentNotReady
from harness.stack import Stack, new_folder

USERS = 30


def tap_all(target: BenchTarget, core: int, connections: int, seconds: float) -> WrkResult:
    """Every user once, in the order of the tokens; as many a second as there are."""
    with requests.Session() as session:
        for token in target.tokens.read_text().split():
            url = f"http://{target.address}/v1/rounds/{target.round}/taps"
            session.post(url, headers={"Authorization": f"Bearer {token}"}, timeout=5)
    return WrkResult(USERS, 1.0)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WinsRig]:
    folder = tmp_path_factory.mktemp("wins")
    with Stack(new_folder(folder), with_prometheus=False, environment={}) as stack:
        control = ControlClient.of(stack)
        tokens = folder / "tokens"
        tokens.write_text("\n".join(control.tokens("live", 1, USERS)))
        made = WinsRig(stack, control, tokens, USERS, 0)
        yield made
        made.close()
        control.close()


def measured(rig: WinsRig) -> float:
    """A sample. One in which a tap heard that its win is on its way is none, as the bench says: on a busy machine."""
    for _ in range(4):
        with suppress(EnvironmentNotReady):
            return rig.durable(1.0, 1)
    return rig.durable(1.0, 1)


def test_every_user_wins_and_every_win_stands_in_the_stream(rig: WinsRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "wrk", tap_all)
    for sample in (1, 2):
        assert measured(rig) == USERS
        assert rig.wins == sample * USERS
        assert rig.entries == rig.wins, "one tap at a time: one record an entry"
    assert rig.xadd(0.1) > 0


def test_a_user_who_taps_again_wins_nothing_and_spoils_the_sample(
    rig: WinsRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def twice(target: BenchTarget, core: int, connections: int, seconds: float) -> WrkResult:
        tap_all(target, core, connections, seconds)
        return tap_all(target, core, connections, seconds)

    monkeypatch.setattr(clients, "wrk", twice)
    with pytest.raises(EnvironmentNotReady, match=r"50\.0% of the taps won"):
        rig.durable(1.0, 1)

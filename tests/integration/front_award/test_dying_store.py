"""A front process whose Valkey dies in the handshake, thousands of times: it lives, what it gave is pending or won, and
its books close."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp

from tests.support.deadline import lasting, until
from tests.support.front import Rig
from tests.support.front_process import Taps, environment, on_process, process, started
from tests.support.stores import LOOPBACK, ValkeyServer, free_port

ROUNDS, DEATHS = 120, 3000


async def unknown_appends(session: aiohttp.ClientSession, env: dict[str, str]) -> int:
    async with session.get(f"http://{env['XIU_METRICS_LISTEN']}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    wanted = 'hongbao_appends_total{lane="live",verdict="unknown"}'
    return next(int(float(line.split()[-1])) for line in lines if line.startswith(wanted))


def test_a_front_outlives_thousands_of_deaths_in_the_handshake_and_its_books_close(
    valkey_server: ValkeyServer, tmp_path: Path
) -> None:
    """Each round has an append on its way that is sent again and again, so that the connections come quickly."""

    async def scenario(rig: Rig, session: aiohttp.ClientSession) -> None:
        rounds = [rig.new_round_id() for _ in range(ROUNDS)]
        for round_id in rounds:
            rig.control.add_round(round_id)
        env = environment(rig, tmp_path) | {"XIU_METRICS_LISTEN": f"{LOOPBACK}:{free_port()}"}
        taps, log = Taps(session, env), tmp_path / "front.log"
        told: dict[int, dict[int, dict[str, object]]] = {round_id: {} for round_id in rounds}

        def uid(round_id: int, number: int) -> int:
            return 10 * round_id + number  # a user taps in one round alone: the limiter has nothing to say

        async def accepted(round_id: int, user: int) -> tuple[int, dict[str, object]]:
            """No loss: a gate may be shut for a moment, where the machine is busy."""
            while True:
                status, body = await taps.tap(round_id, user)
                if status != 429 and (status != 200 or body["won"]):
                    return status, body
                await lasting(0.15, "a user's pause")

        async def tapped(number: int, *expected: int) -> None:
            answers = await asyncio.gather(*(accepted(round_id, uid(round_id, number)) for round_id in rounds))
            for round_id, (status, body) in zip(rounds, answers, strict=True):
                assert status in expected, (status, body)
                if body.get("won"):
                    told[round_id][uid(round_id, number)] = body

        async def won(number: int) -> None:
            await asyncio.gather(*(taps.win(round_id, uid(round_id, number)) for round_id in rounds))

        async with process(env, log=log) as front:
            await started(taps)
            await won(1)
            for number, by_reset in ((2, True), (3, False)):
                before = await unknown_appends(session, env)
                rig.relay.deaths, rig.relay.by_reset = DEATHS, by_reset
                rig.relay.cut()
                await tapped(number, 200, 202)

                async def survived() -> bool:
                    assert front.returncode is None, log.read_text()[-2000:]
                    return rig.relay.deaths == 0

                await until(survived, f"{DEATHS} deaths", timeout_s=60)
                assert await unknown_appends(session, env) > before + ROUNDS
                await won(number)
            for number in (1, 2, 3):
                await tapped(number, 200)
            for round_id in rounds:
                rig.control.rounds[round_id].state = "closing"

            async def confirmed() -> bool:
                return all(rig.control.rounds[round_id].confirmed for round_id in rounds)

            await until(confirmed, "every round is settled")
            assert front.returncode is None
        for round_id in rounds:
            shown = {user: int(str(body["award"]).split("-")[1]) for user, body in told[round_id].items()}
            assert shown == await rig.winners(round_id)
            assert len(shown) == 3
        assert "Traceback" not in log.read_text()

    on_process(valkey_server, scenario)

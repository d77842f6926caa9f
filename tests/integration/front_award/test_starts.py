"""Several starts of one front, and its ends: rebuild, superseded, blocked, leases, close. Source: docs/money.md."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from prometheus_client import generate_latest

from system.contract.errors import Superseded
from system.contract.ids import Position
from system.contract.switches import defaults
from system.front.seam import NEVER
from system.winlog import Header, Win, encode
from tests.support.fake_control import LEASE
from tests.support.front import Rig, eventually, on
from tests.support.stores import ValkeyServer


def test_a_killed_front_is_rebuilt_from_stream_and_ledger_by_its_next_start(valkey_server: ValkeyServer) -> None:
    async def scenario(rig: Rig) -> None:
        round_id = rig.new_round_id()
        made = rig.control.add_round(round_id)
        async with rig.front() as first:
            await first.ready(round_id)
            before = {uid: await first.win(round_id, uid) for uid in range(8)}
            await first.kill()
        credited = await rig.stored(round_id)
        made.posted = [win for _, wins in credited[:4] for win in wins]
        made.offset = Position.parse(credited[3][0])
        # The ledger alone knows the first four now: credited entries may be gone, after the round's audit or a flush.
        for at, _ in credited[:4]:
            await rig.control.store.command("XDEL", rig.log(round_id).key, at)
        async with rig.front() as second:
            round_ = await second.ready(round_id)
            assert round_.settled == before
            assert round_.pending == {}
            win = await second.win(round_id, 50)
            assert win.packet >= LEASE, "the leases of the earlier start are abandoned"
            assert len(await rig.stored(round_id)) == 5, "nothing was appended again"

    on(valkey_server, scenario)


def test_until_a_restarted_front_is_rebuilt_it_serves_nobody(
    valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("system.front.sync.OPEN_WITHIN_S", 60.0)  # its patience is not what is tested here

    async def scenario(rig: Rig) -> None:
        round_id = rig.new_round_id()
        rig.control.add_round(round_id)
        async with rig.front() as first:
            await first.ready(round_id)
            await first.win(round_id, 1)
            await first.kill()
        rig.relay.mute = True
        async with rig.front() as second:
            await eventually(lambda: round_id in second.sync.keepers, "round learned")
            assert not second.state.serving
            rig.relay.mute = False
            await eventually(lambda: second.state.serving, "serving")
            assert 1 in second.state.rounds[round_id].settled

    on(valkey_server, scenario)


def test_a_front_that_does_not_hear_control_or_its_clock_knows_nothing_of_other_rounds(
    valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("system.front.sync.ANSWERED_WITHIN_US", 300_000)

    async def scenario(rig: Rig) -> None:
        round_id = rig.new_round_id()
        rig.control.lose["clock"] = 1 << 30
        async with rig.front() as front:
            await eventually(lambda: front.state.knows(round_id), "control is heard")
            assert not front.state.serving, "by whose clock?"
            rig.control.lose["clock"] = 0
            await eventually(lambda: front.state.serving, "serving")
            rig.control.down = True
            rig.control.add_round(round_id)
            asked = rig.control.calls["sync"]
            await eventually(lambda: rig.control.calls["sync"] > asked, "the answer of before has been taken")
            await eventually(lambda: not front.state.knows(round_id), "control may have opened a round by now")
            assert front.state.serving
            rig.control.down = False
            await eventually(lambda: front.state.knows(round_id + 1), "control is heard again")
            assert round_id in front.state.rounds

    on(valkey_server, scenario)


def test_an_older_start_stops_once_a_newer_is_known(valkey_server: ValkeyServer) -> None:
    async def scenario(rig: Rig) -> None:
        round_id = rig.new_round_id()
        rig.control.add_round(round_id)
        async with rig.front() as first:
            round_ = await first.ready(round_id)
            await first.win(round_id, 1)
            async with rig.front() as second:
                await second.ready(round_id)
                await asyncio.wait([first.task], timeout=30)
                assert isinstance(first.task.exception(), Superseded)
                assert not first.state.serving
                assert round_.opening_us == NEVER
                assert 1 in second.round(round_id).settled

    on(valkey_server, scenario)


@pytest.mark.parametrize("epoch", [1, 2])
def test_two_wins_of_one_user_block_the_round_until_a_person_decides(valkey_server: ValkeyServer, epoch: int) -> None:
    async def scenario(rig: Rig) -> None:
        round_id = rig.new_round_id()
        rig.control.add_round(round_id)
        async with rig.front() as front:
            round_ = await front.ready(round_id)
            win = await front.win(round_id, 1)
            header = Header("live", round_id, 0, epoch, 2 if epoch == 1 else 1, 1)
            forged = encode(header, [Win(win.packet + 1, win.fen, 1, win.time_us, win.sponsor, 0)])
            await rig.control.store.command("XADD", rig.log(round_id).key, str(header.position), "e", forged)
            await eventually(lambda: bool(round_.blocked), "blocked")
            assert "user 1" in round_.blocked
            assert not round_.ready
            assert round_.opening_us == NEVER
            assert round_.settled == {1: win}
            blocked = b'hongbao_front_blocked_rounds{lane="live"} 1.0'
            await eventually(lambda: blocked in generate_latest(front.metrics.registry), "an alert can see it")

    on(valkey_server, scenario)


def test_a_damaged_entry_blocks_the_round(valkey_server: ValkeyServer) -> None:
    async def scenario(rig: Rig) -> None:
        round_id = rig.new_round_id()
        rig.control.add_round(round_id)
        async with rig.front() as first:
            await first.ready(round_id)
            await first.win(round_id, 1)
        await rig.control.store.command("XADD", rig.log(round_id).key, "1-2", "e", "not an entry")
        async with rig.front() as second:
            await eventually(lambda: round_id in second.sync.keepers, "round learned")
            await eventually(lambda: bool(second.round(round_id).blocked), "blocked")
            assert "1-2" in second.round(round_id).blocked
            await eventually(lambda: second.state.serving, "other rounds are served")
            assert round_id not in second.state.rounds, "nobody hears a loss where winners are not known"
            assert not second.state.knows(round_id), "nor that there is no such round"
            await eventually(lambda: second.state.knows(round_id + 1), "control was heard just now")

    on(valkey_server, scenario)


def test_lost_lease_answers_are_asked_for_again_by_the_same_number(valkey_server: ValkeyServer) -> None:
    async def scenario(rig: Rig) -> None:
        round_id = rig.new_round_id()
        made = rig.control.add_round(round_id, packets=3 * LEASE)
        rig.control.lose["lease"] = 2
        rig.control.lose["epoch"] = 1
        async with rig.front() as front:
            round_ = await front.ready(round_id)
            for uid in range(3 * LEASE):
                if uid == LEASE:
                    rig.control.lose["lease"] = 1
                await front.win(round_id, uid)
            assert sorted(win.packet for win in round_.settled.values()) == list(range(3 * LEASE))
            assert round_.opening_us == NEVER, "sold out"
            assert not round_.closed
        granted = {number: hi - lo for (_, number), (lo, hi) in made.leases.items() if hi > lo}
        assert granted == {1: LEASE, 2: LEASE, 3: LEASE}
        assert {epoch for epoch, _ in made.leases} == {2}

    on(valkey_server, scenario)


def test_control_away_in_mid_round_the_held_leases_go_on(valkey_server: ValkeyServer) -> None:
    async def scenario(rig: Rig) -> None:
        round_id = rig.new_round_id()
        rig.control.add_round(round_id)
        async with rig.front() as front:
            round_ = await front.ready(round_id)
            await eventually(lambda: round_.leases.remaining == LEASE, "a lease")
            rig.control.down = True
            for uid in range(LEASE):
                await front.win(round_id, uid)
            assert round_.opening_us == NEVER, "nothing left to hand out"
            rig.control.down = False
            await front.win(round_id, 100)

    on(valkey_server, scenario)


def test_a_front_that_starts_before_control_waits_for_it(valkey_server: ValkeyServer) -> None:
    async def scenario(rig: Rig) -> None:
        round_id = rig.new_round_id()
        rig.control.add_round(round_id)
        rig.control.down = True
        async with rig.front() as front:
            await eventually(lambda: rig.control.calls["register"] >= 2, "asked again")
            assert not front.state.serving
            rig.control.down = False
            await front.ready(round_id)
            assert await front.win(round_id, 1)

    on(valkey_server, scenario)


def test_a_clock_that_jumps_awards_nothing_until_it_is_confirmed(valkey_server: ValkeyServer) -> None:
    async def scenario(rig: Rig) -> None:
        round_id = rig.new_round_id()
        rig.control.add_round(round_id)
        async with rig.front() as front:
            round_ = await front.ready(round_id)
            await front.win(round_id, 1)
            seen: list[bool] = []
            rig.control.skew_us = 20_000_000  # more than the doubt of any slow reading
            await eventually(lambda: seen.append(front.state.clock.trusted) or not seen[-1], "not trusted")  # type: ignore[func-returns-value]
            assert round_.opening_us == NEVER
            await front.win(round_id, 2)
            assert front.state.clock.jumps == 1

    on(valkey_server, scenario)


def test_the_award_switch_shuts_the_gate_and_opens_it_again(valkey_server: ValkeyServer) -> None:
    async def scenario(rig: Rig) -> None:
        round_id = rig.new_round_id()
        rig.control.add_round(round_id)
        async with rig.front() as front:
            round_ = await front.ready(round_id)
            rig.control.switches = rig.control.switches | {"draw.award": 0}

            def refused() -> bool:
                # Awaited first: the gate may shut for another reason before, a Valkey that is slow on a busy machine.
                return {table["draw.award"] for table in front.state.switches.values()} == {0}

            await eventually(refused, "a control without lanes has one value for all")
            await eventually(lambda: round_.opening_us == NEVER, "shut")
            rig.control.switches = rig.control.switches | {"draw.award": 1}
            assert await front.win(round_id, 1)
            assert b'hongbao_switch{key="draw.award",lane="live"} 1.0' in generate_latest(front.metrics.registry)

    on(valkey_server, scenario)


def test_a_switch_of_the_stress_lane_leaves_the_live_lane_as_it_is(valkey_server: ValkeyServer) -> None:
    async def scenario(rig: Rig) -> None:
        live, stress = rig.new_round_id(), rig.new_round_id()
        rig.control.add_round(live)
        rig.control.add_round(stress, lane="stress")
        async with rig.front() as front:
            ours, theirs = await front.ready(live), await front.ready(stress)
            rig.control.lanes = {"live": defaults(), "stress": {**defaults(), "draw.award": 0}}
            # Awaited first: a gate may be shut for another reason, a Valkey that is slow on a busy machine.
            await eventually(lambda: front.state.switches["stress"]["draw.award"] == 0, "the stress lane is switched")
            await eventually(lambda: theirs.opening_us == NEVER, "the stress lane is shut")
            assert front.state.switches["live"] == defaults()
            await eventually(lambda: ours.opening_us < NEVER, "the live lane is open")
            assert await front.win(live, 1)
            assert theirs.opening_us == NEVER
            shown = generate_latest(front.metrics.registry)
            assert b'hongbao_switch{key="draw.award",lane="live"} 1.0' in shown
            assert b'hongbao_switch{key="draw.award",lane="stress"} 0.0' in shown

    on(valkey_server, scenario)


def test_closing_settles_then_confirms_the_last_id_and_a_new_epoch_confirms_again(valkey_server: ValkeyServer) -> None:
    async def scenario(rig: Rig) -> None:
        round_id = rig.new_round_id()
        made = rig.control.add_round(round_id)
        rig.control.lose["confirm"] = 1
        async with rig.front() as front:
            round_ = await front.ready(round_id)
            await front.win(round_id, 1)
            rig.relay.mute = True
            assert await (await front.tap(round_id, 2)) is None
            made.state = "closing"
            await eventually(lambda: round_.state == "closing", "told of the close")
            assert made.confirmed == [], "nothing is confirmed while an append is in doubt"
            rig.relay.mute = False
            await eventually(lambda: len(made.confirmed) >= 2, "confirmed")
            assert set(made.confirmed) == {Position(1, 2)}
            rig.valkey.command_line("FLUSHALL")
            await eventually(lambda: Position(2, 1) in made.confirmed, "confirmed again")
            assert round_.opening_us == NEVER

    on(valkey_server, scenario)


def test_after_the_close_the_ledger_decides_what_is_in_doubt(valkey_server: ValkeyServer) -> None:
    async def scenario(rig: Rig) -> None:
        round_id = rig.new_round_id()
        made = rig.control.add_round(round_id)
        async with rig.front() as front:
            round_ = await front.ready(round_id)
            rig.relay.mute = True
            assert await (await front.tap(round_id, 1)) is None
            rig.relay.cut()
            stored = round_.pending[1]
            # Three users in doubt: the first was stored and credited, of the second the ledger knows nothing, the
            # third one's record was wrong: its packet's money is held in his name.
            round_.pending[2] = replace(stored, packet=stored.packet + 1)
            held = round_.amount(replace(stored, packet=stored.packet + 2))
            round_.pending[3] = held
            made.held = [Win(held.packet, held.fen + 1, 3, held.time_us, held.sponsor, 0)]
            made.posted = [Win(stored.packet, stored.fen, 1, stored.time_us, stored.sponsor, 0)]
            made.offset = Position(1, 1)
            made.state = "closed"
            await eventually(lambda: round_.closed, "closed")
            assert round_.settled == {1: stored, 3: held}
            assert round_.pending == {}
            assert front.state.rounds[round_id].closed
        text = generate_latest(front.metrics.registry)
        assert b'hongbao_packets_issued_total{lane="live"} 2.0' in text

    on(valkey_server, scenario)


def test_a_stop_waits_for_the_appends_on_their_way(valkey_server: ValkeyServer) -> None:
    async def scenario(rig: Rig) -> None:
        round_id = rig.new_round_id()
        rig.control.add_round(round_id)
        async with rig.front() as front:
            round_ = await front.ready(round_id)
            for uid in range(5):
                await front.tap(round_id, uid)
            assert await front.sync.settle(30.0) == 0
            assert len(round_.settled) == 5
            assert round_.opening_us == NEVER
        assert len(await rig.winners(round_id)) == 5

    on(valkey_server, scenario)

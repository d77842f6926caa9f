"""Two cells, as `xiu up --fronts 3 --cells 2` starts them: a win stays in the cell of its user, and the books
of both close together.
"""

from __future__ import annotations

from collections.abc import Callable

import requests
import valkey

from harness.control_client import ControlClient
from harness.orchestrate import closing
from harness.orchestrate.auditing import audit
from harness.stack import Stack
from system.contract.api import RoundOrder, SponsorSplit
from system.contract.places import system
from system.contract.routing import front_of
from tests.support.stores import wait_until

Make = Callable[..., Stack]
USERS = 60


def streams(stack: Stack, name: str) -> set[str]:
    """Keys of the win logs that a cell's Valkey holds."""
    with valkey.Valkey.from_url(str(stack.places.place(name).url)) as store:
        return {key.decode() for key in store.scan_iter("win:*")}


def test_a_win_stays_in_its_users_cell_and_the_books_of_both_close(make: Make) -> None:
    with make(fronts=3, cells=2, with_prometheus=False) as stack, ControlClient.of(stack) as control:
        assert {place.name for place in system(3, 2)} <= set(stack.pids())
        split = SponsorSplit(sponsor=1, name="one", classes=((5, USERS),))
        now_us = control.now_us()
        order = RoundOrder(lane="live", sponsors=(split,), start_us=now_us, duration_ms=600_000, release_ms=6_000)
        round_id = control.create_round(order).round
        topology, tokens = control.topology(), control.tokens("live", 1, USERS)
        assert topology.cells == (0, 1, 0)

        def tap(uid: int, front: int) -> tuple[int, bool]:
            url = f"{topology.fronts[front]}/v1/rounds/{round_id}/taps"
            answer = requests.post(url, headers={"Authorization": f"Bearer {tokens[uid - 1]}"}, timeout=30)
            return answer.status_code, answer.json().get("won", False)

        def both_won() -> bool:
            won.update(uid for uid in range(1, USERS + 1) if tap(uid, front_of(uid, topology))[1])
            return {topology.cells[front_of(uid, topology)] for uid in won} == {0, 1}

        won: set[int] = set()
        wait_until(both_won, 30, "a win in each cell")
        stranger = next(uid for uid in range(1, USERS + 1) if front_of(uid, topology) != 1)
        assert tap(stranger, 1) == (421, False), "a front refuses the tap of another cell's user"
        assert {key.split(":")[1] for key in streams(stack, "valkey")} == {"{0}"}
        assert {key.split(":")[1] for key in streams(stack, "valkey-1")} == {"{1}"}
        assert not closing.close(control, round_id, 30, ask=lambda: control.ask_close(round_id, before_end=True))
        report = audit(stack.addresses, stack.folder.secret / "key", "live")
        (books,) = report.rounds
        assert report.valid
        assert (books.wins_posted >= len(won), books.residue_fen) == (True, 0)

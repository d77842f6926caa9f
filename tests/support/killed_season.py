"""PostgreSQL, play and control killed by signal 9 in the middle of a season, and what must hold afterwards.

A trial is an evening in small: two rounds of programmes are armed, won and closed; users share, claim, draw cards, give
them away, combine, spend, buy; shares expire and are swept; the pot is paid; what is left of the shares' money
returns. Whoever is killed, every client asks until it knows. Then the books close, nobody was told what is not so, and
the same keys get the same answers. By hand: `python -m tests.support.killed_season --trials 30`.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from system.audit.close import audit
from system.clock import wall_us
from system.contract.errors import StoreRefused, StoreUnknown
from system.ledger.access import Pool, lane_role
from system.play.cards import seasons
from tests.support.fission import broken, closed_long_ago, execute, expire
from tests.support.op_history import write_history
from tests.support.play import SECRET
from tests.support.season_stack import SeasonStack
from tests.support.season_users import PACKETS, USERS, AskedOrder, SeasonUsers
from tests.support.stores import PostgresServer, ValkeyServer, wait_until

Victim = Literal["play", "postgres", "control"]
VICTIMS: tuple[Victim, ...] = get_args(Victim)
SEASON, SPONSOR, POT_FEN, OPEN_S = 3, 7, 1_000, 100
PARTS, EXPIRING = 9, 2
"""More users claim each share than it has parts; so many shares expire in the middle."""
FUNDING = {
    "key": "f", "sponsor": SPONSOR, "fen": 9_000, "share_fen": 1_000, "parts": PARTS, "lifetime_s": 3600,
    "open_s": OPEN_S,
}  # fmt: skip
ROOM = 0.2
"""Of the orders: so many may be sent between the moment of a kill and the kill, no more."""
DEADLINE_S = 120.0
MUST_HOLD = {"S1", "S3", "S5", "S7", "S8", "S12", "S13", "S14", "S15", "S16", "S18"}
"""Judged by the stores alone."""
OF_ANSWERS = {"S4", "S6", "S9", "S10", "S17"}
"""Judged by the answers to the users' taps as well. Nobody samples the money, or tries bad tokens: no S2, no S11."""


@dataclass
class TrialFigures:
    """How a trial went. `ends`: (operation, end) of the orders; `repeated`: (victim killed last, operation) of what had
    to be asked again; `kills`: when, by whom.
    """

    ends: Counter[tuple[str, str]] = field(default_factory=Counter)
    repeated: Counter[tuple[str, str]] = field(default_factory=Counter)
    kills: list[str] = field(default_factory=list)
    took_s: float = 0.0


def trial(
    server: PostgresServer, dsn: str, valkey: ValkeyServer, folder: Path, seed: int, victims: Sequence[Victim],
    *, plays: int = 1, at_pot: Victim = "play",
) -> TrialFigures:  # fmt: skip
    """Kills `victims`, one after the other, at moments of `seed`, and `at_pot` while the pot is paid.

    Raises AssertionError for anything that does not hold.
    """
    chance, began, figures = random.Random(seed), time.monotonic(), TrialFigures()
    with SeasonStack(folder, server, dsn, valkey, plays) as stack:
        rounds = _announced(stack)
        users = SeasonUsers([play.url for play in stack.plays], stack.front_url, rounds, SEASON, seed)
        users.start()
        _funded(stack, rounds[0])
        for number, victim in enumerate(victims):
            at = (number + chance.random()) / len(victims)
            users.no_further_than = at + ROOM
            wait_until(lambda at=at: users.progress >= at, DEADLINE_S, f"{at:.0%} of the orders")  # type: ignore[misc]
            if number == len(victims) // 2:
                _expired(dsn, rounds[0], EXPIRING)
            users.victim = victim
            stack.strike(victim, chance.randrange(plays), functools.partial(_met, users))
            figures.kills.append(f"{victim} at {at:.0%}")
        users.join()
        full = execute(dsn, "SELECT count(*) FROM live.claim GROUP BY award HAVING count(*) = %s", PARTS)
        assert len(full) >= PACKETS - EXPIRING, "whatever did not expire was claimed whole, and not one part more"
        _closed(stack)
        _expired(dsn, rounds[0], PACKETS)
        blessings = _ended(dsn)
        closed_long_ago(dsn, OPEN_S, rounds[0])
        paid = chance.randrange(1 + blessings)
        wait_until(lambda: _count(dsn, "pot") >= paid, DEADLINE_S, f"{paid} batches of the pot")
        users.victim = at_pot
        stack.strike(at_pot, chance.randrange(plays))
        figures.kills.append(f"{at_pot} at {paid} of {blessings} batches")
        wait_until(lambda: _over(dsn), DEADLINE_S, "shares swept, the pot paid, the rest returned")
        judge(dsn, valkey, users, rounds, folder / "history")
    for order in users.orders:
        figures.ends[order.op, order.code or "done"] += 1
    for kind in ("refund", "pot", "return"):
        figures.ends[kind, "done"] = _count(dsn, kind)
    figures.repeated, figures.took_s = users.repeated, time.monotonic() - began
    return figures


def _announced(stack: SeasonStack) -> tuple[int, int]:
    """The season is open, and two rounds are announced, a programme each, for the second begins when it likes: their
    numbers.
    """
    stack.ask_play("/v1/seasons", {"season": SEASON, "cards": [40] * 5, "pot_fen": POT_FEN, "sponsor": SPONSOR})
    sponsors = [{"sponsor": SPONSOR, "name": "Seven", "classes": [[50, PACKETS]]}]
    numbers, now_us = [], wall_us()
    for name, starts_us in (("one", 700_000), ("two", 3_000_000)):
        order = {
            "start_us": now_us + starts_us, "duration_ms": 600_000, "release_ms": 600, "season": SEASON,
            "sponsors": sponsors,
        }  # fmt: skip
        item = {"name": name, "title": name, "arm_ahead_ms": 500, "closes": "sold_out", "order": order}
        told = stack.operator("POST", "/v1/programmes", {"programme": name, "rounds": [item]})
        numbers.append(int(told["rounds"][0]["round"]))
    return numbers[0], numbers[1]


def _met(users: SeasonUsers) -> None:
    """The victim is dead, and the orders go on. A play stays dead until somebody had to ask again."""
    before, users.no_further_than = users.asked_again, 1.0
    if users.victim == "play":
        wait_until(lambda: users.asked_again > before or users.progress >= 1, DEADLINE_S, "a dead play met")


def _funded(stack: SeasonStack, number: int) -> None:
    stack.ask_play(f"/v1/rounds/{number}/fission", FUNDING, wait_for="unknown_round")


def _expired(dsn: str, number: int, most: int) -> None:
    """The time of these shares is over, as far as they are open."""
    for place in range(most):
        if execute(dsn, "SELECT 1 FROM live.share WHERE award = %s AND settled_us IS NULL", f"{number}-{place}"):
            expire(dsn, f"{number}-{place}")


def _closed(stack: SeasonStack) -> None:
    def closed() -> bool:
        listed = stack.operator("GET", "/v1/programmes")["programmes"]
        return {entry["state"] for one in listed for entry in one["rounds"]} == {"closed"}

    wait_until(closed, DEADLINE_S, "both rounds closed by control")


def _ended(dsn: str) -> int:
    """The season's end is frozen, one user a batch; how many blessings."""
    found: list[int] = []

    async def end() -> None:
        pool = Pool(dsn, lane_role("live"), SECRET)
        try:
            found.append((await seasons.end_season(pool, "live", SEASON, batch_users=1)).blessings or 0)
        except (StoreUnknown, StoreRefused):
            pass  # not known: the same again
        finally:
            await pool.close()

    def ended() -> bool:
        asyncio.run(end())
        return bool(found)

    wait_until(ended, DEADLINE_S, "the season's end")
    return found[0]


def _count(dsn: str, kind: str) -> int:
    return int(execute(dsn, "SELECT count(*) FROM live.transfer WHERE kind = %s", kind)[0][0])


def _over(dsn: str) -> bool:
    text = (
        "SELECT NOT EXISTS (SELECT 1 FROM live.share WHERE settled_us IS NULL)"
        " AND EXISTS (SELECT 1 FROM live.season WHERE state = 'paid')"
        " AND EXISTS (SELECT 1 FROM live.transfer WHERE kind = 'return')"
    )
    return bool(execute(dsn, text)[0][0])


def judge(dsn: str, valkey: ValkeyServer, users: SeasonUsers, rounds: tuple[int, int], history: Path) -> None:
    """The books close, what was told is there and nothing else, and the same question gets the same answer."""
    _counted(dsn, users, rounds)
    assert broken(dsn) == {}
    report = asyncio.run(audit(dsn, valkey.url, SECRET, "live"))
    wrong = {one.code: (one.valid, one.first) for one in report.findings if one.valid not in (True, None)}
    assert (report.valid, wrong) == (True, {})
    assert {one.code for one in report.findings if one.valid} >= MUST_HOLD
    assert sum(one.residue_fen for one in report.findings) == 0
    write_history(history, users.history)
    heard = asyncio.run(audit(dsn, valkey.url, SECRET, "live", folder=history))
    answers = {one.code: (one.valid, one.first) for one in heard.findings if one.code in OF_ANSWERS}
    assert answers == dict.fromkeys(OF_ANSWERS, (True, "")), answers
    _there(dsn, users.orders)
    _wallets(dsn, users)
    undone = {order.path.split("/")[3] for order in users.orders if order.op == "reverse" and order.done}
    for order, (status, told) in users.again():
        expected = order.told | {"again": True} if order.done and order.op != "share" else order.told
        if order.done and str(order.told.get("transfer")) in undone and order.op != "reverse":
            expected |= {"reversed": True}  # an operator took it back since
        if order.op == "share":
            assert (status, told["link"]) == (200, expected["link"])
        elif order.done:
            assert (status, told) == (200, expected), order
        else:
            assert (status, told["error"]["code"]) == (order.status, order.code), order


def _counted(dsn: str, users: SeasonUsers, rounds: tuple[int, int]) -> None:
    """Fronts counted what was answered, and each once, though control died: definite ≤ counted ≤ definite + unknown."""
    for number in rounds:
        answered, unknown = users.taps[number]["answered"], users.taps[number]["unknown"]
        wait_until(lambda r=number, n=answered: _taps(dsn, r) >= n, DEADLINE_S, f"taps of round {number} counted")  # type: ignore[misc]
        assert _taps(dsn, number) <= answered + unknown


def _taps(dsn: str, number: int) -> int:
    rows = execute(dsn, "SELECT coalesce(sum(taps), 0)::int FROM live.participation WHERE round = %s", number)
    return int(rows[0][0])


def _there(dsn: str, orders: Sequence[AskedOrder]) -> None:
    """As many transfers of each kind as were told *done*; claims one by one."""
    kinds = {
        "share": "share", "claim": "claim", "redeem": "ticket", "gift": "gift", "combine": "combine", "spend": "spend",
        "present": "present", "buy": "fund_purchase", "reverse": "reverse",
    }  # fmt: skip
    told = Counter(kinds[order.op] for order in orders if order.done)
    made: dict[str, int] = dict(execute(dsn, "SELECT kind, count(*)::int FROM live.transfer GROUP BY kind"))  # type: ignore[arg-type]
    assert {kind: made.get(kind, 0) for kind in kinds.values()} == {kind: told[kind] for kind in kinds.values()}
    assert (made["season"], made["fission"], made["return"]) == (1, 1, 1)
    rows: list[tuple[Any, ...]] = execute(dsn, "SELECT uid, award, fen FROM live.claim")
    claims = [
        (order.uid, order.told["award"], order.told["fen"]) for order in orders if order.op == "claim" and order.done
    ]
    assert sorted(rows) == sorted(claims)


def _wallets(dsn: str, users: SeasonUsers) -> None:
    """Each user has what he won and what he was told, to the fen and to the card."""
    fen: Counter[int] = Counter()
    cards: Counter[tuple[int, int]] = Counter()
    fen.update(dict(execute(dsn, "SELECT uid, sum(fen)::bigint FROM live.posting GROUP BY uid")))
    fen.update(dict(execute(dsn, "SELECT uid, sum(fen)::bigint FROM live.pot_share GROUP BY uid")))
    for order in users.orders:
        if not order.done:
            continue
        if order.op == "claim":
            fen[order.uid] += order.told["fen"]
        elif order.op in ("spend", "buy"):
            fen[order.uid] -= order.body["fen"]
        elif order.op == "present":
            fen.update({order.uid: -order.body["fen"], order.body["to"]: order.body["fen"]})
        elif order.op == "reverse":
            ((back,),) = [
                [(int(leg["account"].removeprefix("user:")), leg["amount"])]
                for leg in order.told["legs"]
                if leg["account"].startswith("user:")
            ]
            fen[back[0]] += back[1]
        elif order.op == "redeem":
            cards[order.uid, order.told["kind"]] += 1
        elif order.op == "gift":
            cards[order.uid, order.body["kind"]] -= 1
            cards[order.body["to"], order.body["kind"]] += 1
        elif order.op == "combine":
            cards.subtract((order.uid, kind) for kind in range(1, 6))
    wallets, hands = users.read("/v1/wallet"), users.read("/v1/cards")
    assert {uid: wallet["balance_fen"] for uid, wallet in wallets.items()} == {uid: fen[uid] for uid in USERS}
    assert {(uid, kind): held for uid, hand in hands.items() for kind, held in enumerate(hand["cards"], 1)} == {
        (uid, kind): cards[uid, kind] for uid in USERS for kind in range(1, 6)
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Five kills a trial; a line each, and all of them at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plays", type=int, default=2)
    parser.add_argument("--only", choices=VICTIMS, help="kill nobody else")
    options = parser.parse_args(argv)
    total, kills = TrialFigures(), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="xiu-killed-season-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres, log = PostgresServer(folder / "postgres"), ValkeyServer(folder / "valkey")
        with postgres.running() as server, log.running() as valkey:
            for seed in range(options.seed, options.seed + options.trials):
                figures = _trial_of(seed, folder, server, valkey, options.plays, options.only)
                print(f"seed {seed}: {'; '.join(figures.kills)}; books closed, {figures.took_s:.0f} s", flush=True)
                total.ends += figures.ends
                total.repeated += figures.repeated
                kills.update(kill.partition(" ")[0] for kill in figures.kills)
    print(f"{options.trials} trials; killed: {_words(kills)}")
    print(f"answered: {_words(total.ends)}")
    print(f"asked again, by who was killed last: {_words(total.repeated)}")
    return 0


def _trial_of(
    seed: int, folder: Path, server: PostgresServer, valkey: ValkeyServer, plays: int, only: Victim | None
) -> TrialFigures:
    chance = random.Random(-seed)
    victims = [only] * 4 if only else chance.sample([*VICTIMS, chance.choice(VICTIMS)], k=4)
    at_pot: Victim = only or chance.choice(VICTIMS)
    for command in ("FLUSHALL", "FUNCTION FLUSH"):
        assert valkey.command_line(command) == b"+OK\r\n", command
    dsn = server.create_database(f"t_{seed}")
    return trial(server, dsn, valkey, folder / str(seed), seed, victims, plays=plays, at_pot=at_pot)


def _words(counts: Counter[Any]) -> str:
    named = {"/".join(key) if isinstance(key, tuple) else key: number for key, number in counts.items()}
    return ", ".join(f"{key} {number}" for key, number in sorted(named.items())) or "none"


if __name__ == "__main__":
    sys.exit(main())

"""S18 on the money rows of the plays: payouts, fund, bills, gifts of money. What a hand forged is found and named."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from system.ledger.access import Connection, Pool
from system.ledger.accounts import Leg, fund, payout, user
from system.ledger.statements import statement
from system.ledger.transfer import Order, TransferRecord, Transfers
from system.play.fund.buying import order as fund_order
from system.play.fund.models import FundOrder
from system.play.payouts.models import PayoutOrder
from system.play.payouts.ordering import order as payout_order
from tests.support.books import SECRET
from tests.support.finding import finding
from tests.support.fission import execute
from tests.support.stores import ValkeyServer


def played(dsn: str) -> None:
    """User 5 has 100 fen and orders payouts of 10, 20 and 30 (transfers 1 to 3): on its way, paid (4), refused (5). He
    buys for 7 (6), pays 3 of user 6's bill (7), and gives user 6 a present of 2 (8).
    """
    execute(dsn, "INSERT INTO live.posting VALUES (5, 1, 0, 100, 7, 0, 1, 1)")

    async def go() -> None:
        pool = Pool(dsn, "xiu_live", SECRET)
        send = Transfers(pool, "live").send
        for fen in (10, 20, 30):
            await payout_order(pool, "live", 5, PayoutOrder(key=f"k{fen}", fen=fen), has_bank=True)
        ends = ((2, 20, "payout_paid", "platform:bank", "paid"), (3, 30, "payout_back", user(5), "refused"))
        for number, fen, kind, to, state in ends:

            async def told(conn: Connection, done: TransferRecord, number: int = number, state: str = state) -> None:
                end = {"payout": number, "state": state, "why": "", "at_us": done.at_us}
                await conn.execute(statement("payout_settle", "live"), end)

            legs = (Leg(payout(5), "fen", -fen), Leg(to, "fen", fen))
            await send(Order(kind, f"payout_end:{number}", {"payout": number}, legs), after=told)
        await fund_order(pool, "live", 5, "purchase", FundOrder(key="f", fen=7))
        await send(Order("bill", "bill:1:5", {}, (Leg(user(5), "fen", -3), Leg(user(6), "fen", 3))))
        await send(Order("present", "present:5:p", {}, (Leg(user(5), "fen", -2), Leg(user(6), "fen", 2))))
        await pool.close()

    asyncio.run(go())


def moves(kind: str, key: str, off: str, to: str, fen: int) -> str:
    """A transfer that a hand wrote with all that belongs to one: legs that add up, holdings that follow them."""
    new = "currval('live.transfer_transfer_seq')"
    texts = [f"INSERT INTO live.transfer (kind, key, request, at_us) VALUES ('{kind}', '{key}', '{{}}', 1)"]
    for account, amount in ((off, -fen), (to, fen)):
        texts.append(f"INSERT INTO live.leg VALUES ({new}, '{account}', 'fen', {amount})")
        if not account.startswith("platform:"):
            texts.append(
                f"INSERT INTO live.holding VALUES ('{account}', 'fen', {amount})"
                " ON CONFLICT (account, currency) DO UPDATE SET amount = holding.amount + excluded.amount"
            )
    return ";".join(texts)


def elsewhere(transfer: int, was: str, now: str, amount: int) -> str:
    """The leg of a transfer at another account, the holdings with it."""
    return (
        f"UPDATE live.leg SET account = '{now}' WHERE transfer = {transfer} AND account = '{was}';"
        f"UPDATE live.holding SET amount = amount - ({amount}) WHERE account = '{was}' AND currency = 'fen';"
        f"INSERT INTO live.holding VALUES ('{now}', 'fen', {amount})"
        " ON CONFLICT (account, currency) DO UPDATE SET amount = holding.amount + excluded.amount"
    )


STRAY = "moves a payout's money, and is no payout's order or end"
ROWS = [
    pytest.param(
        "UPDATE live.payout SET state = 'paid', settled_us = 1 WHERE payout = 1",
        "payout 1 is paid, and its money moved otherwise", 10, id="paid, and nothing moved",
    ),
    pytest.param(
        "UPDATE live.payout SET state = 'refused' WHERE payout = 2",
        "payout 2 is refused, and its money moved otherwise", 20, id="refused, and the bank has it",
    ),
    pytest.param(
        "UPDATE live.payout SET state = 'paid' WHERE payout = 3",
        "payout 3 is paid, and its money moved otherwise", 30, id="paid, and given back",
    ),
    pytest.param(
        "UPDATE live.payout SET state = 'processing', settled_us = NULL WHERE payout = 2",
        "payout 2 is processing, and its money moved otherwise", 20, id="ordered again from the bank",
    ),
    pytest.param(
        "UPDATE live.payout SET fen = 25 WHERE payout = 2",
        "payout 2 is paid, and its money moved otherwise", 5, id="more than was taken",
    ),
    pytest.param(
        "DELETE FROM live.payout WHERE payout = 2",
        f"transfer 2 (payout:5:k20): {STRAY}", 40, id="an order gone",
    ),
    pytest.param(
        moves("payout", "payout:5:forged", "user:5", "payout:5", 4),
        "payout:5 does not hold what waits for the bank's word", 4, id="an order that the bank is never asked about",
    ),
    pytest.param(
        moves("payout_paid", "payout_end:99", "user:5", "platform:bank", 4),
        f"transfer 9 (payout_end:99): {STRAY}", 4, id="paid without an order",
    ),
    pytest.param(
        moves("spend", "spend:5:forged", "user:5", "platform:bank", 4),
        f"transfer 9 (spend:5:forged): {STRAY}", 4, id="spent to the bank",
    ),
    pytest.param(
        moves("payout_back", "payout_end:2:b", "platform:gala", "user:5", 20),
        f"transfer 9 (payout_end:2:b): {STRAY}", 20, id="settled twice",
    ),
    pytest.param(
        elsewhere(5, "user:5", "user:6", 30),
        "payout 3 is refused, and its money moved otherwise", 30, id="refused, and given to another",
    ),
    pytest.param(
        "UPDATE live.leg SET account = 'platform:spent' WHERE transfer = 4 AND account = 'platform:bank'",
        "payout 2 is paid, and its money moved otherwise", 20, id="paid, and not to the bank",
    ),
    pytest.param(
        "INSERT INTO live.posting VALUES (6, 1, 1, 50, 7, 0, 1, 1);" + elsewhere(2, "user:5", "user:6", -20),
        "payout 2: its order took something else off the balance", 20, id="ordered with another's money",
    ),
    pytest.param(
        "DELETE FROM live.leg WHERE transfer = 8 AND account = 'user:6'",
        "transfer 8 (present:5:p): its legs leave -2 fen", 2, id="a present without the leg of who was given it",
    ),
    pytest.param(
        "DELETE FROM live.leg WHERE transfer = 8",
        "transfer 8 (present:5:p): it has no legs", 4, id="a present without legs",
    ),
    pytest.param(
        "UPDATE live.leg SET amount = 4 WHERE transfer = 7 AND account = 'user:6'",
        "transfer 7 (bill:1:5): its legs leave +1 fen", 1, id="a bill's part that grew",
    ),
    pytest.param(
        f"UPDATE live.holding SET amount = 9 WHERE account = '{fund(5)}'",
        f"{fund(5)} holds 9 fen; its legs add up to 7", 2, id="more in the fund than was bought",
    ),
]  # fmt: skip


def test_what_was_played_adds_up(ledger_dsn: str, valkey_server: ValkeyServer) -> None:
    played(ledger_dsn)
    found = finding("S18", ledger_dsn, valkey_server.url)
    assert (found.valid, found.first, found.residue_fen) == (True, "", 0)
    assert "payouts 3" in found.figure


@pytest.mark.parametrize(("hand", "first", "residue"), ROWS)
def test_whatever_a_hand_forged_is_found(
    ledger_dsn: str, valkey_server: ValkeyServer, hand: str, first: str, residue: int
) -> None:
    played(ledger_dsn)
    with psycopg.connect(ledger_dsn) as conn:  # one session: each row is of the transfer before
        for text in hand.split(";"):
            conn.execute(text.encode())
    found = finding("S18", ledger_dsn, valkey_server.url)
    assert (found.valid, found.first, found.residue_fen) == (False, first, residue)

"""Tickets: one text for one tap's right, made by this system alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from system.tickets import KEY_MAX, PRIME, TICKET_CHARS_MAX, Ticket, TicketForged, TicketOffice

OFFICE = TicketOffice(bytes(range(64)))
TICKET = Ticket("live", 3, 17, 42, 1_790_000_000, 1)
LARGEST = Ticket("stress", 2**31 - 1, 2**31 - 1, 2**63 - 1, 2**63 - 1, KEY_MAX)


@pytest.mark.parametrize("ticket", [TICKET, LARGEST, replace(TICKET, uid=0)], ids=["any", "largest", "user 0"])
def test_what_is_written_is_read(ticket: Ticket) -> None:
    text = OFFICE.write(ticket)
    assert OFFICE.read(text) == ticket
    assert OFFICE.write(ticket) == text
    assert len(text) <= TICKET_CHARS_MAX


GOOD = OFFICE.write(TICKET)


@pytest.mark.parametrize(
    "text",
    [
        "", "x", GOOD[:-1], GOOD + "0", GOOD.upper(), GOOD.replace("live", "stress"), GOOD.replace(".42.", ".43."),
        GOOD.replace(".17.", ".18."), GOOD.replace(".3.", ".4."), GOOD.replace(".1790000000.", ".1790000001."),
        GOOD.replace(".1.", ".2."), GOOD.replace(".42.", ".042."), GOOD.replace(".42.", ".٤٢."), GOOD + "\n",
        TicketOffice(bytes(64)).write(TICKET), GOOD.replace(".1.", ".0."), "live" + ".9" * 100,
    ],
)  # fmt: skip
def test_any_other_text_is_forged(text: str) -> None:
    with pytest.raises(TicketForged):
        OFFICE.read(text)


def test_a_nonce_belongs_to_one_second_of_one_round_of_one_season_of_one_lane() -> None:
    base = ("live", 3, 17, 1_790_000_000)
    others = [("stress", *base[1:]), ("live", 4, *base[2:]), ("live", 3, 18, base[3]), ("live", 3, 17, base[3] + 1)]
    mixes = {OFFICE.mix(*each) for each in [base, *others]}  # type: ignore[arg-type]
    assert len(mixes) == 5
    assert all(0 <= part < PRIME for mix in mixes for part in mix)
    assert TicketOffice(bytes(64)).mix(*base) not in mixes  # type: ignore[arg-type]

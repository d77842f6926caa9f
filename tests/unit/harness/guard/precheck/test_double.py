"""Item *double*: nobody outside is called by a run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.guard.precheck import StartRequest
from harness.stack.places import Directory
from system.contract.parties import PARTIES, Party
from system.contract.places import Place
from tests.support.start_request import BAD, of

ELSEWHERE = "http://192.0.2.1:80"
BANK, SMS = Party("bank", "XIU_BANK_URL"), Party("sms", "XIU_SMS_URL")


def with_double(ask: StartRequest, party: Party, url: str | None) -> StartRequest:
    rows = (*ask.addresses.places, Place(party.part, "other", url=url))
    return replace(ask, parties=(party,), addresses=replace(ask.addresses, places=Directory(rows)))


def test_a_system_that_calls_nobody_needs_none(whole: StartRequest) -> None:
    assert PARTIES == (), "a party came: its double, and this item's lines in docs/plans.md"
    (found,) = of("double", whole)
    assert (found.state, found.says) == ("not_evaluated", "the system calls nobody outside")


def test_a_double_that_says_so_is_in_place(whole: StartRequest) -> None:
    (found,) = of("double", with_double(whole, BANK, whole.addresses.control_url))
    assert (found.name, found.state) == ("11. double bank", "good")


@pytest.mark.parametrize(
    ("party", "url", "says"),
    [
        pytest.param(BANK, None, "this system has no part double-bank", id="no address"),
        pytest.param(BANK, BAD, f"{BAD}/v1/double does not answer as a double: ConnectionError", id="away"),
        pytest.param(
            BANK, "http://192.0.2.1:80", "http://192.0.2.1:80 does not stand in the allow-list", id="not asked"
        ),
        pytest.param(SMS, "here", "does not say that it is the double of sms", id="another one's double"),
    ],
)
def test_a_party_without_its_double(whole: StartRequest, party: Party, url: str | None, says: str) -> None:
    (found,) = of("double", with_double(whole, party, whole.addresses.control_url if url == "here" else url))
    assert found.state == "refused"
    assert says in found.says


def test_a_party_whose_double_is_no_part_at_all(whole: StartRequest) -> None:
    (found,) = of("double", replace(whole, parties=(SMS,)))
    assert (found.state, found.says) == ("refused", "this system has no part double-sms")

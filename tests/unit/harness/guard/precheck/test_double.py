"""Item *double*: nobody outside is called by a run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.guard.precheck import StartRequest
from harness.stack.places import Directory
from system.contract.parties import PARTIES, Party
from system.contract.places import Place
from tests.support.start_request import BAD, of

PUSH = Party("push", "XIU_PUSH_URL")  # type: ignore[arg-type]


def with_doubles(ask: StartRequest, url: str | None) -> StartRequest:
    rows = (*(place for place in ask.addresses.places if place.role != "doubles"), Place("doubles", "doubles", url=url))
    return replace(ask, addresses=replace(ask.addresses, places=Directory(rows)))


def without_doubles(ask: StartRequest) -> StartRequest:
    rows = tuple(place for place in ask.addresses.places if place.role != "doubles")
    return replace(ask, addresses=replace(ask.addresses, places=Directory(rows)))


def test_a_double_that_says_so_is_in_place(whole: StartRequest) -> None:
    found = of("double", whole)
    assert [(one.name, one.state) for one in found] == [("11. double bank", "good"), ("11. double sms", "good")]
    assert {party.name for party in PARTIES} == {"bank", "sms"}


@pytest.mark.parametrize(
    ("url", "says"),
    [
        pytest.param(None, "this system has no part doubles", id="no address"),
        pytest.param(BAD, f"{BAD}/bank/v1/double does not answer as a double: ConnectionError", id="away"),
        pytest.param("http://192.0.2.1:80", "http://192.0.2.1:80 does not stand in the allow-list", id="not asked"),
        pytest.param("/real", "does not answer as a double: JSONDecodeError", id="a party itself"),
        pytest.param("/posing", "does not say that it is the double of bank", id="says so without the mark"),
    ],
)
def test_a_party_without_its_double(whole: StartRequest, url: str | None, says: str) -> None:
    at = f"{whole.addresses.control_url}{url}" if url and url.startswith("/") else url
    found = of("double", with_doubles(whole, at))
    assert {one.state for one in found} == {"refused"}
    assert says in found[0].says


def test_a_party_whose_double_is_another_one_s(whole: StartRequest) -> None:
    (found,) = of("double", replace(whole, parties=(PUSH,)))
    assert found.state == "refused"
    assert "does not say that it is the double of push" in found.says


def test_a_party_whose_double_is_no_part_at_all(whole: StartRequest) -> None:
    found = of("double", without_doubles(whole))
    assert {(one.state, one.says) for one in found} == {("refused", "this system has no part doubles")}
    elsewhere = of("double", replace(without_doubles(whole), elsewhere=True))
    assert {one.state for one in elsewhere} == {"not_evaluated"}

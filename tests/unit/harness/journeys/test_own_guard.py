"""Somebody's tasks send to this host and to the allow-list; no other name is looked up, no other address called."""

from __future__ import annotations

import re
import socket

import pytest

from harness.journeys.own_guard import RequestGauge, SendingGuard
from plans.models.targets import TargetSystem

LIMITED = "plans/targets.yaml:4: 60 requests/s at the peak, 50 allowed by live"


def guard() -> SendingGuard:
    def refusal(url: str) -> str | None:
        if url.startswith(("http://live.example:", "http://127.0.0.1:7777")):
            return LIMITED
        return "" if url.startswith("http://staging.example:") or url == "http://10.1.2.3:80" else None

    return SendingGuard(refusal)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "staging.example", None, b"localhost"])
def test_these_are_let_through(host: object) -> None:
    one = guard()
    one("socket.getaddrinfo", (host, 443, 0, 0, 0))
    assert one.refused == set()


@pytest.mark.parametrize("host", ["shop.example", "10.1.2.4", "127.0.0.1.nip.io", b"shop.example"])
def test_a_name_that_is_not_on_the_list_is_not_looked_up(host: object) -> None:
    one = guard()
    with pytest.raises(PermissionError, match=r"is not in plans/targets\.yaml; nothing was sent"):
        one("socket.getaddrinfo", (host, 80, 0, 0, 0))
    assert len(one.refused) == 1


def test_an_address_is_called_if_it_is_of_an_allowed_name(monkeypatch: pytest.MonkeyPatch) -> None:
    one = guard()
    with pytest.raises(PermissionError):
        one("socket.connect", (None, ("192.0.2.7", 80)))
    one("socket.getaddrinfo", ("staging.example", 80, 0, 0, 0))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [(2, 1, 6, "", ("192.0.2.7", 0))])
    one("socket.connect", (None, ("192.0.2.7", 80)))
    one("socket.connect", (None, ("10.1.2.3", 80)))
    one("socket.connect", (None, "/run/a.sock"))
    with pytest.raises(PermissionError):
        one("socket.sendto", (None, ("192.0.2.8", 53)))


def test_a_host_that_is_granted_less_than_the_load_is_refused_with_its_limit_on_this_host_too() -> None:
    one = guard()
    says = re.escape(LIMITED) + "; nothing was sent to it"
    with pytest.raises(PermissionError, match=f"^live.example: {says}"):
        one("socket.getaddrinfo", ("live.example", 80, 0, 0, 0))
    with pytest.raises(PermissionError, match=f"^127.0.0.1: {says}"):
        one("socket.connect", (None, ("127.0.0.1", 7777)))
    one("socket.connect", (None, ("127.0.0.1", 7778)))
    assert one.refused == {"live.example", "127.0.0.1"}


SHOP = TargetSystem(id="shop", hosts=("shop.example",), rate_max="100/s", duration_max="1m")


def gauge() -> RequestGauge:
    return RequestGauge(lambda url: SHOP if SHOP.names(url) else None)


@pytest.mark.parametrize(
    ("per_s", "stalls_s", "beyond"),
    [
        pytest.param(100, 0.0, False, id="as granted"),
        pytest.param(100, 1.0, False, id="arrears of a second"),
        pytest.param(120, 0.0, False, id="no more than chance and arrears make"),
        pytest.param(200, 0.0, True, id="two requests a task"),
    ],
)
def test_what_the_tasks_really_send_is_held_to_the_limit(per_s: int, stalls_s: float, beyond: bool) -> None:
    one = gauge()
    for number in range(10 * per_s):
        due_s = number / per_s
        one.take("http://shop.example/a", 4.0 + stalls_s if 4.0 <= due_s < 4.0 + stalls_s else due_s)
    assert bool(one.beyond) is beyond, one.beyond
    assert one.requests == 10 * per_s
    if beyond:
        assert one.beyond.startswith("the tasks sent 147 requests/s for 5 s, ")
        assert one.beyond.endswith("100/s allowed by shop")


def test_what_goes_elsewhere_or_has_no_address_is_counted_and_no_more() -> None:
    one = gauge()
    for url in ("http://127.0.0.1:8/a", None, "", "ws:odd"):
        for _ in range(1000):
            one.take(url, 1.0)
    assert (one.requests, one.beyond) == (4000, "")

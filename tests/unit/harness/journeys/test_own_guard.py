"""Somebody's tasks send to this host and to the allow-list; no other name is looked up, no other address called."""

from __future__ import annotations

import socket

import pytest

from harness.journeys.own_guard import SendingGuard


def guard() -> SendingGuard:
    return SendingGuard(lambda url: url.startswith("http://staging.example:") or url == "http://10.1.2.3:80")


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

"""Addresses as stacks keep them, those of before too."""

from __future__ import annotations

from harness.stack.addresses import Addresses


def test_a_stack_from_before_there_were_rows_is_read() -> None:
    now = Addresses.plain(
        "valkey://127.0.0.1:1/0", "postgresql://127.0.0.1:2/x", "http://127.0.0.1:3", ("http://127.0.0.1:4",),
        "http://127.0.0.1:5", {"live": "http://127.0.0.1:6", "stress": "http://127.0.0.1:7"}, ("http://127.0.0.1:8",),
        links={"front-valkey": "valkey://127.0.0.1:9/0"}, toxiproxy_url="http://127.0.0.1:10",
    )  # fmt: skip
    before = {name: value for name, value in now.to_json().items() if name != "places"}
    assert Addresses.from_json(before) == now

"""No password of an address is shown, however it is written."""

from __future__ import annotations

import pytest

from harness.secrets import hidden, hidden_in, scrubbed, shown


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("postgresql://u:secret@h:5432/x", "postgresql://u:…@h:5432/x"),
        ("postgresql://u:se#cret@h:5432/x", "postgresql://u:…@h:5432/x"),
        ("postgresql://u:se/cret@h/x", "postgresql://u:…@h/x"),
        ("postgresql://u:se?cret@h/x", "postgresql://u:…@h/x"),
        ("postgresql://u:se@cret@h/x", "postgresql://u:…@h/x"),
        ("postgresql://u:se://cret@h/x", "postgresql://u:…@h/x"),
        ("valkey://:secret@[::1]:6379/0", "valkey://:…@[::1]:6379/0"),
        ("valkey://u:secret@h:port/0", "valkey://u:…@h:port/0"),
        ("postgresql://h/x?user=u&password=secret&sslmode=require", "postgresql://h/x?user=u&password=…&sslmode=require"),
        ("valkey://127.0.0.1:6379/0", "valkey://127.0.0.1:6379/0"),
        ("postgresql://u@h/x", "postgresql://u@h/x"),
        ("u:se#cret@h:5432/x", "u:…@h:5432/x"),
        ("http://127.0.0.1:9090", "http://127.0.0.1:9090"),
    ],
)  # fmt: skip
def test_an_address_is_shown_without_its_password(url: str, safe: str) -> None:
    assert hidden(url) == safe


def test_a_message_is_shown_without_the_passwords_in_it() -> None:
    said = "cannot reach 'postgresql://u:se#cret@h/x' or valkey://:p@h:1/0; see https://h/y"
    assert scrubbed(said) == "cannot reach 'postgresql://u:…@h/x' or valkey://:…@h:1/0; see https://h/y"


def test_data_is_shown_as_it_is_only_where_that_was_asked_for() -> None:
    data = {"addresses": {"postgres_url": "postgresql://u:secret@h/x", "links": ["valkey://:p@h/0"]}, "pid": 7}
    hid = {"addresses": {"postgres_url": "postgresql://u:…@h/x", "links": ["valkey://:…@h/0"]}, "pid": 7}
    assert hidden_in(data) == hid
    assert shown(data, secrets=False) == hid
    assert shown(data, secrets=True) == data

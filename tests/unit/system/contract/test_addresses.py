"""Addresses that somebody else wrote: read strictly, everywhere the same, no secret in what is said of a wrong one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import BadInput
from harness.stack.external import VARIABLES, endpoint, externals, through
from system.contract.addresses import Address, read_address
from system.contract.errors import SettingsError
from system.settings import AuditSettings

SECRET = "c0mes-last"


@pytest.mark.parametrize(
    ("kind", "url", "address"),
    [
        ("valkey", "valkey://127.0.0.1:6380/3", Address("valkey", "127.0.0.1", 6380, "/3")),
        ("valkey", "redis://:pass@cache.local", Address("redis", "cache.local", 6379, "")),
        ("valkey", "valkey://[::1]:6379/0", Address("valkey", "::1", 6379, "/0")),
        ("postgres", "postgresql://u:a%23%2F%3F%40%3A%25b@db:5433/x", Address("postgresql", "db", 5433, "/x")),
        ("postgres", "postgres://u@[0:0:0:0:0:0:0:1]/x?sslmode=require", Address("postgres", "::1", 5432, "/x")),
        ("postgres", "postgresql://u:@h/x", Address("postgresql", "h", 5432, "/x")),
        ("prometheus", "https://metrics.example/prometheus", Address("https", "metrics.example", 443, "/prometheus")),
    ],
)
def test_a_good_address_is_taken_apart(kind: str, url: str, address: Address) -> None:
    assert read_address(kind, url) == address


WRONG = [
    ("postgres", f"postgresql://u:se#{SECRET}@127.0.0.1:5432/x", "%23"),
    ("postgres", f"postgresql://u:se/{SECRET}@127.0.0.1:5432/x", "%2F"),
    ("postgres", f"postgresql://u:se?{SECRET}@127.0.0.1:5432/x", "%3F"),
    ("postgres", f"postgresql://u:se@{SECRET}@127.0.0.1:5432/x", "%40"),
    ("postgres", f"postgresql://u:se%zz{SECRET}@127.0.0.1:5432/x", "%25"),
    ("postgres", f"postgresql://u:se {SECRET}@127.0.0.1:5432/x", "percent-encoded"),
    ("postgres", f"postgresql://u:{SECRET}@127.0.0.1:five/x", "port"),
    ("postgres", f"postgresql://u:{SECRET}@127.0.0.1:70000/x", "port"),
    ("postgres", f"postgresql://u:{SECRET}@127.0.0.1:0/x", "port"),
    ("postgres", f"postgresql://u:{SECRET}@127.0.0.1:０5432/x", "port"),
    ("postgres", f"postgresql://u:{SECRET}@h1,h2/x", "host"),
    ("postgres", f"postgresql://u:{SECRET}@/x", "host"),
    ("postgres", f"postgresql://u:{SECRET}@h/x?host=other", "'host'"),
    ("postgres", f"postgresql://u:{SECRET}@h/x?service=other", "'service'"),
    ("postgres", f"http://u:{SECRET}@h/x", "postgresql://host:port"),
    ("postgres", f"u:{SECRET}@h/x", "postgresql://host:port"),
    ("postgres", f"postgresql://u:{SECRET}@h/x/y", "database"),
    ("valkey", f"valkey://:se#{SECRET}@h:6379", "%23"),
    ("valkey", f"valkey://:{SECRET}@::1:6379/0", "brackets"),
    ("valkey", f"valkey://:{SECRET}@[::g]:6379/0", "IPv6"),
    ("valkey", f"valkey://:{SECRET}@h:6379/nul", "database"),
    ("valkey", f"valkey://:{SECRET}@h:6379/0#x", "#"),
    ("valkey", f"valkey://:{SECRET}@h:6379/0\n", "not seen"),
    ("prometheus", f"http://u:{SECRET}@h:ninety", "port"),
    ("alertmanager", "http://", "host"),
    ("toxiproxy", "127.0.0.1:8474", "http://host:port"),
]


@pytest.mark.parametrize(("kind", "url", "says"), WRONG)
def test_a_wrong_address_is_refused_with_its_variable_and_without_its_secret(kind: str, url: str, says: str) -> None:
    with pytest.raises(BadInput) as refused:
        externals({VARIABLES[kind]: url})
    text = str(refused.value)
    assert text.startswith(f"{VARIABLES[kind]}: ")
    assert says in text
    assert "expected" in text
    assert SECRET not in text


@pytest.mark.parametrize(("kind", "url", "says"), [one for one in WRONG if one[0] in ("postgres", "valkey")])
def test_a_process_of_the_system_reads_addresses_as_strictly(kind: str, url: str, says: str) -> None:
    env = {"XIU_POSTGRES_URL": "postgresql://h/x", "XIU_VALKEY_URL": "valkey://h", VARIABLES[kind]: url}
    with pytest.raises(SettingsError) as refused:
        AuditSettings.from_env(env)
    assert says in str(refused.value)
    assert VARIABLES[kind] in str(refused.value)
    assert SECRET not in str(refused.value)


@given(st.text(max_size=60))
def test_whatever_is_written_is_an_address_or_refused_in_words(text: str) -> None:
    for kind in ("valkey", "postgres", "prometheus"):
        for url in (text, f"valkey://{text}", f"postgresql://{text}", f"http://u:{text}@h"):
            try:
                assert 0 < read_address(kind, url).port < 65_536
            except ValueError as exc:
                assert "expected" in str(exc)  # noqa: PT017 (either is right)


def test_an_ipv6_store_is_dialled_in_brackets() -> None:
    assert endpoint("valkey", "valkey://[::1]:6379/0") == "[::1]:6379"
    assert through("valkey://:p@h:1/0", "::1", 7) == "valkey://:p@[::1]:7/0"
    assert endpoint("postgres", "postgresql://u:a%40b@h/x") == "h:5432"

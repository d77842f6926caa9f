"""External stores before a stack uses them: do they answer, and does a confirmed write survive a crash?

Asks, and refuses in words; changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from harness.errors import BadInput, EnvironmentNotReady
from harness.secrets import hidden
from harness.stack.external import ASK_TIMEOUT_S, role_of, variable
from system.contract.numbers import shown

if TYPE_CHECKING:
    import psycopg

ACCEPTED = "XIU_EXTERNAL_NOT_DURABLE"
"""A person sets it to `accepted`, knowing that a crash of such a store may lose money."""
VALKEY = {"appendonly": "yes", "appendfsync": "always"}
"""A confirmed win is on the disk (docs/money.md)."""
POSTGRES = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}


def check_stores(theirs: Mapping[str, str], environment: Mapping[str, str]) -> list[str]:
    """Notes about them for a person.

    Raises EnvironmentNotReady for one that is away, or that may lose what it has confirmed.
    """
    if environment.get(ACCEPTED, "") not in ("", "accepted"):
        raise BadInput(f"{ACCEPTED} is {shown(environment[ACCEPTED])}", expected="accepted, or the variable not set")
    notes = []
    kinds = {"valkey": (_valkey, VALKEY), "postgres": (_postgres, POSTGRES)}
    for part, url in theirs.items():
        if (role := role_of(part)) not in kinds:
            continue
        ask, wanted = kinds[role]
        found = ask(part, url)
        if found is None:
            notes.append(f"{part} does not tell its settings: that it keeps what it confirmed was not checked")
            continue
        wrong = ", ".join(f"{key} is {found[key]}, not {value}" for key, value in wanted.items() if found[key] != value)
        if wrong and environment.get(ACCEPTED) != "accepted":
            raise EnvironmentNotReady(
                f"{variable(part)}: {hidden(url)} may lose what it has confirmed: {wrong}; "
                f"set it so, or accept the loss of money in a crash with {ACCEPTED}=accepted"
            )
        if wrong:
            notes.append(f"{part} may lose what it has confirmed ({wrong}); accepted by {ACCEPTED}")
    return notes


def _away(part: str, url: str, error: Exception) -> EnvironmentNotReady:
    first = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return EnvironmentNotReady(f"{variable(part)}: {hidden(url)} does not answer: {first}")


def _valkey(part: str, url: str) -> dict[str, str] | None:
    import valkey  # for somebody's stores alone

    address = url.replace("redis://", "valkey://", 1)
    options = {"socket_timeout": ASK_TIMEOUT_S, "socket_connect_timeout": ASK_TIMEOUT_S, "decode_responses": True}
    with valkey.Valkey.from_url(address, **options) as client:
        try:
            client.ping()
        except valkey.ValkeyError as error:
            raise _away(part, url, error) from error
        try:
            found = client.config_get(*VALKEY)
        except valkey.ResponseError:
            return None
    return {key: str(found[key]) for key in VALKEY}


def _postgres(part: str, url: str) -> dict[str, str]:
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=int(ASK_TIMEOUT_S), autocommit=True) as connection:
            return dict(_settings(connection))
    except psycopg.Error as error:
        raise _away(part, url, error) from error


def _settings(connection: psycopg.Connection[tuple[object, ...]]) -> Iterator[tuple[str, str]]:
    names = list(POSTGRES)
    for name, setting in connection.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", (names,)):
        # Stricter than `on` is as good.
        strict = name == "synchronous_commit" and setting in ("remote_write", "remote_apply")
        yield str(name), "on" if strict else str(setting)

"""Addresses of services that somebody else wrote. Owns the one strict reading of them, and the wording of errors.

Refused is what each library reads in its own way: an unencoded `#`, `/`, `?` or `@` in a password (a library may take
the rest for the host, and show it), a port that is no number, a host or port hidden in the query. An error never
contains the address, so it never repeats a secret.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import parse_qsl, urlsplit

from system.contract.numbers import shown, whole_number

HTTP = ("http", "https")
SCHEMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"valkey": ("valkey", "redis"), "postgres": ("postgresql", "postgres")}
)
"""By the kind of store; everything else is HTTP."""
DEFAULT_PORTS: Mapping[str, int] = MappingProxyType(
    {"valkey": 6379, "redis": 6379, "postgresql": 5432, "postgres": 5432, "http": 80, "https": 443}
)
ELSEWHERE = ("host", "hostaddr", "port", "service", "passfile", "servicefile")
"""Query parameters of PostgreSQL that could lead elsewhere, past the links on which faults are injected."""
_PLAIN = r"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})"
_AUTHORITY = re.compile(
    rf"(?:(?P<user>{_PLAIN}*)(?::(?P<password>(?:{_PLAIN}|:)*))?@)?(?P<host>\[[^\[\]]*\]|[^:@\[\]]*)(?::(?P<port>.*))?"
)
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?\.?")
_ENCODED = "in a user or a password, percent-encoded: # %23, / %2F, ? %3F, @ %40, : %3A, % %25"


@dataclass(frozen=True, slots=True)
class Address:
    """A service's address, taken apart. `host` without brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def endpoint(self) -> str:
        """host:port, an IPv6 address in brackets."""
        return f"{bracketed(self.host)}:{self.port}"


def is_loopback(url: str) -> bool:
    """Does this address stay on this host? A name other than `localhost` is not looked up; a port that cannot be is of
    no host.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def bracketed(host: str) -> str:
    """The host as an address has it: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def read_address(kind: str, url: str) -> Address:
    """The address of a service of this kind: `valkey`, `postgres`, anything else by HTTP.

    Raises ValueError with what is wrong and what was expected; it never holds a part of the password.
    """
    schemes = SCHEMES.get(kind, HTTP)
    like = f"{schemes[0]}://host:port"
    scheme, mark, rest = url.partition("://")
    if not mark or scheme not in schemes:
        raise ValueError(f"no address of {kind}; expected {like}")
    if not url.isprintable() or " " in url:
        raise ValueError(f"a blank or a character that is not seen; expected {like}, other characters percent-encoded")
    # The last @ ends what may hold a secret, whatever stands in it.
    before, at, behind = rest.rpartition("@")
    if at and re.search(r"[#/?@\[\]]", before):
        raise ValueError(f"one of # / ? @ stands as it is in front of the host; expected {like}, {_ENCODED}")
    end = min((place for mark in "/?#" if (place := behind.find(mark)) >= 0), default=len(behind))
    found = _AUTHORITY.fullmatch(f"{before}{at}{behind[:end]}")
    if found is None:
        raise ValueError(f"the part in front of the host cannot be read; expected {like}, {_ENCODED}")
    if "#" in behind[end:]:
        raise ValueError(f"a # behind the host; expected {like}")
    path, _, query = behind[end:].partition("?")
    _check_rest(kind, path, query)
    return Address(scheme, _host(found["host"], like), _port(found["port"], scheme, like), path)


def _host(text: str, like: str) -> str:
    if text.startswith("["):
        try:
            return str(ipaddress.IPv6Address(text[1:-1]))
        except ValueError:
            raise ValueError(f"no IPv6 address in the brackets; expected {like}, such as [::1]:6379") from None
    if not _NAME.fullmatch(text):
        raise ValueError(f"no host; expected {like}, an IPv6 address in brackets")
    return text


def _port(text: str | None, scheme: str, like: str) -> int:
    if text is None:
        return DEFAULT_PORTS[scheme]
    port = whole_number(text, 65_535)
    if not port:
        hint = f", {_ENCODED}" if scheme not in HTTP else ""
        raise ValueError(f"the port is no number from 1 to 65535; expected {like}{hint}")
    return port


def _check_rest(kind: str, path: str, query: str) -> None:
    if kind == "valkey" and whole_number(path.strip("/") or "0", 65_535) is None:
        raise ValueError("the path is no number of a database; expected valkey://host:port/0")
    if kind == "postgres" and "/" in path.rstrip("/")[1:]:
        raise ValueError("the path is no name of a database; expected postgresql://host:port/name")
    elsewhere = [key for key, _ in parse_qsl(query, keep_blank_values=True) if key in ELSEWHERE]
    if elsewhere:
        raise ValueError(f"{shown(elsewhere[0])} stands in the query; expected host and port in their place")

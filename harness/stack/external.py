"""Services that belong to somebody else: named by `XIU_*_URL` in the user's environment. Used as they are, never
changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from harness.errors import BadInput, EnvironmentNotReady
from harness.secrets import hidden, scrubbed
from system.contract.addresses import bracketed, read_address
from system.contract.places import read_place, valkey, valkey_variable

VARIABLES: dict[str, str] = {
    "valkey": "XIU_VALKEY_URL",
    "postgres": "XIU_POSTGRES_URL",
    "toxiproxy": "XIU_TOXIPROXY_URL",
    "prometheus": "XIU_PROMETHEUS_URL",
    "alertmanager": "XIU_ALERTMANAGER_URL",
}
CELLS = re.compile(rf"{valkey_variable()}_([1-9]\d{{0,2}})")
"""Of the Valkey of a further cell."""
OBSERVERS = {"prometheus": "/api/v1/query?query=1", "alertmanager": "/api/v2/status"}
"""For each kind of service a request that only such a service answers so."""
ASK_TIMEOUT_S = 5.0


def variable(part: str) -> str:
    """The variable that names somebody else's service in place of this part."""
    place = read_place(part)
    return valkey_variable(place.cell or 0) if place is not None and place.role == "valkey" else VARIABLES[part]


def externals(environment: Mapping[str, str], cells: int = 1) -> dict[str, str]:
    """part → address, for every part that is external, of so many cells. Raises BadInput for an address that cannot be
    one.
    """
    further = {place.name: valkey_variable(place.cell or 0) for place in map(valkey, range(1, cells))}
    named = {**VARIABLES, **further}
    found = {part: environment[name].rstrip("/") for part, name in named.items() if environment.get(name)}
    for part, url in found.items():
        try:
            read_address(role_of(part), url)
        except ValueError as exc:
            what, _, expected = str(exc).partition("; expected ")
            raise BadInput(f"{named[part]}: {what}", expected=expected) from None
    return found


def not_used(environment: Mapping[str, str], cells: int) -> list[str]:
    """Variables of cells that this stack does not have: reported, so that nobody relies on them."""
    names = sorted(name for name in environment if (found := CELLS.fullmatch(name)) and int(found[1]) >= cells)
    return [
        f"{name} is not used: this stack has {cells} cell{'s' * (cells > 1)}" for name in names if environment[name]
    ]


def role_of(part: str) -> str:
    """The role of the part of this name; the name itself where no system has one."""
    place = read_place(part)
    return part if place is None else place.role


def endpoint(part: str, url: str) -> str:
    """host:port of a store's address, as a client needs it."""
    return read_address(role_of(part), url).endpoint


def through(url: str, host: str, port: int) -> str:
    """The same address, reached at another host and port: user, password, database stay."""
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")[0]
    where = f"{bracketed(host)}:{port}"
    return parts._replace(netloc=f"{user}@{where}" if user else where).geturl()


def need_observer(part: str, url: str) -> None:
    """Raises EnvironmentNotReady where an external Prometheus or Alertmanager does not answer as one."""
    import requests

    from harness import loopback

    try:
        answer = loopback.get(f"{url}{OBSERVERS[part]}", ASK_TIMEOUT_S)
        answer.raise_for_status()
        answer.json()
    except (requests.RequestException, ValueError) as error:
        why = scrubbed(str(error)).splitlines()[0]
        raise EnvironmentNotReady(f"{VARIABLES[part]}: {hidden(url)} does not answer as {part}: {why}") from error


def proxies(toxiproxy_url: str) -> dict[str, tuple[str, int]]:
    """link → (host, port) of the proxies of an external toxiproxy. Raises EnvironmentNotReady if it does not answer."""
    import requests

    from harness import loopback

    host = urlsplit(toxiproxy_url).hostname or "127.0.0.1"
    try:
        answer = loopback.get(f"{toxiproxy_url}/proxies", ASK_TIMEOUT_S)
        answer.raise_for_status()
        rows: dict[str, dict[str, str]] = answer.json()
        return {link: (host, int(row["listen"].rpartition(":")[2])) for link, row in rows.items()}
    except (requests.RequestException, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EnvironmentNotReady(
            f"XIU_TOXIPROXY_URL: {hidden(toxiproxy_url)} does not answer as toxiproxy: {error}"
        ) from error

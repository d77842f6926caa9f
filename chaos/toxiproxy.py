"""toxiproxy, safely: every call has a time-out, every error raises, every change is read back.

`toxiproxy-python` hides failures (docs/faults.md names them): on a 5xx `reset()` and `destroy_toxic()` return False,
`add_toxic()` and `disable()` None; nothing has a time-out; one server per process; `populate()` recreates proxies. So
its own transport is exchanged for ours while a call lasts, and no return value is trusted. No retries.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
import toxiproxy.api
from toxiproxy import Toxiproxy

from chaos.errors import ChaosError
from harness import loopback

TIMEOUT_S = 2.0
BODY_MOST = 1 << 20
_one_server = threading.Lock()
"""The client keeps host and port in class attributes: one conversation at a time in this process."""


class ToxiproxyError(ChaosError):
    """The control API refused, answered nonsense, or did not answer in time."""


class NotAsAsked(ToxiproxyError):
    """The API accepted a change, and the read-back shows something else."""


@dataclass(frozen=True, slots=True)
class ToxicState:
    """A toxic as the server has it."""

    name: str
    type: str
    stream: str
    toxicity: float
    attributes: dict[str, int]


@dataclass(frozen=True, slots=True)
class ProxyState:
    """A proxy as the server has it."""

    name: str
    listen: str
    upstream: str
    enabled: bool
    toxics: tuple[ToxicState, ...]


class _Transport:
    """Stands in for `requests` inside the client: with a time-out, and every failure an error."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s

    def get(self, url: str, **kwargs: Any) -> requests.Response:
        return self._ask("GET", url, **kwargs)

    def post(self, url: str, **kwargs: Any) -> requests.Response:
        return self._ask("POST", url, **kwargs)

    def delete(self, url: str, **kwargs: Any) -> requests.Response:
        return self._ask("DELETE", url, **kwargs)

    def _ask(self, method: str, url: str, **kwargs: Any) -> requests.Response:
        where = f"toxiproxy: {method} {urlsplit(url).path}"
        with loopback.session(self._timeout_s) as session:
            try:
                until = time.monotonic() + self._timeout_s
                answer = session.request(method, url, stream=True, **kwargs)
                answer._content = _whole(answer, until)
            except requests.Timeout as exc:
                raise ToxiproxyError(f"{where}: no answer within {self._timeout_s:g} s") from exc
            except requests.RequestException as exc:
                raise ToxiproxyError(f"{where}: {_words(exc)}") from exc
        if not 200 <= answer.status_code < 300:
            raise ToxiproxyError(f"{where}: {answer.status_code} {answer.text.strip()[:200]}")
        return answer


def _whole(answer: requests.Response, until: float) -> bytes:
    """The body, which may not come drop by drop, nor without end. Raises requests.RequestException."""
    body = b""
    for piece in answer.iter_content(1 << 16):
        body += piece
        if time.monotonic() > until:
            raise requests.Timeout
        if len(body) > BODY_MOST:
            raise requests.exceptions.ContentDecodingError(f"more than {BODY_MOST:,} bytes")
    return body


def _words(exc: requests.RequestException) -> str:
    return "connection refused" if "refused" in str(exc) else f"{type(exc).__name__}"


class SafeToxiproxy:
    """One server's control API. Synchronous; from asyncio call it in a thread. Raises ToxiproxyError alone."""

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S) -> None:
        parts = urlsplit(url)
        self.url = url
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 8474
        self._transport = _Transport(timeout_s)

    @contextmanager
    def _client(self) -> Iterator[Toxiproxy]:
        consumer = toxiproxy.api.APIConsumer
        with _one_server:
            before = toxiproxy.api.requests, consumer.host, consumer.port
            toxiproxy.api.requests, consumer.host, consumer.port = self._transport, self._host, self._port
            try:
                yield Toxiproxy()
            except ToxiproxyError:
                raise
            except Exception as exc:
                # What the library's own code raises when an answer is not as expected, and its own error types.
                raise ToxiproxyError(f"toxiproxy: an answer that makes no sense: {exc!r}") from exc
            finally:
                toxiproxy.api.requests, consumer.host, consumer.port = before

    # -- looking

    def version(self) -> str:
        """What the server calls itself; `git` when it was built by `go install`."""
        try:
            return str(self._json("GET", "/version")["version"])
        except (KeyError, TypeError, IndexError) as exc:
            raise ToxiproxyError(f"toxiproxy: an answer that makes no sense: {exc!r}") from exc

    def proxies(self) -> dict[str, ProxyState]:
        """Every proxy with its toxics, by name."""
        rows = self._json("GET", "/proxies")
        try:
            return {name: _proxy(row) for name, row in rows.items()}
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise ToxiproxyError(f"toxiproxy: an answer that makes no sense: {exc!r}") from exc

    def proxy(self, name: str) -> ProxyState:
        """One proxy. Raises ToxiproxyError with what there is."""
        proxies = self.proxies()
        if name not in proxies:
            raise ToxiproxyError(f"toxiproxy has no proxy {name}; it has " + (", ".join(proxies) or "none"))
        return proxies[name]

    # -- changing, each read back

    def add(self, link: str, toxic: ToxicState) -> None:
        """A new toxic on a link's proxy."""
        with self._client() as client:
            client.get_proxy(link).add_toxic(
                name=toxic.name, type=toxic.type, stream=toxic.stream, toxicity=toxic.toxicity,
                attributes=toxic.attributes,
            )  # fmt: skip
        self._expect_toxic(link, toxic)

    def update(self, link: str, toxic: ToxicState) -> None:
        """Other attributes, or another toxicity, for a toxic that is there; the client cannot."""
        body = {"attributes": toxic.attributes, "toxicity": toxic.toxicity}
        self._json("PATCH", f"/proxies/{link}/toxics/{toxic.name}", body)
        self._expect_toxic(link, toxic)

    def remove(self, link: str, name: str) -> None:
        """Removes a toxic; one that is not there counts as removed."""
        if all(toxic.name != name for toxic in self.proxy(link).toxics):
            return
        with self._client() as client:
            client.get_proxy(link).destroy_toxic(name)
        if any(toxic.name == name for toxic in self.proxy(link).toxics):
            raise NotAsAsked(f"toxiproxy: {name} is still on {link} after it was removed")

    def enable(self, link: str, on: bool = True) -> None:
        """The proxy listens, or closes every connection and refuses new ones."""
        with self._client() as client:
            proxy = client.get_proxy(link)
            proxy.enable() if on else proxy.disable()
        if self.proxy(link).enabled is not on:
            raise NotAsAsked(f"toxiproxy: {link} is {'disabled' if on else 'enabled'} after the opposite was asked")

    def reset(self) -> None:
        """Removes every toxic and enables every proxy. The server stops at its first error, so everything is read
        back.
        """
        with self._client() as client:
            client.reset()
        left = [name for name, proxy in self.proxies().items() if proxy.toxics or not proxy.enabled]
        if left:
            raise NotAsAsked("toxiproxy: not as new after a reset: " + ", ".join(left))

    def populate(self, wanted: Mapping[str, tuple[str, str]]) -> list[str]:
        """Creates the proxies (name → listen, upstream) that are missing; never touches one that is there.

        Raises NotAsAsked where one of that name listens, or leads, elsewhere.
        """
        have = self.proxies()
        missing = [name for name in wanted if name not in have]
        for name in missing:
            listen, upstream = wanted[name]
            with self._client() as client:
                client.create(upstream=upstream, name=name, listen=listen, enabled=True)
        have = self.proxies()
        for name, (listen, upstream) in wanted.items():
            if name not in have or (have[name].listen, have[name].upstream) != (listen, upstream):
                raise NotAsAsked(f"toxiproxy: {name} is not {listen} → {upstream}: {have.get(name)}")
        return missing

    # -- inside

    def _json(self, method: str, path: str, body: object = None) -> Any:
        answer = self._transport._ask(method, f"http://{self._host}:{self._port}{path}", json=body)
        try:
            return answer.json()
        except ValueError as exc:
            raise ToxiproxyError(f"toxiproxy: {method} {path}: not JSON: {answer.text[:80]!r}") from exc

    def _expect_toxic(self, link: str, wanted: ToxicState) -> None:
        have = next((toxic for toxic in self.proxy(link).toxics if toxic.name == wanted.name), None)
        if have is None or (have.type, have.stream, have.toxicity) != (wanted.type, wanted.stream, wanted.toxicity):
            raise NotAsAsked(f"toxiproxy: asked for {wanted} on {link}, it has {have}")
        if any(have.attributes.get(key) != value for key, value in wanted.attributes.items()):
            raise NotAsAsked(f"toxiproxy: asked for {wanted.attributes} on {link}, it has {have.attributes}")


def _proxy(row: Mapping[str, Any]) -> ProxyState:
    toxics = tuple(
        ToxicState(t["name"], t["type"], t["stream"], float(t["toxicity"]), dict(t["attributes"]))
        for t in row["toxics"]
    )
    return ProxyState(row["name"], row["listen"], row["upstream"], bool(row["enabled"]), toxics)

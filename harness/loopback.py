"""The one place where a synchronous HTTP session is made. Services on this host are reached without the environment's
settings: no proxy of `http_proxy` and no `.netrc` stands between an operator and a part. Every request has a time-out.

An address elsewhere (`XIU_PROMETHEUS_URL`, `--on`) may go through the environment's proxies, as its owner expects. A
`.netrc` is never used there either: it would replace the operators' token. A part's redirect to elsewhere is not
followed.
"""

from __future__ import annotations

import os
import time
from typing import Any

import requests
import urllib3

from system.contract.addresses import is_loopback

TIMEOUT_S = 10.0
PIECE = 1 << 16


class LoopbackSession(requests.Session):
    """A `requests.Session` that decides by the address of each request. `timeout_s`: where the caller names none."""

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        super().__init__()
        self.trust_env = False
        self.timeout_s = timeout_s

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """As `requests` has it. Raises requests.RequestException alone."""
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = self.timeout_s
        try:
            if _here(str(url)):
                kwargs["allow_redirects"] = False
            else:
                kwargs.setdefault("proxies", requests.utils.get_environ_proxies(str(url)))
                kwargs.setdefault("verify", _certificates())
            return super().request(method, url, *args, **kwargs)
        except requests.RequestException:
            raise
        except (ValueError, OSError) as exc:
            # What urllib3 and the name look-up raise past requests: an impossible host name, no open file left.
            raise requests.ConnectionError(f"{type(exc).__name__}: {exc}") from exc


class NotWhole(requests.RequestException):
    """An answer without an end, or one that takes too long to come."""


def whole(answer: requests.Response, longest: int, within_s: float) -> bytes:
    """The body of an answer to a request with `stream`: `longest` bytes at most, within that time, however slowly its
    bytes come. Raises requests.RequestException.
    """
    until, text = time.monotonic() + within_s, b""
    try:
        while piece := answer.raw.read1(PIECE, decode_content=True):
            text += piece
            if len(text) > longest:
                raise NotWhole(f"its answer is longer than {longest:,} bytes")
            if time.monotonic() > until:
                raise NotWhole(f"its answer was not whole within {within_s:g} s")
    except (urllib3.exceptions.HTTPError, OSError) as exc:
        raise exc if isinstance(exc, requests.RequestException) else requests.ConnectionError(str(exc)) from exc
    return text


def session(timeout_s: float = TIMEOUT_S) -> LoopbackSession:
    """A session for one thread; a context manager."""
    return LoopbackSession(timeout_s)


def get(url: str, timeout_s: float = TIMEOUT_S, **kwargs: Any) -> requests.Response:
    """One request on a connection of its own, its whole answer read. Raises requests.RequestException."""
    with LoopbackSession(timeout_s) as one:
        return one.get(url, **kwargs)


def _here(url: str) -> bool:
    try:
        return is_loopback(url)
    except ValueError:
        return False


def _certificates() -> str | bool:
    """The authorities of a host elsewhere, as curl and requests look them up."""
    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True

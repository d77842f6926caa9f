"""Where a plan would hold a secret, and whether the text there is free of it: by names, exactly. Pure.

A header, a parameter of a query, a key of a JSON or a form whose name says *secret* may hold places alone (`${NAME}`,
`$column`), beside the words that its form wants. What it says otherwise is refused, and never repeated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from plans.models.filling import PLACE

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NAME = re.compile(r"(?:.*[-_.])?(?:authorization|cookie|passwd|password|pwd|secret|token|api[-_]?key)")
_FILLED = r"\$(?:\{[A-Za-z_][A-Za-z0-9_]*\}|[A-Za-z_][A-Za-z0-9_]*)"
_PLACES = re.compile(f"{_FILLED}(?:[:.]?{_FILLED})*")
_PAIRS = re.compile(rf'[A-Za-z][A-Za-z_-]*="?{_PLACES.pattern}"?(?:[;,] ?[A-Za-z][A-Za-z_-]*="?{_PLACES.pattern}"?)*')
SCHEMES = frozenset(
    ("apikey", "basic", "bearer", "digest", "dpop", "jwt", "key", "negotiate", "oauth", "token", "vapid")
)
"""Words that say of what kind the credentials of an Authorization header are."""
_FORM = re.compile(r"[^=&\s]+=[^&]*(?:&[^=&\s]+=[^&]*)*")


def says_secret(name: str) -> bool:
    """Does a key of this name hold a secret? `X-Api-Key`, `accessToken`, `client_secret`."""
    return _NAME.fullmatch(_HUMP.sub("-", name).lower()) is not None


def is_hidden(name: str, text: str) -> bool:
    """Is all of the text filled in from elsewhere, beside a scheme's word or the names of cookies?"""
    value, kind = text.strip(), name.lower()
    if kind.endswith("cookie"):
        return _PAIRS.fullmatch(value) is not None
    if kind.endswith("authorization"):
        scheme, blank, rest = value.partition(" ")
        if blank and scheme.lower() in SCHEMES:
            value = rest.strip()
        return _PLACES.fullmatch(value) is not None or _PAIRS.fullmatch(value) is not None
    return _PLACES.fullmatch(value) is not None


def of_headers(headers: Mapping[str, str]) -> Iterator[str]:
    """Names of headers that hold a secret."""
    for name, text in headers.items():
        if says_secret(name) and not is_hidden(name, text):
            yield name


def of_query(url: str) -> Iterator[str]:
    """Names of a query's parameters that hold a secret. What cannot be read as a query holds none."""
    query = urlsplit(PLACE.sub(lambda place: place[0].replace("$$", "%24"), url)).query
    yield from _of_pairs(query)


def of_body(body: str | None) -> Iterator[str]:
    """Names of a form's fields, or of a JSON text's keys, that hold a secret; of another text none."""
    if body is not None and _FORM.fullmatch(body):
        yield from _of_pairs(body)
    elif body is not None:
        for name, text in re.findall(r'"([^"\\]{1,80})"\s*:\s*"((?:[^"\\]|\\.)*)"', body):
            if says_secret(name) and text and not is_hidden(name, text):
                yield name


def of_json(value: Any) -> Iterator[str]:
    """Keys of a JSON value, at any depth, that hold a secret."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            plain = isinstance(item, str | int | float) and not isinstance(item, bool) and item != ""
            if plain and says_secret(str(key)) and not is_hidden(str(key), str(item)):
                yield str(key)
            yield from of_json(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from of_json(item)


def _of_pairs(query: str) -> Iterator[str]:
    for pair in query.split("&"):
        name, equals, text = pair.partition("=")
        if equals and text and says_secret(unquote(name)) and not is_hidden("", text):
            yield unquote(name)

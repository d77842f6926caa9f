"""Hides passwords in what is shown: one function for an address, one for a text that may hold some.

Hides too much rather than too little: an address that cannot be parsed is hidden as well. A secret that stands in no
address is not found.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

SHOWN_INSTEAD = "…"
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>]+")
_IN_QUERY = re.compile(r"(?i)([?&](?:password|sslpassword|passwd|secret|token)=)[^&#\s]*")
_T = TypeVar("_T")


def hidden(url: str) -> str:
    """The address without its password, whatever stands in it: `#`, `/`, `?` and `@` unencoded, too."""
    scheme, mark, rest = url.partition("://") if "://" in url else ("", "", url)
    user, at, host = rest.rpartition("@")
    if at and ":" in user:
        # What stands before the last @ counts as user and password, even where a strict parser would end earlier.
        rest = f"{user.partition(':')[0]}:{SHOWN_INSTEAD}@{host}"
    return _IN_QUERY.sub(rf"\g<1>{SHOWN_INSTEAD}", f"{scheme}{mark}{rest}")


def scrubbed(text: str) -> str:
    """A message with the password of every address in it hidden."""
    return _ADDRESS.sub(lambda found: hidden(found[0]), text)


def hidden_in(data: _T) -> _T:
    """JSON data with the password of every address in its texts hidden, keys left alone."""
    if isinstance(data, str):
        return scrubbed(data)  # type: ignore[return-value]
    if isinstance(data, Mapping):
        return {key: hidden_in(value) for key, value in data.items()}  # type: ignore[return-value]
    if isinstance(data, list | tuple):
        return type(data)(hidden_in(value) for value in data)
    return data


def shown(data: Any, *, secrets: bool) -> Any:
    """`data` as `--show-secrets` asks for it."""
    return data if secrets else hidden_in(data)

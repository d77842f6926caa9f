"""A request whose method the HTTP parser does not know (`FOO`): refused before any route is looked for.

Owns what such a request is told, from what the parser's error says of its first line: 405 and the methods that the path
has, 404 for a path that is not there. None for what is no request line at all, or came in pieces.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from aiohttp.http_exceptions import BadHttpMethod
from aiohttp.web import AbstractResource

from system.contract.errors import MethodNotAllowed, NotFound, Refused
from system.contract.numbers import shown

_LINE = re.compile(rb"(?:.*\r?\n)?([!#$%&'*+.^_`|~0-9A-Za-z-]+) (/[!-~]*) HTTP/1\.[01]", re.DOTALL)
"""Method and target. Behind requests of the same piece: the last line counts."""
_QUOTED = re.compile(r"^ *(b['\"].*)$", re.MULTILINE)


def refusal_of(exc: BadHttpMethod, resources: Iterable[AbstractResource]) -> Refused | None:
    """The right refusal, by the resources of the application's router."""
    quoted = _QUOTED.search(exc.message)
    try:
        line = ast.literal_eval(quoted[1]) if quoted else b""
    except (SyntaxError, ValueError):
        return None
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    method, target = found[1].decode(), found[2].decode()
    path = re.split("[?#]", target, maxsplit=1)[0]
    allowed = {route.method for resource in resources if _has(resource, path) for route in resource}
    if not allowed:
        return NotFound("no such path")
    return MethodNotAllowed(f"{shown(method)} is not allowed here; expected {', '.join(sorted(allowed))}", allowed)


def _has(resource: AbstractResource, path: str) -> bool:
    info = resource.get_info()
    pattern = info.get("pattern")
    return info.get("path") == path or (pattern is not None and pattern.fullmatch(path) is not None)

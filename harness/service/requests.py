"""From the requests of a plan to their bytes: each place filled in from the environment, a row, the token. Pure.

What comes out holds secrets, and is handed to the generator alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from harness.errors import BadInput, EnvironmentNotReady
from plans.models.filling import PLACE, TOKEN, filled, of_environment, of_row
from plans.models.target_service import Login, PlannedRequest, UrlTarget

WITH_BODY = ("POST", "PUT", "PATCH")


def needs(target: UrlTarget) -> list[str]:
    """The names of the environment that a target's texts need."""
    texts = [one.texts() for one in (target, *(target.requests or ()), *((target.login,) if target.login else ()))]
    return of_environment([*texts, target.url])


def missing(names: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Those that are not set, or empty."""
    return [name for name in names if not environment.get(name)]


def filling(
    one: PlannedRequest | Login, environment: Mapping[str, str], tokens: Sequence[str] = (), place: str = ""
) -> Iterator[tuple[str, dict[str, str], bytes]]:
    """Path and query, headers, body: for each row of its data, each with a token where there are some; at least once.

    Raises BadInput for a text that the row or the environment breaks, EnvironmentNotReady for one that the token breaks
    or a name nobody set. `place`: where the plan says it, `file:line: `.
    """
    rows: Sequence[Any] = one.data.rows if one.data is not None else ({},)
    for number in range(max(len(rows), len(tokens))):
        row = rows[number % len(rows)]
        names = dict(row) if isinstance(row, Mapping) else {}
        if tokens:
            names[TOKEN] = tokens[number % len(tokens)]
        try:
            path = PLACE.sub(lambda found: _quoted(found[0], environment, names), one.path)  # noqa: B023
            headers = {name: str(filled(text, environment, names)) for name, text in one.headers.items()}
            body, kind = _body(one, environment, names, row)
        except KeyError as exc:
            raise EnvironmentNotReady(
                f"{place}the environment has no {exc.args[0]}; expected it set: the plan names it"
            ) from exc
        except UnicodeEncodeError:
            text = "path" if _broken(one.path, environment, names) else "body"
            written = one.path if text == "path" else [one.body, one.json_]
            raise _unsendable(f"{place}{text}", written, one, number % len(rows)) from None
        if kind and not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = kind
        for name, text in headers.items():
            if any(ord(char) < 32 or ord(char) > 255 for char in text):
                raise _unsendable(f"{place}header {name}", one.headers.get(name, ""), one, number % len(rows))
        yield path, headers, body


def _broken(text: str, environment: Mapping[str, str], names: Mapping[str, Any]) -> bool:
    """Is there, filled in, half of a character in it?"""
    return any(0xD800 <= ord(char) < 0xE000 for char in str(filled(text, environment, names)))


def _unsendable(what: str, written: Any, one: PlannedRequest | Login, row: int) -> BadInput | EnvironmentNotReady:
    """Says where the character came from that cannot be sent, never what it is: it may be part of a secret."""
    named = of_row(written)
    token = TOKEN in named and (one.data is None or TOKEN not in one.data.columns)
    of_a_row = [f"row {row + 1} of {one.data.file}"] if one.data is not None and (named != [TOKEN] or not token) else []
    said = [f"${{{name}}} of the environment" for name in of_environment(written)]
    come_from = ["the login's token"] * token + said + of_a_row
    text = f"{what} holds a character that cannot be sent there, out of {' or '.join(come_from) or 'the plan'}"
    expected = "Latin letters on one line" if "header" in what else "text"
    return EnvironmentNotReady(f"{text}; expected {expected}") if token else BadInput(text, expected=expected)


def _quoted(place: str, environment: Mapping[str, str], names: Mapping[str, Any]) -> str:
    return quote(str(filled(place, environment, names)), safe="")


def _body(
    one: PlannedRequest | Login, environment: Mapping[str, str], names: Mapping[str, Any], row: Any
) -> tuple[bytes, str]:
    """The body and its type; a row of JSON lines is the body where the plan has none."""
    if one.body is not None:
        return str(filled(one.body, environment, names)).encode(), ""
    value = one.json_
    if value is not None:
        value = filled(value, environment, names)
    elif one.data is not None and one.data.file.endswith(".jsonl") and one.method in WITH_BODY:
        value = row
    if value is None:
        return b"", ""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), "application/json"


def bytes_of(
    target: UrlTarget, one: PlannedRequest, environment: Mapping[str, str], tokens: Sequence[str] = (), place: str = ""
) -> list[bytes]:
    """The whole bytes of a request, one for each row or token. Raises as `filling`."""
    own = urlsplit(target.url)
    root = own.path + (f"?{own.query}" if own.query else "")
    found: list[bytes] = []
    for path, headers, body in filling(one, environment, tokens, place):
        named = {name.lower() for name in headers}
        lines = [f"{one.method} {path or root} HTTP/1.1"]
        plain = {"Host": own.netloc, "User-Agent": "xiu", "Accept": "*/*"}
        lines += [f"{name}: {text}" for name, text in plain.items() if name.lower() not in named]
        lines += [f"{name}: {text}" for name, text in headers.items()]
        if body or one.method in WITH_BODY:
            lines.append(f"Content-Length: {len(body)}")
        found.append("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
    return found


def route(target: UrlTarget, one: PlannedRequest) -> str:
    """Of a request, as the plan writes it: no place is filled in."""
    own = urlsplit(target.url)
    return one.path or own.path

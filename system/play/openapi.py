"""Play's description: an OpenAPI document made from the routes, and a page of it to read, without network. Pure."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from system.contract.errors import MESSAGE_CHARS_MAX
from system.contract.ids import INT8_MAX, TAG_HEADER
from system.contract.numbers import number_pattern
from system.play.route import Route, Who
from system.tokens import SIG_BYTES

TAG_PATTERN = f"^[A-Za-z0-9_-]{{1,64}}[.]{number_pattern(INT8_MAX)}[.][0-9a-f]{{{2 * SIG_BYTES}}}$"
_TAG_SAYS = "A signed stress tag; the request then reads and changes the stress lane."
_WHO_SAYS: Mapping[Who, str] = {
    "user": "a user's token", "operator": "the operators' token", "anybody": "none is needed",
}  # fmt: skip
Refs = Mapping[Any, dict[str, Any]]
"""(model, mode) → where its schema stands."""
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; background: #fff }
code, pre { font: 14px/1.45 ui-monospace, monospace; background: #f3f3f3; border-radius: 4px }
code { padding: .1em .3em }
pre { padding: .8rem; overflow: auto }
td, th { text-align: left; padding: .2rem .8rem .2rem 0; vertical-align: top }
h2 { border-top: 1px solid #ccc; padding-top: 1rem }
@media (prefers-color-scheme: dark) { body { background: #181818; color: #ddd } code, pre { background: #2a2a2a }
  a { color: #8bf } }
"""


def document(routes: Iterable[Route], version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    routes = list(routes)
    used: set[tuple[type[BaseModel], JsonSchemaMode]] = {(route.answers, "serialization") for route in routes}
    used |= {(route.body, "validation") for route in routes if route.body is not None}
    refs, schemas = models_json_schema(
        sorted(used, key=lambda pair: (pair[0].__name__, pair[1])), ref_template="#/components/schemas/{model}"
    )
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "xiu play",
            "version": version,
            "description": "The wallet and the plays beside the draw. Amounts in fen, times in µs since 1970.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {
                "user": {"type": "http", "scheme": "bearer", "description": "A user's token, uid.exp.sig"},
                "operator": {"type": "http", "scheme": "bearer", "description": "The operators' token"},
            },
        },
    }


def _operation(route: Route, refs: Refs) -> dict[str, Any]:
    answers = refs[route.answers, "serialization"]
    pending = {"202": _answer("Not known yet: ask again with the same key", answers)} if route.pending else {}
    done: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "summary": (route.handler.__doc__ or "").strip(),
        "security": [] if route.who == "anybody" else [{route.who: []}],
        "parameters": [*_parameters(route)],
        "responses": {
            "200": _done(route, answers),
            **pending,
            **{str(status): _refusal(status, codes) for status, codes in route.refusals.items()},
        },
    }
    if route.body is not None:
        done["requestBody"] = {"required": True, "content": _content(refs[route.body, "validation"])}
    return done


def _parameters(route: Route) -> Iterator[dict[str, Any]]:
    for parameter in route.parameters:
        in_path = parameter.name in route.names
        default = {} if in_path or parameter.has_no_default else {"default": parameter.default}
        yield {
            "name": parameter.name,
            "in": "path" if in_path else "query",
            "required": in_path or parameter.required,
            "description": parameter.says,
            "schema": {**parameter.schema(), **default},
        }
    if route.who == "user":
        tag = {"name": TAG_HEADER, "in": "header", "required": False, "description": _TAG_SAYS}
        yield {**tag, "schema": {"type": "string", "pattern": TAG_PATTERN}}


def _refusal(status: int, codes: tuple[str, ...]) -> dict[str, Any]:
    error = {
        "type": "object",
        "required": ["code", "message", "effect"],
        "properties": {
            "code": {"enum": list(codes)},
            "message": {"type": "string", "maxLength": MESSAGE_CHARS_MAX + 1},
            "effect": {"enum": ["none", "unknown"] if status >= 500 else ["none"]},
        },
    }
    says = _answer(
        f"{HTTPStatus(status).phrase}: {', '.join(codes)}",
        {"type": "object", "required": ["error"], "properties": {"error": error}},
    )
    if status in _HEADERS:
        name, schema = _HEADERS[status]
        says["headers"] = {name: {"required": True, "schema": schema}}
    return says


_HEADERS: Mapping[int, tuple[str, dict[str, Any]]] = {
    401: ("WWW-Authenticate", {"enum": ["Bearer"]}),
    429: ("Retry-After", {"type": "integer", "minimum": 1}),
}


def _done(route: Route, schema: Mapping[str, Any]) -> dict[str, Any]:
    done = _answer("OK", schema)
    return {**done, "content": {**done["content"], **{media: {"schema": {"type": "string"}} for media in route.also}}}


def _content(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": dict(schema)}}


def _answer(says: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": says, "content": _content(schema)}


def page(routes: Iterable[Route]) -> str:
    """The same as a page of HTML: one file, nothing fetched."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>xiu play</title><style>{_STYLE}</style><h1>xiu play</h1>",
        "<p>The wallet and the plays of a red-packet system. Amounts are whole fen, times microseconds since 1970.",
        " Every answer that is not 2xx carries <code>{&quot;error&quot;:{code, message, effect}}</code>;",
        " <code>effect</code> is <code>none</code> when certainly nothing changed.",
        " As data: <a href=/openapi.json>/openapi.json</a>.</p>",
    ]
    for route in routes:
        parts.append(f"<h2><code>{route.method} {html.escape(route.path)}</code></h2>")
        parts.append(f"<p>{html.escape((route.handler.__doc__ or '').strip())}</p>")
        parts.append(f"<p>Bearer: {html.escape(_WHO_SAYS[route.who])}.</p>")
        if route.parameters:
            rows = "".join(
                f"<tr><td><code>{each.name}</code><td>{html.escape(each.says)}"
                f"<td><code>{html.escape(json.dumps(each.schema()))}</code>"
                for each in route.parameters
            )
            parts.append(f"<table><tr><th>parameter<th><th>{rows}</table>")
        if route.body is not None:
            parts.append("<p>Body:</p>" + _fields(route.body))
        parts.append("<p>Answer:</p>" + _fields(route.answers))
        rows = "".join(
            f"<tr><td>{status}<td><code>{' '.join(codes)}</code>" for status, codes in route.refusals.items()
        )
        parts.append(f"<table><tr><th>refused<th>{rows}</table>")
    return "".join(parts)


def _fields(model: type[BaseModel]) -> str:
    text = json.dumps(_example(model.model_json_schema(), model.model_json_schema()), indent=2)
    says = html.escape((model.__doc__ or "").strip())
    return f"<p>{says}</p><pre>{html.escape(text)}</pre>"


def _example(schema: dict[str, Any], root: dict[str, Any]) -> Any:
    """The shape of a value: types in the place of values."""
    if "$ref" in schema:
        return _example(root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root)
    if "anyOf" in schema:
        shapes = [_example(part, root) for part in schema["anyOf"]]
        texts = [shape for shape in shapes if isinstance(shape, str)]
        return " or ".join(texts) if len(texts) == len(shapes) else shapes[0]
    if "enum" in schema:
        return " | ".join(str(item) for item in schema["enum"])
    if schema.get("type") == "object":
        if "properties" in schema:
            return {name: _example(part, root) for name, part in schema["properties"].items()}
        return {"…": _example(schema.get("additionalProperties", {}), root)}
    if schema.get("type") == "array":
        return [_example(schema.get("items", {}), root)]
    return str(schema.get("type", "any"))

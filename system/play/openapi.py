"""Play's description: an OpenAPI document made from the routes, and a page of it to read, without network. Pure."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from system.contract.ids import TAG_HEADER
from system.play.route import Route

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "effect"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "effect": {"enum": ["none", "unknown"]},
            },
        }
    },
}
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
    used = sorted({m for r in routes for m in (r.answers, r.body) if m is not None}, key=lambda m: m.__name__)
    _, schemas = models_json_schema(
        [(model, "serialization") for model in used], ref_template="#/components/schemas/{model}"
    )
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "xiu play", "version": version, "description": "The wallet. Amounts in fen, times in µs."},
        "paths": paths,
        "components": {
            "schemas": {**schemas.get("$defs", {}), "Error": _ERROR},
            "securitySchemes": {
                "user": {"type": "http", "scheme": "bearer", "description": "A user's token, uid.exp.sig"},
                "operator": {"type": "http", "scheme": "bearer", "description": "The operators' token"},
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "integer"}}
        for name in re.findall(r"{(\w+)}", route.path)
    ]
    parameters += [
        {"name": name, "in": "query", "required": False, "description": says, "schema": {"type": "string"}}
        for name, says in route.query
    ]
    if route.who == "user":
        says = "A signed stress tag; the request then reads the stress lane."
        tag = {"name": TAG_HEADER, "in": "header", "required": False, "description": says}
        parameters.append({**tag, "schema": {"type": "string"}})
    failures = {str(status): _answer(HTTPStatus(status).phrase, "Error") for status in route.refusals}
    pending = {"202": _answer("Not known yet: ask again", route.answers.__name__)} if route.pending else {}
    done: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "summary": (route.handler.__doc__ or "").strip(),
        "security": [{route.who: []}],
        "parameters": parameters,
        "responses": {"200": _done(route), **pending, **failures},
    }
    if route.body is not None:
        done["requestBody"] = {"required": True, "content": _content(route.body.__name__)}
    return done


def _content(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _done(route: Route) -> dict[str, Any]:
    texts = {media: {"schema": {"type": "string"}} for media in route.also}
    done = _answer("OK", route.answers.__name__)
    return {**done, "content": {**done["content"], **texts}}


def _answer(says: str, name: str) -> dict[str, Any]:
    return {"description": says, "content": _content(name)}


def page(routes: Iterable[Route]) -> str:
    """The same as a page of HTML: one file, nothing fetched."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>xiu play</title><style>{_STYLE}</style><h1>xiu play</h1>",
        "<p>The wallet of a red-packet system. Amounts are whole fen, times microseconds since 1970. Every answer that",
        " is not 2xx carries <code>{&quot;error&quot;:{code, message, effect}}</code>; <code>effect</code> is",
        " <code>none</code> when certainly nothing changed. As data: <a href=/openapi.json>/openapi.json</a>.</p>",
    ]
    for route in routes:
        parts.append(f"<h2><code>{route.method} {html.escape(route.path)}</code></h2>")
        parts.append(f"<p>{html.escape((route.handler.__doc__ or '').strip())}</p>")
        parts.append(f"<p>Bearer: the {'user&#39;s' if route.who == 'user' else 'operators&#39;'} token.</p>")
        if route.query:
            rows = "".join(f"<tr><td><code>{n}</code><td>{html.escape(says)}" for n, says in route.query)
            parts.append(f"<table><tr><th>query<th>{rows}</table>")
        if route.body is not None:
            parts.append("<p>Body:</p>" + _fields(route.body))
        parts.append("<p>Answer:</p>" + _fields(route.answers))
        parts.append(f"<p>Errors: {', '.join(str(status) for status in route.refusals)}</p>")
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

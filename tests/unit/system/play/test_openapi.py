"""Play's description: every route, every reference resolved, a page without network."""

from __future__ import annotations

import json
import re
from typing import Any

from system.play import openapi
from system.play.plays import routes
from system.tokens import sign_tag, tag_key


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if "$ref" in value else set()
        return own.union(*(references(item) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(references(item) for item in value))
    return set()


def test_every_reference_resolves() -> None:
    document = json.loads(json.dumps(openapi.document(routes(), "1")))
    for reference in references(document):
        place: Any = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
        assert place
    assert sum(len(operations) for operations in document["paths"].values()) == len(routes())


def test_every_operation_is_described() -> None:
    document = openapi.document(routes(), "1")
    for route in routes():
        operation = document["paths"][route.path][route.method.lower()]
        assert operation["summary"]
        assert operation["security"] == ([] if route.who == "anybody" else [{route.who: []}])
        of_http = {"400", "429", "431", "503"} | ({"408", "413", "415"} if route.body else set())
        of_who = {"user": {"401", "403"}, "operator": {"401"}, "anybody": set()}[route.who]
        of_path = {"404"} if route.names else set()
        own = {str(error.status) for error in route.errors}
        unsettled = {"202"} if route.pending else set()
        assert set(operation["responses"]) == {"200"} | own | of_http | of_who | of_path | unsettled
    assert "requestBody" in document["paths"]["/v1/wallets/bulk"]["post"]
    names = [p["name"] for p in document["paths"]["/v1/wallet"]["get"]["parameters"]]
    assert names == ["award", "X-Xiu-Tag"]


def test_a_refusal_names_its_codes_and_what_http_wants_beside() -> None:
    operation = openapi.document(routes(), "1")["paths"]["/v1/wallet/spend"]["post"]
    codes = {
        status: said["content"]["application/json"]["schema"]["properties"]["error"]["properties"]["code"]["enum"]
        for status, said in operation["responses"].items()
        if status > "202"
    }
    assert codes["409"] == ["insufficient", "key_reused", "processing"]
    assert codes["415"] == ["unsupported_media_type"]
    assert codes["503"] == ["degraded", "store_refused", "store_unknown"]
    assert set(operation["responses"]["429"]["headers"]) == {"Retry-After"}
    assert set(operation["responses"]["401"]["headers"]) == {"WWW-Authenticate"}


def test_every_parameter_has_its_bounds() -> None:
    document = openapi.document(routes(), "1")
    said = {
        (path, parameter["name"]): parameter["schema"]
        for path, operations in document["paths"].items()
        for operation in operations.values()
        for parameter in operation["parameters"]
    }
    for place, schema in said.items():
        assert "enum" in schema or "pattern" in schema or {"minimum", "maximum"} <= set(schema), place
    assert said["/v1/wallet/statement", "limit"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
    assert re.fullmatch(said["/v1/wallet", "X-Xiu-Tag"]["pattern"], sign_tag(tag_key(bytes(32)), "run-1", 99))


def test_what_a_play_says_of_itself_is_a_sentence_each() -> None:
    for route in routes():
        assert all(parameter.says for parameter in route.parameters), route.path


def test_the_page_reads_without_network() -> None:
    page = openapi.page(routes())
    for route in routes():
        assert f"{route.method} {route.path}" in page
    assert "balance_fen" in page
    assert "src=" not in page
    assert "http" not in page.lower().replace("httpstatus", "")

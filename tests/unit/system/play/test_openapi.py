"""Play's description: every route, every reference resolved, a page without network."""

from __future__ import annotations

import json
from typing import Any

from system.play import openapi
from system.play.plays import routes


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
        assert operation["security"] == [{route.who: []}]
        of_http = {"431", "408", "413"} if route.body else {"431"}
        unsettled = {"202"} if route.pending else set()
        assert set(operation["responses"]) == {"200", *map(str, route.errors)} | of_http | unsettled
    assert "requestBody" in document["paths"]["/v1/wallets/bulk"]["post"]
    names = [p["name"] for p in document["paths"]["/v1/wallet"]["get"]["parameters"]]
    assert names == ["award", "X-Xiu-Tag"]


def test_the_page_reads_without_network() -> None:
    page = openapi.page(routes())
    for route in routes():
        assert f"{route.method} {route.path}" in page
    assert "balance_fen" in page
    assert "src=" not in page
    assert "http" not in page.lower().replace("httpstatus", "")

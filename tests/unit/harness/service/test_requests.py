"""The bytes of a plan's requests: rows, tokens, the environment in their places; nothing that breaks a header."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import BadInput, EnvironmentNotReady
from harness.service.requests import bytes_of, missing, needs
from plans.models.rows import DataRows
from plans.models.target_service import PlannedRequest, UrlTarget


def target(**more: Any) -> UrlTarget:
    return UrlTarget.model_validate({"url": "http://127.0.0.1:8080/a?b=1", **more}, context={"folder": Path()})


def rows(*rows: Any, file: str = "users.csv") -> DataRows:
    return DataRows(file=file, sha256="", count=len(rows), columns=tuple(rows[0]), rows=rows)


def request(data: DataRows | None = None, **more: Any) -> PlannedRequest:
    return PlannedRequest.model_validate({"request": "one", **more}).model_copy(update={"data": data})


def test_a_request_goes_to_the_url_itself_unless_it_has_a_path() -> None:
    plain = target()
    (text,) = bytes_of(plain, plain.each[0], {})
    head, *lines = text.decode().split("\r\n")
    assert head == "GET /a?b=1 HTTP/1.1"
    assert "Host: 127.0.0.1:8080" in lines
    assert not any(line.startswith("Content-") for line in lines)
    assert bytes_of(plain, request(path="/c"), {})[0].startswith(b"GET /c HTTP/1.1\r\n")


def test_json_has_its_type_and_length() -> None:
    (text,) = bytes_of(target(), request(method="POST", json={"name": "$$咻", "n": 1}), {})
    head, _, body = text.partition(b"\r\n\r\n")
    assert body.decode() == '{"name":"$咻","n":1}'
    assert b"Content-Type: application/json" in head
    assert f"Content-Length: {len(body)}".encode() in head


def test_each_row_is_a_request_and_takes_turns_with_tokens() -> None:
    one = request(rows({"user": "a b"}, {"user": "c"}), path="/u/$user", headers={"Authorization": "Bearer $token"})
    found = [text.decode() for text in bytes_of(target(), one, {}, ["t1", "t2", "t3"])]
    assert [text.split()[1] for text in found] == ["/u/a%20b", "/u/c", "/u/a%20b"]
    assert ["t1" in found[0], "t2" in found[1], "t3" in found[2]] == [True, True, True]


def test_a_line_of_json_is_the_body() -> None:
    one = request(rows({"sku": 1}, {"sku": 2}, file="orders.jsonl"), method="POST")
    assert [text.rpartition(b"\r\n")[2] for text in bytes_of(target(), one, {})] == [b'{"sku":1}', b'{"sku":2}']


def test_a_header_cannot_be_broken_by_a_row_nor_by_the_environment() -> None:
    one = request(rows({"user": "a\r\nX-Evil: 1"}), headers={"X-User": "$user"})
    with pytest.raises(BadInput, match=r"^mine.yaml:4: header X-User holds .*, out of row 1 of users\.csv; expected"):
        bytes_of(target(), one, {}, place="mine.yaml:4: ")
    with pytest.raises(BadInput, match=r"header X-Key holds .*, out of \$\{KEY\} of the environment; expected"):
        bytes_of(target(), request(headers={"X-Key": "${KEY}"}), {"KEY": "k\n"})


def test_a_token_that_breaks_a_header_is_the_service_s_fault_and_not_the_plan_s() -> None:
    one = request(rows({"user": "ann"}), headers={"X-Key": "Bearer $token"})
    with pytest.raises(EnvironmentNotReady, match=r"header X-Key holds .*, out of the login's token; expected"):
        bytes_of(target(), one, {}, ["geheim\n"])


@pytest.mark.parametrize(("key", "what"), [("path", "path"), ("body", "body"), ("json", "body"), ("headers", "header")])
def test_half_of_a_character_is_no_text(key: str, what: str) -> None:
    """So Python reads a variable of the environment that is no UTF-8."""
    value = {"path": "/${KEY}", "body": "${KEY}", "json": {"a": "${KEY}"}, "headers": {"X-Key": "${KEY}"}}[key]
    with pytest.raises(BadInput, match=rf"{what}.* out of \$\{{KEY\}} of the environment; expected"):
        bytes_of(target(), request(**{key: value}), {"KEY": "a\udcff"})


def test_what_the_environment_lacks_is_named() -> None:
    own = target(headers={"X-Key": "${KEY} ${OTHER}"}, body="${KEY}")
    assert needs(own) == ["KEY", "OTHER"]
    assert missing(needs(own), {"KEY": "k", "OTHER": ""}) == ["OTHER"]
    with pytest.raises(EnvironmentNotReady, match="the environment has no KEY"):
        bytes_of(own, own.each[0], {})

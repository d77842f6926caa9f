"""Bodies: numbers with both ends, text that the ledger can keep, and refusals that name the field in few words."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from system.contract import api, fields
from system.contract.web import one_sentence
from system.control.set_aside import SetAside
from system.play.wallet.models import BulkRequest

BODIES: list[type[BaseModel]] = [
    api.RoundOrder, api.CloseOrder, api.SyncRequest, api.EpochRequest, api.LeaseRequest, api.ConfirmRequest,
    api.TokensRequest, api.TagRequest, api.SwitchChange, SetAside, BulkRequest,
]  # fmt: skip


def sponsor(name: str = "a", fen: int = 1) -> dict[str, Any]:
    return {"sponsors": [{"sponsor": 7, "name": name, "classes": [[fen, 1]]}]}


ROUND = sponsor() | {"starts_in_ms": 0, "duration_ms": 1}


def leaves(schema: dict[str, Any], root: dict[str, Any], place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every integer and text of a schema, with its place."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    if schema.get("type") in ("integer", "string"):
        yield place, schema
    for part in (*schema.get("anyOf", ()), *schema.get("prefixItems", ())):
        yield from leaves(part, root, place)
    if isinstance(schema.get("items"), dict):
        yield from leaves(schema["items"], root, place)
    for name, part in schema.get("properties", {}).items():
        yield from leaves(part, root, f"{place}.{name}")


def found(kind: str) -> list[tuple[str, dict[str, Any]]]:
    schemas = ((model.__name__, model.model_json_schema()) for model in BODIES)
    return [
        (place, leaf)
        for name, schema in schemas
        for place, leaf in leaves(schema, schema, name)
        if leaf["type"] == kind and "enum" not in leaf
    ]


def test_every_number_of_a_body_has_both_ends() -> None:
    numbers = found("integer")
    assert len(numbers) > 20
    for place, leaf in numbers:
        assert {"minimum", "exclusiveMinimum"} & set(leaf), place
        assert leaf.get("maximum", leaf.get("exclusiveMaximum", 1 << 64)) <= 1 << 63, place


def test_every_text_of_a_body_has_an_end() -> None:
    texts = found("string")
    assert len(texts) >= 5
    for place, leaf in texts:
        assert leaf.get("maxLength", 1 << 64) <= 2_000, place


def refused(model: type[BaseModel], body: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        model.model_validate_json(json.dumps(body))
    return one_sentence(caught.value)


@pytest.mark.parametrize(
    ("model", "body", "field"),
    [
        (api.SwitchChange, {"value": 1, "why": "a\0b"}, "why"),
        (api.SwitchChange, {"value": 1, "who": "a\0b"}, "who"),
        (api.SwitchChange, {"value": 1, "who": "a\nb"}, "who"),
        (api.SwitchChange, {"value": 1, "who": " "}, "who: shows nothing"),
        (api.SwitchChange, {"value": 1, "who": "a\u200bb"}, "who: holds the character U+200B"),
        (api.SwitchChange, {"value": 1, "why": "x" * 3_000}, "why"),
        (api.SwitchChange, {"value": 1, "why": "a\udc00b"}, "hex escape"),
        (api.SwitchChange, {"value": 10**4_290}, "value"),
        (api.SwitchChange, {"value": 1, "w" * 9_000: 1}, "www"),
        (api.RoundOrder, ROUND | {"starts_in_ms": 10**4_290}, "starts_in_ms"),
        (
            api.RoundOrder,
            ROUND | sponsor("a\0b"),
            "sponsors.0: name holds the character U+0000",
        ),
        (
            api.RoundOrder,
            ROUND | sponsor(fen=10**4_290),
            "classes.0.0",
        ),
        (api.TagRequest, {"run_id": "a\0b"}, "run_id"),
        (SetAside, {"front": 0, "epoch": 1, "sequence": 1, "why": "a\0b"}, "why"),
        (BulkRequest, {"uids": [1 << 63]}, "uids.0"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name_and_not_repeated(
    model: type[BaseModel], body: dict[str, Any], field: str
) -> None:
    says = refused(model, body)
    assert field in says
    assert len(says) < 500
    assert "\0" not in says


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(" ", id="a blank"),
        pytest.param("\u3000", id="a wide blank"),
        pytest.param("\u00a0", id="a blank that does not break"),
        pytest.param("\u0301", id="an accent on nothing"),
        pytest.param("\u3164", id="a letter that shows nothing"),
        pytest.param("\u200b", id="a blank of no width"),
        pytest.param("tea\u200b", id="a blank of no width behind a name"),
        pytest.param("\u202eaet", id="written from the right"),
    ],
)
def test_a_sponsor_whom_nobody_can_read_is_refused(name: str) -> None:
    assert "sponsors.0: name " in refused(api.RoundOrder, ROUND | sponsor(name))


@pytest.mark.parametrize("name", ["春晚 2026", "春\u3000晚", "Café", "Cafe\u0301", "فروشگاه", "\u2764\ufe0f", "7"])
def test_a_sponsor_may_be_named_in_any_language(name: str) -> None:
    assert api.RoundOrder.model_validate_json(json.dumps(ROUND | sponsor(name))).sponsors[0].name == name


EVERY = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x30000), *range(0xE0000, 0xE1000), 0xF0000, 0x10FFFF)))
"""All that may stand in UTF-8, but for planes of nothing else than Chinese characters or private use."""


def taken(rule: Callable[[str], str], text: str) -> bool:
    try:
        return rule(text) == text
    except ValueError:
        return False


def edges(chosen: set[str]) -> set[str]:
    """The first and the last of each row of characters that are chosen, or not."""
    pairs = [(one, other) for one, other in pairwise(EVERY) if (one in chosen) != (other in chosen)]
    return {char for pair in pairs for char in pair}


@pytest.mark.parametrize(
    ("rule", "pattern"),
    [(fields.one_line, fields.LINE_PATTERN), (fields.name, fields.NAME_PATTERN)],
    ids=["line", "name"],
)
def test_the_pattern_that_is_published_is_the_rule(rule: Callable[[str], str], pattern: str) -> None:
    published = re.compile(pattern.replace("$", r"\Z"))
    ends = edges(set(re.findall(fields.LINE_PATTERN[1:-2], EVERY)))
    assert len(ends) > 60
    words = ("", *" \u3000\u0301\ufe0f\ua673", "tea\n", "Cafe\u0301 ", "\u0301a")
    for text in (*ends, *(f"a{char}" for char in ends), *words):
        assert taken(rule, text) == (published.match(text) is not None), ascii(text)


def test_what_unicode_hides_is_refused_and_what_it_has_not_named_is_not() -> None:
    seen = set(re.findall(fields.LINE_PATTERN[1:-2], EVERY))
    for char in EVERY:
        hidden = char in "\u115f\u1160\u2800\u3164\uffa0" or not (char.isprintable() or char == "\u3000")
        if char.isprintable() or unicodedata.category(char) != "Cn":
            assert (char in seen) != hidden, f"U+{ord(char):04X}"


@pytest.mark.parametrize(("kind", "pattern"), [(fields.Line, fields.LINE_PATTERN), (fields.Name, fields.NAME_PATTERN)])
def test_a_schema_says_which_texts_are_taken(kind: Any, pattern: str) -> None:
    schema = TypeAdapter(tuple[kind, ...]).json_schema()
    assert schema["items"]["pattern"] == pattern


def test_a_reason_may_have_several_lines() -> None:
    assert api.SwitchChange.model_validate_json(json.dumps({"value": 1, "why": "drill\n咻\n"})).why == "drill\n咻\n"

"""Checks data against a JSON Schema, as far as `xiu schema` uses the language; any other keyword is an error."""

from __future__ import annotations

from typing import Any

WORDS = {"$schema", "$defs", "title", "description", "default", "examples"}
TYPES: dict[str, Any] = {
    "object": dict, "array": list, "string": str, "boolean": bool, "null": type(None),
    "integer": int, "number": (int, float),
}  # fmt: skip


def against_schema(data: Any, schema: dict[str, Any]) -> list[str]:
    """What is wrong, by place; empty if nothing is."""
    return _look(data, schema, schema["$defs"], "")


def _is(data: Any, name: str) -> bool:
    if isinstance(data, bool) and name in ("integer", "number"):
        return False
    return isinstance(data, TYPES[name])


def _look(data: Any, rule: dict[str, Any], defs: dict[str, Any], at: str) -> list[str]:
    found: list[str] = []
    for word, value in rule.items():
        if word == "$ref":
            found += _look(data, defs[value.rsplit("/", 1)[-1]], defs, at)
        elif word == "type":
            found += [] if _is(data, value) else [f"{at}: no {value}"]
        elif word == "anyOf":
            found += [] if any(not _look(data, one, defs, at) for one in value) else [f"{at}: none of its forms"]
        elif word in ("enum", "const"):
            found += [] if data in (value if word == "enum" else [value]) else [f"{at}: not one of its values"]
        elif word == "minLength":
            found += [f"{at}: too short"] if isinstance(data, str) and len(data) < value else []
        elif word == "required":
            found += [f"{at}{name}: missing" for name in value if isinstance(data, dict) and name not in data]
        elif word == "items":
            found += [problem for one in data for problem in _look(one, value, defs, at)]
        elif word in ("properties", "additionalProperties"):
            continue
        elif word not in WORDS:
            raise AssertionError(f"unknown keyword {word}")
    if isinstance(data, dict) and ("properties" in rule or "additionalProperties" in rule):
        found += _members(data, rule, defs, at)
    return found


def _members(data: dict[str, Any], rule: dict[str, Any], defs: dict[str, Any], at: str) -> list[str]:
    found: list[str] = []
    known, more = rule.get("properties", {}), rule.get("additionalProperties", True)
    for name, value in data.items():
        if name in known:
            found += _look(value, known[name], defs, f"{at}.{name}".lstrip("."))
        elif more is False:
            found.append(f"{at}{name}: not in the schema")
        elif isinstance(more, dict):
            found += _look(value, more, defs, f"{at}.{name}".lstrip("."))
    return found

"""Calls over HTTP are made in one room: nothing else opens a session that believes the environment."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.house import SOURCES
from tests.house import text as text_of

FACTORY = "harness/loopback.py"
MADE_BY_REQUESTS = {"Session", "session", "request", "get", "post", "put", "patch", "delete", "head", "options"}
OTHERS = {"urllib.request", "http.client", "urllib3", "httpx"}


SUSPECT = re.compile(r"requests|urllib|\bhttpx?\b|trust_env")
"""One of these words stands in every text that is wrong: the others are not parsed."""


def wrong_calls(source: str) -> Iterator[int]:
    """Lines that open a session or send a request past the factory; or one of aiohttp that trusts the environment."""
    for node in ast.walk(ast.parse(source)) if SUSPECT.search(source) else ():
        if isinstance(node, ast.Import):
            yield from (node.lineno for alias in node.names if alias.name in OTHERS)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names = {alias.name for alias in node.names}
            if module in OTHERS or (module == "requests" and names & MADE_BY_REQUESTS):
                yield node.lineno
            if {f"{module}.{name}" for name in names} & OTHERS:
                yield node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "requests" and node.attr in MADE_BY_REQUESTS:
                yield node.lineno
        elif isinstance(node, ast.keyword) and node.arg == "trust_env":
            yield node.value.lineno


def test_no_session_is_made_outside_the_factory() -> None:
    assert [f"{name}:{line}" for name in SOURCES if name != FACTORY for line in wrong_calls(text_of(name))] == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("import requests\nrequests.get('http://127.0.0.1')", True),
        ("import requests\ns = requests.Session()", True),
        ("from requests import Session", True),
        ("import urllib.request", True),
        ("from urllib import request", True),
        ("import aiohttp\naiohttp.ClientSession(trust_env=True)", True),
        ("import aiohttp\naiohttp.ClientSession()", False),
        ("import requests\ntry: ...\nexcept requests.RequestException: ...", False),
        ("from urllib.parse import urlsplit", False),
    ],
)
def test_the_rule_itself(text: str, wrong: bool) -> None:
    assert bool(list(wrong_calls(text))) is wrong

"""Probe `http`: the status of an answer, and what its body contains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.own_probes import answering, is_so, probe


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with answering() as url:
        yield url


@pytest.mark.parametrize(
    ("spec", "yes", "says"),
    [
        pytest.param({"part": "control", "path": "/200"}, True, "HTTP 200", id="a part that answers"),
        pytest.param({"part": "control", "path": "/503"}, False, "HTTP 503, asked for 200", id="503"),
        pytest.param({"part": "control", "path": "/503", "status": 503}, True, "503", id="503, as meant"),
        pytest.param({"part": "control", "path": "/200", "contains": "well"}, True, "", id="its body"),
        pytest.param({"part": "control", "path": "/200", "contains": "ill"}, False, "without 'ill'", id="another body"),
        pytest.param({"url": "http://127.0.0.1:1/"}, False, "ConnectionError", id="nobody there"),
    ],
)
def test_an_answer(spec: dict[str, Any], yes: bool, says: str, url: str) -> None:
    is_so(url, yes, says, kind="http", **spec)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        pytest.param({}, "an http probe asks one place", id="no place"),
        pytest.param({"url": "http://example.com/"}, "no address of this host", id="another host"),
        pytest.param({"part": "postgres"}, "does not speak HTTP", id="a store"),
    ],
)
def test_bad_input_is_told(spec: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as told:
        probe("effect", "", kind="http", **spec)
    assert says in str(told.value)

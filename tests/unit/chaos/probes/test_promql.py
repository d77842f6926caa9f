"""Probe `promql`: a value of Prometheus against a bound; no data is never a yes.

Against a real Prometheus, in a whole drill: acceptance/standing/test_drills_played.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.own_probes import answering, is_so, lacks


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with answering() as url:
        yield url


@pytest.mark.parametrize(
    ("spec", "yes", "says"),
    [
        pytest.param({"query": "7", "op": ">", "value": 3}, True, "7 is 7, asked for > 3", id="above"),
        pytest.param({"query": "7", "op": "<=", "value": 3}, False, "asked for <= 3", id="not below"),
        pytest.param({"query": "nothing", "op": "<", "value": 3}, False, "no data", id="no data"),
    ],
)
def test_a_value(spec: dict[str, Any], yes: bool, says: str, url: str) -> None:
    is_so(url, yes, says, kind="promql", **spec)


def test_without_prometheus_it_is_lacking() -> None:
    lacks("no Prometheus", kind="promql", query="up", op=">", value=0)

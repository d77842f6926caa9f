"""Prepared requests: their file, and the meaning of an answer by its status and body alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.engine.answers import outcomes_of
from harness.engine.prepared import PreparedJourney, PreparedShot, read_requests, write_requests


@pytest.mark.parametrize(
    ("status", "body", "wanted", "contains", "outcome"),
    [
        pytest.param(200, b"hello world", (200,), "world", "good", id="as expected"),
        pytest.param(204, b"", (), "", "good", id="any 2xx where nothing is said"),
        pytest.param(302, b"", (), "", "wrong", id="a redirect is no answer"),
        pytest.param(200, b"sorry", (200,), "world", "wrong", id="the text is missing"),
        pytest.param(404, b"", (200,), "", "refused", id="a 4xx"),
        pytest.param(503, b"", (), "", "refused", id="a 5xx"),
        pytest.param(404, b"", (404,), "", "good", id="a 404 that is meant"),
        pytest.param(200, b"", (201,), "", "wrong", id="another 2xx than the plan says"),
    ],
)
def test_an_answer_means(status: int, body: bytes, wanted: tuple[int, ...], contains: str, outcome: str) -> None:
    import numpy as np

    shot = PreparedShot(PreparedJourney("a", "GET", "/", "requestsaa", wanted, contains))
    code = shot.understand(status, body).code
    assert shot.outcomes[int(outcomes_of(np.array([code], np.uint32))[0])] == outcome


def test_a_long_answer_is_not_remembered() -> None:
    shot = PreparedShot(PreparedJourney("a", "GET", "/", "requestsaa"))
    assert [shot.understand(200, b"x" * size).plain for size in (10, 100_000)] == [True, False]


def test_requests_are_dealt_to_workers(tmp_path: Path) -> None:
    file = tmp_path / "requestsaa"
    file.write_text(write_requests([b"a\r\n", "咻".encode(), b"c"]))
    assert read_requests(file) == [b"a\r\n", "咻".encode(), b"c"]
    assert read_requests(file, 1, 2) == ["咻".encode()]
    assert read_requests(file, 3, 4) == [b"a\r\n", "咻".encode(), b"c"], "fewer than workers: each has all"

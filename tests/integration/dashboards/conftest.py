"""One Prometheus that holds every metric, for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.prometheus_history import prometheus


@pytest.fixture(scope="package")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    try:
        with prometheus(tmp_path_factory.mktemp("history")) as address:
            yield address
    except FileNotFoundError as exc:
        pytest.skip(str(exc))

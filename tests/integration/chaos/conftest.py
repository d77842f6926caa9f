"""One whole stack for the tests of this folder: real parts, no load."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.stack import Stack, new_folder, tools


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running system without Prometheus."""
    if tools.find("toxiproxy-server") is None:
        pytest.skip("no toxiproxy here")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("VALKEY", "POSTGRES", "TOXIPROXY", "PROMETHEUS", "ALERTMANAGER"):
            patch.delenv(f"XIU_{name}_URL", raising=False)
        with Stack(new_folder(tmp_path_factory.mktemp("chaos") / "var"), with_prometheus=False) as started:
            yield started

"""The allow-list: what it names, what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from plans.models import PlanError
from plans.models.load import HOME
from plans.models.targets import load_targets
from system.contract.addresses import is_loopback

GOOD = """kind: targets
targets:
  - {id: staging, hosts: [a.example, "b.example:8000"], rate_max: 100/s, duration_max: 1m}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "targets.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://a.example:1/x", True),
        ("http://b.example:8000", True),
        ("http://b.example", False),
        ("http://b.example:8001", False),
        ("http://x.a.example", False),
        ("http://a.example@evil.example", False),
    ],
)
def test_hosts(tmp_path: Path, url: str, allowed: bool) -> None:
    entry = load_targets(written(tmp_path, GOOD)).entry(url)
    assert (entry is not None) is allowed
    assert entry is None or (entry.rate_max, entry.duration_max) == (100.0, 60.0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(GOOD.replace("a.example", '"*.example"'), "targets.yaml:3: ", id="a wildcard"),
        pytest.param(GOOD.replace("rate_max", "rate_most"), "did you mean rate_max", id="a misspelt key"),
        pytest.param(GOOD.replace("a.example", '"b.example:8000"'), "stands twice", id="a host twice"),
    ],
)
def test_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(PlanError, match=says):
        load_targets(written(tmp_path, text))


def test_the_projects_own_list_allows_nothing() -> None:
    assert load_targets(HOME / "targets.yaml").targets == ()


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:80", True), ("http://localhost", True), ("http://[::1]:8", True),
        ("http://127.0.0.1.example", False), ("http://10.0.0.1", False), ("http://localhost.example", False),
        ("http://127.0.0.1:99999/", False), ("http://127.0.0.1:x/", False), ("http://[::1", False),
    ],
)  # fmt: skip
def test_loopback(url: str, here: bool) -> None:
    assert is_loopback(url) is here

"""Before the first packet: a host that is not on the list is refused, and is not even looked up."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import NoReturn

import pytest

from harness.errors import EnvironmentNotReady
from harness.service import checks
from harness.service.conduct import run_service
from harness.service.order import ServiceOrder, service_order
from plans.models.service import load_service
from tests.support.service_plans import SMALL

TARGETS = """\
kind: targets
targets:
  - {id: staging, hosts: [staging.example], rate_max: 50/s, duration_max: 5s}
"""


def order(folder: Path, url: str, *more: str) -> ServiceOrder:
    file = folder / "mine.yaml"
    file.write_text(SMALL.replace("http://127.0.0.1:8080/hello", url) + "\n".join(more))
    return service_order(load_service(file), folder / "runs")


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for a host's address, or connects, fails the test."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("something was sent, or looked up")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


@pytest.mark.usefixtures("deaf")
@pytest.mark.parametrize("url", ["http://shop.example/", "https://10.0.0.7:8443/", "http://127.0.0.1.nip.io/"])
def test_a_host_that_is_not_on_the_list_is_refused_before_anything(tmp_path: Path, url: str) -> None:
    with pytest.raises(EnvironmentNotReady, match=r"allow-list: \S+ is not in plans/targets\.yaml"):
        run_service(order(tmp_path, url))
    assert not (tmp_path / "runs").exists()


@pytest.mark.usefixtures("deaf")
def test_a_prometheus_that_is_not_on_the_list_is_refused_too(tmp_path: Path) -> None:
    forecast = (
        'forecast: {prometheus: "http://prom.example", indicators: [{indicator: a, query: b, low: 0, mid: 0, high: 1}]}'
    )
    with pytest.raises(EnvironmentNotReady, match=r"prom\.example is not in"):
        run_service(order(tmp_path, "http://127.0.0.1:8080/", forecast))


@pytest.mark.usefixtures("deaf")
def test_a_closed_loop_beside_counts_for_the_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "targets.yaml").write_text(TARGETS.replace("50/s", "150/s"))
    monkeypatch.chdir(tmp_path)
    alone = [one.good for one in checks.allowed(order(tmp_path, "http://staging.example/"))]
    beside = [one.good for one in checks.allowed(order(tmp_path, "http://staging.example/", "closed_loop: {users: 4}"))]
    assert (alone, beside) == ([True, True, False], [True, False, False])


@pytest.mark.usefixtures("deaf")
def test_the_limits_of_an_entry_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "targets.yaml").write_text(TARGETS)
    monkeypatch.chdir(tmp_path)
    found = list(checks.allowed(order(tmp_path, "http://staging.example/")))
    assert [(one.name, one.good) for one in found] == [
        ("allow-list", True), ("rate limit", False), ("duration limit", False),
    ]  # fmt: skip


def test_each_broken_item_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers there
        port = taken.getsockname()[1]
        own = order(tmp_path, f"http://127.0.0.1:{port}/")
        target = own.plan.target
        spoilt = own.plan.model_copy(update={"target": target.model_copy(update={"headers": {"X-Key": "${NO_KEY}"}})})
        own = service_order(load_service(tmp_path / "mine.yaml").__class__(spoilt, tmp_path / "mine.yaml"), tmp_path)
        found = list(checks.ready(own))
    assert [one.name for one in found if not one.good] == ["environment", "target"]
    with pytest.raises(EnvironmentNotReady, match=r"(?s)environment: not set: NO_KEY.*target: .* takes no connection"):
        checks.refuse(found)

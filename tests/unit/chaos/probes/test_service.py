"""Probe `service_rises`: the generator's figures, read where the run tells them. Under load: acceptance/standing."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry, Histogram, start_http_server
from pydantic import ValidationError

from chaos.faults.toxics import Toxics
from chaos.probes import make, probes
from chaos.probes.service import NAME
from chaos.probing import NothingYet, ProbeAim
from tests.support.fault_shapes import as_file

LATENCY = {"type": "latency", "stream": "downstream", "attributes": {"latency": 50}}
SLOW = Toxics.model_validate({"kind": "toxics", "toxics": [LATENCY]})


def probe(targets: Path, prometheus: str | None = "http://127.0.0.1:1", run_port: int | None = None) -> Any:
    stack = cast(Any, SimpleNamespace(
        folder=SimpleNamespace(targets=targets), addresses=SimpleNamespace(prometheus_url=prometheus),
        run_port=run_port,
    ))  # fmt: skip
    spec = probes()["service_rises"].Spec.model_validate({"kind": "service_rises", "by": "40ms", "within": "5s"})
    return make(spec, ProbeAim(stack, SLOW, "client-front", {}), "effect")


@pytest.mark.parametrize("known", [True, False], ids=["where Prometheus looks for a run", "where a run registered"])
def test_what_the_generator_measured_since_the_fault(tmp_path: Path, known: bool) -> None:
    registry = CollectorRegistry()
    service = Histogram(NAME, "of a run", ["lane"], registry=registry).labels("stress")
    server, thread = start_http_server(0, "127.0.0.1", registry)
    try:
        (tmp_path / "run-1.json").write_text("half writ")
        (tmp_path / "run-2.json").write_text(json.dumps([{"targets": ["127.0.0.1:1"], "labels": {"part": "run"}}]))
        asked = probe(tmp_path, run_port=server.server_port if known else 1)
        with pytest.raises(NothingYet, match="told of 0 answers"):
            asked.look()
        here = [{"targets": [f"127.0.0.1:{server.server_port}"], "labels": {"part": "run"}}]
        if not known:
            (tmp_path / "run-3.json").write_text(json.dumps(here))
        for _ in range(200):
            service.observe(0.002)
        assert asked.look().yes
        assert not asked.seen().yes, "nothing new"
        for _ in range(50):
            service.observe(0.9)
        assert not asked.seen().yes, "a few answers say nothing"
        for _ in range(150):
            service.observe(0.050)
        seen = asked.seen()
        assert seen.yes, seen
        assert "2.0 ms before" in seen.says
        for _ in range(200):
            service.observe(0.003)
        assert not asked.seen().yes, "of those answered lately"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def test_without_prometheus_a_run_tells_no_figures(tmp_path: Path) -> None:
    assert "Prometheus" in str(probe(tmp_path, None).lacks())
    assert probe(tmp_path).lacks() is None


@pytest.mark.parametrize(
    ("target", "says"),
    [("front-valkey", "most taps do not go there; expected client-front"), ("prometheus-targets", "most taps")],
)
def test_on_another_link_it_is_blind(target: str, says: str) -> None:
    given: dict[str, Any] = {
        "inject": {"kind": "toxics", "toxics": [LATENCY]}, "heal": {"kind": "remove_toxics"},
        "effect_probe": {"kind": "service_rises", "by": "40ms", "within": "5s"},
        "heal_probe": {"kind": "link_answers", "within": "5s"},
    }  # fmt: skip
    as_file(targets=["client-front"], **given)
    with pytest.raises(ValidationError) as told:
        as_file(targets=[target], **given)
    assert says in str(told.value)

"""Alerts as Prometheus tells them; an alert of a fault that is over before anybody could look is found all the same."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qs

import pytest

from chaos.facts import Timed
from chaos.firing import fired_after, firing
from chaos.library import load_faults
from chaos.nemesis import FaultNemesis
from tests.support.stores import LOOPBACK


class Remembers(BaseHTTPRequestHandler):
    """A Prometheus that remembers when `FrontDown` fired, and in which nothing fires now."""

    def do_GET(self) -> None:
        self._send({"alerts": []})

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        server = cast("Any", self.server)
        server.asked += 1
        start, end, at_s = float(form["start"][0]), float(form["end"][0]), server.fired_s
        told = 'alertname="FrontDown"' in form["query"][0] and at_s is not None
        # As Prometheus looks: at whole steps from the start; an alert that began goes on for a second.
        looks = [start + k for k in range(int(end - start + 1e-6) + 1)]
        values = [[at, "1"] for at in looks if told and at_s <= at < at_s + 1]
        self._send({"resultType": "matrix", "result": [{"metric": {}, "values": values}] if values else []})

    def _send(self, data: dict[str, object]) -> None:
        body = json.dumps({"status": "success", "data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def prometheus() -> Iterator[Any]:
    with ThreadingHTTPServer((LOOPBACK, 0), Remembers) as server:
        found = cast("Any", server)
        found.asked, found.fired_s, found.url = 0, None, f"http://{LOOPBACK}:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def test_prometheus_remembers_an_alert_that_fires_no_more(prometheus: Any) -> None:
    assert firing(prometheus.url) == set()
    assert fired_after(prometheus.url, "FrontDown", 60.0) is None
    prometheus.fired_s = time.time() - 40
    assert fired_after(prometheus.url, "FrontDown", 60.0) == pytest.approx(20, abs=15)
    assert fired_after(prometheus.url, "Other", 60.0) is None
    prometheus.fired_s = time.time() - 0.1
    assert fired_after(prometheus.url, "FrontDown", 20.5) == pytest.approx(20.5, abs=5), "only just"
    prometheus.fired_s = time.time() - 40
    assert fired_after(prometheus.url, "FrontDown", 5.0) is None, "before the effect"
    assert fired_after(f"http://{LOOPBACK}:9", "FrontDown", 60.0) is None, "nobody tells"


@pytest.mark.parametrize("fired", [True, False])
def test_the_alert_of_a_fault_without_length_is_looked_for(tmp_path: Path, prometheus: Any, fired: bool) -> None:
    timed = Timed(load_faults()["P1"], "front-0", 6.0, 0.0, alert="FrontDown", alert_within_s=30.0)
    nemesis, told = FaultNemesis(tmp_path, timed), list[str]()
    (fault,) = nemesis.faults
    fault._run.now_s, fault._run.report = lambda: 27.0, lambda kind, text: told.append(kind)
    fault.facts.effect_s = 7.0
    if fired:
        prometheus.fired_s = time.time() - 12
    else:
        fault._run.over.set()  # nobody waits for an alert behind the end of the run
    stack = cast("Any", SimpleNamespace(addresses=SimpleNamespace(prometheus_url=prometheus.url)))
    fault._see_alert(stack)
    assert fault.facts.alert_s is None, "its time, 0 s, is over"
    fault._look_back_for_alert(stack)
    assert prometheus.asked == 1
    assert told == (["alert"] if fired else [])
    if fired:
        assert fault.facts.alert_s is not None
        assert 7.0 < fault.facts.alert_s < 27.0
        fault._look_back_for_alert(stack)
        assert prometheus.asked == 1, "found once"

"""A real Prometheus scrapes a run's exporter; what the forecast said and what came are asked back."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dashboards.grafana import check, words
from dashboards.grafana.boards import forecast
from dashboards.grafana.render import rendered
from harness.stack import config, tools
from harness.stack.ports import Ports
from harness.watch.exporter import KNOWN_S, LAST_READS, Exporter, until_read
from harness.watch.prom import PromError, Prometheus, read_metrics
from harness.watch.saved_queries import Moments, fill, save_metrics
from plans.models.queries import load_queries
from system.contract.audit import INVARIANTS, Finding
from tests.support.prometheus_server import prometheus_at
from tests.support.run_in_progress import begun, in_progress, judged, message

DEADLINE_S = 60.0


def until(check: Callable[[], bool], what: str) -> float:
    """Seconds until `check` held."""
    begun_s = time.monotonic()
    while not check():
        assert time.monotonic() - begun_s < DEADLINE_S, what
        time.sleep(0.05)
    return time.monotonic() - begun_s


@dataclass(frozen=True)
class Server:
    url: str
    targets: Path
    run_port: int


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    binary = tools.find("prometheus")
    if binary is None:
        pytest.skip("prometheus is not here; `xiu doctor` names the command that brings it")
    folder = tmp_path_factory.mktemp("prometheus")
    targets = folder / "targets"
    targets.mkdir()
    with Ports(["prometheus", "run"]) as ports:
        known = f"127.0.0.1:{ports.by_name['run']}"
        (folder / "prometheus.yml").write_text(
            config.prometheus({}, rules=(), more_targets=targets, alertmanager=None, run=known), encoding="utf-8"
        )
        address = f"127.0.0.1:{ports.by_name['prometheus']}"
        with prometheus_at(binary, folder, address, data=folder / "data") as url:
            yield Server(url, targets, ports.by_name["run"])


def found(prometheus: Prometheus, query: str) -> float | None:
    return prometheus.value(query, time.time())


def test_a_run_is_scraped_within_ten_seconds_and_forgotten_afterwards(server: Server) -> None:
    state = begun()
    exporter = Exporter(state)
    with Prometheus(server.url) as prometheus:
        try:
            exporter.register(server.targets)
            query = f'drill_users{{instance="127.0.0.1:{exporter.port}",part="run",job="harness"}}'
            assert until(lambda: found(prometheus, query) == 5_000, "scraped") < 12
            state.users = 6_000
            until(lambda: found(prometheus, query) == 6_000, "scraped again")
        finally:
            exporter.stop()
        until(lambda: found(prometheus, query) is None, "stale")


def test_targets_and_actuals_come_back_equal_and_what_is_missing_is_no_data(server: Server, tmp_path: Path) -> None:
    state = in_progress()
    state.run_id = "a-run-of-its-own"
    state.counts = {0: message(outcomes=dict.fromkeys(message()["outcomes"], 0))}
    exporter = Exporter(state)
    start_s = time.time()
    rows = [judged(1_195), judged(None, "errors")]
    try:
        exporter.register(server.targets)
        with Prometheus(server.url) as prometheus:
            own = f'instance="127.0.0.1:{exporter.port}"'
            sent = f'drill_requests_total{{{own},outcome="unknown"}}'
            until(lambda: found(prometheus, sent) == 0, "scraped")
            first_s = time.time()
            state.judged = tuple(rows)  # first: a scrape may come between the two
            state.counts = {0: message()}
            until(lambda: found(prometheus, sent) == 4, "scraped at the end")
            actual = 'drill_forecast_actual{run_id="a-run-of-its-own",indicator="wins"}'
            assert found(prometheus, actual) == 1_195
            assert found(prometheus, 'drill_forecast_actual{indicator="errors"}') is None
            moments = Moments(first_s, first_s, first_s, first_s + 1)
            saved = save_metrics(server.url, tmp_path, state.run_id, "stress", start_s, time.time(), rows, moments)
    finally:
        exporter.stop()
    by = {row.indicator: row for row in saved}
    assert set(by) == {"wins", "errors"}
    # No credit worker is scraped: the forecast's target stands there, the actual does not.
    assert by["wins"].target == {"lower": 1188.0, "expected": 1200.0, "upper": 1200.0}
    assert (by["wins"].state, by["wins"].prometheus) == ("no data", None)
    assert by["errors"].state == "no data"
    document = json.loads((tmp_path / "metrics" / "indicators.json").read_text())
    kept = {row["indicator"]: row for row in document["indicators"]}
    assert "hongbao_credits_total" in kept["wins"]["query"]
    assert not document["failed_series"]
    for series in load_queries().series:
        file = json.loads((tmp_path / "metrics" / f"{series.name}.json").read_text())
        assert file["query"]
        assert "error" not in file, file
    up = json.loads((tmp_path / "metrics" / "up.json").read_text())["result"]
    assert any(row["metric"]["instance"] == f"127.0.0.1:{exporter.port}" for row in up)


TILES = {
    title: panel["targets"][0]["expr"]
    for panel in rendered()["xiu-forecast"]["panels"]
    for title in [panel["title"].split(" · ")[-1]]
    if panel.get("targets")
}


def test_a_manager_sees_a_run_under_way_its_verdict_and_one_that_broke_off(server: Server) -> None:
    """As Grafana asks: an instant query at the end of the last minute."""

    def tile(title: str, run: str) -> float | None:
        words = check.Span(time.time() - 60, time.time()).words() | {"run": run, "job": ".+", "instance": ".+"}
        return found(prometheus, check.filled(TILES[title], words))

    def shown(run: str) -> list[float | None]:
        titles = ("Verdict", "Invariants", "Did the forecast hold?", "Money unaccounted for")
        return [tile(title, run) for title in titles]

    runs = {name: begun() for name in ("breaks-off", "is-invalid")}
    exporters = {}
    with Prometheus(server.url) as prometheus:
        try:
            for name, state in runs.items():
                state.run_id = name
                exporters[name] = Exporter(state)
                exporters[name].register(server.targets)
            for name in runs:
                until(lambda name=name: shown(name) == [0, 0, 0, -0.5], f"{name} is under way, and nothing is empty")
            state = runs["is-invalid"]
            state.judged = (judged(1_195), judged(0, "residue_fen"))
            state.invariants = tuple(
                Finding(code=code, says=says, valid=True, counted=1, violations=0) for code, says in INVARIANTS.items()
            )
            state.verdict = "INVALID"
            over = [words.VERDICTS["INVALID"][0], words.INVARIANT_STATES["holds"][0], forecast.NOT_VALID, 0]
            until(lambda: shown("is-invalid") == over, "the verdict; what it makes void is not green")
        finally:
            for exporter in exporters.values():
                exporter.stop()
        until(lambda: tile("Verdict", "breaks-off") == forecast.LOST, "no verdict and no exporter any more")
        until(lambda: found(prometheus, 'drill_run_info{run_id="is-invalid"}') is None, "scraped no more")
        assert shown("is-invalid") == over, "a verdict stays"


def test_runs_one_after_the_other_on_the_port_that_prometheus_knows_keep_their_figures_apart(server: Server) -> None:
    """None of them is told to Prometheus; as a person asks later, each is shown as it was at its end."""

    def tile(title: str, run: str, at_s: float) -> float | None:
        filling = check.Span(at_s - 60, at_s).words() | {"run": run, "job": ".+", "instance": ".+"}
        return prometheus.value(check.filled(TILES[title], filling), at_s)

    ends: dict[str, tuple[float, int, float | None]] = {}
    with Prometheus(server.url) as prometheus:
        for run, users, verdict in (("first-there", 5_100, "PASS"), ("second-there", 5_200, "FAIL")):
            state = begun()
            state.run_id, state.users = run, users
            exporter = Exporter(state, known=server.run_port)
            try:
                assert exporter.register(server.targets) == KNOWN_S
                until(lambda run=run: found(prometheus, f'drill_run_info{{run_id="{run}"}}') == 1, "scraped")
                state.verdict = verdict
                assert until_read(state, state.reads + LAST_READS, DEADLINE_S)
                ends[run] = (time.time(), users, float(words.VERDICTS[verdict][0]))
            finally:
                exporter.stop()
        assert list(server.targets.glob("run-*")) == []
        for run, (end_s, users, verdict_) in ends.items():
            shown = tile("Verdict", run, end_s), tile("People taking part at once", run, end_s)
            assert shown == (verdict_, users), run
        assert found(prometheus, 'drill_run_info{run_id="first-there"}') is None, "its place is the second one's"


CREDITS = """\
# HELP hongbao_credits_total Records settled by credit, by outcome.
# TYPE hongbao_credits_total counter
hongbao_credits_total{{lane="live",outcome="posted"}} {posted}
hongbao_credits_total{{lane="live",outcome="suspense"}} 0.0
"""


ROWS = [
    ([600, 900, 1_800], 1_200, "agrees", "posted"),  # only what came since the first tap counts
    ([600, 900, 1_800], 1_199, "differs", "1199"),  # one win apart
    ([600, 900, 300], 1_200, "no data", "began anew"),  # a worker that was restarted
    ([600, 900, float("nan")], 1_200, "no data", "not a number"),  # NaN is not healthy
]


def test_raw_counters_are_exact(server: Server, tmp_path: Path) -> None:
    """One worker plays all rows: Prometheus takes five seconds to know of another."""
    told = in_progress()
    told.run_id, told.lane = f"counters-{tmp_path.name}", "live"
    run_exporter, worker = Exporter(told), _Worker(server.targets)
    query = 'sum(hongbao_credits_total{lane="live",outcome="posted"})'
    try:
        run_exporter.register(server.targets)
        with Prometheus(server.url) as prometheus:
            info = f'drill_run_info{{run_id="{told.run_id}"}}'
            until(lambda: found(prometheus, info) == 1, "the run is scraped")
            for figures, run, state, why in ROWS:
                start_s = time.time()
                moments: Moments | None = None
                for figure in figures:
                    worker.posted = figure
                    wanted = None if figure != figure else figure
                    until(lambda wanted=wanted: found(prometheus, query) == wanted, f"scraped {figure}")  # type: ignore[misc]
                    now_s = time.time()
                    moments = moments or Moments(now_s, now_s, now_s, now_s)
                assert moments is not None
                (saved,) = save_metrics(
                    server.url, tmp_path, told.run_id, "live", start_s, time.time(), [judged(run)], moments
                )
                assert (saved.state, why in saved.why) == (state, True), saved
    finally:
        worker.stop()
        run_exporter.stop()
        with Prometheus(server.url) as prometheus:
            until(lambda: found(prometheus, query) is None, "stale")


class _Worker:
    """Serves the credit worker's counters, as many as it is told."""

    def __init__(self, targets: Path) -> None:
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(CREDITS.format(posted=outer.posted).encode())

            def log_message(self, *_: object) -> None:
                """Silent."""

        self.posted: float = 0
        self._held = Ports(["worker"])
        port = self._held.by_name["worker"]
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self._file = targets / f"worker-{port}.json"
        self._file.write_text(json.dumps([{"targets": [f"127.0.0.1:{port}"]}]))

    def stop(self) -> None:
        self._file.unlink()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._held.close()


def test_the_grammar_of_every_query_is_accepted(server: Server) -> None:
    queries = load_queries()
    words = {"lane": "live", "run": "r", "indicator": "wins"} | Moments(1, 2, 3, 4, (5, 25)).words(30)
    with Prometheus(server.url) as prometheus:
        for query in [queries.target, *(one.query for one in (*queries.indicators, *queries.series))]:
            assert prometheus.vector(fill(query, words), time.time()) is not None
        with pytest.raises(PromError, match="parse error"):
            prometheus.vector("sum(", time.time())
        with pytest.raises(PromError, match="expected one"):
            prometheus.value('label_replace(vector(1), "a", "b", "", "") or vector(2)', time.time())
        assert prometheus.value("vector(0) / vector(0)", time.time()) is None
        assert prometheus.value("vector(1) / vector(0)", time.time()) is None
        assert prometheus.value("nothing_of_this_name", time.time()) is None


def test_nobody_there_is_one_error(tmp_path: Path) -> None:
    with Ports(["nobody"]) as ports:
        url = f"http://127.0.0.1:{ports.by_name['nobody']}"
        with pytest.raises(PromError, match="does not answer") as told:
            save_metrics(url, tmp_path, "r", "live", 1.0, 2.0, [judged()])
        assert told.value.away
        with pytest.raises(PromError, match="does not answer"):
            read_metrics(f"{url}/metrics")
    assert not list(tmp_path.iterdir())


def test_a_proxy_of_the_environment_is_not_asked_about_this_host(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with Prometheus(server.url) as prometheus:
        assert prometheus.value("vector(7)", time.time()) == 7
    assert read_metrics(f"{server.url}/metrics")

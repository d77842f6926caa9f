"""`xiu dash push` as a user types it, against the contract stub: what it prints, and its exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboards.grafana.render import rendered
from harness.cli import main
from harness.run_folder import new_run, write_run
from tests.contract.grafana_stub import TOKEN, Grafana, serving
from tests.unit.harness.sample_run import record, sponsors, timeline

SOURCE = ("--prometheus", "http://127.0.0.1:9090")


@pytest.fixture
def grafana(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Grafana]:
    monkeypatch.chdir(tmp_path)
    with serving() as stub:
        monkeypatch.setenv("XIU_GRAFANA_URL", stub.url)
        monkeypatch.setenv("XIU_GRAFANA_TOKEN", TOKEN)
        yield stub


def a_run() -> str:
    folder = new_run(Path("runs"), "gala-share")
    write_run(folder, record(run_id=folder.name), timeline(), sponsors())
    return folder.name


def test_the_links_show_the_run_in_its_time(grafana: Grafana, capsys: pytest.CaptureFixture[str]) -> None:
    run_id = a_run()
    for _ in range(2):
        assert main(["dash", "push", "--json", *SOURCE]) == 0
        told = json.loads(capsys.readouterr().out)
    assert told["run"] == run_id
    live, forecast = (urlsplit(link) for link in told["links"])
    assert (live.path, forecast.path) == ("/d/xiu-live", "/d/xiu-forecast")
    asked = parse_qs(forecast.query)
    ran = record()
    start, end = (datetime.fromisoformat(text).timestamp() * 1000 for text in (ran.started_at, ran.ended_at))
    assert float(asked["from"][0]) <= start <= end <= float(asked["to"][0])
    assert asked["var-run"] == [run_id]
    assert asked["var-datasource"] == ["xiu-prometheus"]
    assert "var-run" not in parse_qs(live.query)
    assert {uid: kept["dashboard"] for uid, kept in grafana.dashboards.items()} == rendered()
    assert grafana.datasources["xiu-prometheus"]["url"] == SOURCE[1]
    assert [one["tags"] for one in grafana.annotations] == [["xiu", f"run:{run_id}"]], "once, though pushed twice"


def test_without_a_run_and_a_stack_it_says_so(grafana: Grafana, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dash", "push"]) == 0
    out = capsys.readouterr().out
    assert "note: no stack runs here" in out
    assert f"{grafana.url}/d/xiu-live?from=now-5m&to=now" in out
    assert grafana.datasources == {}


@pytest.mark.parametrize(
    ("mood", "told"),
    [
        pytest.param("bad_gateway", "HTTP 502, of a proxy before Grafana", id="502"),
        pytest.param("empty", "HTTP 200 without JSON", id="an empty body"),
        pytest.param("login_page", "sends elsewhere", id="a log-in page"),
    ],
)
def test_an_ill_grafana_is_one_sentence_and_exit_5(
    grafana: Grafana, capsys: pytest.CaptureFixture[str], mood: str, told: str
) -> None:
    grafana.mood = mood
    assert main(["dash", "push", *SOURCE]) == 5
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value", "code", "told"),
    [
        pytest.param("XIU_GRAFANA_URL", "", 5, "XIU_GRAFANA_URL not set", id="no address"),
        pytest.param("XIU_GRAFANA_TOKEN", "", 5, "XIU_GRAFANA_TOKEN not set", id="no token"),
        pytest.param("XIU_GRAFANA_TOKEN", "glsa_other", 5, "does not know the token", id="a wrong token"),
        pytest.param("XIU_GRAFANA_URL", "http://127.0.0.1:9", 5, "does not answer", id="away"),
        pytest.param("XIU_GRAFANA_URL", "grafana", 2, "is no address of a server", id="no address of a server"),
        pytest.param("XIU_GRAFANA_URL", f"http://{'a' * 300}:1", 5, "does not answer", id="a name too long"),
    ],
)
def test_what_is_wrong_with_the_environment(
    grafana: Grafana,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    code: int,
    told: str,
) -> None:
    monkeypatch.setenv(name, value)
    assert main(["dash", "push", *SOURCE]) == code
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == 1
    assert "glsa_other" not in err
    assert grafana.dashboards == {}


@pytest.mark.parametrize("given", ["nonsense", "127.0.0.1:9090", "http://", "http://[::1", "ftp://127.0.0.1:1"])
def test_a_prometheus_that_is_no_address_reaches_no_grafana(
    grafana: Grafana, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    for word in ("push", "check"):
        assert main(["dash", word, "--prometheus", given]) == 2
        assert capsys.readouterr().err.startswith(f"--prometheus {given}; expected an address")
    assert grafana.calls == []


def test_a_run_that_is_not_there(grafana: Grafana, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dash", "push", "--run", "r0", *SOURCE]) == 2
    assert "no such run" in capsys.readouterr().err
    assert grafana.calls == []

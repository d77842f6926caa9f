"""`xiu dash push` as a user types it, against the contract stub: what it prints, and its exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboards.grafana.render import rendered
from harness.runs.folder import write_run
from tests.support import prometheus_history as history
from tests.support.grafana_stub import TOKEN, Grafana, serving
from tests.support.sample_run import record, sponsors, timeline
from xiu.cli import main


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real one, which has seen one run."""
    try:
        with history.prometheus(tmp_path_factory.mktemp("history")) as url:
            yield url
    except FileNotFoundError as exc:
        pytest.skip(str(exc))


@pytest.fixture
def source(prometheus: str) -> tuple[str, str]:
    return ("--prometheus", prometheus)


@pytest.fixture
def grafana(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Grafana]:
    monkeypatch.chdir(tmp_path)
    with serving() as stub:
        monkeypatch.setenv("XIU_GRAFANA_URL", stub.url)
        monkeypatch.setenv("XIU_GRAFANA_TOKEN", TOKEN)
        yield stub


STARTED, ENDED = (datetime.fromtimestamp(history.START_S + s, UTC).isoformat() for s in (5, 50))


def a_run(run_id: str = history.RUN) -> str:
    """As run.json; by its id, one that Prometheus has seen."""
    folder = Path("runs") / run_id
    (folder / "metrics").mkdir(parents=True)
    write_run(folder, record(run_id=run_id, started_at=STARTED, ended_at=ENDED), timeline(), sponsors())
    return run_id


def written(grafana: Grafana) -> list[tuple[str, str]]:
    return [call for call in grafana.calls if call[0] != "GET"]


def test_the_links_show_the_run_in_its_time(
    grafana: Grafana, capsys: pytest.CaptureFixture[str], source: tuple[str, str]
) -> None:
    run_id = a_run()
    assert main(["dash", "push", "--json", *source]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["run"] == run_id
    live, forecast = (urlsplit(link) for link in told["links"])
    assert (live.path, forecast.path) == ("/d/xiu-live", "/d/xiu-forecast")
    asked = parse_qs(forecast.query)
    start, end = (datetime.fromisoformat(text).timestamp() * 1000 for text in (STARTED, ENDED))
    assert float(asked["from"][0]) <= start <= end <= float(asked["to"][0])
    assert asked["var-run"] == [run_id]
    assert asked["var-datasource"] == ["xiu-prometheus"]
    assert "var-run" not in parse_qs(live.query)
    assert {uid: kept["dashboard"] for uid, kept in grafana.dashboards.items()} == rendered()
    assert grafana.datasources["xiu-prometheus"]["url"] == source[1]
    assert [one["tags"] for one in grafana.annotations] == [["xiu", f"run:{run_id}"]]


def test_a_second_push_asks_and_changes_nothing(
    grafana: Grafana, capsys: pytest.CaptureFixture[str], source: tuple[str, str]
) -> None:
    a_run()
    assert main(["dash", "push", "--json", *source]) == 0
    first = json.loads(capsys.readouterr().out)["done"]
    assert first == {
        "folder": "made", "data source": "made", "dashboard xiu-live": "made", "dashboard xiu-forecast": "made",
        "annotation": "made",
    }  # fmt: skip
    before = len(written(grafana))
    assert main(["dash", "push", *source]) == 0
    out = capsys.readouterr().out
    assert ", ".join(f"{what} unchanged" for what in first) in out
    assert len(written(grafana)) == before == 5
    assert {kept["version"] for kept in grafana.dashboards.values()} == {1}


def test_what_somebody_changed_by_hand_is_put_right(
    grafana: Grafana, capsys: pytest.CaptureFixture[str], source: tuple[str, str]
) -> None:
    assert main(["dash", "push", *source]) == 0
    grafana.dashboards["xiu-live"]["dashboard"]["panels"].pop()
    grafana.dashboards["xiu-forecast"]["folder"] = "elsewhere"
    capsys.readouterr()
    assert main(["dash", "push", "--json", *source]) == 0
    done = json.loads(capsys.readouterr().out)["done"]
    assert done["dashboard xiu-live"] == done["dashboard xiu-forecast"] == "changed"
    assert grafana.dashboards["xiu-live"]["dashboard"] == rendered()["xiu-live"]
    assert grafana.dashboards["xiu-forecast"]["folder"] == "xiu"


@pytest.mark.parametrize("code", [400, 401, 403, 404, 412, 500])
def test_a_half_push_says_which_half_and_is_no_success(
    grafana: Grafana, capsys: pytest.CaptureFixture[str], source: tuple[str, str], code: int
) -> None:
    a_run()
    grafana.refuses, grafana.because = "xiu-forecast", (code, "not today")
    assert main(["dash", "push", *source]) == 5
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert (
        "half pushed: folder made, data source made, dashboard xiu-live made, dashboard xiu-forecast failed, "
        "annotation not tried; " in err
    )
    grafana.refuses = ""
    assert main(["dash", "push", *source]) == 0, "the next push brings the other half"
    assert "dashboard xiu-live unchanged, dashboard xiu-forecast made, annotation made" in capsys.readouterr().out


def test_a_run_that_this_prometheus_never_saw_is_refused(
    grafana: Grafana, capsys: pytest.CaptureFixture[str], source: tuple[str, str]
) -> None:
    a_run("r-of-another-stack")
    assert main(["dash", "push", "--run", "r-of-another-stack", *source]) == 2
    assert f"the Prometheus at {source[1]} never saw the run r-of-another-stack" in capsys.readouterr().err
    assert grafana.calls == []
    assert main(["dash", "push", "--json", *source]) == 0, "not named, it is only not shown"
    told = json.loads(capsys.readouterr().out)
    assert told["run"] == ""
    assert "never saw the run" in told["notes"][0]
    assert "from=now-5m" in told["links"][0]
    assert grafana.annotations == []


def test_a_prometheus_that_is_away_or_none_is_refused(grafana: Grafana, capsys: pytest.CaptureFixture[str]) -> None:
    for with_run in (False, True):
        if with_run:
            a_run()
        for url in ("http://127.0.0.1:9", grafana.url):
            assert main(["dash", "push", "--prometheus", url]) == 5
            err = capsys.readouterr().err
            assert url in err
            assert err.count("\n") == 1
    assert grafana.dashboards == grafana.datasources == {}


@pytest.mark.parametrize("flag", ["--prometheus", "--reports", "--runbooks"])
def test_an_empty_address_is_not_taken_for_none(
    grafana: Grafana, capsys: pytest.CaptureFixture[str], flag: str
) -> None:
    assert main(["dash", "push", f"{flag}="]) == 2
    assert f"{flag} ; expected an address" in capsys.readouterr().err
    assert grafana.calls == []


def test_a_run_that_nobody_could_be_asked_about_is_told_as_such(
    grafana: Grafana, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = a_run()
    assert main(["dash", "push", "--json", "--run", run_id]) == 0
    notes = " ".join(json.loads(capsys.readouterr().out)["notes"])
    assert f"no Prometheus could be asked whether it saw the run {run_id}" in notes


def test_a_file_s_address_for_alerts_stops_no_push(
    grafana: Grafana, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XIU_RUNBOOK_URL", "file:///srv/docs/")
    assert main(["dash", "push", "--json"]) == 0
    assert "without --reports and --runbooks a person fills in" in capsys.readouterr().out


def test_a_data_source_from_a_file_is_left_alone_and_that_is_said(
    grafana: Grafana, capsys: pytest.CaptureFixture[str], source: tuple[str, str]
) -> None:
    assert main(["dash", "push", *source]) == 0
    grafana.datasources["xiu-prometheus"]["url"] = "http://elsewhere:9090"
    grafana.mood = "read_only"
    capsys.readouterr()
    assert main(["dash", "push", *source]) == 0
    assert "note: the data source comes from a file and has another address" in capsys.readouterr().out
    assert grafana.datasources["xiu-prometheus"]["url"] == "http://elsewhere:9090"


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
    grafana: Grafana, capsys: pytest.CaptureFixture[str], source: tuple[str, str], mood: str, told: str
) -> None:
    grafana.mood = mood
    assert main(["dash", "push", *source]) == 5
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
    source: tuple[str, str],
) -> None:
    monkeypatch.setenv(name, value)
    assert main(["dash", "push", *source]) == code
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == 1
    assert "glsa_other" not in err
    assert grafana.dashboards == {}


@pytest.mark.parametrize(
    "given",
    [
        "nonsense",
        "127.0.0.1:9090",
        "http://",
        "http://[::1",
        "ftp://127.0.0.1:1",
        "http://h?x=1",
        "http://h#x",
        "http://a b",
    ],
)
def test_a_prometheus_that_is_no_address_reaches_no_grafana(
    grafana: Grafana, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    for word in ("push", "check"):
        assert main(["dash", word, "--prometheus", given]) == 2
        assert capsys.readouterr().err.startswith(f"--prometheus {given}; expected an address")
    assert grafana.calls == []


def test_a_run_that_is_not_there(grafana: Grafana, capsys: pytest.CaptureFixture[str], source: tuple[str, str]) -> None:
    assert main(["dash", "push", "--run", "r0", *source]) == 2
    assert "no such run" in capsys.readouterr().err
    assert grafana.calls == []


def test_links_to_reports_and_runbooks_have_the_address_that_was_told(
    grafana: Grafana,
    capsys: pytest.CaptureFixture[str],
    source: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def kept(uid: str, name: str) -> str:
        variables = grafana.dashboards[uid]["dashboard"]["templating"]["list"]
        return next(str(one["query"]) for one in variables if one["name"] == name)

    assert main(["dash", "push", *source]) == 0
    assert "without --reports and --runbooks a person fills in the address" in capsys.readouterr().out
    assert kept("xiu-forecast", "reports") == kept("xiu-live", "runbooks") == ""
    monkeypatch.setenv("XIU_RUNBOOK_URL", "https://docs.example/xiu/")
    for expected in ("changed", "unchanged"):
        assert main(["dash", "push", "--json", "--reports", "http://127.0.0.1:8000", *source]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["done"]["dashboard xiu-live"] == told["done"]["dashboard xiu-forecast"] == expected
        assert not [note for note in told["notes"] if "--reports" in note]
    assert kept("xiu-forecast", "reports") == "http://127.0.0.1:8000"
    assert kept("xiu-live", "runbooks") == "https://docs.example/xiu"
    assert main(["dash", "push", "--reports", "runs", *source]) == 2
    assert "--reports runs; expected an address" in capsys.readouterr().err

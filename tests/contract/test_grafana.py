"""Pushing to Grafana: what a healthy one holds afterwards, and one sentence for each way it can go wrong.

A contract stub answers, not Grafana. With XIU_TEST_GRAFANA_URL and XIU_TEST_GRAFANA_TOKEN set, the healthy row runs
on a real one, too.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboards.grafana.errors import GrafanaError, GrafanaInputError
from dashboards.grafana.publish import GrafanaPublisher
from dashboards.grafana.render import rendered
from tests.support.grafana_stub import TOKEN, Grafana, serving

BOARDS = rendered()
PROMETHEUS = "http://127.0.0.1:9090"


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    with serving() as stub:
        yield stub


@pytest.fixture
def publisher(grafana: Grafana) -> Iterator[GrafanaPublisher]:
    with GrafanaPublisher(grafana.url, TOKEN, timeout_s=2) as made:
        yield made


@pytest.fixture(params=["stub", "real"])
def healthy(request: pytest.FixtureRequest) -> Iterator[GrafanaPublisher]:
    """The stub, and a real Grafana where somebody named one."""
    if request.param == "stub":
        with serving() as stub, GrafanaPublisher(stub.url, TOKEN) as made:
            yield made
        return
    url, token = os.environ.get("XIU_TEST_GRAFANA_URL"), os.environ.get("XIU_TEST_GRAFANA_TOKEN")
    if not url or not token:
        pytest.skip("no Grafana at hand: XIU_TEST_GRAFANA_URL and XIU_TEST_GRAFANA_TOKEN name one")
    with GrafanaPublisher(url, token) as made:
        yield made


def push(publisher: GrafanaPublisher) -> None:
    publisher.ensure_folder("xiu-test", "xiu test")
    publisher.upsert_datasource("xiu-test-source", "xiu test source", PROMETHEUS, "1s")
    for board in BOARDS.values():
        publisher.upsert_dashboard({**board, "uid": f"{board['uid']}-test"}, "xiu-test")


def test_pushing_twice_is_as_good_as_once(healthy: GrafanaPublisher) -> None:
    push(healthy)
    assert healthy.ensure_folder("xiu-test", "xiu test") == "unchanged"
    assert healthy.upsert_datasource("xiu-test-source", "xiu test source", PROMETHEUS, "1s") == "unchanged"
    board = {**BOARDS["xiu-live"], "uid": "xiu-live-test"}
    assert healthy.upsert_dashboard(board, "xiu-test") == "unchanged"
    assert healthy.upsert_dashboard({**board, "title": "another one"}, "xiu-test") == "changed"
    assert healthy.upsert_datasource("xiu-test-source", "xiu test source", PROMETHEUS + "1", "1s") == "changed"


def test_what_grafana_holds_is_what_was_rendered(grafana: Grafana, publisher: GrafanaPublisher) -> None:
    publisher.ensure_folder("xiu", "咻 xiu")
    for board in BOARDS.values():
        publisher.upsert_dashboard(board, "xiu")
    assert {uid: kept["dashboard"] for uid, kept in grafana.dashboards.items()} == BOARDS
    assert {kept["folder"] for kept in grafana.dashboards.values()} == {"xiu"}
    assert grafana.folders["xiu"]["title"] == "咻 xiu"


def test_the_data_source_knows_the_scrape_interval_and_is_changed_by_uid(
    grafana: Grafana, publisher: GrafanaPublisher
) -> None:
    assert publisher.upsert_datasource("p", "Prometheus", PROMETHEUS, "1s") == "made"
    assert publisher.upsert_datasource("p", "Prometheus", PROMETHEUS, "5s") == "changed"
    assert grafana.datasources["p"]["jsonData"]["timeInterval"] == "5s"
    assert ("PUT", "/api/datasources/uid/p") in grafana.calls


def test_a_provisioned_data_source_is_left_alone(grafana: Grafana, publisher: GrafanaPublisher) -> None:
    publisher.upsert_datasource("p", "Prometheus", PROMETHEUS, "1s")
    grafana.mood = "read_only"
    assert publisher.upsert_datasource("p", "Prometheus", PROMETHEUS + "1", "1s") == "left alone"
    assert grafana.datasources["p"]["url"] == PROMETHEUS


def test_an_annotation_is_written_once(grafana: Grafana, publisher: GrafanaPublisher) -> None:
    for expected in ("made", "unchanged"):
        assert publisher.annotate(1000, 2000, "run r1: PASS", ("xiu", "run:r1")) == expected
    assert publisher.annotate(1000, 2000, "run r2: PASS", ("xiu", "run:r2")) == "made"
    assert [one["text"] for one in grafana.annotations] == ["run r1: PASS", "run r2: PASS"]
    with pytest.raises(ValueError, match="tag 'a&b'"):
        publisher.annotate(1, 2, "x", ("a&b",))


def test_a_grafana_below_a_path(grafana: Grafana) -> None:
    grafana.prefix = "/grafana"
    with GrafanaPublisher(f"{grafana.url}/grafana/", TOKEN) as publisher:
        publisher.ensure_folder("xiu", "xiu")
        link = publisher.link("xiu-live", 1000, 2000, datasource="p", run="")
    assert "xiu" in grafana.folders
    assert link == f"{grafana.url}/grafana/d/xiu-live?from=1000&to=2000&var-datasource=p"


def test_the_link_carries_time_and_variables(publisher: GrafanaPublisher) -> None:
    asked = parse_qs(urlsplit(publisher.link("xiu-forecast", 1, 2, run="r&1", datasource="p")).query)
    assert asked == {"from": ["1"], "to": ["2"], "var-run": ["r&1"], "var-datasource": ["p"]}


CALLS: dict[str, Callable[[GrafanaPublisher], object]] = {
    "folder": lambda p: p.ensure_folder("xiu", "xiu"),
    "dashboard": lambda p: p.upsert_dashboard(BOARDS["xiu-live"], "xiu"),
    "data source": lambda p: p.upsert_datasource("p", "Prometheus", PROMETHEUS, "1s"),
    "annotation": lambda p: p.annotate(1, 2, "x", ("xiu",)),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=list(CALLS))
@pytest.mark.parametrize(
    ("mood", "told"),
    [
        pytest.param("bad_gateway", "HTTP 502, of a proxy before Grafana", id="a proxy's page"),
        pytest.param("empty", "HTTP 200 without JSON", id="an empty body"),
        pytest.param("login_page", "sends elsewhere", id="a log-in page"),
        pytest.param("text_500", "HTTP 500, of a proxy", id="text with the word message"),
        pytest.param("list_404", "HTTP 404 without JSON", id="a 404 that is not Grafana's"),
        pytest.param("page_200", "HTTP 200 without JSON", id="a page"),
        pytest.param("half_200", "HTTP 200 without JSON", id="half of a document"),
        pytest.param("deep_200", "HTTP 200 without JSON", id="brackets without end"),
        pytest.param("not_utf8", "HTTP 200 without JSON", id="not UTF-8"),
        pytest.param("a_number", "it answered a int", id="a number"),
        pytest.param("json_500", "HTTP 500; Grafana's own log says why", id="its own 500"),
        pytest.param("json_503", "HTTP 503; Grafana's own log says why", id="its own 503"),
        pytest.param("json_412", "HTTP 412: The dashboard has been changed", id="412"),
        pytest.param("json_429", "HTTP 429: too many requests", id="429"),
        pytest.param("json_403", "the token may not", id="403"),
        pytest.param("drops", "does not answer", id="an answer cut off"),
    ],
)
def test_one_sentence_for_an_ill_grafana(
    grafana: Grafana, publisher: GrafanaPublisher, mood: str, told: str, call: Callable[[GrafanaPublisher], object]
) -> None:
    grafana.mood = mood
    with pytest.raises(GrafanaError, match=told) as caught:
        call(publisher)
    assert caught.value.exit_code == 5
    assert "\n" not in str(caught.value)
    assert grafana.url in str(caught.value)
    assert len(grafana.calls) == 1, "nothing more is asked of an ill one"


def test_an_answer_of_the_wrong_shape(grafana: Grafana, publisher: GrafanaPublisher) -> None:
    grafana.mood = "a_list"
    with pytest.raises(GrafanaError, match="it answered a list"):
        publisher.ensure_folder("xiu", "xiu")


@pytest.mark.parametrize("mood", ["hangs", "drips"])
def test_one_that_hangs_or_whose_answer_never_ends(grafana: Grafana, mood: str) -> None:
    grafana.mood = mood
    with (
        GrafanaPublisher(grafana.url, TOKEN, timeout_s=0.1) as publisher,
        pytest.raises(GrafanaError, match=r"did not answer within 0\.1 s"),
    ):
        publisher.ensure_folder("xiu", "xiu")


def test_one_that_is_away() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        with GrafanaPublisher(url, TOKEN) as publisher, pytest.raises(GrafanaError, match="does not answer") as caught:
            publisher.ensure_folder("xiu", "xiu")
    assert caught.value.exit_code == 5


def test_a_wrong_token_is_named_by_its_variable_and_never_shown(grafana: Grafana) -> None:
    with (
        GrafanaPublisher(grafana.url, "glsa_other") as publisher,
        pytest.raises(GrafanaError, match="XIU_GRAFANA_TOKEN") as caught,
    ):
        publisher.ensure_folder("xiu", "xiu")
    assert "glsa_other" not in str(caught.value)
    assert grafana.folders == {}


def test_what_grafana_refuses_is_told_in_its_words(grafana: Grafana, publisher: GrafanaPublisher) -> None:
    with pytest.raises(GrafanaError, match="HTTP 400: folder not found"):
        publisher.upsert_dashboard(BOARDS["xiu-live"], "nowhere")
    publisher.ensure_folder("xiu", "xiu")
    with pytest.raises(GrafanaError, match="HTTP 404: Dashboard not found"):
        publisher.upsert_dashboard({**BOARDS["xiu-live"], "id": 3}, "xiu")
    publisher.upsert_datasource("p", "Prometheus", PROMETHEUS, "1s")
    with pytest.raises(GrafanaError, match="HTTP 409: data source with the same name"):
        publisher.upsert_datasource("q", "Prometheus", PROMETHEUS, "1s")


def test_the_stub_is_strict(grafana: Grafana, publisher: GrafanaPublisher) -> None:
    api = publisher._grafana.api
    publisher.ensure_folder("xiu", "xiu")
    for ask in (
        lambda: api.POST("/dashboards/db", json={"dashboard": BOARDS["xiu-live"], "folderId": 1}),
        lambda: publisher._grafana.datasource.get_datasource_by_id(1),
        lambda: publisher._grafana.folder.get_folder_by_id(1),
    ):
        with pytest.raises(GrafanaError):
            publisher._call("break a rule", ask)
    assert grafana.dashboards == {}


@pytest.mark.parametrize(
    ("url", "token", "told"),
    [
        pytest.param("grafana:3000", TOKEN, "no address of a server", id="no scheme"),
        pytest.param("ftp://h", TOKEN, "no address of a server", id="another scheme"),
        pytest.param("http://h:99999", TOKEN, "XIU_GRAFANA_URL: no address", id="no such port"),
        pytest.param("http://u:secret@h", TOKEN, "holds a user or a password", id="a password in the address"),
        pytest.param("http://h?x=1", TOKEN, "no address of a server", id="a query"),
        pytest.param("http://h", "", "XIU_GRAFANA_TOKEN", id="no token"),
        pytest.param("http://h", "glsa_\n", "XIU_GRAFANA_TOKEN", id="a token with a line end"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_asked(url: str, token: str, told: str) -> None:
    with pytest.raises(GrafanaInputError, match=told) as caught:
        GrafanaPublisher(url, token)
    assert caught.value.exit_code == 2
    assert "secret" not in str(caught.value)

"""Plans for one's own service: what is left out has a default, what is wrong is told at its line with the word that
helps, all at once.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from plans.models import PlanError
from plans.models.service import is_service, load_service
from plans.models.target_service import LocustTarget, UrlTarget
from tests.support.plan_files import PLAN, line_of, spoil
from tests.support.service_plans import RICH, SMALL


@pytest.fixture
def rich(tmp_path: Path) -> Path:
    (tmp_path / "users.csv").write_text("user\nann\nbob\n")
    (tmp_path / "orders.jsonl").write_text('{"sku": 1}\n{"sku": 2}\n')
    file = tmp_path / "shop.yaml"
    file.write_text(RICH)
    return file


def test_seven_lines_are_a_plan(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(SMALL)
    plan = load_service(file).plan
    assert isinstance(plan.target, UrlTarget)
    assert [(one.request, one.method, one.weight) for one in plan.target.each] == [("request", "GET", 1)]
    assert plan.title.zh == plan.title.en == "My service"
    assert plan.stop[0].signal == "error_share"
    assert plan.length_s == 7


def test_a_stop_rule_may_be_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(SMALL + "stop: [response p99 > 2s in 5s]\n")
    (rule,) = load_service(file).plan.stop
    assert (rule.signal, rule.above, rule.window) == ("response_p99", 2.0, 5.0)


def test_a_plan_may_say_more(rich: Path) -> None:
    plan = load_service(rich).plan
    assert isinstance(plan.target, UrlTarget)
    browse, order = plan.target.each
    assert browse.headers == {"Accept": "application/json"}
    assert order.headers == {"Accept": "application/json", "Authorization": "Bearer $token"}
    assert order.data is not None
    assert order.data.rows == ({"sku": 1}, {"sku": 2})
    assert "rows" not in order.data.model_dump(), "a lock holds the file's sha256 instead"
    assert [segment["rate_rps"] for segment in plan.segments(0.2)] == [10, 10, 20]


def test_a_file_with_a_target_is_one_whatever_else_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("kind: stres\ntarget: {}\n")
    assert is_service(file)
    assert not is_service(PLAN)
    assert not is_service(tmp_path / "none.yaml")


def test_a_locustfile_is_a_target_too(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(SMALL.replace('{url: "http://127.0.0.1:8080/hello"}', "{locustfile: mine.py, users: 30}"))
    target = load_service(file).plan.target
    assert isinstance(target, LocustTarget)
    assert target.users == 30


@pytest.mark.parametrize(
    ("old", "new", "at", "word"),
    [
        pytest.param("url: http:", "ulr: http:", "ulr:", "did you mean url?", id="a key's name"),
        pytest.param("url: http:", "url: ftp:", "url:", "http://host:port", id="another protocol"),
        pytest.param("127.0.0.1:8080", "ann:pass@127.0.0.1:8080", "url:", "${…} of the environment",
                     id="a password in the address"),
        pytest.param("connections: 20", "connections: 3", "connections:", "at least 4",
                     id="fewer connections than needed"),
        pytest.param("timeout: 2s", "timeout: 0s", "timeout:", "greater than 0", id="no time to answer"),
        pytest.param("{Accept: application/json}", "{Cookie: id=7}", "headers: {Cookie", "from the environment",
                     id="a secret in the file"),
        pytest.param("{Authorization: Bearer $token}", "{Authorization: Bearer abc $token}", "order, path",
                     "nothing beside it", id="a secret beside a place"),
        pytest.param("{Authorization: Bearer $token}", "{Authorization: abc$$def}", "order, path",
                     "from the environment", id="a secret with a dollar in it"),
        pytest.param("path: /hello", "path: '/hello?api_key=abc'", "browse", "api_key: a secret in the file",
                     id="a secret in a query"),
        pytest.param("url: http://127.0.0.1:8080", "url: 'http://127.0.0.1:8080/?token=abc'", "url:",
                     "token: a secret in the file", id="a secret in the address"),
        pytest.param("data: orders.jsonl", "json: {user: {accessToken: abc}}", "order, path",
                     "accessToken: a secret in the file", id="a secret in a body as JSON"),
        pytest.param("data: orders.jsonl", "body: 'a=1&password=abc$$'", "order, path",
                     "password: a secret in the file", id="a secret in a form"),
        pytest.param("{Accept: application/json}", "{Content-Length: '5'}", "headers: {Content", "generator's own",
                     id="a header of the generator's"),
        pytest.param("{Accept: application/json}", "{X-User: $user}", "headers: {X-User",
                     "not every request fills in $user",
                     id="a column that not every request has"),
        pytest.param("user: $user", "user: $usr", "login:", "did you mean $user?", id="a column misspelt"),
        pytest.param("users.csv", "user.csv", "login:", "did you mean users.csv?", id="a file misspelt"),
        pytest.param("users.csv", "users.txt", "login:", ".csv or .jsonl", id="rows of another kind"),
        pytest.param("token: session.token", "token: a b", "login:", "pattern", id="a place that no JSON has"),
        pytest.param("headers: {Authorization: Bearer $token}, ", "", "login:", "no request carries it",
                     id="a login for nothing"),
        pytest.param("path: /hello", "path: hello", "browse", "begins with /", id="a path without its slash"),
        pytest.param("weight: 4", "weight: 0", "browse", "greater than or equal to 1", id="a request without weight"),
        pytest.param("weight: 4", "wait: 4", "browse", "unknown key", id="a key that there is not"),
        pytest.param("request: order", "request: browse", "request: browse, path: /orders", "stands twice",
                     id="two requests of one name"),
        pytest.param("method: POST", "method: HEAD", "order, path", "one of GET, POST", id="a method without a body"),
        pytest.param("expect: 201", "expect: 999", "expect: 999", "less than or equal to 599",
                     id="a status that is none"),
        pytest.param("data: orders.jsonl", "body: a, json: b", "order, path", "one of the two", id="two bodies"),
        pytest.param("rate: 100/s", "rate: 100", "rate:", "7/s", id="a rate without a unit"),
        pytest.param("rate: 100/s", "rate: 0/s", "rate:", "greater than 0", id="no rate"),
        pytest.param("rate: 100/s", "rate: -5/s", "rate:", "is not a rate", id="a negative rate"),
        pytest.param("100%], hold", "90%], hold", "steps:", "no step reaches the peak", id="a plan below its rate"),
        pytest.param("kind: stairs", "kind: climbs", "kind: climbs", "did you mean climb?", id="a step misspelt"),
        pytest.param("hold: 5s", "hold: 0s", "kind: stairs", "greater than 0", id="a step of no length"),
        pytest.param("signal: error_share", "signal: oldest_award_age", "oldest_award_age", "one of error_share",
                     id="a stop rule on money"),
        pytest.param("signal: error_share", "signal: eror_share", "eror_share", "did you mean error_share?",
                     id="a signal misspelt"),
        pytest.param("{response_p99: 100ms, errors: 1%}", "{errors: 1%}", "objectives:", "response_p99` is missing",
                     id="no promise"),
        pytest.param("errors: 1%", "errors: 101%", "objectives:", "0% to 100%", id="more errors than requests"),
        pytest.param("request: order, low", "request: ordr, low", "request: ordr", "one of browse, order",
                     id="a forecast of no request"),
        pytest.param("low: 0, mid: 20", "low: 30, mid: 20", "low: 30", "low ≤ mid ≤ high", id="a band upside down"),
        pytest.param("indicator: response_p99_ms", "indicator: response_p98_ms", "response_p98_ms", "response_p99_ms",
                     id="an indicator that nobody measures"),
        pytest.param("  prometheus: http://127.0.0.1:9090\n", "", "query:", "prometheus", id="a query for nobody"),
        pytest.param("workers: 2", "forecats: {}", "forecats:", "did you mean forecast?", id="a section misspelt"),
    ],
)  # fmt: skip
def test_a_broken_plan_is_refused_at_its_line(rich: Path, old: str, new: str, at: str, word: str) -> None:
    spoil(rich, (old, new))
    with pytest.raises(PlanError) as refused:
        load_service(rich)
    said = [problem for problem in refused.value.problems if word in str(problem)]
    assert said, str(refused.value)
    assert said[0].line == line_of(rich, at)


CLIMB = "{kind: climb, shares: [50%, 100%, 150%], window: 3s, hold: 2, patience: 1}"


@pytest.fixture
def climbs(tmp_path: Path) -> Path:
    file = tmp_path / "mine.yaml"
    file.write_text(SMALL.replace("{kind: constant, share: 100%, duration: 5s}", CLIMB))
    return file


def test_a_climb_goes_beyond_the_rate(climbs: Path) -> None:
    plan = load_service(climbs).plan
    assert plan.climb is not None
    assert plan.climb.rates_rps(plan.rate, 1.0) == (1 / 3, 50, 100, 150)
    assert (plan.most_rps, plan.length_s) == (150, 2 + 4 * 3 * 3), "of the longest one"


@pytest.mark.parametrize(
    ("old", "new", "at", "word"),
    [
        pytest.param("objectives: {response_p99: 100ms}\n", "", "kind: stress", "`objectives` is missing",
                     id="nothing is promised"),
        pytest.param("{response_p99: 100ms}", "{errors: 1%}", "objectives:", "response_p99` is missing",
                     id="no time is promised"),
        pytest.param("window: 3s, ", "", "steps:", "window` is missing", id="no window"),
        pytest.param("window: 3s", "window: 2s", "steps:", "greater than or equal to 3", id="over before it is seen"),
        pytest.param("hold: 2", "hold: 2s", "steps:", "whole number", id="a hold that is a time"),
        pytest.param("hold: 2", "hodl: 2", "steps:", "did you mean hold?", id="a key misspelt"),
        pytest.param("50%, 100%", "100%, 50%", "steps:", "expected rising shares", id="down"),
        pytest.param("100%, 150%", "80%", "steps:", "no step reaches the peak", id="below the rate"),
        pytest.param("150%]", "250%]", "steps:", "0% to 200%", id="far beyond the rate"),
        pytest.param("hold: 2", "hold: 2, spare: 1", "steps:", "unknown key", id="cells, which it has not"),
        pytest.param("patience: 1}", "patience: 1}, {kind: constant, share: 100%, duration: 5s}", "steps:",
                     "a climb among other steps; expected a climb alone", id="another step"),
        pytest.param("rate: 100/s", "rate: 100/s\nclosed_loop: {users: 4}", "closed_loop:", "constant steps of 100%",
                     id="a closed loop beside it"),
    ],
)  # fmt: skip
def test_a_climb_that_cannot_be_is_refused_at_its_line(climbs: Path, old: str, new: str, at: str, word: str) -> None:
    spoil(climbs, (old, new))
    with pytest.raises(PlanError) as refused:
        load_service(climbs)
    said = [problem for problem in refused.value.problems if word in str(problem)]
    assert said, str(refused.value)
    assert said[0].line == line_of(climbs, at)


STANDS_IN = 'target: {url: "http://127.0.0.1:8080/", stand_in: {at: 1s, for: 2s}}'
CLOSED = "closed_loop: {users: 4}\n"


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    file = tmp_path / "mine.yaml"
    file.write_text(SMALL.replace('target: {url: "http://127.0.0.1:8080/hello"}', STANDS_IN) + CLOSED)
    return file


def test_a_server_of_its_own_and_a_closed_loop_beside(beside: Path) -> None:
    plan = load_service(beside).plan
    assert isinstance(plan.target, UrlTarget)
    assert plan.target.stand_in is not None
    assert (plan.target.stand_in.at, plan.target.stand_in.length) == (1, 2)
    assert plan.closed_loop is not None
    assert (plan.closed_loop.users, plan.most_rps) == (4, 200)


@pytest.mark.parametrize(
    ("old", "new", "at", "word"),
    [
        pytest.param("127.0.0.1", "shop.example", "target:", "of this host", id="a stand-in somewhere else"),
        pytest.param("http:", "https:", "target:", "http:// url", id="a stand-in with TLS"),
        pytest.param("stand_in:", "method: POST, stand_in:", "target:", "without a body", id="a body for a stand-in"),
        pytest.param("stand_in:", "body: a, stand_in:", "target:", "without a body", id="a body in a GET"),
        pytest.param("for: 2s", "for: 4s", "target:", "an end before the steps'", id="longer than the plan"),
        pytest.param("for: 2s", "for: 0s", "target:", "greater than 0", id="no stand-still"),
        pytest.param("users: 4", "users: 0", "closed_loop:", "greater than or equal to 1", id="nobody"),
        pytest.param("share: 100%", "share: 50%", "closed_loop:", "constant steps of 100%", id="a rate that moves"),
        pytest.param("8080/", "8080/$item", "closed_loop:", "the same each time", id="a place in the url"),
        pytest.param("stand_in: {at: 1s, for: 2s}", "requests: [{request: a}, {request: b}]", "closed_loop:",
                     "expected one request", id="several requests"),
        pytest.param("{url: \"http://127.0.0.1:8080/\", stand_in: {at: 1s, for: 2s}}", "{locustfile: mine.py}",
                     "closed_loop:", "a target with a url", id="a locustfile"),
    ],
)  # fmt: skip
def test_what_cannot_stand_beside_is_refused(beside: Path, old: str, new: str, at: str, word: str) -> None:
    spoil(beside, (old, new))
    with pytest.raises(PlanError) as refused:
        load_service(beside)
    said = [problem for problem in refused.value.problems if word in str(problem)]
    assert said, str(refused.value)
    assert said[0].line == line_of(beside, at)


def test_all_of_it_is_told_at_once(rich: Path) -> None:
    spoil(rich, ("timeout: 2s", "timeout: 0s"), ("rate: 100/s", "rate: 100"), ("weight: 4", "weight: 0"),
          ("errors: 1%", "errors: 101%"), ("users.csv", "user.csv"))  # fmt: skip
    with pytest.raises(PlanError) as refused:
        load_service(rich)
    assert len(refused.value.problems) == 5


def test_an_authority_for_an_address_without_tls_is_refused(rich: Path) -> None:
    spoil(rich, ("  timeout: 2s", "  tls: {ca: none.pem}"))
    with pytest.raises(PlanError, match=r"none\.pem: No such file"):
        load_service(rich)
    (rich.parent / "none.pem").write_text("no certificate")
    with pytest.raises(PlanError, match="no certificate in it"):
        load_service(rich)


@pytest.mark.parametrize(
    ("name", "text", "line", "word"),
    [
        pytest.param("users.csv", "user,age\nann\n", 2, "1 column; expected 2", id="a short row"),
        pytest.param("users.csv", "user name\nann\n", 1, "names of letters", id="a header with a blank"),
        pytest.param("users.csv", "", 0, "no row", id="an empty file"),
        pytest.param("orders.jsonl", '{"sku": 1}\n{"sku": \n', 2, "not JSON", id="half a line of JSON"),
        pytest.param("orders.jsonl", '{"sku": 1}\n{"sku": NaN}\n', 2, "NaN is no JSON", id="no number"),
        pytest.param("orders.jsonl", '{"sku": "\\uD83D"}\n', 1, "half of a character", id="a lone surrogate"),
    ],
)
def test_a_bad_row_is_told_with_its_line(rich: Path, name: str, text: str, line: int, word: str) -> None:
    (rich.parent / name).write_text(text)
    with pytest.raises(PlanError) as refused:
        load_service(rich)
    assert [(Path(one.file).name, one.line) for one in refused.value.problems if word in str(one)] == [(name, line)]


def test_a_stop_rule_on_one_request_names_one_that_there_is(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("user\nann\n")
    (tmp_path / "orders.jsonl").write_text('{"sku": 1}\n')
    file = tmp_path / "shop.yaml"
    text = RICH.replace("  - {signal: error_share, above: 10%, window: 5s}", "  - errors of order > 10% in 5s")
    file.write_text(text)
    (rule,) = load_service(file).plan.stop
    assert (rule.signal, rule.journey) == ("error_share", "order")
    file.write_text(text.replace("errors of order", "errors of odrer"))
    with pytest.raises(PlanError, match=r"shop\.yaml:21: .*no journey `odrer`; .*did you mean order\?"):
        load_service(file)


@pytest.mark.parametrize(
    ("old", "new", "at", "word"),
    [
        (
            "url: http://127.0.0.1:8080",
            "url: http://127.0.0.1:8080/商店",
            "  url:",
            "no address has; expected it percent",
        ),
        ("path: /hello", "path: /商店", "    - {request: browse", "is no path; expected one that begins with /"),
    ],
)
def test_an_address_is_ascii(rich: Path, old: str, new: str, at: str, word: str) -> None:
    spoil(rich, (old, new))
    with pytest.raises(PlanError) as refused:
        load_service(rich)
    assert [(one.line, word in str(one)) for one in refused.value.problems] == [(line_of(rich, at), True)]

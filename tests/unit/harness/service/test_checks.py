"""Before the first packet: a host that is not on the list is refused, and is not even looked up; so is a load beyond
what the list grants, in each of its limits, with the line where it stands.
"""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import pytest

from harness.errors import BadInput, EnvironmentNotReady
from harness.guard.audit_log import FILE, problems, read
from harness.guard.precheck import Checked, kill_switch, limit, refuse
from harness.service import checks
from harness.service.conduct import run_service
from harness.service.order import ServiceOrder, service_order
from harness.who import me
from plans.models.service import LoadedService, load_service
from tests.support.own_service import own_service
from tests.support.service_plans import SMALL

TARGETS = """\
kind: targets
targets:
  - id: staging
    hosts: [staging.example, "127.0.0.1:8080"]
    rate_max: 100/s
    duration_max: 7s
"""
URL = "http://staging.example/"


def order(folder: Path, url: str, *more: str, **options: object) -> ServiceOrder:
    file = folder / "mine.yaml"
    file.write_text(SMALL.replace("http://127.0.0.1:8080/hello", url) + "\n".join(more))
    return service_order(load_service(file), folder / "runs", **options)


def tasks(folder: Path, host: str = "") -> ServiceOrder:
    file = folder / "mine.yaml"
    target = "{locustfile: mine.py" + (f', host: "{host}"' if host else "") + "}"
    file.write_text(SMALL.replace('{url: "http://127.0.0.1:8080/hello"}', target))
    return service_order(load_service(file), folder / "runs")


def grant(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str = TARGETS) -> None:
    """The allow-list of the current folder."""
    (folder / "plans").mkdir()
    (folder / "plans" / "targets.yaml").write_text(text)
    monkeypatch.chdir(folder)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that stands still for seconds breaks no item."""
    monkeypatch.setattr(limit, "ASK_S", 60.0)
    monkeypatch.setattr(kill_switch, "GENERATOR_ENDS_S", 60.0)


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for a host's address, or connects, fails the test."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("something was sent, or looked up")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


def refused(found: list[Checked]) -> dict[str, str]:
    return {one.name: one.says for one in found if one.state == "refused"}


@pytest.mark.usefixtures("deaf")
@pytest.mark.parametrize("url", ["http://shop.example/", "https://10.0.0.7:8443/", "http://127.0.0.1.nip.io/"])
def test_a_host_that_is_not_on_the_list_is_refused_before_anything(tmp_path: Path, url: str) -> None:
    with pytest.raises(EnvironmentNotReady, match=rf"mine\.yaml:4: {url} is not in plans/targets\.yaml"):
        run_service(order(tmp_path, url))
    assert [file.name for file in (tmp_path / "runs").iterdir()] == [FILE], "no run was made; the log tells of it"
    (line,) = read(tmp_path / "runs")
    assert (line.who, line.act, line.about["target"], line.about["items"]) == (me(), "refused", url, ["2. target"])


@pytest.mark.usefixtures("deaf")
def test_a_prometheus_that_is_not_on_the_list_is_refused_too(tmp_path: Path) -> None:
    forecast = (
        'forecast: {prometheus: "http://prom.example", indicators: [{indicator: a, query: b, low: 0, mid: 0, high: 1}]}'
    )
    with pytest.raises(EnvironmentNotReady, match=r"mine\.yaml:8: http://prom\.example/ is not in"):
        run_service(order(tmp_path, "http://127.0.0.1:8080/", forecast))


@pytest.mark.usefixtures("deaf")
@pytest.mark.parametrize("url", [URL, "http://127.0.0.1:8080/"])
@pytest.mark.parametrize(
    ("limit", "name", "says"),
    [
        pytest.param("", "", "", id="as much as is granted"),
        pytest.param(
            "rate_max: 99/s", "3. limit rate", "5: 100 requests/s at the peak, 99 allowed by staging", id="rate"
        ),
        pytest.param(
            "duration_max: 6s", "3. limit duration", "6: 7 s of load, 6 allowed by staging", id="a second longer"
        ),
        pytest.param(
            "step_max: 99/s",
            "3. limit step",
            "7: 100 requests/s more within a second, 99 allowed by staging",
            id="step",
        ),
        pytest.param("approval: true", "22. approval", "7: staging asks for a name: --approved-by NAME", id="a name"),
    ],
)
def test_a_limit_and_one_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, limit: str, name: str, says: str
) -> None:
    key = limit.partition(":")[0]
    kept = [line for line in TARGETS.splitlines() if not key or not line.strip().startswith(f"{key}:")]
    if limit:
        kept.insert({"rate_max": 4, "duration_max": 5}.get(key, 6), f"    {limit}")
    grant(tmp_path, monkeypatch, "\n".join(kept))
    found = checks.allowed(checks.load_of(order(tmp_path, url)))
    assert refused(found) == ({name: f"plans/targets.yaml:{says}"} if name else {})


@pytest.mark.usefixtures("deaf")
def test_the_hours_of_an_entry_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grant(tmp_path, monkeypatch, TARGETS + '    hours: {from: "01:00", until: "01:00", zone: "+08:00"}\n')
    with pytest.raises(Exception, match="is no time"):
        checks.load_of(order(tmp_path, URL))
    # A minute of the day that is half a day away, whenever the test runs.
    first = f"{(datetime.now(UTC).hour + 12) % 24:02d}"
    (tmp_path / "plans" / "targets.yaml").write_text(
        TARGETS + f'    hours: {{from: "{first}:00", until: "{first}:01"}}'
    )
    assert set(refused(checks.allowed(checks.load_of(order(tmp_path, URL))))) == {"3. limit hours"}


def test_what_the_public_needs_is_asked_of_the_entry_s_prometheus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant(tmp_path, monkeypatch, TARGETS + "    capacity: 200/s\n    live_headroom: 50%\n")
    found = refused(checks.allowed(checks.load_of(order(tmp_path, URL))))
    assert found == {
        "3. limit headroom": "plans/targets.yaml:8: the live traffic of staging is not known: nobody tells it; "
        "expected `public` beside `live_headroom`"
    }
    with own_service() as service:  # as a Prometheus it answers 0.25
        public = f'    public: {{prometheus: "{service.url}", query: rate}}\n'
        for capacity, names in (("200.5", set()), ("200", {"3. limit headroom"})):
            limits = f"    capacity: {capacity}/s\n    live_headroom: 50%\n"
            (tmp_path / "plans" / "targets.yaml").write_text(TARGETS + limits + public)
            assert set(refused(checks.allowed(checks.load_of(order(tmp_path, URL))))) == names
        assert service.asked["rate"] == 2


@pytest.mark.usefixtures("deaf")
@pytest.mark.parametrize(("name", "names"), [("bob", set()), (me().upper(), {"22. approval"})])
def test_who_starts_a_run_does_not_approve_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, names: set[str]
) -> None:
    grant(tmp_path, monkeypatch, TARGETS + "    approval: true\n")
    assert set(refused(checks.allowed(checks.load_of(order(tmp_path, URL, approved_by=name))))) == names


def test_a_name_is_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not a name"):
        order(tmp_path, URL, approved_by="\n")


@pytest.mark.usefixtures("deaf")
def test_a_locustfile_without_a_host_is_bound_where_its_tasks_send(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = TARGETS.replace("100/s", "99/s") + (
        "  - {id: open, hosts: [open.example], rate_max: 100/s, duration_max: 7s}\n"
        "  - {id: asked, hosts: [asked.example], rate_max: 100/s, duration_max: 7s, approval: true}\n"
        "  - {id: shared, hosts: [shared.example], rate_max: 100/s, duration_max: 7s, capacity: 9/s, live_headroom: 1%}"
    )
    grant(tmp_path, monkeypatch, limits)
    ask = checks.load_of(tasks(tmp_path))
    assert refused(checks.allowed(ask)) == {}, "it names no host: nothing can be said before"
    found = checks.refusals(ask)
    assert found["staging"] == "plans/targets.yaml:5: 100 requests/s at the peak, 99 allowed by staging"
    assert found["open"] == ""
    assert found["asked"].endswith("asked asks for a name: --approved-by NAME")
    assert found["shared"].endswith("what the public needs is looked at for the `host` of the plan alone")
    named = checks.load_of(tasks(tmp_path, URL))
    assert set(refused(checks.allowed(named))) == {"3. limit rate"}


def test_a_run_is_told_from_its_start_and_what_was_granted_stands_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant(tmp_path, monkeypatch)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers there
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        (tmp_path / "plans" / "targets.yaml").write_text(TARGETS.replace("127.0.0.1:8080", url[7:-1]))
        with pytest.raises(EnvironmentNotReady, match=r"service: the service cannot be reached: \S+mine\.yaml:4: "):
            run_service(order(tmp_path, url, progress="none", approved_by="bob"))
    (folder,) = [path for path in (tmp_path / "runs").iterdir() if path.is_dir() and not path.name.startswith(".")]
    assert json.loads((folder / "granted.json").read_text()) == {"rate_max": 100.0, "step_max": None}
    report = json.loads((folder / "precheck.json").read_text())
    assert report["refused"] is True
    assert {row["item"] for row in report["items"]} >= {"target", "limit", "approval", "kill switch", "disk", "service"}
    (line,) = read(tmp_path / "runs")
    assert (line.act, line.about["run"], line.about["items"]) == ("refused", folder.name, ["service"])
    assert (line.about["target"], line.about["approved_by"]) == (url, "bob")
    assert problems(tmp_path / "runs") == []


@pytest.mark.usefixtures("deaf")
@pytest.mark.parametrize(("rate", "names"), [("200", set()), ("199", {"3. limit rate"})])
def test_a_closed_loop_beside_counts_for_the_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate: str, names: set[str]
) -> None:
    grant(tmp_path, monkeypatch, TARGETS.replace("100/s", f"{rate}/s"))
    assert set(refused(checks.allowed(checks.load_of(order(tmp_path, URL))))) == set()
    beside = order(tmp_path, URL, "closed_loop: {users: 4}")
    assert set(refused(checks.allowed(checks.load_of(beside)))) == names


def test_each_broken_item_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers there
        port = taken.getsockname()[1]
        own = order(tmp_path, f"http://127.0.0.1:{port}/")
        target = own.plan.target
        spoilt = own.plan.model_copy(update={"target": target.model_copy(update={"headers": {"X-Key": "${NO_KEY}"}})})
        own = service_order(LoadedService(spoilt, tmp_path / "mine.yaml"), tmp_path)
        found = checks.ready(own, checks.load_of(own))
    assert list(refused(found)) == ["environment", "service"]
    with pytest.raises(EnvironmentNotReady, match=r"(?s)environment: .*: not set: NO_KEY.*service: .* takes no conn"):
        refuse(found)


def test_a_service_that_answers_no_tls_is_told_from_one_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as plain:
        url = f"https://127.0.0.1:{plain.getsockname()[1]}/"
        own = order(tmp_path, url)
        (found,) = [one for one in checks._own(own) if one.name.endswith("service")]
    assert found.says.endswith("takes connections, and does not answer as TLS begins: nothing within 0.2 s")

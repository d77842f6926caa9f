"""A plan with ports becomes parts, addresses and files: pure."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from harness import slices
from harness.stack import LINKS, plan, table
from harness.stack.external import externals, through
from harness.stack.plan import Plan
from harness.stack.table import Part
from system.settings import ControlSettings, CreditSettings, FrontSettings, PlaySettings
from tests.support.stack_layout import FOLDER, everything, laid_out, part


class Noted(dict[str, str]):
    """A process's environment that notes what was asked for."""

    def __init__(self, env: Mapping[str, str]) -> None:
        super().__init__(env)
        self.read: set[str] = set()

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
        self.read.add(name)
        return super().get(name, default)


def test_a_plan_survives_json() -> None:
    what = everything(links={"front-valkey": ("h", 1)}, externals={"valkey": "valkey://h:1"}, notes=("n",))
    assert Plan.from_json(json.loads(json.dumps(what.to_json()))) == what
    lacking = everything(missing=("prometheus",)).to_json()
    assert Plan.from_json(json.loads(json.dumps(lacking))).missing == ("prometheus",)
    del lacking["missing"]
    assert Plan.from_json(lacking).missing == (), "the plan of an older version"


def test_every_port_has_one_owner_and_no_placeholder_is_left() -> None:
    what = everything()
    names = what.port_names()
    assert len(set(names)) == len(names)
    for each in laid_out(what).parts:
        texts = (*each.argv, each.ready, *(v for k, v in each.env.items() if k != "XIU_TOPOLOGY"), each.metrics or "")
        assert not [text for text in texts if "{" in text], each.name


@pytest.mark.parametrize(
    ("name", "variable", "link"),
    [
        ("control", "XIU_VALKEY_URL", "control-valkey"),
        ("control", "XIU_POSTGRES_URL", "control-postgres"),
        ("front-0", "XIU_VALKEY_URL", "front-valkey"),
        ("front-1", "XIU_CONTROL_URL", "front-control"),
        ("credit-live", "XIU_VALKEY_URL", "credit-valkey"),
        ("credit-stress", "XIU_POSTGRES_URL", "credit-postgres"),
        ("play", "XIU_POSTGRES_URL", "play-postgres"),
    ],
)
def test_each_process_reaches_each_store_through_its_own_link(name: str, variable: str, link: str) -> None:
    layout = laid_out(everything())
    assert part(layout, name).env[variable] == layout.addresses.links[link]


@pytest.mark.parametrize("name", ["control", "front-1", "credit-live", "credit-stress-1", "play"])
def test_a_process_is_given_no_variable_that_it_does_not_read(name: str, tmp_path: Path) -> None:
    kinds = {"control": ControlSettings, "front": FrontSettings, "credit": CreditSettings, "play": PlaySettings}
    given = Noted(part(laid_out(everything(cells=2)), name).env)
    for variable in ("XIU_SECRET_FILE", "XIU_ADMIN_TOKEN_FILE"):
        (tmp_path / variable).write_text("ab" * 32)
        if variable in given:
            given[variable] = str(tmp_path / variable)
    kinds[name.partition("-")[0]].from_env(given)
    assert given.read >= given.keys()


def test_proxies_stand_before_what_they_are_named_for() -> None:
    layout = laid_out(everything())
    rows = {row["name"]: row for row in json.loads(layout.files[FOLDER.config / "toxiproxy.json"])}
    assert set(rows) == set(LINKS)
    direct = {
        "valkey": layout.addresses.valkey_url,
        "postgres": layout.addresses.postgres_url,
        "control": layout.addresses.control_url,
        "doubles": layout.addresses.places.url("doubles"),
    }
    for link, behind in LINKS.items():
        assert rows[link]["upstream"] in str(direct[behind])
        assert rows[link]["listen"] in layout.addresses.links[link]


def test_fronts_are_pinned_and_the_rest_is_niced() -> None:
    parts = {p.name: p for p in everything().parts}
    assert {name: p.core for name, p in parts.items() if p.core is not None} == {"front-0": 0, "front-1": 1}
    asked = {name for name in parts if name.startswith("front-")} | {"play", "postgres", "toxiproxy", "edge"}
    treated = {(p.nice, p.policy, p.slice_us) for name, p in parts.items() if name in asked}
    assert treated == {(0, "other", slices.SHORTEST_US)}, "a user's request passes these"
    assert {p.slice_us for name, p in parts.items() if name not in asked} == {None}
    assert {p.nice for name, p in parts.items() if name not in asked} == {table.NICE}
    assert "other" not in {p.policy for name, p in parts.items() if name not in asked}


def test_topology_names_every_front_with_its_cell() -> None:
    layout = laid_out(everything(fronts=2))
    assert json.loads(part(layout, "front-1").env["XIU_TOPOLOGY"]) == {
        "fronts": list(layout.addresses.front_urls),
        "cells": [0, 0],
    }
    assert part(layout, "front-1").env["XIU_FRONT"] == "1"
    assert len(layout.addresses.front_urls) == 2


def test_a_fronts_figures_are_on_the_loopback_interface_beside_its_taps() -> None:
    layout = laid_out(everything(fronts=2))
    at = layout.addresses
    assert len({*at.front_urls, *at.front_metrics_urls}) == 4
    for k, url in enumerate(at.front_metrics_urls):
        front = part(layout, f"front-{k}")
        where = url.removeprefix("http://")
        assert where.startswith("127.0.0.1:")
        assert (front.metrics, front.env["XIU_METRICS_LISTEN"]) == (where, where)
        assert front.ready == f"{at.front_urls[k]}/readyz", "ready is who answers where the taps come"


def test_operators_token_goes_to_those_who_check_it_alone() -> None:
    assert {p.name for p in everything().parts if "XIU_ADMIN_TOKEN_FILE" in p.env} == {"control", "play"}


def test_prometheus_scrapes_every_process_each_second_and_knows_alertmanager() -> None:
    layout = laid_out(everything())
    document = yaml.safe_load(layout.files[FOLDER.config / "prometheus.yml"])
    assert set(document["global"].values()) == {"1s"}
    static = [row for job in document["scrape_configs"] for row in job.get("static_configs", [])]
    unasked = {"valkey", "postgres", "watchdog"}  # two have exporters, and nobody speaks to a watchdog
    assert {row["labels"]["part"] for row in static} == {p.name for p in layout.parts} - unasked | {"run"}
    jobs = [job["job_name"] for job in document["scrape_configs"]]
    assert len(jobs) == len(set(jobs))
    assert {"front", "credit", "harness"} <= set(jobs)
    (manager,) = document["alerting"]["alertmanagers"]
    assert f"http://{manager['static_configs'][0]['targets'][0]}" == layout.addresses.alertmanager_url
    assert "--rules.alert.resend-delay=1s" in part(layout, "prometheus").argv


def test_the_stores_are_scraped_past_the_proxies_by_a_part_that_nothing_waits_for() -> None:
    layout = laid_out(everything())
    stores = part(layout, "stores")
    at = layout.addresses
    assert stores.env == {"XIU_VALKEY_URL": at.valkey_url, "XIU_POSTGRES_URL": at.postgres_url}
    assert "pw" not in " ".join(stores.argv), "a password stands in no command line"
    assert stores.metrics == (at.stores_metrics_url or "").removeprefix("http://")
    assert (stores.needed, stores.policy) == (False, "idle")
    assert not [each.name for each in layout.parts if "stores" in each.after]
    assert [each.name for each in layout.parts if not each.needed] == ["stores"]


@pytest.mark.parametrize(
    ("found", "environment", "there"),
    [
        pytest.param("prometheus", {}, True, id="the stack's own Prometheus"),
        pytest.param("", {"XIU_PROMETHEUS_URL": "http://p:9090"}, True, id="somebody's Prometheus"),
        pytest.param("", {}, False, id="none"),
    ],
)
def test_the_stores_exporter_is_there_where_a_prometheus_is(
    monkeypatch: pytest.MonkeyPatch, found: str, environment: dict[str, str], there: bool
) -> None:
    monkeypatch.setattr(plan.tools, "need", lambda name: Path(f"/bin/{name}"))
    monkeypatch.setattr(plan.tools, "find", lambda name: Path(f"/bin/{name}") if name == found else None)
    monkeypatch.setattr(plan.external, "need_observer", lambda name, url: None)
    what = plan.make_plan("all", 1, with_prometheus=True, environment=environment)
    assert ("stores" in {each.name for each in what.parts}) is there


def test_external_stores_are_scraped_too() -> None:
    theirs = {"valkey": "redis://h:6379/3", "postgres": "postgresql://u:p@db/x"}
    parts = tuple(each for each in everything().parts if each.name not in theirs)
    stores = part(laid_out(Plan("all", 2, parts, theirs)), "stores")
    assert stores.env == {"XIU_VALKEY_URL": theirs["valkey"], "XIU_POSTGRES_URL": theirs["postgres"]}


def test_alertmanager_waits_for_nothing() -> None:
    route = yaml.safe_load(laid_out(everything()).files[FOLDER.config / "alertmanager.yml"])["route"]
    assert route["group_wait"] == "0s"


def test_without_proxies_links_are_direct() -> None:
    layout = laid_out(Plan("stores", 0, everything().parts[:2]))
    assert layout.addresses.links["front-valkey"] == layout.addresses.valkey_url
    assert layout.addresses.control_url is None
    assert layout.files == {}


def test_stores_alone_are_planned_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan.tools, "need", lambda name: Path(f"/bin/{name}"))
    what = plan.make_plan("stores", 1, with_prometheus=True, environment={})
    assert [p.name for p in what.parts] == ["valkey", "postgres"]


def test_a_missing_prometheus_is_said_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan.tools, "need", lambda name: Path(f"/bin/{name}"))
    monkeypatch.setattr(plan.tools, "find", lambda name: None)
    what = plan.make_plan("all", 1, with_prometheus=True, environment={})
    assert any(note.startswith("prometheus is missing") for note in what.notes)
    assert what.missing == ("alertmanager", "prometheus")
    assert not {"prometheus", "alertmanager", "stores"} & {p.name for p in what.parts}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://u:p@db:5432/x?sslmode=disable", "postgresql://u:p@127.0.0.1:9/x?sslmode=disable"),
        ("valkey://h:6379/3", "valkey://127.0.0.1:9/3"),
        ("valkey://:p@h/0", "valkey://:p@127.0.0.1:9/0"),
        ("http://h:1", "http://127.0.0.1:9"),
    ],
)
def test_an_address_reached_elsewhere_keeps_the_rest(url: str, expected: str) -> None:
    assert through(url, "127.0.0.1", 9) == expected


def test_an_empty_variable_is_not_set() -> None:
    assert externals({"XIU_VALKEY_URL": "", "XIU_POSTGRES_URL": "postgresql://h/x"}) == {"postgres": "postgresql://h/x"}


def waiting(name: str = "waiting") -> Part:
    return Part(
        name,
        ("child",),
        f"http://127.0.0.1:{{{name}_port}}/readyz",
        ports=(name,),
        webhook=f"http://127.0.0.1:{{{name}_port}}/alerts",
    )


def test_alertmanager_calls_the_part_that_waits_for_alerts_and_nobody_else() -> None:
    what = everything()
    alone = yaml.safe_load(laid_out(what).files[FOLDER.config / "alertmanager.yml"])
    assert alone["receivers"] == [{"name": "api"}]
    more = laid_out(dataclasses.replace(what, parts=(*what.parts, waiting())))
    (receiver,) = yaml.safe_load(more.files[FOLDER.config / "alertmanager.yml"])["receivers"]
    (webhook,) = receiver["webhook_configs"]
    assert webhook["url"] == part(more, "waiting").webhook == f"{more.addresses.more['waiting']}/alerts"
    assert webhook["send_resolved"] is False
    assert webhook["http_config"]["authorization"]["credentials_file"] == str(FOLDER.secret / "admin")


@pytest.mark.parametrize(
    ("observed", "theirs", "starts", "note"),
    [
        pytest.param(("prometheus", "alertmanager"), {}, True, "", id="both run"),
        pytest.param(("prometheus",), {}, False, "not started", id="nobody would call it"),
        pytest.param((), {"prometheus": "http://p", "alertmanager": "http://a"}, True, "itself", id="both external"),
    ],
)
def test_a_part_that_waits_for_alerts_comes_only_where_there_are_any(
    observed: tuple[str, ...], theirs: dict[str, str], starts: bool, note: str
) -> None:
    have = [each for each in everything().parts if each.name in observed]
    quiet = Part("quiet", ("child",), "http://127.0.0.1:1/")
    parts, notes = plan.with_more(have, [], (waiting(), quiet), theirs)
    assert ("waiting" in {each.name for each in parts}) is starts
    assert parts[-1] == quiet
    assert note in "".join(notes)
    assert bool(notes) is bool(note)

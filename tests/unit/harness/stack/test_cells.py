"""Three fronts over two cells, laid out: every part, link and variable of each cell, and what a system of that size is
told. Pure.
"""

from __future__ import annotations

import json

import pytest
import yaml

from harness.errors import BadInput
from harness.stack import plan as plans
from harness.stack.external import externals, not_used
from harness.stack.places import Directory, ready_url
from system.contract import places
from system.contract.links import links_of
from tests.support.stack_layout import FOLDER, everything, laid_out, part

LAYOUT = laid_out(everything(fronts=3, cells=2))
AT = LAYOUT.addresses


def test_the_directory_has_a_row_for_every_part() -> None:
    assert {place.name for place in AT.places} == {part.name for part in LAYOUT.parts}
    assert {place.name for place in places.system(3, 2)} < {place.name for place in AT.places}
    told = [
        (place.name, place.cell, place.lane) for role in ("valkey", "front", "credit") for place in AT.places.of(role)
    ]
    assert told == [
        ("valkey", 0, None), ("valkey-1", 1, None), ("front-0", 0, None), ("front-1", 1, None), ("front-2", 0, None),
        ("credit-live", 0, "live"), ("credit-stress", 0, "stress"), ("credit-live-1", 1, "live"),
        ("credit-stress-1", 1, "stress"),
    ]  # fmt: skip
    urls = [place.url for place in AT.places if place.name != "watchdog"]
    assert None not in urls
    assert len({*urls}) == len(urls)
    assert Directory.from_json(json.loads(json.dumps(AT.places.to_json()))) == AT.places
    assert (AT.places.cells, laid_out(everything()).addresses.places.cells) == (2, 1)


def test_a_place_that_does_not_exist_is_one_sentence_with_the_nearest_name() -> None:
    with pytest.raises(BadInput, match=r"this stack has no part valkey-2; expected one of .*; did you mean valkey-1\?"):
        AT.places.place("valkey-2")
    assert AT.places.place("valkey-1").url != AT.places.place("valkey").url


@pytest.mark.parametrize(
    ("name", "variable", "link"),
    [
        ("front-0", "XIU_VALKEY_URL", "front-valkey"),
        ("front-1", "XIU_VALKEY_URL", "front-valkey-1"),
        ("front-2", "XIU_VALKEY_URL", "front-valkey"),
        ("front-1", "XIU_CONTROL_URL", "front-control-1"),
        ("credit-live", "XIU_VALKEY_URL", "credit-valkey"),
        ("credit-stress-1", "XIU_VALKEY_URL", "credit-valkey-1"),
        ("credit-live-1", "XIU_POSTGRES_URL", "credit-postgres-1"),
        ("control", "XIU_VALKEY_URL", "control-valkey"),
        ("control", "XIU_VALKEY_URL_1", "control-valkey-1"),
        ("control", "XIU_POSTGRES_URL", "control-postgres"),
    ],
)
def test_each_process_reaches_the_stores_of_its_cell_through_its_own_link(name: str, variable: str, link: str) -> None:
    assert part(LAYOUT, name).env[variable] == AT.links[link]
    told = {"XIU_CELL": str(AT.places.place(name).cell)} if name.startswith("credit") else {}
    assert {k: v for k, v in part(LAYOUT, name).env.items() if k == "XIU_CELL"} == told, "fronts know the topology"


def test_proxies_stand_before_the_store_of_their_cell() -> None:
    rows = {row["name"]: row for row in json.loads(LAYOUT.files[FOLDER.config / "toxiproxy.json"])}
    assert rows.keys() == AT.links.keys() == {link.id for link in links_of(2)}
    for link in links_of(2):
        assert rows[link.id]["upstream"] in str(AT.places.place(link.behind).url)
        assert rows[link.id]["listen"] in AT.links[link.id]


def test_the_topology_says_which_cell_a_front_is_of() -> None:
    topologies = {part.env["XIU_TOPOLOGY"] for part in LAYOUT.parts if "XIU_TOPOLOGY" in part.env}
    assert [json.loads(text) for text in topologies] == [{"fronts": list(AT.front_urls), "cells": [0, 1, 0]}]


def test_each_valkey_has_its_own_data_and_its_own_exporter() -> None:
    assert {name: part(LAYOUT, name).argv[-3] for name in ("valkey", "valkey-1")} == {
        "valkey": "/v/1/data/valkey", "valkey-1": "/v/1/data/valkey-1",
    }  # fmt: skip
    assert part(LAYOUT, "stores").env.keys() == {"XIU_VALKEY_URL", "XIU_POSTGRES_URL"}
    assert part(LAYOUT, "stores-1").env == {"XIU_VALKEY_URL": AT.places.place("valkey-1").url}


def test_prometheus_scrapes_every_cell() -> None:
    document = yaml.safe_load(LAYOUT.files[FOLDER.config / "prometheus.yml"])
    jobs = {
        job["job_name"]: {row["labels"]["part"] for row in job.get("static_configs", [])}
        for job in document["scrape_configs"]
    }
    assert jobs["front"] == {"front-0", "front-1", "front-2"}
    assert jobs["credit"] == {"credit-live", "credit-stress", "credit-live-1", "credit-stress-1"}
    assert jobs["stores"] == {"stores", "stores-1"}


def test_switches_are_read_back_from_every_cell_and_the_audit_is_told_every_store() -> None:
    assert [place.name for place in AT.places.switch_readers("credit", "live")] == ["credit-live", "credit-live-1"]
    assert [place.name for place in AT.places.switch_readers("front", "stress")] == ["front-0", "front-1", "front-2"]
    assert AT.store_variables == {
        "XIU_POSTGRES_URL": AT.postgres_url, "XIU_VALKEY_URL": AT.valkey_url,
        "XIU_VALKEY_URL_1": AT.places.place("valkey-1").url,
    }  # fmt: skip


def test_every_part_of_the_system_can_be_asked_whether_it_is_ready() -> None:
    own = {part.name: part.ready for part in LAYOUT.parts}
    for place in places.system(3, 2):
        asked = ready_url(AT.places.place(place.name)) or ""
        assert asked.startswith(("valkey://", "postgres://")) or asked == own[place.name]


def test_more_fronts_than_cores_but_one_are_not_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans.tools, "need", lambda name: name)
    monkeypatch.setattr(plans.postgres, "as_ordinary_user", lambda argv: argv)
    monkeypatch.setattr(plans.spawn, "cores", lambda: [0, 1, 2])

    def pinned(fronts: int) -> dict[str, int]:
        found = plans.make_plan("all", fronts, with_prometheus=False, environment={})
        return {part.name: part.core for part in found.parts if part.core is not None}

    assert pinned(2) == {"front-0": 0, "front-1": 1}
    assert pinned(3) == {}


@pytest.mark.parametrize(("fronts", "cells"), [(1, 0), (2, 3), (0, 1)])
def test_a_size_that_cannot_be_built_is_refused_before_anything_starts(fronts: int, cells: int) -> None:
    with pytest.raises(BadInput, match=r"fronts|cells"):
        plans.make_plan("all", fronts, cells=cells, with_prometheus=False, environment={})


def test_a_cell_may_have_somebodys_valkey() -> None:
    named = {"XIU_VALKEY_URL_1": "valkey://h:1", "XIU_VALKEY_URL_2": "valkey://h:2"}
    assert externals(named, 2) == {"valkey-1": "valkey://h:1"}
    assert not_used(named, 2) == ["XIU_VALKEY_URL_2 is not used: this stack has 2 cells"]
    with pytest.raises(BadInput, match="XIU_VALKEY_URL_1: "):
        externals({"XIU_VALKEY_URL_1": "postgresql://h/x"}, 2)
    plan = everything(fronts=2, cells=2, externals={"valkey-1": "valkey://h:1"})
    theirs = laid_out(plan).addresses.places.place("valkey-1")
    assert theirs.url == "valkey://h:1"

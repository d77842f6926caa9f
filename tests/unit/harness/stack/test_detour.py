"""The edge's links as a stack lays them out, and led through the second toxiproxy and back: Prometheus first asked."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from harness.errors import BadInput, EnvironmentNotReady
from harness.stack import detour, table, tools
from harness.stack.addresses import Addresses
from harness.stack.detour import Detour
from harness.stack.folder import Folder
from harness.stack.keeper import Keeper
from harness.stack.plan import Plan
from harness.stack.table import Part
from system.contract.places import EDGE
from tests.support.stack_layout import FOLDER, everything, laid_out, part


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Plan:
    """Everything, with the edge."""
    monkeypatch.setattr(tools, "find", lambda name: Path("/bin") / name)
    what = everything(fronts=2)
    return Plan(**{**vars(what), "parts": (*what.parts, *detour.part(what.parts))})


def test_each_end_of_the_edge_has_a_proxy_and_nobody_scrapes_what_comes_and_goes(plan: Plan) -> None:
    layout = laid_out(plan)
    rows = {row["name"]: row for row in json.loads(layout.files[FOLDER.config / f"{EDGE}.json"])}
    at = layout.addresses
    fronts = {name for name in rows if name.startswith("client-front.")}
    assert fronts == {"client-front.front-0", "client-front.front-1"}
    assert [rows[f"client-front.front-{k}"]["upstream"] for k in range(2)] == [
        url.removeprefix("http://") for url in at.front_urls
    ]
    assert rows["prometheus-targets.front-1"]["upstream"] == at.front_metrics_urls[1].removeprefix("http://")
    assert "prometheus-targets.prometheus" not in rows
    assert all(row["listen"] in at.edge[name.partition(".")[0]][name.partition(".")[2]] for name, row in rows.items())
    mine = part(layout, EDGE)
    assert (mine.on_demand, mine.metrics, set(rows) <= set(mine.ports)) == (True, None, True)
    assert at.places.place(EDGE).owned
    assert Addresses.from_json(json.loads(json.dumps(at.to_json()))) == at


def test_prometheus_s_second_configuration_differs_in_the_way_alone(plan: Plan) -> None:
    layout = laid_out(plan)
    direct, through = (yaml.safe_load(layout.files[FOLDER.config / name]) for name in (detour.DIRECT, detour.THROUGH))
    ways = layout.addresses.edge["prometheus-targets"]
    for before, after in zip(rows_of(direct), rows_of(through), strict=True):
        name, at = before["labels"]["part"], before["targets"]
        if name in ("prometheus", "run"):
            assert before == after
        else:
            # The same series: `instance` stays what it would have been.
            assert after == {
                "targets": [ways[name].removeprefix("http://")],
                "labels": {"part": name, "instance": at[0]},
            }
    assert {**direct, "scrape_configs": 0} == {**through, "scrape_configs": 0}


def rows_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for job in document["scrape_configs"] for row in job.get("static_configs", ())]


def test_without_toxiproxy_or_fronts_there_is_no_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "find", lambda name: None)
    assert detour.part(everything().parts) == []
    monkeypatch.setattr(tools, "find", lambda name: Path("/bin") / name)
    assert detour.part([Part("stores", ("x",), "alive://", metrics="127.0.0.1:1")]) == []
    (without,) = detour.part([p for p in everything().parts if p.name != "prometheus"])
    assert not [name for name in without.ports if name.startswith("prometheus-targets")]


ASLEEP = (sys.executable, "-c", "import time; time.sleep(600)")


@pytest.fixture
def made(tmp_path: Path) -> tuple[Detour, Keeper, list[str], Folder]:
    """A detour over a real keeper of a part that sleeps, a Prometheus that is told of in `calls`."""
    folder = Folder(tmp_path)
    folder.make()
    keeper = Keeper(Part(EDGE, ASLEEP, "alive://", on_demand=True), folder, {}, lambda event: None)
    calls: list[str] = []
    laid = SimpleNamespace(
        addresses=Addresses.plain(prometheus_url="http://127.0.0.1:1"),
        files={folder.config / detour.DIRECT: "direct", folder.config / detour.THROUGH: "through"},
    )
    laid.addresses.edge.update({
        "client-front": {"front-0": "http://127.0.0.1:2"}, "prometheus-targets": {"play": "http://127.0.0.1:3"}
    })  # fmt: skip
    (folder.config / detour.DIRECT).write_text("direct")
    keepers = {EDGE: keeper, "prometheus": SimpleNamespace(pid=7)}
    mine = Detour(cast(Any, laid), cast(Any, keepers), lambda: calls.append("written down"))
    mine._reload = lambda url, *, through: calls.append(f"through {through}, proxy {keeper.state}")  # type: ignore[method-assign]
    return mine, keeper, calls, folder


def test_the_proxy_stands_before_prometheus_goes_there_and_rests_once_it_does_no_more(
    made: tuple[Detour, Keeper, list[str], Folder],
) -> None:
    mine, keeper, calls, folder = made

    async def scene() -> None:
        assert (keeper.state, keeper.pid) == ("resting", None)
        await mine.lead(["prometheus-targets"])
        assert (keeper.state, mine.links) == ("ready", ("prometheus-targets",))
        assert (folder.config / detour.DIRECT).read_text() == "through"
        first = keeper.pid
        await mine.lead(["prometheus-targets"])
        assert keeper.pid == first, "what runs is not started anew"
        await mine.lead([])
        assert (keeper.state, keeper.pid, mine.links) == ("resting", None, ())
        assert (folder.config / detour.DIRECT).read_text() == "direct"
        await mine.lead(["client-front"])
        assert keeper.pid not in (None, first), "it can be asked for again"
        await mine.lead([])

    asyncio.run(scene())
    there, again, back, *rest = [call for call in calls if call != "written down"]
    assert (there, again, back) == ("through True, proxy ready", there, "through False, proxy ready")
    assert rest == [], "client→front is no business of Prometheus"


def test_a_prometheus_that_does_not_follow_keeps_the_proxy_and_is_told_as_led(
    made: tuple[Detour, Keeper, list[str], Folder],
) -> None:
    mine, keeper, _, _ = made

    def stuck(url: str, *, through: bool) -> None:
        if not through:
            raise EnvironmentNotReady("prometheus: its targets are not as configured")

    mine._reload = stuck  # type: ignore[method-assign]

    async def scene() -> None:
        await mine.lead(["prometheus-targets"])
        with pytest.raises(EnvironmentNotReady):
            await mine.lead([])
        assert (keeper.state, mine.links) == ("ready", ("prometheus-targets",))
        mine._reload = lambda url, *, through: None  # type: ignore[method-assign]
        await mine.lead([])
        assert (keeper.state, mine.links) == ("resting", ())

    asyncio.run(scene())


def test_a_link_that_is_none_of_the_edge_is_refused(made: tuple[Detour, Keeper, list[str], Folder]) -> None:
    with pytest.raises(BadInput, match="front-valkey cannot be led through a proxy here; expected client-front, prom"):
        asyncio.run(made[0].lead(["front-valkey"]))


def test_the_part_is_toxiproxy_as_the_other_one_is() -> None:
    one, other = table.toxiproxy("b", ("front-valkey",)), table.edge("b", ("client-front.front-0",))
    assert one.env == {**other.env, "GOMAXPROCS": "1"}
    assert (one.policy, one.nice, one.slice_us) == (other.policy, other.nice, other.slice_us)
    assert other.ports == (EDGE, "client-front.front-0")
    assert f"{{folder}}/config/{EDGE}.json" in other.argv

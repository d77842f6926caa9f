"""`xiu plan` with plans for one's own service: they are plans as the others are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.service.order import ServiceOrder
from plans.models.home import HOME
from tests.support.sample_run import record
from tests.support.service_plans import RICH, SMALL
from xiu.commands import _service

assert _service


@pytest.fixture
def mine() -> Path:
    file = Path("mine.yaml")
    file.write_text(SMALL)
    return file


def test_the_library_s_own_is_listed_checked_and_copied(xiu: Any) -> None:
    plans = {one["id"]: one for one in json.loads(xiu("plan", "list", "--json")[1])["plans"]}
    assert "the first plan" in plans["own-service"]["purpose"]["when"]
    assert plans["own-service"]["target"] == "http://127.0.0.1:8080/"
    Path("far").mkdir()
    assert xiu("plan", "new", "far/shop.yaml", "--from", "own-service")[0] == 0
    assert xiu("plan", "check", "far/shop.yaml")[0] == 0
    named = Path("far/shop.yaml").read_text(encoding="utf-8").splitlines()[0].partition("$schema=")[2]
    assert (Path("far") / named).resolve() == (HOME / "schemas" / "service.schema.json").resolve()


def test_a_copy_names_its_files_from_where_it_lies(xiu: Any) -> None:
    Path("users.csv").write_text("user\nann\n")
    Path("orders.jsonl").write_text('{"sku": 1}\n')
    Path("shop.yaml").write_text(RICH)
    Path("far").mkdir()
    assert xiu("plan", "new", "far/more.yaml", "--from", "./shop.yaml")[0] == 0
    assert "data: ../orders.jsonl" in Path("far/more.yaml").read_text(encoding="utf-8")


def test_every_problem_is_told(xiu: Any, mine: Path) -> None:
    mine.write_text(SMALL.replace("100/s", "100").replace("url", "ulr"))
    code, _, err = xiu("plan", "check", "./mine.yaml")
    assert code == 2
    assert "mine.yaml:4: unknown key `target.ulr`" in err
    assert "mine.yaml:5: `rate`" in err


def test_a_dry_run_shows_requests_curve_and_bands(xiu: Any, mine: Path) -> None:
    code, out, _ = xiu("plan", "run", "./mine.yaml", "--dry-run")
    assert code == 0
    assert "http://127.0.0.1:8080/hello" in out
    assert "response_p99_ms" in out
    assert "climb" not in out
    data = json.loads(xiu("plan", "show", str(mine.resolve()), "--json")[1])
    assert data["takes_s"] == 13


def test_a_dry_run_shows_what_else_is_started(xiu: Any) -> None:
    code, out, _ = xiu("plan", "run", "closed-loop", "--dry-run")
    assert code == 0
    assert "stand-in   a server of xiu's own, which stands still for 2 s after 3 s" in out
    assert "beside     a closed loop of plain Locust, 3 users" in out
    assert "looks for  coordinated omission" in out


@pytest.mark.parametrize("words", [("--scale", "1/2"), ("--on", "http://127.0.0.1:1"), ("--short",)])
def test_options_of_a_red_packet_system_are_refused(xiu: Any, mine: Path, words: tuple[str, ...]) -> None:
    code, _, err = xiu("plan", "run", str(mine.resolve()), *words)
    assert code == 2
    assert f"{words[0]} with a plan for one's own service" in err


@pytest.mark.usefixtures("no_look")
def test_the_order_is_handed_over_and_the_verdict_is_the_exit_code(
    xiu: Any, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: list[ServiceOrder] = []

    def run_service(order: ServiceOrder) -> object:
        orders.append(order)
        return record(verdict="FAIL", exit_code=99)

    monkeypatch.setattr("harness.service.conduct.run_service", run_service)
    code, out, _ = xiu("plan", "run", str(mine.resolve()), "--seed", "5", "--json", "--strict", "--approved-by", "Li")
    assert (code, json.loads(out)["verdict"]) == (99, "FAIL")
    assert (orders[0].plan.seed, orders[0].strict, orders[0].urls) == (5, True, ("http://127.0.0.1:8080/hello",))
    assert orders[0].approved_by == "Li"


@pytest.mark.usefixtures("no_look")
def test_an_approval_by_nobody_is_refused(xiu: Any, mine: Path) -> None:
    code, _, err = xiu("plan", "run", str(mine.resolve()), "--approved-by", "\n")
    assert code == 2
    assert "--approved-by '\\n' is not a name" in err


def test_a_dry_run_tells_how_a_climb_goes_on(xiu: Any, mine: Path) -> None:
    climb = "{kind: climb, shares: [50%, 100%], window: 4s, hold: 2, patience: 1}"
    mine.write_text(SMALL.replace("{kind: constant, share: 100%, duration: 5s}", climb))
    code, out, err = xiu("plan", "run", "./mine.yaml", "--dry-run")
    assert code == 0, err
    assert "drawn as if every window were green; a stair takes 2 to 3 windows" in out
    assert "of 4 s, and the next one needs 2 green in a row" in out
    assert "load       at most 38 s, 2 s of it warm-up" in out

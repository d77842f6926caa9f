"""The pre-check: whole, nothing is refused; each item broken in turn refuses the start by its number and name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

from harness.errors import EnvironmentNotReady, HarnessError
from harness.forecast.lock import LockBroken
from harness.guard.precheck import ITEMS, Checked, PrecheckItem, StartRequest, precheck, refuse, report, table
from harness.guard.precheck import alert as alert_module
from harness.guard.precheck import kill_switch as kill_module
from harness.guard.precheck import monitoring as monitoring_module
from harness.guard.precheck import shadow as shadow_module
from plans.models.targets import HoursOfDay
from system.contract.errors import SettingsError
from system.contract.found import Piece
from system.contract.parties import Party
from system.contract.switches import defaults
from tests.support.start_request import BAD, PartServer, at, control, entry, refusal

ROOT = Path(__file__).parents[4]
NOON = datetime(2016, 2, 7, 12, 0, tzinfo=UTC)
MORNING = HoursOfDay.model_validate({"from": "06:00", "until": "12:00"})
PAGE = (ROOT / "docs" / "plans.md").read_text(encoding="utf-8")


def mood(ask: StartRequest, word: str) -> str:
    return f"{ask.addresses.control_url}/{word}"


def blocked(ask: StartRequest) -> StartRequest:
    """A file stands where the register should be."""
    ask.runs.mkdir()
    ask.register.write_text("")
    return ask


def broken_lock() -> str:
    raise LockBroken("another forecast than the run began with")


def no_sum() -> str:
    raise HarnessError("the checksum ended with 5")


BROKEN: list[tuple[str, Callable[[StartRequest], StartRequest]]] = [
    ("1. lane", lambda ask: replace(ask, elsewhere=True, lane="live")),
    ("2. target", lambda ask: at(ask, front_urls=("http://192.0.2.1:80",))),
    ("2. target", lambda ask: at(ask, front_metrics_urls=("http://192.0.2.1:80",))),
    ("3. limit rate", lambda ask: replace(ask, allowed=entry(ask, rate=999.0))),
    ("3. limit duration", lambda ask: replace(ask, allowed=entry(ask, length=59.0))),
    ("3. limit step", lambda ask: replace(ask, allowed=entry(ask, step_max=499.0))),
    ("3. limit hours", lambda ask: replace(ask, now=NOON, allowed=entry(ask, hours=MORNING))),
    ("3. limit headroom", lambda ask: replace(ask, allowed=entry(ask, capacity=1000.0, live_headroom=0.001))),
    ("4. part front-1", lambda ask: at(ask, front_urls=(ask.addresses.front_urls[0], BAD))),
    ("4. part play", lambda ask: at(ask, play_url=BAD)),
    ("4. part front-0", lambda ask: at(ask, front_urls=(mood(ask, "broken"),))),
    ("4. part front", lambda ask: at(ask, front_urls=(), front_metrics_urls=())),
    ("4. part control", lambda ask: at(ask, control_url=BAD)),
    ("4. part play", lambda ask: at(ask, play_url=None)),
    ("4. part credit-stress", lambda ask: at(ask, credit_metrics_urls={"stress": BAD})),
    ("5. clock", lambda ask: control(ask, ahead_ms=60.0)),
    ("5. clock", lambda ask: control(ask, ahead_ms=-60.0)),
    ("5. clock", lambda ask: control(ask, away=True)),
    ("6. switch draw.award", lambda ask: control(ask, values=defaults() | {"draw.award": 0})),
    ("6. switch stress.accept", lambda ask: control(ask, values=defaults() | {"stress.accept": 0})),
    ("7. tag play", lambda ask: at(ask, play_url=mood(ask, "strict"))),
    ("8. forged tag front-0", lambda ask: at(ask, front_urls=(mood(ask, "lax"),))),
    ("9. shadow stores", lambda ask: replace(ask, look_at_shadow=lambda: ("only the live lane has x.y (int)",))),
    ("9. shadow log", lambda ask: at(ask, credit_metrics_urls={"stress": mood(ask, "behind")})),
    ("10. live sum", lambda ask: replace(ask, sum_live=no_sum)),
    ("11. double push", lambda ask: replace(ask, parties=(Party("push", "XIU_PUSH_URL"),))),  # type: ignore[arg-type]
    ("13. kill switch register", blocked),
    ("13. kill switch front-1", lambda ask: at(ask, front_metrics_urls=(ask.addresses.control_url, mood(ask, "mute")))),
    ("14. ceiling", lambda ask: replace(ask, ceiling_rps=899.0)),
    ("16. open files", lambda ask: replace(ask, users=1 << 40, connections=1 << 40)),
    ("17. local ports", lambda ask: replace(ask, users=125, connections=125)),
    ("18. disk", lambda ask: replace(ask, taps=1e15)),
    ("19. monitoring", lambda ask: at(ask, prometheus_url=BAD)),
    ("20. alert CreditStalled", lambda ask: at(ask, prometheus_url=ask.addresses.control_url)),
    ("21. forecast", lambda ask: replace(ask, check_lock=broken_lock)),
    ("22. approval", lambda ask: replace(ask, allowed=entry(ask, approval=True))),
    ("22. approval", lambda ask: replace(ask, allowed=entry(ask, approval=True), approved_by="Ann")),
]
OWN_TEST = {"12. stop rule", "15. left round"}
"""Broken by what stands in a plan (its own test), and never a refusal."""


def test_whole_nothing_is_refused(whole: StartRequest) -> None:
    found = precheck(whole)
    assert {one.name: one.why for one in found if one.state not in ("good", "not_evaluated")} == {}
    assert {one.item for one in found if one.state == "not_evaluated"} == {
        "stop rule", "monitoring", "alert", "approval",
    }  # fmt: skip
    refuse(found)


@pytest.mark.parametrize(("name", "hurt"), [pytest.param(i, h, id=f"{i}-{n}") for n, (i, h) in enumerate(BROKEN)])
def test_each_item_broken_refuses_by_name(
    whole: StartRequest, server: PartServer, name: str, hurt: Callable[[StartRequest], StartRequest],
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    for module in (alert_module, monitoring_module, shadow_module):
        monkeypatch.setattr(module, "DEADLINE_S", 0.2)
    if name.startswith("20."):
        server.alerts = [{"alertname": "CreditStalled", "severity": "page", "lane": "stress"}]
    if name.startswith("17."):
        (tmp_path / "ports").write_text("20000\t20060\n")
    names, text = refusal(hurt(whole))
    assert names == {name}
    broken = next(item.broken for item in ITEMS if name.startswith(f"{item.number}. {item.name}"))
    assert f"\n  {name}: {broken}: " in text


def test_each_item_is_broken_by_a_test() -> None:
    by_test = {name for name, _ in BROKEN} | OWN_TEST
    mine = {f"{item.number}. {item.name}" for item in ITEMS}
    assert {one for one in mine if not any(name == one or name.startswith(f"{one} ") for name in by_test)} == set()


def test_a_live_run_is_asked_for_nothing_of_the_stress_lane(whole: StartRequest) -> None:
    ask = control(replace(whole, lane="live", sum_live=None, look_at_shadow=None),
                  values=defaults() | {"stress.accept": 0})  # fmt: skip
    found = precheck(ask)
    refuse(found)
    assert {one.item for one in found if one.state == "not_evaluated"} >= {"tag", "forged tag", "shadow", "live sum"}


def test_before_the_burst_nothing_is_asked_that_is_the_run_s_own(whole: StartRequest) -> None:
    found = precheck(replace(whole, burst=True, sum_live=no_sum, check_lock=broken_lock, ceiling_rps=1.0))
    refuse(found)
    assert {item.name for item in ITEMS} - {one.item for one in found} == {
        "shadow", "live sum", "stop rule", "ceiling", "forecast",
    }  # fmt: skip


def test_all_that_is_broken_is_named_at_once(whole: StartRequest) -> None:
    ask = replace(control(whole, ahead_ms=60.0), taps=1e15)
    names, text = refusal(ask)
    assert names == {"5. clock", "18. disk"}
    assert text.count("\n  ") == 2


def test_the_report_has_every_finding_and_its_time(whole: StartRequest) -> None:
    found = precheck(replace(whole, taps=1e15))
    data = json.loads(json.dumps(report(found)))
    assert data["refused"] is True
    assert data["looked_at"] == sum(one.state != "not_evaluated" for one in found)
    assert [row["number"] for row in data["items"]] == [one.number for one in found]
    (disk,) = [row for row in data["items"] if row["item"] == "disk"]
    assert set(disk) == {"number", "item", "subject", "state", "says", "took_ms"}
    assert disk["state"] == "refused"
    assert 0 < data["took_ms"] < 60_000
    assert report([])["refused"] is False


def row_of(item: PrecheckItem) -> str:
    return f"| {item.number} | {item.name} | {item.looks_at} | {item.broken} |"


def test_the_page_lists_the_items_as_the_code_has_them() -> None:
    part = PAGE.split("\n## Pre-check\n")[1].split("\n## ")[0]
    rows = [line for line in part.splitlines() if line.startswith("| ") and line[2].isdigit()]
    assert rows == [row_of(item) for item in ITEMS]


def made(number: int = 1, name: str = "disk") -> PrecheckItem:
    return PrecheckItem(number, name, "the disk", "it is full", lambda ask: iter(()))


def piece(stem: str, item: object) -> Piece:
    module = ModuleType(stem)
    vars(module)["ITEM"] = item
    return Piece(Path(f"precheck/{stem}.py"), module)


@pytest.mark.parametrize(
    ("pieces", "says"),
    [
        pytest.param([piece("disk", None)], "precheck/disk.py:1: no ITEM", id="a file without an item"),
        pytest.param([piece("dusk", made())], "item 'disk'; expected 'dusk'", id="another name than its file's"),
        pytest.param(
            [piece("disk", made()), piece("dusk", made(1, "dusk"))], "number 1 stands in precheck/disk.py", id="twice"
        ),
        pytest.param([piece("round", made(1, "round"))], "round.py would hide that name", id="a name of Python's"),
        pytest.param([piece("disk", made()), piece("dusk", made(3, "dusk"))], "number 3 leaves a gap", id="a gap"),
    ],
)
def test_a_file_that_is_no_item_is_told_before_anything_starts(pieces: list[Piece], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        table(pieces)


@pytest.mark.parametrize(
    ("number", "name", "looks_at", "broken"),
    [
        pytest.param(0, "disk", "the disk", "it is full", id="no number"),
        pytest.param(1, "Disk!", "the disk", "it is full", id="no name"),
        pytest.param(1, "disk", "the disk", "it | is full", id="a sentence that breaks the table"),
        pytest.param(1, "disk", " ", "it is full", id="looks at nothing"),
    ],
)
def test_an_item_that_the_page_cannot_list_is_none(number: int, name: str, looks_at: str, broken: str) -> None:
    with pytest.raises(ValueError, match="of the pre-check: "):
        PrecheckItem(number, name, looks_at, broken, lambda ask: iter(()))


def test_an_item_that_finds_nothing_is_not_green(whole: StartRequest) -> None:
    (found,) = precheck(whole, [made()])
    assert (found.state, found.name) == ("not_evaluated", "1. disk")


def test_an_item_whose_part_fails_is_refused_with_its_first_line(whole: StartRequest) -> None:
    def look(ask: StartRequest) -> Iterator[Checked]:
        yield Checked("good", "the first half")
        raise HarnessError("control is away\nand more")

    item = PrecheckItem(1, "disk", "the disk", "it is full", look)
    found = precheck(whole, [item])
    assert [(one.state, one.says) for one in found] == [("good", "the first half"), ("refused", "control is away")]
    with pytest.raises(EnvironmentNotReady, match=r"\n  1\. disk: it is full: control is away$"):
        refuse(found)


def test_the_rehearsal_leaves_nothing_behind(whole: StartRequest) -> None:
    precheck(whole)
    assert list(whole.register.iterdir()) == []
    assert kill_module.STAND_IN[0] == "sleep"

"""A thousand playbooks cost no more than two: work is counted, not time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from chaos.playbook import engine as engines
from chaos.playbook import library, meters
from chaos.playbook.engine import Alert
from chaos.playbook.entry import LibraryEntry
from chaos.playbook.library import Library
from chaos.playbook.shelf import Shelf
from plans.models.playbook import playbook_files
from tests.support.playbook_rig import SLOW, Rig
from tests.support.playbook_world import text

MANY = 1000


def copies(entry: LibraryEntry, count: int) -> dict[str, LibraryEntry]:
    """As many playbooks of as many alerts, one of them the entry's own."""
    found = {entry.playbook.id: entry}
    for number in range(count - 1):
        trigger = entry.playbook.trigger.model_copy(update={"alert": f"Other{number}"})
        other = entry.playbook.model_copy(update={"id": f"other-{number}", "trigger": trigger})
        found[other.id] = replace(entry, playbook=other)
    return found


def series(registry: CollectorRegistry) -> int:
    return sum(line.startswith(b"drill_playbook") for line in generate_latest(registry).splitlines())


@pytest.mark.parametrize("count", [2, MANY])
def test_an_alert_looks_at_its_own_playbook_and_series_are_of_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    rig = Rig(tmp_path)
    many = copies(rig.library["slow"], count)
    looked: list[int] = []
    matched = engines.match
    monkeypatch.setattr(engines, "match", lambda *words: looked.append(1) or matched(*words))
    rig.engine.take(Library(many, {}))
    meters.PlaybookMeters(bare := CollectorRegistry())
    assert series(rig.registry) == series(bare), "as many as of no playbook"

    async def script() -> None:
        assert rig.engine.receive(SLOW).runs
        assert rig.engine.receive(Alert("Unknown", "live", 1.0, "f2@1")).not_now == {}
        assert len(looked) == 1
        await rig.until_state("held")
        rig.world.age = 0.0

    rig.play(script)
    assert rig.facts().state == "closed"
    assert series(rig.registry) < 160, "of one run"


def test_runs_that_ended_are_let_go_but_for_those_that_need_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, runs = 3, 6
    monkeypatch.setattr(meters, "ENDED", ended)
    rig = Rig(tmp_path)
    rig.engine.take(Library(copies(rig.library["slow"], runs + 1), {}))

    async def script() -> None:
        rig.world.age, rig.world.effect = 5.0, 1.0
        assert rig.engine.receive(SLOW).runs
        await rig.until_state("verify_timeout")
        rig.world.age = None
        for number in range(runs):
            assert rig.engine.receive(Alert(f"Other{number}", "live", 1.0, f"o{number}@1")).runs
            await rig.until(lambda: rig.states().count("refused") > number, "refused")  # noqa: B023 (awaited here)

    rig.play(script)
    told = generate_latest(rig.registry).decode().splitlines()
    shown = [line for line in told if line.startswith("drill_playbook_step_state{")]
    kept = {line.partition('playbook="')[2].partition('"')[0] for line in shown}
    assert kept == {"*", "slow", *(f"other-{number}" for number in range(runs - ended, runs))}
    steps = {line.partition('step="')[2].partition('"')[0] for line in shown if 'playbook="slow"' in line}
    assert steps == {"run"}
    needs = {"playbook": "slow", "lane": "live", "step": "run", "state": "verify_timeout"}
    assert rig.value("drill_playbook_step_state", **needs) == 1


def test_a_file_is_read_once_and_again_when_it_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    read_model = library.read_model
    monkeypatch.setattr(library, "read_model", lambda file, model: read.append(file.stem) or read_model(file, model))
    good = next(each for each in playbook_files() if each.stem == "credit-stalled").read_text(encoding="utf-8")
    for number in range(12):
        content = good.replace("id: credit-stalled", f"id: p{number}")
        content = content.replace("cooldown", f"matchers: ['team=\"t{number}\"'], cooldown")
        (tmp_path / f"{number}.yaml").write_text(content, encoding="utf-8")
    (tmp_path / "bad.yaml").write_text("kind: playbook\nid: [}\n", encoding="utf-8")
    shelf = Shelf(tmp_path)

    def looked() -> list[str] | None:
        read.clear()
        found = shelf.look()
        return None if found is None else sorted(read)

    assert looked() == sorted([*(str(number) for number in range(12)), "bad"])
    assert looked() is None
    five = tmp_path / "5.yaml"
    five.write_text(five.read_text(encoding="utf-8") + "# mended\n", encoding="utf-8")
    assert looked() == ["5"]
    (tmp_path / "7.yaml").unlink()
    assert looked() == []
    (tmp_path / "new.yaml").write_text(good, encoding="utf-8")
    assert looked() == ["new"], "and its quarrel with the others is found without reading them"
    found = shelf.look()
    assert found is None


def test_a_run_that_goes_on_is_seen_from_its_first_second(tmp_path: Path) -> None:
    rig = Rig(tmp_path, text())

    async def begin() -> None:
        assert rig.engine.receive(SLOW).runs
        await rig.until_state("held")
        rig.engine.let_go()

    rig.play(begin)
    rig.world.no_data = True
    other = rig.make()

    async def go_on() -> None:
        async with asyncio.TaskGroup() as group:
            other.resume(group)
            steps = {"playbook": "slow", "lane": "live", "step": "run"}
            assert rig.value("drill_playbook_step_state", **steps, state="held") == 1
            other.let_go()

    asyncio.run(go_on())


@pytest.mark.parametrize(("end", "shown"), [("verify_timeout", 1.0), ("closed", None)])
def test_what_needed_a_person_still_does_after_a_new_start(tmp_path: Path, end: str, shown: float | None) -> None:
    """The alert PlaybookNeedsPerson reads this figure; a killed engine must not end it."""
    rig = Rig(tmp_path)

    async def script() -> None:
        if end == "verify_timeout":
            rig.world.age, rig.world.effect = 5.0, 1.0
        assert rig.engine.receive(SLOW).runs
        await rig.until_state(end if end == "verify_timeout" else "held")
        rig.world.age = 0.0

    rig.play(script)
    assert rig.facts().state == end
    rig.engine = rig.make()

    async def nothing() -> None:
        pass

    rig.play(nothing)
    needs = {"playbook": "slow", "lane": "live", "step": "run", "state": end}
    assert rig.value("drill_playbook_step_state", **needs) == shown
    assert rig.value("drill_playbook_runs_total", playbook="slow", state=end) is None, "it is not counted again"

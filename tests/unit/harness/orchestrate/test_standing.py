"""A generator stands ready before its round is armed; how soon the first tap comes follows from how long that took."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pytest

from harness.control_client import ControlAway
from harness.errors import EnvironmentNotReady
from harness.orchestrate import fire
from harness.orchestrate.account import RunAccount
from harness.orchestrate.fire import FireFailed, LocustProcess
from harness.orchestrate.fire_order import FireOrder, wanted
from harness.orchestrate.phases import Stage, arm
from harness.orchestrate.prepare import LEAD_MOST_S, LEAD_S, Sizes, lead_after
from harness.runs.doors import SHUT, LocustDoors
from harness.runs.state import RunState
from tests.support.stores import wait_until

ORDER = FireOrder("run", "there", 1, {"tokens": "tokens"}, {"tokens": "1"}, "register")


def test_the_order_is_waited_for_and_found_whole(tmp_path: Path) -> None:
    file, got = tmp_path / "fire-order.json", []
    waiting = threading.Thread(target=lambda: got.append(FireOrder.awaited(file, lambda: False, 30)))
    waiting.start()
    wait_until(wanted(file).exists, 30, "it says that it waits")
    ORDER.write(file)
    waiting.join(30)
    assert got == [ORDER]
    assert [path.name for path in tmp_path.iterdir()] == ["fire-order.wanted"], "what carries tokens is gone"


def test_an_order_is_for_its_owner_alone(tmp_path: Path) -> None:
    ORDER.write(tmp_path / "fire-order.json")
    assert stat.S_IMODE((tmp_path / "fire-order.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(("given_up", "deadline_s"), [(True, 30.0), (False, 0.0)], ids=["given up", "too late"])
def test_no_order_is_waited_for_in_vain(given_up: bool, deadline_s: float, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentNotReady, match="no order came"):
        FireOrder.awaited(tmp_path / "fire-order.json", lambda: given_up, deadline_s)


@pytest.mark.parametrize(
    ("stood_s", "lead_s"), [(0.5, LEAD_S), (4.0, 8.0), (60.0, LEAD_MOST_S)], ids=["idle", "busy", "hardly alive"]
)
def test_where_locust_takes_long_the_cannon_is_given_longer(stood_s: float, lead_s: float) -> None:
    assert lead_after(stood_s) == lead_s


def test_a_generator_that_ends_before_its_order_is_told_with_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt = tmp_path / "spoilt.py"
    spoilt.write_text("import sys\nsys.exit('locustfile: no gun today')\n")
    monkeypatch.setattr(fire, "LOCUSTFILE", spoilt)
    with LocustProcess(tmp_path) as generator, pytest.raises(FireFailed, match="ended before its order: no gun today"):
        generator.stand()


@pytest.mark.parametrize(
    ("ends", "told"), [("os._exit(0)", "Locust's exit code is 0"), ("os.kill(os.getpid(), 9)", "ended by SIGKILL")]
)
def test_a_generator_that_ends_without_a_word_is_told_with_how_it_ended(ends: str, told: str, tmp_path: Path) -> None:
    spoilt = tmp_path / "spoilt.py"
    spoilt.write_text(f"import os\n{ends}\n")
    with LocustProcess(tmp_path, file=spoilt) as generator, pytest.raises(FireFailed) as failed:
        generator.stand()
    first = str(failed.value).splitlines()[0]
    assert told in first
    assert first.endswith(f"; see {tmp_path / 'locust.log'}")


def test_how_long_it_took_counts_from_its_start_however_late_it_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = tmp_path / "ready.py"
    ready.write_text(
        "import os\nfrom pathlib import Path\nPath(os.environ['XIU_FIRE_ORDER']).with_suffix('.wanted').touch()\n"
        "import sys\nsys.stdin.read()\nimport signal\nsignal.pause()\n"
    )
    monkeypatch.setattr(fire, "LOCUSTFILE", ready)
    began = time.time()
    with LocustProcess(tmp_path) as generator:
        said = wanted(tmp_path / "fire-order.json")
        wait_until(said.exists, 30, "it stands ready")
        os.utime(said, (began + 700, began + 700))
        assert generator.stand() == pytest.approx(700, abs=60)


class Standing:
    """A generator that is ready at once. `ended`: how often it was."""

    ended = 0

    def __init__(self, *_: object, **__: object) -> None:
        Standing.ended = 0

    def stand(self, given_up: object) -> float:
        return 0.0

    def end(self) -> None:
        Standing.ended += 1


def staged(state: RunState, stopped: Callable[[], None] = lambda: None) -> Stage:
    """`stopped`: called whenever somebody looks whether the run is over; it is not."""
    plan = SimpleNamespace(rounds=(SimpleNamespace(pause=0.0),) * 2, beside=())
    loaded = SimpleNamespace(plan=plan, forecast=SimpleNamespace(season=None))
    order = SimpleNamespace(
        lane="stress", seed=5, runs=Path("runs"), begun_s=0.0, loaded=loaded, season=False, doors=SHUT
    )
    run, system = SimpleNamespace(stopped=stopped), SimpleNamespace(folder=None, way=None)
    return Stage(
        cast(Any, run), cast(Any, order), cast(Any, system), cast(Any, None), state, RunAccount(),
        cast(Any, None), Sizes(1, None), Path("run"),
    )  # fmt: skip


def test_a_round_that_cannot_be_armed_leaves_no_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare(*_: object) -> None:
        raise ControlAway("control does not answer")

    monkeypatch.setattr(arm, "LocustProcess", Standing)
    monkeypatch.setattr(arm, "prepare", prepare)
    with pytest.raises(ControlAway):
        arm.Arm(staged(RunState("run", "smoke", "stress", "1", "", 5.0)))(1)
    assert Standing.ended == 1


def test_the_first_round_takes_the_generator_that_was_started_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    class Second(Standing):
        def __init__(self, folder: Path, number: int, workers: int, doors: LocustDoors) -> None:
            made.append(number)

    def prepare(*_: object) -> None:
        raise ControlAway("enough is seen")

    monkeypatch.setattr(arm, "LocustProcess", Second)
    monkeypatch.setattr(arm, "prepare", prepare)
    arms = arm.Arm(staged(RunState("run", "smoke", "stress", "1", "", 5.0)), cast(Any, Standing()))
    for number in (1, 2):
        with pytest.raises(ControlAway):
            arms(number)
    assert made == [2]


@pytest.mark.parametrize(
    ("scraped", "by_s", "waits"),
    [(False, 3600.0, True), (True, 3600.0, False), (False, LEAD_S, False), (False, None, False)],
    ids=["not yet", "read already", "will be by the first tap", "no Prometheus"],
)
def test_the_round_is_armed_once_prometheus_will_see_its_first_tap(
    scraped: bool, by_s: float | None, waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, armed = RunState("run", "smoke", "stress", "1", "", 5.0), threading.Event()
    looks: list[None] = []

    def prepare(*_: object) -> None:
        armed.set()
        raise ControlAway("enough is seen")

    monkeypatch.setattr(arm, "LocustProcess", Standing)
    monkeypatch.setattr(arm, "prepare", prepare)
    state.reads, state.scraped_by = int(scraped), None if by_s is None else time.monotonic() + by_s

    def carry_out() -> None:
        with pytest.raises(ControlAway):
            arm.Arm(staged(state, lambda: looks.append(None)))(1)

    arming = threading.Thread(target=carry_out)
    arming.start()
    if waits:
        wait_until(lambda: len(looks) > 5, 30, "it looks again and again")
        assert not armed.is_set()
        state.reads = 1
    arming.join(30)
    assert armed.is_set()


STUCK = """\
import json, os, signal, subprocess
from pathlib import Path
order = Path(os.environ["XIU_FIRE_ORDER"])
child = subprocess.Popen(["sleep", "600"])
(order.parent / "child").write_text(str(child.pid))
order.with_suffix(".wanted").touch()
SAYS
signal.pause()
"""


def stuck(folder: Path, says: str) -> LocustProcess:
    file = folder / "stuck.py"
    file.write_text(STUCK.replace("SAYS", says))
    return LocustProcess(folder, file=file)


def fired(generator: LocustProcess, folder: Path) -> fire.FireReport:
    order = replace(ORDER, folder=str(folder), t0_wall_ns=time.time_ns())
    return generator.fire(order, 60.0, lambda *_: None, lambda: None)


@pytest.mark.parametrize("says", ["", '(order.parent / "progress-0.jsonl").write_text(json.dumps({"event": "x"}))'])
def test_a_generator_that_tells_nothing_any_more_is_not_waited_for(
    says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fire, "SILENT_S", 0.3)
    with stuck(tmp_path, says) as generator:
        generator.stand()
        with pytest.raises(FireFailed, match=r"the generator has told nothing for 0\.3 s: it stands still"):
            fired(generator, tmp_path)
    child = int((tmp_path / "child").read_text())
    wait_until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie", 30, "it ends too")


def test_a_locust_that_does_not_end_costs_no_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fire, "ACCOUNTED_S", 0.1)
    monkeypatch.setattr(fire, "FORCED_S", 0.1)
    says = 'signal.signal(signal.SIGTERM, signal.SIG_IGN); (order.parent / "cannon-0.json").write_text(\'{"a": 1}\')'
    with stuck(tmp_path, says) as generator:
        generator.stand()
        assert fired(generator, tmp_path).accounts == ({"a": 1},)

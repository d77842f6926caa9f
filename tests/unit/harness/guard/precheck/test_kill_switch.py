"""Item *kill switch*: a stand-in for the generator is registered and stopped."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness.guard.kill import Killed, generators
from harness.guard.precheck import StartRequest
from harness.guard.precheck import kill_switch as module
from tests.support.start_request import at, of


def test_rehearsed_and_nothing_is_left(whole: StartRequest) -> None:
    found = of("kill switch", whole)
    assert [(one.subject, one.state) for one in found] == [
        ("generator", "good"), ("front-0", "good"), ("front-1", "good"),
    ]  # fmt: skip
    assert list(whole.register.iterdir()) == []
    assert generators(whole.register) == []


def test_a_register_that_cannot_be_written(whole: StartRequest) -> None:
    whole.runs.mkdir()
    whole.register.write_text("")
    (found,) = of("kill switch", whole)
    assert (found.subject, found.state) == ("register", "refused")
    assert found.says.startswith(f"its register cannot be written: {whole.register}: ")


def test_a_generator_that_does_not_end_at_its_signal(whole: StartRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def unheard(folders: Sequence[Path]) -> list[Killed]:
        (folders[0] / "kill").touch()
        return [Killed("kill file", 1, 0, ""), Killed("signal", 1, 0, "")]

    monkeypatch.setattr(module, "stop_generators", unheard)
    monkeypatch.setattr(module, "GENERATOR_ENDS_S", 0.3)
    found = of("kill switch", replace(whole, lane="live"))
    assert [one.state for one in found] == ["refused"]
    assert found[0].says == "a stand-in for the generator did not end within 0.3 s of its signal"


def test_a_stand_in_that_cannot_be_started_is_not_the_register_s_fault(
    whole: StartRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STAND_IN", ("no-such-program",))
    (found,) = of("kill switch", replace(whole, lane="live"))
    assert (found.subject, found.state) == ("generator", "refused")
    assert found.says == "no stand-in for the generator could be started: no-such-program: No such file or directory"


@pytest.mark.parametrize(
    ("ways", "says"),
    [
        pytest.param([Killed("signal", 0, 1, "", ("generator 7 was not told to end",))], "generator 7", id="told"),
        pytest.param([], "the kill file was not written", id="nothing was done"),
    ],
)
def test_a_button_that_does_nothing(
    whole: StartRequest, monkeypatch: pytest.MonkeyPatch, ways: list[Killed], says: str
) -> None:
    monkeypatch.setattr(module, "stop_generators", lambda folders: ways)
    (found,) = of("kill switch", replace(whole, lane="live"))
    assert found.state == "refused"
    assert says in found.says
    assert generators(whole.register) == [], f"{os.getpid()} is not taken for one"


def test_a_front_that_does_not_tell_its_switch(whole: StartRequest) -> None:
    ask = at(whole, front_metrics_urls=(whole.addresses.control_url, f"{whole.addresses.control_url}/mute"))
    (found,) = [one for one in of("kill switch", ask) if one.state == "refused"]
    assert (found.subject, found.says) == ("front-1", "front-1 does not tell stress.accept")

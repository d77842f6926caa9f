"""Item *local ports*: one port serves one connection to each front."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.guard.precheck import StartRequest, local_ports
from tests.support.start_request import of


def test_too_few_local_ports_are_named_before_anything_is_sent(whole: StartRequest) -> None:
    local_ports.PORT_RANGE.write_text("20000\t20060\n")
    assert [one.state for one in of("local ports", replace(whole, users=122))] == ["good"]
    (found,) = of("local ports", replace(whole, users=125, connections=125))
    assert (found.item, found.state) == ("local ports", "refused")
    assert found.says.startswith("61 local ports for 63 connections to a front: widen ")


def test_a_machine_that_does_not_tell_its_range(
    whole: StartRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(local_ports, "PORT_RANGE", tmp_path / "none")
    assert [one.state for one in of("local ports", whole)] == ["not_evaluated"]

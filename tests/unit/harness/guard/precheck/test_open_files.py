"""Item *open files*: the limit of this process."""

from __future__ import annotations

import resource
from dataclasses import replace

from harness.guard.precheck import StartRequest, refuse
from harness.guard.precheck.open_files import FILES_BESIDE
from tests.support.start_request import of


def test_the_limit_and_one_more(whole: StartRequest) -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = soft - FILES_BESIDE
    assert [one.state for one in of("open files", replace(whole, users=most, connections=most))] == ["good"]
    (found,) = of("open files", replace(whole, users=most + 1, connections=most + 1))
    assert (found.state, found.says.rpartition(": ")[2]) == ("refused", f"ulimit -n {soft + 1}")


def test_fewer_connections_than_users_are_said(whole: StartRequest) -> None:
    found = of("open files", replace(whole, users=100, connections=60))
    assert [(one.subject, one.state) for one in found] == [("", "good"), ("connections", "warning")]
    assert found[1].says == "the open-file limit leaves 60 connections for 100 users at once"
    refuse(found)

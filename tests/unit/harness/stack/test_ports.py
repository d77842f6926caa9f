"""What a stack needs of loopback is looked at before it starts."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from harness.errors import EnvironmentNotReady
from harness.stack import Stack, new_folder


def test_a_stack_on_a_loopback_that_is_down_is_refused_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> socket.socket:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket, "create_connection", refused)
    folder = new_folder(tmp_path / "var")
    with pytest.raises(EnvironmentNotReady, match=r"127\.0\.0\.1 carries no traffic .* ip link set lo up"):
        Stack(folder).start()
    assert not folder.exists()

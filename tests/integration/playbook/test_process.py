"""The engine as a process of its own: bad files, files mended while it runs, a port that is taken."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from chaos.playbook import part
from harness import loopback
from harness.stack.addresses import Addresses
from harness.stack.folder import Folder, secret
from plans.models.errors import PlanError
from plans.models.playbook import playbook_files
from tests.support.stores import free_port, wait_until
from xiu.commands.playbook import scope_of

DEADLINE_S = 20.0


def made(tmp_path: Path) -> Folder:
    """The folder of a stack whose other parts are all away."""
    folder = Folder(tmp_path / "stack")
    folder.make()
    secret(folder.secret / "admin")
    folder.state.write_text(json.dumps({"addresses": Addresses.plain().to_json()}), encoding="utf-8")
    return folder


@contextmanager
def engine(folder: Folder, playbooks: Path | None, port: int, *more: Path) -> Iterator[subprocess.Popen[str]]:
    """As a stack starts it: the part's own command line."""
    places = {"folder": str(folder.path), "playbook_port": str(port)}
    words = [word.format(**places) for word in part(playbooks, more).argv]
    child = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    try:
        yield child
    finally:
        child.kill()
        child.communicate(timeout=DEADLINE_S)


def told(port: int) -> dict[str, Any]:
    try:
        found: dict[str, Any] = loopback.get(f"http://127.0.0.1:{port}/v1/playbooks", 20.0).json()
    except requests.RequestException:
        return {"playbooks": [], "refused": []}
    return found


def ids(port: int) -> list[str]:
    return [one["id"] for one in told(port)["playbooks"]]


def test_a_bad_file_does_not_keep_the_engine_down_and_a_mended_one_is_taken_up(tmp_path: Path) -> None:
    playbooks, port = tmp_path / "playbooks", free_port()
    playbooks.mkdir()
    good = {file.stem: file.read_text(encoding="utf-8") for file in playbook_files()}
    bad = good["credit-stalled"].replace("owner:", "ownr:")
    line = next(number for number, row in enumerate(bad.splitlines(), 1) if row.startswith("ownr:"))
    (playbooks / "credit-stalled.yaml").write_text(bad, encoding="utf-8")
    (playbooks / "appends-slow.yaml").write_text(good["appends-slow"], encoding="utf-8")
    with engine(made(tmp_path), playbooks, port) as child:
        wait_until(lambda: ids(port) == ["appends-slow"], DEADLINE_S, "the good one")
        (problem,) = told(port)["refused"]
        assert (problem["file"], problem["line"]) == (str(playbooks / "credit-stalled.yaml"), line)
        ready = loopback.get(f"http://127.0.0.1:{port}/readyz", 20.0)
        assert ready.status_code == 200
        assert f"credit-stalled.yaml:{line}: " in ready.text
        assert "drill_playbook_files_refused 1.0" in loopback.get(f"http://127.0.0.1:{port}/metrics", 20.0).text
        (playbooks / "credit-stalled.yaml").write_text(good["credit-stalled"], encoding="utf-8")
        wait_until(lambda: len(ids(port)) == 2, DEADLINE_S, "the mended one")
        assert told(port)["refused"] == []
        assert "drill_playbook_files_refused 0.0" in loopback.get(f"http://127.0.0.1:{port}/metrics", 20.0).text
        child.send_signal(signal.SIGTERM)
        assert child.wait(DEADLINE_S) == 0


def test_a_playbook_in_a_folder_of_ones_own_is_used_beside_the_projects_and_takes_an_order(tmp_path: Path) -> None:
    own, port = tmp_path / "own", free_port()
    own.mkdir()
    text = next(file for file in playbook_files() if file.stem == "credit-stalled").read_text(encoding="utf-8")
    mine = text.replace("id: credit-stalled", "id: mine").replace("alert: CreditStalled", "alert: CreditSlow")
    (own / "mine.yaml").write_text(mine, encoding="utf-8")
    with engine(made(tmp_path), None, port, own):
        wait_until(lambda: "mine" in ids(port), DEADLINE_S, "one's own")
        assert {*ids(port)} == {"mine", *(file.stem for file in playbook_files())}
        assert scope_of("mine", f"http://127.0.0.1:{port}") == ("lane",)
        assert scope_of("credit-stalled", None) == ("lane",)
        with pytest.raises(PlanError, match="my: no such playbook"):
            scope_of("my", f"http://127.0.0.1:{port}")
        (own / "mine.yaml").unlink()
        wait_until(lambda: "mine" not in ids(port), DEADLINE_S, "gone again")


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with engine(made(tmp_path), tmp_path, port) as child:
            _, said = child.communicate(timeout=DEADLINE_S)
    assert child.returncode == 5
    assert "Traceback" not in said
    assert f"{port}" in said.splitlines()[-1]

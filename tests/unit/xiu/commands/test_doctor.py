"""What xiu doctor says of a machine before anything is started on it."""

from __future__ import annotations

import resource
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness import slices
from harness.errors import EnvironmentNotReady
from harness.stack import ordinary
from system.contract import compiled
from xiu.commands import _machine, doctor
from xiu.commands._machine import Need, machine


def looked(runs: Path = Path("runs"), environment: dict[str, str] | None = None) -> dict[str, Need]:
    return {need.name: need for need in machine(runs, environment or {})}


def missing(needs: dict[str, Need]) -> dict[str, bool]:
    """name → is it needed, of all that was not found."""
    return {name: need.needed for name, need in needs.items() if not need.found}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_looking_changes_nothing_and_every_line_that_is_missing_has_a_way_out(tmp_path: Path) -> None:
    needs = looked()
    assert all(need.remedy for need in needs.values() if not need.found)
    assert not [name for name, needed in missing(needs).items() if needed]
    assert list(tmp_path.iterdir()) == []


def test_a_user_that_postgres_does_not_take_is_said_unless_it_is_somebody_s(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_way() -> tuple[str, ...]:
        raise EnvironmentNotReady("PostgreSQL refuses root, and unshare: Operation not permitted; run as …")

    monkeypatch.setattr(ordinary, "prefix", no_way)
    need = looked()["account"]
    assert (need.needed, need.found, "Operation not permitted" in need.remedy) == (True, False, True)
    assert "account" not in looked(environment={"XIU_POSTGRES_URL": "postgresql://h/x"})


@pytest.mark.parametrize("make", ["file", "below a file", "mode 555", "proc"])
def test_a_place_for_runs_that_cannot_be_written_is_said(tmp_path: Path, make: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "closed").mkdir(mode=0o555)
    runs = {"file": "file", "below a file": "file/x", "mode 555": "closed/deep", "proc": "/proc/nope"}[make]
    assert missing(looked(Path(runs)))["runs"] is True
    assert not (tmp_path / "closed" / "deep").exists()


def test_a_folder_that_is_gone_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert {"runs", "var", "disk"} <= missing(looked()).keys()


@pytest.mark.parametrize(("span", "needed"), [("32768 32828", True), ("32768 36000", False)])
def test_few_local_ports_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, span: str, needed: bool) -> None:
    (tmp_path / "range").write_text(span.replace(" ", "\t") + "\n", encoding="ascii")
    monkeypatch.setattr(_machine, "LOCAL_PORTS", tmp_path / "range")
    assert missing(looked())["local ports"] is needed


@pytest.mark.parametrize(("free_mib", "needed"), [(100, True), (2000, False)])
def test_a_disk_without_room_is_said(monkeypatch: pytest.MonkeyPatch, free_mib: int, needed: bool) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=free_mib << 20))
    assert missing(looked())["disk"] is needed


def test_little_of_anything_else_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(*args: Any, **kwargs: Any) -> Any:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(_machine, "raise_open_files", lambda: (256, 256))
    monkeypatch.setattr(resource, "getrlimit", lambda which: (100, 100))
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=1 << 29))
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {0}, raising=False)
    monkeypatch.setattr(socket, "create_connection", refused)
    monkeypatch.setattr("tempfile.gettempdir", lambda: "/proc/nope")
    monkeypatch.setattr(slices, "shortest", lambda: None)
    monkeypatch.setattr(_machine, "speaks_every_language", lambda stream: False)
    found = missing(looked())
    found.pop("hot path", None)  # whether it is built here is no matter of this test
    assert found == {
        "open files": True,
        "loopback": True,
        "scratch": True,
        "processes": False,
        "memory": False,
        "cores": False,
        "time slices": False,
        "locale": False,
    }
    monkeypatch.setattr(doctor, "_tools", list)
    monkeypatch.setattr(doctor, "_python", list)
    assert doctor.run(SimpleNamespace(runs="runs", json=False)) == EnvironmentNotReady.exit_code  # type: ignore[arg-type]
    out = capsys.readouterr().out
    assert "MISSING loopback" in out
    assert "without locale" in out
    assert out.endswith("not ready\n")


def test_a_hot_path_that_was_chosen_to_be_plain_is_no_matter_of_the_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(compiled.VARIABLE, "0")
    compiled.build.cache_clear()
    try:
        row = looked()["hot path"]
    finally:
        compiled.build.cache_clear()
    assert (row.found, row.remedy) == (False, "unset XIU_COMPILED")

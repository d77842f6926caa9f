"""A folder that no run can be written to is refused in one sentence, before anything is started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import EnvironmentNotReady
from harness.guard.room import writable
from harness.runs.folder import new_run


def no_folder(tmp_path: Path) -> str:
    (tmp_path / "file").write_text("")
    return str(tmp_path / "file")


def closed(tmp_path: Path) -> str:
    (tmp_path / "closed").mkdir(mode=0o555)
    return str(tmp_path / "closed")


BAD = [
    pytest.param(lambda _: "/proc/nope", id="in proc"),
    pytest.param(lambda _: "/dev/null/x", id="under a device"),
    pytest.param(no_folder, id="a file"),
    pytest.param(lambda tmp: no_folder(tmp) + "/x", id="under a file"),
    pytest.param(closed, id="mode 555"),
    pytest.param(lambda _: "/dev/full/x", id="under a full device"),
]


@pytest.mark.parametrize("make", BAD)
def test_what_cannot_be_written_is_one_sentence(make, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(EnvironmentNotReady) as told:
        writable(Path(make(tmp_path)))
    assert "\n" not in str(told.value)
    assert "no run can be written there" in str(told.value)


def test_a_folder_that_is_not_there_yet_is_made(tmp_path: Path) -> None:
    writable(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


@pytest.mark.usefixtures("no_look")
@pytest.mark.parametrize(
    "words", [("plan", "run", "smoke"), ("demo",), ("drill", "run", "flush"), ("drill", "run", "kill9")]
)
def test_every_command_that_writes_runs_asks_first(words: tuple[str, ...], xiu: Any, tmp_path: Path) -> None:
    code, _, err = xiu(*words, "--runs", closed(tmp_path))
    assert code == 5, err
    assert err.count("\n") == 1
    assert "no run can be written there" in err
    assert not (tmp_path / "var").exists(), "a stack was started"


def test_a_folder_that_cannot_be_made_any_more_is_no_bug_of_ours(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentNotReady, match="cannot be made: Not a directory; nothing was sent"):
        new_run(Path(no_folder(tmp_path)), "smoke")

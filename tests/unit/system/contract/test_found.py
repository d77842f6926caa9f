"""Files that are found by being there: one that another hides is told."""

from __future__ import annotations

import gc
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from system.contract import found
from system.contract.found import Unusable, imported, line_of


def test_a_file_that_a_folder_of_its_name_hides_is_told(tmp_path: Path) -> None:
    (tmp_path / "draw.py").touch()
    (tmp_path / "draw").mkdir()
    (tmp_path / "draw" / "__init__.py").touch()
    told = rf"draw.py:1: the name draw stands in {tmp_path}/draw/__init__.py too, which hides this one"
    with pytest.raises(Unusable, match=told):
        imported("system.contract.switches.draw", [str(tmp_path)])


def test_a_file_that_ends_the_command_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "leaving.py").write_text("x = 1\nraise SystemExit(0)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(Unusable, match=r"leaving.py:2: cannot be imported: SystemExit: 0"):
        imported("leaving", [str(tmp_path)])


def test_several_threads_may_ask_for_a_line_at_once() -> None:
    """As apps that are built in threads do. Whenever the garbage collector looks, another thread has its turn."""
    file, before = Path(found.__file__), gc.get_threshold()

    def yields(*_: object) -> None:
        time.sleep(0)

    gc.callbacks.append(yields)
    gc.set_threshold(20)
    try:
        with ThreadPoolExecutor(4) as pool:
            lines = list(pool.map(line_of, [file] * 20, ["no such text"] * 20))
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(yields)
    assert lines == [1] * 20

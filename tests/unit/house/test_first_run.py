"""The first run of a checkout: its test files are compiled once, by all workers together."""

from __future__ import annotations

from pathlib import Path

from tests.support.first_run import files_of, has_none, is_compiled, share


def test_the_shares_of_all_workers_are_all_files_each_once() -> None:
    files = [Path(f"test_{number}.py") for number in range(7)]
    shares = [share(files, f"gw{number}", 3) for number in range(3)]
    assert sorted(file for one in shares for file in one) == files
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_files_are_those_of_the_folders_and_files_that_are_named(tmp_path: Path) -> None:
    for name in ("test_a.py", "deep/test_b.py", "deep/helper.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert files_of(["."], tmp_path) == [tmp_path / "deep" / "test_b.py", tmp_path / "test_a.py"]
    assert files_of(["test_a.py", "deep/test_b.py::test_one"], tmp_path) == [tmp_path / "test_a.py"]


def test_for_serial_tests_a_file_without_any_is_left_out(tmp_path: Path) -> None:
    for name, text in (("test_a.py", "pytestmark = pytest.mark.serial"), ("test_b.py", ""), ("__init__.py", "")):
        (tmp_path / name).write_text(text)
    left_out = {marks: [file.name for file in sorted(tmp_path.iterdir()) if has_none(marks, file)]
                for marks in ("serial", "not serial", "")}  # fmt: skip
    assert left_out == {"serial": ["test_b.py"], "not serial": [], "": []}


def test_what_pytest_has_compiled_is_known(tmp_path: Path) -> None:
    file = tmp_path / "test_a.py"
    assert not is_compiled(file)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "test_a.cpython-311.pyc").touch()
    assert not is_compiled(file)
    (tmp_path / "__pycache__" / "test_a.cpython-311-pytest-9.2.0.pyc").touch()
    assert is_compiled(file)

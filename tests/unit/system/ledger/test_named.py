"""Named SQL: what a file says is what is asked, and what cannot be meant is named with its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from system.contract.errors import SettingsError
from system.ledger.named import read


def test_a_file_is_read_name_by_name(tmp_path: Path) -> None:
    file = tmp_path / "a.sql"
    file.write_text("\n-- name: first\n-- Of a round.\nSELECT 1\n\n--name:second\n-- Two lines.\nSELECT 2,\n  3\n")
    found = read([file])
    assert {name: one.text for name, one in found.items()} == {
        "first": "-- Of a round.\nSELECT 1\n",
        "second": "-- Two lines.\nSELECT 2,\n  3\n",
    }
    assert found["second"].place == f"{file}:6"


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        pytest.param("-- Old.\nSELECT 1\n", 1, "SQL before any name; expected `-- name: NAME` above it", id="no name"),
        pytest.param("-- name: Get^\n-- x\nSELECT 1", 1, "the name 'Get^'; expected small letters", id="an operator"),
        pytest.param("-- name:\n-- x\nSELECT 1", 1, "the name ''; expected small letters", id="an empty name"),
        pytest.param("\n-- name: a\nSELECT 1", 2, "a has no comment; expected a line", id="no comment"),
        pytest.param("-- name: a\n-- x\n\n-- name: b\n-- y\nSELECT 1", 1, "a has no SQL; expected one", id="no SQL"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence_with_file_and_line(
    tmp_path: Path, text: str, line: int, told: str
) -> None:
    file = tmp_path / "a.sql"
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        read([file])
    assert str(caught.value).startswith(f"{file}:{line}: {told}")


def test_what_is_no_text_is_one_sentence_too(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_bytes(b"-- name: a\n-- \xff\nSELECT 1\n")
    (tmp_path / "b.sql").mkdir()
    (tmp_path / "c.sql").symlink_to(tmp_path / "nowhere")
    for name, told in (("a", "2: this is no UTF-8"), ("b", "1: it cannot be read: Is a dir"), ("c", "1: it cannot be")):
        file = tmp_path / f"{name}.sql"
        with pytest.raises(SettingsError) as caught:
            read([file])
        assert str(caught.value).startswith(f"{file}:{told}")


def test_a_name_twice_names_both_places(tmp_path: Path) -> None:
    one, other = tmp_path / "a.sql", tmp_path / "b.sql"
    one.write_text("-- name: a\n-- x\nSELECT 1\n")
    other.write_text("-- name: b\n-- x\nSELECT 1\n\n-- name: a\n-- x\nSELECT 1\n")
    with pytest.raises(SettingsError, match=rf"b\.sql:5: a stands in {one}:1 already; expected a name of its own"):
        read([one, other])

"""`xiu audit` hands the audit's own report and exit code on, and says what is wrong with its input."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from harness.stack.addresses import Addresses
from tests.support.books import SECRET, Books
from tests.support.closed_books import close_books
from tests.support.stores import ValkeyServer
from xiu.cli import main
from xiu.commands import _stacks


@pytest.fixture
def books(ledger_dsn: str, valkey_server: ValkeyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Books:
    """The stores of the test in the place of a running stack's."""
    (tmp_path / "key").write_text(SECRET.hex())
    addresses = Addresses.plain(valkey_server.url, ledger_dsn)
    stack = SimpleNamespace(addresses=addresses, folder=SimpleNamespace(secret=tmp_path))
    monkeypatch.setattr(_stacks, "chosen", lambda args: stack)
    return Books(ledger_dsn, valkey_server.url)


def test_valid_then_broken(books: Books, capfd: pytest.CaptureFixture[str]) -> None:
    close_books(books)
    assert main(["audit", "--json", "--round", "1"]) == 0
    assert json.loads(capfd.readouterr().out)["valid"] is True
    with psycopg.connect(books.postgres_url, autocommit=True) as hand:
        hand.execute("UPDATE live.posting SET fen = fen + 1 WHERE uid = 1007")
    assert main(["audit"]) == 99
    assert "BROKEN: S1, S7" in capfd.readouterr().out


def test_what_is_not_there(books: Books, capfd: pytest.CaptureFixture[str]) -> None:
    close_books(books)
    assert main(["audit", "--lane", "stress"]) == 10
    assert "UNKNOWN" in capfd.readouterr().out
    assert main(["audit", "--round", "9"]) == 2
    assert "has no round 9" in capfd.readouterr().err
    assert main(["audit", "--run", "none", "--runs", "nowhere"]) == 2

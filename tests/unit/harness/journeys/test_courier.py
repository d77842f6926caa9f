"""What a worker brings to its master arrives whole and in order, or it is known that it did not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.engine.recorder import read_history, write_history
from harness.errors import HarnessError
from harness.journeys import courier as courier_module
from harness.journeys.courier import Courier, Inbox, base_ns, shift_to
from harness.journeys.joining import Secret
from harness.orchestrate.fire_order import FireOrder
from system.contract.history import OP_DTYPE

OURS, NONCE = Secret(b"ours, and nobody else's"), "0af3"
SECOND = 1_000_000_000


def order_in(folder: Path) -> FireOrder:
    folder.mkdir()
    return FireOrder("20261126-080000-far-ab12", str(folder), 5, {"tokens": "tokens"}, {"tokens": "t"}, "reg")


def measured(order: FireOrder, worker: int) -> None:
    """An account and three requests, the last of which was never answered."""
    records = np.zeros(3, OP_DTYPE)
    records["uid"], records["worker"] = [7, 8, 9], worker
    records["intended_ns"], records["sent_ns"] = [5, 6, 7], [15, 16, 17]
    records["done_ns"] = [25, 26, 0]
    journeys: list[dict[str, object]] = [{"journey": "tap", "shot": "tap", "outcomes": ["unknown"]}]
    write_history(Path(order.folder) / "history", records, order.run_id, 1, worker, journeys)
    account = {"worker": worker, "start_ns": 5, "generator": {"valid": True}}
    order.file("cannon", worker, ".json").write_text(json.dumps(account))


def inbox(order: FireOrder, worker: int = 1) -> Inbox:
    return Inbox(order, worker, 2, OURS, NONCE)


def courier(send: Any, *, secret: Secret = OURS) -> Courier:
    return Courier(secret, NONCE, send, lambda: False)


def plain(text: bytes) -> bytes:
    return text


@pytest.mark.parametrize("shift_ns", [0, 3 * SECOND, -3 * SECOND])
def test_history_account_and_messages_arrive(shift_ns: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier_module, "PIECE_BYTES", 100)
    there, here = order_in(tmp_path / "there"), order_in(tmp_path / "here")
    measured(there, 1)
    box = inbox(here)

    def send(data: dict[str, Any]) -> None:
        bringer.confirmed = box.take(data)

    bringer = courier(send)
    bringer.bring("message", b'{"event": "counts"}\n')
    bringer.bring_files(there, 1, 2, shift_ns)
    assert not here.file("cannon", 1, ".json").exists(), "only once all is there"
    assert box.finish(bringer.sent, plain) == ""
    assert here.file("progress", 1, ".jsonl").read_bytes() == b'{"event": "counts"}\n'
    assert json.loads(here.file("cannon", 1, ".json").read_text())["start_ns"] == 5 + shift_ns
    records = read_history(Path(here.folder) / "history")
    assert records["sent_ns"].tolist() == [at + shift_ns for at in (15, 16, 17)]
    assert records["done_ns"].tolist() == [25 + shift_ns, 26 + shift_ns, 0], "never answered stays so"
    assert records["uid"].tolist() == [7, 8, 9]


def pieces(order: FireOrder) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []
    courier(sent.append).bring_files(order, 1, 2, 0)
    return sent


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        pytest.param(lambda sent: sent[1:], "piece 1 of what it measured is missing", id="first lost"),
        pytest.param(lambda sent: [sent[0], *sent[2:]], "piece 2 of what it measured is missing", id="one lost"),
        pytest.param(lambda sent: sent[:-1], "3 of 4 pieces of what it measured arrived", id="last lost"),
        pytest.param(lambda sent: [sent[0], sent[0], *sent[1:]], "piece 2 of what it measured is missing", id="twice"),
        pytest.param(
            lambda sent: [sent[0] | {"data": sent[0]["data"] + b"x"}, *sent[1:]],
            "does not carry the run's secret", id="changed",
        ),
        pytest.param(lambda sent: [{"number": "x"}, *sent], "cannot be read", id="no piece"),
        pytest.param(lambda sent: [None, *sent], "cannot be read", id="nothing"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_and_no_account_is_kept(spoil: Any, says: str, tmp_path: Path) -> None:
    there, here = order_in(tmp_path / "there"), order_in(tmp_path / "here")
    measured(there, 1)
    sent = pieces(there)
    box = inbox(here)
    for piece in spoil(sent):
        box.take(piece)
    assert says in box.finish(len(sent), plain)
    assert not here.file("cannon", 1, ".json").exists()


def test_pieces_of_a_stranger_are_not_taken(tmp_path: Path) -> None:
    box = inbox(order_in(tmp_path / "here"))
    courier(box.take, secret=Secret(b"a guess")).bring("message", b"x")
    assert box.taken == 0
    assert list((tmp_path / "here").iterdir()) == []


def test_a_courier_waits_for_a_master_that_is_slow_and_not_for_one_that_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(courier_module, "AHEAD", 2)
    sent: list[dict[str, Any]] = []
    bringer = Courier(OURS, NONCE, sent.append, lambda: len(sent) == 2)
    bringer.bring("message", b"1")
    bringer.bring("message", b"2")
    with pytest.raises(HarnessError, match="the master is lost"):
        bringer.bring("message", b"3")
    assert len(sent) == 2


def test_clocks_of_one_host_are_not_moved() -> None:
    assert shift_to(base_ns()) == 0
    assert shift_to(base_ns() - 3 * SECOND) == pytest.approx(3 * SECOND, abs=SECOND / 10)

"""Self-test of the checkers that need a history: each must pass, must fail, must be unknown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from system.audit import promises
from system.audit.books import Books
from system.audit.history import SAMPLE, HistoryError, read_history
from system.audit.judging import Judge
from system.audit.matching import match
from system.contract.audit import INVARIANTS, Finding
from system.contract.history import OP_DTYPE, Kind, Outcome
from tests.support.op_history import books, fen, in_suspense, op, write_history

SEGMENT = "seg-00-0000.bin"
WINS = {3: 1003, 5: 1005, 8: 1008}
HONEST = [op(1003, Outcome.WIN, 3), op(1005, Outcome.PENDING), op(1008, Outcome.UNKNOWN, http=0)]
REPEAT = [op(1003, Outcome.REPEAT, 3, at=20), op(1005, Outcome.REPEAT, 5, at=20), op(1009, Outcome.LOSE, at=20)]
REFUSED = [op(1010, Outcome.REFUSED, http=429, kind=Kind.TOO_FAST)]


def judged(code: str, of: Books, ops: list[np.ndarray]) -> Finding:
    judges = {name: Judge(name) for name in INVARIANTS}
    rows = np.concatenate(ops) if ops else np.zeros(0, dtype=OP_DTYPE)
    promises.of_round(judges, of, match(of), rows)
    promises.probes(judges["S11"], rows)
    return judges[code].finding()


@pytest.mark.parametrize(
    ("code", "ops", "valid", "first"),
    [
        pytest.param("S4", HONEST + REPEAT, True, "", id="S4 all acknowledged wins are posted"),
        pytest.param(
            "S4", [op(1004, Outcome.WIN, 4)], False, "award 1-4, user 1004", id="S4 an acknowledged win is missing"
        ),
        pytest.param("S4", [op(1004, Outcome.WIN, 3)], False, "award 1-3, user 1004", id="S4 it went to another user"),
        pytest.param(
            "S4", [op(1004, Outcome.REPEAT, 4)], False, "award 1-4", id="S4 a win shown again counts as acknowledged"
        ),
        pytest.param("S4", REFUSED, "unknown", "", id="S4 no win seen: nothing was proven"),
        pytest.param("S6", HONEST, True, "", id="S6 told, pending or unknown: all three may have a posting"),
        pytest.param("S6", HONEST[:2], False, "posting of award 1-8, user 1008", id="S6 a posting nobody knows of"),
        pytest.param(
            "S6", [*HONEST[:2], op(1008, Outcome.LOSE)], False, "user 1008", id="S6 told to have lost, yet posted"
        ),
        pytest.param("S9", HONEST + REFUSED, True, "", id="S9 who was refused has nothing"),
        pytest.param(
            "S9", [*HONEST[:2], op(1008, Outcome.REFUSED, http=503)], False, "user 1008", id="S9 refused, yet posted"
        ),
        pytest.param(
            "S9",
            [*HONEST[:2], op(1008, Outcome.REFUSED, http=503), op(1008, Outcome.REPEAT, 8, at=30)],
            False,
            "(503)",
            id="S9 a refused tap had won all the same",
        ),
        pytest.param(
            "S9", [*HONEST, op(1003, Outcome.REFUSED, http=429)], True, "", id="S9 refused once, won another time"
        ),
        pytest.param("S9", HONEST, "unknown", "", id="S9 nothing was refused: nothing was proven"),
        pytest.param("S10", HONEST + REPEAT, True, "", id="S10 the same again"),
        pytest.param("S10", [*HONEST, op(1003, Outcome.REPEAT, 5, at=20)], False, "told 1-3", id="S10 another award"),
        pytest.param(
            "S10", [*HONEST, op(1003, Outcome.REPEAT, 3, at=20, shown=1)], False, "of 1 fen", id="S10 another amount"
        ),
        pytest.param(
            "S10", [*HONEST, op(1003, Outcome.LOSE, at=20)], False, "later told to have lost", id="S10 lost afterwards"
        ),
        pytest.param("S10", [*HONEST, op(1003, Outcome.LOSE, at=5)], True, "", id="S10 lost before: that is the game"),
        pytest.param("S10", REFUSED, "unknown", "", id="S10 no win seen"),
        pytest.param(
            "S11", [op(1, Outcome.REFUSED, kind=Kind.FORGED, http=401)], True, "", id="S11 a forged token is refused"
        ),
        pytest.param(
            "S11",
            [op(1003, Outcome.REPEAT, 3, kind=Kind.EXPIRED)],
            False,
            "expired token of user 1003, round 1: repeat",
            id="S11 an expired token saw the win",
        ),
        pytest.param(
            "S11", [op(1, Outcome.PENDING, kind=Kind.FOREIGN, http=202)], False, "foreign", id="S11 a foreign pending"
        ),
        pytest.param("S11", HONEST, "unknown", "", id="S11 no probe was sent"),
        pytest.param("S7", HONEST, True, "", id="S7 shown is posted"),
        pytest.param(
            "S7",
            [op(1003, Outcome.WIN, 3, shown=fen(3) + 1)],
            False,
            f"{fen(3) + 1} fen shown, {fen(3)} due",
            id="S7 a fen more shown",
        ),
    ],
)
def test_checkers(code: str, ops: list[np.ndarray], valid: object, first: str) -> None:
    found = judged(code, books(WINS), ops)
    assert found.valid == valid
    assert first in found.first
    assert (found.violations > 0) is (valid is False)


def test_acknowledged_and_logged_but_not_credited_yet_is_unknown() -> None:
    found = judged("S4", books(WINS, credited=1, closed=False), [op(1003, Outcome.WIN, 3), op(1008, Outcome.WIN, 8)])
    assert (found.valid, found.counted, found.violations) == ("unknown", 2, 0)
    assert "award 1-8, user 1008" in found.first


@pytest.mark.parametrize(
    ("held_fen", "uid", "valid"),
    [
        pytest.param(fen(4), 1004, True, id="its money is held in the user's name"),
        pytest.param(0, 1004, False, id="the record lies there, without money"),
        pytest.param(fen(4), 1006, False, id="the money is held in another user's name"),
    ],
)
@pytest.mark.parametrize("closed", [True, False])
def test_an_acknowledged_win_in_suspense(held_fen: int, uid: int, closed: bool, valid: bool) -> None:
    of = in_suspense(books(WINS, closed=closed), 4, uid, held_fen)
    found = judged("S4", of, [*HONEST, op(1004, Outcome.WIN, 4)])
    assert found.valid == valid
    assert found.figure == ("held in suspense 1" if valid else "")
    assert ("award 1-4, user 1004" in found.first) is not valid


def test_a_history_without_any_posting() -> None:
    found = judged("S4", books({}), [op(1004, Outcome.WIN, 4)])
    assert (found.valid, found.residue_fen) == (False, fen(4))


def samples(*rows: tuple[int, int, int]) -> np.ndarray:
    return np.array([(number, *row) for number, row in enumerate(rows)], dtype=SAMPLE)


@pytest.mark.parametrize(
    ("rows", "valid", "residue"),
    [
        pytest.param(samples((0, 0, 9), (3, 5, 9), (9, 9, 9)), True, 0, id="credited ≤ awarded ≤ budget"),
        pytest.param(samples((3, 5, 9), (6, 5, 9)), False, 1, id="credited above awarded"),
        pytest.param(samples((3, 12, 9)), False, 3, id="awarded above the budget"),
        pytest.param(samples(), "unknown", 0, id="no sample"),
    ],
)
def test_samples(rows: np.ndarray, valid: object, residue: int) -> None:
    judge = Judge("S2")
    promises.samples(judge, rows)
    found = judge.finding()
    assert (found.valid, found.residue_fen, found.counted) == (valid, residue, len(rows))


def test_a_history_is_read_back(tmp_path: Path) -> None:
    ops = np.concatenate(HONEST)
    write_history(tmp_path, ops, [{"t_ns": 1, "credited_fen": 0, "awarded_fen": 2, "budget_fen": 3}])
    history = read_history(tmp_path)
    assert history.ops.tobytes() == ops.tobytes()
    assert history.samples.rows.tolist() == [(1, 0, 2, 3)]


def _flip(folder: Path) -> None:
    path = folder / "seg-00-0000.bin"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        pytest.param(_flip, "seg-00-0000.bin: sha256 differs", id="a byte changed"),
        pytest.param(lambda f: (f / "seg-00-0000.bin").unlink(), "though the manifest lists it", id="a segment gone"),
        pytest.param(lambda f: (f / "manifest.json").unlink(), "manifest.json", id="no manifest"),
        pytest.param(lambda f: (f / "seg-01-0000.bin").write_bytes(b""), "not in the manifest", id="a stray segment"),
        pytest.param(lambda f: (f / "samples.jsonl").write_text("{}\n"), "samples.jsonl:1", id="half a line"),
    ],
)
def test_a_damaged_history_is_refused(tmp_path: Path, harm, says: str) -> None:  # type: ignore[no-untyped-def]
    write_history(tmp_path, np.concatenate(HONEST), [])
    harm(tmp_path)
    with pytest.raises(HistoryError, match=says):
        read_history(tmp_path)

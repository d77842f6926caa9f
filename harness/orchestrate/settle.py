"""After the last tap: every user with *pending* or no answer asks again until the answer is definite. Each question is
recorded too.

Asked after the end of the round, a tap cannot win anything new: it shows a win again, or says that the round is over.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import requests

from harness import loopback
from harness.control_client import ControlClient
from harness.engine.recorder import Records, segments, write_history
from harness.orchestrate.closing import insist
from harness.orchestrate.prepare import owner
from system.contract.history import FLAG_EFFECT_NONE, FLAG_REPEAT, NO_PACKET, OP_DTYPE, Kind, Outcome, Phase
from system.contract.ids import TAG_HEADER, Lane, parse_award_id
from system.contract.routing import Topology, tap_path

SETTLE_WORKER = 255
TIMEOUT_S = 3.0
AGAIN_S = 0.1
OPEN, SEEN = (Outcome.PENDING, Outcome.UNKNOWN), (Outcome.WIN, Outcome.REPEAT)


def open_users(folder: Path, round_id: int) -> list[int]:
    """Users with a pending or unknown answer in the round and no win seen afterwards, ascending."""
    open_, seen = set[int](), set[int]()
    for _, records in segments(folder):
        mine = (records["round"] == round_id) & np.isin(records["kind"], (Kind.TAP, Kind.TOO_FAST, Kind.SETTLE))
        for users, outcomes in ((open_, OPEN), (seen, SEEN)):
            users.update(records["uid"][mine & np.isin(records["outcome"], outcomes)].tolist())
    return sorted(open_ - seen)


def settle(
    control: ControlClient,
    topology: Topology,
    lane: Lane,
    round_id: int,
    run_id: str,
    seed: int,
    history: Path,
    deadline_s: float,
    number: int = 1,
) -> list[int]:
    """Asks until every open user has a definite answer or the deadline is over; returns who is still open.

    Adds one segment of SETTLE records to the history, of its own for each round (`number`, from 1 on).
    """
    users = open_users(history, round_id)
    if not users:
        return []
    until = time.monotonic() + deadline_s
    # A control that is away for a moment must not leave users without an answer.
    tokens = dict(zip(users, insist(lambda: _tokens(control, lane, users), until), strict=True))
    headers = {TAG_HEADER: insist(lambda: control.tag(run_id), until)} if lane == "stress" else {}
    rows: list[np.void] = []
    waiting = users
    with loopback.session(TIMEOUT_S) as session:
        while waiting and time.monotonic() < until:
            again: list[int] = []
            for uid in waiting:
                url = owner(uid, topology) + tap_path(round_id)
                row = _ask(session, url, {"Authorization": f"Bearer {tokens[uid]}", **headers}, uid, round_id)
                rows.append(row)
                if row["outcome"] in (Outcome.PENDING, Outcome.UNKNOWN):
                    again.append(uid)
            waiting = again
            if waiting:
                time.sleep(AGAIN_S)
    records: Records = np.array(rows, OP_DTYPE)
    write_history(history, records, run_id, seed, SETTLE_WORKER - (number - 1))
    return waiting


def _tokens(control: ControlClient, lane: Lane, users: Sequence[int]) -> list[str]:
    """Tokens of ascending users, few of whom lie apart: fetched in runs of neighbours."""
    found: dict[int, str] = {}
    first = users[0]
    for here, following in zip(users, [*users[1:], 1 << 62], strict=True):
        if following - here > 1000:
            block = control.tokens(lane, first, here - first + 1)
            found.update((first + place, token) for place, token in enumerate(block))
            first = following
    return [found[uid] for uid in users]


def _ask(session: loopback.LoopbackSession, url: str, headers: dict[str, str], uid: int, round_id: int) -> np.void:
    row: np.void = np.zeros(1, OP_DTYPE)[0]
    row["uid"], row["round"], row["packet"] = uid, round_id, NO_PACKET
    row["kind"], row["phase"], row["worker"] = Kind.SETTLE, Phase.DRAIN, SETTLE_WORKER
    row["intended_ns"] = row["reached_ns"] = row["sent_ns"] = time.monotonic_ns()
    try:
        answer = session.post(url, headers=headers)
        body = answer.json()
    except (requests.RequestException, ValueError):
        row["outcome"] = Outcome.UNKNOWN
        return row
    row["done_ns"], row["http"] = time.monotonic_ns(), answer.status_code
    row["outcome"] = Outcome.UNKNOWN
    if answer.status_code == 200 and body.get("won"):
        row["outcome"] = Outcome.REPEAT if body.get("repeat") else Outcome.WIN
        row["flags"] = FLAG_REPEAT if body.get("repeat") else 0
        row["packet"], row["fen"] = parse_award_id(body["award"])[1], body["fen"]
    elif answer.status_code == 200:
        row["outcome"] = Outcome.LOSE
    elif answer.status_code == 202:
        row["outcome"] = Outcome.PENDING
    elif body.get("error", {}).get("effect") == "none":
        row["outcome"], row["flags"] = Outcome.REFUSED, FLAG_EFFECT_NONE
    return row

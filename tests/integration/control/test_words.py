"""`xiu switch`, `xiu token`, `xiu round` against a real control and ledger; the stack around them is a stand-in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from harness.control_client import ControlError
from harness.errors import BadInput, EnvironmentNotReady
from plans.models import PlanError
from system.tokens import tag_expiry, tag_key, token_key, verify_token
from tests.support.control import SECRET, SPONSORS
from tests.support.control_process import Process, process_of
from tests.support.stores import ValkeyServer, wait_until
from xiu.cli import dispatch
from xiu.commands import _stacks


@pytest.fixture
def control(
    tmp_path: Any, postgres_dsn: str, fresh_valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Process]:
    with process_of(tmp_path / "control", postgres_dsn, fresh_valkey.url) as process:
        process.start()
        process.ready()
        url = f"http://127.0.0.1:{process.port}"
        addresses = SimpleNamespace(control_url=url, play_url=None, postgres_url=postgres_dsn)
        admin = (process.folder / "admin").read_text().strip()
        stack = SimpleNamespace(addresses=addresses, admin_token=admin, folder=SimpleNamespace(secret=process.folder))
        monkeypatch.setattr(_stacks, "need", lambda args: stack)
        monkeypatch.setattr(_stacks, "chosen", lambda args: stack)
        yield process


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = dispatch(list(words))
    return code, capsys.readouterr().out


def test_switches(control: Process, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "switch", "history") == (0, "no switch was ever set\n")
    assert said(capsys, "switch", "set", "draw.shed_percent", "20", "--why", "drill") == (
        0,
        "draw.shed_percent: 0 → 20\n",
    )
    code, text = said(capsys, "switch", "list", "--json")
    assert code == 0
    assert {"id": "draw.shed_percent", "value": 20} in json.loads(text)["switches"]
    _, text = said(capsys, "switch", "list")
    assert "* draw.shed_percent" in text
    for words in ("percent  0 to 100", "bool     0 to 1", "count    1 to 1000000 records", "one for both lanes"):
        assert words in text, "its type, its range, its scope"
    assert "  credit.pause" in text
    _, text = said(capsys, "switch", "history")
    assert "draw.shed_percent: 0 → 20" in text
    assert text.rstrip().endswith("drill")
    assert said(capsys, "switch", "set", "draw.shed_percent", "30", "--lane", "stress") == (
        0,
        "draw.shed_percent: 20 → 30 (lane stress)\n",
    )
    _, text = said(capsys, "switch", "list")
    rows = [line.split() for line in text.splitlines() if "draw.shed_percent" in line]
    assert [(row[2], row[-1]) for row in rows] == [("20", "live"), ("30", "stress")]
    code, text = said(capsys, "switch", "list", "--json")
    assert {"id": "draw.shed_percent", "value": 20} in json.loads(text)["switches"]
    assert json.loads(text)["lanes"]["stress"]["draw.shed_percent"] == 30
    declared = json.loads(text)["declared"]["stress.accept"]
    assert (declared["type"], declared["from"], declared["to"], declared["scope"]) == ("bool", 0, 1, [])
    _, text = said(capsys, "switch", "set", "draw.shed_percent", "0")
    assert text.splitlines() == ["draw.shed_percent: 20 → 0 (lane live)", "draw.shed_percent: 30 → 0 (lane stress)"]
    assert "20 → 30 (lane stress)" in said(capsys, "switch", "history")[1]
    with pytest.raises(BadInput, match=r"stress\.accept has no lane"):
        dispatch(["switch", "set", "stress.accept", "0", "--lane", "live"])
    with pytest.raises(BadInput, match=r"did you mean draw\.shed_percent"):
        dispatch(["switch", "set", "draw.shed_percen", "1"])
    with pytest.raises(BadInput, match="from 0 to 100 percent"):
        dispatch(["switch", "set", "draw.shed_percent", "101"])


def test_token(control: Process, capsys: pytest.CaptureFixture[str]) -> None:
    _, text = said(capsys, "token", "7")
    assert verify_token(token_key(SECRET, "live"), text.strip().encode(), 0) == 7
    _, text = said(capsys, "token", "7", "--lane", "stress", "--json")
    answer = json.loads(text)
    assert verify_token(token_key(SECRET, "stress"), answer["token"].encode(), 0) == 7
    assert tag_expiry(tag_key(SECRET), answer["tag"].encode()) > 0
    _, text = said(capsys, "token", "7", "--lane", "stress")
    assert "\nX-Xiu-Tag: by-hand." in text
    with pytest.raises(BadInput):
        dispatch(["token", "-1"])


def test_rounds(
    control: Process, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, postgres_dsn: str
) -> None:
    assert said(capsys, "round", "list") == (0, "no round\n")
    order = {"sponsors": SPONSORS, "starts_in_ms": 0, "duration_ms": 20}
    number = control.call("POST", "/v1/rounds", order)[1]["round"]
    code, text = said(capsys, "round", "list", "--json")
    assert (code, json.loads(text)["rounds"][0]["id"]) == (0, number)
    wait_until(lambda: "over" in said(capsys, "round", "list", "--lane", "live")[1], 60, "over")
    assert said(capsys, "round", "list", "--lane", "stress") == (0, "no round\n")
    with pytest.raises(BadInput, match="revealed when it is closed"):
        dispatch(["round", "verify", str(number)])
    with pytest.raises(ControlError, match="credit is not stopped") as refused:
        dispatch(["round", "set-aside", str(number), "1-1"])
    assert refused.value.exit_code == 2
    with pytest.raises(BadInput, match="epoch-sequence"):
        dispatch(["round", "set-aside", str(number), "17"])
    close(control, number)
    code, text = said(capsys, "round", "verify", str(number))
    assert code == 0
    assert "0 violations" in text
    # Nothing runs: the last run's stores alone.
    stores = _stacks.chosen(SimpleNamespace())  # type: ignore[arg-type]

    @contextmanager
    def last(var: Any, **_: object) -> Iterator[Any]:
        yield stores

    monkeypatch.setattr(_stacks, "last_stores", last)
    monkeypatch.setattr(_stacks, "chosen", lambda args: None)
    code, text = said(capsys, "round", "verify", str(number), "--json")
    assert (code, json.loads(text)["valid"]) == (0, True)
    with psycopg.connect(postgres_dsn) as conn:
        conn.execute("INSERT INTO live.posting VALUES (1, %s, 0, 77, 7, 0, 0, 1)", (number,))
    code, text = said(capsys, "round", "verify", str(number))
    assert code == 99
    assert "77 fen of sponsor 7; expected" in text
    with pytest.raises(BadInput, match="no round 99"):
        dispatch(["round", "verify", "99", "--json"])


def test_a_programme_is_loaded_and_shown(control: Process, capsys: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    assert said(capsys, "round", "programme") == (0, "no programme is loaded\n")
    words = ("round", "programme", "evening", "--load", "--starts-in", "1h", "--pace", "60")
    code, text = said(capsys, *words)
    assert (code, text.splitlines()[0]) == (0, "programme evening, lane live")
    rows = [line.split() for line in text.splitlines()[2:]]
    assert [(row[1], row[2]) for row in rows][:2] == [("hour-20", "announced"), ("cue-2036", "announced")]
    assert len(rows) == 8
    code, text = said(capsys, "round", "programme", "--json")
    (held,) = json.loads(text)["programmes"]
    assert (held["id"], held["rounds"][1]["packets"], held["rounds"][1]["seed"]) == ("evening", 6_000, None)
    assert sum(one["budget_fen"] for one in held["rounds"]) == 61_500_00
    assert said(capsys, "round", "programme", "--lane", "stress") == (0, "no programme is loaded\n")
    with pytest.raises(ControlError, match="give another name"):
        dispatch([*words, "--scale", "1/20_000"])
    assert "programme again" in said(capsys, *words, "--as", "again")[1]
    for wrong, says in (
        (("--load",), "no programme named"),
        (("evening", "--starts-in", "soon"), "--starts-in: 'soon'"),
        (("evening", "--date", "tomorrow"), "--date tomorrow"),
        (("evening", "--date", "2016-02-07", "--starts-in", "1s"), "one of them"),
        (("evening", "--pace", "0"), "--pace 0"),
        (("evening", "--season", "0"), "--season 0"),
        (("evening", "--load", "--starts-in", "1h", "--as", "five", "--season", "3"), "no season 3 in lane live"),
        (("evening", "--scale", "1/900_000"), "expected a larger scale"),
        (("evening", "--load", "--as", "past", "--date", "2016-02-07"), "before now"),
    ):
        with pytest.raises((BadInput, ControlError), match=says):
            dispatch(["round", "programme", *wrong])
    broken = tmp_path / "mine.yaml"
    broken.write_text("kind: programme\nid: mine\nrounds: 3\n")
    with pytest.raises(PlanError, match=r"mine\.yaml:3: `rounds`"):
        dispatch(["round", "programme", str(broken)])


def test_a_round_is_closed_by_hand_before_its_end(control: Process, capsys: pytest.CaptureFixture[str]) -> None:
    order = {"sponsors": SPONSORS, "starts_in_ms": 0, "duration_ms": 600_000}
    number = control.call("POST", "/v1/rounds", order)[1]["round"]
    with pytest.raises(EnvironmentNotReady, match=r"is closing, and goes on by itself; it waits for "):
        dispatch(["round", "close", str(number), "--wait", "1s"])

    def looked() -> bool:  # what the close waits for is known once control has tried it
        return any("never" in item for item in control.call("GET", f"/v1/rounds/{number}/money")[1]["waiting_for"])

    wait_until(looked, 60, "control has tried the close")
    with pytest.raises(EnvironmentNotReady, match=r"is closing, and goes on by itself; it waits for front 0: never"):
        dispatch(["round", "close", str(number), "--wait", "50ms"])
    assert "closing" in said(capsys, "round", "list")[1]
    confirmed(control, number)
    code, text = said(capsys, "round", "close", str(number))
    assert (code, text) == (0, f"round {number}: closed; 0 wins paid, 80.36 yuan went back\n")
    code, text = said(capsys, "round", "close", str(number), "--json")
    assert (code, json.loads(text)["state"], json.loads(text)["refunded_fen"]) == (0, "closed", 8_036)
    with pytest.raises(ControlError, match="no round 99") as refused:
        dispatch(["round", "close", "99"])
    assert refused.value.exit_code == 2


def test_control_away_is_said(control: Process) -> None:
    control.stop()
    with pytest.raises(EnvironmentNotReady, match="does not answer"):
        dispatch(["switch", "list"])


def close(control: Process, number: int) -> None:
    assert control.call("POST", f"/v1/rounds/{number}/close")[0] == 200
    confirmed(control, number)
    wait_until(lambda: control.call("GET", f"/v1/rounds/{number}")[1]["state"] == "closed", 60, "closed")


def confirmed(control: Process, number: int) -> None:
    instance = control.call("POST", "/v1/fronts/0/register")[1]["instance"]
    epoch = control.call("POST", f"/v1/fronts/0/rounds/{number}/epoch", {"instance": instance})[1]["epoch"]
    word = {"instance": instance, "epoch": epoch, "sequence": 0}
    assert control.call("POST", f"/v1/fronts/0/rounds/{number}/confirm", word)[0] == 200

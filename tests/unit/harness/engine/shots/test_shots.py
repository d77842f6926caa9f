"""The kinds of request: found by their names, each a file, also of another folder; and the wallet's own words."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from harness.engine import shots
from harness.engine.answers import EFFECT_NONE_BIT, STATUS_MASK, outcomes_of
from harness.engine.shot import Aim
from harness.engine.shots.spend import SHOT as SPEND
from harness.engine.shots.wallet import SHOT as WALLET
from harness.errors import BadInput
from system.contract.history import Outcome
from system.play.wallet.models import Spending

OWN = """
from harness.engine.answers import ParsedAnswer, code_of

class Clock:
    name, at, method, route = "clock", "play", "GET", "/v1/clock"
    outcomes, good = ("unknown", "told"), frozenset(["told"])

    def requests(self, aim, tokens):
        return [b"GET /v1/clock HTTP/1.1\\r\\nHost: " + aim.host.encode() + b"\\r\\n\\r\\n" for _ in tokens]

    def understand(self, status, body):
        return ParsedAnswer(code_of(1 if status == 200 else 0, status))

SHOT = Clock()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own that XIU_SHOTS names."""
    monkeypatch.setenv(shots.VARIABLE, str(tmp_path))
    return tmp_path


def test_every_file_is_a_shot_by_its_name() -> None:
    assert {"spend", "tap", "wallet"} <= shots.files().keys()
    assert all(shots.find(name).name == name for name in shots.files())
    assert shots.find(shots.TAP).outcomes == tuple(outcome.name.lower() for outcome in Outcome)


def test_a_shot_of_another_folder_touches_no_file_of_this_one(folder: Path) -> None:
    (folder / "clock.py").write_text(OWN)
    clock = shots.find("clock")
    assert clock.requests(Aim("h:1", 7, None), [b"a", b"b"]) == [b"GET /v1/clock HTTP/1.1\r\nHost: h:1\r\n\r\n"] * 2
    assert shots.exported() == {shots.VARIABLE: str(folder)}


def test_the_shot_that_the_page_shows_is_one(folder: Path) -> None:
    """docs/measuring.md says: as `clock.py`, a row of a plan's traffic; whoever copies it must get a shot."""
    page = (Path(__file__).parents[5] / "docs" / "measuring.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (folder / "clock.py").write_text(shown)
    clock = shots.find("clock")
    (one, _) = clock.requests(Aim("h:1", 7, None), [b"a", b"b"])
    assert one == b"GET /healthz HTTP/1.1\r\nHost: h:1\r\n\r\n"
    codes = np.array([clock.understand(status, b"").code for status in (200, 503)], dtype=np.uint32)
    assert [clock.outcomes[number] for number in outcomes_of(codes)] == ["up", "unknown"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        pytest.param("bell", OWN, "bell.py:1: a shot named 'clock'; expected 'bell'", id="another name"),
        pytest.param("clock", "x = (", "clock.py:1: no shot: ", id="no Python"),
        pytest.param("clock", "\n\nx = 1 +\n", "clock.py:3: no shot: ", id="no Python, further down"),
        pytest.param("clock", "", "clock.py:1: no shot: .*SHOT", id="nothing in it"),
        pytest.param("clock", OWN.replace('("unknown", "told")', '("told",)'), "outcomes", id="never unknown"),
        pytest.param("clock", OWN.replace('"told")', '"told", "told")'), "outcomes", id="an outcome twice"),
        pytest.param("clock", OWN.replace('(["told"])', '(["unknown"])'), r"good \['unknown'\]", id="unknown is good"),
        pytest.param("clock", OWN.replace('"play"', '"moon"'), "at 'moon'; expected fronts or play", id="nobody there"),
        pytest.param("clock", OWN.replace("requests", "x"), "clock.py:1: no shot: .*requests", id="no requests"),
        pytest.param("clock", OWN.replace('"/v1/clock"', "7", 1), "route 7; expected two texts", id="no route"),
        pytest.param("clock", OWN.replace("Clock()", "Clock"), "SHOT is the class Clock; expected an", id="a class"),
        pytest.param("tap", OWN, "tap.py:1: a shot named 'tap' stands in .*; expected another name", id="twice"),
    ],
)
def test_what_is_no_shot_is_refused_with_file_and_line(folder: Path, name: str, text: str, words: str) -> None:
    (folder / f"{name}.py").write_text(text)
    with pytest.raises(BadInput, match=words):
        shots.find(name)


def test_what_is_no_shot_is_refused_when_it_is_found(folder: Path) -> None:
    (folder / "clock.py").write_text(OWN)
    assert shots.find("wallet").name == "wallet"
    (folder / "bell.py").write_text(OWN)
    with pytest.raises(BadInput, match=r"bell\.py:1: a shot named 'clock'; expected 'bell'"):
        shots.find("wallet")


def test_a_name_nobody_has_and_a_folder_that_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        BadInput,
        match="no shot 'walet'; expected one of again, claim, combine, credits, friend, friends, gift, payout, public, "
        "redeem, share, spend, sponsor, tap, wallet; did you mean wallet",
    ):
        shots.find("walet")
    monkeypatch.setenv(shots.VARIABLE, str(folder / "none"))
    with pytest.raises(BadInput, match="none is no folder"):
        shots.files()


def test_the_request_of_a_wallet_carries_the_users_own_token() -> None:
    made = WALLET.requests(Aim("127.0.0.1:7003", 7, "run.9.aa"), [b"1003.9.ff"])
    assert made == [
        b"GET /v1/wallet HTTP/1.1\r\nHost: 127.0.0.1:7003\r\nAuthorization: Bearer 1003.9.ff\r\n"
        b"X-Xiu-Tag: run.9.aa\r\n\r\n"
    ]
    assert b"X-Xiu-Tag" not in WALLET.requests(Aim("h:1", 7, None), [b"1.9.ff"])[0]


NONE = b'{"error":{"code":"x","message":"x","effect":"none"}}'


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        pytest.param(200, b'{"uid":1,"balance_fen":188,"credits":1}', "funded", id="money"),
        pytest.param(200, b'{"uid":1,"balance_fen":0,"credits":0}', "empty", id="none"),
        pytest.param(200, b'{"uid":1}', "unknown", id="no balance"),
        pytest.param(200, b'{"balance_fen":true}', "unknown", id="no number"),
        pytest.param(200, b'{"balance_fen":-1}', "unknown", id="below nothing"),
        pytest.param(200, b"[]", "unknown", id="no object"),
        pytest.param(401, NONE, "refused", id="a bad token"),
        pytest.param(503, NONE, "refused", id="the ledger is away"),
        pytest.param(500, b"", "unknown", id="a crash"),
        pytest.param(302, b"", "unknown", id="a status nobody promised"),
    ],
)
def test_the_meaning_of_a_wallets_answer(status: int, body: bytes, outcome: str) -> None:
    answer = WALLET.understand(status, body)
    assert WALLET.outcomes[(answer.code >> 10 & 0xFF) - 1] == outcome
    assert answer.code & STATUS_MASK == status
    assert bool(answer.code & EFFECT_NONE_BIT) is (body == NONE)
    assert not answer.plain, "a balance is not recognised by lookup: it changes"


def test_a_spending_is_one_order_of_its_run_and_a_body_that_play_reads() -> None:
    (made,) = SPEND.requests(Aim("h:1", 7, "run-9.1700000000." + "a" * 80), [b"1003.9.ff"])
    head, _, body = made.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/wallet/spend HTTP/1.1\r\nHost: h:1\r\nAuthorization: Bearer 1003.9.ff\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    order = Spending.model_validate_json(body)
    assert (order.key[:19], len(order.key), order.fen) == ("7-run-9-1700000000-", 64, 1)
    (live,) = SPEND.requests(Aim("h:1", 7, None), [b"1.9.ff"])
    assert b"X-Xiu-Tag" not in live
    assert b'"key":"7-live"' in live


def refusal(code: str) -> bytes:
    return b'{"error":{"code":"%s","message":"x","effect":"none"}}' % code.encode()


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        pytest.param(200, b'{"key":"k","state":"done","transfer":7,"again":false}', "spent", id="a fen left"),
        pytest.param(200, b'{"key":"k","state":"done","transfer":7,"again":true}', "again", id="it had left before"),
        pytest.param(202, b'{"key":"k","state":"pending"}', "pending", id="its COMMIT is on its way"),
        pytest.param(409, refusal("insufficient"), "empty", id="nothing there"),
        pytest.param(403, refusal("no_real_name"), "unnamed", id="no real name"),
        pytest.param(409, refusal("key_reused"), "refused", id="another order's key"),
        pytest.param(503, refusal("degraded"), "refused", id="the ledger is away"),
        pytest.param(200, b'{"state":"done"}', "unknown", id="no transfer"),
        pytest.param(202, b"{}", "unknown", id="no state"),
        pytest.param(500, b"", "unknown", id="a crash"),
    ],
)
def test_the_meaning_of_a_spendings_answer(status: int, body: bytes, outcome: str) -> None:
    answer = SPEND.understand(status, body)
    assert SPEND.outcomes[(answer.code >> 10 & 0xFF) - 1] == outcome
    assert answer.code & STATUS_MASK == status
    assert not answer.plain

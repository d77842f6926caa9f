"""Shots of the plays beside the draw: bodies that play reads, one order a user and run, and what an answer means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from harness.engine import shots
from harness.engine.answers import EFFECT_NONE_BIT, STATUS_MASK
from harness.engine.orders import KEY_CHARS_MAX, key_of, neighbours, uid_of
from harness.engine.shot import Aim, People
from harness.engine.shots.claim import NOBODYS, VARIABLE
from system.contract.ids import TAG_HEADER
from system.play.cards.models import Combining, Gift
from system.play.fission.models import ClaimOrder
from system.play.payouts.models import PayoutOrder
from system.play.plays import routes
from system.play.ties.models import FriendRequest

AIM = Aim("h:1", 7, "run-9.1700000000." + "a" * 80, season=3)
TOKENS = [b"101.9.ff", b"102.9.ff", b"103.9.ff"]
BODIES: dict[str, type[BaseModel]] = {
    "friend": FriendRequest,
    "claim": ClaimOrder,
    "gift": Gift,
    "combine": Combining,
    "payout": PayoutOrder,
}


def read(name: str, aim: Aim = AIM) -> list[dict[str, Any]]:
    """The bodies of a shot's requests, as play reads them."""
    found: list[dict[str, Any]] = []
    for token, request in zip(TOKENS, shots.find(name).requests(aim, TOKENS), strict=True):
        head, _, body = request.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        assert lines[0] == f"POST {shots.find(name).route} HTTP/1.1"
        assert f"Authorization: Bearer {token.decode()}" in lines
        assert f"Content-Length: {len(body)}" in lines
        assert (f"{TAG_HEADER}: {aim.tag}" in lines) is (aim.tag is not None)
        found.append(BODIES[name].model_validate_json(body).model_dump())
    return found


@pytest.mark.parametrize("name", BODIES)
def test_an_order_is_one_that_play_knows(name: str) -> None:
    shot = shots.find(name)
    assert (shot.method, shot.route) in {(route.method, route.path) for route in routes()}
    assert len(read(name)) == len(read(name, Aim("h:1", 7, None))) == len(TOKENS)


def test_two_neighbours_add_each_other() -> None:
    assert [body["friend"] for body in read("friend")] == [102, 101, 102]
    assert neighbours(TOKENS[:2]) == [102, 101]


def test_a_card_goes_to_a_neighbour_of_the_rounds_season_under_the_runs_key() -> None:
    bodies = read("gift")
    assert [(body["to"], body["kind"], body["season"]) for body in bodies] == [(102, 1, 3), (101, 2, 3), (102, 3, 3)]
    assert {body["key"] for body in bodies} == {body["key"] for body in read("combine")} == {key_of(AIM)}
    assert len(key_of(AIM)) == KEY_CHARS_MAX
    assert key_of(Aim("h:1", 7, None)) == "7-live"


def test_links_are_dealt_out_in_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert [body["link"] for body in read("claim")] == [NOBODYS] * 3
    (tmp_path / "links").write_text("1-1.5.aa\n1-2.5.bb\n")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "links"))
    assert [body["link"] for body in read("claim")] == ["1-1.5.aa", "1-2.5.bb", "1-1.5.aa"]


def test_a_payout_that_follows_a_win_has_the_awards_key() -> None:
    people = People(AIM, TOKENS)
    ((place, request),) = shots.find("payout").follow(people, 1, "7-12", 1)
    assert (place, request.partition(b"\r\n\r\n")[2]) == (1, b'{"key":"7-12","fen":1}')
    assert shots.find("payout").follow(people, 1, "", 1) == []


@pytest.mark.parametrize(("token", "uid"), [(b"7.9.ff", 7), (b"x.9.ff", 0), (b"", 0), (b"007.9", 0), (b"\xff.1", 0)])
def test_whose_a_token_is(token: bytes, uid: int) -> None:
    assert uid_of(token) == uid


def refusal(code: str) -> bytes:
    return b'{"error":{"code":"%s","message":"x","effect":"none"}}' % code.encode()


@pytest.mark.parametrize(
    ("name", "status", "body", "outcome"),
    [
        ("friend", 200, b'{"friend":2,"state":"asked"}', "asked"),
        ("friend", 200, b'{"friend":2,"state":"tied"}', "tied"),
        ("friend", 202, b'{"friend":2,"state":"pending"}', "pending"),
        ("friend", 409, refusal("self_tie"), "refused"),
        ("payout", 200, b'{"state":"processing"}', "ordered"),
        ("payout", 200, b'{"state":"paid"}', "paid"),
        ("payout", 200, b'{"state":"refused"}', "returned"),
        ("payout", 202, b'{"state":"pending"}', "pending"),
        ("payout", 409, refusal("insufficient"), "empty"),
        ("payout", 403, refusal("no_real_name"), "unnamed"),
        ("payout", 503, refusal("no_bank"), "bankless"),
        ("payout", 200, b"{}", "unknown"),
        ("gift", 200, b'{"state":"done","again":false}', "given"),
        ("gift", 200, b'{"state":"done","again":true}', "again"),
        ("gift", 409, refusal("card_not_owned"), "none"),
        ("gift", 404, refusal("unknown_season"), "closed"),
        ("combine", 200, b'{"state":"done"}', "combined"),
        ("combine", 409, refusal("kinds_missing"), "missing"),
        ("combine", 409, refusal("combined_already"), "again"),
        ("combine", 409, refusal("season_ended"), "closed"),
        ("claim", 200, b'{"state":"claimed","fen":3}', "claimed"),
        ("claim", 200, b'{"state":"claimed","fen":3,"again":true}', "again"),
        ("claim", 202, b'{"state":"pending"}', "pending"),
        ("claim", 409, refusal("share_exhausted"), "late"),
        ("claim", 410, refusal("share_expired"), "late"),
        ("claim", 409, refusal("own_share"), "own"),
        ("claim", 403, refusal("no_real_name"), "unnamed"),
        ("claim", 404, refusal("no_such_link"), "forged"),
        *((name, 503, refusal("degraded"), "refused") for name in BODIES),
        *((name, 500, b"", "unknown") for name in BODIES),
        *((name, 200, b"[]", "unknown") for name in BODIES),
        *((name, 202, b"{}", "unknown") for name in BODIES),
    ],
)
def test_the_meaning_of_an_answer(name: str, status: int, body: bytes, outcome: str) -> None:
    shot = shots.find(name)
    answer = shot.understand(status, body)
    assert shot.outcomes[(answer.code >> 10 & 0xFF) - 1] == outcome
    assert answer.code & STATUS_MASK == status
    assert bool(answer.code & EFFECT_NONE_BIT) is (b'"effect":"none"' in body)
    assert not answer.plain, "what an order did is not recognised by lookup"

"""Plays are found by their folder, and what cannot be one is refused in a sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from system.contract.errors import SettingsError
from system.play.parameters import LANE
from system.play.plays import Play, checked, plays, routes

WALLET = next(play for play in plays() if play.name == "wallet")


def test_every_folder_is_a_play_and_every_route_is_served() -> None:
    assert [play.name for play in plays()] == sorted(play.name for play in plays())
    assert "/v1/wallet" in {route.path for route in routes()}


@pytest.mark.parametrize(
    ("found", "says"),
    [
        pytest.param([("system.play.cards", None)], "system/play/cards/__init__.py:1: no PLAY", id="nothing"),
        pytest.param([("system.play.cards", WALLET)], "a play named 'wallet'", id="another's name"),
        pytest.param(
            [("system.play.wallet", WALLET), ("system.play.cards", Play("cards", "", WALLET.routes[:1]))],
            "GET /v1/wallet stands twice",
            id="a route twice",
        ),
        pytest.param(
            [("system.play.cards", Play("cards", "", (replace(WALLET.routes[0], path="/v1/x/{y}"),)))],
            "/v1/x/{y} has no parameter y; expected one of system.play.parameters for each",
            id="a path whose parameter has no bounds",
        ),
        pytest.param(
            [("system.play.cards", Play("cards", "", (replace(WALLET.routes[0], parameters=(LANE, LANE)),)))],
            "/v1/wallet declares a parameter twice",
            id="a parameter twice",
        ),
    ],
)
def test_what_is_no_play_is_refused(found: list[tuple[str, object]], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        checked(found)

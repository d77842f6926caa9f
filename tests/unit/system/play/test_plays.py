"""Plays are found by their folder, and what cannot be one is refused in a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from system.contract.errors import SettingsError
from system.play.parameters import LANE, Parameter
from system.play.plays import Play, checked, plays, routes

WALLET = next(play for play in plays() if play.name == "wallet")

ROUTE: Any = WALLET.routes[0]


def of(**more: Any) -> tuple[str, Play]:
    """A play of one route, in which something is wrong."""
    ours = {name: more.pop(name) for name in [*more] if name in Play.__slots__}
    return "system.play.cards", Play("cards", "", (replace(ROUTE, **more),), **ours)


def test_a_parameter_without_its_reading_or_its_schema_cannot_be_made() -> None:
    class Odd(Parameter[int]):
        name, says, default = "odd", "an odd number", 1

    with pytest.raises(TypeError, match="abstract methods"):
        Odd()  # type: ignore[abstract]


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
        pytest.param([("system.play.cards", Play("cards", "", ROUTE))], "its `routes` are no tuple", id="no tuple"),
        pytest.param([("system.play.cards", Play("cards", "", (("GET", "/v1/x"),)))], "of Route", id="no route"),
        pytest.param([of(tasks=(7,))], "its `tasks` are no tuple of coroutine", id="no task"),
        pytest.param([of(collectors=("x",))], "its `collectors` are no tuple of Prom", id="no collector"),
        pytest.param([of(pages=("/x",))], "its `pages` are no tuple of", id="no page"),
        pytest.param([of(setup=7)], "its `setup` cannot be called", id="no setup"),
        pytest.param([of(method="GTE")], "method 'GTE'; expected GET or POST", id="no method"),
        pytest.param([of(path="v1/x")], "path 'v1/x'; expected one that begins with /", id="no path"),
        pytest.param([of(path="/healthz")], "play itself serves /healthz", id="a path of every process"),
        pytest.param([of(who="users")], "who 'users'; expected one of user, operator, anybody", id="nobody"),
        pytest.param([of(answers=dict)], "`answers` is no model", id="answers no model"),
        pytest.param([of(body=dict)], "`body` is no model", id="takes no model"),
        pytest.param([of(errors=("short",))], "`errors` are no classes of XiuError", id="no error"),
        pytest.param([of(handler=None)], "cards/__init__.py:1: .*: its handler is no corou", id="nobody answers"),
        pytest.param([of(handler=str.strip)], "its handler is no coroutine function", id="no coroutine"),
    ],
)
def test_what_is_no_play_is_refused(found: list[tuple[str, object]], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        checked(found)
